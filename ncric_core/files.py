"""Compares the feeds' deliveries with the ledger: which there are, and what became of each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count, islice
from typing import Final

from ncric_core.deliveries import Delivery, Feed
from ncric_core.errors import SourceError
from ncric_core.store.database import Connection
from ncric_core.store.files import (
    FileEntry,
    FileFilter,
    Load,
    entries_named,
    file_entries,
    files_of_feed,
    find_entries,
    loads_of,
    rejects_of,
)
from ncric_core.vocabulary import FileState
from ncric_core.windows import Window

AT_ONCE: Final = 300  # files whose books are asked for in one statement; kept small, because a page waits for it


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A delivery and its books. `found` is None until it has been read to its end."""

    file: Delivery
    state: FileState
    found: int | None
    loaded: int = 0
    expired: int = 0
    already_there: int = 0
    rejected: int = 0
    waiting: int = 0
    photos: int = 0
    bad_photos: int = 0
    note: str | None = None


@dataclass(frozen=True, slots=True)
class FileBooks:
    """A delivery with its loads by received name, its rejects (position, reason, detail), and a row as received."""

    file: ListedFile
    loads: list[Load]
    rejects: list[tuple[int, str, str]]
    row: str | None


def find_files(
    feeds: Iterable[Feed],
    connection: Connection,
    *,
    window: Window | None = None,
    search: str | None = None,
    state: FileState | None = None,
) -> Iterator[ListedFile]:
    """Lists what each feed delivers, in the feed's order, and then what only the ledger still has (state GONE).

    Of a window, it looks for those files by their names that the ledger has and the feed did not list.
    """
    for feed in feeds:
        listed: set[tuple[str, str]] = set()
        unlisted: list[str] = []  # folders that cannot be listed: what is in them is not gone
        offered = (one for one in feed.deliveries(window) if search is None or search in one.key or not one.version)
        while page := list(islice(offered, AT_ONCE)):
            keys = [(one.key, one.version) for one in page]
            listed.update(keys)
            unlisted += [one.key for one in page if not one.version]
            with connection:
                known = file_entries(connection, keys)
            found = (_state_of(one, known.get((one.key, one.version))) for one in page)
            yield from (one for one in found if state is None or one.state == state)
        if state is FileState.REPLACED:
            replaced = _replaced(connection, feed, window, search)
            yield from (one for one in replaced if (one.file.key, one.file.version) not in listed)
        elif state in (None, FileState.GONE) or (window is not None and state is not FileState.NEW):
            with connection:
                latest = files_of_feed(connection, feed.datasource, window, search)
            rest = [one for one in latest if one not in listed and not one[0].startswith(tuple(unlisted))]
            for first in range(0, len(rest), AT_ONCE):
                part = rest[first : first + AT_ONCE]
                with connection:
                    entries = file_entries(connection, part)
                there = (entries[one] for one in part if one in entries)
                found = (_state_of(one.file, one, gone=window is None or _is_gone(feed, one.file)) for one in there)
                yield from (one for one in found if state is None or one.state == state)


def _is_gone(feed: Feed, file: Delivery) -> bool:
    found = feed.find(file.key)
    return found is None or found.version != file.version


def _replaced(connection: Connection, feed: Feed, window: Window | None, search: str | None) -> Iterator[ListedFile]:
    """Lists the versions that the feed has replaced by others since they were read."""
    start, end = (window.start, window.end) if window else (None, None)
    chosen = FileFilter(search, feed.datasource, FileState.REPLACED, start, end)
    for first in count(0, AT_ONCE):
        with connection:
            page = find_entries(connection, chosen, limit=AT_ONCE, offset=first)
        yield from (_state_of(one.file, one) for one in page)
        if len(page) < AT_ONCE:
            return


def _state_of(file: Delivery, entry: FileEntry | None, *, gone: bool = False) -> ListedFile:
    if entry is None:
        return ListedFile(file, FileState.NEW, None)
    return ListedFile(
        file,
        FileState.GONE if gone else entry.state,
        entry.found,
        entry.loaded,
        entry.expired,
        entry.already_there,
        entry.rejected,
        entry.waiting,
        entry.photos,
        entry.bad_photos,
        entry.note,
    )


def look_into(feeds: Iterable[Feed], connection: Connection, key: str, position: int | None = None) -> FileBooks:
    """Returns what became of a delivery and, if `position` is given, that row as received, without photos.

    Raises SourceError if neither a feed nor the ledger has the delivery, or if the row cannot be read.
    """
    feed, delivery = next(((feed, found) for feed in feeds if (found := feed.find(key))), (None, None))
    with connection:
        entries = entries_named(connection, key)
    if delivery is None and not entries:
        raise SourceError(
            f"there is no file {key}, neither in the bucket nor in the ledger: `ncric files list` shows them"
        )
    if delivery is not None:
        entry = next((one for one in entries if one.file.version == delivery.version), None)
        file = _state_of(delivery, entry)
    else:
        entry = entries[0]
        file = _state_of(entry.file, entry, gone=True)
    row = None
    if position is not None:
        if feed is None or delivery is None:
            raise SourceError(f"{key} is not in the bucket any more: its rows cannot be shown")
        row = feed.row(delivery, position)
        if row is None:
            raise SourceError(f"{key} has no row {position}: the first is 0")
    if entry is None:
        return FileBooks(file, [], [], row)
    with connection:
        return FileBooks(file, loads_of(connection, entry.file_id), rejects_of(connection, entry.file_id), row)
