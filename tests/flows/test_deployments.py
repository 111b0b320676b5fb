"""What `ncric doctor` reports as a difference between prefect.yaml and the server."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.cli.deployments import DEMO_PAUSE, differences, on_server, wanted, write_for_deploy
from ncric_core.errors import SettingsError

YAML = """
deployments:
  - name: boss4-hourly
    schedules: [{cron: "10 * * * *", timezone: America/Los_Angeles}]
    parameters: {feed: boss4, exclude: [Fremont PD]}
    concurrency_limit: {limit: 1, collision_strategy: ENQUEUE}
  - name: by-hand
"""


def server(**changes: Any) -> dict[str, Any]:
    """Makes boss4-hourly as the REST API returns it."""
    return {
        "name": "boss4-hourly",
        "schedules": [{"schedule": {"cron": "10 * * * *", "timezone": "America/Los_Angeles"}, "active": True}],
        "parameters": {"feed": "boss4", "exclude": ["Fremont PD"]},
        "global_concurrency_limit": {"limit": 1},
        "concurrency_options": {"collision_strategy": "ENQUEUE", "grace_period_seconds": None},
    } | changes


BY_HAND: dict[str, Any] = {"name": "by-hand", "schedules": [], "parameters": {}, "global_concurrency_limit": None}


def found(tmp_path: Path, *items: dict[str, Any]) -> list[str]:
    (tmp_path / "prefect.yaml").write_text(YAML)
    return list(differences(wanted(tmp_path), [on_server(item) for item in items]))


def test_the_same_is_no_difference(tmp_path: Path) -> None:
    assert found(tmp_path, server(), BY_HAND) == []


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"schedules": [{"schedule": {"cron": "11 * * * *", "timezone": "UTC"}, "active": False}]},
            "schedule 11 * * * * UTC (paused) instead of 10 * * * * America/Los_Angeles",
        ),
        ({"schedules": []}, "schedule none instead of 10 * * * * America/Los_Angeles"),
        (
            {"parameters": {"feed": "scso", "exclude": ["Fremont PD"]}},
            "parameter feed is 'scso' instead of 'boss4'",
        ),
        ({"parameters": {"feed": "boss4"}}, "parameter exclude is None instead of ['Fremont PD']"),
        ({"global_concurrency_limit": None}, "concurrency without limit instead of 1 ENQUEUE"),
        (
            {"concurrency_options": {"collision_strategy": "CANCEL_NEW"}},
            "concurrency 1 CANCEL_NEW instead of 1 ENQUEUE",
        ),
    ],
)
def test_each_difference_is_named(changes: dict[str, Any], text: str, tmp_path: Path) -> None:
    assert found(tmp_path, server(**changes), BY_HAND) == [f"boss4-hourly: {text}"]


def test_missing_and_extra_deployments_are_named(tmp_path: Path) -> None:
    assert found(tmp_path, BY_HAND, server(name="older")) == [
        "boss4-hourly is missing on the server",
        "older is on the server and not in prefect.yaml",
    ]


@pytest.mark.parametrize(
    ("there", "paused"),
    [
        ({"paused": False, "tags": []}, False),
        ({"paused": True, "tags": []}, True),
        ({"paused": False, "tags": [], "schedules": [{"active": False}]}, True),  # as on Prefect's own page
        ({"paused": True, "tags": ["boss4", DEMO_PAUSE]}, False),
    ],
)
def test_what_a_person_has_paused_is_deployed_as_paused(there: dict[str, Any], paused: bool, tmp_path: Path) -> None:
    (tmp_path / "prefect.yaml").write_text(YAML)
    file = write_for_deploy(tmp_path, [server(**there)], tmp_path)
    content = yaml.safe_load(file.read_text())
    assert {one["name"]: one.pop("paused") for one in content["deployments"]} == {
        "boss4-hourly": paused,
        "by-hand": False,
    }
    assert content == yaml.safe_load(YAML)


@pytest.mark.parametrize("text", ["", "deployments: [1]", "a: [", "deployments: [{cron: x}]"])
def test_a_file_that_is_no_such_list_is_told_in_words(text: str, tmp_path: Path) -> None:
    (tmp_path / "prefect.yaml").write_text(text)
    with pytest.raises(SettingsError, match="cannot be read as deployments"):
        wanted(tmp_path)
