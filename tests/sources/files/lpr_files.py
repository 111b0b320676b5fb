"""LPR files for the tests: reads nested as by the vendors, files written as by them, and parsed reads as dicts."""

import base64
import json
from collections.abc import Sequence
from typing import Any

from ncric_core.sources.files.lpr_json import ParsedReads, parse, raw_frame

PHOTO = base64.b64encode(b"\xff\xd8\xff\xe0 a JPEG \xff\xd9" * 60).decode()

TOP = ("LPREventID", "eventDate", "eventTime", "agencyName")
PLATE_PART = ("VehicleLicensePlateID", "LPRVehiclePlatePhoto")


def read(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Returns a read with every leaf. `changes` sets leaves to other values, or leaves them out (`...`)."""
    leaves = {
        "LPREventID": str(number),
        "eventDate": "2022-10-11",
        "eventTime": "08:13:35",
        "agencyName": "Santa Clara County Sheriff’s Office",
        "agencyAcronym": "SCSO",
        "agencyOriNumber": "CA0430000",
        "LPRCameraID": "84",
        "LPRCameraName": "EB_AutoMall_from_Grimmer",
        "LatitudeDegreeValue": 37,
        "LatitudeMinuteValue": 30,
        "LatitudeSecondValue": 12.34,
        "LongitudeDegreeValue": -121,
        "LongitudeMinuteValue": 58,
        "LongitudeSecondValue": 1.5,
        "VehicleLicensePlateID": f"7ABC{number:03}",
        "LPRVehiclePlatePhoto": PHOTO,
        "LPRAdditionalPhoto": None,
    } | changes
    kept = {leaf: value for leaf, value in leaves.items() if value is not ...}
    top = {leaf: kept.pop(leaf) for leaf in TOP if leaf in kept}
    plate = {leaf: kept.pop(leaf) for leaf in PLATE_PART if leaf in kept}
    return top | {"LPRCapture": {"LPRCamera": kept | {"unknownLeaf": [1, 2]}, "LPRPlate": plate}}


def as_file(reads: Sequence[Any]) -> bytes:
    """Returns the file as the vendors write it: a tab-indented array."""
    return json.dumps(reads, indent="\t", ensure_ascii=False).encode()


def rows(*parsed: ParsedReads) -> list[dict[str, Any]]:
    """Returns the reads as dicts with every leaf as text; 37.0 is "37"."""
    return [{name: _text(value) for name, value in row.items()} for row in raw_frame(parsed).to_dicts()]


def _text(value: Any) -> Any:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return value


def ids(parsed: ParsedReads) -> list[str | None]:
    return [row["LPREventID"] for row in rows(parsed)]


def reasons(parsed: ParsedReads) -> list[tuple[int, str]]:
    return [(reject.position, reject.reason) for reject in parsed.rejects]


def parsed_file(content: bytes | Sequence[Any]) -> ParsedReads:
    return parse(content if isinstance(content, bytes) else as_file(content))
