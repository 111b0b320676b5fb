"""`ncric up`, `ncric status` and `ncric doctor` with real services: they get ready, are looked after, and all end."""

import json
import os
import re
import signal
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from flows.cli.deployments import DEMO_PAUSE
from ncric_core.jobs.prefect_access import Access
from ncric_core.jobs.state import is_paused
from ncric_core.store import embedded
from tests.flows.running_up import PATIENCE, RunningUp, environment_of, free_port, ncric, running_up, until

pytestmark = pytest.mark.slow  # starts `ncric up`


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Makes a data folder. It is not under /tmp/pytest-of-…, which the embedded server's user cannot enter."""
    with tempfile.TemporaryDirectory(prefix="ncric-tests-") as made:
        yield Path(made)


@pytest.fixture(scope="module")
def up(folder: Path) -> Iterator[RunningUp]:
    with running_up(
        folder, "--feeds", "demo", "--speed", "500", "--no-jobs", "--silence", "7", "--silence", "3_SCSO"
    ) as running:
        yield running


def test_it_is_ready_and_says_where_everything_is(up: RunningUp) -> None:
    steps = [line.split()[0] for line in up.output.splitlines()]
    assert steps[:6] == ["PostgreSQL", "Prefect", "work", "deployments", "dead", "worker"]
    assert f"http://127.0.0.1:{up.environment['NCRIC_PREFECT_PORT']}" in up.output
    assert str(up.folder / "bucket") in up.output
    assert re.search(r"^silent        from \S+ \S+ UTC on: 7, 3_SCSO$", up.output, re.MULTILINE)


def test_status_tells_services_deployments_and_feeds(up: RunningUp) -> None:
    shown = up.ncric("status")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "DOWN" not in shown.stdout
    found = json.loads(up.ncric("status", "--json").stdout)
    assert [(one["name"], one["up"]) for one in found["services"]] == [
        ("PostgreSQL", True),
        ("Prefect", True),
        ("workers", True),
    ]
    assert found["jobs"]
    assert [feed["datasource"] for feed in found["feeds"]] == ["BOSS4", "SCSO"]


def test_every_deployment_has_a_next_run(up: RunningUp) -> None:
    def all_scheduled() -> bool:
        jobs = json.loads(up.ncric("status", "--json").stdout)["jobs"]
        return all(job["next_start"] for job in jobs if job["scheduled"])

    until(all_scheduled)


def test_doctor_finds_nothing(up: RunningUp) -> None:
    done = up.ncric("doctor")
    assert (done.returncode, "PROBLEM" in done.stdout) == (0, False), done.stdout
    for about in (
        "settings",
        "disk",
        "database",
        "schema",
        "bucket",
        "Prefect",
        "access",
        "telemetry",
        "worker",
        "deployments",
    ):
        assert f"  {about}  " in done.stdout
    assert "  versions  " in done.stdout


def test_nobody_runs_a_command_without_the_password(up: RunningUp) -> None:
    with up.prefect() as api:
        (job,) = [one["id"] for one in api.deployments() if one["name"] == "restandardize"]
        path = f"{api.url}/deployments/{job}/create_flow_run"
        own, guess = api.url.removesuffix("/api"), httpx.BasicAuth("ncric", "guessed")
        token = httpx.get(f"{api.url}/csrf-token?client=page", auth=api.client.auth).json()["token"]
        page = {"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": "page"}

        def command(auth: httpx.BasicAuth | None, headers: dict[str, str]) -> httpx.Response:
            body = {"job_variables": {"command": "sh -c 'id; env'"}}
            return httpx.post(path, json=body, headers=headers, auth=auth)

        asked = {
            "no password": command(None, page),
            "another password": command(guess, page),
            "no token": command(password(up), {}),
            "another name": command(password(up), page | {"Host": "rebound.example"}),
            "questions": httpx.get(f"{api.url}/admin/settings"),
        }
        assert {why: answer.status_code for why, answer in asked.items()} == {
            "no password": 401,
            "another password": 401,
            "no token": 403,
            "another name": 400,
            "questions": 401,
        }
        assert api.latest_runs(job) == []
    for origin, allowed in (("http://evil.example", None), (own, own)):
        ask = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        assert httpx.options(path, headers=ask).headers.get("Access-Control-Allow-Origin") == allowed
    assert httpx.get(f"{own}/api/health").json() is True
    assert httpx.get(own, follow_redirects=True).is_success  # the page for people, which asks for the password


def test_a_token_that_has_expired_is_replaced(up: RunningUp) -> None:
    with up.prefect() as api:
        Access._tokens[api.url] = "of an hour ago"
        assert api.deployments()
        assert Access._tokens[api.url] != "of an hour ago"


def password(up: RunningUp) -> httpx.BasicAuth:
    user, _, password = (up.folder / "prefect.password").read_text().partition(":")
    return httpx.BasicAuth(user, password)


def test_the_password_is_nowhere_but_in_its_file(up: RunningUp) -> None:
    file = up.folder / "prefect.password"
    assert f"the whole line in {file}" in up.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    secret = file.read_text().partition(":")[2]
    lines = [word for process in up.started() for word in process.cmdline()]
    logs = [log.read_text(errors="replace") for log in (up.folder / "logs").iterdir()]
    assert [text for text in (*lines, *logs, up.output) if secret in text] == []


def test_others_of_the_machine_read_nothing_of_the_data_folder(up: RunningUp) -> None:
    for folder in (up.folder, *(path for path in up.folder.iterdir() if path.is_dir())):
        assert folder.stat().st_mode & 0o007 == 0, folder


def test_everything_listens_for_this_machine_only(up: RunningUp) -> None:
    """The worker's port is for its runs' processes, which know a token each: a cancelled run is told there."""
    found = {
        (connection.laddr.ip, connection.laddr.port, next(name for name in SERVICES if name in process.cmdline()))
        for process in up.started()
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
    ports = {name: up.environment[f"NCRIC_{name.upper()}_PORT"] for name in ("console", "prefect")}
    own = {("127.0.0.1", int(ports["console"]), "streamlit"), ("127.0.0.1", int(ports["prefect"]), "start")}
    assert own <= found
    assert {(ip, name) for ip, _, name in found - own} == {("127.0.0.1", "worker")}  # one port or two


SERVICES = ("streamlit", "worker", "start")
"""A word of the command of each service that listens. The worker's has `start` too."""


def test_doctor_tells_a_deployment_that_was_changed_on_the_server(up: RunningUp) -> None:
    with up.prefect() as api:
        one = api.deployments()[0]
        limit = (one["global_concurrency_limit"] or {}).get("limit")
        api.ask("PATCH", f"/deployments/{one['id']}", {"concurrency_limit": 7})
        done = up.ncric("doctor")
        api.ask("PATCH", f"/deployments/{one['id']}", {"concurrency_limit": limit})
    assert done.returncode == 1
    assert f"{one['name']}: concurrency 7" in done.stdout
    assert "→ run `ncric deploy`" in done.stdout


def test_simulated_files_arrive_and_can_be_loaded(up: RunningUp) -> None:
    until(lambda: sum(path.suffix == ".json" for path in (up.folder / "bucket").rglob("*")) >= 5)
    assert up.ncric("run", "files-catchup").returncode in {0, 1}  # 1: an agency's rows may be waiting
    assert up.ncric("reconcile").returncode == 0
    assert {feed["newest_read"] is None for feed in json.loads(up.ncric("status", "--json").stdout)["feeds"]} == {False}


OLD = ("--start", "2022-10-11T00:00", "--end", "2022-10-11T04:00")


@pytest.fixture(scope="module")
def old_files(up: RunningUp) -> None:
    """Puts files of four hours of another year into the bucket. No job takes them but those of the tests."""
    made = up.ncric("simulate", str(up.folder / "bucket"), "--reads", "2000", "--hours", "4", "--no-faults")
    assert made.returncode == 0, made.stderr


def loaded(up: RunningUp) -> dict[bool, int]:
    """Counts the loaded reads of the old files: Fremont's (True) and the others' (False)."""
    shown = up.ncric(
        "sql",
        "SELECT standardized_agency_name = 'Fremont PD' AS fremont, count(*) AS n FROM reads "
        "WHERE event_time < '2022-10-12' AND datasource = 'BOSS4' GROUP BY 1",
        "--format",
        "json",
    )
    return {one["fremont"]: one["n"] for one in json.loads(shown.stdout)}


def test_a_deployment_is_run_for_a_window_of_ones_choice(up: RunningUp, old_files: None) -> None:
    done = up.ncric("rerun", "boss4-hourly-fremont", *OLD)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "1 Completed"
    assert list(loaded(up)) == [True]


def test_a_backfill_is_loaded_in_slices_and_goes_on_where_it_was(up: RunningUp, old_files: None) -> None:
    fill = ("backfill", "boss4", *OLD, "--hours", "2", "--at-once", "1")
    assert up.ncric(*fill, "--no-wait").returncode == 0
    assert "runs cancelled" in up.ncric(*fill, "--stop").stdout
    done = up.ncric(*fill)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "2 Completed"), done.stderr
    before = loaded(up)
    assert sum(before.values()) > 1500
    again = up.ncric(*fill)
    assert again.stdout.splitlines()[1:] == ["2 Completed"]
    assert loaded(up) == before
    assert up.ncric("reconcile").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rerun", "boss4-hourly"), "needs a window"),
        (("rerun", "nothing", *OLD), "there is no deployment 'nothing'"),
        (("rerun", "files-catchup", *OLD), "files-catchup runs as it is: leave out window"),
        (("rerun", "restandardize", "--dry-run"), "restandardize has no dry run"),
        (("rerun", "boss4-hourly", "--start", "2022-10-11"), "a window has two ends"),
        (
            ("rerun", "boss4-hourly-fremont", *OLD, "--exclude-agency", "Atherton PD"),
            "boss4-hourly-fremont takes only Fremont PD",
        ),
        (("rerun", "backfill"), "launch it with `ncric backfill`"),
        (("backfill", "boss5", *OLD), "boss5"),
    ],
)
def test_what_cannot_be_launched_is_told_in_a_line(up: RunningUp, arguments: tuple[str, ...], message: str) -> None:
    done = up.ncric(*arguments)
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_second_one_on_the_same_folder_is_refused(up: RunningUp) -> None:
    second = up.ncric("up")
    assert (second.returncode, second.stdout) == (1, "")
    assert second.stderr == f"ncric: `ncric up` is running already on {up.folder} (pid {up.process.pid})\n"


def test_a_child_that_is_killed_comes_back(up: RunningUp) -> None:
    (before,) = up.pids_of("worker start")
    os.kill(before, signal.SIGKILL)
    until(lambda: "worker started again" in up.output)
    until(lambda: up.pids_of("worker start") not in ([], [before]))
    assert "worker ended with status 137, is started again in 1 s" in up.output


def test_a_database_server_that_is_killed_comes_back(up: RunningUp) -> None:
    before = up.server_pid()
    os.kill(before, signal.SIGKILL)
    until(lambda: "postgresql started again" in up.output)
    until(lambda: up.ncric("reconcile").returncode == 0)
    until(lambda: up.ncric("status").returncode == 0)
    assert up.server_pid() != before


@pytest.fixture(scope="module")
def again(up: RunningUp) -> Iterator[RunningUp]:
    """Starts another `ncric up` after the first one was killed. A person and a demo had paused a schedule each."""
    with up.prefect() as api:
        jobs = {one["name"]: one["id"] for one in api.deployments()}
        api.pause(jobs["scso-hourly"], paused=True)
        api.pause(jobs["freshness"], paused=True, tags=["alarms", DEMO_PAUSE])
    started = [*up.started(), psutil.Process(up.server_pid())]
    up.process.kill()
    up.process.wait(PATIENCE)
    assert psutil.wait_procs(started, timeout=40)[1] == []  # its children end with it
    with running_up(up.folder) as running:
        yield running


def test_after_one_that_was_killed_the_next_one_starts(again: RunningUp) -> None:
    assert again.ncric("status").returncode == 0
    assert again.ncric("reconcile").returncode == 0


def test_what_a_person_has_paused_stays_so_and_the_pause_of_the_demo_ends(again: RunningUp) -> None:
    with again.prefect() as api:
        assert [one["name"] for one in api.deployments() if is_paused(one)] == ["scso-hourly"]


def test_ctrl_c_leaves_nothing(again: RunningUp) -> None:
    started = [*again.started(), psutil.Process(again.server_pid())]
    assert len(started) >= 8  # four services, a guard for each, and the server
    again.process.send_signal(signal.SIGINT)
    assert again.process.wait(PATIENCE) == 0
    assert psutil.wait_procs(started, timeout=5)[1] == []
    assert again.output.endswith("stopping …\nstopped\n")


@pytest.fixture
def own_folder() -> Iterator[Path]:
    """Makes a data folder that no other test has used. See `folder`."""
    with tempfile.TemporaryDirectory(prefix="ncric-tests-") as made:
        yield Path(made)


def test_status_and_doctor_have_words_for_what_is_down(own_folder: Path) -> None:
    embedded.start(own_folder)
    embedded.stop(own_folder)
    environment = environment_of(own_folder, free_port())
    shown = ncric(environment, "status")
    assert (shown.returncode, shown.stderr) == (1, "")
    assert shown.stdout.count("DOWN") == 2
    assert (own_folder / "postgres").is_dir()
    assert not (own_folder / "postgres" / "postmaster.pid").exists()  # a question does not start the server
    checked = ncric(environment, "doctor")
    assert (checked.returncode, checked.stderr) == (1, "")
    assert "PROBLEM  Prefect      Prefect cannot be reached" in checked.stdout


def test_a_port_that_a_stranger_has_is_told(tmp_path: Path) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        environment = environment_of(tmp_path, stranger.getsockname()[1])
        done = ncric(environment, "up")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"port {environment['NCRIC_PREFECT_PORT']} cannot be used for Prefect" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("setting", ["NCRIC_DATABASE_URL", "NCRIC_BUCKET"])
def test_made_up_reads_never_go_to_a_real_store(setting: str, tmp_path: Path) -> None:
    value = {"NCRIC_DATABASE_URL": "postgresql://a:b@127.0.0.1:1/x", "NCRIC_BUCKET": "s3://reads"}[setting]
    environment = environment_of(tmp_path, free_port()) | {setting: value}
    done = ncric(environment, "up", "--feeds", "demo")
    assert (done.returncode, done.stdout) == (1, "")
    assert "--feeds demo makes reads up" in done.stderr
