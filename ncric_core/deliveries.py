"""The seam between sources and pipeline: what a feed delivers, and in which shape the pipeline takes it.

A source offers feeds; the pipeline takes batches from a feed, and knows nothing of where they come from.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

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
    }
)
"""Clean reads: the columns that flights/reads.yaml maps, the number of the read's delivery in its batch (`file`), and
its place in that delivery.

`agency_name` is as received and never null: where no name came, the acronym or the ORI stands for it, else
agencies.NO_AGENCY. `agency_key` is the number of the agency's network, in digits, where the feed has one (Flock); the
name table maps such a number before it looks at the name."""

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
"""Rejects: why a row is no read, and the row as received (JSON, or text where it is none), without photos."""


def received_name(columns: Iterable[str]) -> pl.Expr:
    """The received name of reads with these columns: what the books and the name table know their agency by.

    It is the key of the agency where a read has one, else the agency's name.
    """
    return pl.coalesce("agency_key", "agency_name") if "agency_key" in columns else pl.col("agency_name")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the books name as one thing that arrived, such as a file.

    `version` changes when the content does. The window (UTC) is the time in which its reads arrived; a delivery belongs
    to the window that holds its end.
    """

    datasource: str
    key: str
    version: str
    size: int  # bytes
    last_modified: datetime
    window_start: datetime
    window_end: datetime


@dataclass(frozen=True, slots=True)
class Contents:
    """What reading a delivery has found: rows (reads and rejects) and photos.

    If it is not `complete`, these are the figures so far, and the next batch goes on with the same delivery.
    """

    delivery: Delivery
    found: int
    photos: int = 0
    bad_photos: int = 0
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Batch:
    """Deliveries of one feed that were read and are loaded together.

    `reads` has schema CLEAN, `rejects` schema REJECTED; both name a delivery by its number in `contents`. A large
    delivery comes in parts: each is a batch that holds nothing else and has `part` set. `failed` tells why deliveries
    could not be read, by key.
    """

    contents: Sequence[Contents]
    reads: pl.DataFrame
    rejects: pl.DataFrame
    part: bool = False
    failed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Received:
    """A reject as the books keep it: the text received, its place in its delivery, and why it was rejected.

    `window_end` is the end of its delivery's window.
    """

    text: str
    position: int
    window_end: datetime
    reason: str


class Feed(Protocol):
    """A stream of reads from one vendor. Every call raises SourceError if the source cannot be reached."""

    @property
    def job(self) -> str:
        """The name of its job, in lower case (`boss4`)."""

    @property
    def datasource(self) -> str:
        """Its tag, as the name table, the books and the ids of its reads have it (`BOSS4`)."""

    def check(self) -> str:
        """Reads as little as proves that the source can be read, and says so in words."""

    def deliveries(self, window: Window | None) -> Iterator[Delivery]:
        """The deliveries of a window, or all of them."""

    def find(self, key: str) -> Delivery | None:
        """The delivery of a key, if it is this feed's and is still there."""

    def read(self, deliveries: Iterable[Delivery]) -> Iterator[Batch]:
        """The reads of these deliveries, in their order, cleaned. What cannot be read is told in its batch."""

    def reread(self, rows: Sequence[Received]) -> tuple[pl.DataFrame, list[tuple[int, str]]]:
        """Reads rejects again as received.

        Returns the reads (schema CLEAN; `file` is the number of their row in `rows`), and number and reason of the rows
        that are rejects still.
        """

    def row(self, delivery: Delivery, position: int) -> str | None:
        """A row of a delivery as received, without photos; None if it has fewer rows."""
