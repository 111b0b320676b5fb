"""Runs a real `ncric up` for tests, with its own data folder and ports, and finds the processes that it has started."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from ncric_core.jobs.prefect_api import PrefectApi, prefect_api
from ncric_core.settings import Settings

COMMAND = [sys.executable, "-c", "from ncric_core.cli import main; main()"]
PATIENCE = 120.0  # seconds, on a busy machine


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(true: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.2)


@dataclass
class RunningUp:
    """A running `ncric up` that belongs to a test."""

    process: "subprocess.Popen[bytes]"
    environment: dict[str, str]
    folder: Path

    @property
    def output(self) -> str:
        return (self.folder / "up.out").read_text()

    def started(self) -> list[psutil.Process]:
        """Lists the processes that it has started and that still run, with the embedded server."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def pids_of(self, words: str) -> list[int]:
        """Returns the ids of the services' own processes, not of their guards."""
        lines = {one.pid: " ".join(one.cmdline()) for one in self.started()}
        return [pid for pid, line in lines.items() if words in line and "guard.py" not in line]

    def server_pid(self) -> int:
        return int((self.folder / "postgres" / "postmaster.pid").read_text().split()[0])

    @contextmanager
    def prefect(self) -> Iterator[PrefectApi]:
        """Yields a client of its Prefect server, with the password of its data folder."""
        port = int(self.environment["NCRIC_PREFECT_PORT"])
        with prefect_api(Settings(data_dir=self.folder, prefect_port=port, _env_file=None)) as api:
            yield api

    def ncric(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return ncric(self.environment, *arguments)

    def seconds(self) -> int:
        found = re.search(r"ready in (\d+) s", self.output)
        assert found, self.output
        return int(found[1])


def ncric(environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs a command. Returns what it printed, and its exit status."""
    return subprocess.run(
        [*COMMAND, *arguments], env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def environment_of(folder: Path, port: int) -> dict[str, str]:
    left = {name: value for name, value in os.environ.items() if not name.startswith(("NCRIC_", "PREFECT_"))}
    own = {"NCRIC_DATA_DIR": str(folder), "NCRIC_PREFECT_PORT": str(port), "NCRIC_CONSOLE_PORT": str(free_port())}
    return left | own | {"NCRIC_USER": "tester"}


@contextmanager
def running_up(folder: Path, *options: str) -> Iterator[RunningUp]:
    """Starts `ncric up` and waits until it is ready. Ends it afterwards, if the test has not."""
    environment = environment_of(folder, free_port())
    with (folder / "up.out").open("wb") as output:
        process = subprocess.Popen(
            [*COMMAND, "up", *options],
            env=environment,
            stdout=output,
            stderr=output,
            cwd=folder,
            start_new_session=True,
        )
    running = RunningUp(process, environment, folder)
    try:
        until(lambda: "logs  " in running.output or process.poll() is not None)
        assert process.poll() is None, running.output
        yield running
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)
