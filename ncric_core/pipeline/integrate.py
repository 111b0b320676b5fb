"""The one pipeline: the files of a window → reads in the store. Flows, command line, bench and tests all call
`integrate`.

The way of a read: the bucket is listed and the ledger tells which files have something left; they are fetched ahead,
parsed and salvaged; a batch of them is cleaned and entered in the ledger, its names are standardised, and the job's
agencies are loaded in chunks, while the next batch is parsed.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import chain, pairwise
from typing import Final

import polars as pl

from ncric_core.errors import SourceError
from ncric_core.pipeline.chunks import split_by_agency
from ncric_core.pipeline.clean import REJECTED, clean
from ncric_core.pipeline.listing import Arrival, Scope, files_to_read, scope
from ncric_core.pipeline.loading import Loader, Result
from ncric_core.pipeline.mapping import ReadsFlight, own_flight
from ncric_core.pipeline.outcome import Job, Outcome
from ncric_core.settings import Settings
from ncric_core.sources.files.fetch import fetched, pieces
from ncric_core.sources.files.lpr_json import ParsedReads, parse, parse_parts, raw_frame
from ncric_core.sources.files.objects import Bucket
from ncric_core.store import ledger
from ncric_core.store.agencies import NameTable, name_table
from ncric_core.store.database import Connection, Database
from ncric_core.store.partitions import ensure_partitions

MOST_WRITTEN: Final = 50_000  # rows of what was seen of cameras and agencies that a run remembers

SMALLEST_BATCH: Final = 5_000  # reads; below this polars and the database spend their time on overhead

LATE: Final = timedelta(hours=1)
"""Before its file's window; such a read may well be there already, as it was sent again."""

Progress = Callable[[Outcome], None]
"""Called after each batch with what was done so far."""


@dataclass(slots=True)
class _Batch:
    """Files of one feed that are cleaned and loaded together; a large file comes alone, part by part."""

    arrivals: list[Arrival] = field(default_factory=list)
    parsed: list[ParsedReads] = field(default_factory=list)
    complete: bool = True
    part: bool = False
    found_before: int = 0  # rows and photos of the parts before this one
    photos_before: int = 0
    bad_photos_before: int = 0


@dataclass(slots=True)
class _Run:
    """What the steps of a run share."""

    job: Job
    settings: Settings
    outcome: Outcome
    mapping: ReadsFlight
    names: NameTable
    scope: Scope
    written: pl.DataFrame | None = None  # what was seen of cameras and agencies, and is in the store
    apart: set[int] = field(default_factory=set)  # agencies that could not be loaded: they share no chunk any more
    earlier: dict[str, int] = field(default_factory=dict)  # reads by name in the parts of a large file so far


def integrate(
    job: Job, settings: Settings, database: Database, bucket: Bucket, progress: Progress = lambda _: None
) -> Outcome:
    """Loads the reads of a job, and tells for each agency what was found, loaded, already there and rejected.

    To run it again, at any time and however the last run ended, loads what is missing and nothing twice. A file that
    cannot be fetched and an agency that cannot be loaded are named in the outcome, and the rest is loaded. Raises
    AgencyError for a name that is no agency's, SourceError if the bucket cannot be listed, StoreError if the database
    is lost.
    """
    begun = time.monotonic()
    outcome = Outcome(dry_run=job.dry_run)
    with database.session() as connection, Loader(database, force=job.force) as loader:
        with connection:
            names = name_table(connection)
        run = _Run(job, settings, outcome, own_flight(settings.flights_dir), names, scope(job, names))
        for batch in _batches(files_to_read(job, bucket, connection, names, outcome), bucket, settings, outcome):
            if job.dry_run:
                _look_only(batch, run)
            else:
                _load(batch, run, connection, loader)
            progress(outcome)
        _book(loader.finish(), run)
    outcome.seconds = time.monotonic() - begun
    return outcome


def _batches(arrivals: Iterable[Arrival], bucket: Bucket, settings: Settings, outcome: Outcome) -> Iterator[_Batch]:
    """Files fetched and parsed, in batches of one feed. A file that cannot be fetched is named in the outcome."""
    smallest = max(settings.chunk_size, SMALLEST_BATCH)
    enough = SMALLEST_BATCH  # the first batches are small, so that loading begins at once
    batch, rows = _Batch(), 0
    for arrival, content in fetched(bucket, ((a, a.listed) for a in arrivals), parse, settings.fetch_threads):
        if batch.arrivals and (content is None or rows >= enough or arrival.feed is not batch.arrivals[0].feed):
            yield batch
            batch, rows, enough = _Batch(), 0, min(2 * enough, smallest)
        if isinstance(content, ParsedReads):
            batch.arrivals.append(arrival)
            batch.parsed.append(content)
            rows += content.found
            outcome.files_read += 1
        elif content is None:
            yield from _parts(arrival, bucket, smallest, outcome)
        else:
            outcome.failed_files[arrival.file.key] = str(content)
    if batch.arrivals:
        yield batch


def _parts(arrival: Arrival, bucket: Bucket, rows: int, outcome: Outcome) -> Iterator[_Batch]:
    """A large file in batches of its own."""
    found = photos = bad_photos = 0
    try:
        for parsed, following in pairwise(chain(parse_parts(pieces(bucket, arrival.listed), rows), [None])):
            if parsed is not None:
                yield _Batch([arrival], [parsed], following is None, True, found, photos, bad_photos)
                found, photos, bad_photos = found + parsed.found, photos + parsed.photos, bad_photos + parsed.bad_photos
        outcome.files_read += 1
    except SourceError as error:
        outcome.failed_files[arrival.file.key] = str(error)


def _cleaned(batch: _Batch, settings: Settings, outcome: Outcome) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The batch's clean reads (schema CLEAN) and all its rejects (schema REJECTED)."""
    feed = batch.arrivals[0].feed
    reads, rejected = clean(
        raw_frame(batch.parsed),
        [arrival.file.window_end for arrival in batch.arrivals],
        datasource=feed.datasource,
        id_suffix=feed.id_suffix,
        zone=feed.zone.key,
        keep_days=settings.keep_days,
    )
    unparsed = [
        (number, reject.position, reject.reason, reject.detail, reject.received, reject.agency_name)
        for number, parsed in enumerate(batch.parsed)
        for reject in parsed.rejects
    ]
    outcome.photos += sum(parsed.photos for parsed in batch.parsed)
    outcome.bad_photos += sum(parsed.bad_photos for parsed in batch.parsed)
    return reads, pl.concat([rejected, pl.DataFrame(unparsed, schema=REJECTED, orient="row")])


def _look_only(batch: _Batch, run: _Run) -> None:
    """A dry run: what the batch holds for each agency, and nothing is written."""
    reads, rejects = _cleaned(batch, run.settings, run.outcome)
    datasource, names = batch.arrivals[0].feed.datasource, run.names
    _count_rejects(rejects, datasource, names, run.outcome)
    for received, rows in reads.group_by("agency_name").len().iter_rows():
        agency = names.agency_of(datasource, received)
        name = received.strip() if agency is None else names.agencies[agency]
        run.outcome.count(name, "found", rows)
        run.outcome.count(name, "waiting", rows)
        if agency is None and name not in run.outcome.new_agencies:
            run.outcome.new_agencies.append(name)


def _load(batch: _Batch, run: _Run, connection: Connection, loader: Loader) -> None:
    """Enters a batch in the ledger, and queues the chunks of the job's agencies."""
    reads, rejects = _cleaned(batch, run.settings, run.outcome)
    registered = ledger.register(
        connection,
        _contents(batch),
        reads,
        rejects,
        run.earlier if batch.part else None,
        takes=run.scope.takes,
        force=run.job.force,
    )
    run.names = registered.names
    run.outcome.new_agencies += registered.new_agencies
    _count_rejects(rejects, batch.arrivals[0].feed.datasource, run.names, run.outcome)
    begins = pl.Series([arrival.file.window_start for arrival in batch.arrivals], dtype=pl.Datetime("us", "UTC"))
    taken = _taken(registered.reads, run)
    taken = taken.with_columns(late=taken["event_time"] < begins.gather(taken["file"]) - LATE)
    ensure_partitions(connection, taken["event_time"].dt.truncate("1w").unique().to_list())
    for part in split_by_agency(taken, run.settings.chunk_size, run.apart):
        chunk = run.mapping.chunk(part, run.names, closes=not batch.part, written=run.written)
        _book(loader.submit(chunk), run)
    if batch.part:
        _finish_part(batch, run, reads, loader)
    if batch.complete:
        found = [batch.found_before + parsed.found for parsed in batch.parsed]
        loader.close_files(dict(zip(registered.file_ids, found, strict=True)))


def _taken(open_reads: pl.DataFrame, run: _Run) -> pl.DataFrame:
    """The reads of the job's agencies; the others are counted as waiting."""
    agencies = open_reads.group_by("agency").len()
    mine = agencies.filter(pl.col("agency").map_elements(run.scope.takes, return_dtype=pl.Boolean))
    others = agencies.join(mine, on="agency", how="anti")
    run.outcome.count_frame(agencies, run.names.agencies, "found")
    run.outcome.count_frame(others, run.names.agencies, "waiting")
    return open_reads if others.is_empty() else open_reads.join(mine, on="agency", how="semi", maintain_order="left")


def _finish_part(batch: _Batch, run: _Run, reads: pl.DataFrame, loader: Loader) -> None:
    """After a part of a large file: what it held is remembered; after the last, names of which all was loaded are
    closed."""
    for name, rows in reads.group_by("agency_name").len().iter_rows():
        run.earlier[name] = run.earlier.get(name, 0) + rows
    if not batch.complete:
        return
    _book(loader.finish(), run)
    file = batch.arrivals[0].file
    agency_of = partial(run.names.agency_of, file.datasource)
    done = [name for name in run.earlier if run.scope.takes(agency_of(name)) and agency_of(name) not in run.apart]
    loader.close_names(file, done)
    run.earlier = {}


def _contents(batch: _Batch) -> list[ledger.FileContent]:
    return [
        ledger.FileContent(
            arrival.file,
            found=batch.found_before + parsed.found,
            photos=batch.photos_before + parsed.photos,
            bad_photos=batch.bad_photos_before + parsed.bad_photos,
            complete=batch.complete,
        )
        for arrival, parsed in zip(batch.arrivals, batch.parsed, strict=True)
    ]


def _count_rejects(rejects: pl.DataFrame, datasource: str, names: NameTable, outcome: Outcome) -> None:
    for reason, received, rows in rejects.group_by("reason", "agency_name").len().iter_rows():
        agency = names.agency_of(datasource, received) if received else None
        name = names.agencies[agency] if agency is not None else (received or "").strip()
        outcome.rejects[reason] += rows
        outcome.count(name, "found", rows)
        outcome.count(name, "rejected", rows)


def _book(results: Iterable[Result], run: _Run) -> None:
    """Counts what became of chunks. What another run loaded in the meantime is already there."""
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
        inserted = result.inserted.group_by("agency").agg(inserted=pl.len())
        loaded = rows.join(inserted, on="agency", how="left").with_columns(pl.col("inserted").fill_null(0))
        names = run.names.agencies
        run.outcome.count_frame(loaded.select("agency", len="inserted"), names, "loaded")
        run.outcome.count_frame(loaded.select("agency", len=pl.col("len") - pl.col("inserted")), names, "already_there")


def _grown(written: pl.DataFrame | None, seen: pl.DataFrame) -> pl.DataFrame:
    """What is in the store by now. Chunks are made before those ahead of them are loaded, so that several may have seen
    the same."""
    return seen if written is None or written.height > MOST_WRITTEN else pl.concat([written, seen]).unique()
