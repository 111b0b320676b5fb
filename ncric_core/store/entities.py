"""Merges entities (cameras, agencies as received, …) and links into the tables of the model."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import polars as pl
from psycopg2 import sql

from ncric_core.flight.model import DTYPES
from ncric_core.flight.rows import Rows
from ncric_core.store.database import Connection, array, columns_of


def upsert(connection: Connection, given: Rows) -> int:
    """Merges entities or links into their table, in the caller's transaction. Returns how many of them were new.

    Merge takes the newer value that is not null. PartialReplace takes the new values, even if null. Replace also clears
    the columns that are not given (docs/flight-language.md, "Keys").
    """
    frame, key = given.frame, given.key
    if frame.is_empty():
        return 0
    properties = [column for column in frame.columns if column not in (*key, "as_of")]
    cleared: list[str] = []
    if given.update == "Replace":
        kept = {*key, "as_of", "loaded_at", *properties}
        cleared = [name for name in columns_of(connection, given.table) if name not in kept]
    types = {name: frame.schema[name] for name in (*key, "as_of", *properties)}
    statement = _statement(given.table, key, properties, cleared, types, merge=given.update == "Merge")
    with connection.cursor() as cursor:
        cursor.execute(statement, [array(frame[name]) for name in types])
        return sum(new for (new,) in cursor.fetchall())


_SQL_TYPES: Final = {kind: name for name, kind in DTYPES.items()}


_UPSERT: Final = """
INSERT INTO {table} AS t ({names})
SELECT * FROM unnest({arrays})
ON CONFLICT ({key}) DO UPDATE SET {changes}
WHERE {differs}
RETURNING (xmax = 0)::int  -- 1: the row is new
"""

_NEWER: Final = """
{c} = CASE
    WHEN EXCLUDED.as_of >= t.as_of THEN coalesce(EXCLUDED.{c}, t.{c})
    ELSE coalesce(t.{c}, EXCLUDED.{c})
END
"""


def _statement(
    table: str,
    key: Sequence[str],
    properties: Sequence[str],
    cleared: Sequence[str],
    types: Mapping[str, pl.DataType],
    *,
    merge: bool,
) -> sql.Composed:
    arrays = [sql.SQL("%s::{}[]").format(sql.SQL(_SQL_TYPES[kind])) for kind in types.values()]
    change = sql.SQL(_NEWER if merge else "{c} = EXCLUDED.{c}")
    changes: list[sql.Composable] = [sql.SQL("as_of = greatest(t.as_of, EXCLUDED.as_of)")]
    changes += [change.format(c=sql.Identifier(column)) for column in properties]
    changes += [sql.SQL("{c} = NULL").format(c=sql.Identifier(column)) for column in cleared]
    return sql.SQL(_UPSERT).format(
        table=sql.Identifier(table),
        names=_listed(map(sql.Identifier, types)),
        arrays=_listed(arrays),
        key=_listed(map(sql.Identifier, key)),
        changes=_listed(changes),
        differs=_differs(properties) if merge else sql.SQL("true"),
    )


def _listed(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)


def _differs(properties: Sequence[str]) -> sql.Composable:
    """Returns the condition that a merge changes anything. Cameras are in every chunk, and hardly ever change."""
    change = sql.SQL("(EXCLUDED.{c} IS NOT NULL AND EXCLUDED.{c} IS DISTINCT FROM t.{c})")
    tests: list[sql.Composable] = [sql.SQL("EXCLUDED.as_of > t.as_of")]
    tests += [change.format(c=sql.Identifier(column)) for column in properties]
    return sql.SQL(" OR ").join(tests)
