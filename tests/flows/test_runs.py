"""`ncric deploy` against a real Prefect server: prefect.yaml is there afterwards, and again changes nothing."""

from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import pytest
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL

from flows.cli import runs
from flows.cli.deployments import DEMO_PAUSE, differences, on_server, wanted
from flows.cli.up import ROOT
from ncric_core.jobs.prefect_api import PrefectApi, prefect_api
from ncric_core.settings import Settings
from tests.conftest import Command

CRONS: Final = {
    "backfill": [],
    "boss4-hourly": ["10 * * * *"],
    "boss4-hourly-fremont": ["5 * * * *"],
    "boss4-hourly-santa-clara-sheriff": ["15 * * * *"],
    "boss4-two-days-back": ["0 1 * * *"],
    "boss4-two-days-back-fremont": ["0 4 * * *"],
    "boss4-two-days-back-santa-clara-sheriff": ["0 8 * * *"],
    "files-catchup": ["*/30 * * * *"],
    "freshness": ["*/15 * * * *"],
    "replay-rejects": [],
    "restandardize": [],
    "scso-hourly": ["10 * * * *"],
    "scso-two-days-back": ["23 0 * * *"],
}
"""The deployments, in order of name, and when their runs begin."""

RENEWED: Final = {"updated", "version_id", "version_info"}
"""What a deployment's second coming changes: when it came."""


@pytest.fixture
def api(prefect: None, ncric: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PrefectApi]:
    """A real Prefect server without deployments, which `ncric deploy` talks to."""
    url = PREFECT_API_URL.value()
    monkeypatch.setenv("NCRIC_PREFECT_API_URL", url)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    with prefect_api(Settings(prefect_api_url=url, _env_file=None)) as found:
        clear(found)
        found.ensure_pool()
        yield found
        clear(found)


def clear(api: PrefectApi) -> None:
    """Takes away the deployments and the watch over dead runs: other tests have their own."""
    for one in api.deployments():
        api.ask("DELETE", f"/deployments/{one['id']}")
    with get_client(sync_client=True) as client:
        for watch in client.read_automations():
            client.delete_automation(watch.id)


def deployed(api: PrefectApi) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All that the server knows of deployments and watch, but for when it learned it and the ids of schedules."""
    with get_client(sync_client=True) as client:
        watch = [one.model_dump(exclude=RENEWED) for one in client.read_automations()]
    return [
        {name: value for name, value in one.items() if name not in RENEWED}
        | {"schedules": [(each["schedule"], each["active"]) for each in one["schedules"]]}
        for one in api.deployments()
    ], sorted(watch, key=itemgetter("name"))


def test_deploy_brings_prefect_yaml_to_the_server_and_again_changes_nothing(ncric: Command, api: PrefectApi) -> None:
    done = ncric("deploy")
    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines() == list(CRONS)
    assert list(differences(wanted(ROOT), [on_server(one) for one in api.deployments()])) == []
    schedules = {one["name"]: one["schedules"] for one in api.deployments()}
    assert {name: [each["schedule"]["cron"] for each in given] for name, given in schedules.items()} == CRONS
    assert all(each["active"] for one in schedules.values() for each in one)
    api.pause(next(one["id"] for one in api.deployments() if one["name"] == "files-catchup"), paused=True)
    before = deployed(api)
    assert len(before[1]) == 2
    freshness = next(one for one in api.deployments() if one["name"] == "freshness")
    api.pause(freshness["id"], paused=True, tags=[*freshness["tags"], DEMO_PAUSE])  # as by a demo that was killed

    assert ncric("deploy") == done
    assert deployed(api) == before


def test_what_a_person_has_paused_stays_paused_if_a_step_fails(
    ncric: Command, api: PrefectApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    ncric("deploy")
    api.pause(next(one["id"] for one in api.deployments() if one["name"] == "scso-hourly"), paused=True)
    monkeypatch.setattr(runs, "NCRIC", ("false",))
    done = ncric("deploy")
    assert (done.status, done.out) == (1, "")
    assert done.err == "ncric: the watch over dead runs cannot be set up: status 1\n"
    assert [one["name"] for one in api.deployments() if one["paused"]] == ["scso-hourly"]


def test_deployments_that_are_refused_are_told_in_one_line(
    ncric: Command, api: PrefectApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "ROOT", tmp_path)
    done = ncric("deploy")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"ncric: the deployments of {tmp_path / 'prefect.yaml'} are refused: ")
    assert done.err.count("\n") == 1
    assert api.deployments() == []


def test_a_missing_work_pool_is_named(ncric: Command, api: PrefectApi) -> None:
    api.ask("DELETE", f"/work_pools/{api.pool}")
    done = ncric("deploy")
    assert (done.status, done.out) == (1, "")
    assert f"references work pool '{api.pool}' which does not exist" in done.err
    assert done.err.count("\n") == 1


def test_without_a_server_deploy_says_so(ncric: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCRIC_PREFECT_API_URL", "http://127.0.0.1:9/api")
    done = ncric("deploy")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("ncric: Prefect cannot be reached at http://127.0.0.1:9/api")
