"""PgBouncer before the tests' server, as production often has it."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from ncric_core.store.database import open_database
from tests.conftest import Store

CONFIGURATION = """
[databases]
* = host={host} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
"""


@contextmanager
def pooled(store: Store, *, mode: str = "transaction", size: int = 5) -> Iterator[Store]:
    """The same store, through a pooler with `size` connections to the server."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("there is no pgbouncer")  # CI has it, and takes a skipped test for a failure
    url = store.settings.database_url
    assert url is not None
    place = urlsplit(url.get_secret_value())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    configuration = CONFIGURATION.format(host=parse_qs(place.query)["host"][0], port=port, mode=mode, size=size)
    running, file = _started(program, configuration)
    try:
        _wait_for(port)
        settings = store.settings.model_copy(
            update={"database_url": SecretStr(f"postgresql://postgres@127.0.0.1:{port}{place.path}")}
        )
        yield replace(store, settings=settings, database=open_database(settings))
    finally:
        running.terminate()
        running.wait()
        file.unlink()


def _started(program: str, configuration: str) -> "tuple[subprocess.Popen[bytes], Path]":
    """Starts the pooler as the server's own user, with its configuration in a file.

    It refuses root, and other users may not pass to the server's socket.
    """
    as_user: dict[str, Any] = {"user": "pgserver", "group": 0} if os.getuid() == 0 else {}
    with NamedTemporaryFile("w", encoding="utf-8", suffix=".ini", delete=False) as file:
        file.write(configuration)
    if as_user:
        shutil.chown(file.name, **as_user)
    return subprocess.Popen([program, "-q", file.name], **as_user), Path(file.name)


def _wait_for(port: int) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return
