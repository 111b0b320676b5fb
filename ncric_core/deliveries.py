"""The seam between sources and pipeline: what a feed delivers, and the shape in which the pipeline takes it.

A source offers feeds. The pipeline takes batches from a feed and does not know where they come from.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol, runtime_checkable

import polars as pl

from ncric_core.windows import Window

CLEAN: Final = pl.Schema(
    {
        "file": pl.UInt32(),
        "position": pl.Int64(),
        "vehicle_record_id": pl.String(),
        "event_time": pl.Datetime("us", "UTC"),
        "plate": pl.String(),
        "coordinates": pl.Struct({"latitude": pl.Float64, "longitude": pl.Float64}),
        "camera_id": pl.String(),
        "camera_name": pl.String(),
        "agency_id": pl.String(),
        "agency_name": pl.String(),
        "agency_key": pl.String(),
        "agency_acronym": pl.String(),
        "datasource": pl.String(),
        "vehicle_model": pl.String(),
        "cut_at": pl.Int32(),
    }
)
"""Clean reads: the columns that flights/reads.yaml maps, the number of the read's delivery in its batch (`file`), and
the read's place in that delivery (`position`).

`agency_name` is as received and never null. If no name came, it is the acronym, else the ORI, else
agencies.NO_AGENCY. `agency_key` is the number of the agency's network, in digits, if the feed has such numbers (Flock).
The name table maps this number first, then the name.

`cut_at` is how many characters of the read's row arrived, where the row is damaged or cut off; null if it is whole."""

REJECTED: Final = pl.Schema(
    {
        "file": pl.UInt32,
        "position": pl.Int64,
        "reason": pl.String,
        "detail": pl.String,
        "received": pl.String,
        "agency_name": pl.String,
    }
)
"""Rejects: why a row is not a read, and the row as received without photos (JSON, or text if it is not JSON)."""


def received_name(columns: Iterable[str]) -> pl.Expr:
    """Returns the received name of reads with these columns: the name of their agency in books and name table.

    The received name is a read's `agency_key` if it has one, else its `agency_name`.
    """
    return pl.coalesce("agency_key", "agency_name") if "agency_key" in columns else pl.col("agency_name")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing that arrived and that the books name, such as a file.

    `version` changes when the content does. `window_start` and `window_end` (UTC) are the time in which its reads
    arrived. A delivery belongs to the window that contains its `window_end`. A `growing` delivery may not be whole yet:
    it is left to the next run. `trouble` says why a delivery cannot be read, if that is known already. What the books
    cannot hold, such as a folder that cannot be listed, has no version.
    """

    datasource: str
    key: str
    version: str
    size: int  # bytes
    last_modified: datetime
    window_start: datetime
    window_end: datetime
    growing: bool = False
    trouble: str | None = None


Known = Callable[[str, datetime], bool]
"""Tells whether a delivery (its key, and when it came or changed last) is known, and need not be offered."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What was found in a delivery: its rows (reads and rejects) and photos.

    If `complete` is false, these are the figures so far, and the next batch continues the same delivery.
    """

    delivery: Delivery
    found: int
    photos: int = 0
    bad_photos: int = 0
    complete: bool = True


MOST_WITHOUT_ROWS: Final = 64
"""The bytes of a delivery that has nothing to say, such as `[]`. A larger one has content."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Deliveries of one feed that were read and are loaded together.

    `reads` has schema CLEAN, `rejects` schema REJECTED. In both, `file` is the index of a delivery in `contents`. A
    large delivery comes in parts. Each part is a batch of its own, with `part` set. `failed` says, by key, why
    deliveries could not be read. `unread` has those of them that the books name: all that are still there.
    """

    contents: Sequence[Contents]
    reads: pl.DataFrame
    rejects: pl.DataFrame
    part: bool = False
    failed: Mapping[str, str] = field(default_factory=dict)
    unread: Sequence[Delivery] = ()

    def without_reads(self) -> list[str]:
        """The keys of deliveries that have content, and gave no read. One that came in several parts is not judged."""
        read = set(self.reads["file"].unique())
        return [
            one.delivery.key
            for number, one in enumerate(self.contents)
            if one.complete and number not in read and one.found <= self.rejects.height
            if one.found or one.delivery.size > MOST_WITHOUT_ROWS
        ]


@dataclass(frozen=True, slots=True)
class Received:
    """A reject from the books: the text received, its position in its delivery, and why it was rejected.

    `window_end` is the end of that delivery's window.
    """

    text: str
    position: int
    window_end: datetime
    reason: str


class Feed(Protocol):
    """A stream of reads from one vendor. Every method raises SourceError if the source cannot be reached."""

    @property
    def job(self) -> str:
        """The name of the feed's job, in lower case (`boss4`)."""

    @property
    def datasource(self) -> str:
        """The feed's tag in the name table, in the books and in the ids of its reads (`BOSS4`)."""

    def check(self) -> str:
        """Reads just enough to prove that the source can be read. Returns the result in words."""

    def deliveries(self, window: Window | None) -> Iterator[Delivery]:
        """Yields the deliveries that belong to a window; all of them if it is None.

        A window's deliveries are to cost what that window holds. So a feed may leave out a few of them, which only a
        look at everything finds.
        """

    def find(self, key: str) -> Delivery | None:
        """Returns the delivery with this key; None if it is not this feed's, or is gone."""

    def read(self, deliveries: Iterable[Delivery], *, idle: bool = False) -> Iterator[Batch]:
        """Yields the reads of these deliveries, in their order, cleaned. A batch says what could not be read.

        `idle`: nothing is being loaded yet, so the first batches are small and loading begins at once.
        """

    def reread(self, rows: Sequence[Received]) -> tuple[pl.DataFrame, list[tuple[int, str]]]:
        """Parses and cleans the received text of rejects again.

        Returns the reads (schema CLEAN; `file` is the index of their reject in `rows`), and the index and reason of
        each reject that is still one.
        """

    def row(self, delivery: Delivery, position: int) -> str | None:
        """Returns a row of a delivery as received, without photos; None if the delivery has fewer rows."""


@runtime_checkable
class DatedFeed(Feed, Protocol):
    """A feed whose source tells when each delivery came, so that those that are known need not be looked up again."""

    def unknown(self, known: Known) -> Iterator[Delivery]:
        """Yields all deliveries but those that `known` tells."""
