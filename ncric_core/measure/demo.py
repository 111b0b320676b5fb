"""Runs a day's jobs on a day of simulated feeds, and checks the store against the truth."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import polars as pl

from ncric_core.agencies import NameMapping
from ncric_core.measure import DAY
from ncric_core.pipeline.integrate import integrate
from ncric_core.pipeline.outcome import Job, Outcome
from ncric_core.settings import Settings
from ncric_core.simulate.day import Simulated, simulate
from ncric_core.sources.feeds import feeds
from ncric_core.store.database import Database, rows
from ncric_core.store.names import set_mappings
from ncric_core.windows import Window

LARGE: Final = ("Fremont PD", "Santa Clara County Sheriff's Office")
"""The agencies that have their own jobs (docs/architecture.md, "The jobs")."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Reads that are missing from the store, and reads in it that should not be there (columns TRUTH_KEY)."""

    missing: pl.DataFrame
    unexpected: pl.DataFrame

    @property
    def none(self) -> bool:
        return self.missing.is_empty() and self.unexpected.is_empty()


def jobs_of_the_day(settings: Settings, day: datetime) -> Iterator[tuple[str, Job]]:
    """Yields the name and the work of every job of a day, hour by hour, and of the catch-up at its end."""
    there = feeds(settings)
    for hour in range(24):
        span = Window(day + timedelta(hours=hour), day + timedelta(hours=hour + 1))
        boss4 = Job(feeds=(there["boss4"],), window=span)
        for agency in LARGE:
            yield f"boss4 {agency}", replace(boss4, agencies=(agency,))
        yield "boss4", replace(boss4, exclude=LARGE)
        yield "scso", Job(feeds=(there["scso"],), window=span)
    yield "files-catchup", Job(feeds=tuple(there.values()), window=None)


def make_feeds(settings: Settings, database: Database, *, reads: int, seed: int, images: float) -> Simulated:
    """Writes a day's files into the bucket of the settings, and imports the name table that goes with them."""
    made = simulate(Path(settings.bucket), reads=reads, start=DAY, seed=seed, images=images)
    with database.session() as connection:
        set_mappings(
            connection, [NameMapping(received, standard, source) for received, standard, source in made.mappings]
        )
    return made


def run_day(
    settings: Settings, database: Database, progress: Callable[[str, Outcome], None]
) -> list[tuple[str, Outcome]]:
    """Runs the jobs of the day one after the other. Calls `progress` after each, and returns all outcomes."""
    done = []
    for name, job in jobs_of_the_day(settings, DAY):
        outcome = integrate(job, settings, database)
        progress(name, outcome)
        done.append((name, outcome))
    return done


TRUTH_KEY: Final = ["vehicle_record_id", "event_time", "plate", "datasource", "standardized_agency_name"]


def differences(database: Database, made: Simulated) -> Difference:
    """Compares the reads in the store with those that the simulator says must come out, in the columns TRUTH_KEY."""
    with database.transaction() as connection:
        found = rows(
            connection,
            """
            SELECT vehicle_record_id, event_time, plate, datasource, standardized_agency_name
            FROM reads
            WHERE file_key IS NOT NULL
            """,
        )
    schema = {name: made.truth.schema[name] for name in TRUTH_KEY}
    stored = pl.DataFrame(found, schema=schema, orient="row")
    truth = made.truth.select(TRUTH_KEY)
    return Difference(
        truth.join(stored, on=TRUTH_KEY, how="anti", nulls_equal=True),
        stored.join(truth, on=TRUTH_KEY, how="anti", nulls_equal=True),
    )
