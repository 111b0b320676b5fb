"""BOSS4 and SCSO files: the window in a name, and the reads in the content, known by leaf name whatever the nesting."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl
import pybase64

from ncric_core.sources.leaves import (
    COORDINATES,
    ESSENTIAL,
    ID,
    LEAVES,
    NULLS,
    PHOTOS,
    TEXTS,
    leaves_of,
    rows_within,
    shown,
)
from ncric_core.sources.salvage import Element, decoded, elements
from ncric_core.sources.shapes import FastReader, learn

RAW: Final = pl.Schema({"file": pl.UInt32, "position": pl.Int64} | dict.fromkeys(TEXTS, pl.String))
"""Raw reads: each leaf as its text (null where it was not there), the number of its file in the batch, its place."""

KEPT_OF_REJECT: Final = 4000  # characters kept of text that is not JSON

NO_PHOTO: Final = (*NULLS, b"", b"None", b"null")

_LONG_STRING = re.compile(r'"[A-Za-z0-9+/=\\]{1000,}+"?')
_STAMP = re.compile(r"(?<!\d)(\d{4})-?(\d{2})-?(\d{2})[T_ -]?(\d{2})[-:.]?(\d{2})[-:.]?(\d{2})(?!\d)")


@dataclass(frozen=True, slots=True)
class RawReject:
    """A row that cannot become a read: its place, why, and what was received, without photos."""

    position: int
    reason: str
    detail: str
    received: str
    agency_name: str | None = None


@dataclass(slots=True)
class ParsedReads:
    """The reads of a file, or of a part of a large one: a list of values for each leaf of TEXTS."""

    columns: dict[str, list[Any]] = field(default_factory=lambda: {leaf: [] for leaf in TEXTS})
    positions: list[int] = field(default_factory=list)
    rejects: list[RawReject] = field(default_factory=list)
    photos: int = 0
    bad_photos: int = 0

    @property
    def found(self) -> int:
        """Rows found: reads and rejects."""
        return len(self.positions) + len(self.rejects)


def arrival_window(key: str, last_modified: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Start and end of the time in which a file's reads arrived, in UTC: two times in its name, else LastModified.

    The times in a name have no zone; they are taken in the source's, as the data's are (feeds.md, section 1).
    """
    moments = [_moment(found, zone) for found in _STAMP.finditer(key.rsplit("/", 1)[-1])]
    for start, end in pairwise(moments):
        if start is not None and end is not None and start <= end:
            return start, end
    return last_modified, last_modified


def _moment(found: re.Match[str], zone: ZoneInfo) -> datetime | None:
    try:
        return datetime(*map(int, found.groups()), tzinfo=zone).astimezone(UTC)  # type: ignore[arg-type, misc]
    except (ValueError, OverflowError):
        return None


def parse(data: bytes, readers: list[FastReader]) -> ParsedReads:
    """The reads of a whole file.

    `readers` are those of the shapes met so far in this run, the latest first; a file of a new shape is read with care
    and its shape is learned, a damaged one is read with care and salvaged.
    """
    for number, reader in enumerate(readers if b"\\u0000" not in data else ()):  # NUL is the careful walk's to drop
        columns = reader(data)
        if columns is not None and (parsed := _counted(columns)) is not None:
            readers.insert(0, readers.pop(number))
            return parsed
    objects: list[dict[str, Any]] = []
    parsed = ParsedReads()
    for element in elements(decoded([data])):
        objects.extend(_add(parsed, element, 0))
    learned = learn(objects, LEAVES) if not parsed.rejects else None
    if learned is not None and learned(data) is not None:
        readers.insert(0, learned)
        del readers[8:]
    return parsed


def parse_parts(pieces: Iterable[bytes], part: int) -> Iterator[ParsedReads]:
    """The reads of a file too large to hold, in parts of `part` rows, and always at least one part."""
    parsed, start = ParsedReads(), 0
    for element in elements(decoded(pieces)):
        _add(parsed, element, start)
        if parsed.found >= part:
            yield parsed
            start += parsed.found
            parsed = ParsedReads()
    yield parsed


def row_at(pieces: Iterable[bytes], position: int) -> str | None:
    """A row of a file as received, without photos; None if the file has fewer rows."""
    at = 0
    for element in elements(decoded(pieces)):
        found = [element.text] if element.value is None else rows_within(element.value)
        if position < at + len(found):
            row = found[position - at]
            whole = isinstance(row, dict)
            text = json.dumps(shown(row), ensure_ascii=False, indent=1) if whole else _without_photos(str(row))
            return _text(text)
        at += len(found)
    return None


def raw_frame(files: Sequence[ParsedReads]) -> pl.DataFrame:
    """The reads of a batch of files as one frame with schema RAW; `file` is the number of a read's file in `files`."""
    series = [_text_series(leaf, [value for parsed in files for value in parsed.columns[leaf]]) for leaf in TEXTS]
    counts = pl.Series([len(parsed.positions) for parsed in files], dtype=pl.UInt32)
    file = pl.Series("file", range(len(files)), dtype=pl.UInt32).repeat_by(counts).explode(empty_as_null=False)
    position = pl.Series("position", [place for parsed in files for place in parsed.positions], dtype=pl.Int64)
    return pl.DataFrame([file.alias("file"), position, *series])


def _text_series(leaf: str, values: list[Any]) -> pl.Series:
    """The values as text; numbers are formatted by polars where all are, as it does so in a tenth of the time."""
    first = next((value for value in values if value is not None), None)
    number = pl.Float64 if leaf in COORDINATES else pl.Int64
    try:
        return pl.Series(leaf, values, dtype=number if isinstance(first, int | float) else pl.String).cast(pl.String)
    except (TypeError, OverflowError):  # text and numbers mixed
        texts = [value if value is None or type(value) is str else str(value) for value in values]
        return pl.Series(leaf, texts, dtype=pl.String)


def _counted(columns: dict[str, list[Any]]) -> ParsedReads | None:
    """A fast reader's columns, their photos checked and dropped; None if only the careful walk can read a photo."""
    parsed = ParsedReads({leaf: columns[leaf] for leaf in TEXTS}, list(range(len(columns[ID]))))
    for leaf in PHOTOS:
        for raw in columns[leaf]:
            if raw is None:  # the object that it stands in is not there
                continue
            photo = bytes(raw)
            if photo == b"null":
                continue
            if b"\\" in photo:
                photo = photo.replace(b"\\/", b"/")  # some writers escape the slash of base64
            if photo[:1] != b'"' or b"\\" in photo:
                return None
            _count_photo(parsed, photo[1:-1])
    return parsed


def _count_photos(parsed: ParsedReads, row: dict[str, Any]) -> None:
    for leaf in PHOTOS:
        _count_photo(parsed, row.get(leaf))


def _count_photo(parsed: ParsedReads, photo: Any) -> None:
    """Counts what a photo's leaf held: nothing, a photo, or something that is none."""
    if photo in NO_PHOTO:
        return
    try:
        pybase64.b64decode(photo, validate=True)
        parsed.photos += 1
    except (ValueError, TypeError):
        parsed.bad_photos += 1


def _add(parsed: ParsedReads, element: Element, start: int) -> list[dict[str, Any]]:
    """Adds an element of a file; gives the objects it held: itself, or the rows that it wraps."""
    if element.value is None:
        _add_broken(parsed, element, start)
        return []
    objects = rows_within(element.value)
    for node in objects:
        row, odd = leaves_of(node)
        _count_photos(parsed, row)
        wrong = [leaf for leaf in ESSENTIAL if leaf in odd and row.get(leaf) in NULLS]
        if wrong:
            detail = f"an object or a list where text is due: {', '.join(wrong)}"
            _reject(parsed, start, "not_text", detail, json.dumps(shown(node)), agency=row.get("agencyName"))
        else:
            _add_read(parsed, row, start)
    return objects


def _add_broken(parsed: ParsedReads, element: Element, start: int) -> None:
    """Adds what arrived of a broken object: a read if all that makes one arrived whole, else a reject."""
    text = _without_photos(element.text)[:KEPT_OF_REJECT].replace("\0", "")
    row = {leaf: value for leaf, value in element.leaves.items() if leaf in LEAVES}
    missing = [leaf for leaf in ESSENTIAL if leaf not in row]
    if not missing:
        _count_photos(parsed, row)
        _add_read(parsed, row, start)
    elif element.text.startswith("{") or any(f'"{leaf}"' in text for leaf in TEXTS):
        detail = f"cut off; did not arrive whole: {', '.join(missing)}"
        _reject(parsed, start, "cut_off", detail, text, agency=row.get("agencyName"))
    elif _is_scalar(element.text):
        _reject(parsed, start, "not_object", "a value that is no object", text)
    else:
        _reject(parsed, start, "not_json", "text that is not JSON", text)


def _add_read(parsed: ParsedReads, row: dict[str, Any], start: int) -> None:
    parsed.positions.append(start + parsed.found)
    for leaf in TEXTS:
        parsed.columns[leaf].append(_text(row.get(leaf)))


def _reject(
    parsed: ParsedReads, start: int, reason: str, detail: str, received: str, *, agency: str | None = None
) -> None:
    name = None if agency in NULLS else _text(agency)
    parsed.rejects.append(RawReject(start + parsed.found, reason, detail, received, name))


def _without_photos(text: str) -> str:
    return _LONG_STRING.sub('"…"', text)


def _text(value: Any) -> str | None:
    """A scalar as text that PostgreSQL can hold: without NUL, and half of a surrogate pair is U+FFFD."""
    if value is None or isinstance(value, bool):
        return None if value is None else str(value).lower()
    return str(value).replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _is_scalar(text: str) -> bool:
    try:
        return not isinstance(json.loads(text, strict=False), dict | list)
    except (ValueError, RecursionError):
        return False
