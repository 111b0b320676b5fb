-- The books can say "deleted by retention", and the networks of a feed have numbers beside their names.

-- Reads of an entry that were loaded and deleted since, as their time to be kept was over:
-- found = loaded + expired + already there + waiting.
ALTER TABLE loads
    DROP COLUMN already_there,
    DROP COLUMN waiting,
    DROP CONSTRAINT loads_check,
    ADD COLUMN expired integer NOT NULL DEFAULT 0;
ALTER TABLE loads
    ADD COLUMN already_there integer NOT NULL
        GENERATED ALWAYS AS (CASE WHEN done_at IS NULL THEN 0 ELSE found - loaded - expired END) STORED,
    ADD COLUMN waiting integer NOT NULL
        GENERATED ALWAYS AS (CASE WHEN done_at IS NULL THEN found - loaded - expired ELSE 0 END) STORED,
    ADD CONSTRAINT loads_balance CHECK (loaded >= 0 AND expired >= 0 AND loaded + expired <= found);

-- Where a feed numbers its agencies' networks, the received name of a read (in loads, rejects and received_names) is that
-- number, in digits. A read keeps it beside the network's own name.
ALTER TABLE vehicle_records ADD COLUMN agency_key text;

-- The own name of each network, and when a read with that name was taken: an older read does not bring back a name that
-- the network had before.
CREATE TABLE networks (
    datasource text NOT NULL,
    number     text NOT NULL,
    name       text NOT NULL,
    as_of      timestamptz NOT NULL,
    PRIMARY KEY (datasource, number)
);
GRANT SELECT ON networks TO ncric_analyst;
