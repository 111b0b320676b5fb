"""Read counts kept beside the reads, in the transaction of each load."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from ncric_core.deliveries import received_name
from ncric_core.store.database import Connection, array, rows

COUNTED: Final = pl.Schema(
    {
        "agency": pl.Int32(),
        "datasource": pl.String(),
        "camera_id": pl.String(),
        "agency_name": pl.String(),
        "agency_key": pl.String(),
        "event_time": pl.Datetime("us", "UTC"),
    }
)
"""What a read is counted by."""

_ADD_BY_HOUR: Final = """
INSERT INTO read_counts AS c (agency, datasource, camera_id, hour, reads)
SELECT * FROM unnest(%(agency)s::integer[], %(datasource)s::text[], %(camera_id)s::text[], %(hour)s::timestamptz[],
                     %(reads)s::bigint[])
ON CONFLICT (agency, datasource, camera_id, hour) DO UPDATE SET reads = c.reads + EXCLUDED.reads
"""

_ADD_BY_NAME: Final = """
INSERT INTO received_names AS n (datasource, agency_name, agency, reads, first_seen, last_seen)
SELECT * FROM unnest(%(datasource)s::text[], %(agency_name)s::text[], %(agency)s::integer[], %(reads)s::bigint[],
                     %(first)s::timestamptz[], %(last)s::timestamptz[])
ON CONFLICT (datasource, agency_name, agency) DO UPDATE
SET reads = n.reads + EXCLUDED.reads,
    first_seen = least(n.first_seen, EXCLUDED.first_seen),
    last_seen = greatest(n.last_seen, EXCLUDED.last_seen)
"""

_IN_HOURS: Final = """
SELECT c.datasource, c.agency, c.camera_id, h.week, h.band, sum(c.reads)::bigint
FROM unnest(%(hour)s::timestamptz[], %(week)s::integer[], %(band)s::integer[]) AS h (hour, week, band)
JOIN read_counts c ON c.hour = h.hour
WHERE (%(only)s::text[] IS NULL OR c.datasource = ANY (%(only)s)) AND c.datasource <> ALL (%(but)s::text[])
GROUP BY c.datasource, c.agency, c.camera_id, h.week, h.band
"""

READS_IN_HOURS: Final = pl.Schema(
    {
        "datasource": pl.String,
        "agency": pl.Int32,
        "camera_id": pl.String,
        "week": pl.Int32,
        "band": pl.Int32,
        "reads": pl.Int64,
    }
)
"""Reads of each camera in bands of hours."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What reads add to read_counts (`by_hour`) and to received_names (`by_name`).

    Both are in order of their keys, so that two loads wait for each other instead of deadlocking.
    """

    by_hour: pl.DataFrame
    by_name: pl.DataFrame


_BY_HOUR: Final = ("agency", "datasource", "camera_id", "hour")
_BY_NAME: Final = ("datasource", "agency_name", "agency")


def counts_of(reads: pl.DataFrame) -> Counts:
    """Counts reads. `reads` has the columns of COUNTED; agency_key may be missing if no read has one.

    `by_name` counts by received name, in the column agency_name.
    """
    reads = reads.with_columns(
        pl.col("datasource", "camera_id").fill_null(""), agency_name=received_name(reads.columns).fill_null("")
    )
    by_hour = (
        reads.group_by("agency", "datasource", "camera_id", hour=pl.col("event_time").dt.truncate("1h"))
        .agg(reads=pl.len().cast(pl.Int64))
        .sort(_BY_HOUR)
    )
    by_name = (
        reads.group_by(_BY_NAME)
        .agg(reads=pl.len().cast(pl.Int64), first=pl.col("event_time").min(), last=pl.col("event_time").max())
        .sort(_BY_NAME)
    )
    return Counts(by_hour, by_name)


def add_counts(connection: Connection, counts: Counts) -> None:
    """Adds counts of reads that were just inserted, in the caller's transaction."""
    with connection.cursor() as cursor:
        for statement, added in ((_ADD_BY_HOUR, counts.by_hour), (_ADD_BY_NAME, counts.by_name)):
            if added.height:
                cursor.execute(statement, {column.name: array(column) for column in added})


_FORGET_HOURS: Final = """
DELETE FROM read_counts c
USING unnest(%(agency)s::integer[], %(datasource)s::text[], %(camera_id)s::text[], %(hour)s::timestamptz[])
    AS k (agency, datasource, camera_id, hour)
WHERE c.agency = k.agency AND c.datasource = k.datasource AND c.camera_id = k.camera_id AND c.hour = k.hour
  AND c.reads = 0
"""


def exchange_counts(connection: Connection, before: Counts, after: Counts) -> None:
    """Takes off the counts of reads as they were, and adds those of the reads as they are now.

    Hours that have no reads any more are deleted. In the caller's transaction, which finds by key (`find_by_key`).
    """
    off, reads = -pl.col("reads"), pl.col("reads").sum()
    by_hour = pl.concat([before.by_hour.with_columns(off), after.by_hour]).group_by(_BY_HOUR).agg(reads)
    by_name = pl.concat([before.by_name.with_columns(off), after.by_name]).group_by(_BY_NAME)
    spans = by_name.agg(reads, pl.col("first").min(), pl.col("last").max())
    add_counts(connection, Counts(by_hour.filter(pl.col("reads") != 0).sort(_BY_HOUR), spans.sort(_BY_NAME)))
    fewer = by_hour.filter(pl.col("reads") < 0)
    if fewer.height:
        with connection.cursor() as cursor:
            cursor.execute(_FORGET_HOURS, {name: array(fewer[name]) for name in _BY_HOUR})


_SUM_UP: Final = """
INSERT INTO read_days (day, agency, datasource, camera_id, last_hour, reads)
SELECT %(day)s, agency, datasource, camera_id, max(hour), sum(reads)
FROM read_counts
WHERE hour >= %(day)s::timestamp AT TIME ZONE 'America/Los_Angeles'
  AND hour < (%(day)s + 1)::timestamp AT TIME ZONE 'America/Los_Angeles' AND reads > 0
GROUP BY agency, datasource, camera_id
"""


def sum_up_days(connection: Connection, before: date) -> int:
    """Sums up again the days (Pacific) before `before` whose hours have changed. Returns how many days.

    Each day is a transaction. Safe to stop, to run again, and to run twice at once, also while reads are loaded.
    """
    with connection:
        changed = rows(
            connection, "SELECT day FROM days_changed WHERE day < %(before)s ORDER BY day", {"before": before}
        )
    for (day,) in changed:
        with connection, connection.cursor() as cursor:
            # waits for loads that have changed the day; what they did is seen by the next statement
            cursor.execute("DELETE FROM days_changed WHERE day = %(day)s", {"day": day})
            if cursor.rowcount:  # else another has just summed it up
                cursor.execute("DELETE FROM read_days WHERE day = %(day)s", {"day": day})
                cursor.execute(_SUM_UP, {"day": day})
    return len(changed)


def reads_in_hours(
    connection: Connection, hours: pl.DataFrame, *, only: Sequence[str] | None = None, but: Sequence[str] = ()
) -> pl.DataFrame:
    """Counts the reads of each camera in bands of hours. Returns READS_IN_HOURS.

    `hours` has hour (Datetime UTC), and the week and band (Int32) in which that hour counts. `only` limits the
    datasources; `but` leaves some out.
    """
    given = {column.name: array(column) for column in hours}
    found = rows(connection, _IN_HOURS, given | {"only": None if only is None else [*only], "but": [*but]})
    return pl.DataFrame(found, READS_IN_HOURS, orient="row")
