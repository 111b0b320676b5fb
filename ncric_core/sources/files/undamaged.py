"""Reads undamaged JSON with polars: the wanted leaves of each object, at any depth.

A file is accepted only if a careful walk would find the same in it. Any other file is refused, and then read with care.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

import polars as pl
from polars.exceptions import PanicException, PolarsError

from ncric_core.sources.files.leaves import COORDINATES, ID, LEAVES, NULLS, PHOTOS, TEXTS

SIGNED: Final = frozenset({ID, "LatitudeDegreeValue", "LongitudeDegreeValue"})
"""Leaves whose sign counts even at zero. polars reads -0 as 0."""

DEEPEST: Final = 30  # levels of nesting

_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))

_UNREADABLE: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
"""Escapes that polars reads as NUL: NUL itself, and half a surrogate pair. Whole pairs match as well."""

_TRUTH: Final = re.compile(rb'Value"\s*+:\s*+[tf]')
"""polars reads true among a coordinate's numbers as 1."""

_SAYING: Final = {
    leaf: re.compile(rf'"{leaf}"\s*:\s*+(?!(?:null|"(?:None|null)?")\s*[,}}])'.encode()) for leaf in TEXTS
}
"""A leaf with a value that is not one of NULLS."""

_KEY: Final = re.compile(rb'"(\w+)"\s*:')
_TRUTHS: Final = ("true", "false")  # both are valid base64, but may have come as booleans

_BLANK: Final = [text for text in NULLS if text is not None]

_BEGINNING: Final = 1500  # bytes; they hold the first object, except for its photos

MOST_EXAMPLES: Final = 100

_examples: dict[tuple[bytes, ...], bytes] = {}
"""The keys at a file's beginning → a JSON object with the shape of all objects in files that began with those keys."""


def read_undamaged(data: bytes) -> dict[str, pl.Series] | None:
    """Returns the leaves of a file's objects, and each object's `position` (Int64); None if it must be read with care.

    A leaf is text, or the numbers received. A leaf that no object has is null in all objects, or left out. A file is
    refused if it is not valid JSON as a whole; if a leaf stands at two places or in a list, or is itself an object or a
    list; if a value might have lost a sign or a digit; or if a text is given again after one that says nothing.
    """
    if (b"\\" in data and _UNREADABLE.search(data)) or _TRUTH.search(data):
        return None
    beginning = tuple(_KEY.findall(data, 0, _BEGINNING))
    example = _examples.get(beginning)
    if example is not None and (found := _read_alike(data, example)) is not None:
        return found
    if _is_deep(data):
        return None
    # polars looks at all objects here, so that it misses no name and no nesting
    frame = _read(data, None)
    if frame is None or _leaves(frame) is None:
        return None
    if len(_examples) >= MOST_EXAMPLES:
        _examples.clear()
    example = _examples[beginning] = _example_of(frame.schema, example)
    return _read_alike(data, example)


def _read_alike(data: bytes, example: bytes) -> dict[str, pl.Series] | None:
    """Returns the leaves if all objects have the shape of the example, else None. Much faster than inferring the shape.

    The example is put before the objects, and polars infers the shape from it alone. polars then refuses a name, an
    object or a list where the example has none, and text where the example has a number.
    """
    listed = data.lstrip()
    if not listed.startswith(b"["):
        return None
    frame = _read(b"".join((b"[", example, b",", memoryview(listed)[1:])), 1)
    leaves = None if frame is None else _leaves(frame[1:])
    return None if leaves is None or _says_more(data, leaves) else leaves


def _says_more(data: bytes, leaves: dict[str, pl.Series]) -> bool:
    """Returns whether a leaf is given twice in an object, and only the second says something. polars takes the first.

    Photos, which are only counted, are not looked at.
    """
    found = [leaves[leaf] for leaf in TEXTS if leaf in leaves]
    texts = [column for column in found if column.dtype == pl.String]
    every = pl.concat(texts) if texts else pl.Series([""]).clear()
    blank = any((every == text).any() for text in _BLANK)
    for column in found if blank or any(column.null_count() for column in found) else ():
        said = column.drop_nulls().cast(pl.String).is_in(_BLANK).not_().sum()
        if said < column.len() and len(_SAYING[column.name].findall(data)) != said:
            return True
    return False


def _read(data: bytes, rows: int | None) -> pl.DataFrame | None:
    """Returns the objects in the shape of the first `rows` of them, or of all; None if polars refuses the data."""
    try:
        return pl.read_json(data, infer_schema_length=rows)
    except (PolarsError, PanicException):
        return None


def _example_of(schema: pl.Schema, other: bytes | None) -> bytes:
    """Returns an example object (JSON) with this schema, and with the shape of `other` as well if the two agree."""
    example = json.dumps({name: _example(name, kind) for name, kind in schema.items()}).encode()
    both = None if other is None else _read(b"[" + other + b"," + example + b"]", None)
    return example if both is None or _leaves(both) is None else _example_of(both.schema, None)


def _example(name: str, kind: pl.DataType) -> object:
    if isinstance(kind, pl.Struct):
        return {field.name: _example(field.name, field.dtype) for field in kind.fields}  # type: ignore[arg-type]
    if isinstance(kind, pl.List):
        return [_example("", kind.inner)]  # type: ignore[arg-type]
    return 0.5 if name in COORDINATES and kind.is_numeric() else "text"  # polars reads numbers as text here


def _leaves(frame: pl.DataFrame) -> dict[str, pl.Series] | None:
    """Returns the leaves in a frame of objects, and `position`.

    Returns None if there are no objects, if a leaf occurs twice, or if a leaf may have lost something.
    """
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
    """Yields the columns of a frame. A column of objects is replaced by the columns of those objects."""
    for column in frame:
        if isinstance(column.dtype, pl.Struct) and column.name not in LEAVES:
            yield from _flat(column.struct.unnest())
        else:
            yield column


def _is_deep(data: bytes) -> bool:
    """Returns whether objects are nested deeper than DEEPEST, or brackets in texts make it look so.

    polars' time and memory grow with the square of the depth: a thousand levels take a minute and 13 GB.
    """
    nesting = data.translate(None, _NO_BRACKETS)
    for _ in range(DEEPEST):
        nesting = nesting.replace(b"{}", b"").replace(b"[]", b"")
        if not nesting:
            return False
    return bool(nesting)


def _mentions_leaf(kind: pl.DataType) -> bool:
    """Returns whether a list holds objects with a leaf, at any depth."""
    if isinstance(kind, pl.List):
        return _mentions_leaf(kind.inner)  # type: ignore[arg-type]  # in data, `inner` is always an instance
    if isinstance(kind, pl.Struct):
        return any(field.name in LEAVES or _mentions_leaf(field.dtype) for field in kind.fields)  # type: ignore[arg-type]
    return False


def _loses(column: pl.Series) -> bool:
    """Returns whether a leaf may have lost something in parsing, or another column has a leaf inside its lists."""
    leaf, kind = column.name, column.dtype
    if leaf not in LEAVES:
        return _mentions_leaf(kind)
    if kind == pl.String:
        # one comparison each: `is_in` wakes polars' other threads, which costs a third of a millisecond a file
        lossy = ("0",) if leaf in SIGNED else _TRUTHS if leaf in PHOTOS and column.null_count() < column.len() else ()
        return any((column == text).any() for text in lossy)
    if kind.is_integer() or (kind.is_float() and leaf in COORDINATES):
        return leaf in PHOTOS or (leaf in SIGNED and bool((column == 0).any()))
    return bool(kind != pl.Null)
