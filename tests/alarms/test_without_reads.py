"""A file with content that gave no read: the run says so, and its feed has one alarm until another version comes."""

from datetime import UTC, datetime, timedelta

from ncric_core.alarms.without_reads import judge_files
from ncric_core.store.alarms import latest_alarms
from tests.conftest import FILE, Store, read


def messages(store: Store, now: datetime) -> list[tuple[str, str]]:
    with store.database.session() as connection:
        judge_files(connection, now)
        judge_files(connection, now)
        return [(alarm.message, alarm.event) for alarm in latest_alarms(connection, limit=9)]


def test_a_feed_with_files_that_gave_no_read_has_one_alarm(store: Store) -> None:
    store.put(FILE.format(1), [read(1)])
    store.put(FILE.format(2), b"[]")
    for number in (3, 4):
        store.put(FILE.format(number), b"\x00\x01 packed in a way that nobody knows")
    outcome = store.run()
    assert outcome.files_without_reads == [FILE.format(3), FILE.format(4)]
    now = datetime.now(UTC) + timedelta(minutes=1)
    said = f"feed BOSS4: 2 files read in the last day gave no read at all; the latest is {FILE.format(3)}"
    assert messages(store, now) == [(said, "begin")]

    for number in (3, 4):
        store.put(FILE.format(number), [read(number)])
    assert store.run().files_without_reads == []
    assert messages(store, now + timedelta(minutes=1)) == [(said, "end")]


def test_the_alarm_ends_after_a_day(store: Store) -> None:
    store.put(FILE.format(1), b"<html><body>503 Service Unavailable</body></html>")
    store.run()
    now = datetime.now(UTC) + timedelta(minutes=1)
    assert [event for _, event in messages(store, now)] == ["begin"]
    assert [event for _, event in messages(store, now + timedelta(days=1))] == ["end"]
