-- A store as of migration 0004 with a few reads of two files, dumped (pg_dump --inserts) by the version of that time.
SET check_function_bodies = false;
SET client_min_messages = warning;
CREATE FUNCTION public.counts_between(since timestamp with time zone, until timestamp with time zone) RETURNS TABLE(agency integer, datasource text, camera_id text, at timestamp with time zone, last_hour timestamp with time zone, reads bigint)
    LANGUAGE sql STABLE
    AS $$
    WITH ends AS MATERIALIZED (
        SELECT first, greatest(last, first) AS last,
               least(first::timestamp AT TIME ZONE 'America/Los_Angeles', until) AS first_at,
               greatest(last, first)::timestamp AT TIME ZONE 'America/Los_Angeles' AS last_at
        FROM (
            SELECT ((since AT TIME ZONE 'America/Los_Angeles') + interval '1 day' - interval '1 microsecond')::date AS first,
                   (until AT TIME ZONE 'America/Los_Angeles')::date AS last
        ) AS days
    )
    SELECT d.agency, d.datasource, d.camera_id, d.day::timestamp AT TIME ZONE 'America/Los_Angeles', d.last_hour, d.reads
    FROM read_days d
    WHERE d.day >= (SELECT first FROM ends) AND d.day < (SELECT last FROM ends)
      AND NOT EXISTS (SELECT FROM days_changed c WHERE c.day = d.day)
    UNION ALL
    SELECT r.agency, r.datasource, r.camera_id, c.day::timestamp AT TIME ZONE 'America/Los_Angeles', r.hour, r.reads
    FROM days_changed c
    JOIN read_counts r ON r.hour >= c.day::timestamp AT TIME ZONE 'America/Los_Angeles'
                      AND r.hour < (c.day + 1)::timestamp AT TIME ZONE 'America/Los_Angeles'
    WHERE c.day >= (SELECT first FROM ends) AND c.day < (SELECT last FROM ends) AND r.reads > 0
    UNION ALL
    SELECT r.agency, r.datasource, r.camera_id, r.hour, r.hour, r.reads
    FROM read_counts r
    WHERE r.hour >= since AND r.hour < (SELECT first_at FROM ends) AND r.reads > 0
    UNION ALL
    SELECT r.agency, r.datasource, r.camera_id, r.hour, r.hour, r.reads
    FROM read_counts r
    WHERE r.hour >= (SELECT last_at FROM ends) AND r.hour < until AND r.reads > 0
$$;
CREATE FUNCTION public.log_agency_name_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.note_days() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO days_changed
    SELECT DISTINCT (hour AT TIME ZONE 'America/Los_Angeles')::date FROM (SELECT DISTINCT hour FROM changed) AS hours
    ORDER BY 1  -- in this order two loads wait for one another rather than deadlock
    ON CONFLICT (day) DO UPDATE SET day = EXCLUDED.day;
    RETURN NULL;
END $$;
CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TABLE public.ol_agency (
    entity_set text NOT NULL,
    id text NOT NULL,
    as_of timestamp with time zone NOT NULL,
    loaded_at timestamp with time zone DEFAULT now() NOT NULL,
    ol_name text,
    ol_acronym text,
    ol_agencyname text,
    publicsafety_agencyname text,
    ol_type text,
    ol_datasource text
);
CREATE VIEW public."NCRICAgencies" WITH (security_invoker='true') AS
 SELECT id,
    as_of,
    loaded_at,
    ol_name,
    ol_acronym,
    ol_agencyname,
    publicsafety_agencyname,
    ol_type,
    ol_datasource
   FROM public.ol_agency
  WHERE (entity_set = 'NCRICAgencies'::text);
CREATE TABLE public.ol_collectedby (
    entity_set text NOT NULL,
    source_set text NOT NULL,
    source_id text NOT NULL,
    target_set text NOT NULL,
    target_id text NOT NULL,
    as_of timestamp with time zone NOT NULL,
    loaded_at timestamp with time zone DEFAULT now() NOT NULL,
    link_id text,
    ol_datelogged timestamp with time zone,
    general_datetime timestamp with time zone,
    ol_datasource text,
    ol_type text
);
CREATE VIEW public."NCRICCollectedBy" WITH (security_invoker='true') AS
 SELECT source_set,
    source_id,
    target_set,
    target_id,
    as_of AS event_time,
    loaded_at,
    link_id,
    ol_datelogged,
    general_datetime,
    ol_datasource,
    ol_type
   FROM public.ol_collectedby
  WHERE (entity_set = 'NCRICCollectedBy'::text);
CREATE TABLE public.ol_confidencemetrics (
    entity_set text NOT NULL,
    id text NOT NULL,
    as_of timestamp with time zone NOT NULL,
    loaded_at timestamp with time zone DEFAULT now() NOT NULL,
    ol_confidence double precision,
    ol_name text,
    ol_type text,
    ol_datasource text
);
CREATE VIEW public."NCRICConfidenceMetrics" WITH (security_invoker='true') AS
 SELECT id,
    as_of,
    loaded_at,
    ol_confidence,
    ol_name,
    ol_type,
    ol_datasource
   FROM public.ol_confidencemetrics
  WHERE (entity_set = 'NCRICConfidenceMetrics'::text);
CREATE TABLE public.ol_has (
    entity_set text NOT NULL,
    source_set text NOT NULL,
    source_id text NOT NULL,
    target_set text NOT NULL,
    target_id text NOT NULL,
    as_of timestamp with time zone NOT NULL,
    loaded_at timestamp with time zone DEFAULT now() NOT NULL,
    link_id text,
    ol_datelogged timestamp with time zone,
    general_datetime timestamp with time zone,
    ol_datasource text,
    ol_type text
);
CREATE VIEW public."NCRICHas" WITH (security_invoker='true') AS
 SELECT source_set,
    source_id,
    target_set,
    target_id,
    as_of AS event_time,
    loaded_at,
    link_id,
    ol_datelogged,
    general_datetime,
    ol_datasource,
    ol_type
   FROM public.ol_has
  WHERE (entity_set = 'NCRICHas'::text);
CREATE TABLE public.ol_imagesource (
    entity_set text NOT NULL,
    id text NOT NULL,
    as_of timestamp with time zone NOT NULL,
    loaded_at timestamp with time zone DEFAULT now() NOT NULL,
    ol_name text,
    ol_type text,
    ol_resourceid text,
    ol_datasource text,
    ol_locationcoordinates_lat double precision,
    ol_locationcoordinates_lon double precision
);
CREATE VIEW public."NCRICImageSources" WITH (security_invoker='true') AS
 SELECT id,
    as_of,
    loaded_at,
    ol_name,
    ol_type,
    ol_resourceid,
    ol_datasource,
    ol_locationcoordinates_lat,
    ol_locationcoordinates_lon
   FROM public.ol_imagesource
  WHERE (entity_set = 'NCRICImageSources'::text);
CREATE TABLE public.ol_locatedat (
    entity_set text NOT NULL,
    source_set text NOT NULL,
    source_id text NOT NULL,
    target_set text NOT NULL,
    target_id text NOT NULL,
    as_of timestamp with time zone NOT NULL,
    loaded_at timestamp with time zone DEFAULT now() NOT NULL,
    link_id text,
    ol_datelogged timestamp with time zone,
    general_datetime timestamp with time zone,
    ol_datasource text,
    ol_type text
);
CREATE VIEW public."NCRICLocatedAt" WITH (security_invoker='true') AS
 SELECT source_set,
    source_id,
    target_set,
    target_id,
    as_of AS event_time,
    loaded_at,
    link_id,
    ol_datelogged,
    general_datetime,
    ol_datasource,
    ol_type
   FROM public.ol_locatedat
  WHERE (entity_set = 'NCRICLocatedAt'::text);
CREATE TABLE public.ol_location (
    entity_set text NOT NULL,
    id text NOT NULL,
    as_of timestamp with time zone NOT NULL,
    loaded_at timestamp with time zone DEFAULT now() NOT NULL,
    ol_name text,
    ol_type text,
    ol_locationcoordinates_lat double precision,
    ol_locationcoordinates_lon double precision
);
CREATE VIEW public."NCRICLocations" WITH (security_invoker='true') AS
 SELECT id,
    as_of,
    loaded_at,
    ol_name,
    ol_type,
    ol_locationcoordinates_lat,
    ol_locationcoordinates_lon
   FROM public.ol_location
  WHERE (entity_set = 'NCRICLocations'::text);
CREATE TABLE public.ol_notification (
    entity_set text NOT NULL,
    id text NOT NULL,
    as_of timestamp with time zone NOT NULL,
    loaded_at timestamp with time zone DEFAULT now() NOT NULL,
    general_datetime timestamp with time zone,
    ol_datelogged timestamp with time zone,
    ol_name text,
    ol_type text,
    ol_resourceid text,
    ol_datasource text
);
CREATE VIEW public."NCRICNotifications" WITH (security_invoker='true') AS
 SELECT id,
    as_of,
    loaded_at,
    general_datetime,
    ol_datelogged,
    ol_name,
    ol_type,
    ol_resourceid,
    ol_datasource
   FROM public.ol_notification
  WHERE (entity_set = 'NCRICNotifications'::text);
CREATE TABLE public.agencies (
    id integer NOT NULL,
    name text NOT NULL,
    name_key text NOT NULL,
    organization integer NOT NULL,
    unmapped boolean NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.entity_sets (
    name text NOT NULL,
    view_name text NOT NULL,
    entity_type text NOT NULL,
    entity_type_id uuid,
    agency integer,
    organization integer NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.ol_recordedby (
    entity_set text NOT NULL,
    source_set text NOT NULL,
    source_id text NOT NULL,
    target_set text NOT NULL,
    target_id text NOT NULL,
    as_of timestamp with time zone NOT NULL,
    loaded_at timestamp with time zone DEFAULT now() NOT NULL,
    link_id text,
    ol_datelogged timestamp with time zone,
    general_datetime timestamp with time zone,
    ol_datasource text,
    ol_type text
);
CREATE TABLE public.vehicle_records (
    event_time timestamp with time zone NOT NULL,
    loaded_at timestamp with time zone DEFAULT now() NOT NULL,
    file_id bigint,
    latitude double precision,
    longitude double precision,
    agency integer NOT NULL,
    id text NOT NULL,
    plate text,
    plate_normalized text,
    camera_id text,
    camera_name text,
    agency_id text,
    agency_name text,
    datasource text,
    vehicle_model text,
    publicsafety_agencyname text,
    ol_resourceid text,
    ol_type text
)
PARTITION BY RANGE (event_time);
CREATE VIEW public."NCRICRecordedBy" WITH (security_invoker='true') AS
 SELECT ol_recordedby.source_set,
    ol_recordedby.source_id,
    ol_recordedby.target_set,
    ol_recordedby.target_id,
    ol_recordedby.as_of AS event_time,
    ol_recordedby.loaded_at,
    ol_recordedby.link_id,
    ol_recordedby.ol_datelogged,
    ol_recordedby.general_datetime,
    ol_recordedby.ol_datasource,
    ol_recordedby.ol_type
   FROM public.ol_recordedby
  WHERE (ol_recordedby.entity_set = 'NCRICRecordedBy'::text)
UNION ALL
 SELECT s.name AS source_set,
    r.id AS source_id,
    'NCRICImageSources'::text AS target_set,
    r.camera_id AS target_id,
    r.event_time,
    r.loaded_at,
    NULL::text AS link_id,
    NULL::timestamp with time zone AS ol_datelogged,
    NULL::timestamp with time zone AS general_datetime,
    NULL::text AS ol_datasource,
    NULL::text AS ol_type
   FROM (public.vehicle_records r
     JOIN public.entity_sets s ON ((s.agency = r.agency)))
  WHERE (r.camera_id IS NOT NULL)
UNION ALL
 SELECT s.name AS source_set,
    r.id AS source_id,
    'NCRICAgencies'::text AS target_set,
    r.agency_id AS target_id,
    r.event_time,
    r.loaded_at,
    NULL::text AS link_id,
    NULL::timestamp with time zone AS ol_datelogged,
    NULL::timestamp with time zone AS general_datetime,
    NULL::text AS ol_datasource,
    NULL::text AS ol_type
   FROM (public.vehicle_records r
     JOIN public.entity_sets s ON ((s.agency = r.agency)))
  WHERE (r.agency_id IS NOT NULL)
UNION ALL
 SELECT s.name AS source_set,
    r.id AS source_id,
    'NCRICStandardizedAgencies'::text AS target_set,
    a.name AS target_id,
    r.event_time,
    r.loaded_at,
    NULL::text AS link_id,
    NULL::timestamp with time zone AS ol_datelogged,
    NULL::timestamp with time zone AS general_datetime,
    NULL::text AS ol_datasource,
    NULL::text AS ol_type
   FROM ((public.vehicle_records r
     JOIN public.entity_sets s ON ((s.agency = r.agency)))
     JOIN public.agencies a ON ((a.id = r.agency)));
CREATE TABLE public.ol_resultsin (
    entity_set text NOT NULL,
    source_set text NOT NULL,
    source_id text NOT NULL,
    target_set text NOT NULL,
    target_id text NOT NULL,
    as_of timestamp with time zone NOT NULL,
    loaded_at timestamp with time zone DEFAULT now() NOT NULL,
    link_id text,
    ol_datelogged timestamp with time zone,
    general_datetime timestamp with time zone,
    ol_datasource text,
    ol_type text
);
CREATE VIEW public."NCRICResultsIn" WITH (security_invoker='true') AS
 SELECT source_set,
    source_id,
    target_set,
    target_id,
    as_of AS event_time,
    loaded_at,
    link_id,
    ol_datelogged,
    general_datetime,
    ol_datasource,
    ol_type
   FROM public.ol_resultsin
  WHERE (entity_set = 'NCRICResultsIn'::text);
CREATE VIEW public."NCRICStandardizedAgencies" WITH (security_invoker='true') AS
 SELECT id,
    as_of,
    loaded_at,
    ol_name,
    ol_acronym,
    ol_agencyname,
    publicsafety_agencyname,
    ol_type,
    ol_datasource
   FROM public.ol_agency
  WHERE (entity_set = 'NCRICStandardizedAgencies'::text);
CREATE VIEW public."NCRICVehicleRecordsAthertonPD" WITH (security_invoker='true') AS
 SELECT event_time,
    loaded_at,
    latitude,
    longitude,
    id,
    plate,
    plate_normalized,
    camera_id,
    camera_name,
    agency_id,
    agency_name,
    datasource,
    vehicle_model,
    publicsafety_agencyname,
    ol_resourceid,
    ol_type
   FROM public.vehicle_records
  WHERE (agency = 1);
CREATE VIEW public."NCRICVehicleRecordsFREMONTPOLICEDEPARTMENT" WITH (security_invoker='true') AS
 SELECT event_time,
    loaded_at,
    latitude,
    longitude,
    id,
    plate,
    plate_normalized,
    camera_id,
    camera_name,
    agency_id,
    agency_name,
    datasource,
    vehicle_model,
    publicsafety_agencyname,
    ol_resourceid,
    ol_type
   FROM public.vehicle_records
  WHERE (agency = 7);
CREATE VIEW public."NCRICVehicleRecordsFremontPD" WITH (security_invoker='true') AS
 SELECT event_time,
    loaded_at,
    latitude,
    longitude,
    id,
    plate,
    plate_normalized,
    camera_id,
    camera_name,
    agency_id,
    agency_name,
    datasource,
    vehicle_model,
    publicsafety_agencyname,
    ol_resourceid,
    ol_type
   FROM public.vehicle_records
  WHERE (agency = 2);
CREATE VIEW public."NCRICVehicleRecordsSantaClaraCountySheriff'sOffice" WITH (security_invoker='true') AS
 SELECT event_time,
    loaded_at,
    latitude,
    longitude,
    id,
    plate,
    plate_normalized,
    camera_id,
    camera_name,
    agency_id,
    agency_name,
    datasource,
    vehicle_model,
    publicsafety_agencyname,
    ol_resourceid,
    ol_type
   FROM public.vehicle_records
  WHERE (agency = 3);
CREATE TABLE public.activity (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    who text DEFAULT current_setting('ncric.user'::text) NOT NULL,
    what text NOT NULL,
    subject text NOT NULL,
    before jsonb,
    after jsonb,
    CONSTRAINT activity_who_check CHECK ((who <> ''::text))
);
ALTER TABLE public.activity ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.activity_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE public.agencies ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.agencies_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.agency_name_changes (
    id bigint NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    changed_by text NOT NULL,
    datasource text NOT NULL,
    name text NOT NULL,
    before text,
    after text
);
ALTER TABLE public.agency_name_changes ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.agency_name_changes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.alarms (
    id bigint NOT NULL,
    kind text NOT NULL,
    scope text NOT NULL,
    subject text NOT NULL,
    datasource text,
    agency integer,
    camera_id text,
    expected double precision,
    seen bigint,
    message text NOT NULL,
    began_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    told_begin_at timestamp with time zone,
    told_end_at timestamp with time zone,
    begin_ways text[] DEFAULT '{}'::text[] NOT NULL,
    end_ways text[] DEFAULT '{}'::text[] NOT NULL
);
ALTER TABLE public.alarms ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alarms_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.days_changed (
    day date NOT NULL
);
CREATE TABLE public.entity_types (
    name text NOT NULL,
    id uuid
);
CREATE TABLE public.loads (
    file_id bigint NOT NULL,
    agency_name text NOT NULL,
    agency integer NOT NULL,
    found integer NOT NULL,
    loaded integer DEFAULT 0 NOT NULL,
    waiting_since timestamp with time zone,
    done_at timestamp with time zone,
    error text,
    already_there integer GENERATED ALWAYS AS (
CASE
    WHEN (done_at IS NULL) THEN 0
    ELSE (found - loaded)
END) STORED NOT NULL,
    waiting integer GENERATED ALWAYS AS (
CASE
    WHEN (done_at IS NULL) THEN (found - loaded)
    ELSE 0
END) STORED NOT NULL,
    CONSTRAINT loads_check CHECK (((loaded >= 0) AND (loaded <= found)))
);
CREATE TABLE public.organizations (
    id integer NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE public.organizations ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.organizations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.read_counts (
    agency integer NOT NULL,
    datasource text NOT NULL,
    camera_id text NOT NULL,
    hour timestamp with time zone NOT NULL,
    reads bigint NOT NULL
);
CREATE TABLE public.read_days (
    day date NOT NULL,
    agency integer NOT NULL,
    datasource text NOT NULL,
    camera_id text NOT NULL,
    last_hour timestamp with time zone NOT NULL,
    reads bigint NOT NULL
);
CREATE TABLE public.source_files (
    id bigint NOT NULL,
    datasource text NOT NULL,
    key text NOT NULL,
    version text NOT NULL,
    size bigint NOT NULL,
    last_modified timestamp with time zone NOT NULL,
    window_start timestamp with time zone NOT NULL,
    window_end timestamp with time zone NOT NULL,
    found integer,
    photos integer DEFAULT 0 NOT NULL,
    bad_photos integer DEFAULT 0 NOT NULL,
    note text,
    read_at timestamp with time zone,
    superseded boolean DEFAULT false NOT NULL
);
CREATE VIEW public.reads WITH (security_invoker='true') AS
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
   FROM ((public.vehicle_records r
     JOIN public.agencies a ON ((a.id = r.agency)))
     LEFT JOIN public.source_files f ON ((f.id = r.file_id)));
CREATE TABLE public.received_names (
    datasource text NOT NULL,
    agency_name text NOT NULL,
    agency integer NOT NULL,
    reads bigint NOT NULL,
    first_seen timestamp with time zone NOT NULL,
    last_seen timestamp with time zone NOT NULL
);
CREATE TABLE public.rejects (
    file_id bigint NOT NULL,
    "position" bigint NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    received text NOT NULL,
    agency_name text,
    rejected_at timestamp with time zone DEFAULT now() NOT NULL,
    replayed_as text,
    replayed_at timestamp with time zone
);
CREATE TABLE public.schema_migrations (
    name text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.schema_model (
    sha256 text NOT NULL
);
ALTER TABLE public.source_files ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.source_files_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.standardized_agency_names (
    datasource text NOT NULL,
    name text NOT NULL,
    name_key text NOT NULL,
    standardized_agency_name text NOT NULL
);
CREATE TABLE public.standardized_agency_names_flock (
    network_id bigint NOT NULL,
    name text,
    standardized_agency_name text CONSTRAINT standardized_agency_names_flo_standardized_agency_name_not_null NOT NULL
);
CREATE TABLE public.vehicle_records_20221010 (
    event_time timestamp with time zone CONSTRAINT vehicle_records_event_time_not_null NOT NULL,
    loaded_at timestamp with time zone DEFAULT now() CONSTRAINT vehicle_records_loaded_at_not_null NOT NULL,
    file_id bigint,
    latitude double precision,
    longitude double precision,
    agency integer CONSTRAINT vehicle_records_agency_not_null NOT NULL,
    id text CONSTRAINT vehicle_records_id_not_null NOT NULL,
    plate text,
    plate_normalized text,
    camera_id text,
    camera_name text,
    agency_id text,
    agency_name text,
    datasource text,
    vehicle_model text,
    publicsafety_agencyname text,
    ol_resourceid text,
    ol_type text
);
ALTER TABLE ONLY public.vehicle_records ATTACH PARTITION public.vehicle_records_20221010 FOR VALUES FROM ('2022-10-10 00:00:00+00') TO ('2022-10-17 00:00:00+00');
INSERT INTO public.agencies OVERRIDING SYSTEM VALUE VALUES
	(1, 'Atherton PD', 'athertonpd', 1, false, '2026-11-28 07:16:29.623896+00'),
	(2, 'Fremont PD', 'fremontpd', 1, false, '2026-11-28 07:16:29.623896+00'),
	(3, 'Santa Clara County Sheriff''s Office', 'santaclaracountysheriff''soffice', 1, false, '2026-11-28 07:16:29.623896+00'),
	(7, 'FREMONT POLICE DEPARTMENT', 'fremontpolicedepartment', 1, true, '2026-11-28 07:16:37.779079+00');
INSERT INTO public.agency_name_changes OVERRIDING SYSTEM VALUE VALUES
	(1, '2026-11-28 07:16:35.45724+00', 'tester', 'BOSS4', 'ATHERTON POLICE DEPARTMENT', NULL, 'Atherton PD'),
	(2, '2026-11-28 07:16:35.693831+00', 'tester', 'FLOCK', '7', NULL, 'Fremont PD'),
	(3, '2026-11-28 07:16:37.504622+00', 'tester', 'FLOCK', '４７１１', NULL, 'Atherton PD'),
	(4, '2026-11-28 07:16:37.912567+00', 'tester', 'BOSS4', 'FREMONT POLICE DEPARTMENT', NULL, 'Fremont PD');
INSERT INTO public.alarms OVERRIDING SYSTEM VALUE VALUES
	(1, 'run_failed', 'deployment', 'boss4-hourly', NULL, NULL, NULL, NULL, NULL, 'boss4-hourly failed', '2022-10-11 10:00:00+00', NULL, '2022-10-11 10:01:00+00', NULL, '{"1 (mailto)"}', '{}');
INSERT INTO public.days_changed VALUES
	('2022-10-11');
INSERT INTO public.entity_sets VALUES
	('NCRICImageSources', 'NCRICImageSources', 'ol.imagesource', '6b513215-2566-491c-9d08-02a282f4123e', NULL, 1, '2026-11-28 07:16:29.623896+00'),
	('NCRICAgencies', 'NCRICAgencies', 'ol.agency', 'e33ad963-60fd-489d-8cdb-9faca522e18a', NULL, 1, '2026-11-28 07:16:29.623896+00'),
	('NCRICStandardizedAgencies', 'NCRICStandardizedAgencies', 'ol.agency', 'e33ad963-60fd-489d-8cdb-9faca522e18a', NULL, 1, '2026-11-28 07:16:29.623896+00'),
	('NCRICLocations', 'NCRICLocations', 'ol.location', NULL, NULL, 1, '2026-11-28 07:16:29.623896+00'),
	('NCRICConfidenceMetrics', 'NCRICConfidenceMetrics', 'ol.confidencemetrics', NULL, NULL, 1, '2026-11-28 07:16:29.623896+00'),
	('NCRICNotifications', 'NCRICNotifications', 'ol.notification', NULL, NULL, 1, '2026-11-28 07:16:29.623896+00'),
	('NCRICRecordedBy', 'NCRICRecordedBy', 'ol.recordedby', '9b44a35d-d414-4f7e-929a-92175017b809', NULL, 1, '2026-11-28 07:16:29.623896+00'),
	('NCRICCollectedBy', 'NCRICCollectedBy', 'ol.collectedby', '65416b16-626c-495a-9904-a22a4d113276', NULL, 1, '2026-11-28 07:16:29.623896+00'),
	('NCRICHas', 'NCRICHas', 'ol.has', NULL, NULL, 1, '2026-11-28 07:16:29.623896+00'),
	('NCRICLocatedAt', 'NCRICLocatedAt', 'ol.locatedat', NULL, NULL, 1, '2026-11-28 07:16:29.623896+00'),
	('NCRICResultsIn', 'NCRICResultsIn', 'ol.resultsin', NULL, NULL, 1, '2026-11-28 07:16:29.623896+00'),
	('NCRICVehicleRecordsAthertonPD', 'NCRICVehicleRecordsAthertonPD', 'ol.vehicle', '3c6dad54-c4b4-4dfb-bd8b-d8dd56e342ec', 1, 1, '2026-11-28 07:16:29.623896+00'),
	('NCRICVehicleRecordsFremontPD', 'NCRICVehicleRecordsFremontPD', 'ol.vehicle', '3c6dad54-c4b4-4dfb-bd8b-d8dd56e342ec', 2, 1, '2026-11-28 07:16:29.623896+00'),
	('NCRICVehicleRecordsSantaClaraCountySheriff''sOffice', 'NCRICVehicleRecordsSantaClaraCountySheriff''sOffice', 'ol.vehicle', '3c6dad54-c4b4-4dfb-bd8b-d8dd56e342ec', 3, 1, '2026-11-28 07:16:29.623896+00'),
	('NCRICVehicleRecordsFREMONTPOLICEDEPARTMENT', 'NCRICVehicleRecordsFREMONTPOLICEDEPARTMENT', 'ol.vehicle', '3c6dad54-c4b4-4dfb-bd8b-d8dd56e342ec', 7, 1, '2026-11-28 07:16:37.779079+00');
INSERT INTO public.entity_types VALUES
	('ol.vehicle', '3c6dad54-c4b4-4dfb-bd8b-d8dd56e342ec'),
	('ol.imagesource', '6b513215-2566-491c-9d08-02a282f4123e'),
	('ol.agency', 'e33ad963-60fd-489d-8cdb-9faca522e18a'),
	('ol.location', NULL),
	('ol.confidencemetrics', NULL),
	('ol.notification', NULL),
	('ol.recordedby', '9b44a35d-d414-4f7e-929a-92175017b809'),
	('ol.collectedby', '65416b16-626c-495a-9904-a22a4d113276'),
	('ol.has', NULL),
	('ol.locatedat', NULL),
	('ol.resultsin', NULL);
INSERT INTO public.loads VALUES
	(1, 'Fremont PD', 2, 1, 0, '2026-11-28 07:16:37.779079+00', NULL, NULL, DEFAULT, DEFAULT),
	(1, 'ATHERTON POLICE DEPARTMENT', 1, 2, 2, NULL, '2026-11-28 07:16:37.821435+00', NULL, DEFAULT, DEFAULT),
	(1, 'Santa Clara County Sheriff’s Office', 3, 1, 1, NULL, '2026-11-28 07:16:37.821435+00', NULL, DEFAULT, DEFAULT),
	(2, 'FREMONT POLICE DEPARTMENT', 7, 1, 1, NULL, '2026-11-28 07:16:37.821435+00', NULL, DEFAULT, DEFAULT),
	(2, 'ATHERTON POLICE DEPARTMENT', 1, 1, 0, NULL, '2026-11-28 07:16:37.821435+00', NULL, DEFAULT, DEFAULT);
INSERT INTO public.ol_agency VALUES
	('NCRICAgencies', 'CA0410100', '2022-10-11 08:00:00+00', '2026-11-28 07:16:37.821435+00', 'ATHERTON POLICE DEPARTMENT', 'APD', NULL, NULL, NULL, 'BOSS4'),
	('NCRICStandardizedAgencies', 'Atherton PD', '2022-10-11 08:00:00+00', '2026-11-28 07:16:37.821435+00', 'Atherton PD', NULL, NULL, NULL, NULL, NULL),
	('NCRICStandardizedAgencies', 'FREMONT POLICE DEPARTMENT', '2022-10-11 08:00:00+00', '2026-11-28 07:16:37.821435+00', 'FREMONT POLICE DEPARTMENT', NULL, NULL, NULL, NULL, NULL),
	('NCRICStandardizedAgencies', 'Santa Clara County Sheriff''s Office', '2022-10-11 08:00:00+00', '2026-11-28 07:16:37.821435+00', 'Santa Clara County Sheriff''s Office', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.ol_collectedby VALUES
	('NCRICCollectedBy', 'NCRICImageSources', '84', 'NCRICAgencies', 'CA0410100', '2022-10-11 08:00:00+00', '2026-11-28 07:16:37.821435+00', NULL, NULL, NULL, NULL, NULL),
	('NCRICCollectedBy', 'NCRICImageSources', '84', 'NCRICStandardizedAgencies', 'Atherton PD', '2022-10-11 08:00:00+00', '2026-11-28 07:16:37.821435+00', NULL, NULL, NULL, NULL, NULL),
	('NCRICCollectedBy', 'NCRICImageSources', '84', 'NCRICStandardizedAgencies', 'FREMONT POLICE DEPARTMENT', '2022-10-11 08:00:00+00', '2026-11-28 07:16:37.821435+00', NULL, NULL, NULL, NULL, NULL),
	('NCRICCollectedBy', 'NCRICImageSources', '84', 'NCRICStandardizedAgencies', 'Santa Clara County Sheriff''s Office', '2022-10-11 08:00:00+00', '2026-11-28 07:16:37.821435+00', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.ol_imagesource VALUES
	('NCRICImageSources', '84', '2022-10-11 08:00:00+00', '2026-11-28 07:16:37.821435+00', 'EB_AutoMall_from_Grimmer', NULL, NULL, 'BOSS4', 37.51, -121.95);
INSERT INTO public.organizations OVERRIDING SYSTEM VALUE VALUES
	(1, 'NCRIC', '2026-11-28 07:16:29.623896+00');
INSERT INTO public.read_counts VALUES
	(1, 'BOSS4', '84', '2022-10-11 08:00:00+00', 2),
	(3, 'BOSS4', '84', '2022-10-11 08:00:00+00', 1),
	(7, 'BOSS4', '84', '2022-10-11 08:00:00+00', 1);
INSERT INTO public.received_names VALUES
	('BOSS4', 'ATHERTON POLICE DEPARTMENT', 1, 2, '2022-10-11 08:00:01+00', '2022-10-11 08:00:02+00'),
	('BOSS4', 'FREMONT POLICE DEPARTMENT', 7, 1, '2022-10-11 08:59:00+00', '2022-10-11 08:59:00+00'),
	('BOSS4', 'Santa Clara County Sheriff’s Office', 3, 1, '2022-10-11 08:00:05+00', '2022-10-11 08:00:05+00');
INSERT INTO public.rejects VALUES
	(1, 3, 'too_old', '2000-01-01 08:00:04 in a file whose window ends 2022-10-11 08:15 UTC', '{"LPREventID":"4","eventDate":"2000-01-01","eventTime":"08:00:04","VehicleLicensePlateID":"7ABC004","LPRCameraID":"84","LPRCameraName":"EB_AutoMall_from_Grimmer","agencyName":"ATHERTON POLICE DEPARTMENT","agencyAcronym":"APD","agencyOriNumber":"CA0410100","LatitudeDegreeValue":"37","LatitudeMinuteValue":"30","LatitudeSecondValue":"36","LongitudeDegreeValue":"-121","LongitudeMinuteValue":"57","LongitudeSecondValue":"0"}', 'ATHERTON POLICE DEPARTMENT', '2026-11-28 07:16:37.779079+00', NULL, NULL),
	(3, 0, 'template_id', 'the read''s id is ${read.id}', '{"LPREventID":"${read.id}","eventDate":null,"eventTime":null,"VehicleLicensePlateID":null,"LPRCameraID":null,"LPRCameraName":null,"agencyName":null,"agencyAcronym":null,"agencyOriNumber":null,"LatitudeDegreeValue":null,"LatitudeMinuteValue":null,"LatitudeSecondValue":null,"LongitudeDegreeValue":null,"LongitudeMinuteValue":null,"LongitudeSecondValue":null}', 'No Agency Given', '2026-11-28 07:16:37.779079+00', NULL, NULL);
INSERT INTO public.schema_migrations VALUES
	('0001_store.sql', '2026-11-28 07:16:29.623896+00'),
	('0002_alarms.sql', '2026-11-28 07:16:29.623896+00'),
	('0003_console.sql', '2026-11-28 07:16:29.623896+00'),
	('0004_days.sql', '2026-11-28 07:16:29.623896+00');
INSERT INTO public.schema_model VALUES
	('0337909fa072a44adc610c57de00c518c60faba602e7c40fad2f1504a15b9042');
INSERT INTO public.source_files OVERRIDING SYSTEM VALUE VALUES
	(1, 'BOSS4', 'boss4/READS_x_2022-10-11_08-10-00_2022-10-11_08-15-00_1.json', '2633-1795850192015746319', 2633, '2026-11-28 07:16:32.015746+00', '2022-10-11 08:10:00+00', '2022-10-11 08:15:00+00', 5, 0, 0, NULL, '2026-11-28 07:16:37.840936+00', false),
	(2, 'BOSS4', 'boss4/READS_x_2022-10-11_08-10-00_2022-10-11_08-15-00_2.json', '1053-1795850192015858607', 1053, '2026-11-28 07:16:32.015859+00', '2022-10-11 08:10:00+00', '2022-10-11 08:15:00+00', 2, 0, 0, NULL, '2026-11-28 07:16:37.840936+00', false),
	(3, 'BOSS4', 'boss4/READS_x_2022-10-11_08-10-00_2022-10-11_08-15-00_3.json', '30-1795850192015916142', 30, '2026-11-28 07:16:32.015916+00', '2022-10-11 08:10:00+00', '2022-10-11 08:15:00+00', 1, 0, 0, NULL, '2026-11-28 07:16:37.840936+00', false);
INSERT INTO public.standardized_agency_names VALUES
	('BOSS4', 'ATHERTON POLICE DEPARTMENT', 'athertonpolicedepartment', 'Atherton PD'),
	('FLOCK', '４７１１', '4711', 'Atherton PD'),
	('BOSS4', 'FREMONT POLICE DEPARTMENT', 'fremontpolicedepartment', 'Fremont PD');
INSERT INTO public.standardized_agency_names_flock VALUES
	(7, NULL, 'Fremont PD');
INSERT INTO public.vehicle_records_20221010 VALUES
	('2022-10-11 08:00:01+00', '2026-11-28 07:16:37.821435+00', 1, 37.51, -121.95, 1, '1_BOSS4', '7ABC001', '7ABC001', '84', 'EB_AutoMall_from_Grimmer', 'CA0410100', 'ATHERTON POLICE DEPARTMENT', 'BOSS4', NULL, NULL, NULL, NULL),
	('2022-10-11 08:00:02+00', '2026-11-28 07:16:37.821435+00', 1, 37.51, -121.95, 1, '2_BOSS4', '7ABC002', '7ABC002', '84', 'EB_AutoMall_from_Grimmer', 'CA0410100', 'ATHERTON POLICE DEPARTMENT', 'BOSS4', NULL, NULL, NULL, NULL),
	('2022-10-11 08:00:05+00', '2026-11-28 07:16:37.821435+00', 1, 37.51, -121.95, 3, '5_BOSS4', '7ABC005', '7ABC005', '84', 'EB_AutoMall_from_Grimmer', 'CA0410100', 'Santa Clara County Sheriff’s Office', 'BOSS4', NULL, NULL, NULL, NULL),
	('2022-10-11 08:59:00+00', '2026-11-28 07:16:37.821435+00', 2, 37.51, -121.95, 7, '6_BOSS4', '7ABC006', '7ABC006', '84', 'EB_AutoMall_from_Grimmer', 'CA0410100', 'FREMONT POLICE DEPARTMENT', 'BOSS4', NULL, NULL, NULL, NULL);
SELECT pg_catalog.setval('public.activity_id_seq', 1, false);
SELECT pg_catalog.setval('public.agencies_id_seq', 8, true);
SELECT pg_catalog.setval('public.agency_name_changes_id_seq', 4, true);
SELECT pg_catalog.setval('public.alarms_id_seq', 1, true);
SELECT pg_catalog.setval('public.organizations_id_seq', 1, true);
SELECT pg_catalog.setval('public.source_files_id_seq', 3, true);
ALTER TABLE ONLY public.activity
    ADD CONSTRAINT activity_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.agencies
    ADD CONSTRAINT agencies_name_key UNIQUE (name);
ALTER TABLE ONLY public.agencies
    ADD CONSTRAINT agencies_name_key_key UNIQUE (name_key);
ALTER TABLE ONLY public.agencies
    ADD CONSTRAINT agencies_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.agency_name_changes
    ADD CONSTRAINT agency_name_changes_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.alarms
    ADD CONSTRAINT alarms_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.days_changed
    ADD CONSTRAINT days_changed_pkey PRIMARY KEY (day);
ALTER TABLE ONLY public.entity_sets
    ADD CONSTRAINT entity_sets_agency_key UNIQUE (agency);
ALTER TABLE ONLY public.entity_sets
    ADD CONSTRAINT entity_sets_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.entity_sets
    ADD CONSTRAINT entity_sets_view_name_key UNIQUE (view_name);
ALTER TABLE ONLY public.entity_types
    ADD CONSTRAINT entity_types_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.loads
    ADD CONSTRAINT loads_pkey PRIMARY KEY (file_id, agency_name);
ALTER TABLE ONLY public.ol_agency
    ADD CONSTRAINT ol_agency_pkey PRIMARY KEY (entity_set, id);
ALTER TABLE ONLY public.ol_collectedby
    ADD CONSTRAINT ol_collectedby_pkey PRIMARY KEY (entity_set, source_set, source_id, target_set, target_id);
ALTER TABLE ONLY public.ol_confidencemetrics
    ADD CONSTRAINT ol_confidencemetrics_pkey PRIMARY KEY (entity_set, id);
ALTER TABLE ONLY public.ol_has
    ADD CONSTRAINT ol_has_pkey PRIMARY KEY (entity_set, source_set, source_id, target_set, target_id);
ALTER TABLE ONLY public.ol_imagesource
    ADD CONSTRAINT ol_imagesource_pkey PRIMARY KEY (entity_set, id);
ALTER TABLE ONLY public.ol_locatedat
    ADD CONSTRAINT ol_locatedat_pkey PRIMARY KEY (entity_set, source_set, source_id, target_set, target_id);
ALTER TABLE ONLY public.ol_location
    ADD CONSTRAINT ol_location_pkey PRIMARY KEY (entity_set, id);
ALTER TABLE ONLY public.ol_notification
    ADD CONSTRAINT ol_notification_pkey PRIMARY KEY (entity_set, id);
ALTER TABLE ONLY public.ol_recordedby
    ADD CONSTRAINT ol_recordedby_pkey PRIMARY KEY (entity_set, source_set, source_id, target_set, target_id);
ALTER TABLE ONLY public.ol_resultsin
    ADD CONSTRAINT ol_resultsin_pkey PRIMARY KEY (entity_set, source_set, source_id, target_set, target_id);
ALTER TABLE ONLY public.organizations
    ADD CONSTRAINT organizations_name_key UNIQUE (name);
ALTER TABLE ONLY public.organizations
    ADD CONSTRAINT organizations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.read_counts
    ADD CONSTRAINT read_counts_pkey PRIMARY KEY (agency, datasource, camera_id, hour);
ALTER TABLE ONLY public.read_days
    ADD CONSTRAINT read_days_pkey PRIMARY KEY (day, agency, datasource, camera_id);
ALTER TABLE ONLY public.received_names
    ADD CONSTRAINT received_names_pkey PRIMARY KEY (datasource, agency_name, agency);
ALTER TABLE ONLY public.rejects
    ADD CONSTRAINT rejects_pkey PRIMARY KEY (file_id, "position");
ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.source_files
    ADD CONSTRAINT source_files_key_version_key UNIQUE (key, version);
ALTER TABLE ONLY public.source_files
    ADD CONSTRAINT source_files_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.standardized_agency_names_flock
    ADD CONSTRAINT standardized_agency_names_flock_pkey PRIMARY KEY (network_id);
ALTER TABLE ONLY public.standardized_agency_names
    ADD CONSTRAINT standardized_agency_names_pkey PRIMARY KEY (datasource, name_key);
ALTER TABLE ONLY public.vehicle_records
    ADD CONSTRAINT vehicle_records_pkey PRIMARY KEY (id, event_time);
ALTER TABLE ONLY public.vehicle_records_20221010
    ADD CONSTRAINT vehicle_records_20221010_pkey PRIMARY KEY (id, event_time);
CREATE INDEX activity_at ON public.activity USING btree (at);
CREATE INDEX alarms_began ON public.alarms USING btree (began_at);
CREATE UNIQUE INDEX alarms_open ON public.alarms USING btree (kind, scope, subject) WHERE (ended_at IS NULL);
CREATE INDEX alarms_untold ON public.alarms USING btree (id) WHERE (told_end_at IS NULL);
CREATE INDEX loads_agency ON public.loads USING btree (agency, agency_name);
CREATE INDEX loads_open ON public.loads USING btree (file_id) WHERE (done_at IS NULL);
CREATE INDEX read_counts_hour ON public.read_counts USING btree (hour);
CREATE INDEX rejects_reason ON public.rejects USING btree (reason) WHERE (replayed_at IS NULL);
CREATE INDEX source_files_newest ON public.source_files USING btree (window_end DESC, id DESC);
CREATE INDEX source_files_window ON public.source_files USING btree (datasource, window_end);
CREATE INDEX vehicle_records_time ON ONLY public.vehicle_records USING brin (event_time);
CREATE INDEX vehicle_records_20221010_event_time_idx ON public.vehicle_records_20221010 USING brin (event_time);
CREATE INDEX vehicle_records_plate ON ONLY public.vehicle_records USING btree (plate_normalized, event_time);
CREATE INDEX vehicle_records_20221010_plate_normalized_event_time_idx ON public.vehicle_records_20221010 USING btree (plate_normalized, event_time);
ALTER INDEX public.vehicle_records_time ATTACH PARTITION public.vehicle_records_20221010_event_time_idx;
ALTER INDEX public.vehicle_records_pkey ATTACH PARTITION public.vehicle_records_20221010_pkey;
ALTER INDEX public.vehicle_records_plate ATTACH PARTITION public.vehicle_records_20221010_plate_normalized_event_time_idx;
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.activity FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER log_change AFTER INSERT OR DELETE OR UPDATE ON public.standardized_agency_names FOR EACH ROW EXECUTE FUNCTION public.log_agency_name_change();
CREATE TRIGGER log_change AFTER INSERT OR DELETE OR UPDATE ON public.standardized_agency_names_flock FOR EACH ROW EXECUTE FUNCTION public.log_agency_name_change();
CREATE TRIGGER note_days_added AFTER INSERT ON public.read_counts REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.note_days();
CREATE TRIGGER note_days_changed AFTER UPDATE ON public.read_counts REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.note_days();
CREATE TRIGGER note_days_gone AFTER DELETE ON public.read_counts REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.note_days();
ALTER TABLE ONLY public.agencies
    ADD CONSTRAINT agencies_organization_fkey FOREIGN KEY (organization) REFERENCES public.organizations(id);
ALTER TABLE ONLY public.entity_sets
    ADD CONSTRAINT entity_sets_agency_fkey FOREIGN KEY (agency) REFERENCES public.agencies(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.entity_sets
    ADD CONSTRAINT entity_sets_entity_type_fkey FOREIGN KEY (entity_type) REFERENCES public.entity_types(name);
ALTER TABLE ONLY public.entity_sets
    ADD CONSTRAINT entity_sets_organization_fkey FOREIGN KEY (organization) REFERENCES public.organizations(id);
ALTER TABLE ONLY public.rejects
    ADD CONSTRAINT rejects_file_id_fkey FOREIGN KEY (file_id) REFERENCES public.source_files(id);
ALTER TABLE ONLY public.standardized_agency_names_flock
    ADD CONSTRAINT standardized_agency_names_flock_standardized_agency_name_fkey FOREIGN KEY (standardized_agency_name) REFERENCES public.agencies(name) ON UPDATE CASCADE;
ALTER TABLE ONLY public.standardized_agency_names
    ADD CONSTRAINT standardized_agency_names_standardized_agency_name_fkey FOREIGN KEY (standardized_agency_name) REFERENCES public.agencies(name) ON UPDATE CASCADE;
GRANT SELECT ON TABLE public.ol_imagesource TO ncric_analyst;
GRANT SELECT ON TABLE public.agencies TO ncric_analyst;
GRANT SELECT ON TABLE public.entity_sets TO ncric_analyst;
GRANT SELECT ON TABLE public.activity TO ncric_operator;
GRANT INSERT(what) ON TABLE public.activity TO ncric_operator;
GRANT INSERT(subject) ON TABLE public.activity TO ncric_operator;
GRANT INSERT(before) ON TABLE public.activity TO ncric_operator;
GRANT INSERT(after) ON TABLE public.activity TO ncric_operator;
GRANT SELECT ON TABLE public.agency_name_changes TO ncric_analyst;
GRANT SELECT ON TABLE public.alarms TO ncric_analyst;
GRANT SELECT ON TABLE public.days_changed TO ncric_analyst;
GRANT SELECT ON TABLE public.entity_types TO ncric_analyst;
GRANT SELECT ON TABLE public.loads TO ncric_analyst;
GRANT SELECT ON TABLE public.organizations TO ncric_analyst;
GRANT SELECT ON TABLE public.read_counts TO ncric_analyst;
GRANT SELECT ON TABLE public.read_days TO ncric_analyst;
GRANT SELECT ON TABLE public.source_files TO ncric_analyst;
GRANT SELECT ON TABLE public.received_names TO ncric_analyst;
GRANT SELECT ON TABLE public.rejects TO ncric_operator;
GRANT SELECT(file_id) ON TABLE public.rejects TO ncric_analyst;
GRANT SELECT("position") ON TABLE public.rejects TO ncric_analyst;
GRANT SELECT(reason) ON TABLE public.rejects TO ncric_analyst;
GRANT SELECT(detail) ON TABLE public.rejects TO ncric_analyst;
GRANT SELECT(agency_name) ON TABLE public.rejects TO ncric_analyst;
GRANT SELECT(rejected_at) ON TABLE public.rejects TO ncric_analyst;
GRANT SELECT(replayed_as) ON TABLE public.rejects TO ncric_analyst;
GRANT SELECT(replayed_at) ON TABLE public.rejects TO ncric_analyst;
GRANT SELECT ON TABLE public.standardized_agency_names TO ncric_analyst;
GRANT SELECT ON TABLE public.standardized_agency_names_flock TO ncric_analyst;
