"""The leaves of a read, found by name at any depth of a JSON object, and the rows that one object may wrap."""

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
"""Values that mean null (feeds.md, section 1)."""

DEEPEST_SHOWN: Final = 50  # levels of a received object that are kept in a reject


def leaves_of(node: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """Returns the wanted leaves of an object, and the names of those that held an object or a list.

    If a leaf occurs more than once, the first value that is not one of NULLS counts.
    """
    row: dict[str, Any] = {}
    odd: set[str] = set()
    for key, value in _walk(node):
        if key in LEAVES:
            if isinstance(value, dict | list):
                odd.add(key)
            elif key not in row or (row[key] in NULLS and value not in NULLS):
                row[key] = value
    return row, odd


def rows_within(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the rows that an object wraps at any depth, else the object: {"reads": […]}, {"data": {"reads": […]}}."""
    if ID in value:
        return [value]
    reads = _possible_reads(value)
    rows: list[dict[str, Any]] = []
    waiting = [value]
    while waiting:
        node = waiting.pop()
        wrapped = _wrapped(node, reads)
        waiting.extend(reversed(wrapped))
        if not wrapped:
            rows.append(node)
    return rows


def shown(value: Any, depth: int = 0) -> Any:
    """Returns a received object without its photos. Levels below DEEPEST_SHOWN are replaced by "…"."""
    if depth == DEEPEST_SHOWN and isinstance(value, dict | list):
        return "…"
    if isinstance(value, dict):
        return {key: "…" if key in PHOTOS and inner else shown(inner, depth + 1) for key, inner in value.items()}
    return [shown(item, depth + 1) for item in value] if isinstance(value, list) else value


def _wrapped(node: dict[str, Any], reads: set[int]) -> list[dict[str, Any]]:
    """Returns the objects in a wrapper; none if the object is a read itself. `reads` are its _possible_reads.

    An object is a wrapper if it has no id and at least two objects side by side in it could be reads. A single such
    object may be wrapped or may be a part of the read; its leaves are found either way.
    """
    while ID not in node:
        beside = [list(_objects(inner)) for inner in node.values()]
        found = [item for group in beside for item in group if id(item) in reads]
        if len(found) > 1:
            return [item for group in beside if any(id(item) in reads for item in group) for item in group]
        if not found:
            break
        node = found[0]
    return []


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yields the object itself, or the objects in a list (of lists)."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            yield item
        elif isinstance(item, list):
            stack.extend(reversed(item))


def _possible_reads(value: dict[str, Any]) -> set[int]:
    """Returns the objects (Python's id) that could be reads: they have the id and another leaf of ESSENTIAL below."""
    nodes: list[Any] = [value]
    parents = [0]
    found: list[set[str]] = []
    for place, node in enumerate(nodes):  # grows as it goes on
        found.append(set())
        for key, inner in node.items() if isinstance(node, dict) else (("", item) for item in node):
            if isinstance(inner, dict | list):
                nodes.append(inner)
                parents.append(place)
            elif key in ESSENTIAL:
                found[place].add(key)
    for place in range(len(nodes) - 1, 0, -1):
        found[parents[place]] |= found[place]
    return {id(node) for node, names in zip(nodes, found, strict=True) if ID in names and len(names) > 1}


def _walk(node: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yields every key and value below an object, in the order of the text; an object or a list before its content."""
    stack: list[tuple[str, Any]] = list(reversed(node.items()))
    while stack:
        key, value = stack.pop()
        yield key, value
        if isinstance(value, dict):
            stack.extend(reversed(value.items()))
        elif isinstance(value, list):
            stack.extend(("", item) for item in reversed(value))
