"""A camera of the simulated feeds goes silent after weeks of habit and comes back: one alarm, and its end."""

from datetime import UTC, datetime, timedelta

import pytest

from ncric_core.alarms.freshness import AlarmChange, judge
from ncric_core.simulate.feed import Clock, feed
from tests.conftest import Store

BEGUN = datetime(2022, 10, 11, 0, 0, tzinfo=UTC)
CAMERA = "7"  # one of Fremont's, the busiest
READS = 6000  # a day: 20 or so of this camera


def arrive(store: Store, start: datetime, end: datetime, silent_from: dict[str, datetime]) -> None:
    """Puts the files of these hours into the bucket and loads them, without waiting in real time."""
    clock = Clock(start, start, real_time=lambda: end + timedelta(days=365), sleep=lambda _: None)
    for _ in feed(store.folder, clock, reads=READS, seed=1, silent_from=silent_from, end=end):
        pass
    store.run("files-catchup")


def judged(store: Store, at: datetime) -> list[AlarmChange]:
    with store.database.session() as connection:
        return judge(connection, store.settings, at)


@pytest.mark.slow
def test_a_silenced_camera_is_one_alarm_that_ends_when_it_is_back(store: Store) -> None:
    silent_until = BEGUN + timedelta(days=3)
    arrive(store, BEGUN - timedelta(weeks=4, days=2), silent_until, {CAMERA: BEGUN})
    assert [change for hour in range(-24, 3, 6) for change in judged(store, BEGUN + timedelta(hours=hour))] == []

    began = [change for hour in range(3, 72, 3) for change in judged(store, BEGUN + timedelta(hours=hour))]
    [alarm] = [change.alarm for change in began]
    assert (alarm.kind, alarm.scope, alarm.datasource, alarm.camera_id, alarm.seen) == (
        "silent",
        "camera",
        "BOSS4",
        CAMERA,
        0,
    )
    assert f"camera {CAMERA} of Fremont CA PD (BOSS4): no reads in the " in alarm.message

    arrive(store, silent_until, silent_until + timedelta(days=3), {})
    ended = [change for hour in range(72, 144, 3) for change in judged(store, BEGUN + timedelta(hours=hour))]
    assert [(change.began, change.alarm.id) for change in ended] == [(False, alarm.id)]
    assert store.rows("SELECT count(*), count(ended_at) FROM alarms") == [(1, 1)]
    assert store.books().differences == []
