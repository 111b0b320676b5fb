"""Windows: half-open, in UTC, and made of given times only."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from ncric_core.errors import SettingsError
from ncric_core.windows import Window, parse_moment, window

EIGHT, NINE = datetime(2022, 10, 11, 8, tzinfo=UTC), datetime(2022, 10, 11, 9, tzinfo=UTC)


def test_window_holds_its_start_and_not_its_end() -> None:
    hour = Window(EIGHT, NINE)
    assert EIGHT in hour
    assert NINE - timedelta(microseconds=1) in hour
    assert NINE not in hour
    assert EIGHT - timedelta(microseconds=1) not in hour


def test_windows_side_by_side_hold_every_moment_once() -> None:
    hours = [Window(EIGHT + timedelta(hours=n), NINE + timedelta(hours=n)) for n in range(3)]
    assert [sum(EIGHT + timedelta(minutes=30 * n) in hour for hour in hours) for n in range(6)] == [1] * 6


def test_moment_in_another_zone_is_in_the_window() -> None:
    assert datetime(2022, 10, 11, 1, 30, tzinfo=ZoneInfo("America/Los_Angeles")) in Window(EIGHT, NINE)


def test_window_is_shown_in_utc() -> None:
    assert str(Window(EIGHT, NINE)) == "2022-10-11 08:00–2022-10-11 09:00 UTC"


@pytest.mark.parametrize("end", [EIGHT, EIGHT - timedelta(seconds=1)])
def test_window_without_a_moment_is_refused(end: datetime) -> None:
    with pytest.raises(SettingsError) as caught:
        Window(EIGHT, end)
    assert (
        str(caught.value) == f"the window's start 2022-10-11T08:00:00Z is not before its end {end:%Y-%m-%dT%H:%M:%SZ}"
    )


@pytest.mark.parametrize("zone", [None, timezone(timedelta(hours=1)), ZoneInfo("UTC"), ZoneInfo("US/Pacific")])
def test_window_of_times_that_are_not_in_utc_is_an_error_of_the_caller(zone: timezone | ZoneInfo | None) -> None:
    with pytest.raises(ValueError, match="a window's ends are in UTC"):
        Window(EIGHT.replace(tzinfo=zone), NINE.replace(tzinfo=zone))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2022-10-11", datetime(2022, 10, 11, tzinfo=UTC)),
        ("2022-10-11T08:00", EIGHT),
        (" 2022-10-11 08:00:00 ", EIGHT),
        ("2022-10-11T08:00:00Z", EIGHT),
        ("2022-10-11T08:00+00:00", EIGHT),
        ("2022-10-11T01:00-07:00", EIGHT),
        ("20221011T080000Z", EIGHT),
        ("2022-10-11T08:00:00.000001Z", EIGHT + timedelta(microseconds=1)),
    ],
)
def test_moment_is_read_and_in_utc(text: str, expected: datetime) -> None:
    moment = parse_moment(text)
    assert moment == expected
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["", "yesterday", "11/10/2022", "2022-13-01", "2022-10-11T25:00", "0001-01-01T00:00+01:00"]
)
def test_text_that_is_no_moment_is_refused_with_advice(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_moment(text)
    assert str(caught.value) == (
        f"{text!r} is not a time: write it as 2022-10-11T08:00 (UTC) or 2022-10-11T08:00-07:00"
    )


def test_window_between_texts() -> None:
    assert window("2022-10-11T01:00-07:00", "2022-10-11T09:00") == Window(EIGHT, NINE)
    with pytest.raises(SettingsError, match="'now' is not a time"):
        window("2022-10-11", "now")
