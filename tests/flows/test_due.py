"""The runs that are due in the demo's simulated time, with a real Prefect server."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prefect.settings import PREFECT_API_URL

from flows.cli.deployments import DEMO_PAUSE
from flows.cli.due import DueRuns, due_between, due_runs
from ncric_core.errors import ServiceError
from ncric_core.jobs.launch import deployment_named
from ncric_core.jobs.prefect_api import PrefectApi, moment, prefect_api
from ncric_core.settings import Settings
from ncric_core.simulate.feed import Clock

NOW = datetime(2022, 3, 14, 9, 0, tzinfo=UTC)


def clock_at(hours: float, begun: datetime = NOW) -> Clock:
    """Makes a clock that began yesterday at 09:00 UTC, is 24 times as fast, and is so many simulated hours on."""
    return Clock(NOW - timedelta(days=1), begun, 24.0, real_time=lambda: begun + timedelta(hours=hours / 24))


@pytest.fixture
def api(prefect: None) -> Iterator[PrefectApi]:
    """Makes two deployments on a real server: an hourly one, and the one that looks for silence."""
    with prefect_api(Settings(prefect_api_url=PREFECT_API_URL.value(), _env_file=None)) as found:
        for name, cron in (("hourly", "10 * * * *"), ("freshness", "*/30 * * * *")):
            flow = found.ask("POST", "/flows/", {"name": name}).json()["id"]
            schedule = {"schedule": {"cron": cron, "timezone": "America/Los_Angeles"}, "active": True}
            found.ask("POST", "/deployments/", {"name": name, "flow_id": flow, "schedules": [schedule]})
        yield found
        for one in found.deployments():
            found.ask("DELETE", f"/deployments/{one['id']}")


def launched(api: PrefectApi, name: str) -> list[datetime | None]:
    tagged = [run for run in api.tagged("simulated time") if run["deployment_id"] == deployment_named(api, name)["id"]]
    return [moment(run["expected_start_time"]) for run in tagged]


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2022-03-{text}:00+00:00")


def end_all(api: PrefectApi) -> None:
    for run in api.tagged("simulated time", ended=False):
        api.ask("POST", f"/flow_runs/{run['id']}/set_state", {"state": {"type": "COMPLETED"}, "force": True})


def test_what_is_due_is_launched_once_with_the_time_that_it_was_due_at(api: PrefectApi) -> None:
    begun = datetime.now(UTC)
    start = NOW - timedelta(days=1)
    for hours in (1.0, 2.5):
        due = DueRuns(api, clock_at(hours, begun), start)  # the second time, as after a restart of the process
        due.launch()
        while due.waiting:
            end_all(api)
            due.launch()
    assert launched(api, "hourly") == [at("13T09:10"), at("13T10:10"), at("13T11:10")]
    assert launched(api, "freshness") == [start + number * timedelta(minutes=30) for number in range(5)]


def test_of_each_deployment_one_run_is_launched_after_the_other(api: PrefectApi) -> None:
    due = DueRuns(api, clock_at(2.5, datetime.now(UTC)), NOW - timedelta(days=1))
    due.launch()
    due.launch()
    assert launched(api, "hourly") == [at("13T09:10")]
    end_all(api)
    due.launch()
    assert launched(api, "hourly") == [at("13T09:10"), at("13T10:10")]


def test_a_job_that_a_person_has_paused_stays_so(api: PrefectApi) -> None:
    api.pause(deployment_named(api, "hourly")["id"], paused=True)
    DueRuns(api, clock_at(2, datetime.now(UTC)), NOW - timedelta(days=1)).launch()
    assert launched(api, "hourly") == []
    assert launched(api, "freshness")


def test_the_schedule_that_looks_for_silence_rests_until_simulated_time_has_caught_up(api: PrefectApi) -> None:
    def rests() -> bool:
        return bool(deployment_named(api, "freshness")["paused"])

    settings = Settings(prefect_api_url=api.url, _env_file=None)
    begun = datetime.now(UTC) - timedelta(hours=2)
    clock = Clock(begun - timedelta(minutes=10), begun, 2.0)  # ten minutes behind, caught up long ago
    with due_runs(settings, clock):
        assert rests()
        while rests():
            end_all(api)
            time.sleep(0.1)
    before = launched(api, "hourly")
    caught_up = DueRuns(api, clock, clock.start, over=True)
    caught_up.launch()
    assert launched(api, "hourly") == before
    with pytest.raises(SystemExit), due_runs(settings, clock_at(1)):
        raise SystemExit  # as at Ctrl-C
    assert not rests()


def test_a_pause_by_a_person_is_none_of_the_demos_business(api: PrefectApi) -> None:
    settings = Settings(prefect_api_url=api.url, _env_file=None)
    api.pause(deployment_named(api, "freshness")["id"], paused=True)
    with due_runs(settings, clock_at(1, datetime.now(UTC))):
        time.sleep(1.5)  # it has launched what is due by then
    assert launched(api, "hourly")
    assert launched(api, "freshness") == []
    assert deployment_named(api, "freshness")["paused"]


def test_the_demos_pause_says_whose_it_is_and_leaves_no_trace(api: PrefectApi) -> None:
    settings = Settings(prefect_api_url=api.url, _env_file=None)
    before = deployment_named(api, "freshness")["tags"]
    for _ in range(2):  # the second finds the pause of a first one that was killed
        api.pause(deployment_named(api, "freshness")["id"], paused=True, tags=[*before, DEMO_PAUSE])
        with due_runs(settings, clock_at(1, datetime.now(UTC))):
            assert deployment_named(api, "freshness")["tags"] == [*before, DEMO_PAUSE]
        one = deployment_named(api, "freshness")
        assert (one["paused"], one["tags"]) == (False, before)


def test_a_server_that_is_down_is_asked_again(api: PrefectApi, capsys: pytest.CaptureFixture[str]) -> None:
    clock = clock_at(1, datetime.now(UTC))
    due = DueRuns(PrefectApi("http://127.0.0.1:1/api", api.client, api.pool), clock, clock.start)
    due.launch()
    assert "due runs are launched later: Prefect cannot be reached" in capsys.readouterr().out
    due.api = api
    due.launch()
    assert launched(api, "hourly") == [at("13T09:10")]


def test_times_are_those_of_the_schedules_zone() -> None:
    schedule = {"schedule": {"cron": "30 3 * * *", "timezone": "America/Los_Angeles"}, "active": True}
    one: dict[str, Any] = {"name": "daily", "paused": False, "schedules": [schedule]}
    found = due_between([one], at("12T00:00"), at("15T00:00"))  # summer time begins on the 13th
    assert [due for due, _ in found] == [at("12T11:30"), at("13T10:30"), at("14T10:30")]
    assert due_between([one], at("12T11:31"), at("13T10:30")) == []


def test_without_a_server_it_does_not_begin() -> None:
    with pytest.raises(ServiceError), due_runs(Settings(prefect_api_url="http://127.0.0.1:1/api"), clock_at(1)):
        pass
