"""Counts summed up by day equal the counts by hour at any moment, whatever changes meanwhile."""

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ncric_core.store.counts import sum_up_days
from ncric_core.store.database import Connection, rows
from tests.conftest import FILE, Store, read

START = datetime(2022, 11, 4, 7, tzinfo=UTC)  # midnight in Pacific time; the clocks go back on the 6th
EVER = date(2100, 1, 1)

hours = st.integers(0, 24 * 5)
changes = st.lists(st.tuples(hours, st.integers(1, 2), st.sampled_from("ab"), st.integers(-3, 5)), max_size=12)
windows = st.tuples(hours, hours, st.integers(0, 59))


def add(connection: Connection, made: list[tuple[int, int, str, int]]) -> None:
    """Adds reads of (hour, agency, camera) or subtracts them, as loads and moves do."""
    with connection, connection.cursor() as cursor:
        for hour, agency, camera, count in made:
            cursor.execute(
                """
                INSERT INTO read_counts AS c VALUES (%s, 'BOSS4', %s, %s, %s)
                ON CONFLICT (agency, datasource, camera_id, hour) DO UPDATE SET reads = c.reads + EXCLUDED.reads
                """,
                (agency, camera, START + timedelta(hours=hour), max(count, 0)),
            )
            if count < 0:
                cursor.execute(
                    "DELETE FROM read_counts WHERE agency = %s AND camera_id = %s AND hour = %s",
                    (agency, camera, START + timedelta(hours=hour)),
                )


def by_day(connection: Connection, source: str, since: datetime, until: datetime) -> list[tuple[Any, ...]]:
    query = f"""
        SELECT agency, camera_id, (at AT TIME ZONE 'America/Los_Angeles')::date, sum(reads), max(last_hour)
        FROM {source} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    """  # noqa: S608  # the sources are below
    with connection:
        return list(rows(connection, query, {"since": since, "until": until}))


HOURS = """(SELECT agency, camera_id, hour AS at, hour AS last_hour, reads FROM read_counts
            WHERE hour >= %(since)s AND hour < %(until)s AND reads > 0) AS hours"""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(changes, st.booleans()), min_size=1, max_size=4), asked=st.lists(windows, min_size=1))
def test_days_say_what_their_hours_say(store: Store, steps: list[Any], asked: list[tuple[int, int, int]]) -> None:
    store.execute("TRUNCATE read_counts, read_days, days_changed")
    with store.database.session() as connection:
        for made, summed_up in steps:
            add(connection, made)
            if summed_up:
                sum_up_days(connection, EVER)
            for first, last, minute in asked:
                window = START + timedelta(hours=first), START + timedelta(hours=last, minutes=minute)
                days = by_day(connection, "counts_between(%(since)s, %(until)s)", *window)
                assert days == by_day(connection, HOURS, *window)


def test_a_load_under_way_is_waited_for_and_in_the_sum(store: Store) -> None:
    with store.database.session() as loading, store.database.session() as summing:
        add(loading, [(1, 1, "a", 5)])
        loading.cursor().execute("UPDATE read_counts SET reads = reads + 1")  # not committed
        thread = threading.Thread(target=sum_up_days, args=(summing, EVER))
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
        loading.commit()
        thread.join(30)
    assert store.rows("SELECT day, reads FROM read_days") == [(date(2022, 11, 4), 6)]
    assert store.rows("SELECT count(*) FROM days_changed") == [(0,)]


def test_only_past_days_are_summed_up_and_loads_moves_and_the_books_know_them(store: Store) -> None:
    store.put(FILE.format(1), [read(1), read(2), read(3, eventDate="2022-10-09")])
    store.run()
    with store.database.session() as connection:
        assert sum_up_days(connection, date(2022, 10, 11)) == 1
        assert store.rows("SELECT day, reads FROM read_days") == [(date(2022, 10, 9), 1)]
        assert sum_up_days(connection, EVER) == 1
        assert sum_up_days(connection, EVER) == 0
    assert store.books().differences == []
    store.execute("UPDATE read_days SET reads = 7 WHERE day = '2022-10-09'")
    (wrong,) = store.books().differences
    assert (wrong.check, wrong.books, wrong.reads) == ("read counts by day = those by hour", 7, 1)
