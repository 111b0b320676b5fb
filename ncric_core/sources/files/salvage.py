"""Reading JSON that is not whole: every complete object of a damaged file, and what arrived of the broken ones."""

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
MAX_OBJECT: Final = 128 * 2**20  # characters of one object that are waited for before it counts as broken
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

    value: Any  # dict of a whole object; else None
    leaves: dict[str, str | None]  # of a broken object: the leaves that arrived whole
    text: str  # of a broken object or of other text: as received


class _Damaged(str):
    """Text with broken elements: where ids stand in it is looked up once, and errors in it are cheap.

    A JSONDecodeError counts the lines of its text, for each of the many broken elements that there may be.
    """

    @cached_property
    def ids(self) -> list[int]:
        return [found.start() for found in _ID_KEY.finditer(self)]

    def id_from(self, number: int) -> int:
        """Where an id stands, by its number; the end of the text if there are not so many."""
        return self.ids[number] if number < len(self.ids) else len(self)

    def count(self, *_: object) -> int:
        return 0

    def rfind(self, *_: object) -> int:
        return -1


def _cp1252(error: UnicodeError) -> tuple[str, int]:
    """A stray byte is what Windows wrote for it, else U+FFFD."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    stray = error.object[error.start : error.end]
    return stray.decode("cp1252", errors="replace"), error.end


codecs.register_error("ncric-cp1252", _cp1252)


def _plain(number: str) -> str:
    """A number with a fraction or an exponent as polars writes it: 84.0 is 84, 1e-7 is 0.0000001, -0.0 is -0."""
    value = float(number)
    if not math.isfinite(value):
        return number
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


decoder = json.JSONDecoder(strict=False, parse_int=str, parse_float=_plain, parse_constant=lambda _: None)
"""Takes control characters in strings; gives numbers as text, so that no digit of an id is lost, nor the sign of -0."""


def decoded(pieces: Iterable[bytes]) -> Iterator[str]:
    """The text of a file in pieces: UTF-8 (a byte-order mark is dropped), stray bytes as Windows-1252, or UTF-16."""
    reader: codecs.IncrementalDecoder | None = None
    for piece in pieces:
        if reader is None:
            utf16 = piece[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
            reader = codecs.getincrementaldecoder("utf-16" if utf16 else "utf-8-sig")("ncric-cp1252")
        yield reader.decode(piece)
    if reader is not None:
        yield reader.decode(b"", final=True)


def elements(pieces: Iterable[str]) -> Iterator[Element]:
    """The elements of a JSON array (or of objects one after the other), however damaged, in order."""
    source = iter(pieces)
    text, at, ended = "", 0, False
    while True:
        at = _SKIP.match(text, at).end()  # type: ignore[union-attr]  # the pattern matches nothing too
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
    """What is left, with at least as much again behind it so that a long object is not begun too often; and whether
    that was all."""
    pieces, wanted = [left], max(len(left), 1)
    for piece in source:
        pieces.append(piece)
        wanted -= len(piece)
        if wanted <= 0:
            return "".join(pieces), 0, False
    return "".join(pieces), 0, True


def _element(text: str, at: int) -> tuple[Element | None, int]:
    """The whole value that starts here and its end; None if it is broken."""
    try:
        value, end = decoder.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None, at
    return Element(value if isinstance(value, dict) else None, {}, text[at:end]), end


def _end_of_broken(text: _Damaged, at: int) -> int:
    """Where a broken element ends: where it is closed, or the next read begins, whole or broken, else with the text."""
    own = bisect_left(text.ids, at)
    following = text.id_from(own + 1 if text[at] == "{" else own)  # a beginning that is lost has lost its id too
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
    """Where the innermost object around a place begins that is no value of a key; the end of the text if none."""
    depth = 0
    for brace in reversed(list(_BRACE.finditer(text, at, place))):
        depth += 1 if brace.group() == "}" else -1
        if depth < 0:
            depth = 0
            if not _is_value(text, brace.start()):
                return brace.start()
    return len(text)


def _closed(text: str, at: int, end: int) -> int:
    """Where the braces of the object that begins here balance, if before `end`."""
    depth, token_end = 0, at
    for found in _TOKEN.finditer(text, at, end) if text[at] == "{" else ():
        if '"' in text[token_end : found.start()]:
            break  # what follows is in a string that never ends
        token_end = found.end()
        depth += (found.group() == "{") - (found.group() == "}")
        if depth == 0:
            return token_end
    return end


def _is_value(text: str, brace: int) -> bool:
    """Whether an object is the value of a key."""
    return text[max(brace - 64, 0) : brace].rstrip().endswith(":")


def _broken(text: str) -> Element:
    """What arrived whole of a broken object: a leaf whose value was cut is not there."""
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
    """What a string, a word or a number says, as in a whole object."""
    if part[0] == '"':
        return _string(part)
    return _WORDS[part] if part in _WORDS else _plain(part) if _FRACTION.search(part) else part


def _tokens(text: str) -> Iterator[str]:
    """The tokens up to the place where a string or a number was cut."""
    at = 0
    while found := _TOKEN.search(text, at):
        if '"' in text[at : found.start()]:
            return  # a string that never ends
        part, at = found.group(), found.end()
        if part[0] == '"' and not _STRING_ENDS.match(text, at):
            return  # a cut string that took in the beginning of the next
        if part[0] in '"{}[]:,' or _DELIMITED.match(text, at):
            yield part
        elif _KEY.match(text, at):
            yield ","  # a stray byte, or what is left of a value, before a key
        else:
            return  # 12 may have been 123


def _string(part: str) -> str:
    """What a string says; one with an escape that does not exist says what was received."""
    try:
        return str(json.loads(part, strict=False))
    except ValueError:
        return part[1:-1]
