"""Loading a chunk beside others that want the same rows: what PostgreSQL gives up is loaded all the same, and once."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg2 import sql
from tenacity import stop_after_attempt

from ncric_core.pipeline.outcome import Outcome
from ncric_core.store import load
from ncric_core.store.database import Connection, rows
from ncric_core.store.load import load_chunk
from ncric_core.windows import Window
from tests.conftest import FILE, HOUR, Store, read
from tests.flows.running_up import until

SEVEN, EIGHT = datetime(2022, 10, 11, 7, tzinfo=UTC), datetime(2022, 10, 11, 8, tzinfo=UTC)
LOCK_HOUR = "SELECT FROM read_counts WHERE hour = %s FOR UPDATE"
LOCK_AGENCIES = "SELECT FROM agencies ORDER BY id FOR UPDATE"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
COUNTS = "SELECT hour, sum(reads)::int FROM read_counts GROUP BY hour ORDER BY hour"
ONCE = [(SEVEN, 2), (EIGHT, 2)]
"""The counts when both files are loaded, once each."""


@pytest.fixture
def counted(store: Store) -> Store:
    """Reads of two hours are loaded, and a file with one more of each is there."""
    store.put(FILE.format(1), [read(1, eventTime="07:00:00"), read(2)])
    store.run()
    store.put(FILE.format(2), [read(3, eventTime="07:30:00"), read(4)])
    return store


@contextmanager
def run_aside(store: Store, window: Window = HOUR) -> Iterator[Future[Outcome]]:
    with ThreadPoolExecutor(1) as aside:
        yield aside.submit(store.run, window=window)


def wait_for_waiting(store: Store, sessions: int) -> None:
    """Waits until so many sessions wait for a lock."""
    until(lambda: store.rows(WAITING) == [(sessions,)], 60)


def lock(connection: Connection, hour: datetime) -> None:
    """Has the counts of an hour wait for the end of this transaction."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK_HOUR, (hour,))


@pytest.fixture
def given_up(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names the errors with which PostgreSQL has given up a chunk."""
    names: list[str] = []
    attempt = load._load

    def noting(*given: Any, **named: Any) -> Any:
        try:
            return attempt(*given, **named)
        except load.GIVEN_UP as error:
            names.append(type(error).__name__)
            raise

    monkeypatch.setattr(load, "_load", noting)
    return names


def test_a_load_that_a_deadlock_ends_is_tried_again_and_loaded_once(counted: Store, given_up: list[str]) -> None:
    with (
        counted.database.session() as first,
        counted.database.session() as other,
        ThreadPoolExecutor(1) as aside,
        run_aside(counted) as outcome,
    ):
        with other, other.cursor() as cursor:
            cursor.execute("SET deadlock_timeout = '10min'")  # so that the load is the one to be ended
            lock(other, EIGHT)
            lock(first, SEVEN)
            wait_for_waiting(counted, 1)  # the load, which has locked its agency and comes to the counts of seven
            theirs = aside.submit(rows, other, LOCK_AGENCIES)
            wait_for_waiting(counted, 2)
            first.rollback()  # the load goes on to the counts of eight: now each waits for the other
            theirs.result(60)
        assert outcome.result(60).failed_agencies == {}
    assert given_up == ["DeadlockDetected"]
    assert outcome.result().total.loaded == 2
    assert counted.rows(COUNTS) == ONCE
    assert counted.books().differences == []


NEXT_HOUR = Window(HOUR.end, HOUR.end + timedelta(hours=1))
SENT_AGAIN = "boss4/READS_y_2022-10-11_09-10-00_2022-10-11_09-15-00_2.json"
"""A file of the next hour."""


def test_a_read_that_another_run_inserts_meanwhile_is_already_there(counted: Store) -> None:
    """Both wait: the first for its counts, with the read inserted; the second, of another agency, for that read."""
    late = {"eventTime": "07:00:00"}  # so long before its file that it may well be in the store: it is staged
    counted.put(FILE.format(2), [read(3, **late)])
    others = {"agencyName": "Fremont PD", "agencyOriNumber": "CA0010100", "LPRCameraID": "99"}
    counted.put(SENT_AGAIN, [read(3, **late, **others), read(4, **late, **others)])
    with counted.database.session() as connection, run_aside(counted) as first:
        lock(connection, SEVEN)
        wait_for_waiting(counted, 1)
        with run_aside(counted, NEXT_HOUR) as second:
            wait_for_waiting(counted, 2)
            connection.rollback()
            sent, again = first.result(60).total, second.result(60).total
    assert (sent.loaded, sent.already_there, again.loaded, again.already_there) == (1, 0, 1, 1)
    assert counted.rows(COUNTS) == [(SEVEN, 3), (EIGHT, 1)]
    assert counted.books().differences == []


@pytest.fixture
def serialized(counted: Store) -> Store:
    """A database whose transactions see the state of their begin only."""
    name = sql.Identifier(counted.rows("SELECT current_database()")[0][0])
    change = sql.SQL("ALTER DATABASE {} SET default_transaction_isolation = 'repeatable read'").format(name)
    with counted.database.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(change)
    return counted


def run_beside_a_change(store: Store) -> Outcome:
    """A run whose counts another transaction changes after it began."""
    with store.database.session() as other, run_aside(store) as outcome:
        with other, other.cursor() as cursor:
            cursor.execute("UPDATE read_counts SET reads = reads")
            wait_for_waiting(store, 1)
        return outcome.result(60)


def test_a_load_that_cannot_be_serialized_is_tried_again_and_loaded_once(
    serialized: Store, given_up: list[str]
) -> None:
    outcome = run_beside_a_change(serialized)
    assert given_up == ["SerializationFailure"]
    assert outcome.failed_agencies == {}
    assert outcome.total.loaded == 2
    assert serialized.rows(COUNTS) == ONCE
    assert serialized.books().differences == []


def test_a_load_given_up_for_good_is_its_agency_s_failure_and_the_next_run_loads_it(
    serialized: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(load_chunk.retry, "stop", stop_after_attempt(1))
        outcome = run_beside_a_change(serialized)
    assert list(outcome.failed_agencies) == ["ATHERTON POLICE DEPARTMENT"]
    assert "could not serialize access" in outcome.failed_agencies["ATHERTON POLICE DEPARTMENT"]
    assert outcome.total.loaded == 0
    books = serialized.books()
    assert (books.waiting, books.differences) == (2, [])

    assert serialized.run().total.loaded == 2
    assert serialized.rows(COUNTS) == ONCE
    assert serialized.books().differences == []
