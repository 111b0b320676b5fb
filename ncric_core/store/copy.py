"""Frames → COPY: the fastest way into a table, and exact for every value."""

import io
from collections.abc import Sequence
from typing import Final

import polars as pl
from psycopg2 import errors, sql

from ncric_core.store.database import Connection

_BUFFER: Final = 1 << 20  # bytes


def copy_reads(connection: Connection, table: str, reads: pl.DataFrame) -> None:
    """COPY of reads into vehicle_records or a table of its columns, in the caller's transaction."""
    copy_csv(connection, table, reads.columns, csv_of(reads))


def csv_of(frame: pl.DataFrame) -> bytes:
    """Rows as COPY takes them; times are UTC."""
    buffer = io.BytesIO()
    frame.write_csv(buffer, include_header=False, datetime_format="%Y-%m-%d %H:%M:%S%.6f+00", quote_style="necessary")
    return buffer.getvalue()


def copy_csv(connection: Connection, table: str, columns: Sequence[str], csv: bytes) -> None:
    """COPY of rows that are CSV already."""
    command = sql.SQL("COPY {table} ({names}) FROM STDIN (FORMAT csv)").format(
        table=sql.Identifier(table), names=sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor:
        cursor.copy_expert(command, io.BytesIO(csv), size=_BUFFER)


def copy_new(connection: Connection, table: str, columns: Sequence[str], csv: bytes) -> bool:
    """COPYs rows that are CSV already. Returns False, with nothing written, if the table has one of them.

    Twice as fast as INSERT … ON CONFLICT.
    """
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT new")
        try:
            copy_csv(connection, table, columns, csv)
        except errors.UniqueViolation:
            cursor.execute("ROLLBACK TO SAVEPOINT new")
            return False
    return True
