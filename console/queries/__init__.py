"""The console's questions to the store, one module a subject. Each runs in a transaction bound to a person."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import polars as pl
import streamlit as st
from psycopg2.sql import Composable

from ncric_core.errors import StoreError
from ncric_core.settings import read_settings
from ncric_core.store import person
from ncric_core.store.database import Connection, Database, rows
from ncric_core.store.person import Person
from ncric_core.store.schema.migrate import up_to_date


@st.cache_resource
def database() -> Database:
    """Returns the store. Raises StoreError if it cannot be reached or its schema is not the present one."""
    return up_to_date(read_settings())


@contextmanager
def asked_by(user: Person) -> Iterator[Connection]:
    """Opens a transaction of the console's store, bound to a person. Raises StoreError in plain words."""
    with _without_nul(), person.asked_by(database(), user) as connection:
        yield connection


@contextmanager
def changing(
    user: Person, what: str, subject: str, *, before: object = None, after: object = None
) -> Iterator[Connection]:
    """Opens a transaction in which a person changes the console's store. Enters the change in `activity` first."""
    with (
        _without_nul(),
        person.changing(database(), user, what, subject, before=before, after=after) as connection,
    ):
        yield connection


@contextmanager
def _without_nul() -> Iterator[None]:
    """Says in words that a text (of a search, or of the page's address) holds a NUL, which psycopg2 does not send."""
    try:
        yield
    except ValueError as error:
        if "NUL" not in str(error):
            raise
        raise StoreError("a text that was asked for holds a NUL sign, and no text of the store has one") from error


def frame(
    connection: Connection, query: str | Composable, given: Mapping[str, object], schema: pl.Schema
) -> pl.DataFrame:
    """Returns the rows of a query as a frame of this schema."""
    return pl.DataFrame(rows(connection, query, given), schema=schema, orient="row")
