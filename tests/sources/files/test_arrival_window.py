"""The window in a file's name: both spellings, odd ones, and LastModified if there is none."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from ncric_core.sources.files.lpr_json import arrival_window

MODIFIED = datetime(2022, 10, 12, 1, 2, 3, tzinfo=UTC)
NONE = (MODIFIED, MODIFIED)
PACIFIC = ZoneInfo("America/Los_Angeles")


def window(key: str, zone: str = "UTC") -> tuple[datetime, datetime]:
    return arrival_window(key, MODIFIED, ZoneInfo(zone))


@pytest.mark.parametrize(
    ("key", "start", "end"),
    [
        (
            "ncric/READS_OpenLattice_20201026T223918_20201026T224259_609759672.json",
            "2020-10-26T22:39:18",
            "2020-10-26T22:42:59",
        ),
        (
            "boss4/READS_maiveric-astrometrics_2022-10-11_08-13-35_2022-10-11_08-17-40_2924020749.json",
            "2022-10-11T08:13:35",
            "2022-10-11T08:17:40",
        ),
        ("READS_x_20201026223918_20201026224259.json", "2020-10-26T22:39:18", "2020-10-26T22:42:59"),
        ("READS 2022-10-11 08.13.35-2022-10-11 08.17.40.json.txt", "2022-10-11T08:13:35", "2022-10-11T08:17:40"),
        ("READS_2022-10-11T08:13:35_2022-10-11T08:13:35", "2022-10-11T08:13:35", "2022-10-11T08:13:35"),
        (
            "READS_20221399T000000_2022-10-11_08-13-35_2022-10-11_08-17-40.json",
            "2022-10-11T08:13:35",
            "2022-10-11T08:17:40",
        ),
    ],
)
def test_name_with_two_times_is_a_window(key: str, start: str, end: str) -> None:
    assert window(key) == (datetime.fromisoformat(start + "+00:00"), datetime.fromisoformat(end + "+00:00"))


@pytest.mark.parametrize(
    "key",
    [
        "boss4/READS.json",
        "boss4/",
        "",
        "boss4/READS_2022-10-11_08-13-35.json",
        "boss4/READS_2022-10-11_08-13-35_2022-13-11_08-17-40_1.json",
        "boss4/READS_2022-10-11_25-13-35_2022-10-11_26-17-40_1.json",
        "boss4/READS_2022-10-11_08-17-40_2022-10-11_08-13-35_1.json",
        "boss4/2022-10-11_08-13-35_2022-10-11_08-17-40/READS.json",
        "boss4/READS_00000000T000000_00000000T000000.json",
        "boss4/READS_99999999999999_99999999999999.json",
        "boss4/READS_2022-10-11_08-13-3_2022-10-11_08-17-4.json",
        "boss4/é’😀 .json",
    ],
)
def test_name_without_a_window_has_the_time_of_the_object(key: str) -> None:
    assert window(key) == NONE


def test_times_in_a_name_are_in_the_zone_of_the_source() -> None:
    start, end = window("R_2022-10-11_08-13-35_2022-10-11_08-17-40.json", "America/Los_Angeles")
    assert (start, end) == (
        datetime(2022, 10, 11, 15, 13, 35, tzinfo=UTC),
        datetime(2022, 10, 11, 15, 17, 40, tzinfo=UTC),
    )
    assert start.tzinfo is UTC
    assert end.tzinfo is UTC


def test_time_that_a_change_of_clocks_skips_is_no_error() -> None:
    start, end = window("R_20220313T015900_20220313T023000.json", "America/Los_Angeles")
    assert start == datetime(2022, 3, 13, 9, 59, tzinfo=UTC)
    assert end == datetime(2022, 3, 13, 10, 30, tzinfo=UTC)


def test_window_across_the_hour_that_occurs_twice_is_no_error() -> None:
    assert window("R_20221106T015500_20221106T010500.json", "America/Los_Angeles") == NONE


def test_last_year_of_all_is_no_error() -> None:
    assert window("R_99991231T230000_99991231T235959.json", "America/Los_Angeles") == NONE
