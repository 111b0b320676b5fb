"""The Prefect server of `ncric up`: clients that give up do not stop it, and it serves many at once."""

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from prefect.server.database.configurations import AioSqliteConfiguration

from flows import prefect_server
from flows.cli import doctor, up
from flows.cli.up import PREFECT_SERVER, PREFECT_SETTINGS, ROOT
from flows.prefect_versions import PATCHED
from ncric_core.errors import ServiceError
from ncric_core.settings import Settings
from tests.conftest import Ran
from tests.flows.running_up import free_port, until

pytestmark = pytest.mark.slow  # starts a Prefect server

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
    """Reports a run from its start to its end, as a worker and the run's process do."""
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
        """Sends a request and gives up if the server, which writes for one client at a time, takes long."""
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


@pytest.fixture
def other_version(monkeypatch: pytest.MonkeyPatch) -> str:
    """Pretends that Prefect was upgraded and the patches were not. Returns the message to expect."""
    installed = PATCHED["prefect"]
    monkeypatch.setitem(PATCHED, "prefect", "3.8.0")
    return f"prefect {installed} instead of 3.8.0"


def test_the_patches_were_made_for_the_versions_that_were_tested_together() -> None:
    tested = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    assert {name: tested[name] for name in PATCHED} == PATCHED


def test_a_server_of_another_version_is_not_patched_and_does_not_start(
    other_version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefect_server, "app", lambda: pytest.fail("the server is started"))
    before = AioSqliteConfiguration.begin_transaction
    with pytest.raises(SystemExit) as ended:
        prefect_server.main()
    assert AioSqliteConfiguration.begin_transaction is before
    assert other_version in str(ended.value)


def test_another_version_is_told_before_anything_is_started(other_version: str) -> None:
    with pytest.raises(ServiceError) as caught:
        up.check(Settings(_env_file=None), None)
    assert str(caught.value) == (
        f"the Prefect server of `ncric up` does not start with {other_version}, for which it is patched: "
        "run `pip install -c constraints.txt -e .` in the project's folder"
    )


def test_doctor_tells_of_another_version_unless_another_server_is_used(
    other_version: str, ncric: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NCRIC_PREFECT_PORT", str(free_port()))
    told = f"PROBLEM  versions     the Prefect server of `ncric up` does not start with {other_version}"
    assert told in ncric("doctor").out
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{free_port()}/api")
    assert "versions" not in ncric("doctor").out


def test_the_right_versions_are_no_problem() -> None:
    assert doctor.patches().mend is None
