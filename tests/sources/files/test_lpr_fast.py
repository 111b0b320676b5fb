"""Fast reading: what it accepts, the careful walk finds as well."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ncric_core.sources.files import undamaged
from ncric_core.sources.files.leaves import COORDINATES, PHOTOS, TEXTS
from ncric_core.sources.files.lpr_json import ParsedReads, parse, parse_with_care, raw_frame
from ncric_core.sources.files.undamaged import read_undamaged
from tests.conftest import examples
from tests.sources.files.lpr_files import PHOTO, as_file, read, rows

AT_TWO_PLACES = {"a": {"LPRCameraID": "1"}, "b": {"LPRCameraID": "2"}}


def test_whole_file_is_read_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undamaged, "_examples", {})  # an earlier test's file may have had these numbers as text
    leaves = read_undamaged(as_file([read(2), read(3, LPRCameraName=...)]))
    assert leaves is not None
    assert leaves["LPREventID"].to_list() == ["2", "3"]
    assert leaves["LPRCameraName"].to_list() == ["EB_AutoMall_from_Grimmer", None]
    assert leaves["LatitudeDegreeValue"].to_list() == [37, 37]
    assert leaves["position"].to_list() == [0, 1]


def test_reads_of_several_nestings_in_one_file_are_read_fast() -> None:
    content = as_file([{"LPREventID": "4"}, {"LPREventID": "5", "c": None}, {"c": {"LPRCameraID": "9"}}, {"c": {}}])
    assert read_undamaged(content) is not None
    found = [(row["LPREventID"], row["LPRCameraID"]) for row in rows(parse(content))]
    assert found == [("4", None), ("5", None), (None, "9"), (None, None)]


def test_reads_with_nothing_but_photos_are_rows() -> None:
    parsed = parse(as_file([{"LPRAdditionalPhoto": PHOTO}, {"LPRAdditionalPhoto": None}]))
    assert (parsed.found, parsed.photos) == (2, 1)
    assert [row["position"] for row in rows(parsed)] == [0, 1]
    assert {row[leaf] for row in rows(parsed) for leaf in TEXTS} == {None}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(as_file([read(1), read(2) | {"VehicleLicensePlateID": "X"}]), id="a leaf at two places"),
        pytest.param(as_file([read(1), AT_TWO_PLACES]), id="a leaf at two places within a read"),
        pytest.param(as_file([read(1), {"list": [{"LPRCameraID": "1"}]}]), id="a leaf in a list"),
        pytest.param(as_file([{"list": [{"x": [{"LPRCameraID": "1"}]}]}]), id="a leaf in a list in a list"),
        pytest.param(as_file([{"LPRCameraID": ["1"]}]), id="a leaf that is a list"),
        pytest.param(as_file([{"LPRCameraID": {"LPRCameraID": "1"}}]), id="a leaf that is an object"),
        pytest.param(as_file([read(1), read(2, LPRCameraID={"x": 1})]), id="an object where text is due"),
        pytest.param(as_file([read(1, LatitudeDegreeValue=True)]), id="true as a coordinate"),
        pytest.param(as_file([read(1, LatitudeDegreeValue=0)]), id="zero, which may have been -0"),
        pytest.param(as_file([read(1, LPRVehiclePlatePhoto=True)]), id="true as a photo"),
        pytest.param(as_file([read(1)])[:-20], id="cut"),
        pytest.param(as_file([read(1), None]), id="null among the reads"),
        pytest.param(as_file([read(1), 5]), id="a number among the reads"),
        pytest.param(as_file([read(1)]) + as_file([read(2)]), id="two arrays"),
        pytest.param(as_file([read(1)]).replace(b"Grimmer", b"Grimm\xff"), id="stray byte"),
        pytest.param(as_file([read(1)]).replace(b"Grimmer", b"Grimm\\u0000"), id="NUL"),
        pytest.param(as_file([read(1)]).replace(b"Grimmer", b"Grimm\\uD83D"), id="half of a surrogate pair"),
        pytest.param(json.dumps({"reads": [read(1)]}).encode(), id="wrapper"),
        pytest.param(json.dumps([[read(1)]]).encode(), id="array in an array"),
        pytest.param(b"[]", id="no reads"),
        pytest.param(b"", id="empty"),
        pytest.param(b"null", id="null"),
    ],
)
def test_what_only_a_careful_walk_can_read_is_refused(content: bytes) -> None:
    assert read_undamaged(content) is None


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"LPREventID": True}, id="true as an id"),
        pytest.param({"LPREventID": 84.0}, id="a whole fraction as an id"),
        pytest.param({"LPREventID": 1e-7}, id="an exponent as an id"),
        pytest.param({"LPREventID": 2**64 + 1}, id="a large number as an id"),
        pytest.param({"LatitudeDegreeValue": "37"}, id="a text as a coordinate"),
        pytest.param({"LatitudeDegreeValue": 37.9}, id="a fraction where whole numbers were"),
        pytest.param({"LPRVehiclePlatePhoto": 1234}, id="a number as a photo"),
        pytest.param({"agencyName": ...}, id="a leaf less"),
        pytest.param({"nested": {"new": {"deep": [1, {"x": None}]}}}, id="objects at a new place"),
        pytest.param({"LPRCameraID": ..., "other": {"LPRCameraID": "7"}}, id="a leaf at a new place"),
    ],
)
def test_file_that_begins_like_those_before_it_is_read_as_if_it_came_first(odd: dict[str, Any]) -> None:
    usual, content = as_file([read(1), read(2)]), as_file([read(1), read(2), read(3, **odd), read(4)])
    parse(usual)
    assert meaning(parse(content)) == meaning(parse_with_care(content))
    parse(usual)  # and the other way round: the odd one is the example now
    assert meaning(parse(content)) == meaning(parse_with_care(content))
    assert meaning(parse(usual)) == meaning(parse_with_care(usual))


@pytest.mark.slow
@pytest.mark.parametrize("depth", [40, 900, 5000, 2_000_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_without_end_is_refused_before_polars_reads_it(opening: bytes, closing: bytes, depth: int) -> None:
    assert read_undamaged(b'[{"LPREventID":"1","x":' + opening * depth + b"1" + closing * depth + b"}]") is None
    assert read_undamaged(opening * depth + b"1" + closing * depth) is None


def test_brackets_in_texts_are_read_all_the_same() -> None:
    for name in ("[EB] {1}", "EB ]", "}{"):
        assert [row["LPRCameraName"] for row in rows(parse(as_file([read(1, LPRCameraName=name)])))] == [name]


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
def files(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draws a file's reads. All are nested in the same way, but some leaves may be missing."""
    names = [*TEXTS, *PHOTOS, "unknown", "a", "b"]
    places = [(leaf, draw(paths)) for leaf in draw(st.lists(st.sampled_from(names), min_size=1, max_size=12))]
    values = draw(st.sampled_from([plain, scalars, scalars | st.lists(scalars, max_size=2) | st.builds(dict)]))

    def one() -> dict[str, Any]:
        node: dict[str, Any] = {}
        for leaf, path in places:
            if draw(st.integers(0, 9)):
                put(node, path, leaf, draw(values))
        return node

    return [one() for _ in range(draw(st.integers(1, 4)))]


def meaning(parsed: ParsedReads) -> Any:
    """Returns what was parsed, with coordinates as numbers: 58.0 equals 58, and -0 equals 0 except in degrees."""
    found = raw_frame([parsed]).to_dicts()
    for row in found:
        for leaf in COORDINATES:
            with suppress(TypeError, ValueError):
                number = float(row[leaf])
                row[leaf] = repr(number if leaf.endswith("DegreeValue") else number + 0.0)
    return found, parsed.rejects, parsed.photos, parsed.bad_photos


@given(files(), st.booleans(), st.sampled_from([None, "\t"]))
@settings(
    max_examples=examples(1200),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
def test_fast_reading_gives_what_careful_reading_gives(
    reads: list[dict[str, Any]], ascii_only: bool, indent: str | None
) -> None:
    content = json.dumps(reads, ensure_ascii=ascii_only, indent=indent).encode()
    assert meaning(parse(content)) == meaning(parse_with_care(content))


@given(st.data())
@settings(max_examples=examples(300), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_fast_reading_of_keys_given_twice_gives_what_careful_reading_gives(data: st.DataObject) -> None:
    """Photos are only counted: those of the first key."""
    values = st.sampled_from(["null", '""', '"None"', '"null"', '"7A"', "84", '"x, \\"LPRCameraID\\": null"'])
    names = ["LPREventID", "VehicleLicensePlateID", "LPRCameraID", "LatitudeMinuteValue", "other"]
    fields = st.lists(st.tuples(st.sampled_from(names), values), max_size=6)
    blank = data.draw(st.sampled_from(["", " ", "\n\t"]))

    def written(depth: int) -> str:
        parts = [f'"{name}":{blank}{value}' for name, value in data.draw(fields)]
        parts += [f'"in":{blank}{written(depth - 1)}' for _ in range(data.draw(st.integers(0, 2)) if depth else 0)]
        return "{" + f"{blank},{blank}".join(data.draw(st.permutations(parts))) + blank + "}"

    reads = ['{"LPREventID":"1","VehicleLicensePlateID":"7","LPRCameraID":"8","LatitudeMinuteValue":1,"in":{}}']
    reads += [written(1) for _ in range(data.draw(st.integers(1, 3)))]
    content = f"[{','.join(reads)}]".encode()
    assert meaning(parse(content)) == meaning(parse_with_care(content))


@given(st.data())
@settings(max_examples=examples(400), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_fast_reading_of_a_damaged_file_gives_what_careful_reading_gives(data: st.DataObject) -> None:
    content = as_file([read(1, LPRVehiclePlatePhoto=PHOTO[:40]), read(2, LPREventID=2, LPRVehiclePlatePhoto="")])
    at = data.draw(st.integers(0, len(content)))
    lost = data.draw(st.integers(0, 3))
    damage = data.draw(
        st.binary(max_size=2) | st.sampled_from([b"\\", b"\\u0000", b"\\ud83d", b"-0", b"0", b'"', b","])
    )
    content = content[:at] + damage + content[at + lost :]
    assert meaning(parse(content)) == meaning(parse_with_care(content))
