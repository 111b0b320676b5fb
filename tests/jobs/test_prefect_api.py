"""The questions of the console's page "Runs", asked of a real Prefect server."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prefect.settings import PREFECT_API_URL

from ncric_core.errors import ServiceError
from ncric_core.jobs import prefect_api as module
from ncric_core.jobs.prefect_api import Item, PrefectApi, prefect_api
from ncric_core.settings import Settings

NOW = datetime.now(UTC)
HOURLY = {"schedule": {"cron": "10 * * * *", "timezone": "America/Los_Angeles"}, "active": True}


@pytest.fixture
def api(prefect: None) -> Iterator[PrefectApi]:
    with prefect_api(Settings(prefect_api_url=PREFECT_API_URL.value(), _env_file=None)) as found:
        yield found


@pytest.fixture
def deployment(api: PrefectApi) -> str:
    """Makes a new deployment with a schedule."""
    flow = api.ask("POST", "/flows/", {"name": "reads-of-a-window"}).json()["id"]
    given = {"name": f"job {uuid4().hex}", "flow_id": flow, "schedules": [HOURLY]}
    return str(api.ask("POST", "/deployments/", given).json()["id"])


def set_state(api: PrefectApi, run: Item, kind: str, **state: Any) -> Item:
    api.ask("POST", f"/flow_runs/{run['id']}/set_state", {"state": {"type": kind, **state}, "force": True})
    return dict(api.ask("GET", f"/flow_runs/{run['id']}").json())


def plan(api: PrefectApi, deployment: str, at: datetime) -> str:
    """Plans a run for a time. Returns its id."""
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": at.isoformat()}}
    return str(api.ask("POST", f"/deployments/{deployment}/create_flow_run", {"state": state}).json()["id"])


def artifact(api: PrefectApi, run: str, kind: str, data: object) -> None:
    api.ask("POST", "/artifacts/", {"key": f"a-{kind}", "type": kind, "data": data, "flow_run_id": run})


def test_runs_of_several_deployments_come_newest_first_over_pages(
    api: PrefectApi, deployment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    flow = api.ask("GET", f"/deployments/{deployment}").json()["flow_id"]
    other, third = (
        api.ask("POST", "/deployments/", {"name": f"job {uuid4().hex}", "flow_id": flow}).json()["id"] for _ in "ab"
    )
    hours = {hours: plan(api, [deployment, other][hours % 2], NOW - timedelta(hours=hours)) for hours in (3, 1, 5, 2)}
    planned, elsewhere = plan(api, deployment, NOW + timedelta(hours=1)), plan(api, third, NOW)

    asked = [deployment, other]
    since = NOW - timedelta(hours=4)
    assert [run["id"] for run in api.runs(asked, since, NOW)] == [hours[1], hours[2], hours[3]]
    assert [run["id"] for run in api.runs(asked, since)] == [planned, hours[1], hours[2], hours[3]]
    assert [run["id"] for run in api.runs([third], since)] == [elsewhere]
    assert api.runs([], since) == []


def test_the_last_lines_of_a_log_come_in_the_order_of_time(
    api: PrefectApi, deployment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, other = (api.start(deployment, {}, [])["id"] for _ in "ab")
    lines: list[Item] = [
        {
            "name": "prefect.flow_runs",
            "level": 20,
            "message": f"line {n}",
            "timestamp": (NOW + timedelta(seconds=n)).isoformat(),
            "flow_run_id": run if n < 5 else other,
        }
        for n in range(6)
    ]
    api.client.post(f"{api.url}/logs/", json=lines).raise_for_status()
    assert [line["message"] for line in api.logs(run)] == ["line 0", "line 1", "line 2", "line 3", "line 4"]
    monkeypatch.setattr(module, "PAGE", 2)
    assert [line["message"] for line in api.logs(run, 3)] == ["line 2", "line 3", "line 4"]
    assert api.logs(run, 0) == []


def test_a_run_tells_its_artifacts_and_how_far_it_is(api: PrefectApi, deployment: str) -> None:
    run, silent = (api.start(deployment, {}, [])["id"] for _ in "ab")
    artifact(api, run, "progress", 40.0)
    artifact(api, run, "markdown", "## moved")
    artifact(api, run, "progress", 75.5)
    assert [(one["type"], one["data"]) for one in api.artifacts(run)] == [
        ("progress", 75.5),
        ("markdown", "## moved"),
        ("progress", 40.0),
    ]
    assert (api.progress(run), api.progress(silent)) == (75.5, None)


def test_a_paused_deployment_has_no_planned_runs_but_keeps_its_schedule_and_is_run_by_hand(
    api: PrefectApi, deployment: str
) -> None:
    api.ask("POST", f"/deployments/{deployment}/schedule", {"min_runs": 2})
    assert api.next_run(deployment) is not None
    api.pause(deployment, True)
    paused = api.ask("GET", f"/deployments/{deployment}").json()
    assert (paused["paused"], [one["active"] for one in paused["schedules"]]) == (True, [True])
    assert api.next_run(deployment) is None
    by_hand = api.start(deployment, {}, [])
    assert [run["id"] for run in api.runs([deployment], NOW - timedelta(minutes=1))] == [by_hand["id"]]

    api.pause(deployment, False)
    again = api.ask("GET", f"/deployments/{deployment}").json()
    assert (again["paused"], again["schedules"][0]["schedule"]) == (False, paused["schedules"][0]["schedule"])
    with pytest.raises(ServiceError, match="no such deployment"):
        api.pause(str(uuid4()), True)


@pytest.mark.parametrize("ended", ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"])
def test_an_ended_run_is_retried_as_the_same_run(ended: str, api: PrefectApi, deployment: str) -> None:
    run = set_state(api, api.start(deployment, {"feed": "scso"}, []), ended)
    api.retry(run)
    again = api.ask("GET", f"/flow_runs/{run['id']}").json()
    assert (again["state_type"], again["state_name"], again["parameters"]) == (
        "SCHEDULED",
        "AwaitingRetry",
        {"feed": "scso"},
    )


def test_what_cannot_be_retried_is_told_in_words(api: PrefectApi, deployment: str) -> None:
    run = set_state(api, api.start(deployment, {}, []), "RUNNING")
    with pytest.raises(ServiceError, match=f"the run {run['name']} has not ended: it is Running"):
        api.retry(run)
    by_itself = api.ask("POST", "/flow_runs/", {"flow_id": run["flow_id"], "state": {"type": "FAILED"}}).json()
    with pytest.raises(ServiceError, match="cannot be retried: Cannot reschedule a run without an associated"):
        api.retry(by_itself)
    with pytest.raises(ServiceError, match="there is no run "):
        api.retry(by_itself | {"id": str(uuid4())})


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Records the pauses that would be made, in seconds, and makes none."""
    found: list[float] = []
    monkeypatch.setattr(PrefectApi._request.retry, "sleep", found.append)
    return found


Answer = int | httpx.HTTPError


def asked(*answers: Answer) -> tuple[PrefectApi, list[httpx.Request]]:
    """Makes a server that gives these answers (statuses or errors), and repeats the last. Returns what it was asked."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        given = answers[min(len(requests), len(answers)) - 1]
        if isinstance(given, httpx.HTTPError):
            raise given
        return httpx.Response(given)

    client = httpx.Client(transport=httpx.MockTransport(answer))
    return PrefectApi("http://prefect/api", client, "ncric"), requests


@pytest.mark.parametrize("busy", [429, 502, 503, httpx.ReadTimeout("slow"), httpx.ConnectTimeout("slow")])
def test_a_busy_server_is_asked_again_after_longer_and_longer_pauses(busy: Answer, pauses: list[float]) -> None:
    api, requests = asked(busy, busy, 200)
    assert api.ask("GET", "/health").status_code == 200
    assert (len(requests), pauses) == (3, [0.5, 1])


@pytest.mark.parametrize(
    ("busy", "message"),
    [
        (503, "Prefect at http://prefect/api answers 503 to GET /health"),
        (httpx.ReadTimeout("slow"), "Prefect cannot be reached at http://prefect/api (ReadTimeout): start it with "),
    ],
)
def test_a_server_that_stays_busy_is_given_up(busy: Answer, message: str, pauses: list[float]) -> None:
    api, requests = asked(busy)
    with pytest.raises(ServiceError) as caught:
        api.ask("GET", "/health")
    assert str(caught.value).startswith(message)
    assert (len(requests), pauses) == (5, [0.5, 1, 2, 4])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (500, "answers 500"),
        (409, "answers 409"),
        (httpx.ConnectError("refused"), r"cannot be reached .*\(ConnectError\)"),
    ],
)
def test_what_will_not_pass_is_not_asked_again(given: Answer, message: str, pauses: list[float]) -> None:
    api, requests = asked(given)
    with pytest.raises(ServiceError, match=message):
        api.ask("GET", "/health")
    assert (len(requests), pauses) == (1, [])


def test_that_there_is_no_such_thing_is_an_answer(pauses: list[float]) -> None:
    api, requests = asked(404)
    assert api.ask("GET", "/flow_runs/x").status_code == 404
    assert len(requests) == 1
