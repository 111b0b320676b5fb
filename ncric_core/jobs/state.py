"""The state of a job, from what the Prefect server says about its deployment: last run, next run, late, paused."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ncric_core.jobs.prefect_api import Item, PrefectApi, moment

LATE: Final = timedelta(minutes=1)  # a run that has not begun by then is shown as late


@dataclass(frozen=True, slots=True)
class JobState:
    """The state of a deployment: its last run and its next run."""

    name: str
    scheduled: bool  # false: only a person starts it
    paused: bool
    last_state: str | None
    last_start: datetime | None
    last_seconds: float | None
    next_start: datetime | None
    late: bool


def job_state(api: PrefectApi, item: Item, now: datetime) -> JobState:
    """Returns the state of a deployment (`item`, as the server returns it) at the time `now`. Asks for its runs."""
    return state_of(item, api.last_run(item["id"]), api.next_run(item["id"]), now)


def state_of(item: Item, last: Item | None, following: Item | None, now: datetime) -> JobState:
    """Returns the state of a deployment at the time `now`, from the run that began last and the run that is next."""
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
    """Returns the earliest time at which a run could have begun: when it was due, or its launch if that was later."""
    return max(due, moment(run.get("created")) or due)


def is_paused(deployment: Item) -> bool:
    """Returns whether a deployment is paused, or each of its schedules is. It may have no schedule at all."""
    schedules = deployment["schedules"]
    return bool(deployment["paused"] or (schedules and not any(one["active"] for one in schedules)))


def seconds_of(run: Item, now: datetime) -> float | None:
    """Returns how many seconds a run took, or has been running; None if it has not begun."""
    start, end = moment(run["start_time"]), moment(run["end_time"])
    return None if start is None else round(((end or now) - start).total_seconds(), 1)
