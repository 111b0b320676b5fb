"""`prefect server` on SQLite, fit for a busy machine: `python -m flows.prefect_server start …`.

Two patches mend what stopped the day of `ncric up` with the versions in `flows.prefect_versions`:

- A client gives up while its statement waits for SQLite's lock. The event loop then drops the statement's cursor, and
  SQLite resets a dropped cursor under the connection's mutex, which the connection's own thread holds while it waits.
  So the event loop stands still, and with it the request that holds the lock. For a minute (Prefect's busy_timeout)
  nobody is answered. More clients give up meanwhile, and it starts again without end. Patched: the connection's own
  thread closes the cursor.
- SQLite refuses a transaction at once, without waiting, if it has read first and writes after another one has written
  (SQLITE_BUSY_SNAPSHOT, https://www.sqlite.org/rescode.html#busy_snapshot). With 12 clients at once, three requests in
  four failed. Patched: transactions begin as writers, and so wait for their turn.

A third one adds what Prefect lacks: the server answers only to its own names. Otherwise a foreign page whose name was
made to point to this machine (DNS rebinding) would be taken for the server's own.
"""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiosqlite
import uvicorn
from prefect.cli import app
from prefect.server.database.configurations import AioSqliteConfiguration
from sqlalchemy.ext.asyncio import AsyncSession, AsyncSessionTransaction
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp

from flows.prefect_versions import check_versions
from ncric_core.errors import ServiceError
from ncric_core.jobs.prefect_access import OWN_NAMES

_begin_transaction: Final = AioSqliteConfiguration.begin_transaction
_serve: Final = uvicorn.run


def _leave_to_its_thread(cursor: aiosqlite.Cursor) -> None:
    """Has a cursor closed by its connection's own thread, after the statements that the thread already has."""
    cursor._conn._tx.put_nowait((None, cursor._cursor.close))


@asynccontextmanager
async def _begin_as_writer(
    self: AioSqliteConfiguration,
    session: AsyncSession,
    with_for_update: bool = False,  # noqa: ARG001  # Prefect's own signature
) -> AsyncGenerator[AsyncSessionTransaction, None]:
    async with _begin_transaction(self, session, with_for_update=True) as transaction:
        yield transaction


def _serve_own_names(app: ASGIApp, **options: Any) -> None:
    """Serves an application to clients that call it by one of our own names. Others get status 400."""
    _serve(TrustedHostMiddleware(app, allowed_hosts=OWN_NAMES, www_redirect=False), **options)


def main() -> None:
    """Runs the command line of `prefect server` with the patches. Refuses if they were made for other versions."""
    try:
        check_versions()
    except ServiceError as error:
        sys.exit(f"ncric: {error}")
    aiosqlite.Cursor.__del__ = _leave_to_its_thread  # type: ignore[attr-defined]
    AioSqliteConfiguration.begin_transaction = _begin_as_writer  # type: ignore[method-assign]
    uvicorn.run = _serve_own_names  # type: ignore[assignment]
    sys.argv[:1] = ["prefect", "server"]
    app()


if __name__ == "__main__":
    main()
