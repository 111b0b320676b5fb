"""The one pipeline: the deliveries of a window → reads in the store. Flows, commands, bench and tests call `integrate`.

The way of a read: a feed offers its deliveries, and the ledger says which of them have something left. The feed reads
these into batches of clean reads. A batch is entered in the ledger, its names are standardised, and the reads of the
job's agencies are loaded in chunks, while the feed reads the next batch.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

import polars as pl

from ncric_core.deliveries import Batch, Feed, received_name
from ncric_core.pipeline.chunks import split_by_agency
from ncric_core.pipeline.listing import Scope, deliveries_to_read, note_compared, scope
from ncric_core.pipeline.loading import Loader, Result
from ncric_core.pipeline.mapping import ReadsFlight, own_flight
from ncric_core.pipeline.outcome import Job, Outcome
from ncric_core.settings import Settings
from ncric_core.store import ledger
from ncric_core.store.agencies import NameTable, name_table
from ncric_core.store.database import Connection, Database
from ncric_core.store.listings import note_unread
from ncric_core.store.partitions import ensure_partitions
from ncric_core.store.replaced import close_replaced, newest_delivery

MOST_WRITTEN: Final = 50_000  # rows of what was seen of cameras and agencies that a run remembers

LATE: Final = timedelta(hours=1)
"""A read taken this long before its delivery's window is often in the store already, because it was sent again."""

Progress = Callable[[Outcome], None]
"""Called after each batch with what was done so far."""


@dataclass(slots=True)
class _Run:
    """What the steps of a run share."""

    job: Job
    settings: Settings
    outcome: Outcome
    mapping: ReadsFlight
    names: NameTable
    scope: Scope
    newest: int  # delivery in the ledger when the run began
    written: pl.DataFrame | None = None  # what was seen of cameras and agencies, and is in the store
    apart: set[int] = field(default_factory=set)  # agencies that could not be loaded; they no longer share a chunk
    part_of: str | None = None  # the key of the large delivery whose parts are being read
    earlier: dict[str, int] = field(default_factory=dict)  # its reads by received name in the parts so far


def integrate(job: Job, settings: Settings, database: Database, progress: Progress = lambda _: None) -> Outcome:
    """Loads the reads of a job. Returns what was found, loaded, already there and rejected, for each agency.

    It is safe to repeat at any time, however the last run ended: what is missing is loaded, and nothing twice. The
    outcome names each delivery that cannot be read and each agency that cannot be loaded; the rest is loaded. Raises
    AgencyError for a name that is no agency's, SourceError if a feed cannot list its deliveries, StoreError if the
    database is lost, FlightError if edm.yaml or the project's own flight is wrong.
    """
    begun = time.monotonic()
    outcome = Outcome(dry_run=job.dry_run)
    with database.session() as connection, Loader(database, force=job.force) as loader:
        with connection:
            names, newest = name_table(connection), newest_delivery(connection)
        run = _Run(job, settings, outcome, own_flight(settings.flights_dir), names, scope(job, names), newest)
        for feed in job.feeds:
            left = deliveries_to_read(job, feed, connection, names, outcome)
            for batch in feed.read(left, idle=feed is job.feeds[0]):
                _count_contents(batch, outcome)
                if job.dry_run:
                    _look_only(batch, feed, run)
                else:
                    _load(batch, feed, run, connection, loader)
                progress(outcome)
        _book(loader.finish(), run)
        note_compared(job, connection, outcome)
    outcome.seconds = time.monotonic() - begun
    return outcome


def _count_contents(batch: Batch, outcome: Outcome) -> None:
    for contents in batch.contents:
        if contents.complete:
            outcome.files_read += 1
            outcome.photos += contents.photos
            outcome.bad_photos += contents.bad_photos
    outcome.files_without_reads += batch.without_reads()
    outcome.failed_files |= batch.failed


def _look_only(batch: Batch, feed: Feed, run: _Run) -> None:
    """A dry run: counts what the batch holds for each agency, and writes nothing."""
    names = run.names
    _count_rejects(batch.rejects, feed, names, run.outcome)
    reads = batch.reads.group_by(received=received_name(batch.reads.columns))
    for received, own, rows in reads.agg(pl.col("agency_name").first(), pl.len()).iter_rows():
        agency = names.agency_of(feed.datasource, received, own)
        name = own.strip() if agency is None else names.agencies[agency]
        run.outcome.count(name, "found", rows)
        run.outcome.count(name, "waiting", rows)
        if agency is None and name not in run.outcome.new_agencies:
            run.outcome.new_agencies.append(name)


def _load(batch: Batch, feed: Feed, run: _Run, connection: Connection, loader: Loader) -> None:
    """Enters a batch in the ledger, and queues the chunks of the job's agencies."""
    if batch.unread:
        note_unread(connection, batch.unread, batch.failed)
    if not batch.contents:
        return
    registered = ledger.register(
        connection, batch, _earlier(batch, run) if batch.part else None, takes=run.scope.takes, force=run.job.force
    )
    close_replaced(connection, batch, registered, run.newest)
    run.names = registered.names
    run.outcome.new_agencies += registered.new_agencies
    _count_rejects(batch.rejects, feed, run.names, run.outcome)
    begins = pl.Series([one.delivery.window_start for one in batch.contents], dtype=pl.Datetime("us", "UTC"))
    taken = _taken(registered.reads, run)
    taken = taken.with_columns(late=taken["event_time"] < begins.gather(taken["file"]) - LATE)
    ensure_partitions(connection, taken["event_time"])
    for part in split_by_agency(taken, run.settings.chunk_size, run.apart):
        chunk = run.mapping.chunk(part, run.names, closes=not batch.part, written=run.written)
        _book(loader.submit(chunk), run)
    if batch.part:
        _finish_part(batch, registered.held, run, loader)
    complete = {
        file_id: one.found for file_id, one in zip(registered.file_ids, batch.contents, strict=True) if one.complete
    }
    if complete:
        loader.close_files(complete)


def _taken(open_reads: pl.DataFrame, run: _Run) -> pl.DataFrame:
    """Returns the reads of the job's agencies, and counts the others as waiting."""
    agencies = open_reads.group_by("agency").len()
    mine = agencies.filter(pl.col("agency").map_elements(run.scope.takes, return_dtype=pl.Boolean))
    others = agencies.join(mine, on="agency", how="anti")
    run.outcome.count_frame(agencies, run.names.agencies, "found")
    run.outcome.count_frame(others, run.names.agencies, "waiting")
    return open_reads if others.is_empty() else open_reads.join(mine, on="agency", how="semi", maintain_order="left")


def _earlier(batch: Batch, run: _Run) -> dict[str, int]:
    """Returns the reads in the parts before this one, by received name. Forgets a delivery that broke off."""
    (contents,) = batch.contents
    if run.part_of != contents.delivery.key:
        run.part_of, run.earlier = contents.delivery.key, {}
    return run.earlier


def _finish_part(batch: Batch, held: Mapping[str, int], run: _Run, loader: Loader) -> None:
    """Remembers what a part of a large delivery held. After the last part, closes the names that were all loaded."""
    for received, rows in held.items():
        run.earlier[received] = run.earlier.get(received, 0) + rows
    (contents,) = batch.contents
    if not contents.complete:
        return
    _book(loader.finish(), run)
    agency_of = partial(run.names.agency_of, contents.delivery.datasource)
    done = [name for name in run.earlier if run.scope.takes(agency_of(name)) and agency_of(name) not in run.apart]
    loader.close_names(contents.delivery, done)
    run.part_of = None


def _count_rejects(rejects: pl.DataFrame, feed: Feed, names: NameTable, outcome: Outcome) -> None:
    for reason, received, rows in rejects.group_by("reason", "agency_name").len().iter_rows():
        agency = names.agency_of(feed.datasource, received) if received else None
        name = names.agencies[agency] if agency is not None else (received or "").strip()
        outcome.rejects[reason] += rows
        outcome.count(name, "found", rows)
        outcome.count(name, "rejected", rows)


def _book(results: Iterable[Result], run: _Run) -> None:
    """Counts what became of chunks. Reads that another run loaded in the meantime count as already there."""
    for chunk, result in results:
        rows = chunk.pairs.group_by("agency").agg(len=pl.col("rows").sum())
        if isinstance(result, str):
            for agency in rows["agency"]:
                run.apart.add(agency)
                run.outcome.failed_agencies[run.names.agencies[agency]] = result
            run.outcome.count_frame(rows, run.names.agencies, "waiting")
            continue
        if chunk.seen.height:
            run.written = _grown(run.written, chunk.seen)
        run.outcome.corrections += result.corrections
        inserted = result.inserted.group_by("agency").agg(inserted=pl.len())
        loaded = rows.join(inserted, on="agency", how="left").with_columns(pl.col("inserted").fill_null(0))
        names = run.names.agencies
        run.outcome.count_frame(loaded.select("agency", len="inserted"), names, "loaded")
        run.outcome.count_frame(loaded.select("agency", len=pl.col("len") - pl.col("inserted")), names, "already_there")


def _grown(written: pl.DataFrame | None, seen: pl.DataFrame) -> pl.DataFrame:
    """Adds what a chunk has written of cameras and agencies.

    Chunks are prepared before those ahead of them are loaded, so several may have seen the same.
    """
    return seen if written is None or written.height > MOST_WRITTEN else pl.concat([written, seen]).unique()
