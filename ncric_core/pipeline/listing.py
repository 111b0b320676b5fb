"""Finds the deliveries that a job has to read: its feeds offer them, and the ledger knows what is left in each."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from ncric_core.deliveries import DatedFeed, Delivery, Feed, Known
from ncric_core.pipeline.outcome import Job, Outcome
from ncric_core.store.agencies import NameTable
from ncric_core.store.database import Connection
from ncric_core.store.ledger import KnownDelivery, look_up
from ncric_core.store.listings import last_comparison, note_comparisons, unfinished

PAGE: Final = 20_000
"""Deliveries looked up at a time, so that a window of years needs no more memory than one of days."""

COMPARED_EVERY: Final = timedelta(hours=24)
"""Everything that a feed offers is compared with the ledger this often; in between, only what is new."""

MARGIN: Final = timedelta(hours=24)
"""What changed this long before the last comparison began counts as new. S3 dates a large upload by its beginning, and
no two clocks agree."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose reads a job takes."""

    include: frozenset[int] | None
    exclude: frozenset[int]

    def takes(self, agency: int | None) -> bool:
        """Whether the reads of an agency (None: one never seen before) are this job's."""
        return (self.include is None or agency in self.include) and agency not in self.exclude


def scope(job: Job, names: NameTable) -> Scope:
    """Whose reads a job takes. Raises AgencyError for a name that is no agency's."""
    return Scope(names.named(job.agencies) if job.agencies else None, names.named(job.exclude))


def deliveries_to_read(
    job: Job, feed: Feed, connection: Connection, names: NameTable, outcome: Outcome
) -> Iterator[Delivery]:
    """Yields the deliveries of a feed that have something left for the job, by the end of their window.

    Counts in `outcome` what it looked up.
    """
    chosen = scope(job, names)
    begun = datetime.now(UTC)
    dated = feed if job.window is None and isinstance(feed, DatedFeed) else None
    known = _known_before(dated, connection, outcome) if dated and not job.force else None
    offered = dated.unknown(known) if dated and known else feed.deliveries(job.window)
    while page := list(islice(offered, PAGE)):
        outcome.files_listed += len(page)
        with connection:
            entries = look_up(connection, page)
        page.sort(key=lambda delivery: (delivery.window_end, delivery.key))
        for delivery in page:
            entry = entries.get((delivery.key, delivery.version))
            if entry is not None and not job.force and not _is_left(entry, feed.datasource, job, chosen, names):
                outcome.files_known += 1
            elif delivery.growing:
                outcome.files_growing += 1
            else:
                yield delivery
    if dated and not known:
        outcome.compared[feed.datasource] = begun


def _known_before(feed: Feed, connection: Connection, outcome: Outcome) -> Known | None:
    """Returns what tells the deliveries that the last comparison with the ledger has seen. Counts them in `outcome`.

    Returns None once a day: then all deliveries are compared.
    """
    with connection:
        last = last_comparison(connection, feed.datasource)
        if last is None or datetime.now(UTC) - last >= COMPARED_EVERY:
            return None
        open_keys = unfinished(connection, feed.datasource)
    new_from = last - MARGIN

    def known(key: str, changed: datetime) -> bool:
        if changed >= new_from or key in open_keys:
            return False
        outcome.files_listed += 1
        outcome.files_known += 1
        return True

    return known


def note_compared(job: Job, connection: Connection, outcome: Outcome) -> None:
    """Enters that everything a feed offers was compared with the ledger.

    What failed and is in the ledger is taken up by each run. What cannot be listed is not in the ledger: then nothing
    is entered, and the next run compares everything again.
    """
    if job.dry_run or not outcome.compared:
        return
    with connection:
        taken_up = {key for datasource in outcome.compared for key in unfinished(connection, datasource)}
    if outcome.failed_files.keys() <= taken_up:
        note_comparisons(connection, outcome.compared)


def _is_left(entry: KnownDelivery, datasource: str, job: Job, chosen: Scope, names: NameTable) -> bool:
    """Returns whether a delivery that the ledger knows has rows for this job."""
    now = datetime.now(UTC)
    return not entry.was_read or any(
        chosen.takes(names.agency_of(datasource, name)) and (since is None or now - since >= job.waited)
        for name, since in entry.waiting.items()
    )
