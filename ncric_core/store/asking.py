"""Asks the store what a person wrote in SQL: the session can only read, and the rows are as PostgreSQL writes them."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from time import monotonic
from typing import Any, Final

from psycopg2 import DataError, errors

from ncric_core.errors import StoreError
from ncric_core.store.database import Database, rows
from ncric_core.store.refusals import first_line

BATCH: Final = 1_000  # rows that are fetched at once

_SESSION: Final = """
SET LOCAL ROLE ncric_reader;

CREATE FUNCTION pg_temp.ask(query text) RETURNS text[] LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    answer refcursor := 'answer';
    one    record;
BEGIN
    OPEN answer NO SCROLL FOR EXECUTE query;
    FETCH RELATIVE 0 FROM answer INTO one;  -- no row, but the columns
    PERFORM set_config('client_encoding', 'UTF8', true);  -- the query may have set another one
    RETURN ARRAY(SELECT json_object_keys(row_to_json(one)));
END $$;

CREATE FUNCTION pg_temp.answer(query text, most integer, keys text[]) RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    one record;
BEGIN
    FOR one IN EXECUTE format('FETCH %s FROM answer', most) LOOP
        RETURN NEXT CASE
            WHEN keys IS NULL THEN one::text
            WHEN keys = '{}' THEN row_to_json(one)::text
            ELSE (
                SELECT '{' || string_agg(to_json(keys[place]) || ':' || value, ',' ORDER BY place) || '}'
                FROM json_each(row_to_json(one)) WITH ORDINALITY AS pair (key, value, place)
            )
        END;
    END LOOP;
    PERFORM set_config('client_encoding', 'UTF8', true);
END $$;

RESET ROLE;
SET TRANSACTION READ ONLY;
"""
"""Makes the functions that a query runs in, as the role that may only read.

Within a function of another role (SECURITY DEFINER) PostgreSQL changes neither role nor user, and within a transaction
that has begun to ask it does not turn back from READ ONLY. A cursor takes one statement that gives rows, and no other.
It is read by a function as well, because what a query calls (`query_to_xml`) has the rights of whoever fetches; that
function is told the query only so that `pg_stat_activity` shows it. The transaction is rolled back, so nothing of this
stays.
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """The columns of an answer, and its rows: each a text for a column (None: null), or as one JSON object."""

    columns: list[str]
    _fetch: Callable[[Sequence[str] | None], Iterator[str]]

    def texts(self) -> Iterator[list[str | None]]:
        """Yields each row as the texts that COPY writes."""
        return (list(islice(_fields(row), len(self.columns))) for row in self._fetch(None))

    def objects(self) -> Iterator[str]:
        """Yields each row as `row_to_json` writes it. Columns of one name get names of their own: `n`, `n_2`."""
        return self._fetch([] if len(set(self.columns)) == len(self.columns) else _apart(self.columns))


@contextmanager
def answer(database: Database, query: str, *, longest: int) -> Iterator[Answer]:
    """Asks a query that a person wrote, and yields its answer. Its rows are fetched as they are taken.

    After `longest` seconds the answer ends with an error. Raises StoreError for whatever the database refuses.
    """
    until = monotonic() + longest

    def ask(question: str, given: object) -> Sequence[tuple[Any, ...]]:
        left = f"{max(1, round(1000 * (until - monotonic())))}ms"
        rows(connection, _LIMIT, {"left": left})  # each time, because a query may have set it
        return rows(connection, question, given)

    def fetch(keys: Sequence[str] | None) -> Iterator[str]:
        while found := ask("SELECT pg_temp.answer(%s, %s, %s::text[])", (query, BATCH, keys)):
            yield from (row for (row,) in found)

    with database.session() as connection, _in_words(longest):
        with connection.cursor() as cursor:
            cursor.execute(_SESSION)
        ((columns,),) = ask("SELECT pg_temp.ask(%s)", (query,))
        yield Answer(columns, fetch)
        connection.rollback()


_LIMIT: Final = """
SELECT set_config('statement_timeout', %(left)s, true),
       set_config('idle_in_transaction_session_timeout', %(left)s, true)
"""


@contextmanager
def _in_words(longest: int) -> Iterator[None]:
    try:
        yield
    except errors.InvalidCursorDefinition as error:
        raise StoreError(
            f"that is not one question ({first_line(error)}): give a single SELECT, WITH, VALUES, TABLE, SHOW or "
            "EXPLAIN; it is asked in a read-only transaction"
        ) from error
    except DataError as error:  # its message may quote a value, and who asks may see it
        raise StoreError(f"the database refuses: {first_line(error)}") from error
    except (errors.QueryCanceled, errors.IdleInTransactionSessionTimeout) as error:
        raise StoreError(f"the answer took longer than {longest} s: ask for less, or allow more time") from error


_FIELD: Final = re.compile(r'(?:"((?:[^"\\]|""|\\\\)*)"|([^,"]*))(?:,|\Z)')


def _fields(record: str) -> Iterator[str | None]:
    r"""Takes a row apart that PostgreSQL wrote as `(1,"a ""b"" \\c",)`. A field without any text is null.

    Yields one more at the end.
    """
    for field in _FIELD.finditer(record, 1, len(record) - 1):
        quoted, plain = field.groups()
        yield plain or None if quoted is None else quoted.replace('""', '"').replace("\\\\", "\\")


def _apart(columns: Sequence[str]) -> list[str]:
    """Gives columns of one name names of their own: the second `n` is `n_2`."""
    names: list[str] = []
    for column in columns:
        number, name = 1, column
        while name in names or (number > 1 and name in columns):
            number += 1
            name = f"{column}_{number}"
        names.append(name)
    return names
