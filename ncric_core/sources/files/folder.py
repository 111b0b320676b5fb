"""A folder as a bucket: an object's key is its path below the folder."""

import os
import re
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from ncric_core.deliveries import Known
from ncric_core.errors import SourceError
from ncric_core.sources.files.stored import Leap, ObjectGone, StoredObject, anything, moment, nothing_known

AT_ONCE: Final = 100_000
"""Names of a folder that are held and sorted at a time, so that memory does not grow with the folder."""

SETTLED: Final = 5.0
"""Seconds. A file that was modified more recently may still be being written."""

_ESCAPED = re.compile(rb"\\x([89a-f][0-9a-f])")


class Folder:
    """A folder as a bucket. Only regular files inside it are objects; links to them too, if they do not lead out.

    Of a folder with more than AT_ONCE files, as many are listed at a time in order of key. The same holds for `list`
    and `find`: a key is UTF-8, and bytes of a name that are not are written as `\\xe9`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def list(self, prefix: str, leap: Leap = anything, known: Known = nothing_known) -> Iterator[StoredObject]:
        """Lists the folder (see `Bucket.list`). Raises SourceError if it cannot be listed itself.

        What cannot be listed in it is listed with its trouble.
        """
        if not Path(os.path.realpath(self.root / prefix)).is_relative_to(self.root):
            raise SourceError(f"the folder {self.root / prefix} is a link that leads out of the bucket: mount it there")
        under: list[Iterator[str | StoredObject]] = [self._names(prefix, leap)]
        while under:
            name = next(under[-1], None)
            if name is None:
                under.pop()
            elif isinstance(name, StoredObject):
                yield name
            elif name.endswith("/"):
                under.append(self._told(name, leap))
            elif (listed := self._listed(name, prefix, known)) is not None:
                yield listed

    def _names(self, folder: str, leap: Leap) -> Iterator[str]:
        """Yields the keys in a folder, in order; those of folders end with a slash."""
        try:
            with os.scandir(self.root / folder) as entries:
                wanted = (
                    key + "/" * entry.is_dir(follow_symlinks=False)
                    for entry in entries
                    if leap(key := folder + entry.name) is None or entry.is_dir(follow_symlinks=False)
                )
                while names := sorted(islice(wanted, AT_ONCE)):
                    yield from names
        except FileNotFoundError:
            return
        except OSError as error:
            raise SourceError(f"the folder {self.root / folder} cannot be listed: {error.strerror}") from error

    def _told(self, folder: str, leap: Leap) -> Iterator[str | StoredObject]:
        """Yields the keys in a folder. If it cannot be listed, yields it with its trouble."""
        try:
            yield from self._names(folder, leap)
        except SourceError as error:
            yield _no_object(_readable(folder), str(error))

    def _listed(self, name: str, prefix: str, known: Known) -> StoredObject | None:
        """Returns a file of the folder that is listed under `prefix`; None if it is known, or is no longer there."""
        key, path = _readable(name), f"{self.root}/{name}"
        trouble = None
        try:
            found = os.lstat(path)
            if stat.S_ISLNK(found.st_mode):
                real = Path(path).resolve(strict=True)
                if not real.is_relative_to(self.root):
                    trouble = f"{key} is a link that leads out of the bucket"
                elif real.is_relative_to(self.root / prefix) and real.is_dir():
                    return None  # its files are listed in their own place
                elif real.is_dir():
                    return _no_object(key, f"{key} is a link to another folder")
                else:
                    found = real.stat()
        except (FileNotFoundError, NotADirectoryError):  # deleted since it was listed, or a link to nowhere
            return None
        except (OSError, RuntimeError) as error:
            why = "it is a link to itself" if isinstance(error, RuntimeError) else error.strerror
            return _no_object(key, f"{key} cannot be read: {why}")
        if trouble is None and not stat.S_ISREG(found.st_mode):
            trouble = f"{key} is no regular file"
        return None if known(key, _changed(found)) else _stored(key, found, trouble)

    def find(self, key: str) -> StoredObject | None:
        """Returns the file with this key, or None."""
        try:
            return next((_stored(key, found) for _, found in self._files(key)), None)
        except OSError:  # no valid name of a file, or in a folder that may not be looked into
            return None

    def open(self, listed: StoredObject) -> BinaryIO:
        """Opens a file (see `Bucket.open`)."""
        replaced = False
        try:
            for path, found in self._files(listed.key):
                if _stored(listed.key, found).version == listed.version:
                    stream = path.open("rb")
                    if _stored(listed.key, os.fstat(stream.fileno())).version == listed.version:
                        return stream
                    stream.close()
                replaced = True
        except FileNotFoundError:
            replaced = False
        except OSError as error:
            raise SourceError(f"{listed.key} cannot be read: {error.strerror}") from error
        raise ObjectGone(f"{listed.key} was {'replaced' if replaced else 'deleted'} after it was listed")

    def _files(self, key: str) -> Iterator[tuple[Path, os.stat_result]]:
        """Yields the regular files inside the folder that have this key: one, as a rule.

        A name that is not UTF-8 and another that is spelt like its key have the same key.
        """
        raw = os.fsencode(key)
        for name in dict.fromkeys((raw, _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), raw))):
            path = self.root / os.fsdecode(name)
            try:
                real = path.resolve(strict=True)
            except (FileNotFoundError, NotADirectoryError, RuntimeError, ValueError):  # a link to itself; a NUL in it
                continue
            if ".." not in path.parts and path.is_relative_to(self.root) and real.is_relative_to(self.root):
                found = real.stat()
                if stat.S_ISREG(found.st_mode):
                    yield real, found


def _readable(name: str) -> str:
    return os.fsencode(name).decode(errors="backslashreplace")


def _no_object(key: str, trouble: str) -> StoredObject:
    return StoredObject(key, 0, datetime.now(UTC), "", trouble=trouble)


def _changed(found: os.stat_result) -> datetime:
    """Returns when a file came to its place or was changed there: nobody can set this time back."""
    return moment(max(found.st_mtime, found.st_ctime), found.st_ctime)


def _stored(key: str, found: os.stat_result, trouble: str | None = None) -> StoredObject:
    modified = moment(found.st_mtime, found.st_ctime)
    version = f"{found.st_size}-{found.st_mtime_ns}"
    growing = trouble is None and abs(time.time() - found.st_mtime) < SETTLED
    return StoredObject(key, found.st_size, modified, version, _changed(found), growing, trouble)
