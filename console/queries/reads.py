"""The questions of the page "Reads". They ask read_counts and received_names, never the reads themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from console.queries import frame
from ncric_core.alarms.habit import PACIFIC, compared_hours, habits, last_full_hour
from ncric_core.settings import Settings
from ncric_core.store.agencies import name_table
from ncric_core.store.alarms import Alarm
from ncric_core.store.counts import READS_IN_HOURS
from ncric_core.store.database import Connection, array, rows
from ncric_core.store.names import is_mapped

TIME: Final = pl.Datetime("us", "UTC")

# ---- at a glance

FEEDS: Final = """
SELECT datasource, max(last_seen), sum(reads)::bigint
FROM received_names
WHERE reads > 0
GROUP BY datasource
ORDER BY datasource
"""
FEED: Final = pl.Schema({"datasource": pl.String(), "last_read": TIME, "reads": pl.Int64()})
"""A feed, the time of its newest read, and the number of all its reads."""

READS_BETWEEN: Final = """
SELECT coalesce(sum(reads), 0)::bigint, count(DISTINCT agency) FILTER (WHERE reads > 0)
FROM read_counts
WHERE hour >= %(start)s AND hour < %(end)s
"""

AGENCIES_THAT_SEND: Final = "SELECT count(DISTINCT agency) FROM received_names WHERE reads > 0"

REJECTS_WAITING: Final = "SELECT count(*) FROM rejects WHERE replayed_at IS NULL"

NAMES_UNMAPPED: Final = """
SELECT n.datasource, n.agency_name
FROM received_names n
JOIN agencies a ON a.id = n.agency AND a.unmapped
WHERE n.reads > 0
"""

FEEDS_IN_HOURS: Final = """
SELECT c.datasource, 0, '', h.week, 0, sum(c.reads)::bigint
FROM unnest(%(hour)s::timestamptz[], %(week)s::integer[]) AS h (hour, week)
JOIN read_counts c ON c.hour = h.hour
WHERE c.datasource <> ALL (%(but)s::text[])
GROUP BY c.datasource, h.week
"""


@dataclass(frozen=True, slots=True)
class Usual:
    """The reads of a day up to an hour, and the usual number. Only `feeds`, whose habit is known, are counted."""

    until: datetime
    seen: int
    expected: float
    feeds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Glance:
    """The figures at the top of the page, as of a moment.

    `reads`, and the agencies `reporting`, are of its Pacific day; `sending` counts the agencies that ever sent a read.
    `rejects` and `names` are those that wait for a person.
    """

    reads: int
    reporting: int
    sending: int
    usual: Usual | None
    rejects: int
    names: int


def midnight_before(as_of: datetime) -> datetime:
    """Returns the start of the Pacific day that ends at a moment or contains it."""
    day = (as_of - timedelta(microseconds=1)).astimezone(PACIFIC)
    return day.replace(hour=0, minute=0, second=0, microsecond=0)


def feeds(connection: Connection) -> pl.DataFrame:
    """Returns the feeds that ever sent a read: FEED."""
    return frame(connection, FEEDS, {}, FEED)


def glance(connection: Connection, settings: Settings, as_of: datetime) -> Glance:
    """Returns what came on the Pacific day, compared with the habit, and what waits for a person."""
    span = {"start": midnight_before(as_of), "end": as_of}
    [(reads, reporting)] = rows(connection, READS_BETWEEN, span)
    [(sending,)] = rows(connection, AGENCIES_THAT_SEND)
    [(rejects,)] = rows(connection, REJECTS_WAITING)
    return Glance(reads, reporting, sending, usual(connection, settings, as_of), rejects, names_waiting(connection))


def names_waiting(connection: Connection) -> int:
    """Counts the received names with reads that nobody has mapped yet."""
    table = name_table(connection)
    return sum(not is_mapped(table, datasource, name) for datasource, name in rows(connection, NAMES_UNMAPPED))


def usual(connection: Connection, settings: Settings, as_of: datetime) -> Usual | None:
    """Compares the Pacific day's reads, up to its last full hour, with the feeds' habit. Returns None if none is known.

    Feeds with a lag of their own (NCRIC_FRESHNESS_LAG_HOURS) are left out: more of their reads may still come.
    """
    lags = settings.freshness_lag_hours
    end = last_full_hour(as_of, lags.usual)
    hours = round((end - midnight_before(as_of)).total_seconds() / 3600)
    if hours < 1:
        return None
    compared = compared_hours(end, settings.freshness_weeks).head(hours * (settings.freshness_weeks + 1))
    given = {name: array(compared[name]) for name in ("hour", "week")} | {"but": [feed for feed, _ in lags.by_feed]}
    found = frame(connection, FEEDS_IN_HOURS, given, READS_IN_HOURS)
    habit = habits(found, settings).filter(
        (pl.col("scope") == "feed") & (pl.col("hours") == 1) & (pl.col("weeks") >= settings.freshness_min_weeks)
    )
    if habit.is_empty():
        return None
    return Usual(end, int(habit["seen"].sum()), float(habit["expected"].sum()), tuple(habit["datasource"].sort()))


# ---- over time, and who sent it

OVER_HOURS: Final = """
SELECT agency, datasource, hour, sum(reads)::bigint
FROM read_counts
WHERE hour >= %(start)s AND hour < %(end)s
GROUP BY hour, agency, datasource
HAVING sum(reads) > 0
ORDER BY hour, datasource, agency
"""

OVER_DAYS: Final = """
SELECT agency, datasource, date_trunc(%(unit)s, at, %(zone)s) AS unit, sum(reads)::bigint
FROM (
    SELECT agency, datasource, at, sum(reads) AS reads
    FROM counts_between(%(start)s, %(end)s)
    GROUP BY agency, datasource, at
) AS days
GROUP BY agency, datasource, unit
ORDER BY unit, datasource, agency
"""
OVER: Final = pl.Schema({"agency": pl.Int32(), "datasource": pl.String(), "at": TIME, "reads": pl.Int64()})
"""The reads of an agency's feed in an hour, or in a Pacific day or week. `at` is when it begins."""

SENDERS: Final = """
SELECT a.id, a.name, a.unmapped, n.datasource, max(n.last_seen)
FROM agencies a
LEFT JOIN received_names n ON n.agency = a.id AND n.reads > 0
GROUP BY a.id, n.datasource
ORDER BY a.name, n.datasource
"""
SENDER: Final = pl.Schema(
    {"agency": pl.Int32(), "name": pl.String(), "unmapped": pl.Boolean(), "datasource": pl.String(), "last_read": TIME}
)
"""An agency's feed, and the time of its last read. An agency that never sent anything has one row, with nulls."""


def over_time(connection: Connection, *, start: datetime, end: datetime, unit: str) -> pl.DataFrame:
    """Counts the reads of each agency's feed by hour, day or week: OVER."""
    given = {"start": start, "end": end, "unit": unit, "zone": PACIFIC.key}
    return frame(connection, OVER_HOURS if unit == "hour" else OVER_DAYS, given, OVER)


def senders(connection: Connection) -> pl.DataFrame:
    """Returns all agencies and their feeds: SENDER."""
    return frame(connection, SENDERS, {}, SENDER)


ALARM_WORDS: Final = {"silent": "silent", "drop": "low"}
"""The page's words for kinds of alarms. Without an alarm the word is "fine"."""


def state_of(alarms: Sequence[Alarm], datasource: str, agency: int, camera_id: str | None = None) -> str:
    """Returns "silent", "low" or "fine" for an agency's feed or one of its cameras.

    An open alarm about the whole feed or agency counts for its parts too.
    """
    subjects = {datasource, f"{datasource}/{agency}"} | ({f"{datasource}/{agency}/{camera_id}"} if camera_id else set())
    kinds = {alarm.kind for alarm in alarms if alarm.subject in subjects}
    return next((word for kind, word in ALARM_WORDS.items() if kind in kinds), "fine")


# ---- one agency's feed

CAMERAS: Final = """
SELECT c.agency, c.datasource, c.camera_id, s.name, s.latitude, s.longitude, c.reads, c.last_hour
FROM (
    SELECT agency, datasource, camera_id, max(hour) AS last_hour,
           coalesce(sum(reads) FILTER (WHERE hour >= %(start)s AND hour < %(end)s), 0)::bigint AS reads
    FROM read_counts
    WHERE agency = %(agency)s AND datasource = %(datasource)s AND reads > 0
    GROUP BY agency, datasource, camera_id
) AS c
LEFT JOIN cameras s ON s.id = c.camera_id
ORDER BY c.reads DESC, c.camera_id
"""

CAMERAS_ON_MAP: Final = """
SELECT c.agency, c.datasource, c.camera_id, s.name, s.latitude, s.longitude, c.reads, c.last_hour
FROM (
    SELECT agency, datasource, camera_id, max(last_hour) AS last_hour, sum(reads)::bigint AS reads
    FROM counts_between(%(start)s, %(end)s)
    GROUP BY agency, datasource, camera_id
) AS c
JOIN cameras s ON s.id = c.camera_id
WHERE s.latitude IS NOT NULL AND s.longitude IS NOT NULL
ORDER BY c.reads DESC, c.camera_id
"""
CAMERA: Final = pl.Schema(
    {
        "agency": pl.Int32(),
        "datasource": pl.String(),
        "camera_id": pl.String(),
        "name": pl.String(),
        "latitude": pl.Float64(),
        "longitude": pl.Float64(),
        "reads": pl.Int64(),
        "last_hour": TIME,
    }
)
"""A camera, its place, its reads in the period, and the hour of its last read."""

FILES: Final = """
SELECT f.key, f.window_end, l.agency_name, l.found, l.loaded, l.already_there, l.waiting, coalesce(l.error, f.note)
FROM loads l
JOIN source_files f ON f.id = l.file_id
WHERE l.agency = %(agency)s AND f.datasource = %(datasource)s AND f.window_end <= %(end)s
ORDER BY f.window_end DESC, f.id DESC
LIMIT %(limit)s
"""
AGENCY_FILE: Final = pl.Schema(
    {
        "key": pl.String(),
        "window_end": TIME,
        "agency_name": pl.String(),
        "found": pl.Int32(),
        "loaded": pl.Int32(),
        "already_there": pl.Int32(),
        "waiting": pl.Int32(),
        "note": pl.String(),
    }
)
"""A file, and what became of an agency's rows in it under one received name."""

REJECTS: Final = """
SELECT r.reason, count(*) FILTER (WHERE r.replayed_at IS NULL), count(*), max(r.rejected_at)
FROM rejects r
JOIN source_files f ON f.id = r.file_id AND f.datasource = %(datasource)s
WHERE r.agency_name IN (
    SELECT agency_name FROM received_names WHERE agency = %(agency)s AND datasource = %(datasource)s
)
GROUP BY r.reason
ORDER BY 2 DESC, 1
"""
REASON: Final = pl.Schema({"reason": pl.String(), "waiting": pl.Int64(), "all": pl.Int64(), "latest": TIME})
"""The rejects of a reason: how many wait to be replayed, how many there are, and when the latest was rejected."""


def cameras(connection: Connection, *, agency: int, datasource: str, start: datetime, end: datetime) -> pl.DataFrame:
    """Returns all cameras of an agency's feed, also those without reads in the period: CAMERA."""
    given = {"agency": agency, "datasource": datasource, "start": start, "end": end}
    return frame(connection, CAMERAS, given, CAMERA)


def cameras_on_map(connection: Connection, *, start: datetime, end: datetime) -> pl.DataFrame:
    """Returns the cameras with a known place that sent reads in the period: CAMERA."""
    return frame(connection, CAMERAS_ON_MAP, {"start": start, "end": end}, CAMERA)


def files(connection: Connection, *, agency: int, datasource: str, end: datetime, limit: int) -> pl.DataFrame:
    """Returns the latest files with rows of an agency, the newest first: AGENCY_FILE."""
    return frame(
        connection, FILES, {"agency": agency, "datasource": datasource, "end": end, "limit": limit}, AGENCY_FILE
    )


def rejects(connection: Connection, *, agency: int, datasource: str) -> pl.DataFrame:
    """Counts the rejects of an agency's feed by reason: REASON."""
    return frame(connection, REJECTS, {"agency": agency, "datasource": datasource}, REASON)
