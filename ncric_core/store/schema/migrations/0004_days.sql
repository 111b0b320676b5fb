-- Counts summed up by day on Pacific clocks, so that a page that shows a year does not sum up its hours: exact at any
-- moment, as a day whose hours have changed since counts from its hours.

CREATE TABLE read_days (
    day        date NOT NULL,
    agency     integer NOT NULL,
    datasource text NOT NULL,
    camera_id  text NOT NULL,
    last_hour  timestamptz NOT NULL,  -- with reads
    reads      bigint NOT NULL,
    PRIMARY KEY (day, agency, datasource, camera_id)
);

-- Days whose hours have changed since they were summed up. Who changes hours holds their days' rows to the end of their
-- transaction, and who sums up a day takes its row away first: so no change falls between the two.
CREATE TABLE days_changed (day date PRIMARY KEY);

CREATE FUNCTION note_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO days_changed
    SELECT DISTINCT (hour AT TIME ZONE 'America/Los_Angeles')::date FROM (SELECT DISTINCT hour FROM changed) AS hours
    ORDER BY 1  -- in this order two loads wait for one another rather than deadlock
    ON CONFLICT (day) DO UPDATE SET day = EXCLUDED.day;
    RETURN NULL;
END $$;
CREATE TRIGGER note_days_added AFTER INSERT ON read_counts
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_days();
CREATE TRIGGER note_days_changed AFTER UPDATE ON read_counts
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_days();
CREATE TRIGGER note_days_gone AFTER DELETE ON read_counts
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_days();
INSERT INTO days_changed SELECT DISTINCT (hour AT TIME ZONE 'America/Los_Angeles')::date FROM read_counts;

-- The counts of [since, until): whole Pacific days (`at` is their midnight) as far as they reach, and single hours at both
-- ends; `last_hour` has reads. Small enough to become part of the query that asks it.
CREATE FUNCTION counts_between(since timestamptz, until timestamptz)
RETURNS TABLE (agency integer, datasource text, camera_id text, at timestamptz, last_hour timestamptz, reads bigint)
LANGUAGE sql STABLE AS $$
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

GRANT SELECT ON read_days, days_changed TO ncric_analyst;
