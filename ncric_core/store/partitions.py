"""Makes the weekly partitions of vehicle_records when reads need them, for any date."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from psycopg2 import sql

from ncric_core.store.database import Connection, rows
from ncric_core.store.locks import Lock, lock_transaction

_EXISTING: Final = """
SELECT c.relname
FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'vehicle_records'::regclass
"""


def week_of(moment: datetime) -> datetime:
    """Returns the Monday 00:00 UTC on or before a time."""
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def ensure_partitions(connection: Connection, weeks: Iterable[datetime]) -> None:
    """Makes the missing partitions of these weeks (Mondays, UTC), in a transaction of its own.

    Each partition is made beside the parent and then attached, which does not wait for loads in progress.
    """
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
