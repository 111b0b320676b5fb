"""The leaves of a read, known by name whatever the nesting: where they stand in an object, and what an object wraps."""

from collections.abc import Iterator
from typing import Any, Final

ID, DATE, TIME, PLATE = "LPREventID", "eventDate", "eventTime", "VehicleLicensePlateID"
ESSENTIAL: Final = (ID, DATE, TIME, PLATE)
COORDINATES: Final = tuple(
    f"{axis}{part}Value" for axis in ("Latitude", "Longitude") for part in ("Degree", "Minute", "Second")
)
CAMERA: Final = ("LPRCameraID", "LPRCameraName")
AGENCY: Final = ("agencyName", "agencyAcronym", "agencyOriNumber")
TEXTS: Final = (*ESSENTIAL, *CAMERA, *AGENCY, *COORDINATES)
PHOTOS: Final = ("LPRVehiclePlatePhoto", "LPRAdditionalPhoto")
LEAVES: Final = frozenset((*TEXTS, *PHOTOS))
"""The leaves of a read (feeds.md, section 1)."""

NULLS: Final = (None, "", "None", "null")
"""Values that say that there is none (feeds.md, section 1)."""

DEEPEST_SHOWN: Final = 50  # levels of a received object that are kept in a reject


def leaves_of(node: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """The wanted leaves (the first that says something counts), and those that held an object or a list instead."""
    row: dict[str, Any] = {}
    odd: set[str] = set()
    for key, value in _walk(node):
        if key in LEAVES:
            if isinstance(value, dict | list):
                odd.add(key)
            elif row.get(key) in NULLS:
                row[key] = value
    return row, odd


def is_read(value: Any) -> bool:
    """Whether an object has a read's id, be it null, somewhere within."""
    return isinstance(value, dict) and any(key == ID for key, _ in _scalars(value))


def rows_within(value: dict[str, Any]) -> list[dict[str, Any]]:
    """The object itself, or the rows that it wraps at any depth: {"reads": […]}, {"data": {"reads": […]}}."""
    rows: list[dict[str, Any]] = []
    waiting = [value]
    while waiting:
        node = waiting.pop()
        wrapped = _wrapped(node)
        waiting.extend(reversed(wrapped))
        if not wrapped:
            rows.append(node)
    return rows


def shown(value: Any, depth: int = 0) -> Any:
    """A received object without its photos."""
    if depth == DEEPEST_SHOWN and isinstance(value, dict | list):
        return "…"
    if isinstance(value, dict):
        return {key: "…" if key in PHOTOS and inner else shown(inner, depth + 1) for key, inner in value.items()}
    return [shown(item, depth + 1) for item in value] if isinstance(value, list) else value


def _wrapped(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The objects in a wrapper; none if the object is a read: if no two objects side by side in it could be one.

    One object alone may be wrapped too, but it may as well be a part of the read; its leaves are found either way.
    """
    while ID not in node:
        beside = [list(_objects(inner)) for inner in node.values()]
        reads = [item for group in beside for item in group if _could_be_one(item)]
        if len(reads) > 1:
            return [item for group in beside if any(map(_could_be_one, group)) for item in group]
        if not reads:
            break
        node = reads[0]
    return []


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """The object itself, or those in a list (of lists)."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            yield item
        elif isinstance(item, list):
            stack.extend(reversed(item))


def _could_be_one(node: dict[str, Any]) -> bool:
    """Whether an object has the id and something else that only a read has."""
    found = {key for key, _ in _scalars(node) if key in ESSENTIAL}
    return ID in found and len(found) > 1


def _scalars(node: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((key, value) for key, value in _walk(node) if not isinstance(value, dict | list))


def _walk(node: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every key and value below an object in the order of the text; an object or a list comes before what is in it."""
    stack: list[tuple[str, Any]] = list(reversed(node.items()))
    while stack:
        key, value = stack.pop()
        yield key, value
        if isinstance(value, dict):
            stack.extend(reversed(value.items()))
        elif isinstance(value, list):
            stack.extend(("", item) for item in reversed(value))
