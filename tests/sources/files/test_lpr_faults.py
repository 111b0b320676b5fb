"""Each fault of feeds.md, section 1: which reads are kept, and why the rest is rejected."""

import codecs
import json
from typing import Any

import polars as pl
import pytest

from ncric_core.sources.files.leaves import COORDINATES
from ncric_core.sources.files.lpr_json import RAW, RawReject, parse, parse_with_care, raw_frame, row_at
from ncric_core.vocabulary import Reason
from tests.sources.files.lpr_files import PHOTO, as_file, ids, parsed_file, read, reasons, rows

FULL = {
    "file": 0,
    "position": 0,
    "cut_at": None,
    "LPREventID": "1",
    "eventDate": "2022-10-11",
    "eventTime": "08:13:35",
    "VehicleLicensePlateID": "7ABC001",
    "LPRCameraID": "84",
    "LPRCameraName": "EB_AutoMall_from_Grimmer",
    "agencyName": "Santa Clara County Sheriff’s Office",
    "agencyAcronym": "SCSO",
    "agencyOriNumber": "CA0430000",
    "LatitudeDegreeValue": "37",
    "LatitudeMinuteValue": "30",
    "LatitudeSecondValue": "12.34",
    "LongitudeDegreeValue": "-121",
    "LongitudeMinuteValue": "58",
    "LongitudeSecondValue": "1.5",
}


def test_good_file_gives_every_leaf_of_every_read_in_order() -> None:
    parsed = parsed_file([read(1), read(2), read(3)])
    assert rows(parsed)[0] == FULL
    assert ids(parsed) == ["1", "2", "3"]
    assert parsed.reads["position"].to_list() == [0, 1, 2]
    assert (parsed.found, parsed.photos, parsed.bad_photos, parsed.rejects) == (3, 3, 0, [])


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda leaves: leaves, id="flat"),
        pytest.param(lambda leaves: {"a": {"b": {"c": leaves}}}, id="deep"),
        pytest.param(lambda leaves: {"a": [{key: value} for key, value in leaves.items()]}, id="listed one by one"),
        pytest.param(lambda leaves: {f"x{n}": {key: leaves[key]} for n, key in enumerate(leaves)}, id="each apart"),
        pytest.param(lambda leaves: {"lists": [[[leaves]]]}, id="lists of lists"),
    ],
)
def test_nesting_does_not_matter(wrap: Any) -> None:
    leaves = {leaf: value for leaf, value in FULL.items() if leaf not in {"file", "position", "cut_at"}}
    assert rows(parsed_file([wrap(leaves)])) == [FULL]


def test_unknown_leaves_are_ignored() -> None:
    assert rows(parsed_file([read(1) | {"new": {"plateColour": "blue"}, "more": [{"x": None}]}])) == [FULL]


def test_first_value_that_says_something_counts_where_a_leaf_occurs_again() -> None:
    parsed = parsed_file(
        [{"a": {"LPRCameraID": "None"}, "b": {"LPRCameraID": "7"}, "c": {"LPRCameraID": "8"}} | read(1)]
    )
    assert [row["LPRCameraID"] for row in rows(parsed)] == ["7"]


@pytest.mark.parametrize(
    ("first", "second", "counts"),
    [
        ('"7FIRST1"', '"8SECOND"', "7FIRST1"),
        ("null", '"8SECOND"', "8SECOND"),
        ('""', '"8SECOND"', "8SECOND"),
        ('"None"', '"8SECOND"', "8SECOND"),
        ('"7FIRST1"', "null", "7FIRST1"),
        ("7", "8", "7"),
        ("{}", '"8SECOND"', "8SECOND"),
        ("null", "null", None),
    ],
)
@pytest.mark.parametrize("beside", [2, 40])
def test_first_value_that_says_something_counts_of_a_key_given_twice(
    first: str, second: str, counts: str | None, beside: int
) -> None:
    key = '"VehicleLicensePlateID": '
    sound = as_file([read(1), *(read(number, VehicleLicensePlateID="X") for number in range(2, beside)), read(99)])
    twice = sound.replace(f'{key}"7ABC001"'.encode(), f'{key}{first},"x":{{"y":[1]}},{key}{second}'.encode())
    for content in (twice, twice[:-4], twice.replace(b'"unknownLeaf": [', b'"unknownLeaf": ][', 1)):
        for parsed in (parse(content), parse_with_care(content)):
            found = {row["LPREventID"]: row["VehicleLicensePlateID"] for row in rows(parsed)}
            assert found["1"] == counts
            assert found["99"] == "7ABC099"


def test_nothing_is_lost_of_an_object_whose_key_is_given_twice() -> None:
    content = as_file([read(1), read(2)]).replace(b'"LPRPlate": {', b'"LPRCamera": {"LPRCameraID": "9"}, "LPRPlate": {')
    for parsed in (parse(content), parse_with_care(content)):
        assert [(row["LPRCameraID"], row["VehicleLicensePlateID"]) for row in rows(parsed)] == [
            ("84", "7ABC001"),
            ("84", "7ABC002"),
        ]
    twice = b'{"read": ' + json.dumps(read(1)).encode() + b', "read": ' + json.dumps(read(2)).encode() + b"}"
    assert ids(parsed_file(twice)) == ["1", "2"]


# Files that are not an array of objects


def test_empty_file_has_no_rows() -> None:
    for empty in (b"", b" \n", b"[]", b"[\n]\n", codecs.BOM_UTF8, codecs.BOM_UTF8[:2], b"["):
        parsed = parsed_file(empty)
        assert (parsed.found, rows(parsed)) == (0, [])


def test_file_that_is_not_json_is_one_reject_with_its_text() -> None:
    parsed = parsed_file(b"<html><body>503 Service Unavailable</body></html>\n")
    assert parsed.rejects == [
        RawReject(0, Reason.NOT_JSON, "text that is not JSON", "<html><body>503 Service Unavailable</body></html>")
    ]
    assert parsed.reads["position"].to_list() == []


def test_binary_file_is_one_reject_that_a_database_can_hold() -> None:
    parsed = parsed_file(bytes(range(256)) * 40)
    assert parsed.found == len(parsed.rejects) >= 1
    assert not any("\0" in reject.received for reject in parsed.rejects)
    for reject in parsed.rejects:
        reject.received.encode()


def test_long_text_that_is_not_json_is_kept_in_part() -> None:
    (reject,) = parsed_file(b"<p>no JSON</p> " * 10_000).rejects
    assert len(reject.received) == 4000


def test_values_that_are_no_objects_are_rejects_at_their_place() -> None:
    parsed = parsed_file(b'[{"LPREventID": "1"}, 5, "text", null, {"LPREventID": "2"}, -1.5e3]')
    assert ids(parsed) == ["1", "2"]
    assert parsed.reads["position"].to_list() == [0, 4]
    assert reasons(parsed) == [(1, "not_object"), (2, "not_object"), (3, "not_object"), (5, "not_object")]
    assert [reject.received for reject in parsed.rejects] == ["5", '"text"', "null", "-1.5e3"]


def test_bare_scalar_file_is_a_reject() -> None:
    assert reasons(parsed_file(b"12345")) == [(0, "not_object")]


def test_objects_without_commas_or_brackets_are_read() -> None:
    one_a_line = "\n".join(json.dumps(read(number)) for number in (1, 2, 3)).encode()
    assert ids(parsed_file(one_a_line)) == ["1", "2", "3"]


def test_single_object_is_a_file_of_one_read() -> None:
    assert rows(parsed_file(json.dumps(read(1)).encode())) == [FULL]


def test_arrays_one_after_the_other_and_in_one_another_are_read() -> None:
    assert ids(parsed_file(as_file([read(1)]) + as_file([[read(2)], [read(3)]]))) == ["1", "2", "3"]


@pytest.mark.parametrize(
    "wrapped",
    [
        pytest.param({"reads": [read(1), read(2), read(3)]}, id="a list"),
        pytest.param({"status": "ok", "meta": {"count": 3}, "reads": [read(1), read(2), read(3)]}, id="with more"),
        pytest.param({"data": {"reads": [read(1), read(2), read(3)]}}, id="deeper"),
        pytest.param({"a": [{"reads": [read(1), read(2)]}, {"reads": [read(3)]}]}, id="lists in a list"),
        pytest.param({"1": read(1), "2": read(2), "3": read(3)}, id="by key"),
        pytest.param({"x": [read(1)], "y": [read(2), read(3)]}, id="several lists"),
        pytest.param([{"reads": [read(1), read(2)]}, read(3)], id="among reads"),
    ],
)
def test_wrapper_object_gives_the_reads_within(wrapped: Any) -> None:
    parsed = parsed_file(json.dumps(wrapped).encode())
    assert [row["VehicleLicensePlateID"] for row in rows(parsed)] == ["7ABC001", "7ABC002", "7ABC003"]
    assert parsed.reads["position"].to_list() == [0, 1, 2]
    assert parsed.rejects == []


def test_row_without_an_id_beside_reads_in_a_wrapper_is_a_row_of_its_own() -> None:
    parsed = parsed_file(json.dumps({"reads": [read(1), read(2, LPREventID=...), read(3)]}).encode())
    assert ids(parsed) == ["1", None, "3"]


def test_read_with_its_id_twice_is_one_read() -> None:
    parsed = parsed_file([{"head": {"LPREventID": "1"}, "body": read(1)}])
    assert rows(parsed) == [FULL]


# Bytes that should not be there


def test_byte_order_mark_is_dropped() -> None:
    assert rows(parsed_file(codecs.BOM_UTF8 + as_file([read(1)]))) == [FULL]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_with_a_byte_order_mark_is_read(encoding: str) -> None:
    mark = codecs.BOM_UTF16_LE if encoding.endswith("le") else codecs.BOM_UTF16_BE
    assert rows(parsed_file(mark + as_file([read(1)]).decode().encode(encoding))) == [FULL]


def test_stray_byte_is_what_windows_wrote_for_it() -> None:
    name = "Santa Clara County Sheriff’s Office"
    content = as_file([read(1), read(2)]).replace(name.encode(), name.encode("cp1252"))
    assert [row["agencyName"] for row in rows(parsed_file(content))] == [name, name]


def test_stray_byte_that_means_nothing_is_a_replacement_character() -> None:
    content = as_file([read(1)]).replace(b"EB_AutoMall", b"EB\x81AutoMall")
    assert [row["LPRCameraName"] for row in rows(parsed_file(content))] == ["EB�AutoMall_from_Grimmer"]


def test_stray_byte_between_reads_costs_no_read() -> None:
    content = as_file([read(1), read(2), read(3)]).replace(b"\n\t},\n", b"\n\t},\xff\n")
    parsed = parsed_file(content)
    assert ids(parsed) == ["1", "2", "3"]
    assert reasons(parsed) == [(1, "not_json"), (3, "not_json")]


# Damage within reads: each read is accounted for, whatever is beside it


@pytest.mark.parametrize(
    ("sound", "broken"),
    [
        pytest.param(b'"unknownLeaf": [', b'"unknownLeaf": ][', id="a bracket too many"),
        pytest.param(b'"unknownLeaf": [', b'"unknownLeaf": \xff [', id="a stray byte outside of strings"),
        pytest.param(b'"eventTime"', b'\xff"eventTime"', id="a stray byte before a key"),
        pytest.param(b'"unknownLeaf": [', b'"unknownLeaf": {[', id="a brace too many"),
        pytest.param(b'"unknownLeaf": [', b'"unknownLeaf": }[', id="a closing brace too many"),
        pytest.param(b'"unknownLeaf": [', b'"unknownLeaf": 6" [', id="a quote too many"),
        pytest.param(b'"unknownLeaf": [', b'"unknownLeaf": "6"" pole" [', id="quotes within a string"),
        pytest.param(b'"LPRCameraName": "', b'"LPRCameraName": ', id="a quote lost"),
    ],
)
@pytest.mark.parametrize("times", [1, 2, 3, 4, 100])
def test_damaged_reads_are_each_accounted_for(sound: bytes, broken: bytes, times: int) -> None:
    reads = [
        {"VehicleLicensePlateID": f"P{number}"} | read(number, VehicleLicensePlateID=...) for number in range(1, 6)
    ]
    parsed = parsed_file(as_file(reads).replace(sound, broken, times))
    assert ids(parsed) == ["1", "2", "3", "4", "5"]
    assert [row["VehicleLicensePlateID"] for row in rows(parsed)] == ["P1", "P2", "P3", "P4", "P5"]


def test_damaged_reads_without_all_that_makes_a_read_are_a_reject_each() -> None:
    parsed = parsed_file(as_file([read(1), read(2), read(3)]).replace(b'"unknownLeaf": [', b'"unknownLeaf": "6" " ['))
    assert (ids(parsed), reasons(parsed)) == ([], [(0, "cut_off"), (1, "cut_off"), (2, "cut_off")])
    assert parsed.rejects[1].detail == "cut off; did not arrive whole: VehicleLicensePlateID"
    assert parsed.rejects[1].agency_name == "Santa Clara County Sheriff’s Office"
    assert '"LPREventID": "2"' in parsed.rejects[1].received


def test_file_that_begins_in_the_middle_of_a_read_gives_the_reads_behind() -> None:
    content = as_file([read(1), read(2), read(3)])
    parsed = parsed_file(
        content[content.index(b'"eventTime"') + 3 :].replace(b'"unknownLeaf": [', b'"unknownLeaf": ][')
    )
    assert ids(parsed) == ["2", "3"]
    assert reasons(parsed)[0] == (0, "cut_off")


@pytest.mark.slow
def test_file_cut_and_another_behind_it_gives_both() -> None:
    first, second = as_file([read(1), read(2)]), as_file([read(3), read(4)])
    for cut in range(1, len(first), 3):
        found = ids(parsed_file(first[:cut] + second))
        assert found[-2:] == ["3", "4"]


@pytest.mark.parametrize("nul", ["\\u0000", "\0"])
def test_nul_is_dropped_from_values(nul: str) -> None:
    parsed = parse(as_file([read(1)]).replace(b"7ABC001", f"7ABC{nul}001".encode()))
    assert rows(parsed) == [FULL]


def test_file_of_nuls_is_a_reject_without_them() -> None:
    (reject,) = parsed_file(b"\0" * 5000).rejects
    assert (reject.reason, reject.received) == ("not_json", "")


def test_nuls_behind_the_last_read_cost_no_read() -> None:
    parsed = parsed_file(as_file([read(1), read(2)]) + b"\0" * 512)
    assert ids(parsed) == ["1", "2"]
    assert reasons(parsed) == [(2, "not_json")]


def test_control_characters_in_a_string_are_kept() -> None:
    parsed = parsed_file(as_file([read(1)]).replace(b"EB_Auto", b"EB\tAuto"))
    assert [row["LPRCameraName"] for row in rows(parsed)] == ["EB\tAutoMall_from_Grimmer"]


def test_half_of_a_surrogate_pair_is_a_replacement_character() -> None:
    parsed = parsed_file(as_file([read(1)]).replace(b"EB_Auto", b"EB\\ud83dAuto"))
    assert [row["LPRCameraName"] for row in rows(parsed)] == ["EB�AutoMall_from_Grimmer"]


# Values


def test_numbers_as_strings_and_strings_as_numbers_give_the_same_read() -> None:
    numbers = read(
        1,
        LPREventID=1093442187,
        LPRCameraID=84,
        LatitudeDegreeValue="37",
        LongitudeSecondValue="1.5",
        LatitudeSecondValue="12.34",
    )
    (row,) = rows(parsed_file([numbers]))
    assert row == FULL | {"LPREventID": "1093442187"}


def test_no_digit_of_a_number_is_lost() -> None:
    big = 123456789012345678901234567890
    content = json.dumps([read(1, LPREventID=big), read(2, LPREventID=2**63)]).encode()
    for parsed in (parse(content), parse_with_care(content)):
        assert ids(parsed) == [str(big), str(2**63)]


def test_constants_that_are_no_json_are_null() -> None:
    (row,) = rows(parsed_file(as_file([read(1)]).replace(b"12.34", b"NaN").replace(b"-121", b"-Infinity")))
    assert (row["LatitudeSecondValue"], row["LongitudeDegreeValue"]) == (None, None)


def test_numbers_out_of_all_range_are_no_error() -> None:
    content = as_file([read(1)]).replace(b"12.34", b"1e999").replace(b"-121", b"1" * 400)
    (row,) = rows(parse(content))
    assert (row["LatitudeSecondValue"], row["LongitudeDegreeValue"]) == ("1e999", "1" * 400)


def test_minus_zero_keeps_its_sign_as_number_and_as_string() -> None:
    for degrees in (b"-0", b'"-0"', b"-0.0"):
        (row,) = rows(parse(as_file([read(1)]).replace(b"-121", degrees)))
        assert row["LongitudeDegreeValue"] == "-0"


def test_booleans_are_their_json_text() -> None:
    (row,) = rows(parsed_file([read(1, LPRCameraName=True, agencyAcronym=False)]))
    assert (row["LPRCameraName"], row["agencyAcronym"]) == ("true", "false")


@pytest.mark.parametrize("photo", [None, "", "None", "null", ...])
def test_read_without_a_photo_is_kept_and_counts_none(photo: Any) -> None:
    parsed = parsed_file([read(1, LPRVehiclePlatePhoto=photo)])
    assert rows(parsed) == [FULL]
    assert (parsed.photos, parsed.bad_photos) == (0, 0)


@pytest.mark.parametrize("photo", ["%%%", PHOTO[:-1], PHOTO + "=", "data:image/jpeg;base64," + PHOTO, 12345, True, "é"])
def test_read_with_a_bad_photo_is_kept_without_it(photo: Any) -> None:
    content = as_file([read(1, LPRVehiclePlatePhoto=photo)])
    for parsed in (parse(content), parse_with_care(content)):
        assert [row["VehicleLicensePlateID"] for row in rows(parsed)] == ["7ABC001"]
        assert (parsed.photos, parsed.bad_photos) == (0, 1)


def test_photo_with_escaped_slashes_is_a_photo() -> None:
    content = as_file([read(1)]).replace(PHOTO.encode(), PHOTO.replace("/", "\\/").encode())
    assert b"\\/" in content
    assert [parse(content).photos, parse_with_care(content).photos] == [1, 1]


def test_photo_that_is_an_object_is_no_photo() -> None:
    parsed = parsed_file([read(1, LPRVehiclePlatePhoto={"data": PHOTO})])
    assert (ids(parsed), parsed.photos) == (["1"], 0)


@pytest.mark.parametrize("damage", [b"\\", b"\\\xff", b"\xff", b"\\x", b"\\ud800", b"\n", b"\\n", b"\0"])
def test_damage_within_a_photo_costs_the_photo_only(damage: bytes) -> None:
    place = PHOTO.index("I")
    damaged = PHOTO[:place].encode() + damage + PHOTO[place:].encode()
    broken = as_file([read(1), read(2)]).replace(PHOTO.encode(), damaged, 1)
    for parsed in (parse(broken), parse_with_care(broken)):
        assert ids(parsed) == ["1", "2"]
        assert (parsed.photos, parsed.rejects) == (1, [])


@pytest.mark.parametrize("leaf", ["LPREventID", "eventDate", "eventTime", "VehicleLicensePlateID"])
@pytest.mark.parametrize("odd", [{"#text": "1"}, ["1"], {}, []])
def test_object_where_an_essential_text_is_due_is_a_reject(leaf: str, odd: Any) -> None:
    parsed = parsed_file([read(1), read(2, **{leaf: odd})])
    assert ids(parsed) == ["1"]
    (reject,) = parsed.rejects
    assert (reject.position, reject.reason) == (1, "not_text")
    assert reject.detail == f"an object or a list where text is due: {leaf}"
    assert reject.agency_name == "Santa Clara County Sheriff’s Office"
    assert PHOTO not in reject.received
    assert json.loads(reject.received)["LPRCapture"]["LPRPlate"]["LPRVehiclePlatePhoto"] == "…"


def test_object_where_another_text_is_due_is_null() -> None:
    (row,) = rows(parsed_file([read(1, LPRCameraName={"x": "y"}, LatitudeDegreeValue=[37])]))
    assert row == FULL | {"LPRCameraName": None, "LatitudeDegreeValue": None}


def test_whole_read_without_a_plate_is_kept() -> None:
    for plate in (None, ...):
        assert rows(parsed_file([read(1, VehicleLicensePlateID=plate)])) == [FULL | {"VehicleLicensePlateID": None}]


def test_plate_of_500_characters_is_parsed_as_received() -> None:
    assert [row["VehicleLicensePlateID"] for row in rows(parsed_file([read(1, VehicleLicensePlateID="7" * 500)]))] == [
        "7" * 500
    ]


@pytest.mark.parametrize("depth", [60, 400, 700, 990, 5000, 20_000])
def test_nesting_without_end_is_no_error(depth: int) -> None:
    deep = b'{"a":' * depth + b"1" + b"}" * depth
    wide = b'{"LPREventID":' + deep + b"}"
    listed = b"[" * depth + b"]" * depth
    content = b",".join(
        [json.dumps(read(1)).encode(), wide, deep, b'{"a":' + listed + b"}", json.dumps(read(2)).encode()]
    )
    parsed = parsed_file(b"[" + content + b"]")
    found = ids(parsed)
    assert found[0] == "1"
    assert found[-1] == "2"
    assert parsed.found >= 3


# Raw frames


def test_raw_frame_numbers_files_and_keeps_positions() -> None:
    files = [parsed_file([read(1), 5, read(2)]), parsed_file(b""), parsed_file([read(3)])]
    frame = raw_frame(files)
    assert frame.schema == RAW
    assert frame.select("file", "position", "LPREventID").rows() == [(0, 0, "1"), (0, 2, "2"), (2, 0, "3")]


def test_raw_frame_of_nothing_has_the_schema() -> None:
    assert raw_frame([]).schema == RAW
    assert raw_frame([parsed_file(b"")]).schema == RAW


def test_raw_frame_mixes_numbers_and_texts_of_several_files() -> None:
    kinds = [
        read(1),
        read(2, LPREventID=2, LatitudeDegreeValue=37),
        read(2**70, LPREventID=2**70, LatitudeDegreeValue="37"),
    ]
    files = [parse(as_file([kind])) for kind in [*kinds, *kinds]]
    assert [row["LPREventID"] for row in rows(*files)] == ["1", "2", str(2**70)] * 2
    assert [float(row["LatitudeDegreeValue"]) for row in rows(*files)] == [37.0] * 6


def test_raw_frame_keeps_coordinates_that_are_all_numbers_and_the_rest_is_text() -> None:
    reads = [read(1, LPREventID=1, LatitudeDegreeValue=None), read(2, LPREventID=None, LatitudeDegreeValue=None)]
    content = as_file([{"shape_of_its_own": None} | one for one in reads])
    frame = raw_frame([parse(content)])
    expected = pl.Schema(RAW)
    expected.update({leaf: pl.Float64() for leaf in COORDINATES if leaf != "LatitudeDegreeValue"})
    assert frame.schema == expected
    assert frame["LPREventID"].to_list() == ["1", None]


# Looking one row up


def test_row_at_gives_the_row_that_stands_at_a_position_of_the_parsed_file() -> None:
    content = as_file([read(1), 5, {"reads": [read(2), read(3)]}, read(4)])[:-40]
    parsed = parsed_file(content)
    assert parsed.found == 5
    for position, identity in zip(parsed.reads["position"], ids(parsed), strict=True):
        row = row_at([content], position)
        assert row is not None
        assert f'"LPREventID": "{identity}"' in row
        assert PHOTO not in row
    assert row_at([content], 1) == "5"
    assert row_at([content], parsed.found) is None
