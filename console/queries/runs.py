"""The questions of the page "Runs": how much of each agency's day is loaded, and what the ledger has of a window."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl

from console.queries import frame
from ncric_core.jobs.named import SCHEDULE_ZONE
from ncric_core.store.database import Connection, rows
from ncric_core.windows import Window, whole_day

CELLS: Final = pl.Schema(
    {
        "agency": pl.String,
        "unmapped": pl.Boolean,  # the agency was made for a name that waits in the inbox
        "day": pl.Date,
        "state": pl.String,
        "feeds": pl.String,  # datasources, separated by ", "
        "found": pl.Int64,
        "loaded": pl.Int64,
        "already_there": pl.Int64,
        "waiting": pl.Int64,
        "hours_lacking": pl.Int64,
    }
)
"""What became of an agency's rows in the files that arrived on a day. `calendar` defines the states."""

DAY_STATES: Final = ("complete", "partial", "failed", "empty")

# An hour is lacking if none of the feed's files overlaps it. Hours after the newest file do not count: their files are
# still to come. Files of the next day are looked at too, because one may reach back over midnight.
_CELLS: Final = """
WITH files AS (
    SELECT id, datasource, found IS NULL AS unread, (window_end AT TIME ZONE %(zone)s)::date AS day
    FROM source_files
    WHERE NOT superseded AND window_end >= %(start)s AND window_end < %(end)s
),
arrived AS (
    SELECT datasource, range_agg(tstzrange(window_start, window_end, '[]')) AS times, max(window_end) AS newest
    FROM source_files
    WHERE window_end >= %(start)s AND window_end < %(end)s + interval '1 day'
    GROUP BY datasource
),
feed_days AS (
    SELECT d.datasource, d.day, count(*) FILTER (
        WHERE hour < a.newest AND NOT a.times && tstzrange(hour, hour + interval '1 hour')
    ) AS hours_lacking
    FROM (SELECT DISTINCT datasource, day FROM files) d
    JOIN arrived a USING (datasource)
    CROSS JOIN LATERAL generate_series(
        d.day::timestamp AT TIME ZONE %(zone)s,
        (d.day + 1)::timestamp AT TIME ZONE %(zone)s - interval '1 hour',
        interval '1 hour'
    ) AS hour
    GROUP BY d.datasource, d.day
),
sums AS (
    SELECT l.agency, f.datasource, f.day,
           sum(l.found) AS found, sum(l.loaded) AS loaded, sum(l.already_there) AS already_there,
           sum(l.waiting) AS waiting, bool_or(f.unread) AS unread,
           bool_or(l.error IS NOT NULL AND l.done_at IS NULL) AS failed
    FROM files f
    JOIN loads l ON l.file_id = f.id
    GROUP BY l.agency, f.datasource, f.day
)
SELECT a.name, a.unmapped, s.day,
       CASE WHEN bool_or(s.failed) THEN 'failed'
            WHEN bool_or(s.unread) OR sum(s.waiting) > 0 OR max(d.hours_lacking) > 0 THEN 'partial'
            ELSE 'complete' END,
       string_agg(s.datasource, ', ' ORDER BY s.datasource),
       sum(s.found)::bigint, sum(s.loaded)::bigint, sum(s.already_there)::bigint,
       sum(s.waiting)::bigint, max(d.hours_lacking)::bigint
FROM sums s
JOIN feed_days d USING (datasource, day)
JOIN agencies a ON a.id = s.agency
GROUP BY a.id, s.day
"""

_REPORTING: Final = """
SELECT a.name, a.unmapped, string_agg(DISTINCT n.datasource, ', ' ORDER BY n.datasource)
FROM received_names n JOIN agencies a ON a.id = n.agency
WHERE n.reads > 0
GROUP BY a.id
"""

_WINDOW: Final = """
SELECT count(*),
       count(*) FILTER (
           WHERE f.found IS NOT NULL AND NOT EXISTS (
               SELECT FROM loads l JOIN agencies a ON a.id = l.agency
               WHERE l.file_id = f.id AND l.done_at IS NULL
                 AND (cardinality(%(agencies)s::text[]) = 0 OR a.name = ANY (%(agencies)s::text[]))
                 AND a.name <> ALL (%(exclude)s::text[])
           )
       ),
       coalesce(sum(f.found), 0)::bigint
FROM source_files f
WHERE f.datasource = %(datasource)s AND NOT f.superseded
  AND f.window_end >= %(start)s AND f.window_end < %(end)s
"""


_FILES_WITH: Final = """
SELECT count(DISTINCT f.id)
FROM source_files f JOIN loads l ON l.file_id = f.id JOIN agencies a ON a.id = l.agency
WHERE NOT f.superseded AND f.window_end >= %(start)s AND f.window_end < %(end)s AND a.name = %(agency)s
"""


@dataclass(frozen=True, slots=True)
class WindowFiles:
    """The number of a window's files that the ledger knows, and of all rows found in them.

    `loaded` counts the files in which no rows of the agencies in question wait.
    """

    files: int
    loaded: int
    rows_found: int


def calendar(connection: Connection, first: date, last: date) -> pl.DataFrame:
    """Returns a row for each agency and day (CELLS), for all agencies that ever sent reads, those unmapped last.

    Days are from `first` to `last`, in the zone of the schedules. A file counts for the day on which its window ends.
    Jobs count in the same way, so that a rerun of a day reads the files that its cells count. The states:

    - *failed*: a run could not load rows of the agency, and they are still not loaded.
    - *partial*: rows of the agency wait, or a file with its rows was not read to the end, or its feed sent no file for
      some hours (only hours up to the feed's newest file count).
    - *complete*: all rows that arrived are loaded, were there already, or are rejects.
    - *empty*: no file of the day has a row of the agency.
    """
    whole = Window(whole_day(first, SCHEDULE_ZONE).start, whole_day(last, SCHEDULE_ZONE).end)
    given = {"start": whole.start, "end": whole.end, "zone": SCHEDULE_ZONE.key}
    found = frame(connection, _CELLS, given, CELLS)
    schema = {"agency": pl.String, "unmapped": pl.Boolean, "usual_feeds": pl.String}
    reporting = pl.DataFrame(rows(connection, _REPORTING), schema=schema, orient="row")
    days = pl.DataFrame({"day": [first + timedelta(days=n) for n in range((last - first).days + 1)]})
    keys = ["agency", "unmapped"]
    agencies = reporting.join(found.select(keys).unique(), on=keys, how="full", coalesce=True)
    grid = agencies.join(days, how="cross").join(found, on=[*keys, "day"], how="left")
    return grid.select(
        *keys,
        "day",
        pl.col("state").fill_null("empty"),
        pl.coalesce("feeds", "usual_feeds").alias("feeds"),
        pl.col("found", "loaded", "already_there", "waiting", "hours_lacking").fill_null(0),
    ).sort("unmapped", pl.col("agency").str.to_lowercase(), "agency", "day")


def files_with(connection: Connection, agency: str, day: date) -> int:
    """Counts the files of a day with rows of an agency. To count them for all cells would take longer than the rest."""
    window = whole_day(day, SCHEDULE_ZONE)
    found = rows(connection, _FILES_WITH, {"agency": agency, "start": window.start, "end": window.end})
    return int(found[0][0])


def files_of(
    connection: Connection, datasource: str, window: Window, agencies: Sequence[str], exclude: Sequence[str]
) -> WindowFiles:
    """Counts what the ledger has of a feed's window, for a job that takes `agencies` (empty: all) without `exclude`."""
    given = {
        "datasource": datasource,
        "start": window.start,
        "end": window.end,
        "agencies": list(agencies),
        "exclude": list(exclude),
    }
    return WindowFiles(*rows(connection, _WINDOW, given)[0])


def agencies(connection: Connection) -> list[str]:
    """Lists all agencies that a job can be limited to, unmapped ones too."""
    return [name for (name,) in rows(connection, "SELECT name FROM agencies ORDER BY lower(name), name")]
