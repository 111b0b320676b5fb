"""Raw reads → clean reads and rejects: ids, times, coordinates, and what is not a read."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ncric_core.agencies import NO_AGENCY
from ncric_core.deliveries import CLEAN, REJECTED
from ncric_core.pipeline.clean import LONGEST, normalized_plate
from ncric_core.sources.files.clean import clean
from ncric_core.sources.files.leaves import TEXTS
from ncric_core.sources.files.lpr_json import RAW, raw_frame
from tests.sources.files.lpr_files import parsed_file, read

ARRIVED = datetime(2022, 10, 11, 8, 17, 40, tzinfo=UTC)


def cleaned(
    *reads: dict[str, Any], zone: str = "UTC", keep_days: int = 365, **source: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    given_source = {"datasource": "BOSS4", "id_suffix": ""} | source
    raw = raw_frame([parsed_file(list(reads))])
    good, bad = clean(raw, [ARRIVED], zone=zone, keep_days=keep_days, **given_source)
    assert good.schema == CLEAN
    assert bad.schema == REJECTED
    assert good.height + bad.height == len(reads)
    return good, bad


def one(zone: str = "UTC", **changes: Any) -> dict[str, Any]:
    good, _ = cleaned(read(1, **changes), zone=zone)
    return good.row(0, named=True)


def reject(zone: str = "UTC", **changes: Any) -> dict[str, Any]:
    _, bad = cleaned(read(1, **changes), zone=zone)
    return bad.row(0, named=True)


# What a read becomes


def test_read_of_boss4_has_its_tag_in_its_own_id_only() -> None:
    assert one() == {
        "file": 0,
        "position": 0,
        "vehicle_record_id": "1_BOSS4",
        "event_time": datetime(2022, 10, 11, 8, 13, 35, tzinfo=UTC),
        "plate": "7ABC001",
        "coordinates": {"latitude": pytest.approx(37.50342777777778), "longitude": pytest.approx(-121.96708333333333)},
        "camera_id": "84",
        "camera_name": "EB_AutoMall_from_Grimmer",
        "agency_id": "CA0430000",
        "agency_name": "Santa Clara County Sheriff’s Office",
        "agency_key": None,
        "agency_acronym": "SCSO",
        "datasource": "BOSS4",
        "vehicle_model": None,
        "cut_at": None,
    }


def test_read_of_scso_has_its_tag_in_every_id() -> None:
    good, _ = cleaned(read(1), datasource="SCSO", id_suffix="_SCSO")
    row = good.row(0, named=True)
    assert [row[name] for name in ("vehicle_record_id", "camera_id", "agency_id", "datasource")] == [
        "1_SCSO",
        "84_SCSO",
        "CA0430000_SCSO",
        "SCSO",
    ]


def test_ids_without_blanks_and_other_texts_as_received() -> None:
    row = one(LPREventID=" 7 ", LPRCameraID="84\n", VehicleLicensePlateID=" 7abc 1-23 ", LPRCameraName=" EB ")
    assert (row["vehicle_record_id"], row["camera_id"]) == ("7_BOSS4", "84")
    assert (row["plate"], row["camera_name"]) == (" 7abc 1-23 ", " EB ")


@pytest.mark.parametrize("nothing", [None, "", "None", "null", " ", " None ", ...])
def test_value_that_says_that_there_is_none_is_null(nothing: Any) -> None:
    leaves = ("VehicleLicensePlateID", "LPRCameraID", "LPRCameraName", "agencyAcronym", "agencyOriNumber")
    row = one(**dict.fromkeys(leaves, nothing))
    assert {row[name] for name in ("plate", "camera_id", "camera_name", "agency_acronym", "agency_id")} == {None}
    assert row["agency_name"] == "Santa Clara County Sheriff’s Office"


def test_plate_that_begins_with_a_word_for_nothing_is_a_plate() -> None:
    assert [one(VehicleLicensePlateID=plate)["plate"] for plate in ("NONE", "NULL1", "None1")] == [
        "NONE",
        "NULL1",
        "None1",
    ]


def test_agency_without_a_name_goes_by_acronym_or_number() -> None:
    assert one(agencyName=None)["agency_name"] == "SCSO"
    assert one(agencyName="", agencyAcronym="None")["agency_name"] == "CA0430000"
    assert one(agencyName=..., agencyAcronym=..., agencyOriNumber=...)["agency_name"] == NO_AGENCY


# Times


@pytest.mark.parametrize(
    ("date", "time", "expected"),
    [
        ("2022-10-11", "00:00:00", datetime(2022, 10, 11, tzinfo=UTC)),
        (" 2022-10-11 ", " 08:13:35\t", datetime(2022, 10, 11, 8, 13, 35, tzinfo=UTC)),
        ("2022-10-11", "08:13:35.25", datetime(2022, 10, 11, 8, 13, 35, 250_000, tzinfo=UTC)),
        ("2022-10-11", "08:13:35.123456789", datetime(2022, 10, 11, 8, 13, 35, 123_456, tzinfo=UTC)),
        ("2022-10-1", "8:03:05", datetime(2022, 10, 1, 8, 3, 5, tzinfo=UTC)),
    ],
)
def test_date_and_time_of_a_source_in_utc(date: str, time: str, expected: datetime) -> None:
    assert one(eventDate=date, eventTime=time)["event_time"] == expected


@pytest.mark.parametrize(
    ("date", "time", "expected"),
    [
        pytest.param("2022-10-11", "01:13:35", datetime(2022, 10, 11, 8, 13, 35, tzinfo=UTC), id="summer"),
        pytest.param("2022-01-11", "01:13:35", datetime(2022, 1, 11, 9, 13, 35, tzinfo=UTC), id="winter"),
        pytest.param("2022-03-13", "01:59:59", datetime(2022, 3, 13, 9, 59, 59, tzinfo=UTC), id="before the gap"),
        pytest.param("2022-03-13", "02:00:00", datetime(2022, 3, 13, 10, 0, 0, tzinfo=UTC), id="begin of the gap"),
        pytest.param("2022-03-13", "02:30:00", datetime(2022, 3, 13, 10, 30, 0, tzinfo=UTC), id="in the gap"),
        pytest.param("2022-03-13", "03:00:00", datetime(2022, 3, 13, 10, 0, 0, tzinfo=UTC), id="after the gap"),
        pytest.param("2021-11-07", "00:59:59", datetime(2021, 11, 7, 7, 59, 59, tzinfo=UTC), id="before the fold"),
        pytest.param("2021-11-07", "01:30:00", datetime(2021, 11, 7, 8, 30, 0, tzinfo=UTC), id="in the fold"),
        pytest.param("2021-11-07", "02:00:00", datetime(2021, 11, 7, 10, 0, 0, tzinfo=UTC), id="after the fold"),
    ],
)
@pytest.mark.parametrize("zone", ["America/Los_Angeles", "US/Pacific"])
def test_date_and_time_of_a_source_in_pacific_time(date: str, time: str, expected: datetime, zone: str) -> None:
    assert one(zone, eventDate=date, eventTime=time)["event_time"] == expected


def test_day_that_a_zone_skipped_whole_is_no_error() -> None:
    assert reject("Pacific/Apia", eventDate="2011-12-30", eventTime="08:00:00")["reason"] == "too_old"


@pytest.mark.parametrize("zone", ["UTC", "Etc/UTC", "America/Los_Angeles"])
@pytest.mark.parametrize(
    ("date", "time", "shown"),
    [
        ("2022-10-11", "25:99:00", "2022-10-11 25:99:00"),
        ("2022-10-11", "24:00:00", "2022-10-11 24:00:00"),
        ("2022-02-30", "08:13:35", "2022-02-30 08:13:35"),
        ("0000-00-00", "00:00:00", "0000-00-00 00:00:00"),
        ("11/10/2022", "08:13:35", "11/10/2022 08:13:35"),
        ("2022-10-11", None, "2022-10-11 no time"),
        (None, "08:13:35", "no date 08:13:35"),
        (None, None, "no date no time"),
        ("None", "null", "None null"),
        ("", "", " "),
        (20221011, 81335, "20221011 81335"),
        ("99999-10-11", "08:13:35", "99999-10-11 08:13:35"),
    ],
)
def test_time_that_is_none_is_a_reject(zone: str, date: Any, time: Any, shown: str) -> None:
    row = reject(zone, eventDate=date, eventTime=time)
    assert (row["reason"], row["detail"]) == ("bad_date", f"cannot be read as a time: {shown}")


@given(st.text(max_size=12), st.text(max_size=12), st.sampled_from(["UTC", "America/Los_Angeles", "Pacific/Apia"]))
@settings(deadline=None)
def test_no_text_for_a_time_is_an_error(date: str, time: str, zone: str) -> None:
    cleaned(read(1, eventDate=date, eventTime=time), read(2), zone=zone)


@given(
    st.datetimes(),
    st.sampled_from(["UTC", "America/Los_Angeles", "Australia/Lord_Howe", "Africa/Monrovia"]),
)
@settings(deadline=None)
def test_no_time_is_an_error(moment: datetime, zone: str) -> None:
    _, bad = cleaned(read(1, eventDate=f"{moment:%Y-%m-%d}", eventTime=f"{moment:%H:%M:%S}"), zone=zone)
    assert bad["reason"].to_list() in (["future"], ["too_old"], [])


def test_time_a_day_ahead_of_the_window_is_kept_and_a_later_one_is_a_reject() -> None:
    assert one(eventDate="2022-10-12", eventTime="08:17:40")["event_time"] == ARRIVED + timedelta(days=1)
    row = reject(eventDate="2022-10-12", eventTime="08:17:41")
    assert row["reason"] == "future"
    assert row["detail"] == "2022-10-12 08:17:41 in a file whose window ends 2022-10-11 08:17 UTC"
    assert reject(eventDate="2023-10-11")["reason"] == "future"


def test_read_of_an_offline_camera_is_kept_and_one_older_than_what_is_kept_is_a_reject() -> None:
    assert one(eventDate="2022-10-03")["event_time"].day == 3
    assert one(eventDate="2021-10-11", eventTime="08:17:40")["event_time"] == ARRIVED - timedelta(days=365)
    row = reject(eventDate="2021-10-11", eventTime="08:17:39")
    assert row["reason"] == "too_old"
    assert row["detail"] == "2021-10-11 08:17:39 in a file whose window ends 2022-10-11 08:17 UTC"
    assert reject(eventDate="2000-01-01", eventTime="00:00:00")["reason"] == "too_old"


def test_how_long_reads_are_kept_is_given() -> None:
    _, bad = cleaned(read(1, eventDate="2022-10-10"), read(2), keep_days=1)
    assert bad.select("position", "reason").rows() == [(0, "too_old")]


def test_each_file_is_judged_by_its_own_window() -> None:
    raw = raw_frame([parsed_file([read(1)]), parsed_file([read(2)]), parsed_file([read(3)])])
    ends = [ARRIVED, ARRIVED - timedelta(days=10), ARRIVED + timedelta(days=400)]
    good, bad = clean(raw, ends, datasource="BOSS4", id_suffix="", zone="UTC", keep_days=365)
    assert good.select("file", "vehicle_record_id").rows() == [(0, "1_BOSS4")]
    assert bad.select("file", "reason").rows() == [(1, "future"), (2, "too_old")]
    assert bad["detail"].to_list() == [
        "2022-10-11 08:13:35 in a file whose window ends 2022-10-01 08:17 UTC",
        "2022-10-11 08:13:35 in a file whose window ends 2023-11-15 08:17 UTC",
    ]


# Coordinates


@pytest.mark.parametrize(
    ("degrees", "minutes", "seconds", "expected"),
    [
        (-121, 58, 12.34, -121.97009444),
        ("-121", "58", "12.34", -121.97009444),
        (" -121 ", "58 ", " 12.34", -121.97009444),
        (121, 58, 12.34, 121.97009444),
        ("-0", 30, 0, -0.5),
        ("-0.0", "30", "0", -0.5),
        (-0.0, 30, 0, -0.5),
        (0, 30, 0, 0.5),
        ("+121", 0, 0, 121.0),
        (-121.5, 0, 0, -121.5),
        (-121, 59.999, 60, -121 - 59.999 / 60 - 60 / 3600),
        (180, 0, 0, 180.0),
        (-180, 0, 0, -180.0),
        (0, 0, 0, 0.0),
    ],
)
def test_longitude_in_decimal_degrees(degrees: Any, minutes: Any, seconds: Any, expected: float) -> None:
    row = one(LongitudeDegreeValue=degrees, LongitudeMinuteValue=minutes, LongitudeSecondValue=seconds)
    assert row["coordinates"]["longitude"] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("axis", ["Latitude", "Longitude"])
@pytest.mark.parametrize("part", ["Degree", "Minute", "Second"])
@pytest.mark.parametrize(
    "value", [None, "None", "null", "", ..., "north", "1,5", "nan", "inf", "-inf", 1e300, True, 10**400]
)
def test_read_with_a_part_of_its_coordinates_missing_or_no_number_is_kept_without(
    axis: str, part: str, value: Any
) -> None:
    good, bad = cleaned(read(1, **{f"{axis}{part}Value": value}))
    assert bad.is_empty()
    assert good["coordinates"].to_list() == [None]


@pytest.mark.parametrize(
    ("leaf", "value"),
    [
        ("LatitudeDegreeValue", 90),
        ("LatitudeDegreeValue", -91),
        ("LongitudeDegreeValue", 180),
        ("LongitudeMinuteValue", 61),
        ("LatitudeMinuteValue", -1),
        ("LatitudeSecondValue", -0.5),
        ("LongitudeSecondValue", 3600),
    ],
)
def test_read_with_coordinates_out_of_range_is_kept_without(leaf: str, value: Any) -> None:
    assert one(**{leaf: value})["coordinates"] is None


# What is not a read


@pytest.mark.parametrize("identity", [None, "None", "null", "", "  ", ...])
def test_row_without_an_id_is_a_reject(identity: Any) -> None:
    _, bad = cleaned(read(1), read(2, LPREventID=identity))
    row = bad.row(0, named=True)
    assert (row["file"], row["position"], row["reason"]) == (0, 1, "no_id")
    assert row["detail"] == f"the read's id is {'not given' if identity in (None, ...) else identity}"
    assert row["agency_name"] == "Santa Clara County Sheriff’s Office"


@pytest.mark.parametrize("identity", ["${read.id}", " ${read.id} "])
def test_row_with_a_vendors_template_for_an_id_is_a_reject(identity: str) -> None:
    row = reject(LPREventID=identity)
    assert (row["reason"], row["detail"]) == ("template_id", f"the read's id is {identity}")


def test_reject_holds_the_leaves_as_received() -> None:
    row = reject(LPREventID="None", VehicleLicensePlateID='7"A’\\', LatitudeDegreeValue="-0", LPRCameraName=None)
    received = json.loads(row["received"])
    assert list(received) == list(TEXTS)
    assert [
        received[leaf] for leaf in ("LPREventID", "VehicleLicensePlateID", "LatitudeDegreeValue", "LPRCameraName")
    ] == [
        "None",
        '7"A’\\',
        "-0",
        None,
    ]


def test_reject_read_again_is_the_same_reject() -> None:
    row = reject(eventTime="25:99:00")
    raw = raw_frame([parsed_file(row["received"].encode())])
    good, bad = clean(raw, [ARRIVED], datasource="BOSS4", id_suffix="", zone="UTC", keep_days=365)
    assert good.is_empty()
    assert bad.row(0, named=True) == row


@pytest.mark.parametrize(
    ("leaf", "column"),
    [
        ("VehicleLicensePlateID", "plate"),
        ("LPRCameraID", "camera_id"),
        ("LPRCameraName", "camera_name"),
        ("agencyName", "agency_name"),
        ("agencyAcronym", "agency_acronym"),
        ("agencyOriNumber", "agency_id"),
    ],
)
def test_text_that_is_too_long_to_be_one_is_a_reject(leaf: str, column: str) -> None:
    assert one(**{leaf: "7" * LONGEST})[column] == "7" * LONGEST
    row = reject(**{leaf: "7" * 500})
    assert (row["reason"], row["detail"]) == ("too_long", f"{column} has more than {LONGEST} characters")
    assert json.loads(row["received"])[leaf] == "7" * 500


def test_reject_names_every_text_that_is_too_long() -> None:
    row = reject(VehicleLicensePlateID="7" * 500, LPREventID="1" * 500)
    assert row["detail"] == "vehicle_record_id has more than 200 characters, plate has more than 200 characters"


def test_reads_and_rejects_keep_their_order() -> None:
    times = ["08:00:00", "25:00:00", "08:00:02", "nine", "08:00:04"]
    good, bad = cleaned(*(read(number, eventTime=time) for number, time in enumerate(times)))
    assert good["position"].to_list() == [0, 2, 4]
    assert bad["position"].to_list() == [1, 3]


def test_same_read_twice_stays_twice() -> None:
    good, _ = cleaned(read(1), read(1))
    assert good["vehicle_record_id"].to_list() == ["1_BOSS4", "1_BOSS4"]


def test_nothing_gives_nothing() -> None:
    for ends in ([], [ARRIVED]):
        good, bad = clean(RAW.to_frame(), ends, datasource="BOSS4", id_suffix="", zone="US/Pacific", keep_days=365)
        assert (good.schema, bad.schema, good.height, bad.height) == (CLEAN, REJECTED, 0, 0)


def test_plate_for_search_is_letters_and_digits_only() -> None:
    plates = pl.DataFrame({"plate": ["7abc123", " 7ABC-1.23 ", "é-", "", None, "–"]})
    assert plates.select(normalized_plate(pl.col("plate")))["plate"].to_list() == [
        "7ABC123",
        "7ABC123",
        None,
        None,
        None,
        None,
    ]
