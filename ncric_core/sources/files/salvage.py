"""Salvages damaged JSON: finds every complete object of a file, and what arrived of the broken ones."""

import codecs
import json
import math
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

from ncric_core.sources.files.leaves import ID, NULLS, is_read

_FRACTION = re.compile(r"[.eE]")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
MAX_OBJECT: Final = 128 * 2**20  # characters; an object that has not ended by then counts as broken
_SKIP = re.compile(r"[\s,\[\]]*")
_BRACE = re.compile(r"[{}]")
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
    """Text with broken elements. The places of its ids are looked up once, and a JSON error in it costs little.

    A JSONDecodeError counts the lines of its text (`count`, `rfind`), which is slow if there are many broken elements.
    """

    @cached_property
    def ids(self) -> list[int]:
        return [found.start() for found in _ID_KEY.finditer(self)]

    def id_from(self, number: int) -> int:
        """Returns the place of the id with this number, or the end of the text if there are fewer ids."""
        return self.ids[number] if number < len(self.ids) else len(self)

    def count(self, *_: object) -> int:
        return 0

    def rfind(self, *_: object) -> int:
        return -1


def _cp1252(error: UnicodeError) -> tuple[str, int]:
    """Decodes a stray byte as Windows-1252; U+FFFD if it means nothing there either."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    stray = error.object[error.start : error.end]
    return stray.decode("cp1252", errors="replace"), error.end


codecs.register_error("ncric-cp1252", _cp1252)


def _plain(number: str) -> str:
    """Writes a number with a fraction or an exponent as polars does: 84.0 is 84, 1e-7 is 0.0000001, -0.0 is -0."""
    value = float(number)
    if not math.isfinite(value):
        return number
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


decoder = json.JSONDecoder(strict=False, parse_int=str, parse_float=_plain, parse_constant=lambda _: None)
"""Accepts control characters in strings. Keeps numbers as text, so that no digit of an id and no sign of -0 is lost."""


def decoded(pieces: Iterable[bytes]) -> Iterator[str]:
    """Decodes a file piece by piece: UTF-16, or UTF-8 with stray bytes as Windows-1252. Drops a byte-order mark."""
    reader: codecs.IncrementalDecoder | None = None
    for piece in pieces:
        if reader is None:
            utf16 = piece[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
            reader = codecs.getincrementaldecoder("utf-16" if utf16 else "utf-8-sig")("ncric-cp1252")
        yield reader.decode(piece)
    if reader is not None:
        yield reader.decode(b"", final=True)


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
    following = text.id_from(own + 1 if text[at] == "{" else own)  # without its beginning it has no id of its own
    end = _closed(text, at, _around(text, at + 1, following) if following < len(text) else len(text))
    last = text.ids[-1] if text.ids else -1
    for brace in _BRACE.finditer(text, at + 1, end):
        start = brace.start()
        if start > last:
            break  # no more reads
        if brace.group() == "{" and (text.id_from(own) < start or not _is_value(text, start)):
            element, _ = _element(text, start)
            if element is not None and is_read(element.value):
                return start
    return end


def _around(text: str, at: int, place: int) -> int:
    """Returns where the innermost object around `place` begins that is not the value of a key; else the text's end."""
    depth = 0
    for brace in reversed(list(_BRACE.finditer(text, at, place))):
        depth += 1 if brace.group() == "}" else -1
        if depth < 0:
            depth = 0
            if not _is_value(text, brace.start()):
                return brace.start()
    return len(text)


def _closed(text: str, at: int, end: int) -> int:
    """Returns where the braces of the object at `at` balance, or `end` if they do not balance before it."""
    depth, token_end = 0, at
    for found in _TOKEN.finditer(text, at, end) if text[at] == "{" else ():
        if '"' in text[token_end : found.start()]:
            break  # a string that never ends; what follows is inside it
        token_end = found.end()
        depth += (found.group() == "{") - (found.group() == "}")
        if depth == 0:
            return token_end
    return end


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
                leaves[key] = _value(part)
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
