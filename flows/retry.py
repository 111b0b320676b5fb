"""Which failures of tasks are retried, and when. Prefect does the retries and shows them."""

from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.tasks import exponential_backoff

from ncric_core.errors import NcricError

P = ParamSpec("P")
R = TypeVar("R")

RETRIES: Final = 4
DELAYS: Final = exponential_backoff(backoff_factor=10)  # seconds: 10, 20, 40, 80
JITTER: Final = 0.3


def retried_task(name: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Returns a decorator that makes a task of a function. The task is retried after a failure that may pass."""
    return task(
        name=name,
        retries=RETRIES,
        retry_delay_seconds=DELAYS,
        retry_jitter_factor=JITTER,
        retry_condition_fn=may_pass,
        cache_policy=NO_CACHE,
    )


def may_pass(_task: Any, _run: Any, state: State[Any]) -> bool:
    """Tells whether to retry: S3 or the database may be back soon, but a wrong name stays wrong."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, NcricError) and error.passing
