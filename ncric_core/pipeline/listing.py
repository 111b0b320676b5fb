"""The files of a job: listed in the bucket, looked up in the ledger, and of these the ones that are to be read."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from ncric_core.pipeline.outcome import Job, Outcome
from ncric_core.sources.feeds import Feed
from ncric_core.sources.files.lpr_json import arrival_window
from ncric_core.sources.files.objects import Bucket, StoredObject
from ncric_core.store.agencies import NameTable
from ncric_core.store.database import Connection
from ncric_core.store.ledger import ArrivedFile, KnownFile, look_up

PAGE: Final = (
    20_000  # files listed and looked up at a time, so that a window of years needs no more memory than one of days
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file of a feed, as listed and as the ledger names it."""

    feed: Feed
    listed: StoredObject
    file: ArrivedFile


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose reads a job takes."""

    include: frozenset[int] | None
    exclude: frozenset[int]

    def takes(self, agency: int | None) -> bool:
        """Whether the reads of an agency (None: one never seen before) are this job's."""
        return (self.include is None or agency in self.include) and agency not in self.exclude


def scope(job: Job, names: NameTable) -> Scope:
    """Raises AgencyError for a name that is no agency's."""
    return Scope(names.named(job.agencies) if job.agencies else None, names.named(job.exclude))


def arrivals(bucket: Bucket, feed: Feed) -> Iterator[Arrival]:
    """Every file of a feed in the bucket."""
    for prefix in feed.prefixes:
        for listed in bucket.list(prefix):
            yield arrival_of(feed, listed)


def arrival_of(feed: Feed, listed: StoredObject) -> Arrival:
    """A file of a feed with the window in which its reads arrived."""
    start, end = arrival_window(listed.key, listed.last_modified, feed.zone)
    file = ArrivedFile(feed.datasource, listed.key, listed.version, listed.size, listed.last_modified, start, end)
    return Arrival(feed, listed, file)


def files_to_read(
    job: Job, bucket: Bucket, connection: Connection, names: NameTable, outcome: Outcome
) -> Iterator[Arrival]:
    """The files of a job of which something is left to load, in order of their windows' ends; counted in `outcome`."""
    chosen = scope(job, names)
    for feed in job.feeds:
        wanted = (a for a in arrivals(bucket, feed) if job.window is None or a.file.window_end in job.window)
        while page := list(islice(wanted, PAGE)):
            outcome.files_listed += len(page)
            with connection:
                known = look_up(connection, [arrival.file for arrival in page])
            page.sort(key=lambda arrival: (arrival.file.window_end, arrival.file.key))
            for arrival in page:
                entry = known.get((arrival.file.key, arrival.file.version))
                if job.force or entry is None or _is_left(entry, feed, job, chosen, names):
                    yield arrival
                else:
                    outcome.files_known += 1


def _is_left(entry: KnownFile, feed: Feed, job: Job, chosen: Scope, names: NameTable) -> bool:
    """Whether a file that the ledger knows has rows for this job."""
    now = datetime.now(UTC)
    return not entry.was_read or any(
        chosen.takes(names.agency_of(feed.datasource, name)) and (since is None or now - since >= job.waited)
        for name, since in entry.waiting.items()
    )
