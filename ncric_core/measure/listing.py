"""Measures what a run costs that finds nothing to do: beside many older files, and beside none."""

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final

import polars as pl

from ncric_core.jobs.named import CATCHUP, job_named
from ncric_core.measure.steps import peak_memory, steps_in
from ncric_core.pipeline.integrate import integrate
from ncric_core.settings import Settings
from ncric_core.store.copy import copy_csv, csv_of
from ncric_core.store.database import Database, open_database
from ncric_core.windows import Window

END: Final = datetime(2022, 10, 11, tzinfo=UTC)  # of the older files; the window begins here
APART: Final = timedelta(seconds=11)  # files a day as at the real peak (feeds.md, section 1)
HOLDS: Final = timedelta(minutes=4)
RUNS: Final = 3
AT_ONCE: Final = 50_000  # files that are made and entered in the ledger at a time


@dataclass(frozen=True, slots=True)
class Listed:
    """What `ncric bench --listing N` prints: seconds of runs that find nothing to do, and peak memory in MB."""

    older_files: int
    window_seconds_beside_none: float
    window_seconds: float
    window_memory_mb: float
    catchup_full_seconds: float  # everything is compared with the ledger, as once a day
    catchup_full_memory_mb: float
    catchup_seconds: float  # only what is new is
    catchup_memory_mb: float

    def as_dict(self) -> dict[str, Any]:
        return {name: round(value, 3) for name, value in asdict(self).items()}


def bench_listing(folder: Path, *, older: int, note: Callable[[str], None]) -> Listed:
    """Measures listing in an empty folder. Each step has its own process, so that its peak memory is its own.

    `older` is the number of older files; the ledger has them all as read. `note` is told each step as it begins.
    """
    with steps_in(folder) as (settings, database, step):
        Path(settings.bucket).mkdir(parents=True)
        note("a window beside no files")
        beside_none, _ = step(_window)
        note(f"making {older:,} older files")
        step(_make, older)
        note(f"the window beside {older:,} files")
        window, window_memory = step(_window)
        note("files-catchup: everything, and then only what is new")
        full, full_memory = step(_catchup)
        _let_pass(database)
        new, new_memory = step(_catchup)
    return Listed(older, beside_none, window, window_memory, full, full_memory, new, new_memory)


def _window(settings: Settings) -> tuple[float, float]:
    """Returns the seconds of a run of an empty window, and the peak memory of its process in MB."""
    window = Window(END + HOLDS, END + HOLDS + timedelta(hours=1))
    return median(_seconds(settings, "boss4", window) for _ in range(RUNS)), peak_memory()


def _catchup(settings: Settings) -> tuple[float, float]:
    return _seconds(settings, CATCHUP, None), peak_memory()


def _seconds(settings: Settings, job: str, window: Window | None) -> float:
    outcome = integrate(job_named(job, settings, window), settings, open_database(settings))
    if outcome.files_read or not outcome.ok:
        raise AssertionError(f"{job} had something to do: {outcome}")
    return outcome.seconds


def _make(settings: Settings, older: int) -> None:
    """Makes older files, all empty, and enters them in the ledger as read."""
    folder = Path(settings.bucket, settings.boss4_prefix[0])
    folder.mkdir(parents=True)
    entered = ["datasource", "key", "version", "size", "last_modified", "window_start", "window_end", "found"]
    for first in range(0, older, AT_ONCE):
        rows = []
        for number in range(first, min(first + AT_ONCE, older)):
            end = END - number * APART
            start, seconds = end - HOLDS, round(end.timestamp())
            name = f"READS_maiveric-astrometrics_{start:%Y-%m-%d_%H-%M-%S}_{end:%Y-%m-%d_%H-%M-%S}_{number}.json"
            (folder / name).touch()
            os.utime(folder / name, (seconds, seconds))
            key = f"{settings.boss4_prefix[0]}{name}"
            rows.append(("BOSS4", key, f"0-{seconds * 10**9}", 0, end, start, end, 0))
        with open_database(settings).transaction() as connection:
            copy_csv(connection, "source_files", entered, csv_of(pl.DataFrame(rows, schema=entered, orient="row")))


def _let_pass(database: Database) -> None:
    """Makes the last comparison later than the files came: nobody can set the time at which a file came."""
    with database.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE listings SET compared_at = now() + interval '25 hours'")
