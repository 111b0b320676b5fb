"""Running rejects again after a fix: what is a read by now is loaded, the rest stays a reject."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

import polars as pl

from ncric_core.deliveries import Feed, Received
from ncric_core.pipeline.mapping import ReadsFlight
from ncric_core.store.database import Connection
from ncric_core.store.load import load_again
from ncric_core.store.partitions import ensure_partitions
from ncric_core.store.rejects import RejectFilter, find_rejects, mark_replayed

AT_ONCE: Final = 5_000  # rejects in one transaction


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of rejects that were run again. `still` counts those that stay rejects, by their reason today."""

    tried: int
    loaded: int
    already_there: int
    still: Counter[str] = field(default_factory=Counter)

    @property
    def summary(self) -> str:
        """In a sentence."""
        left = self.tried - self.loaded - self.already_there
        return (
            f"{self.tried:,} rejects run again: {self.loaded:,} loaded, {self.already_there:,} already there, "
            f"{left:,} rejects still."
        )


def replay(
    connection: Connection,
    feeds: Iterable[Feed],
    mapping: ReadsFlight,
    chosen: RejectFilter,
    progress: Callable[[int], None] = lambda _: None,
) -> Replayed:
    """Runs the chosen rejects of these feeds again, as received, in the window of their delivery.

    Tells `progress` after each step how many it has tried. Safe to repeat and to kill: a read is loaded and its reject
    marked in one transaction.
    """
    tried = loaded = already_there = 0
    still: Counter[str] = Counter()
    for feed in feeds:
        if chosen.feed not in (None, feed.datasource):
            continue
        of_feed, after = replace(chosen, feed=feed.datasource), (0, -1)
        while rejects := find_rejects(connection, of_feed, after=after, limit=AT_ONCE):
            after = (rejects[-1].file_id, rejects[-1].position)
            tried += len(rejects)
            reads, reasons = feed.reread(
                [Received(one.received, one.position, one.window_end, one.reason) for one in rejects]
            )
            still.update(reason for _, reason in reasons)
            if reads.height:
                file_ids = pl.Series("file_id", [one.file_id for one in rejects], dtype=pl.Int64)
                reads = reads.with_columns(file_id=file_ids.gather(reads["file"]))
                there, inserted = _load(connection, feed, mapping, reads)
                loaded += inserted
                already_there += there
            progress(tried)
    return Replayed(tried, loaded, already_there, still)


def _load(connection: Connection, feed: Feed, mapping: ReadsFlight, reads: pl.DataFrame) -> tuple[int, int]:
    """Loads reads (CLEAN and file_id) and marks their rejects. Returns how many were there already, and inserted."""
    ensure_partitions(connection, reads["event_time"])
    with connection:
        taken, names = mark_replayed(connection, feed.datasource, reads)
        if taken.is_empty():  # another replay has marked them all
            return 0, 0
        taken = taken.with_columns(late=True, found=0)  # the ledger knows what was found
        inserted = load_again(connection, mapping.chunk(taken, names, closes=False)).inserted.height
    return taken.height - inserted, inserted
