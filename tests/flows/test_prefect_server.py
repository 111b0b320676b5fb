"""The Prefect server of `ncric up`: clients that give up do not stop it, and many at once are all served."""

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

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


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    others = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    process = subprocess.Popen(
        [*PREFECT_SERVER, "start", "--host", "127.0.0.1", "--port", str(port)],
        cwd=ROOT,
        env=others | PREFECT_SETTINGS | {"PREFECT_HOME": str(tmp_path_factory.mktemp("prefect"))},
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


@pytest.fixture
def flow(url: str) -> str:
    return str(httpx.post(f"{url}/flows/", json={"name": "any"}, timeout=60).json()["id"])


def one_run(client: httpx.Client, url: str, flow: str) -> None:
    """A run from its begin to its end, as a worker and its process tell it."""
    run = client.post(f"{url}/flow_runs/", json={"flow_id": flow}).raise_for_status().json()["id"]
    for kind in ("PENDING", "RUNNING", "COMPLETED"):
        state = {"state": {"type": kind}, "force": True}
        client.post(f"{url}/flow_runs/{run}/set_state", json=state).raise_for_status()


def test_of_many_clients_at_once_each_gets_its_turn(url: str, flow: str) -> None:
    with httpx.Client(timeout=60) as client, ThreadPoolExecutor(CLIENTS) as pool:
        for done in [pool.submit(one_run, client, url, flow) for _ in range(3 * CLIENTS)]:
            done.result()
    shown = httpx.post(f"{url}/flow_runs/count", json={"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}})
    assert shown.json() == 3 * CLIENTS


def test_clients_that_give_up_do_not_stop_the_server(url: str, flow: str) -> None:
    over = threading.Event()

    def give_up() -> None:
        """Leaves as soon as the server, which writes for one client at a time, takes long."""
        with httpx.Client(timeout=HURRIED) as client:
            while not over.is_set():
                with contextlib.suppress(httpx.HTTPError):
                    one_run(client, url, flow)

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
