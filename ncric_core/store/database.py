"""Lends connections from a pool, on the database of the settings or the embedded one, with errors in words.

All of it works through a pooler that gives each transaction another connection to the server (PgBouncer in transaction
mode): whatever a session sets is set anew in each transaction, and nothing outlives one.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

import polars as pl
import psycopg2
from psycopg2 import sql
from psycopg2.extensions import STATUS_READY, make_dsn, parse_dsn
from psycopg2.sql import Composable
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.pool import QueuePool

from ncric_core.errors import StoreError
from ncric_core.settings import Settings
from ncric_core.store import embedded
from ncric_core.store.interrupts import hearing_signals
from ncric_core.store.refusals import first_line, in_words

OLDEST_SERVER: Final = 150000  # version 15 has security_invoker views and NULLS NOT DISTINCT

KEPT: Final = 5  # connections that wait in the pool for their next use
MOST: Final = 25  # connections at the same time
FREE_WITHIN: Final = 30  # seconds
RENEWED_AFTER: Final = 1800  # seconds; settings of roles and databases reach new connections only

CONNECTION: Final = {
    "application_name": "ncric",
    "connect_timeout": "10",
    "client_encoding": "UTF8",
    # A network that goes silent is found within half a minute, whether we send or wait.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "4",
    "tcp_user_timeout": "30000",
}
"""What libpq is told, unless the URL says otherwise."""

__all__ = ["Connection", "Cursor", "Database", "open_database", "rows"]


class Cursor(psycopg2.extensions.cursor):
    """Begins each transaction with the settings of its session, however the transaction begins."""

    connection: "Connection"

    def execute(self, query: Any, vars: Any = None) -> None:  # psycopg2's own names
        self._begin()
        super().execute(query, vars)

    def executemany(self, query: Any, vars_list: Any) -> None:
        self._begin()
        super().executemany(query, vars_list)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        self._begin()
        super().copy_expert(sql, file, size)

    def _begin(self) -> None:
        if self.connection.status == STATUS_READY and not self.connection.autocommit:
            with self.connection.cursor(cursor_factory=psycopg2.extensions.cursor) as cursor:
                cursor.execute(self.connection.begins)


class Connection(psycopg2.extensions.connection):
    """A connection lent by a database. `begins` is what each of its transactions begins with."""

    database: "Database"
    begins: str


@dataclass(frozen=True)
class Database:
    """The place of the store, and the user whom its history of changes names."""

    dsn: str
    user: str
    embedded: bool

    def connect(self) -> Connection:
        """Makes a connection, for the pool. Raises StoreError, without the password."""
        try:
            given = make_dsn(**{**CONNECTION, **parse_dsn(self.dsn)})
            connection = psycopg2.connect(given, connection_factory=Connection, cursor_factory=Cursor)
        except psycopg2.Error as error:
            raise StoreError(
                f"the database cannot be reached: {first_line(error)}; check NCRIC_DATABASE_URL",
                passing=isinstance(error, psycopg2.OperationalError),
            ) from None
        if fault := _unfit(connection):
            connection.close()
            raise StoreError(fault)
        return connection

    @contextmanager
    def session(self, settings: Mapping[str, str] = MappingProxyType({})) -> Iterator[Connection]:
        """Lends a connection for several transactions, each in UTC and under our user's name.

        `settings` are further settings of PostgreSQL for each of them, such as `role`. A signal ends what the
        connection waits for. Raises StoreError for whatever the database refuses.
        """
        try:
            with in_words():
                lent = self._pool.connect()
        except NoneFree:
            raise StoreError(f"all {MOST} connections to the database are in use: try again", passing=True) from None
        connection: Connection = lent.driver_connection  # type: ignore[assignment]  # made by `connect`
        try:
            with in_words(), hearing_signals(connection):
                connection.set_session("default", "default", "default", autocommit=False)  # whatever its last user did
                connection.notices.clear()
                connection.database = self
                connection.begins = _set_local({"timezone": "UTC", "ncric.user": self.user, **settings}, connection)
                yield connection
        except BaseException:
            lent.invalidate()  # closes it, with whatever was under way
            raise
        if connection.closed:
            lent.invalidate()
        else:
            lent.close()  # back into the pool; what was not committed is rolled back

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Lends a connection for one transaction, which is committed at the end or rolled back on any error."""
        with self.session() as connection, connection:
            yield connection

    def close(self) -> None:
        """Closes the connections that wait in the pool."""
        self._pool.dispose()

    @cached_property
    def _pool(self) -> QueuePool:
        return QueuePool(
            self.connect,  # type: ignore[arg-type]  # their stub of a connection lacks what psycopg2's type has
            pool_size=KEPT,
            max_overflow=MOST - KEPT,
            timeout=FREE_WITHIN,
            use_lifo=True,
            recycle=RENEWED_AFTER,
            pre_ping=True,  # a connection that was lost in the pool is made anew
            dialect=PGDialect_psycopg2(dbapi=psycopg2),  # type: ignore[no-untyped-call]
        )


def _unfit(connection: Connection) -> str | None:
    """Says what is wrong with a server that will not do, whoever asks."""
    if connection.server_version < OLDEST_SERVER:
        return f"PostgreSQL {connection.server_version // 10000} is too old: 15 or later is needed"
    encoding = connection.info.parameter_status("server_encoding")
    if encoding not in {"UTF8", None}:  # None: lost already, as will be seen
        return (
            f"the database {connection.info.dbname} is in {encoding}, which cannot hold every name: make one with "
            "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )
    return None


def _set_local(settings: Mapping[str, str], connection: Connection) -> str:
    """Returns statements for the begin of a transaction. They are no queries, so its isolation can still be set."""
    form = sql.SQL("SET LOCAL {} TO {}")
    each = [form.format(sql.Identifier(*name.split(".")), sql.Literal(value)) for name, value in settings.items()]
    return sql.SQL("; ").join(each).as_string(connection)


def open_database(settings: Settings) -> Database:
    """Opens the database of the settings, else starts the embedded one. Raises StoreError if that fails."""
    if settings.database_url is None:
        return Database(embedded.start(settings.data_dir), settings.user, embedded=True)
    try:
        url = make_url(settings.database_url.get_secret_value())
    except (ArgumentError, ValueError):
        raise StoreError(
            "NCRIC_DATABASE_URL is not a URL: write it as postgresql://user:password@host:5432/name"
        ) from None
    if "@" in (url.host or ""):
        raise StoreError("NCRIC_DATABASE_URL has an @ in its password: write it as %40")
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        raise StoreError(f"NCRIC_DATABASE_URL is for {url.get_backend_name()}: only PostgreSQL 15 or later will do")
    return Database(
        url.set(drivername="postgresql").render_as_string(hide_password=False), settings.user, embedded=False
    )


def rows(connection: Connection, query: str | Composable, parameters: object = None) -> Sequence[tuple[Any, ...]]:
    """Returns all rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)  # type: ignore[arg-type]  # a sequence or a mapping, as psycopg2 takes them
        return cursor.fetchall()


_COLUMNS: Final = """
SELECT attname
FROM pg_attribute
WHERE attrelid = to_regclass(quote_ident(%(table)s)) AND attnum > 0 AND NOT attisdropped
ORDER BY attnum
"""


def columns_of(connection: Connection, table: str) -> list[str]:
    """The columns of a table in their order; none if there is no such table."""
    return [name for (name,) in rows(connection, _COLUMNS, {"table": table})]


def array(column: pl.Series) -> str:
    """Returns a column as the text of a PostgreSQL array, for use as a parameter: `unnest(%(names)s::text[])`.

    psycopg2 would write a list as one constant per value, which takes twice as long to parse as to insert. The text is
    made in plain Python, because in polars the loading thread would wait for work of other threads.
    """
    values = column.to_list()
    if column.dtype == pl.String:
        return "{" + ",".join(["NULL" if value is None else _quoted(value) for value in values]) + "}"
    if column.dtype.is_integer() and not column.null_count():
        return "{" + ",".join(map(str, values)) + "}"
    return "{" + ",".join(["NULL" if value is None else f'"{value}"' for value in values]) + "}"


def _quoted(value: str) -> str:
    if "\\" in value or '"' in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'
