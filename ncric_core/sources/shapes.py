"""Fast reading of undamaged JSON: the nesting of one file is learned, files of the same are read by a typed decoder.

A decoder made here refuses any file in which a name, a nesting or a type occurs that it was not made for (it never
skips one), so that what it accepts is what a careful walk would have found; what it refuses is walked with care.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

import msgspec

FastReader = Callable[[bytes], dict[str, list[Any]] | None]
"""Takes the bytes of a file; gives each leaf's values in order of the reads, or None if the file has another shape."""

_SCALAR: Final = str | int | float | bool | None
_LISTED: Final = "[]"


@dataclass(frozen=True, slots=True)
class Leaves:
    """The leaves to be read: as text (or whole number), as text or number, and raw (a photo, not decoded)."""

    texts: tuple[str, ...]
    numbers: tuple[str, ...]
    signed: tuple[str, ...]  # those of `numbers` whose sign counts even at zero
    raw: tuple[str, ...]

    def __contains__(self, leaf: str) -> bool:
        return leaf in self.texts or leaf in self.raw

    def type_of(self, leaf: str) -> Any:
        """The type that a decoder may accept for it; `numbers` as float, as -0 would lose its sign as an int."""
        if leaf in self.raw:
            return msgspec.Raw
        if leaf in self.numbers:
            return str | float | None
        return str | int | None if leaf in self.texts else _SCALAR


DEEPEST: Final = 30  # levels of nesting that are learned

Shape = dict[str, Any]  # key → Shape of an object, _LISTED for a list of scalars, None for a scalar


def learn(objects: Iterable[dict[str, Any]], leaves: Leaves) -> FastReader | None:
    """A reader for files whose objects are nested like these, or None if they cannot be read that way.

    They cannot where a leaf stands at two places, or in a list, or is itself an object: which value counts is then for
    the careful walk to say.
    """
    shape: Shape = {}
    for node in objects:
        if not _merge(shape, node, leaves):
            return None
    places = list(_places(shape, leaves))
    if not shape or len({leaf for leaf, _ in places}) < len(places):
        return None
    return _reader(shape, places, leaves)


def _merge(shape: Shape, node: dict[str, Any], leaves: Leaves, depth: int = 1) -> bool:
    """Adds what is new in an object to the shape; False if they contradict one another."""
    for key, value in node.items():
        if not key.isprintable() or '"' in key or "\\" in key:
            return False  # no name that a decoder can be made for
        known = shape.get(key)
        if isinstance(value, dict):
            if key in leaves or known == _LISTED or depth == DEEPEST:
                return False
            inner = shape[key] = known if known is not None else {}
            if not _merge(inner, value, leaves, depth + 1):
                return False
        elif isinstance(value, list):
            if key in leaves or isinstance(known, dict) or any(isinstance(item, dict | list) for item in value):
                return False
            shape[key] = _LISTED
        elif key not in shape:
            shape[key] = None
    return True


def _places(shape: Shape, leaves: Leaves, path: tuple[str, ...] = ()) -> Iterable[tuple[str, tuple[str, ...]]]:
    """Leaf and path of attributes for each wanted leaf; the n-th key of an object is its attribute f<n>."""
    for number, (key, inner) in enumerate(shape.items()):
        if isinstance(inner, dict):
            yield from _places(inner, leaves, (*path, f"f{number}"))
        elif key in leaves:
            yield key, (*path, f"f{number}")


def _struct(shape: Shape, leaves: Leaves) -> Any:
    """The struct type of an object: every key optional, none other allowed."""
    fields: list[tuple[str, Any, Any]] = []
    for number, (key, inner) in enumerate(shape.items()):
        if isinstance(inner, dict):
            fields.append((f"f{number}", _struct(inner, leaves) | None, None))
        else:
            kind = list[_SCALAR] | None if inner == _LISTED else leaves.type_of(key)  # type: ignore[valid-type]
            fields.append((f"f{number}", kind, msgspec.Raw(b"null") if kind is msgspec.Raw else None))
    names = {f"f{number}": key for number, key in enumerate(shape)}
    return msgspec.defstruct("Read", fields, rename=names, forbid_unknown_fields=True, gc=False)


def _reader(shape: Shape, places: Sequence[tuple[str, tuple[str, ...]]], leaves: Leaves) -> FastReader:
    decoder = msgspec.json.Decoder(list[_struct(shape, leaves)])  # type: ignore[misc]
    absent = [leaf for leaf in (*leaves.texts, *leaves.raw) if leaf not in {place[0] for place in places}]

    def read(data: bytes) -> dict[str, list[Any]] | None:
        try:
            objects = decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        reached: dict[tuple[str, ...], list[Any]] = {(): objects}
        columns: dict[str, list[Any]] = {leaf: [None] * len(objects) for leaf in absent}
        for leaf, path in places:
            columns[leaf] = _reach(path, reached)
        # the decoder does not tell -0 from 0, the careful walk does
        return None if any(0 in columns[leaf] for leaf in leaves.signed) else columns

    return read


def _reach(path: tuple[str, ...], reached: dict[tuple[str, ...], list[Any]]) -> list[Any]:
    """The values at a path, one a read; None below an object that is not there."""
    if path not in reached:
        above = _reach(path[:-1], reached)
        get = attrgetter(path[-1])
        try:
            reached[path] = list(map(get, above))
        except AttributeError:
            reached[path] = [None if node is None else get(node) for node in above]
    return reached[path]
