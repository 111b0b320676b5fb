"""All SQL of the console, one module a page. Every question runs in a transaction bound to who asks it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import polars as pl
import psycopg2
import streamlit as st
from psycopg2 import errors
from psycopg2.extras import Json

from console.auth import User
from ncric_core.errors import StoreError
from ncric_core.settings import read_settings
from ncric_core.store.database import Connection, Database, rows
from ncric_core.store.schema.migrate import up_to_date

SEEN: Final = "rows_seen"
"""In `activity`: rows as received were looked at."""

LONGEST: Final = "30s"  # a question that takes longer is ended, so that no page holds up the load


@st.cache_resource
def database() -> Database:
    """The store, of the present schema. Raises StoreError."""
    return up_to_date(read_settings())


_BIND: Final = """
SELECT set_config('ncric.user', %(name)s, %(local)s), set_config('statement_timeout', %(longest)s, %(local)s),
       set_config('role', %(role)s, %(local)s)
"""
"""`local`: until the end of the transaction, else of the session."""


@contextmanager
def asked_by(user: User) -> Iterator[Connection]:
    """A transaction bound to a person: in their role of the database, under their name. Raises StoreError in words."""
    with _in_words(), database().transaction() as connection:
        _bind(connection, user, local=True)
        yield connection


@contextmanager
def session_of(user: User, store: Database) -> Iterator[Connection]:
    """A session bound to a person, for functions of ncric_core that end their own transactions. Raises StoreError.

    `asked_by` cannot serve these: its role ends with its transaction.
    """
    with _in_words(), store.session() as connection:
        with connection:
            _bind(connection, user, local=False)
        yield connection


def _bind(connection: Connection, user: User, *, local: bool) -> None:
    rows(connection, _BIND, {"name": user.name, "role": user.role, "longest": LONGEST, "local": local})


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except errors.InsufficientPrivilege as error:
        raise StoreError("you may not do or see this: ask an administrator for the operator role") from error
    except errors.QueryCanceled as error:
        raise StoreError(f"the database took longer than {LONGEST}: ask for a shorter time, or try again") from error
    except psycopg2.Error as error:
        raise StoreError(f"the database refuses: {str(error).strip().splitlines()[0]}") from error


def frame(connection: Connection, query: str, given: Mapping[str, object], schema: pl.Schema) -> pl.DataFrame:
    """The rows of a query as a frame of this schema."""
    return pl.DataFrame(rows(connection, query, given), schema=schema, orient="row")


@contextmanager
def changing(
    user: User, what: str, subject: str, *, before: object = None, after: object = None
) -> Iterator[Connection]:
    """A transaction that changes something for a person.

    It begins with the entry in `activity`, in the person's own role: who may not enter it is refused by the database
    before anything changes, and what fails leaves no entry.
    """
    with asked_by(user) as connection, connection.cursor() as cursor:
        note(connection, what, subject, before=before, after=after)
        cursor.execute("RESET ROLE")  # the change itself needs the store's owner, as a new agency gets its views
        yield connection


def note(connection: Connection, what: str, subject: str, *, before: object = None, after: object = None) -> None:
    """Enters in `activity` what a person changes or looks at, in their transaction; the database refuses analysts."""
    rows(
        connection,
        """
        INSERT INTO activity (what, subject, before, after) VALUES (%(what)s, %(subject)s, %(before)s, %(after)s)
        RETURNING id
        """,
        {
            "what": what,
            "subject": subject,
            "before": None if before is None else Json(before),
            "after": None if after is None else Json(after),
        },
    )
