"""What the ledger says of files: one by one for people who look, not for the pipeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ncric_core.deliveries import Delivery
from ncric_core.store.database import Connection, rows
from ncric_core.windows import Window


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file in the ledger with its books; `found` is None until it was read to its end."""

    file_id: int
    file: Delivery
    found: int | None
    photos: int
    bad_photos: int
    loaded: int
    already_there: int
    waiting: int
    rejected: int


Load = tuple[str, str, int, int, int, int, str | None]
"""Received name, agency, rows found, loaded, already there, waiting, error."""

_ENTRIES: Final = """
SELECT f.datasource, f.key, f.version, f.size, f.last_modified, f.window_start, f.window_end,
       f.id, f.found, f.photos, f.bad_photos,
       coalesce(l.loaded, 0)::bigint, coalesce(l.already_there, 0)::bigint, coalesce(l.waiting, 0)::bigint, r.rejected
FROM source_files f
LEFT JOIN LATERAL (
    SELECT sum(loaded) AS loaded, sum(already_there) AS already_there, sum(waiting) AS waiting FROM loads WHERE file_id
    = f.id
) l ON true
CROSS JOIN LATERAL (SELECT count(*) AS rejected FROM rejects WHERE file_id = f.id AND replayed_at IS NULL) r
"""

_THESE: Final = (
    _ENTRIES
    + """
JOIN unnest(%(keys)s::text[], %(versions)s::text[]) AS k (key, version) ON f.key = k.key AND f.version = k.version
"""
)

_NAMED: Final = _ENTRIES + "WHERE f.key = %(key)s ORDER BY f.id DESC"

_OF_FEED: Final = """
SELECT key, version FROM source_files
WHERE datasource = %(datasource)s AND NOT superseded
  AND (%(start)s::timestamptz IS NULL OR window_end >= %(start)s)
  AND (%(end)s::timestamptz IS NULL OR window_end < %(end)s)
  AND (%(search)s::text IS NULL OR position(%(search)s IN key) > 0)
ORDER BY key, id
"""


def file_entries(connection: Connection, files: Sequence[tuple[str, str]]) -> dict[tuple[str, str], FileEntry]:
    """The ledger's entries of these files, by key and version."""
    given = {"keys": [key for key, _ in files], "versions": [version for _, version in files]}
    return {(one.file.key, one.file.version): one for one in _entries(connection, _THESE, given)}


def entries_named(connection: Connection, key: str) -> list[FileEntry]:
    """The entries of all versions of a file, the newest first."""
    return _entries(connection, _NAMED, {"key": key})


def files_of_feed(
    connection: Connection, datasource: str, window: Window | None = None, search: str | None = None
) -> list[tuple[str, str]]:
    """The latest versions of a feed's files, by key and version: of a window, of names that contain a text."""
    given = {
        "datasource": datasource,
        "start": window.start if window else None,
        "end": window.end if window else None,
        "search": search,
    }
    with connection:
        return list(rows(connection, _OF_FEED, given))


def _entries(connection: Connection, query: str, given: dict[str, Any]) -> list[FileEntry]:
    with connection:
        found = rows(connection, query, given)
    return [FileEntry(one[7], Delivery(*one[:7]), *one[8:]) for one in found]


def loads_of(connection: Connection, file_id: int) -> list[Load]:
    """What became of a file's rows under each received name."""
    with connection:
        return list(
            rows(
                connection,
                """
                SELECT l.agency_name, a.name, l.found, l.loaded, l.already_there, l.waiting, l.error
                FROM loads l JOIN agencies a ON a.id = l.agency
                WHERE l.file_id = %(id)s ORDER BY l.found DESC, l.agency_name
                """,
                {"id": file_id},
            )
        )


def rejects_of(connection: Connection, file_id: int) -> list[tuple[int, str, str]]:
    """Position, reason and detail of a file's rejects that were not replayed."""
    with connection:
        return list(
            rows(
                connection,
                """
                SELECT position, reason, detail FROM rejects
                WHERE file_id = %(id)s AND replayed_at IS NULL ORDER BY position
                """,
                {"id": file_id},
            )
        )
