"""How a job stands, by what the Prefect server says of its deployment: last run, next run, late, paused."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ncric_core.jobs.prefect_api import Item, PrefectApi, moment

LATE: Final = timedelta(minutes=1)  # a run that has not begun by then is told as late


@dataclass(frozen=True, slots=True)
class JobState:
    """A deployment: its last run, and its next."""

    name: str
    scheduled: bool  # or begun by hand only
    paused: bool
    last_state: str | None
    last_start: datetime | None
    last_seconds: float | None
    next_start: datetime | None
    late: bool


def job_state(api: PrefectApi, item: Item, now: datetime) -> JobState:
    """A deployment (`item`, as the server gives it) and its runs, as of a time."""
    return state_of(item, api.last_run(item["id"]), api.next_run(item["id"]), now)


def state_of(item: Item, last: Item | None, following: Item | None, now: datetime) -> JobState:
    """A deployment by the run that began last and the one that is to begin next, as of a time."""
    next_start = (
        moment(following["next_scheduled_start_time"] or following["expected_start_time"]) if following else None
    )
    return JobState(
        item["name"],
        scheduled=bool(item["schedules"]),
        paused=is_paused(item),
        last_state=last["state_name"] if last else None,
        last_start=moment(last["start_time"]) if last else None,
        last_seconds=seconds_of(last, now) if last else None,
        next_start=next_start,
        late=following is not None and next_start is not None and since_launch(next_start, following) + LATE < now,
    )


def since_launch(due: datetime, run: Item) -> datetime:
    """From when on a run that was due at a time could have begun: since then, or its launch if that was later."""
    return max(due, moment(run.get("created")) or due)


def is_paused(deployment: Item) -> bool:
    """Whether someone has paused a deployment, itself or each of its schedules; one begun by hand only has none."""
    schedules = deployment["schedules"]
    return bool(deployment["paused"] or (schedules and not any(one["active"] for one in schedules)))


def seconds_of(run: Item, now: datetime) -> float | None:
    """How long a run took, or has been running."""
    start, end = moment(run["start_time"]), moment(run["end_time"])
    return None if start is None else round(((end or now) - start).total_seconds(), 1)
