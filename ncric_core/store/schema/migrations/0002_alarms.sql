-- What is not as it should be, from when to when, and who was told.

CREATE TABLE alarms (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind          text NOT NULL,  -- silent, drop, run_failed, agency_failed, not_started, overdue …
    scope         text NOT NULL,  -- what the subject is: feed, agency, camera, deployment …
    subject       text NOT NULL,  -- its key: BOSS4, BOSS4/17, BOSS4/17/84, boss4-hourly
    datasource    text,           -- the parts of the key, where it has them
    agency        integer,
    camera_id     text,
    expected      double precision,
    seen          bigint,
    message       text NOT NULL,
    began_at      timestamptz NOT NULL,
    ended_at      timestamptz,              -- null while it lasts
    told_begin_at timestamptz,              -- when the last of the ways of NOTIFY_URLS took it; also set if there are none
    told_end_at   timestamptz,              -- likewise; also set if nobody was told of the beginning
    begin_ways    text[] NOT NULL DEFAULT '{}',  -- the ways that took the beginning, and the end: a way that failed is
    end_ways      text[] NOT NULL DEFAULT '{}'   -- tried again without the others hearing it twice
);
CREATE UNIQUE INDEX alarms_open ON alarms (kind, scope, subject) WHERE ended_at IS NULL;
CREATE INDEX alarms_untold ON alarms (id) WHERE told_end_at IS NULL;
CREATE INDEX alarms_began ON alarms (began_at);

-- The last hours of all cameras, and the same hours of earlier weeks. Counting up does not touch this index.
CREATE INDEX read_counts_hour ON read_counts (hour);
