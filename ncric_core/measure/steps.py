"""Runs the steps of a bench on an empty store of its own, each step in a process of its own."""

import multiprocessing
import resource
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ncric_core.settings import Settings
from ncric_core.store.database import Database, open_database
from ncric_core.store.schema.migrate import migrate

Step = Callable[..., Any]
"""Calls a function with the bench's settings and what is given, in a new process, and returns its result."""


@contextmanager
def steps_in(folder: Path) -> Iterator[tuple[Settings, Database, Step]]:
    """Makes an embedded store in an empty folder, and keeps it running between the steps."""
    settings = Settings(data_dir=folder, bucket=str(folder / "bucket"), database_url=None)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:

        def step(what: Callable[..., Any], *given: Any) -> Any:
            return pool.submit(what, settings, *given).result()

        database = open_database(settings)
        migrate(database, organization=settings.organization, flights_dir=settings.flights_dir)
        yield settings, database, step


def peak_memory() -> float:
    """Returns the peak memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
