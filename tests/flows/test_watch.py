"""Runs that died with their worker are found, whether they had begun or not, with a real Prefect server."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL

from flows.watch import ensure_watch
from ncric_core.jobs.prefect_api import PrefectApi, prefect_api
from ncric_core.settings import Settings
from tests.flows.running_up import until

SHORT = timedelta(seconds=10)  # the shortest that Prefect accepts


def new_run(api: PrefectApi, deployment: str, *states: str) -> str:
    run = str(api.ask("POST", f"/deployments/{deployment}/create_flow_run", {}).json()["id"])
    for state in states:
        kind = {"Submitting": "PENDING"}.get(state, state.upper())
        given = {"state": {"type": kind, "name": state}, "force": True}
        api.ask("POST", f"/flow_runs/{run}/set_state", given)
    return run


@pytest.fixture
def short_watch(prefect: None) -> Iterator[None]:
    assert ensure_watch(SHORT, SHORT)
    assert not ensure_watch(SHORT, SHORT)  # the automations exist already, and are updated
    yield
    with get_client(sync_client=True) as client:  # the runs of other tests have no heartbeat
        for one in client.read_automations():
            client.delete_automation(one.id)


def test_a_run_of_which_nothing_is_heard_any_more_is_crashed_and_frees_its_slot(short_watch: None) -> None:
    with prefect_api(Settings(prefect_api_url=PREFECT_API_URL.value(), _env_file=None)) as api:
        flow = api.ask("POST", "/flows/", {"name": "reads-of-a-window"}).json()["id"]
        deployment = api.ask("POST", "/deployments/", {"name": f"job {uuid4().hex}", "flow_id": flow}).json()["id"]
        begun = new_run(api, deployment, "Pending", "Submitting", "Running")  # killed before its first heartbeat
        taken = new_run(api, deployment, "Pending", "Submitting")
        done = new_run(api, deployment, "Pending", "Submitting", "Running", "Completed")
        waits = new_run(api, deployment)

        def state(run: str) -> dict[str, str]:
            found = api.ask("GET", f"/flow_runs/{run}").json()["state"]
            return {"type": found["type"], "message": found["message"] or ""}

        until(lambda: state(begun)["type"] == state(taken)["type"] == "CRASHED")
        assert state(begun)["message"].startswith("The run's heartbeat stopped: its process and its worker are gone.")
        assert state(taken)["message"].startswith("A worker took the run, which did not begin within 10 s:")
        assert (state(done)["type"], state(waits)["type"]) == ("COMPLETED", "SCHEDULED")
