"""Large tables are met by keys: no statement reads one whole, or a range of it, with or without statistics.

PostgreSQL counts the rows and the entries of indexes that it reads.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import polars as pl
import pytest

from ncric_core.deliveries import CLEAN
from ncric_core.store.changes import reads_moved
from ncric_core.store.plans import find_by_key
from ncric_core.store.reads import upsert_reads
from ncric_core.store.rejects import mark_replayed
from tests.conftest import FILE, Databases, Store, fresh_store, read
from tests.flows.running_up import until

FILLED: Final = 60_000  # rows in each large table
MOST: Final = 8_000  # rows and entries of indexes that an operation with some hundred keys may read in each of them
FILES: Final = 300

PARTITION: Final = "vehicle_records_20221010"
LEDGER: Final = ("source_files", "loads", "rejects")  # has statistics after its first minute
TABLES: Final = (PARTITION, "read_counts", *LEDGER)
MONDAY: Final = datetime(2022, 10, 10, tzinfo=UTC)

FILL: Final = (
    """
    INSERT INTO vehicle_records (id, event_time, agency, agency_name, plate, plate_normalized, camera_id, datasource)
    SELECT n || '_BOSS4', %(monday)s + n * interval '1.5 s', 1, 'Fill', 'P' || n, 'P' || n, n %% 1200, 'BOSS4'
    FROM generate_series(1, %(filled)s) n
    """,
    "INSERT INTO received_names VALUES ('BOSS4', 'Fill', 1, %(filled)s, %(monday)s, %(monday)s)",
    """
    INSERT INTO read_counts
    SELECT 1, 'BOSS4', n %% 1200, %(monday)s + n * interval '1 h', 1 FROM generate_series(1, %(filled)s) n
    """,
    """
    INSERT INTO source_files (datasource, key, version, size, last_modified, window_start, window_end, superseded)
    SELECT 'BOSS4', 'fill/' || n, '1', 1, now(), now(), now(), n %% 2 = 0 FROM generate_series(1, %(filled)s) n
    """,
    """
    INSERT INTO loads (file_id, agency_name, agency, found, loaded, done_at)
    SELECT id, 'Fill', 1, 1, 1, now() FROM source_files WHERE key LIKE 'fill/%%'
    """,
    """
    INSERT INTO rejects (file_id, position, reason, detail, received)
    SELECT id, 7, CASE WHEN id %% 2 = 0 THEN 'cut_off' ELSE 'too_old' END, '', '' FROM source_files
    """,
)

READ_SO_FAR: Final = """
SELECT t.relname, t.seq_tup_read + i.read
FROM pg_stat_user_tables t
CROSS JOIN LATERAL (SELECT sum(idx_tup_read) AS read FROM pg_stat_user_indexes i WHERE i.relid = t.relid) i
WHERE t.relname = ANY (%s)
"""
OTHERS: Final = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@pytest.fixture(scope="module", params=[False, True], ids=["without statistics", "with statistics"])
def large(
    request: pytest.FixtureRequest, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """A store with large tables that only grows, and stays large for all tests."""
    folder = tmp_path_factory.mktemp("large") / "bucket"
    folder.mkdir()
    for store in fresh_store(databases, folder):
        store.put(FILE.format(0), [read(0)])
        store.run()  # makes the partition
        for table in TABLES:
            store.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
        for statement in FILL:
            store.execute(statement, {"monday": MONDAY, "filled": FILLED})
        for table in TABLES if request.param else LEDGER:
            store.execute(f"ANALYZE {table}")
        yield store


def read_so_far(store: Store) -> dict[str, int]:
    store.database.close()
    until(lambda: store.rows(OTHERS) == [(0,)], 60)  # a session that has ended has told what it read
    return {table: int(rows) for table, rows in store.rows(READ_SO_FAR, (list(TABLES),))}


@contextmanager
def by_keys(store: Store, tables: Sequence[str] = TABLES) -> Iterator[None]:
    """Fails if what is done reads more of a table than its keys are worth."""
    before = read_so_far(store)
    yield
    after = read_so_far(store)
    assert {table: after[table] - before[table] for table in tables if after[table] - before[table] > MOST} == {}


def files(store: Store, first: int) -> None:
    """Puts files of two late reads each: one that is there already, and a new one, somewhere in the day before."""
    for number in range(first, first + FILES):
        time = MONDAY + number * timedelta(seconds=60)
        when = {"eventDate": f"{time:%Y-%m-%d}", "eventTime": f"{time:%H:%M:%S}"}
        there = read(number * 40, VehicleLicensePlateID=f"P{number * 40}", **when)
        store.put(FILE.format(number), [there, read(1_000_000 + number, **when)])


def test_a_run(large: Store) -> None:
    files(large, 1)
    with by_keys(large):
        outcome = large.run()
    assert (outcome.total.loaded, outcome.total.already_there) == (FILES, FILES)
    with by_keys(large):
        assert large.run().files_known == FILES + 1
    with by_keys(large):
        assert large.run(force=True).total.already_there == 2 * FILES + 1


def test_files_that_are_replaced(large: Store) -> None:
    files(large, 301)
    for path in large.folder.rglob("*.json"):
        os.utime(path, (1, 1))
    for number in range(301, 301 + FILES):
        whole = (large.folder / FILE.format(number)).read_text()
        large.put(FILE.format(number), whole[: whole.rindex('"VehicleLicensePlateID"')])
    assert large.run().rejects == {"cut_off": FILES}
    files(large, 301)
    with by_keys(large):
        assert large.run().total.loaded == FILES
    assert large.rows("SELECT count(*) FROM rejects WHERE replayed_at IS NOT NULL") == [(FILES,)]


def test_a_replay(large: Store) -> None:
    rejects = large.rows("SELECT file_id, position FROM rejects WHERE reason = 'too_old' LIMIT %s", (FILES,))
    reads = [
        dict.fromkeys(CLEAN.names()) | {"position": position, "agency_name": "Fill", "file_id": file_id}
        for file_id, position in rejects
    ]
    frame = pl.DataFrame(reads, schema={**CLEAN, "file_id": pl.Int64})
    with by_keys(large), large.database.transaction() as connection:
        assert mark_replayed(connection, "BOSS4", frame)[0].height == FILES


def test_a_flight(large: Store) -> None:
    there = pl.DataFrame(
        {
            "id": [f"{40 * n}_BOSS4" for n in range(1, FILES)],
            "event_time": [MONDAY + n * timedelta(seconds=60) for n in range(1, FILES)],
            "agency": pl.Series([1] * (FILES - 1), dtype=pl.Int32),
            "agency_name": "Fill",
            "datasource": "BOSS4",
            "camera_id": "84",
        }
    )
    with by_keys(large), large.database.transaction() as connection:
        assert upsert_reads(connection, there, "Merge") == {1: 0}


def test_a_move(large: Store) -> None:
    hours = [MONDAY + n * timedelta(hours=1) for n in range(1, FILES)]
    moved = pl.DataFrame(
        {"camera_id": [str(n) for n in range(1, FILES)], "hour": hours, "reads": 1, "first": hours, "last": hours}
    ).with_columns(pl.col("reads").cast(pl.Int64))
    with by_keys(large), large.database.transaction() as connection:
        find_by_key(connection)
        reads_moved(connection, moved, datasource="BOSS4", received="Fill", old=1, new=2)
    assert large.rows("SELECT sum(reads)::int FROM read_counts WHERE agency = 2") == [(FILES - 1,)]
    assert large.rows("SELECT count(*) FROM read_counts WHERE reads = 0") == [(0,)]
