"""The questions of the tab "Alarms": which are open, which are over, and who was told."""

from typing import Final

import polars as pl

from console.queries import frame
from console.queries.files import UTC_TIME, paged
from ncric_core.store.database import Connection

ALARMS: Final = """
SELECT id, kind, scope, subject, datasource, message, began_at, ended_at,
       begin_ways, begin_closed, end_ways, end_closed
FROM alarms
CROSS JOIN LATERAL (
  SELECT array_agg(way ORDER BY delivered_at, way) FILTER (WHERE event = 'begin' AND way IS NOT NULL) AS begin_ways,
         count(*) FILTER (WHERE event = 'begin' AND way IS NULL) > 0 AS begin_closed,
         array_agg(way ORDER BY delivered_at, way) FILTER (WHERE event = 'end' AND way IS NOT NULL) AS end_ways,
         count(*) FILTER (WHERE event = 'end' AND way IS NULL) > 0 AS end_closed
  FROM alarm_deliveries
  WHERE alarm = id
) AS deliveries
WHERE (ended_at IS NULL) = %(lasting)s
  AND (%(kind)s::text IS NULL OR kind = %(kind)s)
  AND (%(feed)s::text IS NULL OR datasource = %(feed)s)
ORDER BY began_at DESC, id DESC
LIMIT %(limit)s OFFSET %(offset)s
"""

ALARMS_SCHEMA: Final = pl.Schema(
    {
        "id": pl.Int64(),
        "kind": pl.String(),
        "scope": pl.String(),
        "subject": pl.String(),
        "feed": pl.String(),
        "message": pl.String(),
        "began_at": UTC_TIME,
        "ended_at": UTC_TIME,
        "begin_ways": pl.List(pl.String),
        "begin_closed": pl.Boolean(),
        "end_ways": pl.List(pl.String),
        "end_closed": pl.Boolean(),
    }
)

ALARM_COUNTS: Final = """
SELECT kind, count(*) FILTER (WHERE ended_at IS NULL), count(*) FILTER (WHERE ended_at IS NOT NULL)
FROM alarms
WHERE %(feed)s::text IS NULL OR datasource = %(feed)s
GROUP BY kind
ORDER BY kind
"""

ALARM_COUNTS_SCHEMA: Final = pl.Schema({"kind": pl.String(), "lasting": pl.Int64(), "over": pl.Int64()})


def alarms(connection: Connection, *, lasting: bool, kind: str | None, feed: str | None, page: int) -> pl.DataFrame:
    """Returns a page of the alarms that are open (`lasting`) or over, the newest first: ALARMS_SCHEMA."""
    given = {"lasting": lasting, "kind": kind, "feed": feed}
    return frame(connection, ALARMS, paged(given, page), ALARMS_SCHEMA)


def alarm_counts(connection: Connection, feed: str | None) -> pl.DataFrame:
    """Counts the alarms of each kind that are open, and those that are over: ALARM_COUNTS_SCHEMA."""
    return frame(connection, ALARM_COUNTS, {"feed": feed}, ALARM_COUNTS_SCHEMA)
