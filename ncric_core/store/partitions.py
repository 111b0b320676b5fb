"""Makes the weekly partitions of vehicle_records when reads need them, for any date."""

from datetime import timedelta
from typing import Final

import polars as pl
from psycopg2 import sql

from ncric_core.store.database import Connection, rows
from ncric_core.store.locks import Lock, lock_transaction

_EXISTING: Final = """
SELECT c.relname
FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'vehicle_records'::regclass
"""


def ensure_partitions(connection: Connection, times: pl.Series) -> None:
    """Makes the missing partitions for these times (Datetime UTC), in a transaction of its own. Weeks begin on Monday.

    Each partition is made beside the parent and then attached, which does not wait for loads in progress.
    """
    weeks = times.dt.truncate("1w").drop_nulls().unique()
    wanted = {f"vehicle_records_{week:%Y%m%d}": week for week in weeks}
    with connection, connection.cursor() as cursor:
        missing = wanted.keys() - {name for (name,) in rows(connection, _EXISTING)}
        if not missing:
            return
        lock_transaction(connection, Lock.MAKE_PARTITIONS)
        for name in sorted(missing - {made for (made,) in rows(connection, _EXISTING)}):
            table, week = sql.Identifier(name), wanted[name]
            cursor.execute(
                sql.SQL("CREATE TABLE {} (LIKE vehicle_records INCLUDING DEFAULTS INCLUDING CONSTRAINTS)").format(table)
            )
            cursor.execute(
                sql.SQL("ALTER TABLE vehicle_records ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
                    table, sql.Literal(week), sql.Literal(week + timedelta(days=7))
                )
            )
