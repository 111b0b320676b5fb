"""Opens connections and transactions, on the database of the settings or the embedded one, with errors in words."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 (psycopg2 names the class so)
from psycopg2.sql import Composable
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from ncric_core.errors import StoreError
from ncric_core.settings import Settings
from ncric_core.store import embedded

OLDEST_SERVER: Final = 150000  # version 15 has security_invoker views and NULLS NOT DISTINCT

__all__ = ["Connection", "Database", "first_line", "open_database", "rows"]


@dataclass(frozen=True, slots=True)
class Database:
    """The place of the store, and the user whom its history of changes names."""

    dsn: str
    user: str
    embedded: bool

    def connect(self) -> Connection:
        """Opens a connection in UTC, with our user's name for the history. Raises StoreError, without the password."""
        try:
            connection = psycopg2.connect(
                self.dsn,
                application_name="ncric",
                connect_timeout=10,
                options="-c timezone=UTC",
                client_encoding="UTF8",
            )
        except psycopg2.OperationalError as error:
            raise StoreError(
                f"the database cannot be reached: {first_line(error)}; check NCRIC_DATABASE_URL",
                passing=True,
            ) from None
        if connection.server_version < OLDEST_SERVER:
            connection.close()
            raise StoreError(f"PostgreSQL {connection.server_version // 10000} is too old: 15 or later is needed")
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute("SELECT set_config('ncric.user', %(user)s, false)", {"user": self.user})
        except psycopg2.Error as error:
            connection.close()
            raise lost(error) from error
        return connection

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """Yields a connection for several transactions (`with connection:`), and closes it at the end.

        Raises StoreError if the connection is lost.
        """
        connection = self.connect()
        try:
            yield connection
        except psycopg2.Error as error:
            if not connection.closed:
                raise
            raise lost(error) from error
        finally:
            connection.close()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Yields a new connection in one transaction, which is committed at the end or rolled back on any error."""
        with self.session() as connection, connection:
            yield connection


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


def lost(error: psycopg2.Error) -> StoreError:
    """Returns the error of a connection that is gone. It may pass, so that a job is worth another try."""
    return StoreError(f"the connection to the database was lost: {first_line(error)}", passing=True)


def first_line(error: Exception) -> str:
    """The first line of an error's message; its type's name where it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
