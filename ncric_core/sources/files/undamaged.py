"""Reading undamaged JSON with polars: the wanted leaves of each object, wherever they stand in it.

What is accepted here is what a careful walk would find; all else is refused, and walked with care.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

import polars as pl
from polars.exceptions import PanicException, PolarsError

from ncric_core.sources.files.leaves import COORDINATES, ID, LEAVES, PHOTOS

SIGNED: Final = frozenset({ID, "LatitudeDegreeValue", "LongitudeDegreeValue"})
"""Leaves whose sign counts even at zero; polars reads -0 as 0."""

DEEPEST: Final = 30  # levels of nesting

_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))

_UNREADABLE: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
"""Escapes that polars reads as NUL: NUL itself, and half of a surrogate pair (whole ones look the same from here)."""

_TRUTH: Final = re.compile(rb'Value"\s*:\s*(?:true|false)')
"""True among a coordinate's numbers is 1 to polars."""

_KEY: Final = re.compile(rb'"(\w+)"\s*:')
_TRUTHS: Final = ("true", "false")  # which are base64, and may have come as no text

_BEGINNING: Final = 1500  # bytes; the first object is in them, photos aside

MOST_EXAMPLES: Final = 100

_examples: dict[tuple[bytes, ...], bytes] = {}
"""An object (JSON) of the shape of all objects of the files read so far that begin with the same names."""


def read_undamaged(data: bytes) -> dict[str, pl.Series] | None:
    """The leaves of a file's objects as text or as the numbers that they came as, and each object's `position` (Int64);
    None if it is to be read with care.

    A leaf that no object has is null in all, or left out. A file is refused if it is not valid JSON as a whole, if
    a leaf stands at two places, in a list, or is itself an object or a list, or if a value might have lost something: a
    sign, a digit.
    """
    if (b"\\" in data and _UNREADABLE.search(data)) or _TRUTH.search(data):
        return None
    beginning = tuple(_KEY.findall(data, 0, _BEGINNING))
    example = _examples.get(beginning)
    if example is not None and (found := _read_alike(data, example)) is not None:
        return found
    if _is_deep(data):
        return None
    # all rows are looked at, so that no name and no nesting of any of them is missed
    frame = _read(data, None)
    if frame is None or _leaves(frame) is None:
        return None
    if len(_examples) >= MOST_EXAMPLES:
        _examples.clear()
    example = _examples[beginning] = _example_of(frame.schema, example)
    return _read_alike(data, example)


def _read_alike(data: bytes, example: bytes) -> dict[str, pl.Series] | None:
    """The leaves, if all objects are shaped as the example is; much faster than to look for their shape.

    The example goes before them and the shape is taken from it alone: polars refuses a name, an object or a list at a
    place where the example has none, and a text where it has a number.
    """
    listed = data.lstrip()
    if not listed.startswith(b"["):
        return None
    frame = _read(b"".join((b"[", example, b",", memoryview(listed)[1:])), 1)
    return None if frame is None else _leaves(frame[1:])


def _read(data: bytes, rows: int | None) -> pl.DataFrame | None:
    """The objects in the shape that the first `rows`, or all, have; None if that cannot be."""
    try:
        return pl.read_json(data, infer_schema_length=rows)
    except (PolarsError, PanicException):
        return None


def _example_of(schema: pl.Schema, other: bytes | None) -> bytes:
    """An object of this schema, and of another one's shape as well if the two agree."""
    example = json.dumps({name: _example(name, kind) for name, kind in schema.items()}).encode()
    both = None if other is None else _read(b"[" + other + b"," + example + b"]", None)
    return example if both is None or _leaves(both) is None else _example_of(both.schema, None)


def _example(name: str, kind: pl.DataType) -> object:
    if isinstance(kind, pl.Struct):
        return {field.name: _example(field.name, field.dtype) for field in kind.fields}  # type: ignore[arg-type]
    if isinstance(kind, pl.List):
        return [_example("", kind.inner)]  # type: ignore[arg-type]
    return 0.5 if name in COORDINATES and kind.is_numeric() else "text"  # a text may come as a number, whole or not


def _leaves(frame: pl.DataFrame) -> dict[str, pl.Series] | None:
    """The leaves in a frame of objects; None if there are none, or they may have lost something."""
    if frame.is_empty():
        return None
    found = {"position": pl.Series("position", range(frame.height), dtype=pl.Int64)}
    for column in _flat(frame):
        if column.name in found or _loses(column):
            return None
        if column.name in LEAVES:
            found[column.name] = column
    return found


def _flat(frame: pl.DataFrame) -> Iterator[pl.Series]:
    """The columns of a frame, and instead of those that hold objects the columns of these."""
    for column in frame:
        if isinstance(column.dtype, pl.Struct) and column.name not in LEAVES:
            yield from _flat(column.struct.unnest())
        else:
            yield column


def _is_deep(data: bytes) -> bool:
    """Whether objects are nested deeper than is sensible, or brackets in texts make it look so.

    polars' time and memory grow with the square of the depth: a thousand levels take a minute and 13 GB.
    """
    nesting = data.translate(None, _NO_BRACKETS)
    for _ in range(DEEPEST):
        nesting = nesting.replace(b"{}", b"").replace(b"[]", b"")
        if not nesting:
            return False
    return bool(nesting)


def _mentions_leaf(kind: pl.DataType) -> bool:
    """Whether a list holds objects with a leaf, at any depth."""
    if isinstance(kind, pl.List):
        return _mentions_leaf(kind.inner)  # type: ignore[arg-type]  # an instance, as it comes from data
    if isinstance(kind, pl.Struct):
        return any(field.name in LEAVES or _mentions_leaf(field.dtype) for field in kind.fields)  # type: ignore[arg-type]
    return False


def _loses(column: pl.Series) -> bool:
    """Whether a leaf may hold what was more than it is here, or another column a leaf within."""
    leaf, kind = column.name, column.dtype
    if leaf not in LEAVES:
        return _mentions_leaf(kind)
    if kind == pl.String:
        # one comparison each: `is_in` wakes polars' other threads, at a third of a millisecond a file
        lossy = ("0",) if leaf in SIGNED else _TRUTHS if leaf in PHOTOS else ()
        return any((column == text).any() for text in lossy)
    if kind.is_integer() or (kind.is_float() and leaf in COORDINATES):
        return leaf in PHOTOS or (leaf in SIGNED and bool((column == 0).any()))
    return bool(kind != pl.Null)
