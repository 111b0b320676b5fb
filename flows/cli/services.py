"""Hidden commands that `ncric up` runs: they hold the embedded PostgreSQL open, feed the demo, watch for dead runs."""

import signal
import sys
import time
from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from ncric_core.agencies import NameMapping
from ncric_core.cli.app import say
from ncric_core.errors import StoreError
from ncric_core.jobs.named import CATCHUP, job_named
from ncric_core.pipeline.integrate import integrate
from ncric_core.settings import Settings, read_settings
from ncric_core.simulate.day import FEEDS
from ncric_core.simulate.feed import Clock, feed
from ncric_core.simulate.world import names
from ncric_core.store import embedded
from ncric_core.store.database import Database, open_database, rows
from ncric_core.store.names import set_mappings
from ncric_core.store.schema.migrate import up_to_date

SERVER_SEEN_EVERY: Final = 1.0  # seconds between two looks whether the embedded server runs


def database(ready: Path) -> None:
    """Brings the embedded PostgreSQL up to date and keeps it running. Writes its URL to `ready`.

    Raises StoreError if the server ends.
    """
    settings = read_settings()
    unfinished = ready.with_suffix(".unfinished")
    store = up_to_date(settings)
    store.close()  # no idle session of ours is in the way of a restore
    unfinished.write_text(store.dsn, encoding="utf-8")
    unfinished.rename(ready)
    say("the embedded PostgreSQL is ready")
    while embedded.runs(settings.data_dir):
        time.sleep(SERVER_SEEN_EVERY)
    raise StoreError("the embedded PostgreSQL has ended")


def feeds(clock: Clock, *, reads: int, seed: int, history: int, silence: Collection[str], jobs: bool) -> None:
    """Keeps writing simulated files into the bucket, and launches the runs that are due in simulated time."""
    settings = read_settings()
    store = open_database(settings)
    map_names(store)
    if history:
        _load_history(settings, store, clock.start, history, reads=reads, seed=seed)
    silent_from = dict.fromkeys(silence, clock.start)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # so that the schedules go on
    with _due_runs(settings, clock) if jobs else nullcontext():
        for draft in feed(Path(settings.bucket), clock, reads=reads, seed=seed, silent_from=silent_from):
            say(f"{draft.end:%Y-%m-%d %H:%M:%SZ} {draft.key}")


def _due_runs(settings: Settings, clock: Clock) -> AbstractContextManager[None]:
    from flows.cli.due import due_runs  # noqa: PLC0415  # imports prefect

    return due_runs(settings, clock)


def _load_history(settings: Settings, store: Database, end: datetime, days: int, *, reads: int, seed: int) -> None:
    """Writes the files of the days before `end` and loads them, so that there are habits to judge by."""
    start = end - timedelta(days=days)
    over = Clock(start, start, real_time=lambda: end)  # the clock stands at the end: no file has to be waited for
    files = sum(1 for _ in feed(Path(settings.bucket), over, reads=reads, seed=seed, end=end))
    say(f"{files:,} files of {days} days are in the bucket")
    outcome = integrate(job_named(CATCHUP, settings, None), settings, store)
    say(f"their {outcome.total.loaded:,} reads are loaded, in {outcome.seconds:.0f} s")


def map_names(database: Database) -> None:
    """Imports the simulated feeds' name table, unless there is a name table: what a person has mapped stays."""
    with database.session() as connection:
        if not rows(connection, "SELECT 1 FROM standardized_agency_names LIMIT 1"):
            connection.rollback()
            set_mappings(connection, [NameMapping(*one) for datasource in FEEDS for one in names(datasource)])
