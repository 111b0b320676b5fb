"""Jobs by name: their windows, made from scheduled times, and the names of their runs."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncric_core.errors import SettingsError
from ncric_core.jobs.named import Covers, job_named, run_name, window_of
from ncric_core.settings import Settings
from ncric_core.windows import Window, slices

PACIFIC = ZoneInfo("America/Los_Angeles")


def hours(day: int, start: int, end: int) -> Window:
    return Window(datetime(2022, 10, day, start, tzinfo=UTC), datetime(2022, 10, day, end, tzinfo=UTC))


def test_hourly_run_covers_the_last_full_hour_before_its_scheduled_time() -> None:
    assert window_of(Covers.LAST_HOUR, datetime(2022, 10, 11, 2, 10, tzinfo=PACIFIC)) == hours(11, 8, 9)
    assert window_of(Covers.LAST_HOUR, datetime(2022, 10, 11, 9, 0, tzinfo=UTC)) == hours(11, 8, 9)


@pytest.mark.parametrize(
    ("scheduled", "start", "length"),
    [
        (datetime(2022, 10, 13, 0, 23, tzinfo=PACIFIC), "2022-10-11T07:00", 24),
        (datetime(2022, 3, 15, 1, 0, tzinfo=PACIFIC), "2022-03-13T08:00", 23),  # summer time begins on the 13th
        (datetime(2022, 11, 8, 1, 0, tzinfo=PACIFIC), "2022-11-06T07:00", 25),  # and ends on the 6th
        (datetime(2022, 11, 6, 1, 30, fold=1, tzinfo=PACIFIC), "2022-11-04T07:00", 24),
    ],
)
def test_catch_up_of_two_days_back_covers_a_whole_day_of_the_pacific(
    scheduled: datetime, start: str, length: int
) -> None:
    window = window_of(Covers.DAY_BEFORE_YESTERDAY, scheduled)
    assert window.start == datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert window.end - window.start == timedelta(hours=length)


@given(st.integers(0, 10**8))
def test_hourly_windows_follow_one_another_without_gap(seconds: int) -> None:
    moment = datetime(2021, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    one = window_of(Covers.LAST_HOUR, moment)
    following = window_of(Covers.LAST_HOUR, moment + timedelta(hours=1))
    assert one.end == following.start
    assert one.end <= moment < one.end + timedelta(hours=1)


@given(st.integers(1, 500), st.integers(1, 100))
def test_slices_are_the_window(length: int, part: int) -> None:
    start = datetime(2022, 10, 11, tzinfo=UTC)
    whole = Window(start, start + timedelta(hours=length))
    parts = slices(whole, timedelta(hours=part))
    assert (parts[0].start, parts[-1].end) == (whole.start, whole.end)
    assert [one.end for one in parts[:-1]] == [one.start for one in parts[1:]]
    assert all(one.end - one.start <= timedelta(hours=part) for one in parts)


@pytest.mark.parametrize(
    ("window", "agencies", "exclude", "dry_run", "name"),
    [
        (hours(11, 8, 9), (), ("Fremont PD",), False, "boss4 2022-10-11 08–09 UTC, all but Fremont PD"),
        (Window(datetime(2022, 10, 11, 23, tzinfo=UTC), datetime(2022, 10, 12, tzinfo=UTC)),
         (), (), False, "boss4 2022-10-11 23–24 UTC"),
        (Window(datetime(2022, 10, 11, 7, tzinfo=UTC), datetime(2022, 10, 12, 7, tzinfo=UTC)),
         ("Fremont PD", "Atherton PD", "Novato PD"), (), True,
         "boss4 2022-10-11 07–2022-10-12 07 UTC, only Fremont PD and 2 more, dry run"),
        (None, (), (), False, "boss4"),
    ],
)  # fmt: skip
def test_names_of_runs_say_what_they_cover(
    window: Window | None, agencies: tuple[str, ...], exclude: tuple[str, ...], dry_run: bool, name: str
) -> None:
    assert run_name("boss4", window, agencies, exclude, dry_run=dry_run) == name


def test_a_feed_needs_a_window_and_the_catch_up_takes_none() -> None:
    settings = Settings(_env_file=None)
    with pytest.raises(SettingsError, match="boss4 needs a window"):
        job_named("boss4", settings, None)
    with pytest.raises(SettingsError, match="takes the whole bucket"):
        job_named("files-catchup", settings, hours(11, 8, 9))
    assert job_named("files-catchup", settings, None).waited == timedelta(hours=1)
    assert len(job_named("files-catchup", settings, None).feeds) == 2
