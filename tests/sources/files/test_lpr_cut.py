"""Files cut off anywhere, and damaged anywhere: every complete object is a read, and no value is loaded short."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ncric_core.sources.files import salvage
from ncric_core.sources.files.leaves import ESSENTIAL, PHOTOS, TEXTS
from ncric_core.sources.files.lpr_json import ParsedReads, parse, parse_parts
from tests.conftest import examples
from tests.sources.files.lpr_files import PHOTO, as_file, ids, parsed_file, read, reasons, rows


def test_cut_inside_photo_keeps_the_read_without_it() -> None:
    content = as_file([read(1), read(2)])
    parsed = parsed_file(content[: content.rindex(PHOTO[-20:].encode())])
    assert ids(parsed) == ["1", "2"]
    assert rows(parsed)[1]["VehicleLicensePlateID"] == "7ABC002"
    assert (parsed.photos, parsed.bad_photos, parsed.rejects) == (1, 0, [])


def test_cut_before_the_plate_is_a_reject_with_what_arrived() -> None:
    content = as_file([read(1), read(2)])
    parsed = parsed_file(content[: content.rindex(b"7ABC002") + 4])
    assert ids(parsed) == ["1"]
    (reject,) = parsed.rejects
    assert (reject.position, reject.reason) == (1, "cut_off")
    assert reject.detail == "cut off; did not arrive whole: VehicleLicensePlateID"
    assert reject.agency_name == "Santa Clara County Sheriff’s Office"
    assert reject.received.startswith('{\n\t\t"LPREventID": "2"')
    assert reject.received.endswith('"VehicleLicensePlateID": "7ABC')


def test_cut_inside_the_agency_name_drops_the_name_and_nothing_else() -> None:
    flat = [{"LPREventID": "1", "eventDate": "2022-10-11", "eventTime": "08:13:35", "VehicleLicensePlateID": "7ABC123"}]
    content = as_file([flat[0] | {"agencyAcronym": "SCSO", "agencyName": "Santa Clara County Sheriff’s Office"}])
    parsed = parsed_file(content[: content.index("’".encode()) + 1])  # inside the apostrophe's three bytes
    (row,) = rows(parsed)
    assert (row["agencyName"], row["agencyAcronym"]) == (None, "SCSO")


def test_cut_between_objects_and_before_the_bracket_costs_nothing() -> None:
    content = as_file([read(1), read(2)])
    for cut in (len(content) - 1, len(content) - 2, content.index(b"\n\t},\n") + 3, content.index(b"\n\t},\n") + 4):
        parsed = parsed_file(content[:cut])
        assert ids(parsed) == (["1", "2"] if cut > len(content) - 5 else ["1"])
        assert parsed.rejects == []


def test_cut_number_is_dropped_and_a_whole_one_is_kept() -> None:
    numbers = {"LPREventID": 12, "eventDate": "2022-10-11", "eventTime": "08:13:35", "VehicleLicensePlateID": 777}
    content = json.dumps(numbers).encode()
    assert reasons(parsed_file(content[:-1])) == [(0, "cut_off")]  # 777 may have been 7771
    for ended in (content, content[:-1] + b",", content[:-1] + b" ", content[:-1] + b"\n\t"):
        assert [row["VehicleLicensePlateID"] for row in rows(parsed_file(ended))] == ["777"]


def test_cut_read_with_a_null_plate_is_a_read() -> None:
    content = as_file([{leaf: None if leaf == ESSENTIAL[3] else "1" for leaf in ESSENTIAL} | {"LPRCameraID": "84"}])
    (row,) = rows(parsed_file(content[:-6]))
    assert (row["VehicleLicensePlateID"], row["LPRCameraID"]) == (None, None)


def test_cut_wrapper_gives_the_reads_within() -> None:
    content = json.dumps({"status": "ok", "reads": [read(1), read(2), read(3)]}).encode()
    parsed = parsed_file(content[: content.rindex(b"LatitudeDegreeValue")])
    assert ids(parsed) == ["1", "2"]
    assert [reject.reason for reject in parsed.rejects] == ["cut_off", "cut_off"]  # the wrapper's head, and read 3


def test_string_that_took_in_the_next_object_is_no_value() -> None:
    first = '[{"LPREventID": "1", "eventDate": "2022-10-11", "eventTime": "08:13:35", "VehicleLicensePlateID": "7AB'
    second = '{"LPREventID": "2", "eventDate": "2022-10-11", "eventTime": "08:13:35", "VehicleLicensePlateID": "8X'
    parsed = parsed_file((first + second).encode())
    assert ids(parsed) == []
    assert reasons(parsed) == [(0, "cut_off"), (1, "cut_off")]


def test_number_that_runs_into_a_key_is_no_value() -> None:
    content = (
        b'[{"LPREventID": "1", "eventDate": "d", "eventTime": "t", "LPRCameraID": 8"VehicleLicensePlateID": "7ABC1"}]'
    )
    (row,) = rows(parsed_file(content))
    assert (row["LPRCameraID"], row["VehicleLicensePlateID"]) == (None, "7ABC1")


def test_brace_inside_a_cut_string_closes_nothing() -> None:
    parsed = parsed_file(b'[{"LPREventID": "1", "eventDate": "2022-10-11", "LPRCameraName": "a}7')
    assert reasons(parsed) == [(0, "cut_off")]


def test_read_behind_one_cut_after_a_colon_is_a_read() -> None:
    content = as_file([read(1), read(2)])
    cut = content.index(b'"LPRCameraID": ') + len(b'"LPRCameraID": ')
    assert ids(parsed_file(content[:cut] + content[content.index(b"\n\t},\n\t{") + 6 :])) == ["2"]


def test_escape_that_does_not_exist_leaves_the_text_as_received() -> None:
    content = as_file([read(1), read(2)]).replace(b"7ABC001", b"7AB\\C001")
    assert [row["VehicleLicensePlateID"] for row in rows(parsed_file(content))] == ["7AB\\C001", "7ABC002"]


# Cut at any byte


@dataclass
class Written:
    """A file that is written here, with the place of each object and of each leaf's value."""

    text: bytes = b"["
    objects: list[tuple[int, int]] = field(default_factory=list)
    leaves: list[dict[str, tuple[Any, int]]] = field(default_factory=list)  # value, and the place where it is whole

    def add(self, node: dict[str, Any], indent: bytes) -> None:
        self.text += b"," * bool(self.objects) + indent
        self.leaves.append({})
        start = len(self.text)
        self._write(node, indent)
        self.objects.append((start, len(self.text)))

    def _write(self, node: dict[str, Any], indent: bytes) -> None:
        self.text += b"{"
        for number, (key, value) in enumerate(node.items()):
            self.text += b"," * bool(number) + indent + json.dumps(key).encode() + b": "
            if isinstance(value, dict):
                self._write(value, indent + b"\t" * bool(indent))
            else:
                self.text += json.dumps(value, ensure_ascii=False).encode()
                ends = len(self.text) + (0 if isinstance(value, str) else 1)  # only the next byte ends a number
                self.leaves[-1][key] = (value, ends)
        self.text += indent + b"}"


words = st.one_of(
    st.text('7ABC xyz’é{}[]:,"\\\n\t', max_size=12),
    st.integers(-999, 99999),
    st.floats(-200, 200, allow_nan=False).map(lambda number: round(number, 3) or 0.5),
    st.none(),
)


@st.composite
def nested_reads(draw: st.DrawFn) -> list[dict[str, Any]]:
    reads: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 3))):
        leaves = draw(st.permutations([*TEXTS, *PHOTOS]))
        node: dict[str, Any] = {}
        inner: dict[str, Any] = {}
        for leaf in leaves:
            value = PHOTO[:40] if leaf in PHOTOS else draw(words)
            (inner if draw(st.booleans()) else node)[leaf] = f"id {number}" if leaf == "LPREventID" else value
        node["inner"] = {"innermost": inner} if draw(st.booleans()) else inner
        reads.append(node)
    return reads


def expected_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value).removesuffix(".0")


@given(nested_reads(), st.sampled_from([b"", b"\n\t", b"\r\n  "]), st.data())
@settings(max_examples=examples(300), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_file_cut_at_any_byte_gives_all_that_arrived_whole(
    reads: list[dict[str, Any]], indent: bytes, data: st.DataObject
) -> None:
    written = Written()
    for node in reads:
        written.add(node, indent)
    written.text += b"\n]\n"
    cut = data.draw(st.integers(0, len(written.text)))
    parsed = parsed_file(written.text[:cut])

    expected = []
    begun = 0
    for (start, end), leaves in zip(written.objects, written.leaves, strict=True):
        begun += start < cut
        arrived = {leaf: value for leaf, (value, ends) in leaves.items() if end <= cut or ends <= cut}
        if end <= cut or (start < cut and all(leaf in arrived for leaf in ESSENTIAL)):
            expected.append({leaf: expected_text(arrived.get(leaf)) for leaf in TEXTS})
    assert [{leaf: row[leaf] for leaf in TEXTS} for row in rows(parsed)] == expected
    assert parsed.found == begun
    assert parsed.reads["position"].to_list() == list(range(len(expected)))
    assert {reject.reason for reject in parsed.rejects} <= {"cut_off"}


@given(st.data())
@settings(max_examples=examples(300), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_file_with_bytes_lost_keeps_the_reads_beside_and_invents_no_value(data: st.DataObject) -> None:
    reads = [read(number, LPRVehiclePlatePhoto=PHOTO[:80]) for number in range(1, 5)]
    whole = {json.dumps({leaf: row[leaf] for leaf in ESSENTIAL}) for row in rows(parsed_file(reads))}
    content = as_file(reads)
    starts = [content.index(f'"LPREventID": "{number}"'.encode()) - 4 for number in range(1, 5)]
    at = data.draw(st.integers(starts[1], starts[3] - 1))
    lost = data.draw(st.integers(1, starts[3] - at))
    parsed = parsed_file(content[:at] + content[at + lost :])
    found = rows(parsed)
    if at >= starts[1] and at + lost <= starts[3]:
        assert found[0]["LPREventID"] == "1"
        assert found[-1]["LPREventID"] == "4"
    for row in (found[0], found[-1]):
        assert json.dumps({leaf: row[leaf] for leaf in ESSENTIAL}) in whole


@given(st.binary(max_size=400) | st.text('{}[]:,"\\ \n0123456789.e-abLPREventID', max_size=200).map(str.encode))
@example(b'{"LPREventID":')
@example(b'[1.5, "\\')
@settings(max_examples=examples(500), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_bytes_are_an_error(content: bytes) -> None:
    parsed = parsed_file(content)
    assert sorted([*parsed.reads["position"], *(reject.position for reject in parsed.rejects)]) == list(
        range(parsed.found)
    )
    for row in [*rows(parsed), *({"received": reject.received} for reject in parsed.rejects)]:
        for value in row.values():
            assert "\0" not in str(value)
            str(value).encode()


# In parts


def joined(parts: list[ParsedReads]) -> tuple[list[dict[str, Any]], list[Any], int, int]:
    reads = [{**row, "file": 0} for row in rows(*parts)]
    rejects = [reject for part in parts for reject in part.rejects]
    return reads, rejects, sum(part.photos for part in parts), sum(part.bad_photos for part in parts)


@given(st.data())
@settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_file_in_parts_gives_what_the_whole_file_gives(data: st.DataObject) -> None:
    reads = [read(number, LPRVehiclePlatePhoto=PHOTO[:80]) for number in range(1, 8)]
    content = as_file([*reads[:3], 5, {"reads": reads[3:5]}, "text", *reads[5:], 1.5])
    content = content[: data.draw(st.integers(0, len(content)))]
    at = data.draw(st.integers(0, len(content)))
    content = content[:at] + data.draw(st.sampled_from([b"", b"\xff", b'"', b"}", b"{", b"5"])) + content[at:]
    size = data.draw(st.integers(1, 700))
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    part = data.draw(st.integers(1, 9))
    parts = list(parse_parts(pieces, part))
    assert joined(parts) == joined([parse(content)])
    assert all(one.found >= part for one in parts[:-1])


def test_empty_file_in_parts_is_one_empty_part() -> None:
    (part,) = parse_parts([], 10)
    assert part.found == 0


def test_parts_are_of_the_size_asked_for() -> None:
    parts = list(parse_parts([as_file([read(number) for number in range(10)])], 4))
    assert [part.found for part in parts] == [4, 4, 2]
    assert [part.reads["position"][0] for part in parts] == [0, 4, 8]


def test_broken_object_in_a_file_too_large_to_hold_costs_that_object_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(salvage, "MAX_OBJECT", 5000)
    reads = [read(number, LPRVehiclePlatePhoto=PHOTO[:80]) for number in range(100)]
    content = as_file(reads).replace(b"7ABC020", b'7A"BC020').replace(b'"eventTime"', b'\x01"eventTime"', 1)
    held = 0

    def pieces() -> Iterator[bytes]:
        nonlocal held
        for start in range(0, len(content), 700):
            held = max(held, start - sum(part.found for part in parts) * 900)
            yield content[start : start + 700]

    parts: list[ParsedReads] = []
    for part in parse_parts(pieces(), 5):
        parts.append(part)
    found = [row["LPREventID"] for part in parts for row in rows(part)]
    assert found == [str(number) for number in range(100) if number != 20]
    assert [reject.position for part in parts for reject in part.rejects] == [20]
    assert held < 40_000


def test_a_cut_read_says_how_much_of_its_row_arrived() -> None:
    content = as_file([read(1), read(2)])
    begun = content.rindex(b"{", 0, content.rindex(b'"LPREventID"'))
    first, last = rows(parsed_file(content[: content.rindex(PHOTO[-20:].encode())]))
    assert first["cut_at"] is None
    arrived = content[begun : content.rindex(PHOTO[-20:].encode())]
    assert last["cut_at"] == len(arrived.decode())
