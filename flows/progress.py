"""Shows how far a run is, as an artifact that is updated while it runs."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

TELL_EVERY: Final = 1.0  # seconds between changes of the artifact, which cost a request each


@contextmanager
def progress_of(total: int, description: str) -> Iterator[Callable[[int], None]]:
    """Makes a progress artifact. Enters with a function that takes how many of `total` are done. Leaves it at 100."""
    made = create_progress_artifact(0.0, key="progress", description=description)
    artifact, last = cast(UUID, made), time.monotonic()  # not a coroutine, as the task is synchronous

    def tell(done: int) -> None:
        nonlocal last
        if total and time.monotonic() - last >= TELL_EVERY:
            last = time.monotonic()
            # more may be done than was counted at the start
            update_progress_artifact(artifact, round(100.0 * min(done / total, 1.0), 1))

    yield tell
    update_progress_artifact(artifact, 100.0)
