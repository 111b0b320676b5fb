"""Answers people's questions about files from the ledger: about one, about many, or about all together.

Every question runs in the caller's transaction.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from psycopg2.sql import SQL, Composable

from ncric_core.deliveries import Delivery
from ncric_core.store.database import Connection, rows
from ncric_core.vocabulary import FileState
from ncric_core.windows import Window


@dataclass(frozen=True, slots=True)
class FileFilter:
    """Chooses files: by a text in their name, by feed, by state, and by the end of their window. None takes all."""

    search: str | None = None
    feed: str | None = None
    state: FileState | None = None
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A version of a file in the ledger, with its books. `found` is None until it was read to its end."""

    file_id: int
    file: Delivery
    state: FileState
    found: int | None
    loaded: int
    expired: int
    already_there: int
    rejected: int
    waiting: int
    photos: int
    bad_photos: int
    read_at: datetime | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Sums:
    """The books of many files: rows found = loaded + expired + already there + rejected + waiting."""

    files: int
    found: int
    loaded: int
    expired: int
    already_there: int
    rejected: int
    waiting: int
    photos: int
    bad_photos: int

    @property
    def in_books(self) -> int:
        """The rows that the books account for; more than `found` while files are not read to their end."""
        return self.loaded + self.expired + self.already_there + self.rejected + self.waiting


Load = tuple[str, str, int, int, int, int, str | None]
"""Received name, agency, rows found, loaded, already there, waiting, error."""

_ENTRIES: Final = SQL(
    """
    SELECT f.datasource, f.key, f.version, f.size, f.last_modified, f.window_start, f.window_end, f.id,
           CASE WHEN f.superseded THEN 'replaced'
                WHEN f.found IS NULL THEN 'begun'
                WHEN l.failed THEN 'failed'
                WHEN l.waiting > 0 THEN 'waiting'
                ELSE 'done' END,
           f.found, coalesce(l.loaded, 0)::bigint, coalesce(l.expired, 0)::bigint,
           coalesce(l.already_there, 0)::bigint, r.rejected,
           coalesce(l.waiting, 0)::bigint, f.photos, f.bad_photos, f.read_at, f.note
    FROM chosen f
    LEFT JOIN LATERAL (
        SELECT sum(loaded) AS loaded, sum(expired) AS expired, sum(already_there) AS already_there,
               sum(waiting) AS waiting, bool_or(error IS NOT NULL AND waiting > 0) AS failed
        FROM loads WHERE file_id = f.id
    ) l ON true
    CROSS JOIN LATERAL (SELECT count(*) AS rejected FROM rejects WHERE file_id = f.id AND replayed_at IS NULL) r
    ORDER BY f.window_end DESC, f.id DESC
    """
)
"""The entries of the files in `chosen`. The state is one of FileState; _CHOSEN finds files by the same rules."""

_OPEN: Final = """
SELECT file_id, bool_or(error IS NOT NULL) FROM loads WHERE done_at IS NULL AND waiting > 0 GROUP BY file_id
"""
"""Files with rows that wait, and whether a run failed to load any of these."""

_CHOSEN: Final = SQL(
    """
    (%(feed)s::text IS NULL OR f.datasource = %(feed)s)
    AND (%(search)s::text IS NULL OR position(%(search)s IN f.key) > 0)
    AND (%(start)s::timestamptz IS NULL OR f.window_end >= %(start)s)
    AND (%(end)s::timestamptz IS NULL OR f.window_end < %(end)s)
    AND CASE coalesce(%(state)s::text, 'any')
        WHEN 'any' THEN true
        WHEN 'replaced' THEN f.superseded
        WHEN 'begun' THEN NOT f.superseded AND f.found IS NULL
        WHEN 'failed' THEN NOT f.superseded AND f.found IS NOT NULL AND f.id = ANY (%(failed)s::bigint[])
        WHEN 'waiting' THEN NOT f.superseded AND f.found IS NOT NULL AND f.id = ANY (%(waiting)s::bigint[])
        WHEN 'done' THEN NOT f.superseded AND f.found IS NOT NULL
                         AND f.id <> ALL (%(failed)s::bigint[]) AND f.id <> ALL (%(waiting)s::bigint[])
        ELSE false
        END
    """
)
"""True if a filter takes `f`, a row of source_files. `failed` and `waiting` come from _OPEN."""

_THESE: Final = SQL(
    """
    WITH chosen AS (
        SELECT f.* FROM source_files f
        JOIN unnest(%(keys)s::text[], %(versions)s::text[]) AS k (key, version)
            ON f.key = k.key AND f.version = k.version
    )
    {entries}
    """
).format(entries=_ENTRIES)

_NAMED: Final = SQL("WITH chosen AS (SELECT * FROM source_files WHERE key = %(key)s) {entries}").format(
    entries=_ENTRIES
)

_FOUND: Final = SQL(
    """
    WITH chosen AS (
        SELECT * FROM source_files f WHERE {chosen}
        ORDER BY f.window_end DESC, f.id DESC LIMIT %(limit)s OFFSET %(offset)s
    )
    {entries}
    """
).format(chosen=_CHOSEN, entries=_ENTRIES)

_LATEST: Final = SQL(
    "SELECT f.key, f.version FROM source_files f WHERE NOT f.superseded AND {chosen} ORDER BY f.key, f.id"
).format(chosen=_CHOSEN)

_SUMS_OF_FILES: Final = SQL(
    """
    SELECT count(*), coalesce(sum(found), 0)::bigint, coalesce(sum(photos), 0)::bigint,
           coalesce(sum(bad_photos), 0)::bigint
    FROM source_files f WHERE {chosen}
    """
).format(chosen=_CHOSEN)

_SUMS_OF_LOADS: Final = SQL(
    """
    SELECT coalesce(sum(loaded), 0)::bigint, coalesce(sum(expired), 0)::bigint,
           coalesce(sum(already_there), 0)::bigint, coalesce(sum(waiting), 0)::bigint
    FROM loads WHERE {of_these}
    """
)

_SUMS_OF_REJECTS: Final = SQL("SELECT count(*) FROM rejects WHERE replayed_at IS NULL AND {of_these}")

_OF_CHOSEN: Final = SQL("file_id IN (SELECT f.id FROM source_files f WHERE {chosen})").format(chosen=_CHOSEN)
_OF_ALL_OTHERS: Final = SQL("file_id NOT IN (SELECT f.id FROM source_files f WHERE NOT ({chosen}))").format(
    chosen=_CHOSEN
)
"""The same for a filter that leaves few files out: it joins only those. With a million loads it takes a third of the
time."""

_LOADS: Final = """
SELECT l.agency_name, a.name, l.found, l.loaded, l.already_there, l.waiting, l.error
FROM loads l
JOIN agencies a ON a.id = l.agency
WHERE l.file_id = %(file_id)s
ORDER BY l.found DESC, l.agency_name
"""

_REJECTS: Final = """
SELECT position, reason, detail FROM rejects WHERE file_id = %(file_id)s AND replayed_at IS NULL ORDER BY position
"""


def file_entries(connection: Connection, files: Sequence[tuple[str, str]]) -> dict[tuple[str, str], FileEntry]:
    """Returns the ledger's entries of these files, by key and version."""
    given = {"keys": [key for key, _ in files], "versions": [version for _, version in files]}
    return {(one.file.key, one.file.version): one for one in _entries(connection, _THESE, given)}


def entries_named(connection: Connection, key: str) -> list[FileEntry]:
    """Returns the entries of all versions of a file, the newest first."""
    return _entries(connection, _NAMED, {"key": key})


def find_entries(connection: Connection, chosen: FileFilter, *, limit: int, offset: int = 0) -> list[FileEntry]:
    """Returns the entries of the chosen files, the newest first."""
    return _entries(connection, _FOUND, _given(connection, chosen) | {"limit": limit, "offset": offset})


def _entries(connection: Connection, query: Composable, given: dict[str, Any]) -> list[FileEntry]:
    found = rows(connection, query, given)
    return [FileEntry(one[7], Delivery(*one[:7]), FileState(one[8]), *one[9:]) for one in found]


def files_of_feed(
    connection: Connection, datasource: str, window: Window | None = None, search: str | None = None
) -> list[tuple[str, str]]:
    """Returns key and version of a feed's files, only the latest versions. `search` is a text in their names."""
    start, end = (window.start, window.end) if window else (None, None)
    chosen = FileFilter(search, datasource, None, start, end)
    return list(rows(connection, _LATEST, _given(connection, chosen)))


def sum_up(connection: Connection, chosen: FileFilter) -> Sums:
    """Sums up the books of all chosen files."""
    given = _given(connection, chosen)
    most = chosen in (FileFilter(), FileFilter(state=FileState.DONE))
    of_these = _OF_ALL_OTHERS if most else _OF_CHOSEN
    queries = (_SUMS_OF_FILES, *(query.format(of_these=of_these) for query in (_SUMS_OF_LOADS, _SUMS_OF_REJECTS)))
    (files, found, photos, bad_photos), (loaded, expired, already_there, waiting), (rejected,) = (
        rows(connection, query, given)[0] for query in queries
    )
    return Sums(files, found, loaded, expired, already_there, rejected, waiting, photos, bad_photos)


def _given(connection: Connection, chosen: FileFilter) -> dict[str, Any]:
    """Returns a filter as parameters. It asks first which files wait, so that the planner knows how few they are."""
    by_open = chosen.state in (FileState.FAILED, FileState.WAITING, FileState.DONE)
    open_files = rows(connection, _OPEN) if by_open else []
    failed, waiting = ([file_id for file_id, has in open_files if has == wanted] for wanted in (True, False))
    return asdict(chosen) | {"failed": failed, "waiting": waiting}


def newest_arrival(connection: Connection) -> datetime | None:
    """Returns the end of the newest file's window, or None if no file has arrived yet."""
    newest: datetime | None = rows(connection, "SELECT max(window_end) FROM source_files")[0][0]
    return newest


def loads_of(connection: Connection, file_id: int) -> list[Load]:
    """Returns what became of a file's rows, by received name."""
    return list(rows(connection, _LOADS, {"file_id": file_id}))


def rejects_of(connection: Connection, file_id: int) -> list[tuple[int, str, str]]:
    """Returns position, reason and detail of a file's rejects that were not replayed."""
    return list(rows(connection, _REJECTS, {"file_id": file_id}))
