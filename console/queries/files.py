"""The questions of the page "Files and rejects": the ledger in pages, and what became of a file."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import polars as pl

from console.queries import frame
from ncric_core.store.database import Connection, rows

PAGE: Final = 100  # rows of a table that the browser gets at once

UTC_TIME: Final = pl.Datetime("us", "UTC")


@dataclass(frozen=True, slots=True)
class FileFilter:
    """Which files: names that contain a text, of a feed, of a state, arrived in a window; None takes all."""

    search: str | None = None
    feed: str | None = None
    state: str | None = None
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """The books of many files: rows found = loaded + already there + rejected + waiting."""

    files: int
    found: int
    loaded: int
    already_there: int
    rejected: int
    waiting: int
    photos: int
    bad_photos: int


STATES: Final = {
    "done": "done",
    "waiting": "waiting",
    "unread": "not read yet",
    "failed": "failed",
    "replaced": "replaced",
}
"""States of a file in the ledger, in words: unread has rows that were never entered, as its run was killed; replaced
lies in the bucket with another content by now."""

FILES_SCHEMA: Final = pl.Schema(
    {
        "file_id": pl.Int64(),
        "feed": pl.String(),
        "key": pl.String(),
        "version": pl.String(),
        "size": pl.Int64(),
        "window_start": UTC_TIME,
        "window_end": UTC_TIME,
        "read_at": UTC_TIME,
        "note": pl.String(),
        "state": pl.String(),
        "found": pl.Int64(),
        "loaded": pl.Int64(),
        "already_there": pl.Int64(),
        "rejected": pl.Int64(),
        "waiting": pl.Int64(),
        "photos": pl.Int64(),
        "bad_photos": pl.Int64(),
    }
)

OPEN: Final = """
SELECT file_id, bool_or(error IS NOT NULL) FROM loads WHERE done_at IS NULL AND found > loaded GROUP BY file_id
"""

_CHOSEN: Final = """(
    (%(feed)s::text IS NULL OR f.datasource = %(feed)s)
    AND (%(search)s::text IS NULL OR position(%(search)s IN f.key) > 0)
    AND (%(start)s::timestamptz IS NULL OR f.window_end >= %(start)s)
    AND (%(end)s::timestamptz IS NULL OR f.window_end < %(end)s)
    AND CASE coalesce(%(state)s::text, 'any')
        WHEN 'any' THEN true
        WHEN 'replaced' THEN f.superseded
        WHEN 'unread' THEN NOT f.superseded AND f.found IS NULL
        WHEN 'failed' THEN NOT f.superseded AND f.found IS NOT NULL AND f.id = ANY (%(failed)s::bigint[])
        WHEN 'waiting' THEN NOT f.superseded AND f.found IS NOT NULL AND f.id = ANY (%(waiting)s::bigint[])
        WHEN 'done' THEN NOT f.superseded AND f.found IS NOT NULL
                         AND f.id <> ALL (%(failed)s::bigint[]) AND f.id <> ALL (%(waiting)s::bigint[])
        END
)"""

_BOOKS: Final = """
SELECT f.id, f.datasource, f.key, f.version, f.size, f.window_start, f.window_end, f.read_at, f.note,
       CASE WHEN f.superseded THEN 'replaced' WHEN f.found IS NULL THEN 'unread' WHEN l.failed THEN 'failed'
            WHEN l.waiting > 0 THEN 'waiting' ELSE 'done' END,
       f.found, coalesce(l.loaded, 0)::bigint, coalesce(l.already_there, 0)::bigint, r.rejected,
       coalesce(l.waiting, 0)::bigint, f.photos, f.bad_photos
FROM page f
LEFT JOIN LATERAL (
    SELECT sum(loaded) AS loaded, sum(already_there) AS already_there, sum(waiting) AS waiting,
           bool_or(error IS NOT NULL AND waiting > 0) AS failed
    FROM loads WHERE file_id = f.id
) l ON true
CROSS JOIN LATERAL (SELECT count(*) AS rejected FROM rejects WHERE file_id = f.id AND replayed_at IS NULL) r
ORDER BY f.window_end DESC, f.id DESC
"""

FILES: Final = f"""
WITH page AS (
    SELECT * FROM source_files f WHERE {_CHOSEN}
    ORDER BY f.window_end DESC, f.id DESC LIMIT %(limit)s OFFSET %(offset)s
)
{_BOOKS}
"""  # noqa: S608  # of constants, as all below

VERSIONS: Final = "WITH page AS (SELECT * FROM source_files WHERE key = %(key)s)" + _BOOKS  # noqa: S608

_SUMS_OF_FILES: Final = f"""
SELECT count(*), coalesce(sum(found), 0)::bigint, coalesce(sum(photos), 0)::bigint,
       coalesce(sum(bad_photos), 0)::bigint
FROM source_files f WHERE {_CHOSEN}
"""  # noqa: S608

_SUMS_OF_LOADS: Final = """
SELECT coalesce(sum(loaded), 0)::bigint, coalesce(sum(already_there), 0)::bigint, coalesce(sum(waiting), 0)::bigint
FROM loads
"""

_SUMS_OF_REJECTS: Final = "SELECT count(*) FROM rejects WHERE replayed_at IS NULL"

_OF_CHOSEN: Final = f"file_id IN (SELECT f.id FROM source_files f WHERE {_CHOSEN})"  # noqa: S608
_OF_ALL_OTHERS: Final = f"file_id NOT IN (SELECT f.id FROM source_files f WHERE NOT {_CHOSEN})"  # noqa: S608

SUMS: Final = (
    _SUMS_OF_FILES,
    f"{_SUMS_OF_LOADS} WHERE {_OF_CHOSEN}",
    f"{_SUMS_OF_REJECTS} AND {_OF_CHOSEN}",
)

SUMS_OF_MOST: Final = (
    _SUMS_OF_FILES,
    f"{_SUMS_OF_LOADS} WHERE {_OF_ALL_OTHERS}",
    f"{_SUMS_OF_REJECTS} AND {_OF_ALL_OTHERS}",
)
"""The same, where few files are left out: it joins those (a third of the time, with a million loads)."""

NEWEST: Final = "SELECT max(window_end) FROM source_files"

LOADS: Final = """
SELECT l.agency_name, a.name, l.found, l.loaded, l.already_there, l.waiting, l.error
FROM loads l
JOIN agencies a ON a.id = l.agency
WHERE l.file_id = %(file_id)s
ORDER BY l.found DESC, l.agency_name
"""

LOADS_SCHEMA: Final = pl.Schema(
    {
        "received_name": pl.String(),
        "agency": pl.String(),
        "found": pl.Int64(),
        "loaded": pl.Int64(),
        "already_there": pl.Int64(),
        "waiting": pl.Int64(),
        "error": pl.String(),
    }
)


def newest_arrival(connection: Connection) -> datetime | None:
    """The end of the newest file's window: what "the last day" is counted back from; None if no file came yet."""
    return rows(connection, NEWEST)[0][0]  # type: ignore[no-any-return]


def since(newest: datetime | None, days: int | None) -> datetime | None:
    """The begin of the days up to the newest arrival."""
    return newest - timedelta(days=days) if newest and days else None


def sums(connection: Connection, chosen: FileFilter) -> Sums:
    """The books of all chosen files together."""
    given = _given(connection, chosen)
    most = chosen in (FileFilter(), FileFilter(state="done"))
    of_files, of_loads, of_rejects = (rows(connection, query, given)[0] for query in (SUMS_OF_MOST if most else SUMS))
    files, found, photos, bad_photos = of_files
    loaded, already_there, waiting = of_loads
    return Sums(files, found, loaded, already_there, of_rejects[0], waiting, photos, bad_photos)


def files(connection: Connection, chosen: FileFilter, page: int) -> pl.DataFrame:
    """A page of the chosen files with their books, the newest first: FILES_SCHEMA."""
    return frame(connection, FILES, paged(_given(connection, chosen), page), FILES_SCHEMA)


def _given(connection: Connection, chosen: FileFilter) -> dict[str, Any]:
    """A filter as parameters. The files that wait are asked for first, so that the planner knows how few they are."""
    open_files = rows(connection, OPEN) if chosen.state in ("failed", "waiting", "done") else []
    failed, waiting = ([file_id for file_id, has in open_files if has == wanted] for wanted in (True, False))
    return asdict(chosen) | {"failed": failed, "waiting": waiting}


def versions(connection: Connection, key: str) -> pl.DataFrame:
    """All versions of a file that the ledger knows, the newest first: FILES_SCHEMA."""
    return frame(connection, VERSIONS, {"key": key}, FILES_SCHEMA)


def loads(connection: Connection, file_id: int) -> pl.DataFrame:
    """What became of a file's rows under each received name: LOADS_SCHEMA."""
    return frame(connection, LOADS, {"file_id": file_id}, LOADS_SCHEMA)


def paged(given: dict[str, Any], page: int) -> dict[str, Any]:
    """A query's parameters with those of a page; the first is 0."""
    return given | {"limit": PAGE, "offset": page * PAGE}
