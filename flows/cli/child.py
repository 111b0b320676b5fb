"""Runs a service of `ncric up` behind a guard, with its output in a log file, and starts it again when it dies."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

GUARD: Final = Path(__file__).with_name("guard.py")
MARK: Final = "NCRIC_UP"  # environment variable of all children: the data folder of their `ncric up`

LOG_SIZE: Final = 10_000_000  # bytes; a larger log is rotated at the next start
LOGS_KEPT: Final = 3
LONGEST_PAUSE: Final = 60.0  # seconds before it is started again
RAN_WELL: Final = 60.0  # seconds; after such a run the pauses begin with the shortest again


@dataclass(slots=True)
class Child:
    """A command and the state of its process."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    folder: Path | None = None  # its working directory
    grace: float = 10.0  # seconds from SIGTERM to SIGKILL
    process: "subprocess.Popen[bytes] | None" = None
    failures: int = 0
    started: float = field(default=0.0)
    again_at: float | None = None

    def start(self) -> None:
        """Starts the command in a session of its own."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        rotate(self.log)
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(GUARD), str(self.grace), *self.command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(self.environment),
                cwd=self.folder,
                start_new_session=True,
            )
        self.started, self.again_at = time.monotonic(), None

    @property
    def status(self) -> int | None:
        """The exit status, or None while it runs."""
        return None if self.process is None else self.process.poll()

    def look_after(self) -> str | None:
        """Starts the command again when it has died and its pause is over. Returns what happened, if anything."""
        now = time.monotonic()
        if self.again_at is not None:
            if now < self.again_at:
                return None
            self.start()
            return f"{self.name} started again"
        if self.status is None:
            return None
        self._close()
        self.failures = 0 if now - self.started > RAN_WELL else self.failures
        pause = min(LONGEST_PAUSE, 2.0**self.failures)
        self.failures += 1
        self.again_at = now + pause
        return f"{self.name} ended with status {self.status}, is started again in {pause:.0f} s (see {self.log})"

    def stop(self) -> None:
        """Ends the command and everything that it has started, and waits until they are gone."""
        if self.process is None:
            return
        self._close()
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(2 * self.grace + 5)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _close(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()

    def last_words(self) -> str:
        """Returns the last line of the log that is not empty."""
        with suppress(OSError):
            lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n")
            return next((line.strip() for line in reversed(lines) if line.strip()), "")
        return ""


def rotate(log: Path) -> None:
    """Renames a log that has grown large. NAME.log.1 is the newest of those kept."""
    if not log.exists() or log.stat().st_size < LOG_SIZE:
        return
    for number in range(LOGS_KEPT, 0, -1):
        older = log if number == 1 else log.with_name(f"{log.name}.{number - 1}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number}"))
