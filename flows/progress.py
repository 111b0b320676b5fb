"""How far a run is, as an artifact that grows while one looks at it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

TELL_EVERY: Final = 1.0  # seconds between changes of the artifact, which cost a request each


@contextmanager
def progress_of(total: int, description: str) -> Iterator[Callable[[int], None]]:
    """An artifact of the task's run, at 100 in the end; takes how many of the total are done."""
    made = create_progress_artifact(0.0, key="progress", description=description)
    artifact, last = cast(UUID, made), time.monotonic()  # no coroutine, as the task is none

    def tell(done: int) -> None:
        nonlocal last
        if total and time.monotonic() - last >= TELL_EVERY:
            last = time.monotonic()
            # what came meanwhile does not bring it over 100
            update_progress_artifact(artifact, round(100.0 * min(done / total, 1.0), 1))

    yield tell
    update_progress_artifact(artifact, 100.0)
