"""Advisory locks: each has its own number, one module takes them all, and they are freed."""

import threading
from pathlib import Path

import pytest

from ncric_core.store import locks
from ncric_core.store.database import rows
from ncric_core.store.locks import Lock, lock_transaction, session_lock, try_session_lock
from tests.conftest import Store

ROOT = Path(__file__).parents[2]
CODE = ("ncric_core", "flows", "console", "tests")


def test_each_lock_has_a_number_of_its_own() -> None:
    assert len({lock.value for lock in Lock.__members__.values()}) == len(Lock.__members__)


def test_no_other_module_takes_advisory_locks_itself() -> None:
    sources = [path for folder in CODE for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".sql"}]
    taking = {path for path in sources if "advisory_" in path.read_text()}
    assert taking == {Path(locks.__file__), Path(__file__)}


def test_a_lock_of_a_session_is_held_over_transactions_and_then_freed(store: Store) -> None:
    with store.database.session() as holder, store.database.session() as other:
        with session_lock(holder, Lock.MOVE_READS):
            with holder:
                pass
            with try_session_lock(other, Lock.MOVE_READS) as free:
                assert not free
            with try_session_lock(other, Lock.TELL_ALARMS) as free:
                assert free
        for _ in range(2):
            with try_session_lock(other, Lock.MOVE_READS) as free:
                assert free


def test_a_lock_is_freed_when_its_holder_fails_or_is_gone(store: Store) -> None:
    with store.database.session() as other:
        with other:
            rows(other, "SELECT set_config('lock_timeout', '20s', false)")  # the test fails rather than hangs
        with (
            store.database.session() as holder,
            pytest.raises(ZeroDivisionError),
            session_lock(holder, Lock.MOVE_READS),
        ):
            raise ZeroDivisionError
        with store.database.session() as holder, session_lock(holder, Lock.MOVE_READS):
            holder.close()
        with session_lock(other, Lock.MOVE_READS):
            pass


def test_a_lock_of_a_transaction_keeps_others_waiting_until_it_ends(store: Store) -> None:
    order: list[str] = []

    def second() -> None:
        with store.database.transaction() as connection:
            lock_transaction(connection, Lock.JUDGE_FRESHNESS)
            order.append("second")

    waiting = threading.Thread(target=second)
    with store.database.transaction() as connection:
        lock_transaction(connection, Lock.JUDGE_FRESHNESS)
        waiting.start()
        waiting.join(0.3)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]
