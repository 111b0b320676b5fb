-- What arrives again and says more, or something else, than what is in the store.

-- Of a read's row, only so many characters had arrived; null: all of it. Such a read gives way to one that says more.
ALTER TABLE vehicle_records ADD COLUMN cut_at integer;

-- Reads that were sent again with another plate. The one that came first stays, and what was sent later is noted here.
CREATE TABLE corrections (
    id         text NOT NULL,
    event_time timestamptz NOT NULL,
    plate      text NOT NULL,    -- as sent again; the read has the plate that stays
    file_id    bigint NOT NULL,  -- the first file that sent it
    seen_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, event_time, plate)
);
GRANT SELECT ON corrections TO ncric_operator;  -- plates are not for analysts
