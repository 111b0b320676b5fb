"""`prefect server` on SQLite, whose event loop no cursor can stop: `python -m flows.prefect_server start …`.

When a request is given up while its statement waits for SQLite's lock, the event loop drops that statement's cursor;
SQLite resets a dropped one under the connection's mutex, which the connection's own thread holds as long as it waits.
So the event loop stands still, and with it whoever holds the lock: for a minute (Prefect's busy_timeout) the server
answers nobody, more requests are given up meanwhile, and it begins anew. On a busy machine that had no end (seen with
Prefect 3.8.8, aiosqlite 0.22.1, Python 3.11).
"""

import sys

import aiosqlite
from prefect.cli import app


def _leave_to_its_thread(cursor: aiosqlite.Cursor) -> None:
    """Has a cursor closed by the thread that uses its connection, when that has done what it is at."""
    cursor._conn._tx.put_nowait((None, cursor._cursor.close))


def main() -> None:
    """The command line of `prefect server`."""
    aiosqlite.Cursor.__del__ = _leave_to_its_thread  # type: ignore[attr-defined]
    sys.argv[:1] = ["prefect", "server"]
    app()


if __name__ == "__main__":
    main()
