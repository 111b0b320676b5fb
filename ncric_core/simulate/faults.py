"""Damages files on purpose: each fault of feeds.md, section 1, with what must still come out of the file."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from ncric_core.simulate.drafts import (
    CAMERA,
    EVENT_TIME,
    LATITUDE,
    LONGITUDE,
    PLATE,
    READ_ID,
    RECEIVED,
    STANDARD,
    Draft,
    Row,
)
from ncric_core.vocabulary import Reason

Fault = Callable[[Draft], None]


def _set(row: Row, leaf: str, value: str) -> None:
    """Sets a leaf of a row to another value (JSON text)."""
    row.text, count = re.subn(rf'("{leaf}": )(?:"[^"]*"|[^,\n]*)', lambda found: found[1] + value, row.text, count=1)
    if not count:
        raise ValueError(f"the row has no {leaf}")


def _no_coordinates(row: Row) -> None:
    row.become(LATITUDE, None)
    row.become(LONGITUDE, None)


# ---- faults of rows


def template_id(draft: Draft) -> None:
    _set(draft.rows[1], "LPREventID", '"${read.id}"')
    draft.rows[1].refuse(Reason.TEMPLATE_ID)


def null_id(draft: Draft) -> None:
    _set(draft.rows[1], "LPREventID", "null")
    draft.rows[1].refuse(Reason.NO_ID)


def null_words(draft: Draft) -> None:
    """Sets plates and a camera's id to words that mean null."""
    for row, word in zip(draft.rows[1:4], ('"None"', '"null"', '""'), strict=True):
        _set(row, "VehicleLicensePlateID", word)
        row.become(PLATE, None)
    _set(draft.rows[4], "LPRCameraID", '"None"')
    draft.rows[4].become(CAMERA, None)


def other_types(draft: Draft) -> None:
    """Sets a plate to a number, and coordinates to text."""
    _set(draft.rows[1], "VehicleLicensePlateID", "7654321")
    draft.rows[1].become(PLATE, "7654321")
    for leaf in ("LatitudeDegreeValue", "LongitudeDegreeValue"):
        number = re.search(rf'"{leaf}": "?(-?\d+)', draft.rows[2].text)
        if number is not None:
            _set(draft.rows[2], leaf, f'"{number[1]}"')


def id_in_words(draft: Draft) -> None:
    """Sets ids to words that mean null, and an id to a number."""
    for row, word in zip(draft.rows[1:4], ('"None"', '"null"', '""'), strict=True):
        _set(row, "LPREventID", word)
        row.refuse(Reason.NO_ID)
    _set(draft.rows[4], "LPREventID", re.findall(r'"LPREventID": "(\d+)"', draft.rows[4].text)[0])


def no_agency_name(draft: Draft) -> None:
    """Removes the agency's name. The acronym stands in for it (ncric_core.sources.files.clean)."""
    for row, word in zip(draft.rows[1:3], ("null", '"None"'), strict=True):
        acronym = re.findall(r'"agencyAcronym": "([^"]*)"', row.text)[0]
        _set(row, "agencyName", word)
        row.become(RECEIVED, acronym)
        row.become(STANDARD, acronym)


def scalars(draft: Draft) -> None:
    """Adds elements to the array that are not objects."""
    draft.rows[3:3] = [Row(text, None, Reason.NOT_OBJECT) for text in ("17", '"text"', "null")]


def other_nesting(draft: Draft) -> None:
    """Moves the photos under another key, beside an unknown leaf, as a vendor's next version may do."""
    for row in draft.rows:
        row.text = row.text.replace('"images": {', '"version": 2,\n\t\t"media": {')


def minus_zero(draft: Draft) -> None:
    for leaf, value in (("Degree", "-0"), ("Minute", "30"), ("Second", "0")):  # -0 as a number; below as text
        _set(draft.rows[2], f"Longitude{leaf}Value", value)
    draft.rows[2].become(LONGITUDE, -0.5)
    for leaf, value in (
        ("LongitudeDegreeValue", '"-0"'),
        ("LongitudeMinuteValue", "30"),
        ("LongitudeSecondValue", "36"),
    ):
        _set(draft.rows[1], leaf, value)
    draft.rows[1].become(LONGITUDE, -0.51)


def null_part(draft: Draft) -> None:
    for row, word in zip(draft.rows[1:5], ("null", '"None"', '"null"', '""'), strict=True):
        _set(row, "LatitudeMinuteValue", word)
        _no_coordinates(row)


def bad_photo(draft: Draft) -> None:
    _set(draft.rows[1], "LPRVehiclePlatePhoto", '"no=base64!"')
    _set(draft.rows[2], "LPRAdditionalPhoto", '""')


def bad_dates(draft: Draft) -> None:
    year = draft.end.year
    for row, leaf, value, reason in (
        (draft.rows[1], "eventTime", '"25:99:00"', Reason.BAD_DATE),
        (draft.rows[2], "eventDate", "null", Reason.BAD_DATE),
        (draft.rows[3], "eventDate", '"2000-01-01"', Reason.TOO_OLD),
        (draft.rows[4], "eventDate", f'"{year + 1}-12-30"', Reason.FUTURE),
    ):
        _set(row, leaf, value)
        row.refuse(reason)


def object_for_text(draft: Draft) -> None:
    _set(draft.rows[1], "VehicleLicensePlateID", '{"value": 1}')
    draft.rows[1].refuse(Reason.NOT_TEXT)


def long_plate(draft: Draft) -> None:
    _set(draft.rows[1], "VehicleLicensePlateID", f'"{"7" * 500}"')
    draft.rows[1].refuse(Reason.TOO_LONG)


def twice_in_one_file(draft: Draft) -> None:
    draft.rows.insert(5, Row(draft.rows[2].text, draft.rows[2].truth))


def same_id_other_time(draft: Draft) -> None:
    """Adds another read under the same id, as after a restart of the vendor's counter."""
    row = Row(draft.rows[2].text, draft.rows[2].truth)
    if row.truth is not None:
        moment = row.truth[1] - timedelta(hours=30)
        _set(row, "eventDate", f'"{moment:%Y-%m-%d}"')
        _set(row, "eventTime", f'"{moment:%H:%M:%S}"')
        row.become(EVENT_TIME, moment)
    draft.rows.append(row)


def late_by_days(draft: Draft) -> None:
    """Sets reads back by four days, as from cameras that were offline."""
    for row in draft.rows[3:8]:
        if row.truth is not None:
            moment = row.truth[1] - timedelta(days=4)
            _set(row, "eventDate", f'"{moment:%Y-%m-%d}"')
            row.become(EVENT_TIME, moment)


# ---- faults of files


def cut_inside_plate(draft: Draft) -> None:
    _cut(draft, '"VehicleLicensePlateID": "7')
    draft.rows[-1].refuse(Reason.CUT_OFF)


def cut_inside_camera_id(draft: Draft) -> None:
    """Cuts the last row inside its camera's id. It is still a read, without the leaf that was cut."""
    _set(draft.rows[-1], "LPRCameraID", '"12345"')
    _cut(draft, '"LPRCameraID": "12')
    draft.rows[-1].become(CAMERA, None)
    _no_coordinates(draft.rows[-1])


def cut_inside_photo(draft: Draft) -> None:
    _set(draft.rows[-1], "LPRVehiclePlatePhoto", f'"{"/9j/4AAQ" * 200}"')
    _cut(draft, '"LPRVehiclePlatePhoto": "/9j/4AAQSk')


def cut_between_objects(draft: Draft) -> None:
    draft.content = ("[\n" + ",\n".join(row.text for row in draft.rows) + ",\n").encode()


def cut_before_last_bracket(draft: Draft) -> None:
    draft.content = draft.written().rstrip().removesuffix(b"]")


def _cut(draft: Draft, after: str) -> None:
    """Cuts the file inside the last row, after as many bytes of a leaf and its value as `after` is long."""
    text = draft.written()
    leaf = after[: after.index(": ") + 2].encode()
    draft.content = text[: text.rindex(leaf) + len(after.encode())]


def empty(draft: Draft) -> None:
    draft.rows, draft.content = [], b""


def not_json(draft: Draft) -> None:
    draft.rows, draft.content = [Row("", None, Reason.NOT_JSON)], b"<html><body>502 Bad Gateway</body></html>\n"


def byte_order_mark(draft: Draft) -> None:
    draft.content = b"\xef\xbb\xbf" + draft.written()


def stray_byte(draft: Draft) -> None:
    draft.content = draft.written().replace(b'"LPRCameraName": "', b'"LPRCameraName": "\xff', 1)


ALL: Final[tuple[Fault, ...]] = (
    template_id,
    null_id,
    id_in_words,
    no_agency_name,
    scalars,
    other_nesting,
    null_words,
    other_types,
    minus_zero,
    null_part,
    bad_photo,
    bad_dates,
    object_for_text,
    long_plate,
    twice_in_one_file,
    same_id_other_time,
    late_by_days,
    cut_inside_plate,
    cut_inside_camera_id,
    cut_inside_photo,
    cut_between_objects,
    cut_before_last_bracket,
    empty,
    not_json,
    byte_order_mark,
    stray_byte,
)
SMALLEST_FILE: Final = 10  # rows that a file needs for any of the faults


def read_key(row: Row) -> tuple[object, object] | None:
    """Returns the id and time of the row's read, which make two rows the same read; None for a reject."""
    return None if row.truth is None else (row.truth[READ_ID], row.truth[EVENT_TIME])
