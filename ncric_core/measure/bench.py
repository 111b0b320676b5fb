"""Compares the pipeline with the limits of this machine, in one run, on the same rows and the same indexed tables."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final

import polars as pl

from ncric_core.deliveries import CLEAN, Feed, received_name
from ncric_core.measure.steps import peak_memory, steps_in
from ncric_core.pipeline.integrate import integrate
from ncric_core.pipeline.mapping import own_flight
from ncric_core.pipeline.outcome import Job, Outcome
from ncric_core.settings import Settings
from ncric_core.simulate.day import simulate
from ncric_core.sources.feeds import feeds
from ncric_core.store.agencies import known_names
from ncric_core.store.copy import copy_reads
from ncric_core.store.database import Database, open_database
from ncric_core.store.partitions import ensure_partitions
from ncric_core.windows import Window

START: Final = datetime(2022, 10, 11, tzinfo=UTC)
# reads an hour at the real peak (feeds.md, section 1); the bench's files are as dense
REAL_RATE: Final = 4_000_000 / 24
LONGEST: Final = timedelta(days=30)  # window of the bench's job; the files of any bench fall into it
FILL_WEEKS: Final = 10  # weeks over which the rows of a filled store are spread


@dataclass(frozen=True, slots=True)
class Measured:
    """What `ncric bench` prints: medians over pairs of runs, the limit and the pipeline in turn.

    `end_to_end_ratio` is the limit's time by the pipeline's, pair by pair, and `end_to_end_spread` the difference
    between the largest and the smallest of these. `reload_ratio` and `filled_ratio` compare with the first load.
    """

    reads: int
    pairs: int
    copy_reads_per_second: float  # the limit: COPY straight into the indexed table, one connection
    reads_per_second: float
    end_to_end_ratio: float
    end_to_end_spread: float
    rerun_seconds: float
    reload_reads_per_second: float
    reload_ratio: float
    peak_memory_mb: float  # of the pipeline's process, without PostgreSQL; the largest of all pairs
    filled_rows: int
    filled_ratio: float | None

    def as_dict(self) -> dict[str, Any]:
        return {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class _Pair:
    """The limit and the pipeline, one right after the other. Times in seconds, `peak` in MB."""

    limit: float
    first: float
    again: float
    forced: float
    peak: float


def bench(folder: Path, *, reads: int, images: float, filled: int, pairs: int, note: Callable[[str], None]) -> Measured:
    """Measures the pipeline in an empty folder. Each step has its own process, so that its peak memory is its own.

    `reads` is the number of reads in the files, `images` the share of them that have photos. `filled` is the number of
    reads in the store for the last step, 0 to leave that out. `pairs` says how often the limit and the pipeline are run
    in turn. `note` is told each step as it begins.
    """
    with steps_in(folder) as (_, database, step):
        note(f"making {reads:,} reads")
        made = step(_make, reads, images)
        step(_prepare_limit, folder / "limit")
        measured: list[_Pair] = []
        for number in range(pairs):
            note(f"{number + 1} of {pairs}: COPY, the limit; the pipeline, from files; again; a forced reload")
            _empty(database)
            limit = step(_copy_limit, folder / "limit")
            _empty(database)
            first, peak = step(_pipeline, False)
            again, _ = step(_pipeline, False)
            forced, _ = step(_pipeline, True)
            measured.append(_Pair(limit, first, again, forced, peak))
        into_filled = None
        if filled:
            note(f"the same files into a store of {filled:,} reads")
            _empty(database)
            step(_fill, filled)
            into_filled, _ = step(_pipeline, False)
    return _measured(made, measured, filled, into_filled)


def _measured(made: int, pairs: Sequence[_Pair], filled: int, into_filled: float | None) -> Measured:
    ratios = [one.limit / one.first for one in pairs]
    first = median(one.first for one in pairs)
    return Measured(
        reads=made,
        pairs=len(pairs),
        copy_reads_per_second=made / median(one.limit for one in pairs),
        reads_per_second=made / first,
        end_to_end_ratio=median(ratios),
        end_to_end_spread=max(ratios) - min(ratios),
        rerun_seconds=median(one.again for one in pairs),
        reload_reads_per_second=made / median(one.forced for one in pairs),
        reload_ratio=median(one.first / one.forced for one in pairs),
        peak_memory_mb=max(one.peak for one in pairs),
        filled_rows=filled,
        filled_ratio=None if into_filled is None else first / into_filled,
    )


def _make(settings: Settings, reads: int, images: float) -> int:
    shutil.rmtree(settings.bucket, ignore_errors=True)
    hours = max(0.25, reads / REAL_RATE)
    made = simulate(Path(settings.bucket), reads=reads, start=START, hours=hours, images=images, faults=False)
    return int(made.truth.height)


def _job(settings: Settings, *, force: bool) -> Job:
    return Job(feeds=tuple(feeds(settings).values()), window=Window(START, START + LONGEST), force=force)


def _pipeline(settings: Settings, force: bool) -> tuple[float, float]:
    """Runs the pipeline. Returns the seconds that it took, and the peak memory of its process in MB."""
    outcome: Outcome = integrate(_job(settings, force=force), settings, open_database(settings))
    return outcome.seconds, peak_memory()


def _prepare_limit(settings: Settings, place: Path) -> None:
    """Writes the reads of all files into a folder, in chunks, as the pipeline passes them to COPY."""
    database = open_database(settings)
    place.mkdir()
    for feed in feeds(settings).values():
        for number, frame in enumerate(_frames(settings, database, feed)):
            frame.write_ipc(place / f"{feed.job}-{number:06}.arrow")


def _copy_limit(settings: Settings, place: Path) -> float:
    """Returns the seconds that one connection takes to COPY the same rows, already prepared, into the same table."""
    seconds = 0.0
    with open_database(settings).session() as connection:
        for path in sorted(place.iterdir()):
            frame = pl.read_ipc(path)
            ensure_partitions(connection, frame["event_time"])
            begun = time.monotonic()
            with connection:
                copy_reads(connection, "vehicle_records", frame)
            seconds += time.monotonic() - begun
    return seconds


def _frames(settings: Settings, database: Database, feed: Feed) -> list[pl.DataFrame]:
    """Returns the reads of a feed's files in chunks, in the columns that the pipeline passes to COPY."""
    mapping = own_flight(settings.flights_dir)
    batches = [batch.reads for batch in feed.read(feed.deliveries(None))]
    if not batches:
        return []
    reads = pl.concat(batches).with_columns(received_name=received_name(CLEAN))
    with database.transaction() as connection:
        names, _ = known_names(connection, feed.datasource, reads)
    agency = {name: names.agency_of(feed.datasource, name) for name in reads["received_name"].unique()}
    whole = reads.with_columns(
        agency=pl.col("received_name").replace_strict(agency, return_dtype=pl.Int32),
        file_id=pl.col("file").cast(pl.Int64),
        found=0,
        late=False,
    )
    chunks = whole.iter_slices(settings.chunk_size)
    return [mapping.chunk(chunk, names, closes=True).reads for chunk in chunks]


def _empty(database: Database) -> None:
    with database.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE vehicle_records, read_counts, read_days, days_changed, received_names, loads, rejects, "
            "source_files"
        )


def _fill(settings: Settings, wanted: int) -> None:
    """Fills the store with `wanted` other reads, spread over FILL_WEEKS up to the week of the bench's files."""
    database = open_database(settings)
    first = START - timedelta(weeks=FILL_WEEKS - 1)
    with database.session() as connection:
        ensure_partitions(connection, pl.Series([first + timedelta(weeks=n) for n in range(FILL_WEEKS + 1)]))
        with connection, connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO vehicle_records (id, event_time, agency, plate, plate_normalized, camera_id, camera_name,
                                             agency_id, agency_name, datasource, latitude, longitude)
                SELECT n || '_FILL', %(first)s + n * (%(span)s / %(wanted)s), 1 + n %% 50, p, p, (n %% 1200)::text,
                       'camera ' || n %% 1200, 'CA00' || n %% 50, 'Agency ' || n %% 50, 'FILL', 37.5, -122
                FROM generate_series(1, %(wanted)s) n, LATERAL (SELECT upper(substr(md5(n::text), 1, 7)) AS p) plates
                """,
                {"first": first, "span": timedelta(weeks=FILL_WEEKS), "wanted": wanted},
            )
