-- Who was told of an alarm's begin and of its end: one row for each message that was delivered. Until now these were
-- two arrays and two times in `alarms`.

CREATE TABLE alarm_deliveries (
    alarm        bigint NOT NULL REFERENCES alarms ON DELETE CASCADE,
    event        text NOT NULL CHECK (event IN ('begin', 'end')),
    way          text,  -- number and scheme of a URL of NCRIC_NOTIFY_URLS, such as '1 (mailto)'
                        -- null: the event is closed, nobody is left to be told; also if nobody was to be told at all
    delivered_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (alarm, event, way)
);

-- The old columns have no time for each way: it is taken from the event's own, which the last way to be told has set.
INSERT INTO alarm_deliveries (alarm, event, way, delivered_at)
SELECT id, 'begin', unnest(begin_ways), coalesce(told_begin_at, now()) FROM alarms
UNION
SELECT id, 'end', unnest(end_ways), coalesce(told_end_at, now()) FROM alarms
UNION
SELECT id, 'begin', NULL, told_begin_at FROM alarms WHERE told_begin_at IS NOT NULL
UNION
SELECT id, 'end', NULL, told_end_at FROM alarms WHERE told_end_at IS NOT NULL;

ALTER TABLE alarms
    DROP COLUMN told_begin_at,
    DROP COLUMN told_end_at,  -- with it goes the index alarms_untold
    DROP COLUMN begin_ways,
    DROP COLUMN end_ways;

GRANT SELECT ON alarm_deliveries TO ncric_analyst;
