"""A console without an identity provider: whoever else uses the machine does not get in, nor does a foreign page."""

import os
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from console.own_user import local_only
from ncric_core.settings import Settings
from tests.flows.running_up import free_port, until

NOBODY = 65534


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server of one page, behind what stands before the console."""
    found = free_port()
    page = Route("/", lambda _: PlainTextResponse("reads"))
    app = Starlette(routes=[page], middleware=local_only(Settings(console_port=found, _env_file=None)))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=found, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    yield found
    server.should_exit = True
    thread.join()


def answer(port: int, *headers: str, user: int | None = None, host: str = "127.0.0.1") -> int:
    """Asks for the page, over a connection of a user. Returns the status."""
    with socket.socket() as connection:
        if user is not None:
            os.fchown(connection.fileno(), user, -1)
        connection.connect(("127.0.0.1", port))
        lines = ["GET / HTTP/1.1", f"Host: {host}:{port}", *headers, "Connection: close", "", ""]
        connection.sendall("\r\n".join(lines).encode())
        return int(connection.makefile().readline().split()[1])


def test_its_own_user_comes_in(port: int) -> None:
    assert answer(port) == 200
    assert answer(port, host="localhost") == 200


def test_another_user_of_the_machine_does_not(port: int) -> None:
    if os.geteuid() == 0:  # only root can make connections for others
        assert answer(port, user=NOBODY) == 403
    with socket.create_connection(("127.0.0.1", port)) as own:
        header = f"X-Forwarded-For: 127.0.0.1:{own.getsockname()[1]}"
        assert answer(port, header) == 403  # as if it came from another connection


def test_a_page_of_another_name_does_not(port: int) -> None:
    assert answer(port, host="rebound.example") == 400


def test_with_an_identity_provider_it_asks_that() -> None:
    assert local_only(Settings(oidc_metadata_url="https://id.example/x", _env_file=None)) == []
