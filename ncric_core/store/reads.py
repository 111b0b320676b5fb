"""Reads that come from a table by a flight, not from a feed's file: they may change reads that are there."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import polars as pl
from psycopg2 import sql

from ncric_core.flight.model import READS_TABLE, UpdateType
from ncric_core.store.changes import reads_changed
from ncric_core.store.copy import copy_reads
from ncric_core.store.counts import COUNTED
from ncric_core.store.database import Connection, columns_of
from ncric_core.store.insert import READ_KEY
from ncric_core.store.plans import find_by_key

FIXED: Final = frozenset({*READ_KEY, "agency", "agency_key", "agency_name", "datasource", "file_id", "loaded_at"})
"""Columns that no flight changes in a read that is there: whose it is, and where it came from."""

_STAGE: Final = (
    "CREATE TEMP TABLE IF NOT EXISTS given_reads (LIKE vehicle_records INCLUDING DEFAULTS) ON COMMIT DROP",
    "TRUNCATE given_reads",
)

_BEFORE: Final = """
SELECT r.agency, r.datasource, r.camera_id, r.agency_name, r.agency_key, r.event_time
FROM vehicle_records r
JOIN given_reads g ON g.id = r.id AND g.event_time = r.event_time
ORDER BY r.event_time, r.id
FOR UPDATE OF r
"""


def upsert_reads(connection: Connection, given: pl.DataFrame, update: UpdateType) -> dict[int, int]:
    """Merges reads into vehicle_records and keeps the counts, in the caller's transaction. Returns how many reads are
    new, by agency.

    `given` has id, event_time, agency (Int32), datasource, agency_name and other columns of vehicle_records. If a key
    occurs twice, the later row counts. See `entities.upsert` for the kinds of update.
    """
    properties = [column for column in given.columns if column not in READ_KEY]
    last = [pl.col(c).drop_nulls().last() if update == "Merge" else pl.col(c).last() for c in properties]
    folded = given.group_by(READ_KEY, maintain_order=True).agg(last).sort("event_time", "id")
    find_by_key(connection)
    with connection.cursor() as cursor:
        for statement in _STAGE:
            cursor.execute(statement)
        copy_reads(connection, "given_reads", folded)
        cursor.execute(_BEFORE)
        before = _counted(cursor.fetchall())
        cursor.execute(_statement(connection, folded.columns, update))
        after = _counted(cursor.fetchall())
    reads_changed(connection, before, after)
    held = Counter(before["agency"])
    return {agency: count - held[agency] for agency, count in Counter(after["agency"]).items()}


def _counted(found: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(found, schema=COUNTED, orient="row")


def _statement(connection: Connection, columns: Sequence[str], update: UpdateType) -> sql.Composed:
    form = "{c} = coalesce(EXCLUDED.{c}, t.{c})" if update == "Merge" else "{c} = EXCLUDED.{c}"
    changes: list[sql.Composable] = [
        sql.SQL(form).format(c=sql.Identifier(column)) for column in columns if column not in FIXED
    ]
    if update == "Replace":
        cleared = [name for name in columns_of(connection, READS_TABLE) if name not in FIXED and name not in columns]
        changes += [sql.SQL("{c} = NULL").format(c=sql.Identifier(column)) for column in cleared]
    changes = changes or [sql.SQL("id = EXCLUDED.id")]
    return sql.SQL(
        "INSERT INTO vehicle_records AS t ({names}) SELECT {names} FROM given_reads ORDER BY event_time, id "
        "ON CONFLICT (id, event_time) DO UPDATE SET {changes} RETURNING {counted}"
    ).format(
        counted=sql.SQL(", ").join(map(sql.Identifier, COUNTED)),
        names=sql.SQL(", ").join(map(sql.Identifier, columns)),
        changes=sql.SQL(", ").join(changes),
    )
