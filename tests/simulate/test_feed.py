"""Endless feeds: files arrive in time, are the same each time, and have the same cameras every day."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ncric_core.simulate.day import FEEDS, camera_ids
from ncric_core.simulate.drafts import CAMERA, EVENT_TIME, LATITUDE, SOURCE, Draft
from ncric_core.simulate.feed import Clock, feed

pytestmark = pytest.mark.slow  # days of thousands of files

START = datetime(2022, 10, 11, 22, 30, tzinfo=UTC)
READS = 6000


class Time:
    """Real time that passes only while someone sleeps."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def clock(start: datetime = START, *, real: datetime = START, speed: float = 1) -> tuple[Clock, Time]:
    time = Time(real)
    return Clock(start, real, speed, time, time.sleep), time


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_file_is_there_when_its_time_has_come_and_not_before(tmp_path: Path) -> None:
    ours, time = clock()
    for draft in feed(tmp_path, ours, reads=READS, seed=1, end=START + timedelta(hours=4)):
        assert timedelta(0) <= time.now - draft.end < timedelta(seconds=1)
        assert (tmp_path / draft.key).stat().st_mtime == draft.end.timestamp()
    assert not [key for key in contents(tmp_path) if key.startswith(".")]


def test_time_passes_faster_until_it_has_caught_up(tmp_path: Path) -> None:
    real = START + timedelta(hours=2)
    ours, time = clock(real=real, speed=60)
    written = [
        (time.now, draft.end) for draft in feed(tmp_path, ours, reads=READS, seed=1, end=real + timedelta(hours=1))
    ]
    assert all(end <= moment + timedelta(seconds=1) for moment, end in written)
    assert written[0][0] - real < timedelta(minutes=2)
    assert written[-1][0] - written[-1][1] < timedelta(seconds=61)


def test_one_that_begins_later_writes_the_same_files(tmp_path: Path) -> None:
    end = START + timedelta(hours=4)
    for name, start in (("whole", START), ("later", START + timedelta(hours=2))):
        ours, _ = clock(start, real=end)
        list(feed(tmp_path / name, ours, reads=READS, seed=1, end=end))
    whole, later = contents(tmp_path / "whole"), contents(tmp_path / "later")
    assert 0 < len(later) < len(whole)
    assert later.items() <= whole.items()


def test_another_day_has_other_files_and_the_same_cameras(tmp_path: Path) -> None:
    ours, _ = clock(real=START + timedelta(days=2))
    places: dict[tuple[object, ...], set[object]] = {}
    days = set()
    for draft in feed(tmp_path, ours, reads=READS, seed=1, end=START + timedelta(hours=20)):
        days.add(draft.start.date())
        for row in draft.rows:
            if row.truth is not None and row.truth[LATITUDE] is not None:
                places.setdefault((row.truth[SOURCE], row.truth[CAMERA]), set()).add(row.truth[LATITUDE])
    assert len(days) == 2
    assert max(map(len, places.values())) == 1


def of_camera(camera: str, written: list[Draft]) -> set[datetime]:
    truths = (row.truth for draft in written for row in draft.rows)
    times = (truth[EVENT_TIME] for truth in truths if truth and truth[CAMERA] == camera)
    return {time for time in times if isinstance(time, datetime)}


def test_a_silent_camera_sends_nothing_from_then_on_and_all_that_it_sent_before(tmp_path: Path) -> None:
    silenced, end = START + timedelta(hours=12), START + timedelta(hours=24)
    written = {}
    for name, silent in (("all", ()), ("one", ("7", "3_SCSO"))):
        ours, _ = clock(real=end, speed=60)
        silent_from = dict.fromkeys(silent, silenced)
        written[name] = list(feed(tmp_path / name, ours, reads=READS, seed=1, silent_from=silent_from, end=end))
    for camera in ("7", "3_SCSO"):
        usual = of_camera(camera, written["all"])
        before = {moment for moment in usual if moment < silenced}
        assert before
        assert len(usual) > len(before)
        assert of_camera(camera, written["one"]) == before
    assert of_camera("8", written["one"]) == of_camera("8", written["all"])
    assert [draft.key for draft in written["one"]] == [draft.key for draft in written["all"]]
    for draft in written["one"]:
        if draft.end < silenced:
            same = (tmp_path / "all" / draft.key, tmp_path / "one" / draft.key)
            assert same[0].read_bytes() == same[1].read_bytes()


def test_the_ids_of_cameras_are_those_that_come(tmp_path: Path) -> None:
    ours, _ = clock(real=START + timedelta(days=2))
    written = list(feed(tmp_path, ours, reads=READS, seed=1, end=START + timedelta(hours=20)))
    come = {row.truth[CAMERA] for draft in written for row in draft.rows if row.truth and row.truth[CAMERA]}
    assert come <= {camera for datasource in FEEDS for camera in camera_ids(datasource)}
    assert {"1", "1_SCSO"} <= come


def test_nights_are_quiet_and_the_afternoon_is_not(tmp_path: Path) -> None:
    midnight = datetime(2022, 10, 11, 7, tzinfo=UTC)  # in Pacific time
    ours, _ = clock(midnight, real=midnight + timedelta(days=2))
    written = list(feed(tmp_path, ours, reads=24_000, seed=1, end=midnight + timedelta(days=1)))
    rows = [sum(len(draft.rows) for draft in written if draft.end.hour == (7 + hour) % 24) for hour in range(24)]
    assert sum(rows[2:5]) < sum(rows[15:18]) / 6
    assert sum(rows) > 20_000
