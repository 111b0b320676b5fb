"""Files of the bucket side by side with the ledger: what is there, and what became of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from ncric_core.errors import SourceError
from ncric_core.pipeline.listing import Arrival, arrival_of, arrivals
from ncric_core.sources.feeds import Feed
from ncric_core.sources.files.fetch import pieces
from ncric_core.sources.files.lpr_json import row_at
from ncric_core.sources.files.objects import Bucket, ObjectGone
from ncric_core.store.database import Connection
from ncric_core.store.files import FileEntry, Load, entries_named, file_entries, files_of_feed, loads_of, rejects_of
from ncric_core.store.ledger import ArrivedFile
from ncric_core.windows import Window

AT_ONCE: Final = 300  # files whose books are asked for in one statement: a page waits for it


@dataclass(frozen=True, slots=True)
class FileState:
    """A file and its books. `found` is None until it was read to its end."""

    file: ArrivedFile
    state: str
    found: int | None
    loaded: int = 0
    already_there: int = 0
    rejected: int = 0
    waiting: int = 0
    photos: int = 0
    bad_photos: int = 0


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file looked into: its loads by received name, its rejects (position, reason, detail), and a row as received."""

    file: FileState
    loads: list[Load]
    rejects: list[tuple[int, str, str]]
    row: str | None


def find_files(
    bucket: Bucket,
    connection: Connection,
    feeds: Sequence[Feed],
    *,
    window: Window | None = None,
    search: str | None = None,
    state: str | None = None,
) -> Iterator[FileState]:
    """The files of the bucket in order of name, then those of the ledger that are not in the bucket any more."""
    for feed in feeds:
        listed: set[tuple[str, str]] = set()
        for page in _pages(bucket, feed, window, search):
            keys = [(one.file.key, one.file.version) for one in page]
            listed.update(keys)
            known = file_entries(connection, keys)
            found = (_state_of(one.file, known.get((one.file.key, one.file.version))) for one in page)
            yield from (one for one in found if state is None or one.state == state)
        if state in (None, "gone"):
            gone = [one for one in files_of_feed(connection, feed.datasource, window, search) if one not in listed]
            for first in range(0, len(gone), AT_ONCE):
                part = gone[first : first + AT_ONCE]
                entries = file_entries(connection, part)
                yield from (_state_of(entries[one].file, entries[one], gone=True) for one in part if one in entries)


def _pages(bucket: Bucket, feed: Feed, window: Window | None, search: str | None) -> Iterator[list[Arrival]]:
    wanted = (
        one
        for one in arrivals(bucket, feed)
        if (window is None or one.file.window_end in window) and (search is None or search in one.file.key)
    )
    while page := list(islice(wanted, AT_ONCE)):
        yield page


def _state_of(file: ArrivedFile, entry: FileEntry | None, *, gone: bool = False) -> FileState:
    if entry is None:
        return FileState(file, "new", None)
    state = "gone" if gone else "begun" if entry.found is None else "waiting" if entry.waiting else "done"
    return FileState(
        file,
        state,
        entry.found,
        entry.loaded,
        entry.already_there,
        entry.rejected,
        entry.waiting,
        entry.photos,
        entry.bad_photos,
    )


def look_into(
    bucket: Bucket, connection: Connection, feeds: Iterable[Feed], key: str, position: int | None = None
) -> FileContent:
    """What became of a file and, if asked for, one of its rows as received without photos.

    Raises SourceError if neither the bucket nor the ledger has such a file, or the file no such row.
    """
    feed = next((feed for feed in feeds if key.startswith(feed.prefixes)), None)
    listed = bucket.find(key) if feed is not None else None
    arrival = arrival_of(feed, listed) if feed is not None and listed is not None else None
    entries = entries_named(connection, key)
    if arrival is None and not entries:
        raise SourceError(
            f"there is no file {key}, neither in the bucket nor in the ledger: `ncric files list` shows them"
        )
    if arrival is not None:
        entry = next((one for one in entries if one.file.version == arrival.file.version), None)
        file = _state_of(arrival.file, entry)
    else:
        entry = entries[0]
        file = _state_of(entry.file, entry, gone=True)
    row = None
    if position is not None:
        if arrival is None:
            raise ObjectGone(f"{key} is not in the bucket any more: its rows cannot be shown")
        row = row_at(pieces(bucket, arrival.listed), position)
        if row is None:
            raise SourceError(f"{key} has no row {position}: the first is 0")
    if entry is None:
        return FileContent(file, [], [], row)
    return FileContent(file, loads_of(connection, entry.file_id), rejects_of(connection, entry.file_id), row)
