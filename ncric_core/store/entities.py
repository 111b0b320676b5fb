"""Merges entities (cameras, agencies as received, …) and links into the tables of the model."""

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl
from psycopg2 import sql

from ncric_core.flight.model import DTYPES, UpdateType
from ncric_core.store.database import Connection, array, rows

ENTITY_KEY: Final = ("entity_set", "id")
LINK_KEY: Final = ("entity_set", "source_set", "source_id", "target_set", "target_id")


def folded(given: pl.DataFrame, key: Sequence[str], update: UpdateType) -> pl.DataFrame:
    """Returns rows for `upsert`: one row per key, in order of the keys, with the values of the latest `as_of`.

    `given` has the columns that `upsert` takes. For Merge, a value is the latest that is not null.
    """
    others = [column for column in given.columns if column not in key]
    last = [pl.col(c).drop_nulls().last() if update == "Merge" else pl.col(c).last() for c in others]
    return given.sort("as_of", maintain_order=True).group_by(key).agg(last).sort(key)


def upsert(connection: Connection, table: str, key: Sequence[str], given: pl.DataFrame, update: UpdateType) -> int:
    """Merges rows into a table of the model, in the caller's transaction. Returns how many rows were new.

    `given` has the key's columns, `as_of` (Datetime UTC: the time of the values) and property columns. It has one row
    per key, in order of the keys (see `folded`), so that two loads wait for each other and do not deadlock.

    Merge takes the newer value that is not null. PartialReplace takes the new values, even if null. Replace also clears
    the columns that are not given (flight-language.md, "Keys").
    """
    if given.is_empty():
        return 0
    properties = [column for column in given.columns if column not in (*key, "as_of")]
    cleared = [c for c in _properties(connection, table, key) if c not in properties] if update == "Replace" else []
    columns = (*key, "as_of", *properties)
    statement = _statement(
        table, key, properties, cleared, {name: given.schema[name] for name in columns}, merge=update == "Merge"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [array(given[name]) for name in columns])
        return sum(new for (new,) in cursor.fetchall())


_SQL_TYPES: Final = {kind: name for name, kind in DTYPES.items()}


def _statement(
    table: str,
    key: Sequence[str],
    properties: Sequence[str],
    cleared: Sequence[str],
    types: Mapping[str, pl.DataType],
    *,
    merge: bool,
) -> sql.Composed:
    arrays = sql.SQL(", ").join(sql.SQL("%s::{}[]").format(sql.SQL(_SQL_TYPES[kind])) for kind in types.values())
    names = sql.SQL(", ").join(map(sql.Identifier, (*key, "as_of", *properties)))
    changes: list[sql.Composable] = [sql.SQL("as_of = greatest(t.as_of, EXCLUDED.as_of)")]
    newer = (
        "{c} = CASE WHEN EXCLUDED.as_of >= t.as_of THEN coalesce(EXCLUDED.{c}, t.{c}) ELSE coalesce(t.{c}, "
        "EXCLUDED.{c}) END"
    )
    for column in properties:
        changes.append(sql.SQL(newer if merge else "{c} = EXCLUDED.{c}").format(c=sql.Identifier(column)))
    changes += [sql.SQL("{c} = NULL").format(c=sql.Identifier(column)) for column in cleared]
    return sql.SQL(
        "INSERT INTO {table} AS t ({names}) SELECT * FROM unnest({arrays}) ON CONFLICT ({key}) DO UPDATE SET "
        "{changes} WHERE {differs} "
        "RETURNING (xmax = 0)::int"
    ).format(
        table=sql.Identifier(table),
        names=names,
        arrays=arrays,
        key=sql.SQL(", ").join(map(sql.Identifier, key)),
        changes=sql.SQL(", ").join(changes),
        differs=_differs(properties, merge=merge),
    )


def _differs(properties: Sequence[str], *, merge: bool) -> sql.Composable:
    """Returns the condition that a row changes anything. Cameras are in every chunk, and hardly ever change."""
    if not merge:
        return sql.SQL("true")
    tests: list[sql.Composable] = [sql.SQL("EXCLUDED.as_of > t.as_of")]
    tests += [
        sql.SQL("(EXCLUDED.{c} IS NOT NULL AND EXCLUDED.{c} IS DISTINCT FROM t.{c})").format(c=sql.Identifier(column))
        for column in properties
    ]
    return sql.SQL(" OR ").join(tests)


def _properties(connection: Connection, table: str, key: Sequence[str]) -> list[str]:
    found = rows(
        connection,
        "SELECT attname FROM pg_attribute WHERE attrelid = %(table)s::regclass AND attnum > 0 AND NOT attisdropped",
        {"table": table},
    )
    return [name for (name,) in found if name not in (*key, "as_of", "loaded_at")]
