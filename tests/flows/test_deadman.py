"""Alarms for runs that failed, did not start or take far too long."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from flows.deadman import FAILED, NOT_STARTED, OVERDUE, Trouble, judge_runs, of_deployment, troubles
from ncric_core.jobs.prefect_api import PrefectApi
from ncric_core.jobs.state import is_paused, job_state
from ncric_core.store.alarms import open_alarms
from tests.conftest import Store

NOW = datetime(2022, 10, 11, 9, 0, tzinfo=UTC)


def run(state: str, minutes_ago: float, took: float = 60.0, message: str = "") -> dict[str, Any]:
    begun = NOW - timedelta(minutes=minutes_ago)
    return {
        "name": f"run of {begun:%H:%M}",
        "state_type": state,
        "state_name": state.capitalize(),
        "state": {"message": message},
        "start_time": begun.isoformat(),
        "expected_start_time": begun.isoformat(),
        "total_run_time": took,
    }


def kinds(latest: list[dict[str, Any]], following: dict[str, Any] | None) -> list[str]:
    return [one.kind for one in of_deployment("boss4-hourly", latest, following, NOW)]


SOON = run("SCHEDULED", -10)


def test_a_deployment_whose_runs_are_as_they_should_be_has_no_trouble() -> None:
    assert kinds([], SOON) == []
    assert kinds([run("RUNNING", 3), run("COMPLETED", 60), run("FAILED", 120)], SOON) == []


def test_the_latest_run_that_has_ended_counts() -> None:
    (trouble,) = of_deployment(
        "boss4-hourly", [run("FAILED", 50, message="not loaded: Broken PD"), run("COMPLETED", 110)], SOON, NOW
    )
    assert trouble.kind == FAILED
    assert trouble.message == "boss4-hourly: the run run of 08:10 ended as Failed: not loaded: Broken PD"
    assert kinds([run("CRASHED", 50)], SOON) == [FAILED]


def test_a_run_that_has_not_begun_ten_minutes_after_its_time_and_a_schedule_without_runs() -> None:
    assert kinds([], run("SCHEDULED", 9)) == []
    assert kinds([], run("SCHEDULED", 11)) == [NOT_STARTED]
    assert kinds([], None) == [NOT_STARTED]


def test_a_run_launched_after_its_time_has_ten_minutes_from_then_on() -> None:
    def launched(minutes_ago: float) -> dict[str, Any]:
        return run("SCHEDULED", 600) | {"created": (NOW - timedelta(minutes=minutes_ago)).isoformat()}

    assert kinds([], launched(9)) == []
    assert kinds([], launched(11)) == [NOT_STARTED]


def test_a_run_that_takes_far_longer_than_usual() -> None:
    usual = [run("COMPLETED", 60 * n, took=600) for n in range(1, 7)]
    assert kinds([run("RUNNING", 29), *usual], SOON) == []
    assert kinds([run("RUNNING", 31), *usual], SOON) == [OVERDUE]
    short = [run("COMPLETED", 60 * n, took=5) for n in range(1, 7)]
    assert kinds([run("RUNNING", 14), *short], SOON) == []
    assert kinds([run("RUNNING", 16), *short], SOON) == [OVERDUE]
    assert kinds([run("RUNNING", 100)], SOON) == []  # the usual length is not known


def deployment(*active: bool, paused: bool = False) -> dict[str, Any]:
    """Makes boss4-hourly as the REST API returns it, with these schedules."""
    schedules = [{"schedule": {"cron": "10 * * * *"}, "active": one} for one in active]
    return {"id": "1", "name": "boss4-hourly", "paused": paused, "schedules": schedules}


def server(*deployments: dict[str, Any]) -> PrefectApi:
    """Makes a Prefect server that has these deployments, and no past or future run."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=list(deployments) if request.url.path == "/api/deployments/filter" else [])

    return PrefectApi("http://prefect/api", httpx.Client(transport=httpx.MockTransport(answer)), "ncric")


@pytest.mark.parametrize(
    ("one", "paused", "found"),
    [
        (deployment(True), False, [NOT_STARTED]),
        (deployment(False, True), False, [NOT_STARTED]),  # one of its schedules is on
        (deployment(False), True, []),
        (deployment(False, False), True, []),
        (deployment(True, paused=True), True, []),
        (deployment(), False, []),  # launched by hand only: no run is due
        (deployment(paused=True), True, []),
    ],
)
def test_what_an_operator_has_paused_is_in_no_trouble_and_told_as_paused(
    one: dict[str, Any], paused: bool, found: list[str]
) -> None:
    assert is_paused(one) is paused
    api = server(one)
    assert job_state(api, one, NOW).paused is paused
    assert [(trouble.kind, trouble.deployment) for trouble in troubles(api, NOW)] == [
        (kind, "boss4-hourly") for kind in found
    ]


def test_an_alarm_that_stands_when_a_deployment_is_paused_ends(store: Store) -> None:
    later = NOW + timedelta(minutes=15)
    with store.database.session() as connection:
        judge_runs(connection, troubles(server(deployment(True, True)), NOW), NOW)
        with connection:
            assert [(one.kind, one.subject) for one in open_alarms(connection)] == [(NOT_STARTED, "boss4-hourly")]
        judge_runs(connection, troubles(server(deployment(False, False)), later), later)
        with connection:
            assert open_alarms(connection) == []
    assert store.rows("SELECT kind, subject, began_at, ended_at FROM alarms") == [
        (NOT_STARTED, "boss4-hourly", NOW, later)
    ]


def test_an_alarm_begins_once_and_ends_with_its_cause(store: Store) -> None:
    trouble = Trouble(FAILED, "boss4-hourly", "boss4-hourly: failed")
    with store.database.session() as connection:
        for _ in range(2):
            judge_runs(connection, [trouble], NOW)
        with connection:
            assert [(one.kind, one.subject) for one in open_alarms(connection)] == [(FAILED, "boss4-hourly")]
        judge_runs(connection, [], NOW)
        with connection:
            assert open_alarms(connection) == []
    assert store.rows("SELECT count(*), count(ended_at) FROM alarms") == [(1, 1)]
