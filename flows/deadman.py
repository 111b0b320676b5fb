"""Raises alarms for runs that failed, did not start or take far too long."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from ncric_core.jobs.prefect_api import Item, PrefectApi, moment
from ncric_core.jobs.state import is_paused, since_launch
from ncric_core.store.alarms import end_alarm, open_alarms, raise_alarm
from ncric_core.store.database import Connection

FAILED: Final = "run_failed"
NOT_STARTED: Final = "not_started"
OVERDUE: Final = "overdue"
KINDS: Final = (FAILED, NOT_STARTED, OVERDUE)

START_WITHIN: Final = timedelta(minutes=10)  # of its scheduled time; late runs start when a worker comes back
SLOWER: Final = 3  # a run is overdue if it takes more than this many times as long as usual
LEAST_SLOW: Final = timedelta(minutes=15)  # a run that takes no longer than this is never overdue
RUNS_KNOWN: Final = 5  # completed runs that are needed to learn the usual length


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong with a deployment's runs."""

    kind: str
    deployment: str
    message: str


def troubles(api: PrefectApi, now: datetime) -> list[Trouble]:
    """Finds what is wrong at a time with the runs of all deployments that have a schedule and are not paused."""
    return [
        trouble
        for one in api.deployments()
        if one["schedules"] and not is_paused(one)
        for trouble in of_deployment(one["name"], api.latest_runs(one["id"]), api.next_run(one["id"]), now)
    ]


def of_deployment(name: str, latest: Sequence[Item], following: Item | None, now: datetime) -> Iterator[Trouble]:
    """Finds what is wrong with a deployment, from its latest runs that have begun, newest first, and its next run."""
    ended = [run for run in latest if run["state_type"] in {"COMPLETED", "FAILED", "CRASHED"}]
    if ended and ended[0]["state_type"] != "COMPLETED":
        why = " ".join(((ended[0].get("state") or {}).get("message") or "see its log").split())
        yield Trouble(FAILED, name, f"{name}: the run {ended[0]['name']} ended as {ended[0]['state_name']}: {why}")
    due = moment(following["expected_start_time"]) if following else None
    if following is None or due is None:
        yield Trouble(NOT_STARTED, name, f"{name}: no run is scheduled, though its schedule is on: see `ncric doctor`")
    elif now - since_launch(due, following) > START_WITHIN:
        yield Trouble(NOT_STARTED, name, f"{name}: the run of {due:%Y-%m-%d %H:%M} UTC has not begun: is a worker up?")
    usual = _usual([run for run in ended if run["state_type"] == "COMPLETED"])
    for run in latest:
        begun = moment(run["start_time"])
        if run["state_type"] == "RUNNING" and begun is not None and now - begun > usual:
            minutes = round((now - begun) / timedelta(minutes=1))
            yield Trouble(OVERDUE, name, f"{name}: the run {run['name']} has been running for {minutes} minutes")


def _usual(completed: Sequence[Item]) -> timedelta:
    """Returns the time after which a run is overdue, learnt from completed runs. Two hours if they are too few."""
    if len(completed) < RUNS_KNOWN:
        return timedelta(hours=2)
    seconds = median(run["total_run_time"] for run in completed)
    return max(SLOWER * timedelta(seconds=seconds), LEAST_SLOW)


def judge_runs(connection: Connection, found: Sequence[Trouble], now: datetime) -> None:
    """Raises an alarm for each trouble that has none, and ends alarms whose trouble is gone, in one transaction."""
    with connection:
        subjects = {(one.kind, one.deployment) for one in found}
        for alarm in open_alarms(connection, KINDS):
            if (alarm.kind, alarm.subject) not in subjects:
                end_alarm(connection, alarm.kind, "deployment", alarm.subject, at=now)
        for one in found:
            raise_alarm(connection, one.kind, "deployment", one.deployment, one.message, at=now)
