"""Reads → vehicle_records: those that are not there yet, straight or by way of a temporary table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl
from psycopg2 import errors, sql

from ncric_core.store.copy import copy_csv, csv_of
from ncric_core.store.counts import Counts, counts_of
from ncric_core.store.database import Connection

READ_KEY: Final = ("id", "event_time")


@dataclass(frozen=True, slots=True)
class Ready:
    """What can be done with a chunk's reads before it is the database's turn.

    `reads` are without repeats; `late` and `prompt` are the two parts of them, and `csv` is `prompt` as COPY takes it.
    """

    reads: pl.DataFrame
    late: pl.DataFrame
    prompt: pl.DataFrame
    csv: bytes
    counts: Counts


def make_ready(reads: pl.DataFrame, late: pl.Series) -> Ready:
    """Prepares reads for `insert_reads`.

    Of reads that occur twice the first stays. `reads` are sorted by time and id, so equal ones stand side by side.
    """
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift() for name in READ_KEY)
    repeat = reads.select(repeat=same)["repeat"].fill_null(value=False)
    if repeat.any():
        reads, late = reads.filter(~repeat), late.filter(~repeat)
    prompt = reads.filter(~late) if late.any() else reads
    return Ready(reads, reads.filter(late), prompt, csv_of(prompt), counts_of(reads))


def insert_reads(connection: Connection, ready: Ready, *, staged: bool) -> pl.DataFrame:
    """Inserts the reads that are not there yet, and returns them.

    COPY straight into the table is twice as fast, but one duplicate undoes it. Late reads, which are sent again more
    often, are staged at once; the others only when the COPY meets a duplicate.
    """
    if staged:
        return _insert_staged(connection, ready.reads, ready.csv if ready.late.is_empty() else None)
    late = _insert_staged(connection, ready.late) if ready.late.height else ready.late
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT straight")
        try:
            copy_csv(connection, "vehicle_records", ready.prompt.columns, ready.csv)
            prompt = ready.prompt
        except errors.UniqueViolation:
            cursor.execute("ROLLBACK TO SAVEPOINT straight")
            prompt = _insert_staged(connection, ready.prompt, ready.csv)
    return pl.concat([late, prompt]) if late.height else prompt


_STAGE: Final = (
    "CREATE TEMP TABLE IF NOT EXISTS staged_reads (LIKE vehicle_records INCLUDING DEFAULTS) ON COMMIT DROP",
    "TRUNCATE staged_reads",
)

_TAKE_OUT_THERE: Final = """
DELETE FROM staged_reads s USING vehicle_records r
WHERE r.id = s.id AND r.event_time = s.event_time AND r.event_time BETWEEN %(first)s AND %(last)s
"""

_INSERT_STAGED: Final = """
INSERT INTO vehicle_records ({names}) SELECT {names} FROM staged_reads
ON CONFLICT (id, event_time) DO NOTHING
"""


def _insert_staged(connection: Connection, reads: pl.DataFrame, csv: bytes | None = None) -> pl.DataFrame:
    """Inserts the reads that are not there yet by way of a temporary table, and returns them.

    `csv` is the same reads as COPY takes them, if the caller has that.
    """
    insert = sql.SQL(_INSERT_STAGED).format(names=sql.SQL(", ").join(map(sql.Identifier, reads.columns)))
    with connection.cursor() as cursor:
        for statement in _STAGE:
            cursor.execute(statement)
        copy_csv(connection, "staged_reads", reads.columns, csv or csv_of(reads))
        cursor.execute(_TAKE_OUT_THERE, {"first": reads["event_time"][0], "last": reads["event_time"][-1]})
        if cursor.rowcount == reads.height:
            return reads.clear()
        missing = reads
        if cursor.rowcount:
            cursor.execute("SELECT id, event_time FROM staged_reads")
            missing = reads.join(_keys(cursor.fetchall(), reads), on=READ_KEY, how="semi", maintain_order="left")
        cursor.execute("SAVEPOINT staged")
        cursor.execute(insert)
        if cursor.rowcount == missing.height:
            return missing
        # another run has inserted some in between: which ones is worth the dearer statement only now
        cursor.execute("ROLLBACK TO SAVEPOINT staged")
        cursor.execute(insert + sql.SQL("RETURNING id, event_time"))
        return missing.join(_keys(cursor.fetchall(), reads), on=READ_KEY, how="semi", maintain_order="left")


def _keys(found: Sequence[tuple[object, ...]], reads: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(found, schema={key: reads.schema[key] for key in READ_KEY}, orient="row")
