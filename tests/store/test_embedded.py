"""The embedded server is shared by commands that run at once, and starts again after it was killed."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ncric_core.errors import StoreError
from ncric_core.store import embedded

pytestmark = pytest.mark.slow  # each test starts servers of its own

COMMAND = [sys.executable, "-c", "from ncric_core.cli import main; main()"]


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """Makes the environment of commands on an embedded server of their own.

    Its folder is not under /tmp/pytest-of-…, which that server's user cannot enter.
    """
    with tempfile.TemporaryDirectory(prefix="ncric-tests-") as folder:
        Path(folder, "bucket").mkdir()
        left = {name: value for name, value in os.environ.items() if not name.startswith("NCRIC_")}
        yield left | {"NCRIC_DATA_DIR": folder}


def test_two_commands_at_once_share_a_server_that_stops_with_the_last(environment: dict[str, str]) -> None:
    commands = [subprocess.Popen([*COMMAND, "reconcile"], env=environment, stdout=subprocess.PIPE) for _ in range(2)]
    for command in commands:
        out, _ = command.communicate(timeout=60)
        assert (command.returncode, b"the books balance" in out) == (0, True)
    assert not Path(environment["NCRIC_DATA_DIR"], "postgres", "postmaster.pid").exists()


def test_a_command_that_is_killed_does_not_keep_the_server_running_after_the_last(environment: dict[str, str]) -> None:
    killed = subprocess.Popen([*COMMAND, "sql", "SELECT pg_sleep(60)"], env=environment, stderr=subprocess.DEVNULL)
    until_ready(environment)
    other = subprocess.Popen([*COMMAND, "sql", "SELECT pg_sleep(3)"], env=environment, stdout=subprocess.DEVNULL)
    time.sleep(1)
    killed.kill()  # and not waited for, so it stays as a zombie
    assert other.wait(60) == 0
    assert not pid_file(environment).exists()
    killed.wait()


@pytest.mark.parametrize(
    ("beginning", "number"),
    [("postgres.new-*", signal.SIGTERM), ("postgres", signal.SIGINT), ("postgres/postmaster.pid", signal.SIGTERM)],
)
def test_a_command_ended_while_the_server_starts_leaves_none_behind(
    environment: dict[str, str], beginning: str, number: signal.Signals
) -> None:
    folder = Path(environment["NCRIC_DATA_DIR"])
    command = subprocess.Popen(
        [*COMMAND, "reconcile"],
        env=environment,
        stderr=subprocess.DEVNULL,
        preexec_fn=_heed_ctrl_c,  # noqa: PLW1509  # no threads here
    )
    deadline = time.monotonic() + 30
    while not list(folder.glob(beginning)) and time.monotonic() < deadline:
        time.sleep(0.005)
    command.send_signal(number)
    assert command.wait(60) != 0
    assert not pid_file(environment).exists()


def test_a_terminal_that_is_closed_ends_a_command_and_its_server(environment: dict[str, str]) -> None:
    command = subprocess.Popen([*COMMAND, "sql", "SELECT pg_sleep(60)"], env=environment)
    until_ready(environment)
    time.sleep(1)
    command.send_signal(signal.SIGHUP)
    assert command.wait(30) == 128 + signal.SIGHUP
    assert not pid_file(environment).exists()


@pytest.mark.parametrize("torn", ["[{}, 12", "[{},", '[{}, 4194304, "', "[{}]\0\0\0"])
def test_a_torn_list_of_the_servers_users_keeps_those_that_it_has_whole(tmp_path: Path, torn: str) -> None:
    handles = tmp_path / ".handle_pids.json"
    handles.write_text(torn.format(os.getpid()))
    embedded._forget_dead(tmp_path)
    assert handles.read_text() == f"[{os.getpid()}]"


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "postgres").write_text("a server cannot be made here")
    with pytest.raises(StoreError, match="cannot be started") as caught:
        embedded.start(tmp_path)
    assert "its disk" not in str(caught.value)
    monkeypatch.setattr(embedded, "ROOM", 2**60)
    with pytest.raises(StoreError, match="its disk is full, make room there") as caught:
        embedded.start(tmp_path)
    assert caught.value.passing


def _heed_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored where tests run in the background


def pid_file(environment: dict[str, str]) -> Path:
    return Path(environment["NCRIC_DATA_DIR"], "postgres", "postmaster.pid")


def until_ready(environment: dict[str, str]) -> None:
    deadline = time.monotonic() + 30
    file = pid_file(environment)
    while not (file.exists() and "ready" in file.read_text()) and time.monotonic() < deadline:
        time.sleep(0.1)


def test_a_server_that_is_killed_ends_the_command_in_one_line_and_the_next_command_starts_it_again(
    environment: dict[str, str],
) -> None:
    slow = subprocess.Popen(
        [*COMMAND, "sql", "SELECT pg_sleep(60)"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until_ready(environment)
    time.sleep(2)
    os.kill(int(pid_file(environment).read_text().split()[0]), signal.SIGKILL)
    _, err = slow.communicate(timeout=60)
    assert slow.returncode == 1
    assert err.startswith("ncric: ")
    assert err.count("\n") == 1
    again = subprocess.run(
        [*COMMAND, "reconcile"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (again.returncode, again.stderr) == (0, "")
