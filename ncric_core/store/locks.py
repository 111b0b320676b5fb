"""Advisory locks of PostgreSQL: their numbers, and the only functions that take them.

A lock over several transactions is held by a transaction of its own, on a second connection: a lock of the session
would stay with whichever connection a pooler has given to the transaction that took it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum, unique
from typing import Final

from ncric_core.store.database import Connection, rows

_LOCK_TRANSACTION: Final = "SELECT pg_advisory_xact_lock(%(lock)s)"
_TRY_TRANSACTION: Final = "SELECT pg_try_advisory_xact_lock(%(lock)s)"

_HOLDING: Final = {"idle_in_transaction_session_timeout": "0"}
"""The transaction that holds a lock has nothing else to do."""


@unique
class Lock(IntEnum):
    """What only one process does at a time. A number that was ever in use is not given to another lock."""

    MAKE_PARTITIONS = 0x6E63_0001  # transaction: creating weekly partitions of vehicle_records
    MIGRATE = 0x6E63_0002  # transaction: applying migrations and the model of edm.yaml
    MAKE_AGENCIES = 0x6E63_0003  # transaction: creating agencies, their entity sets and views
    MOVE_READS = 0x6E63_0004  # over many transactions: moving reads to other agencies (restandardize)
    JUDGE_FRESHNESS = 0x6E63_0005  # transaction: beginning and ending the alarms of freshness
    TELL_ALARMS = 0x6E63_0006  # over many transactions: sending messages of alarms, which may take minutes


def lock_transaction(connection: Connection, lock: Lock) -> None:
    """Waits for a lock and holds it until the caller's transaction ends."""
    rows(connection, _LOCK_TRANSACTION, {"lock": lock})


@contextmanager
def session_lock(connection: Connection, lock: Lock) -> Iterator[None]:
    """Waits for a lock and holds it over the caller's transactions. PostgreSQL frees it if we are gone."""
    with connection.database.session(_HOLDING) as holder, holder:
        lock_transaction(holder, lock)
        yield


@contextmanager
def try_session_lock(connection: Connection, lock: Lock) -> Iterator[bool]:
    """Gives whether a lock was free; if it was, holds it over the caller's transactions."""
    with connection.database.session(_HOLDING) as holder, holder:
        yield bool(rows(holder, _TRY_TRANSACTION, {"lock": lock})[0][0])
