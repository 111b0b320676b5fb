"""Advisory locks of PostgreSQL: their numbers, and the only functions that take them."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum, unique
from typing import Final

from ncric_core.store.database import Connection, rows

_LOCK_TRANSACTION: Final = "SELECT pg_advisory_xact_lock(%(lock)s)"
_LOCK_SESSION: Final = "SELECT pg_advisory_lock(%(lock)s)"
_TRY_SESSION: Final = "SELECT pg_try_advisory_lock(%(lock)s)"
_UNLOCK_SESSION: Final = "SELECT pg_advisory_unlock(%(lock)s)"


@unique
class Lock(IntEnum):
    """What only one process does at a time. A number that was ever in use is not given to another lock."""

    MAKE_PARTITIONS = 0x6E63_0001  # transaction: creating weekly partitions of vehicle_records
    MIGRATE = 0x6E63_0002  # transaction: applying migrations and the model of edm.yaml
    MAKE_AGENCIES = 0x6E63_0003  # transaction: creating agencies, their entity sets and views
    MOVE_READS = 0x6E63_0004  # session, over many transactions: moving reads to other agencies (restandardize)
    JUDGE_FRESHNESS = 0x6E63_0005  # transaction: beginning and ending the alarms of freshness
    TELL_ALARMS = 0x6E63_0006  # session: sending messages of alarms, which may take minutes


def lock_transaction(connection: Connection, lock: Lock) -> None:
    """Waits for a lock and holds it until the caller's transaction ends."""
    rows(connection, _LOCK_TRANSACTION, {"lock": lock})


@contextmanager
def session_lock(connection: Connection, lock: Lock) -> Iterator[None]:
    """Waits for a lock and holds it over the caller's transactions. If the connection is lost, PostgreSQL frees it."""
    with connection:
        rows(connection, _LOCK_SESSION, {"lock": lock})
    try:
        yield
    finally:
        _unlock_session(connection, lock)


@contextmanager
def try_session_lock(connection: Connection, lock: Lock) -> Iterator[bool]:
    """Gives whether a lock was free; if it was, holds it over the caller's transactions."""
    with connection:
        taken = bool(rows(connection, _TRY_SESSION, {"lock": lock})[0][0])
    try:
        yield taken
    finally:
        if taken:
            _unlock_session(connection, lock)


def _unlock_session(connection: Connection, lock: Lock) -> None:
    if not connection.closed:
        with connection:
            rows(connection, _UNLOCK_SESSION, {"lock": lock})
