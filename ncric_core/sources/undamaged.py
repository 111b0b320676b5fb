"""Reading undamaged JSON with polars: the wanted leaves of each object, wherever they stand in it.

What is accepted here is what a careful walk would find; all else is refused, and walked with care.
"""

import re
from collections.abc import Iterator
from typing import Final

import polars as pl
from polars.exceptions import PanicException, PolarsError

from ncric_core.sources.leaves import COORDINATES, ID, LEAVES, PHOTOS

SIGNED: Final = frozenset({ID, "LatitudeDegreeValue", "LongitudeDegreeValue"})
"""Leaves whose sign counts even at zero; polars reads -0 as 0."""

DEEPEST: Final = 30  # levels of nesting

_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))

_UNREADABLE: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
"""Escapes that polars reads as NUL: NUL itself, and half of a surrogate pair (whole ones look the same from here)."""


def read_undamaged(data: bytes) -> dict[str, pl.Series] | None:
    """The leaves of a file's objects as text or as the numbers that they came as, and each object's `position` (Int64);
    None if it is to be read with care.

    Leaves that no object has are left out, and so is the type of one that is always null. A file is refused if it is
    not valid JSON as a whole, if a leaf stands at two places, in a list, or is itself an object or a list, or if a
    value might have lost something: a sign, a digit. Of numbers among texts in one leaf, 84.0 is "84"; true among
    numbers is 1, and among photos base64: no feed mixes these.
    """
    if _UNREADABLE.search(data) or _is_deep(data):
        return None
    try:
        # all rows are looked at, so that no name and no nesting of any of them is missed
        frame = pl.read_json(data, infer_schema_length=None)
    except (PolarsError, PanicException):
        return None
    if frame.is_empty():
        return None
    found = {"position": pl.Series("position", range(frame.height), dtype=pl.Int64)}
    for column in _flat(frame):
        leaf = column.name
        if leaf in found or _loses(column):
            return None
        if leaf in LEAVES:
            found[leaf] = column
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
        return leaf in SIGNED and bool((column == "0").any())
    if kind.is_integer() or (kind.is_float() and leaf in COORDINATES):
        return leaf in PHOTOS or (leaf in SIGNED and bool((column == 0).any()))
    return bool(kind != pl.Null)
