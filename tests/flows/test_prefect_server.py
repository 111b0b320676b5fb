"""The Prefect server of `ncric up`: clients that give up do not stop it."""

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from flows.cli.up import PREFECT_SERVER, PREFECT_SETTINGS, ROOT
from tests.flows.running_up import free_port, until

HURRIED = 0.5  # seconds after which a client gives up
CLIENTS = 16


def answers(url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{url}/health", timeout=20).is_success
    return False


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    port = free_port()
    others = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    process = subprocess.Popen(
        [*PREFECT_SERVER, "start", "--host", "127.0.0.1", "--port", str(port)],
        cwd=ROOT,
        env=others | PREFECT_SETTINGS | {"PREFECT_HOME": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    found = f"http://127.0.0.1:{port}/api"
    try:
        until(lambda: answers(found))
        yield found
    finally:
        process.kill()
        process.wait()


def test_clients_that_give_up_do_not_stop_the_server(url: str) -> None:
    flow = httpx.post(f"{url}/flows/", json={"name": "any"}, timeout=60).json()["id"]
    over = threading.Event()

    def give_up() -> None:
        """Begins runs, and leaves as soon as the server, which writes for one client at a time, takes long."""
        with httpx.Client(timeout=HURRIED) as client:
            while not over.is_set():
                with contextlib.suppress(httpx.HTTPError, KeyError):
                    run = client.post(f"{url}/flow_runs/", json={"flow_id": flow}).json()["id"]
                    client.post(f"{url}/flow_runs/{run}/set_state", json={"state": {"type": "RUNNING"}, "force": True})

    clients = [threading.Thread(target=give_up) for _ in range(CLIENTS)]
    for one in clients:
        one.start()
    try:
        end = time.monotonic() + 8
        while time.monotonic() < end:
            assert answers(url)
    finally:
        over.set()
        for one in clients:
            one.join()
