"""Salvages damaged JSON: finds every complete object of a file, and what arrived of the broken ones."""

import json
import math
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

from ncric_core.sources.files.leaves import ID, NULLS
from ncric_core.sources.files.whole import WholeObjects

_FRACTION = re.compile(r"[.eE]")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
MAX_OBJECT: Final = 128 * 2**20  # characters; an object that has not ended by then counts as broken
_SKIP = re.compile(r"[\s,\[\]]*")
_BRACE = re.compile(r"[{}]")
_OPENING = re.compile(r"{")
_ID_KEY = re.compile(rf'"{ID}"\s*:')
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]:,]|[^\s"{}\[\]:,]+', re.DOTALL)
_KEY = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"\s*:')
_DELIMITED = re.compile(r"[\s,}\]]")
_STRING_ENDS = re.compile(r"[\s,}\]:]|\Z")
_WORDS = {"true": "true", "false": "false", "null": None}


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a damaged array: a whole object, what arrived of a broken one, or text that is no object."""

    value: Any  # a whole object as dict; else None
    leaves: dict[str, str | None]  # the leaves of a broken object that arrived whole
    text: str  # the element as received


class _Damaged(str):
    """Text with broken elements. What is found out about it is kept, so that nothing is looked at again and again.

    A JSONDecodeError counts the lines of its text (`count`, `rfind`), which is slow if there are many broken elements.
    """

    @cached_property
    def ids(self) -> list[int]:
        return [found.start() for found in _ID_KEY.finditer(self)]

    @cached_property
    def objects(self) -> WholeObjects:
        return WholeObjects(self)

    @cached_property
    def around(self) -> dict[int, int]:
        return {}

    def id_from(self, number: int) -> int:
        """Returns the place of the id with this number, or the end of the text if there are fewer ids."""
        return self.ids[number] if number < len(self.ids) else len(self)

    def count(self, *_: object) -> int:
        return 0

    def rfind(self, *_: object) -> int:
        return -1


def _plain(number: str) -> str:
    """Writes a number with a fraction or an exponent as polars does: 84.0 is 84, 1e-7 is 0.0000001, -0.0 is -0."""
    value = float(number)
    if not math.isfinite(value):
        return number
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Makes an object. A key that is given again is kept beside the first, as an object of its own at that place."""
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    found.clear()
    for key, value in pairs:
        name = key
        while name in found:
            name = f"{name} (again, {len(found)})"
        found[name] = value if name == key else {key: value}
    return found


decoder = json.JSONDecoder(
    strict=False, parse_int=str, parse_float=_plain, parse_constant=lambda _: None, object_pairs_hook=_object
)
"""Accepts control characters in strings. Keeps numbers as text, so that no digit of an id and no sign of -0 is lost,
and all values of a key that is given twice."""


def elements(pieces: Iterable[str]) -> Iterator[Element]:
    """Yields the elements of a JSON array (or of objects one after the other), in order, however damaged."""
    source = iter(pieces)
    text, at, ended = "", 0, False
    while True:
        at = _SKIP.match(text, at).end()  # type: ignore[union-attr]  # the pattern also matches the empty string
        element, end = _element(text, at) if at < len(text) else (None, at)
        if element is not None and (element.value is not None or ended or end < len(text)):
            yield element
            at = end
        elif not ended and len(text) - at < MAX_OBJECT:
            text, at, ended = _more(text[at:], source)
        elif at == len(text):
            return
        else:
            text = text if isinstance(text, _Damaged) else _Damaged(text)
            end = _end_of_broken(text, at)
            yield _broken(text[at:end])
            at = end


def _more(left: str, source: Iterator[str]) -> tuple[str, int, bool]:
    """Returns the text that is left with more after it, the place to go on from (0), and whether the source has ended.

    Adds at least as much as is left, so that parsing a long object is not started too often.
    """
    pieces, wanted = [left], max(len(left), 1)
    for piece in source:
        pieces.append(piece)
        wanted -= len(piece)
        if wanted <= 0:
            return "".join(pieces), 0, False
    return "".join(pieces), 0, True


def _element(text: str, at: int) -> tuple[Element | None, int]:
    """Returns the whole value that starts at `at`, and its end; None and `at` if the value is broken."""
    if isinstance(text, _Damaged) and text.objects.is_known_as_broken(at):
        return None, at
    try:
        value, end = decoder.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None, at
    return Element(value if isinstance(value, dict) else None, {}, text[at:end]), end


def _end_of_broken(text: _Damaged, at: int) -> int:
    """Returns where a broken element ends: where it is closed, where the next read begins, or where the text ends.

    The next read may be whole or broken.
    """
    own = bisect_left(text.ids, at)
    is_object = text[at] == "{"
    if is_object:
        text.objects.is_read(at)  # the look at this object tells of those within
    following = text.id_from(own + 1 if is_object else own)  # without its beginning it has no id of its own
    end = _around(text, at, following) if following < len(text) else len(text)
    depth = int(is_object)
    token_end = at + 1
    for found in _TOKEN.finditer(text, at + 1, end):
        if '"' in text[token_end : found.start()]:
            break  # a string that never ends; what follows is inside it
        part, token_end = found.group(), found.end()
        for brace in _OPENING.finditer(text, found.start(), token_end) if "{" in part else ():
            if _is_next_read(text, brace.start(), own):
                return brace.start()
        depth += (part == "{") - (part == "}")
        if is_object and depth == 0:
            return token_end
    opened = (brace.start() for brace in _OPENING.finditer(text, token_end, end))
    return next((start for start in opened if _is_next_read(text, start, own)), end)


def _around(text: _Damaged, at: int, place: int) -> int:
    """Returns where the innermost object around `place` begins that is not the value of a key; else the text's end.

    It begins behind `at`.
    """
    if place not in text.around:
        text.around[place] = _innermost(text, at + 1, place)
    return text.around[place] if text.around[place] > at else len(text)


def _innermost(text: str, at: int, place: int) -> int:
    depth = 0
    for brace in reversed(list(_BRACE.finditer(text, at, place))):
        depth += 1 if brace.group() == "}" else -1
        if depth < 0:
            depth = 0
            if not _is_value(text, brace.start()):
                return brace.start()
    return len(text)


def _is_next_read(text: _Damaged, brace: int, own: int) -> bool:
    """Returns whether a whole read begins at `brace`, that is no part of the object with the id number `own`."""
    if not text.ids or brace > text.ids[-1]:
        return False
    return (text.id_from(own) < brace or not _is_value(text, brace)) and text.objects.is_read(brace)


def _is_value(text: str, brace: int) -> bool:
    """Returns whether the object at `brace` is the value of a key."""
    return text[max(brace - 64, 0) : brace].rstrip().endswith(":")


def _broken(text: str) -> Element:
    """Returns what arrived whole of a broken object. A leaf whose value was cut is left out."""
    leaves: dict[str, str | None] = {}
    key: str | None = None
    pending: str | None = None  # a string that is a key if a colon follows
    for part in _tokens(text):
        if part == ":":
            key, pending = pending, None
        elif part in "{}[],":
            key = pending = None
        elif key is None:
            pending = _string(part)
        else:
            if leaves.get(key) in NULLS and (part[0] == '"' or part in _WORDS or _NUMBER.fullmatch(part)):
                value = _value(part)
                leaves[key] = leaves.get(key) if value in NULLS and key in leaves else value
            key = None
    return Element(None, leaves, text.rstrip().rstrip(",["))


def _value(part: str) -> str | None:
    """Returns the text of a string, a word or a number, the same as in a whole object."""
    if part[0] == '"':
        return _string(part)
    return _WORDS[part] if part in _WORDS else _plain(part) if _FRACTION.search(part) else part


def _tokens(text: str) -> Iterator[str]:
    """Yields the tokens before the place where a string or a number was cut."""
    at = 0
    while found := _TOKEN.search(text, at):
        if '"' in text[at : found.start()]:
            return  # a string that never ends
        part, at = found.group(), found.end()
        if part[0] == '"' and not _STRING_ENDS.match(text, at):
            return  # a cut string that ran on into the next string
        if part[0] in '"{}[]:,' or _DELIMITED.match(text, at):
            yield part
        elif _KEY.match(text, at):
            yield ","  # a stray byte, or the rest of a value, before a key
        else:
            return  # a number may be cut: 12 may have been 123


def _string(part: str) -> str:
    """Returns the text of a JSON string. A string with an invalid escape is returned as received."""
    try:
        return str(json.loads(part, strict=False))
    except ValueError:
        return part[1:-1]
