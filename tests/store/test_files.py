"""What the ledger says of files: their books, and one state for each, however it is asked."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from ncric_core.files import find_files
from ncric_core.sources.feeds import feeds
from ncric_core.store.files import FileFilter, Sums, entries_named, find_entries, newest_arrival, sum_up
from ncric_core.vocabulary import FileState
from tests.conftest import FILE, HOUR, Store, read

IN_LEDGER = set(FileState) - {FileState.NEW, FileState.GONE}


WAITS = """
UPDATE loads SET done_at = NULL, loaded = 0, error = %s
WHERE agency_name LIKE %s AND file_id = (SELECT id FROM source_files WHERE key = %s)
"""


def load_two_feeds(store: Store) -> None:
    """Loads two files of BOSS4 (a read twice, three rejects) and one of SCSO."""
    store.put(FILE.format(1), [read(1), read(2), read(3, eventDate="2020-10-11"), read(4, LPREventID=...)])
    store.put(
        FILE.format(2), [read(1), read(5, agencyName="FREMONT POLICE DEPARTMENT"), read(6, eventDate="2020-10-11")]
    )
    store.run()
    store.put(FILE.format(1).replace("boss4", "scso"), [read(7)])
    store.run("scso")


@pytest.fixture
def filled(store: Store) -> Store:
    load_two_feeds(store)
    return store


@pytest.fixture
def of_every_state(store: Store) -> Store:
    """Makes twelve files. Their states are STATES; number 10 is new, and the last two are gone from the bucket."""
    for number in range(1, 13):
        names = ("ATHERTON POLICE DEPARTMENT", "FREMONT POLICE DEPARTMENT")
        reads = [read(10 * number + place, agencyName=name) for place, name in enumerate(names)]
        store.put(FILE.format(number), [] if number == 3 else reads)
    (store.folder / FILE.format(10)).rename(store.folder / "later")
    store.run()
    (store.folder / "later").rename(store.folder / FILE.format(10))
    for number, error, name in ((5, "broken", "%"), (6, "broken", "FREM%"), (6, None, "ATHE%"), (7, None, "FREM%")):
        store.execute(WAITS, (error, name, FILE.format(number)))
    for number in (4, 9, 12):
        store.execute("UPDATE source_files SET found = NULL WHERE key = %s", (FILE.format(number),))
    for number in (8, 9):
        store.execute("UPDATE source_files SET superseded = true WHERE key = %s", (FILE.format(number),))
    for number in (11, 12):
        (store.folder / FILE.format(number)).unlink()
    return store


STATES = {
    1: FileState.DONE,
    2: FileState.DONE,
    3: FileState.DONE,
    4: FileState.BEGUN,
    5: FileState.FAILED,
    6: FileState.FAILED,
    7: FileState.WAITING,
    8: FileState.REPLACED,
    9: FileState.REPLACED,
    11: FileState.DONE,
    12: FileState.BEGUN,
}
"""The states of the files of `of_every_state` that the ledger knows."""


def test_every_state_has_a_meaning_of_its_own() -> None:
    assert len({state.meaning for state in FileState} - {""}) == len(FileState)


def test_a_file_has_its_state(of_every_state: Store) -> None:
    with of_every_state.database.transaction() as connection:
        found = {number: entries_named(connection, FILE.format(number))[0].state for number in STATES}
    assert found == STATES
    assert set(STATES.values()) == IN_LEDGER


@pytest.mark.parametrize("state", FileState)
def test_a_filter_takes_the_files_of_its_state_and_no_others(of_every_state: Store, state: FileState) -> None:
    with of_every_state.database.transaction() as connection:
        entries = find_entries(connection, FileFilter(state=state), limit=100)
        assert sum_up(connection, FileFilter(state=state)).files == len(entries)
    assert {one.state for one in entries} <= {state}
    assert {one.file.key for one in entries} == {FILE.format(number) for number, one in STATES.items() if one == state}


def listed(store: Store, state: FileState | None = None) -> Iterator[tuple[str, FileState]]:
    with store.database.session() as connection:
        for one in find_files(feeds(store.settings).values(), connection, state=state):
            yield one.file.key, one.state


def test_the_command_line_adds_what_the_bucket_says(of_every_state: Store) -> None:
    known = {FILE.format(number): state for number, state in STATES.items() if number < 11}
    gone = dict.fromkeys((FILE.format(11), FILE.format(12)), FileState.GONE)
    assert dict(listed(of_every_state)) == known | gone | {FILE.format(10): FileState.NEW}
    for state in FileState:
        assert set(listed(of_every_state, state)) == {one for one in listed(of_every_state) if one[1] == state}


def test_versions_that_were_replaced_are_listed_when_asked_for(store: Store) -> None:
    key = store.put(FILE.format(1), [read(1)])
    store.run()
    store.put(key, [read(1), read(2)])
    store.run()
    assert list(listed(store)) == [(key, FileState.DONE)]
    assert list(listed(store, FileState.REPLACED)) == [(key, FileState.REPLACED)]
    with store.database.session() as connection:
        (old,) = find_files(feeds(store.settings).values(), connection, state=FileState.REPLACED)
    assert (old.found, old.loaded) == (1, 1)


def test_the_books_of_many_files_are_exact(filled: Store) -> None:
    filled.execute(WAITS, ("broken", "FREM%", FILE.format(2)))
    with filled.database.transaction() as connection:
        assert newest_arrival(connection) == datetime(2022, 10, 11, 8, 15, tzinfo=UTC)
        assert sum_up(connection, FileFilter()) == Sums(3, 8, 3, 0, 1, 3, 1, 0, 0)
        assert sum_up(connection, FileFilter(feed="SCSO")) == Sums(1, 1, 1, 0, 0, 0, 0, 0, 0)
        assert sum_up(connection, FileFilter(end=HOUR.start)) == Sums(0, 0, 0, 0, 0, 0, 0, 0, 0)
        assert sum_up(connection, FileFilter(start=HOUR.start, end=HOUR.end)).files == 3
        states = {state: sum_up(connection, FileFilter(state=state)).files for state in IN_LEDGER}
    assert states == {"done": 2, "waiting": 0, "begun": 0, "failed": 1, "replaced": 0}


def test_no_file_has_arrived_in_an_empty_store(store: Store) -> None:
    with store.database.transaction() as connection:
        assert newest_arrival(connection) is None
        assert sum_up(connection, FileFilter()) == Sums(0, 0, 0, 0, 0, 0, 0, 0, 0)
