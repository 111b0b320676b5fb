"""The parts of `ncric up`: its children, the lock of its data folder, signals, and leftovers of a killed one."""

import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Final

import psutil

from flows.cli.child import MARK, Child
from ncric_core.cli.app import say
from ncric_core.errors import ServiceError
from ncric_core.settings import Settings

STARTS_WITHIN: Final = 120.0  # seconds, each
REST: Final = 0.2  # seconds between two looks at the children


class Stopped(Exception):  # noqa: N818  # nothing went wrong
    """Raised when a signal has asked us to end."""


@dataclass(slots=True)
class Up:
    """A running `ncric up`, with its children in the order in which they were started."""

    settings: Settings
    environment: dict[str, str]
    children: list[Child] = field(default_factory=list)
    stop_asked: bool = False

    @property
    def logs(self) -> Path:
        return self.settings.data_dir / "logs"

    def tell(self, text: str) -> None:
        """Writes a line to stdout and, with the time, to logs/up.log."""
        say(text)
        sys.stdout.flush()
        with (self.logs / "up.log").open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text}\n")

    def child(self, name: str, *command: str, folder: Path | None = None, grace: float = 10.0) -> Child:
        """Starts one more child, which is looked after from now on."""
        made = Child(name, command, dict(self.environment), self.logs / f"{name}.log", folder, grace)
        made.start()
        self.children.append(made)
        return made

    def finish(self, child: Child) -> None:
        """Waits until a child has ended by itself. Raises ServiceError if it fails, Stopped if we are to end."""
        while child.status is None:
            self.rest()
        self.children.remove(child)
        if child.status:
            raise ServiceError(f"{child.name} failed: {child.last_words()} (see {child.log})")

    def wait(self, child: Child, ready: Callable[[], bool]) -> None:
        """Waits until a child is ready. Raises ServiceError if it ends or takes too long, Stopped if we are to end."""
        until = time.monotonic() + STARTS_WITHIN
        while not ready():
            if child.status is not None or time.monotonic() > until:
                what = "does not get ready" if child.status is None else f"ended with status {child.status}"
                raise ServiceError(f"{child.name} {what}: {child.last_words()} (see {child.log})")
            self.rest()

    def rest(self) -> None:
        """Sleeps for a moment. Raises Stopped if we are to end."""
        if self.stop_asked:
            raise Stopped
        time.sleep(REST)

    def watch(self) -> None:
        """Looks after the children until Stopped is raised."""
        while True:
            for child in self.children:
                if happened := child.look_after():
                    self.tell(happened)
            self.rest()

    def stop(self) -> None:
        """Stops the children, the last one first."""
        while self.children:
            self.children.pop().stop()


@contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Holds the lock of a data folder, which the kernel frees. Raises ServiceError if another `ncric up` holds it."""
    with (data_dir / "up.lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise ServiceError(f"`ncric up` is running already on {data_dir} (pid {file.read().strip()})") from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


@contextmanager
def stoppable(running: Up) -> Iterator[Up]:
    """Has SIGINT, SIGTERM and SIGHUP ask it to stop, which it does at its next `rest`."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        running.stop_asked = True

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield running
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leftovers(data_dir: Path) -> list[psutil.Process]:
    """Finds processes that an earlier `ncric up` on this folder has left, by the mark in their environment. Not the
    database server: other commands may use it, and `ncric up` joins it."""
    found = []
    for process in psutil.process_iter():
        try:
            marked = process.environ().get(MARK) == str(data_dir.resolve())
            if marked and process.pid != os.getpid() and not process.name().startswith("postgres"):
                found.append(process)
        except psutil.Error:
            continue
    return found
