"""Alarms in the store: each is raised once and ended once, and one cause gives one alarm."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from ncric_core.alarms.freshness import AlarmChange, judge
from ncric_core.store.alarms import Alarm, end_alarm, latest_alarms, open_alarms, raise_alarm
from tests.conftest import Store

pytestmark = pytest.mark.slow  # weeks of counts for each test

NOW = datetime(2022, 10, 11, 20, 20, tzinfo=UTC)  # 13:20 in California; hours up to 18:00 are judged
END = datetime(2022, 10, 11, 18, tzinfo=UTC)
CAMERAS = 10

FILL = """
INSERT INTO read_counts (agency, datasource, camera_id, hour, reads)
SELECT a.id, f.datasource, f.datasource || a.id || '-' || n, h, %(reads)s
FROM (SELECT id FROM agencies WHERE NOT unmapped ORDER BY id LIMIT 3) a,
     unnest(%(feeds)s::text[]) AS f (datasource),
     generate_series(1, %(cameras)s) n,
     generate_series(%(start)s::timestamptz, %(end)s::timestamptz - interval '1 hour', interval '1 hour') h
"""

KEEP_HOURS = """
DELETE FROM read_counts
WHERE camera_id LIKE %s AND extract(hour FROM hour AT TIME ZONE 'America/Los_Angeles') NOT BETWEEN %s AND %s
"""


def fill(store: Store, *, weeks: int = 8, until: datetime = NOW, feeds: tuple[str, ...] = ("BOSS4", "SCSO")) -> None:
    """Fills in weeks of 20 reads an hour from each of 10 cameras of 3 agencies."""
    given = {
        "reads": 20,
        "feeds": [*feeds],
        "cameras": CAMERAS,
        "end": until,
        "start": END - timedelta(weeks=weeks, days=3),
    }
    store.execute(FILL, given)


def silence(store: Store, camera: str, start: datetime, end: datetime) -> None:
    """Removes the reads of cameras whose id is like this."""
    store.execute("DELETE FROM read_counts WHERE camera_id LIKE %s AND hour >= %s AND hour < %s", (camera, start, end))


def ago(hours: float) -> datetime:
    return END - timedelta(hours=hours)


def later(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


def judged(store: Store, at: datetime = NOW) -> list[AlarmChange]:
    with store.database.session() as connection:
        return judge(connection, store.settings, at)


def lasting(store: Store) -> list[Alarm]:
    with store.database.transaction() as connection:
        return open_alarms(connection)


def first_agency(store: Store) -> int:
    return int(store.rows("SELECT id FROM agencies WHERE NOT unmapped ORDER BY id LIMIT 1")[0][0])


def test_nothing_is_said_of_feeds_that_come_as_usual(store: Store) -> None:
    fill(store)
    assert judged(store) == []


def test_nothing_is_said_of_an_empty_store(store: Store) -> None:
    assert judged(store) == []


def test_silent_camera_is_one_alarm_that_ends_when_it_is_back(store: Store) -> None:
    agency = first_agency(store)
    fill(store, until=later(12))
    camera = f"BOSS4{agency}-3"
    silence(store, camera, ago(5), END)
    [change] = judged(store)
    alarm = change.alarm
    assert change.began
    assert (alarm.kind, alarm.scope, alarm.subject) == ("silent", "camera", f"BOSS4/{agency}/{camera}")
    assert (alarm.datasource, alarm.agency, alarm.camera_id, alarm.seen) == ("BOSS4", agency, camera, 0)
    assert f"camera {camera} of " in alarm.message
    assert "no reads in the 4 hours to Tue 2022-10-11 11:00 PDT, where 80 are usual" in alarm.message
    assert judged(store) == []  # judged twice

    assert judged(store, later(1)) == []  # one good hour of three does not end it
    [over] = judged(store, later(2))
    assert (over.began, over.alarm.id, over.alarm.ended_at) == (False, alarm.id, later(2))
    assert judged(store, later(2)) == []
    assert lasting(store) == []


def test_a_look_that_is_made_up_for_after_a_later_one_changes_nothing(store: Store) -> None:
    fill(store, until=later(12))
    silence(store, f"BOSS4{first_agency(store)}-3", ago(5), END)
    before = NOW - timedelta(hours=5)  # the camera still sent reads in the hours that are judged as of then
    assert judged(store, before) == []
    [change] = judged(store)
    assert judged(store, before) == []
    assert lasting(store) == [change.alarm]
    [over] = judged(store, later(2))
    assert judged(store, NOW) == []
    assert (over.began, lasting(store)) == (False, [])


def test_silent_feed_is_one_alarm_and_none_for_its_cameras_even_when_it_is_back(store: Store) -> None:
    fill(store, until=later(60))
    silence(store, "BOSS4%", ago(1), ago(-30))
    alarms = [change.alarm.subject for hour in range(60) for change in judged(store, later(hour)) if change.began]
    assert alarms == ["BOSS4"]
    assert lasting(store) == []


def test_low_cameras_of_a_feed_that_comes_back_unjudged_are_not_alarmed(store: Store) -> None:
    fill(store)
    store.execute("UPDATE read_counts SET reads = 1 WHERE camera_id LIKE '%-7'")
    silence(store, "BOSS4%", ago(32), ago(2))  # nobody judged while the feed was away
    assert judged(store) == []


def test_silent_agency_is_one_alarm_and_the_other_feed_of_it_none(store: Store) -> None:
    agency = first_agency(store)
    fill(store)
    silence(store, f"SCSO{agency}-%", ago(4), END)
    [change] = judged(store)
    assert (change.alarm.scope, change.alarm.subject) == ("agency", f"SCSO/{agency}")
    assert "(SCSO): no reads in the 4 hours" in change.alarm.message


def test_sharp_drop_is_an_alarm_and_a_smaller_one_none(store: Store) -> None:
    fill(store)
    store.execute("UPDATE read_counts SET reads = 3 WHERE datasource = 'BOSS4' AND hour >= %s", (ago(4),))
    store.execute("UPDATE read_counts SET reads = 8 WHERE datasource = 'SCSO' AND hour >= %s", (ago(4),))
    [change] = judged(store)
    assert (change.alarm.kind, change.alarm.subject, change.alarm.seen) == ("drop", "BOSS4", 360)
    assert "feed BOSS4: only 360 reads in the 4 hours to " in change.alarm.message


def test_a_drop_that_becomes_silence_is_the_same_alarm(store: Store) -> None:
    agency = first_agency(store)
    fill(store, until=later(12))
    camera = f"BOSS4{agency}-3"
    few = "UPDATE read_counts SET reads = 2 WHERE camera_id = %s AND hour >= %s AND hour < %s"
    store.execute(few, (camera, ago(5), END))
    [change] = judged(store)
    assert change.alarm.kind == "drop"
    silence(store, camera, END, later(12))
    assert judged(store, later(5)) == []  # nobody is told again
    [alarm] = lasting(store)
    assert (alarm.id, alarm.kind, alarm.seen, alarm.began_at) == (change.alarm.id, "silent", 0, change.alarm.began_at)
    assert f"camera {camera} of " in alarm.message
    assert "no reads in the 4 hours to Tue 2022-10-11 16:00 PDT" in alarm.message
    assert judged(store, later(6)) == []
    assert lasting(store) == [alarm]


def test_outages_of_the_past_do_not_spoil_the_habit(store: Store) -> None:
    fill(store)
    for week in (1, 3, 4, 6):  # half of all weeks
        silence(store, "BOSS4%", END - timedelta(weeks=week, hours=60), END - timedelta(weeks=week))
    silence(store, "BOSS4%-3", END - timedelta(weeks=2, days=3), END - timedelta(weeks=2))
    assert judged(store) == []
    silence(store, "BOSS4%", ago(3), END)
    assert [change.alarm.message.partition(" to ")[0] for change in judged(store)] == [
        "feed BOSS4: no reads in the 3 hours"
    ]


def test_low_volume_camera_is_not_alarming_at_night_and_is_after_a_day(store: Store) -> None:
    fill(store, until=later(48))
    # Four reads an hour from 7 to 19 Pacific, none at night.
    store.execute(KEEP_HOURS, ("BOSS4%-3", 7, 18))
    store.execute("UPDATE read_counts SET reads = 4 WHERE camera_id LIKE 'BOSS4%-3'")
    night = [change for hour in range(8, 20) for change in judged(store, later(hour))]
    assert night == []
    agency = first_agency(store)
    silence(store, f"BOSS4{agency}-3", ago(-8), ago(-48))
    alarms = [(hour, change.alarm.scope) for hour in range(8, 40) for change in judged(store, later(hour))]
    assert alarms == [(24, "camera")]  # 16 reads were due by 11 in the morning


def test_a_camera_that_is_quiet_in_many_weeks_has_no_habit_to_be_held_to(store: Store) -> None:
    agency = first_agency(store)
    fill(store)
    for week in (2, 5, 7):
        silence(store, f"BOSS4{agency}-3", END - timedelta(weeks=week, hours=60), END - timedelta(weeks=week))
    silence(store, f"BOSS4{agency}-3", ago(48), END)
    assert judged(store) == []


def test_nothing_is_judged_before_enough_weeks_are_known(store: Store) -> None:
    fill(store, weeks=1)
    silence(store, "%", ago(10), END)
    assert judged(store) == []
    impatient = store.with_settings(freshness_min_weeks=1)
    assert {change.alarm.subject for change in judged(impatient)} == {"BOSS4", "SCSO"}


def test_reads_that_are_on_their_way_are_not_missed(store: Store) -> None:
    """Flock's reads arrive a day later than others."""
    fill(store, until=END, feeds=("BOSS4", "FLOCK"))
    silence(store, "FLOCK%", ago(33), END)
    assert judged(store) == []
    assert [change.alarm.subject for change in judged(store, later(2))] == ["BOSS4", "FLOCK"]


def test_a_camera_taken_down_for_good_is_alarmed_until_its_habit_has_gone(store: Store) -> None:
    agency = first_agency(store)
    fill(store, until=later(24 * 70))
    silence(store, f"BOSS4{agency}-3", ago(5), later(24 * 70))
    weekly = [(week, change.began) for week in range(9) for change in judged(store, later(week * 168))]
    assert weekly == [(0, True), (6, False)]


@pytest.mark.parametrize("end", [datetime(2022, 11, 7, 20, tzinfo=UTC), datetime(2023, 3, 13, 19, tzinfo=UTC)])
def test_a_change_of_clocks_is_no_drop(store: Store, end: datetime) -> None:
    """The camera reads from 7 to 9 Pacific only, as at a gate. Compared with an hour off, it would look silent."""
    given = {"reads": 100, "feeds": ["BOSS4"], "cameras": 2, "end": end, "start": end - timedelta(weeks=9)}
    store.execute(FILL, given)
    store.execute(KEEP_HOURS, ("%", 7, 9))
    assert [judged(store, end - timedelta(hours=hour)) for hour in range(24, -1, -1)] == [[]] * 25


def test_two_who_judge_at_once_raise_one_alarm(store: Store) -> None:
    fill(store)
    silence(store, "BOSS4%", ago(4), END)
    with ThreadPoolExecutor(4) as pool:
        changes = [change for done in pool.map(lambda _: judged(store), range(4)) for change in done]
    assert len(changes) == len(lasting(store)) == 1


def test_others_raise_and_end_alarms_the_same_way(store: Store) -> None:
    def within(act: Callable[..., Alarm | None], *given: str, at: datetime = NOW) -> Alarm | None:
        with store.database.transaction() as connection:
            return act(connection, *given, at=at)

    failed = ("run_failed", "deployment", "boss4-hourly")
    first = within(raise_alarm, *failed, "boss4-hourly failed: no bucket")
    assert first is not None
    assert within(raise_alarm, *failed, "boss4-hourly failed: again") is None
    assert within(raise_alarm, "overdue", *failed[1:], "boss4-hourly takes long") is not None
    assert judged(store) == []  # freshness does not end alarms of other kinds
    over = within(end_alarm, *failed, at=later(1))
    assert over is not None
    assert (over.id, over.ended_at) == (first.id, later(1))
    assert within(end_alarm, *failed) is None
    assert within(raise_alarm, *failed, "boss4-hourly failed", at=later(2)) is not None
    with store.database.transaction() as connection:
        assert [alarm.kind for alarm in latest_alarms(connection, limit=9)] == ["run_failed", "overdue", "run_failed"]
