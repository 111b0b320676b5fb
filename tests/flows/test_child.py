"""A child of `ncric up`: its guard, its pauses, its log."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from flows.cli import child as module
from flows.cli.child import Child, rotate
from tests.flows.running_up import until

pytestmark = pytest.mark.slow  # starts processes and waits for their ends

SLEEP = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); " + SLEEP[13:]
)
PARENT = (
    f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); print('two'); {SLEEP[13:]}"
)


def child(folder: Path, program: str, **options: Any) -> Child:
    environment = dict(os.environ) | {"PYTHONUNBUFFERED": "1"}
    return Child("thing", [sys.executable, "-c", program], environment, folder / "logs" / "thing.log", **options)


def below(one: Child) -> list[psutil.Process]:
    assert one.process is not None
    return psutil.Process(one.process.pid).children(recursive=True)


def test_its_output_goes_to_its_log_and_its_status_is_known(tmp_path: Path) -> None:
    one = child(tmp_path, "print('hello'); raise SystemExit(3)")
    one.start()
    until(lambda: one.status is not None, 20)
    assert (one.status, one.last_words()) == (3, "hello")
    one.stop()


def test_stop_ends_what_it_has_started_too(tmp_path: Path) -> None:
    one = child(tmp_path, PARENT)
    one.start()
    until(lambda: len(below(one)) == 2, 20)
    processes = below(one)
    one.stop()
    assert psutil.wait_procs(processes, timeout=1)[1] == []


def test_who_does_not_heed_the_first_signal_is_killed_after_its_grace(tmp_path: Path) -> None:
    one = child(tmp_path, STUBBORN, grace=0.5)
    one.start()
    until(lambda: one.last_words() == "deaf", 20)
    begun = time.monotonic()
    one.stop()
    assert 0.4 < time.monotonic() - begun < 10
    assert one.status == 128 + signal.SIGKILL


def test_what_a_killed_one_leaves_behind_is_ended(tmp_path: Path) -> None:
    one = child(tmp_path, PARENT)
    one.start()
    until(lambda: len(below(one)) == 2, 20)
    processes = below(one)
    processes[0].kill()
    assert psutil.wait_procs(processes, timeout=10)[1] == []
    until(lambda: one.status == 128 + signal.SIGKILL, 10)
    one.stop()


def test_a_child_ends_when_its_guard_is_killed(tmp_path: Path) -> None:
    one = child(tmp_path, SLEEP)
    one.start()
    until(lambda: len(below(one)) == 1, 20)
    processes = below(one)
    assert one.process is not None
    one.process.kill()
    assert psutil.wait_procs(processes, timeout=10)[1] == []
    one.stop()


def test_a_child_ends_when_the_one_that_started_it_is_killed(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, sys, time\nfrom flows.cli.child import Child\n"
        f"log = pathlib.Path({str(tmp_path)!r}, 'log')\n"
        f"one = Child('thing', [sys.executable, '-c', {SLEEP!r}], dict(os.environ), log)\n"
        "one.start()\ntime.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as starter:
        until(lambda: len(psutil.Process(starter.pid).children(recursive=True)) == 2, 20)
        processes = psutil.Process(starter.pid).children(recursive=True)
        starter.kill()
        assert psutil.wait_procs(processes, timeout=10)[1] == []


def test_pauses_double_up_to_a_minute_and_begin_anew_after_it_ran_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    one = child(tmp_path, "")

    def start(self: Child) -> None:
        self.started, self.again_at = now, None

    monkeypatch.setattr(Child, "start", start)
    monkeypatch.setattr(Child, "status", 1)
    pauses = []
    for _ in range(9):
        one.start()
        one.look_after()
        assert one.again_at is not None
        pauses.append(one.again_at - now)
        assert one.look_after() is None
        now = one.again_at
        assert one.look_after() == "thing started again"
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    now += module.RAN_WELL + 1
    assert "in 1 s" in str(one.look_after())


def test_a_large_log_is_put_aside_and_the_oldest_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOG_SIZE", 10)
    log = tmp_path / "thing.log"
    rotate(log)
    for number in range(6):
        log.write_text(f"{number} and more than ten")
        rotate(log)
    log.write_text("small")
    rotate(log)
    kept = {path.name: path.read_text()[0] for path in tmp_path.iterdir()}
    assert kept == {"thing.log": "s", "thing.log.1": "5", "thing.log.2": "4", "thing.log.3": "3"}
