"""A service that `ncric up` runs: started behind a guard, its output in a log file, started again when it has died."""

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
MARK: Final = "NCRIC_UP"  # environment variable: the data folder of the `ncric up` that a process belongs to

LOG_SIZE: Final = 10_000_000  # bytes; a larger log is put aside at the next start
LOGS_KEPT: Final = 3
LONGEST_PAUSE: Final = 60.0  # seconds between two starts
RAN_WELL: Final = 60.0  # seconds; who ran for so long is started again at once


@dataclass(slots=True)
class Child:
    """A command and what became of it."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    folder: Path | None = None  # where it runs
    grace: float = 10.0  # seconds from SIGTERM to SIGKILL
    process: "subprocess.Popen[bytes] | None" = None
    failures: int = 0
    started: float = field(default=0.0)
    again_at: float | None = None

    def start(self) -> None:
        """Starts it in a session of its own."""
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
        """Its exit status; None while it runs."""
        return None if self.process is None else self.process.poll()

    def look_after(self) -> str | None:
        """Starts it again if it has died and its pause is over; gives what happened in words, if anything did."""
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
        """Ends it and all that it has started; returns when they are gone."""
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
        """The last line of its log."""
        with suppress(OSError):
            lines = self.log.read_text(errors="replace").split("\n")
            return next((line.strip() for line in reversed(lines) if line.strip()), "")
        return ""


def rotate(log: Path) -> None:
    """Puts a log aside that has grown large: NAME.log.1 is the newest of those kept."""
    if not log.exists() or log.stat().st_size < LOG_SIZE:
        return
    for number in range(LOGS_KEPT, 0, -1):
        older = log if number == 1 else log.with_name(f"{log.name}.{number - 1}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number}"))
