-- Who looks and who changes, as roles of the database, and what was changed.

-- The console binds each of its transactions to one of these (SET LOCAL ROLE), so that the database refuses what a page
-- forgets to. Analysts see counts, names and the states of files and runs; operators also rows as received, which hold
-- plates. Roles are the whole server's: another database of it may have made them, or be just making them.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ncric_analyst') THEN
        CREATE ROLE ncric_analyst NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ncric_operator') THEN
        CREATE ROLE ncric_operator NOLOGIN IN ROLE ncric_analyst;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    RAISE EXCEPTION 'the roles of the console are just being made for another database: run it again';
END $$;
GRANT ncric_analyst, ncric_operator TO CURRENT_USER;

GRANT SELECT ON organizations, agencies, entity_types, entity_sets, standardized_agency_names,
    standardized_agency_names_flock, agency_name_changes, read_counts, received_names, source_files, loads, alarms
    TO ncric_analyst;
GRANT SELECT (file_id, position, reason, detail, agency_name, rejected_at, replayed_as, replayed_at) ON rejects
    TO ncric_analyst;
GRANT SELECT ON rejects TO ncric_operator;

-- Every change and every rerun that a person asked for. A change begins with its entry here, under the person's role: who
-- may not enter it may not change anything.
CREATE TABLE activity (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT now(),
    who     text NOT NULL DEFAULT current_setting('ncric.user') CHECK (who <> ''),
    what    text NOT NULL,  -- names_changed, rerun, replay, job_paused …
    subject text NOT NULL,  -- what it was done to
    before  jsonb,
    after   jsonb
);
CREATE INDEX activity_at ON activity (at);
GRANT SELECT, INSERT (what, subject, before, after) ON activity TO ncric_operator;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON activity EXECUTE FUNCTION refuse_change();

-- The page of files looks for the newest, and for those that are not done; loads that are done are not in the index.
CREATE INDEX source_files_newest ON source_files (window_end DESC, id DESC);
CREATE INDEX loads_open ON loads (file_id) WHERE done_at IS NULL;
