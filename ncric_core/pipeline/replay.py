"""Running rejects again after a fix: what is a read by now is loaded, the rest stays a reject."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import polars as pl

from ncric_core.pipeline.clean import clean
from ncric_core.pipeline.mapping import ReadsFlight
from ncric_core.settings import Settings
from ncric_core.sources.feeds import Feed, lpr_feeds
from ncric_core.sources.files.lpr_json import ParsedReads, parse, raw_frame
from ncric_core.store.database import Connection
from ncric_core.store.load import load_again
from ncric_core.store.partitions import ensure_partitions
from ncric_core.store.rejects import Chosen, Reject, find_rejects, mark_replayed

AT_ONCE: Final = 5_000  # rejects in one transaction


@dataclass(frozen=True, slots=True)
class Replayed:
    """Rejects that were run again: how many are reads now, how many of these were in the store already, and how many
    are rejects still, by the reason of today."""

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
    settings: Settings,
    mapping: ReadsFlight,
    chosen: Chosen,
    progress: Callable[[int], None] = lambda _: None,
) -> Replayed:
    """Runs the chosen rejects again, as received, in the window and with the zone of their file's source; tells
    `progress` after each step how many it has tried.

    Safe to repeat and to kill: a read is loaded and its reject marked in one transaction.
    """
    tried = loaded = already_there = 0
    still: Counter[str] = Counter()
    for feed in lpr_feeds(settings).values():
        after = (0, -1)
        while rejects := find_rejects(connection, chosen, datasource=feed.datasource, after=after, limit=AT_ONCE):
            after = (rejects[-1].file_id, rejects[-1].position)
            tried += len(rejects)
            reads, reasons = _reads(rejects, feed, settings)
            still += reasons
            if reads.height:
                ensure_partitions(connection, reads["event_time"].dt.truncate("1w").unique().to_list())
                with connection:
                    taken, names = mark_replayed(connection, feed.datasource, reads)
                    taken = taken.with_columns(late=True, found=0)  # the ledger knows what was found
                    chunk = mapping.chunk(taken, names, closes=False)
                    inserted = load_again(connection, chunk).inserted.height
                loaded += inserted
                already_there += taken.height - inserted
            progress(tried)
    return Replayed(tried, loaded, already_there, still)


def _reads(rejects: list[Reject], feed: Feed, settings: Settings) -> tuple[pl.DataFrame, Counter[str]]:
    """The rejects that are reads by now (schema CLEAN and file_id), and the reasons of the others."""
    parsed: list[ParsedReads] = []
    kept: list[Reject] = []
    still: Counter[str] = Counter()
    for reject in rejects:
        content = parse(reject.received.encode())
        if content.reads.height == 1 and not content.rejects:
            reads = content.reads.with_columns(position=pl.lit(reject.position, dtype=pl.Int64))
            parsed.append(replace(content, reads=reads))
            kept.append(reject)
        else:  # as text that holds several rows, or none, it has no place of its own in its file
            still[content.rejects[0].reason if content.rejects else reject.reason] += 1
    ends: list[datetime] = [reject.window_end for reject in kept]
    reads, bad = clean(
        raw_frame(parsed),
        ends,
        datasource=feed.datasource,
        id_suffix=feed.id_suffix,
        zone=feed.zone.key,
        keep_days=settings.keep_days,
    )
    file_ids = pl.Series("file_id", [reject.file_id for reject in kept], dtype=pl.Int64)
    still.update(bad["reason"].to_list())
    return reads.with_columns(file_id=file_ids.gather(reads["file"])), still
