"""Runs a command for `ncric up`, and ends when either of them ends: `python guard.py GRACE COMMAND …`.

Standard input is a pipe that `ncric up` holds open. It closes when `ncric up` ends, in whatever way. Then, or on
SIGTERM, the command and all that it has started get SIGTERM, and after GRACE seconds SIGKILL. Uses nothing but the
standard library, so that it starts at once and is small.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

PR_SET_PDEATHSIG: Final = 1
PR_SET_CHILD_SUBREAPER: Final = 36
SPARED: Final = "postgres"
REAP_EVERY: Final = 0.2  # seconds between two looks at which processes have ended


def main() -> int:
    """Runs the command. Returns its exit status, as a shell would (128 + signal)."""
    grace, command = float(sys.argv[1]), sys.argv[2:]
    stop: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda got, _: stop.append(got))
    _prctl(PR_SET_CHILD_SUBREAPER, 1)  # orphans of the command become our children
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_end_with_guard)  # noqa: PLW1509
    status = None
    while status is None and not stop:
        status = _reap(child)
        readable, _, _ = select.select([0], [], [], REAP_EVERY)
        if readable and not os.read(0, 1024):
            break
    if status is None:
        child.send_signal(signal.SIGTERM)
        _wait(child, grace)
    _end_rest(child, grace)
    status = _reap(child) or 0
    return 128 - status if status < 0 else status


def _prctl(option: int, value: int) -> None:
    """Calls prctl on Linux. Elsewhere only the pipe ends the command, and not if the guard itself is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _end_with_guard() -> None:
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _reap(child: "subprocess.Popen[bytes]") -> int | None:
    """Reaps all processes that have ended. Returns the command's status, or None while it runs."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child.pid:
                child.returncode = os.waitstatus_to_exitcode(ended[1])
    return child.returncode


def _wait(child: "subprocess.Popen[bytes]", seconds: float) -> None:
    until = time.monotonic() + seconds
    while _reap(child) is None and time.monotonic() < until:
        time.sleep(REAP_EVERY)


def _end_rest(child: "subprocess.Popen[bytes]", grace: float) -> None:
    """Ends the command, if it still runs, and its descendants: SIGTERM, later SIGKILL, until none is left."""
    until, asked = time.monotonic() + grace, set[int]()
    while pids := _children():
        _reap(child)
        for pid in pids:
            late = time.monotonic() > until or pid == child.pid  # the command has had its grace
            if late or pid not in asked:
                asked.add(pid)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
        time.sleep(REAP_EVERY)


def _children() -> list[int]:
    """Lists the children to end. Not the database server: the last process that uses it stops it."""
    try:
        pids = [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="utf-8").split()]
    except OSError:
        return []
    return [pid for pid in pids if _name(pid) != SPARED]


def _name(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    return ""


if __name__ == "__main__":
    sys.exit(main())
