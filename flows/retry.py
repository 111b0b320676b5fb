"""Which failures of a task are worth another try, and when."""

from typing import Any, Final

from prefect.client.schemas.objects import State
from prefect.tasks import exponential_backoff

from ncric_core.errors import NcricError

RETRIES: Final = 4
DELAYS: Final = exponential_backoff(backoff_factor=10)  # seconds: 10, 20, 40, 80
JITTER: Final = 0.3


def may_pass(_task: Any, _run: Any, state: State[Any]) -> bool:
    """Whether a failure is worth another try: S3 or the database may be back; a wrong name stays wrong."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, NcricError) and error.passing
