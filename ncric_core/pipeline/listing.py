"""Finds the deliveries that a job has to read: its feeds offer them, and the ledger knows what is left in each."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from ncric_core.deliveries import Delivery, Feed
from ncric_core.pipeline.outcome import Job, Outcome
from ncric_core.store.agencies import NameTable
from ncric_core.store.database import Connection
from ncric_core.store.ledger import KnownDelivery, look_up

PAGE: Final = 20_000
"""Deliveries looked up at a time, so that a window of years needs no more memory than one of days."""


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
    offered = feed.deliveries(job.window)
    while page := list(islice(offered, PAGE)):
        outcome.files_listed += len(page)
        with connection:
            known = look_up(connection, page)
        page.sort(key=lambda delivery: (delivery.window_end, delivery.key))
        for delivery in page:
            entry = known.get((delivery.key, delivery.version))
            if job.force or entry is None or _is_left(entry, feed.datasource, job, chosen, names):
                yield delivery
            else:
                outcome.files_known += 1


def _is_left(entry: KnownDelivery, datasource: str, job: Job, chosen: Scope, names: NameTable) -> bool:
    """Returns whether a delivery that the ledger knows has rows for this job."""
    now = datetime.now(UTC)
    return not entry.was_read or any(
        chosen.takes(names.agency_of(datasource, name)) and (since is None or now - since >= job.waited)
        for name, since in entry.waiting.items()
    )
