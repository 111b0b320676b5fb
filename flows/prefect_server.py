"""`prefect server` on SQLite, fit for a busy machine: `python -m flows.prefect_server start …`.

Two things in Prefect 3.8.8 (aiosqlite 0.22.1, Python 3.11) are put right, each seen to stop the day of `ncric up`:

- When a request is given up while its statement waits for SQLite's lock, the event loop drops a cursor; SQLite resets a
  dropped one under the connection's mutex, which the connection's own thread holds as long as it waits. So the event
  loop stands still, and with it whoever holds the lock: for a minute (Prefect's busy_timeout) nobody is answered, more
  requests are given up meanwhile, and it begins anew, without end.
- A transaction that reads first, and writes after another one has written, is refused at once, however long it would
  wait (SQLITE_BUSY_SNAPSHOT, https://www.sqlite.org/rescode.html#busy_snapshot). Of 12 clients at once three requests
  in four failed. As transactions are for writing, all begin as writers, and wait for their turn.
"""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import aiosqlite
from prefect.cli import app
from prefect.server.database.configurations import AioSqliteConfiguration
from sqlalchemy.ext.asyncio import AsyncSession, AsyncSessionTransaction

_begin_transaction: Final = AioSqliteConfiguration.begin_transaction


def _leave_to_its_thread(cursor: aiosqlite.Cursor) -> None:
    """Has a cursor closed by the thread that uses its connection, when that has done what it is at."""
    cursor._conn._tx.put_nowait((None, cursor._cursor.close))


@asynccontextmanager
async def _begin_as_writer(
    self: AioSqliteConfiguration,
    session: AsyncSession,
    with_for_update: bool = False,  # noqa: ARG001  # Prefect's own signature
) -> AsyncGenerator[AsyncSessionTransaction, None]:
    async with _begin_transaction(self, session, with_for_update=True) as transaction:
        yield transaction


def main() -> None:
    """The command line of `prefect server`."""
    aiosqlite.Cursor.__del__ = _leave_to_its_thread  # type: ignore[attr-defined]
    AioSqliteConfiguration.begin_transaction = _begin_as_writer  # type: ignore[method-assign]
    sys.argv[:1] = ["prefect", "server"]
    app()


if __name__ == "__main__":
    main()
