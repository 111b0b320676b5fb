"""Feeds that go on: in time, the same each time, with the same cameras every day."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from ncric_core.simulate.drafts import CAMERA, LATITUDE, SOURCE
from ncric_core.simulate.feed import Clock, feed

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
