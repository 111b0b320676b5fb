-- When all deliveries of a feed were last compared with the ledger, so that in the hours after it only what is new is.

CREATE TABLE listings (
    datasource  text PRIMARY KEY,
    compared_at timestamptz NOT NULL  -- when the comparison began
);
GRANT SELECT ON listings TO ncric_analyst;

-- Files that were not read to their end are few, and are asked for every half hour.
CREATE INDEX source_files_unread ON source_files (datasource, id) WHERE found IS NULL;
