"""`ncric up` without services: one for each data folder, leftovers of a killed one, and what it refuses."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli import up
from flows.cli.child import MARK
from flows.cli.running import leftovers, only_one
from ncric_core.errors import ServiceError, SettingsError
from ncric_core.settings import Settings


def test_a_folder_has_one_at_a_time(tmp_path: Path) -> None:
    refused = pytest.raises(ServiceError, match=f"is running already on .* \\(pid {os.getpid()}\\)")
    with only_one(tmp_path), refused, only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


def test_leftovers_are_known_by_their_mark_and_others_are_let_be(tmp_path: Path) -> None:
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    ours, other, unmarked = (
        subprocess.Popen(sleep, env=dict(os.environ) | mark)
        for mark in ({MARK: str(tmp_path)}, {MARK: str(tmp_path / "other")}, {})
    )
    try:
        assert [process.pid for process in leftovers(tmp_path)] == [ours.pid]
    finally:
        for process in (ours, other, unmarked):
            process.kill()
            process.wait()


def test_without_prefect_yaml_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "ROOT", tmp_path)
    with pytest.raises(ServiceError, match=r"there is no prefect\.yaml in "):
        up.check(Settings(_env_file=None), None)


def test_other_feeds_than_the_demos_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "prefect.yaml").touch()
    monkeypatch.setattr(up, "ROOT", tmp_path)
    with pytest.raises(SettingsError, match="there are no feeds 'real'"):
        up.check(Settings(_env_file=None), "real")


@pytest.mark.parametrize(
    ("feeds", "silence", "message"),
    [
        (None, ["7"], "--silence is for simulated cameras: it needs --feeds demo"),
        ("demo", ["7", "3_SCSO", "7_SCSO!"], "no simulated feed has a camera '7_SCSO!'"),
    ],
)
def test_only_a_simulated_camera_can_be_silenced(
    feeds: str | None, silence: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "prefect.yaml").touch()
    monkeypatch.setattr(up, "ROOT", tmp_path)
    settings = Settings(data_dir=tmp_path, _env_file=None)
    with pytest.raises(SettingsError, match=message):
        up.check(settings, feeds, silence)
    up.check(settings, "demo", ["7", "3_SCSO"])


def test_children_are_told_our_server_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PREFECT_API_URL", "PREFECT_API_KEY", "PREFECT_PROFILE", "PREFECT_SERVER_DATABASE_CONNECTION_URL"):
        monkeypatch.setenv(name, "elsewhere")
    told = up.environment(up.with_own_server(Settings(data_dir=tmp_path, prefect_port=4321, _env_file=None)))
    assert {name for name, value in told.items() if value == "elsewhere"} == set()
    assert told["PREFECT_API_URL"] == "http://127.0.0.1:4321/api"
    assert told["PREFECT_HOME"] == str(tmp_path / "prefect")
    assert (told["PREFECT_SERVER_ANALYTICS_ENABLED"], told["DO_NOT_TRACK"]) == ("false", "1")
