"""What a folder and an S3 bucket have in common: objects, and the ways to list, find and open them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, Final, Protocol

from ncric_core.deliveries import Known
from ncric_core.errors import SourceError

Leap = Callable[[str], str | None]
"""Returns None for a key that is wanted. Else the key behind which to go on: nothing before it is wanted."""

LAST: Final = datetime(2100, 1, 1, tzinfo=UTC).timestamp()


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as listed. `version` changes when its content does (ETag, or size and modification time).

    `changed` is when it came into the bucket, or changed there last. A `growing` object may not be whole yet.
    `trouble` says why it cannot be read, if that is known already. What is no object at all, such as a folder that
    cannot be listed, is listed with its trouble, and without a version.
    """

    key: str
    size: int
    last_modified: datetime
    version: str
    changed: datetime | None = None
    growing: bool = False
    trouble: str | None = None


class ObjectGone(SourceError):  # noqa: N818  # the bucket changed; nothing went wrong
    """The object was deleted or replaced between listing and fetching."""


def anything(key: str) -> None:
    """The leap that leaves nothing out."""


def nothing_known(key: str, changed: datetime) -> bool:  # noqa: ARG001
    """Lists everything, whether or not it is known."""
    return False


class Bucket(Protocol):
    """A store of objects. Every method raises SourceError if the store cannot be read."""

    def list(self, prefix: str, leap: Leap = anything, known: Known = nothing_known) -> Iterator[StoredObject]:
        """Yields the objects under a folder (`boss4/`), in order of key; none if there is no such folder.

        Leaves out those over which `leap` goes, and those that are `known`.
        """

    def find(self, key: str) -> StoredObject | None:
        """Returns the object with this key, or None."""

    def open(self, listed: StoredObject) -> BinaryIO:
        """Opens the object's bytes as a stream. Raises ObjectGone if it was deleted or replaced since it was listed."""


def moment(*seconds: float) -> datetime:
    """Returns the first of these times that lies between 1970 and 2100. No other file time can be true."""
    return datetime.fromtimestamp(next((one for one in seconds if 0 <= one < LAST), 0), UTC)
