"""A process that waits for the database hears Ctrl-C and SIGTERM at once, and what it waited for ends on the server."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from ncric_core.store.database import CONNECTION, rows
from tests.conftest import FILE, HOUR, Store, read
from tests.flows.running_up import until
from tests.pooler import pooled
from tests.store.test_load import WAITING

STARTED_BY_A_SHELL = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
COMMAND = [sys.executable, "-c", STARTED_BY_A_SHELL + "from ncric_core.cli import main; main()"]
WINDOW = ["--start", HOUR.start.isoformat(), "--end", HOUR.end.isoformat()]

ASLEEP = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()"


@contextmanager
def running(store: Store, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [*COMMAND, *arguments], env=os.environ | store.environment, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("table", "number", "status"),
    [
        ("source_files", signal.SIGTERM, 143),  # the main thread waits
        ("vehicle_records", signal.SIGINT, 130),  # the loading thread does
    ],
)
def test_a_run_that_waits_for_a_lock_hears_signals_and_cancels_on_the_server(
    store: Store, table: str, number: signal.Signals, status: int
) -> None:
    store.put(FILE.format(1), [read(1)])
    with store.database.session() as holder:
        rows(holder, f"LOCK TABLE {table} IN SHARE MODE; SELECT 1")
        with running(store, "run", "boss4", *WINDOW) as process:
            until(lambda: store.rows(WAITING) == [(1,)], 30)
            process.send_signal(number)
            _, err = process.communicate(timeout=10)
        assert process.returncode == status, err
        assert "Traceback" not in err
        until(lambda: store.rows(WAITING) == [(0,)], 30)
    assert store.rows("SELECT count(*) FROM loads WHERE error IS NOT NULL") == [(0,)]
    assert store.run().total.loaded == 1


@pytest.mark.slow
def test_the_same_through_a_pooler(store: Store, tmp_path: Path) -> None:
    store.put(FILE.format(1), [read(1)])
    with pooled(store) as through, store.database.session() as holder:
        rows(holder, "LOCK TABLE vehicle_records IN SHARE MODE; SELECT 1")
        with running(through, "run", "boss4", *WINDOW) as process:
            until(lambda: store.rows(WAITING) == [(1,)], 30)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=10)
        assert process.returncode == 143
        until(lambda: store.rows(WAITING) == [(0,)], 30)
    assert store.run().total.loaded == 1


@contextmanager
def line_to(port: int, silent: threading.Event) -> Iterator[int]:
    """A line to a port, which passes nothing on any more once it is `silent`. Yields its own port."""

    def serve(listening: socket.socket) -> None:
        while True:
            try:
                here = listening.accept()[0]
            except OSError:
                return
            there = socket.create_connection(("127.0.0.1", port))
            ends.extend((here, there))
            for source, target in ((here, there), (there, here)):
                threading.Thread(target=pass_on, args=(source, target), daemon=True).start()

    def pass_on(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while got := source.recv(65536):
                if not silent.is_set():
                    target.sendall(got)

    ends: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


@pytest.mark.slow
def test_a_server_that_has_gone_silent_does_not_keep_a_signal_from_being_heard(store: Store, tmp_path: Path) -> None:
    with pooled(store) as through:
        url = through.settings.database_url
        assert url is not None
        port = url.get_secret_value().split(":")[2].split("/")[0]
        silent = threading.Event()
        with line_to(int(port), silent) as other:
            beyond = through.with_settings(
                database_url=type(url)(url.get_secret_value().replace(f":{port}/", f":{other}/"))
            )
            with running(beyond, "sql", "SELECT pg_sleep(600)") as process:
                until(lambda: store.rows(ASLEEP) != [], 30)
                silent.set()
                process.send_signal(signal.SIGTERM)
                process.communicate(timeout=10)
        assert process.returncode == 143


def test_a_silent_network_is_found_within_half_a_minute(store: Store, tmp_path: Path) -> None:
    asked = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
    with (
        pooled(store) as through,
        through.database.session() as connection,
        socket.socket(fileno=os.dup(connection.fileno())) as line,
    ):
        options = [line.getsockopt(socket.IPPROTO_TCP, option) for option in asked]
        assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    names = ("keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout")
    assert options == [int(CONNECTION[name]) for name in names] == [10, 5, 4, 30_000]


def test_sessions_may_end_in_any_order(store: Store) -> None:
    before = signal.set_wakeup_fd(-1)
    first, second = ExitStack(), ExitStack()
    try:
        first.enter_context(store.database.session())
        connection = second.enter_context(store.database.session())
        first.close()
        assert rows(connection, "SELECT 1") == [(1,)]
        second.close()
        assert signal.set_wakeup_fd(-1) == -1
    finally:
        signal.set_wakeup_fd(before)


def test_whoever_listened_for_signals_before_hears_them_too(store: Store) -> None:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    ours.settimeout(10)
    handler = signal.signal(signal.SIGHUP, lambda *_: None)
    before = signal.set_wakeup_fd(theirs.fileno())
    try:
        with store.database.session(), store.database.session():
            signal.raise_signal(signal.SIGHUP)
            assert ours.recv(10) == bytes([signal.SIGHUP])
        assert signal.set_wakeup_fd(before) == theirs.fileno()
    finally:
        signal.set_wakeup_fd(before)
        signal.signal(signal.SIGHUP, handler)
        ours.close()
        theirs.close()
