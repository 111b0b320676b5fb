-- The store: agencies and their data sets, reads, counts, and the books of everything that arrived.

CREATE TABLE organizations (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE agencies (
    id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL UNIQUE,
    name_key     text NOT NULL UNIQUE,  -- equal for spellings that are one name (ncric_core.agencies.name_key)
    organization integer NOT NULL REFERENCES organizations,
    unmapped     boolean NOT NULL,      -- made from a name never seen: waits for someone to say whose it is
    created_at   timestamptz NOT NULL DEFAULT now()
);

-- The types of edm.yaml, as of the last migration.
CREATE TABLE entity_types (
    name text PRIMARY KEY,
    id   uuid
);

CREATE TABLE entity_sets (
    name           text PRIMARY KEY,
    view_name      text NOT NULL UNIQUE,  -- the name, cut where PostgreSQL's 63 bytes do not hold it
    entity_type    text NOT NULL REFERENCES entity_types,
    entity_type_id uuid,
    agency         integer UNIQUE REFERENCES agencies ON DELETE CASCADE,
    organization   integer NOT NULL REFERENCES organizations,
    created_at     timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE standardized_agency_names (
    datasource               text NOT NULL,
    name                     text NOT NULL,
    name_key                 text NOT NULL,
    standardized_agency_name text NOT NULL REFERENCES agencies (name) ON UPDATE CASCADE,
    PRIMARY KEY (datasource, name_key)
);

CREATE TABLE standardized_agency_names_flock (
    network_id               bigint PRIMARY KEY,
    name                     text,
    standardized_agency_name text NOT NULL REFERENCES agencies (name) ON UPDATE CASCADE
);

-- Append-only history of both name tables, written by triggers so that no way of changing them escapes it.
CREATE TABLE agency_name_changes (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by text NOT NULL,
    datasource text NOT NULL,
    name       text NOT NULL,  -- the received name; for Flock the network id
    before     text,
    after      text
);

CREATE FUNCTION log_agency_name_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    old_row jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}' ELSE to_jsonb(OLD) END;
    new_row jsonb := CASE WHEN TG_OP = 'DELETE' THEN '{}' ELSE to_jsonb(NEW) END;
    row     jsonb := old_row || new_row;
BEGIN
    IF old_row IS DISTINCT FROM new_row THEN
        INSERT INTO agency_name_changes (changed_by, datasource, name, before, after)
        VALUES (
            coalesce(nullif(current_setting('ncric.user', true), ''), session_user),
            coalesce(row ->> 'datasource', 'FLOCK'),
            coalesce(row ->> 'network_id', row ->> 'name'),
            old_row ->> 'standardized_agency_name',
            new_row ->> 'standardized_agency_name'
        );
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER log_change AFTER INSERT OR UPDATE OR DELETE ON standardized_agency_names
    FOR EACH ROW EXECUTE FUNCTION log_agency_name_change();
CREATE TRIGGER log_change AFTER INSERT OR UPDATE OR DELETE ON standardized_agency_names_flock
    FOR EACH ROW EXECUTE FUNCTION log_agency_name_change();

-- All reads. Links are columns: camera_id, agency_id (as received), agency (standardised). No foreign keys: they cost a
-- look-up a read, and the load itself makes what they would check. Partitions are weeks from Monday, UTC.
CREATE TABLE vehicle_records (
    event_time       timestamptz NOT NULL,
    loaded_at        timestamptz NOT NULL DEFAULT now(),
    file_id          bigint,
    latitude         double precision,
    longitude        double precision,
    agency           integer NOT NULL,
    id               text NOT NULL,
    plate            text,
    plate_normalized text,
    camera_id        text,
    camera_name      text,
    agency_id        text,
    agency_name      text,
    datasource       text,
    vehicle_model    text,
    PRIMARY KEY (id, event_time)
) PARTITION BY RANGE (event_time);
CREATE INDEX vehicle_records_plate ON vehicle_records (plate_normalized, event_time);
CREATE INDEX vehicle_records_time ON vehicle_records USING brin (event_time);

-- Exact counts, kept in the transaction of each load.
CREATE TABLE read_counts (
    agency     integer NOT NULL,
    datasource text NOT NULL,
    camera_id  text NOT NULL,  -- '' where a read names none
    hour       timestamptz NOT NULL,
    reads      bigint NOT NULL,
    PRIMARY KEY (agency, datasource, camera_id, hour)
);

-- The names that agencies were received under, and where their reads are.
CREATE TABLE received_names (
    datasource  text NOT NULL,
    agency_name text NOT NULL,
    agency      integer NOT NULL,
    reads       bigint NOT NULL,
    first_seen  timestamptz NOT NULL,  -- event times
    last_seen   timestamptz NOT NULL,
    PRIMARY KEY (datasource, agency_name, agency)
);

CREATE TABLE source_files (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    datasource    text NOT NULL,
    key           text NOT NULL,
    version       text NOT NULL,  -- of the content: ETag, or size and modification time
    size          bigint NOT NULL,
    last_modified timestamptz NOT NULL,
    window_start  timestamptz NOT NULL,
    window_end    timestamptz NOT NULL,
    found         integer,        -- rows found; null until the file was read to its end and all its rows are in the books
    photos        integer NOT NULL DEFAULT 0,
    bad_photos    integer NOT NULL DEFAULT 0,
    note          text,
    read_at       timestamptz,
    superseded    boolean NOT NULL DEFAULT false,  -- the object was replaced by another version: this one cannot be read again
    UNIQUE (key, version)
);
CREATE INDEX source_files_window ON source_files (datasource, window_end);

-- File × agency (as received: a change of the name table then moves whole rows of this table, never part of one).
-- A tenth of the load is this table's, so no foreign key.
CREATE TABLE loads (
    file_id       bigint NOT NULL,
    agency_name   text NOT NULL,
    agency        integer NOT NULL,
    found         integer NOT NULL,
    loaded        integer NOT NULL DEFAULT 0 CHECK (loaded BETWEEN 0 AND found),
    waiting_since timestamptz,          -- when a job left it to the agency's own; null: taken, and not loaded if that run failed
    done_at       timestamptz,
    error         text,
    already_there integer NOT NULL GENERATED ALWAYS AS (CASE WHEN done_at IS NULL THEN 0 ELSE found - loaded END) STORED,
    waiting       integer NOT NULL GENERATED ALWAYS AS (CASE WHEN done_at IS NULL THEN found - loaded ELSE 0 END) STORED,
    PRIMARY KEY (file_id, agency_name)
);
CREATE INDEX loads_agency ON loads (agency, agency_name);

CREATE TABLE rejects (
    file_id     bigint NOT NULL REFERENCES source_files,
    position    bigint NOT NULL,  -- index of the row in its file, from 0
    reason      text NOT NULL,
    detail      text NOT NULL,
    received    text NOT NULL,    -- without photos
    agency_name text,
    rejected_at timestamptz NOT NULL DEFAULT now(),
    replayed_as text,             -- agency_name of the read that it became, when it was run again after a fix
    replayed_at timestamptz,
    PRIMARY KEY (file_id, position)
);
CREATE INDEX rejects_reason ON rejects (reason) WHERE replayed_at IS NULL;

CREATE VIEW reads WITH (security_invoker = true) AS
SELECT r.id AS vehicle_record_id,
       r.plate,
       r.plate_normalized,
       r.event_time,
       r.latitude,
       r.longitude,
       r.camera_id,
       r.camera_name,
       r.agency_id,
       r.agency_name,
       a.name AS standardized_agency_name,
       r.datasource,
       r.vehicle_model,
       r.loaded_at,
       f.key AS file_key
FROM vehicle_records r
JOIN agencies a ON a.id = r.agency
LEFT JOIN source_files f ON f.id = r.file_id;
