"""The fast readers: what they accept is what the careful walk would have found."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ncric_core.sources.leaves import COORDINATES, LEAVES, TEXTS
from ncric_core.sources.lpr_json import ParsedReads, parse, raw_frame
from ncric_core.sources.shapes import DEEPEST, FastReader, learn
from tests.unit.sources.lpr_files import PHOTO, as_file, read, rows

AT_TWO_PLACES = {"a": {"LPRCameraID": "1"}, "b": {"LPRCameraID": "2"}}


def learned(*reads: dict[str, Any]) -> list[FastReader]:
    readers: list[FastReader] = []
    parse(as_file(reads), readers)
    return readers


def test_second_file_of_a_shape_is_read_fast() -> None:
    (reader,) = learned(read(1))
    content = as_file([read(2), read(3, LPRCameraName=...)])
    columns = reader(content)
    assert columns is not None
    assert columns["LPREventID"] == ["2", "3"]
    assert columns["LPRCameraName"] == ["EB_AutoMall_from_Grimmer", None]
    assert columns["LatitudeDegreeValue"] == [37.0, 37.0]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(as_file([read(1) | {"new": 1}]), id="a name never seen"),
        pytest.param(as_file([read(1) | {"LPRCapture": None, "VehicleLicensePlateID": "X"}]), id="a leaf elsewhere"),
        pytest.param(as_file([read(1, LPRCameraID={"x": 1})]), id="an object where text is due"),
        pytest.param(as_file([read(1, LPRCameraID=True)]), id="another type"),
        pytest.param(as_file([read(1, LPRCameraID=1.5)]), id="a fraction as an id"),
        pytest.param(as_file([read(1, LatitudeDegreeValue=0)]), id="zero, which may have been -0"),
        pytest.param(as_file([read(1)])[:-20], id="cut"),
        pytest.param(b"\xef\xbb\xbf" + as_file([read(1)]), id="byte-order mark"),
        pytest.param(as_file([read(1)]) + as_file([read(2)]), id="two arrays"),
        pytest.param(as_file([read(1)]).replace(b"Grimmer", b"Grimm\xff"), id="stray byte"),
        pytest.param(json.dumps({"reads": [read(1)]}).encode(), id="wrapper"),
    ],
)
def test_reader_refuses_what_it_was_not_made_for(content: bytes) -> None:
    (reader,) = learned(read(1))
    assert reader(content) is None


@pytest.mark.parametrize(
    "node",
    [
        pytest.param({}, id="nothing in it"),
        pytest.param(AT_TWO_PLACES, id="a leaf at two places"),
        pytest.param({"list": [{"LPRCameraID": "1"}]}, id="a list of objects"),
        pytest.param({"LPRCameraID": ["1"]}, id="a leaf that is a list"),
        pytest.param({"LPRCameraID": {"LPRCameraID": "1"}}, id="a leaf that is an object"),
    ],
)
def test_shape_that_only_the_careful_walk_can_read_is_not_learned(node: dict[str, Any]) -> None:
    assert learn([node], LEAVES) is None


def test_nesting_deeper_than_is_sensible_is_not_learned() -> None:
    node: dict[str, Any] = {"LPREventID": "1"}
    for _ in range(DEEPEST - 1):
        node = {"a": node}
    assert learn([node], LEAVES) is not None
    assert learn([{"a": node}], LEAVES) is None


def test_objects_that_contradict_one_another_are_not_learned() -> None:
    assert learn([{"a": [1]}, {"a": {"b": 1}}], LEAVES) is None
    assert learn([{"a": {"b": 1}}, {"a": [1]}], LEAVES) is None


def test_object_that_is_sometimes_null_or_missing_is_learned() -> None:
    readers = learned(
        {"LPREventID": "1", "c": None}, {"LPREventID": "2", "c": {"LPRCameraID": "8"}}, {"LPREventID": "3"}
    )
    content = as_file([{"LPREventID": "4"}, {"LPREventID": "5", "c": None}, {"c": {"LPRCameraID": "9"}}, {"c": {}}])
    assert readers[0](content) is not None
    found = [(row["LPREventID"], row["LPRCameraID"]) for row in rows(parse(content, readers))]
    assert found == [("4", None), ("5", None), (None, "9"), (None, None)]


def test_damaged_file_is_not_learned() -> None:
    readers: list[FastReader] = []
    parse(as_file([read(1), read(2)])[:-30], readers)
    parse(as_file([read(1), 5]), readers)
    assert readers == []


def test_latest_shape_is_tried_first_and_eight_are_kept() -> None:
    shapes = [{f"extra{number}": number} | read(number) for number in range(10)]
    readers: list[FastReader] = []
    for shape in shapes:
        parse(as_file([shape]), readers)
    assert len(readers) == 8
    assert readers[0](as_file([shapes[9]])) is not None
    parse(as_file([shapes[5]]), readers)
    assert len(readers) == 8
    assert readers[0](as_file([shapes[5]])) is not None


def test_empty_array_is_read_by_any_reader() -> None:
    assert parse(b"[]", learned(read(1))).found == 0


# Any shape and any values

texts = st.text('7A c’é😀\\"/{}[]:,\n\t\x7f\u2028', max_size=8)
scalars = st.one_of(
    st.none(),
    st.sampled_from(["None", "null", "", "-0", "0", "37", "1e3", PHOTO[:40], PHOTO[:39], "/+8="]),
    texts,
    st.integers(-200, 200),
    st.sampled_from([2**63, 2**64, -(2**63) - 1, 10**30, 0, True, False, 0.0, -0.0, 1e22, 1e-7, 0.1, 37.0]),
    st.floats(allow_nan=False, allow_infinity=False),
)
plain = st.one_of(st.none(), texts, st.integers(-200, 200).filter(bool))
paths = st.lists(st.sampled_from(["a", "b", "c"]), max_size=3).map(tuple)


def put(node: dict[str, Any], path: tuple[str, ...], leaf: str, value: Any) -> None:
    for key in path:
        node = node.setdefault(key, {})
        if not isinstance(node, dict):
            return
    node[leaf] = value


@st.composite
def two_files(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Reads of one vendor's nesting in two files; now and then some of it differs."""
    names = [*TEXTS, *LEAVES.raw, "unknown", "a", "b"]
    places = [(leaf, draw(paths)) for leaf in draw(st.lists(st.sampled_from(names), min_size=1, max_size=12))]
    values = draw(st.sampled_from([plain, scalars, scalars | st.lists(scalars, max_size=2) | st.builds(dict)]))

    def one() -> dict[str, Any]:
        node: dict[str, Any] = {}
        for leaf, path in places:
            if draw(st.integers(0, 9)):
                put(node, path, leaf, draw(values))
        return node

    return [[one() for _ in range(draw(st.integers(1, 3)))] for _ in range(2)]  # type: ignore[return-value]


def meaning(parsed: ParsedReads) -> Any:
    """Rows with coordinates as numbers: 58.0 and 58 are the same, and so are 0 and -0 but for degrees (feeds.md)."""
    found = raw_frame([parsed]).to_dicts()
    for row in found:
        for leaf in COORDINATES:
            with suppress(TypeError, ValueError):
                number = float(row[leaf])
                row[leaf] = repr(number if leaf.endswith("DegreeValue") else number + 0.0)
    return found, parsed.rejects, parsed.photos, parsed.bad_photos


@given(two_files(), st.booleans(), st.sampled_from([None, "\t"]))
@settings(max_examples=700, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_fast_reading_gives_what_careful_reading_gives(
    files: tuple[list[dict[str, Any]], list[dict[str, Any]]], ascii_only: bool, indent: str | None
) -> None:
    contents = [json.dumps(reads, ensure_ascii=ascii_only, indent=indent).encode() for reads in files]
    readers: list[FastReader] = []
    for content in (*contents, *contents):
        assert meaning(parse(content, readers)) == meaning(parse(content, []))


@given(st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_fast_reading_of_a_damaged_file_gives_what_careful_reading_gives(data: st.DataObject) -> None:
    readers = learned(read(1, LPRVehiclePlatePhoto=PHOTO[:40]))
    content = as_file([read(1, LPRVehiclePlatePhoto=PHOTO[:40]), read(2, LPREventID=2, LPRVehiclePlatePhoto="")])
    at = data.draw(st.integers(0, len(content)))
    lost = data.draw(st.integers(0, 3))
    damage = data.draw(
        st.binary(max_size=2) | st.sampled_from([b"\\", b"\\u0000", b"\\ud83d", b"-0", b"0", b'"', b","])
    )
    content = content[:at] + damage + content[at + lost :]
    assert meaning(parse(content, list(readers))) == meaning(parse(content, []))
