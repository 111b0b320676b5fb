"""Parses BOSS4 and SCSO files: the window in the file's name, and the reads in its content, at any nesting."""

import json
import re
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl
import pybase64

from ncric_core.encodings import GZIP, decoded, unpacked
from ncric_core.sources.files.leaves import (
    COORDINATES,
    ESSENTIAL,
    LEAVES,
    NULLS,
    PHOTOS,
    TEXTS,
    leaves_of,
    rows_within,
    shown,
)
from ncric_core.sources.files.salvage import Element, elements
from ncric_core.sources.files.undamaged import read_undamaged
from ncric_core.vocabulary import Reason

RAW: Final = pl.Schema({"file": pl.UInt32, "position": pl.Int64, "cut_at": pl.Int32} | dict.fromkeys(TEXTS, pl.String))
"""Raw reads: the number of the read's file in the batch, its place in that file, how many characters of a broken row
arrived (null: the row is whole), and each leaf as text (null: missing).
A coordinate is Float64 if all its values in the batch came as numbers."""

LARGEST_WHOLE: Final = 32 * 2**20  # bytes; a file that unpacks to more is read in parts

KEPT_OF_REJECT: Final = 4000  # characters kept of text that is not JSON

_LONG_STRING = re.compile(r'"[A-Za-z0-9+/=\\]{1000,}+"?')
_STAMP = re.compile(r"(?<!\d)(20\d{2})-?(\d{2})-?(\d{2})[T_ -]?(\d{2})[-:.]?(\d{2})[-:.]?(\d{2})(?!\d)")


@dataclass(frozen=True, slots=True)
class RawReject:
    """A row that cannot become a read: its place in the file, the reason, and the row as received, without photos."""

    position: int
    reason: Reason
    detail: str
    received: str
    agency_name: str | None = None


@dataclass(frozen=True, slots=True)
class ParsedReads:
    """The reads of a file, or of a part of a large one, with its rejects and the number of its photos.

    `reads` has `position` (Int64) and the leaves of RAW that occur, each as text or as the numbers received. It has
    `cut_at` (Int32) if the file was read with care.
    """

    reads: pl.DataFrame
    rejects: list[RawReject]
    photos: int
    bad_photos: int

    @property
    def found(self) -> int:
        """Rows found: reads and rejects."""
        return self.reads.height + len(self.rejects)


@dataclass(slots=True)
class _Careful:
    """What a careful walk through a file has found so far. `columns` has a list of values for each leaf of TEXTS."""

    start: int = 0  # rows of the parts before this one
    columns: dict[str, list[str | None]] = field(default_factory=lambda: {leaf: [] for leaf in TEXTS})
    positions: list[int] = field(default_factory=list)
    cut_at: list[int | None] = field(default_factory=list)
    rejects: list[RawReject] = field(default_factory=list)
    photos: int = 0
    bad_photos: int = 0

    @property
    def found(self) -> int:
        return len(self.positions) + len(self.rejects)

    def parsed(self) -> ParsedReads:
        schema = {name: kind for name, kind in RAW.items() if name != "file"}
        reads = pl.DataFrame({"position": self.positions, "cut_at": self.cut_at} | self.columns, schema=schema)
        return ParsedReads(reads, self.rejects, self.photos, self.bad_photos)


def arrival_window(key: str, last_modified: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Returns the start and end (UTC) of the time in which a file's reads arrived.

    They are two times in the file's name, else both are LastModified. The times in a name are of this century and
    have no zone. Like those in the data, they are in the feed's zone (feeds.md, section 1).
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


def parse_file(data: bytes) -> ParsedReads | None:
    """Returns the reads of a whole file, plain or gzip. None: it unpacks to so much that it is read in parts."""
    if not data.startswith(GZIP):
        return parse(data)
    try:
        content = unpacked(data, LARGEST_WHOLE)
    except zlib.error:
        return parse_with_care(data)
    return None if content is None else parse(content)


def parse(data: bytes) -> ParsedReads:
    """Returns the reads of a whole file. An undamaged file is read fast; any other is read with care, and salvaged."""
    leaves = read_undamaged(data)
    if leaves is None:
        return parse_with_care(data)
    photos = chain.from_iterable(leaves.pop(leaf).drop_nulls() for leaf in PHOTOS if leaf in leaves)
    good, bad = count_photos(photos)
    return ParsedReads(pl.DataFrame(list(leaves.values())), [], good, bad)


def parse_with_care(data: bytes) -> ParsedReads:
    """Returns the reads of a whole file, however damaged it is."""
    (whole,) = parse_parts([data], sys.maxsize)
    return whole


def parse_parts(pieces: Iterable[bytes], part: int) -> Iterator[ParsedReads]:
    """Yields the reads of a file too large for memory, in parts of about `part` rows; always at least one part.

    Where gzip data are damaged, the file ends with a reject that says so.
    """
    walk = _Careful()
    try:
        for element in elements(decoded(pieces)):
            _add(walk, element)
            if walk.found >= part:
                yield walk.parsed()
                walk = _Careful(start=walk.start + walk.found)
    except zlib.error as error:
        _reject(walk, Reason.NOT_JSON, f"damaged gzip data: {error}; what follows is lost", "")
    yield walk.parsed()


def row_at(pieces: Iterable[bytes], position: int) -> str | None:
    """Returns a row of a file as received, without photos; None if the file has fewer rows."""
    at = 0
    with suppress(zlib.error):  # the rows before the damage can be shown
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
    """Returns the reads of a batch of files as one frame (schema RAW); `file` is the index of their file in `files`."""
    filled = [parsed.reads for parsed in files if parsed.reads.height]
    if not filled:
        return RAW.to_frame()
    counts = pl.Series([parsed.reads.height for parsed in files], dtype=pl.UInt32)
    file = pl.Series("file", range(len(files)), dtype=pl.UInt32).repeat_by(counts).explode(empty_as_null=False)
    reads = pl.concat(filled, how="diagonal_relaxed", rechunk=True)  # numbers among texts become text
    columns = (_column(name, reads.schema) for name in ("cut_at", *TEXTS))
    return reads.select(file.alias("file"), "position", *columns)


def _column(name: str, schema: pl.Schema) -> pl.Expr:
    """Returns a column in its type of RAW; all null if the schema lacks it."""
    kind = schema.get(name, pl.Null())
    given = pl.col(name) if name in schema else pl.lit(None).alias(name)
    return given.cast(pl.Float64 if name in COORDINATES and kind.is_numeric() else RAW[name])


def count_photos(photos: Iterable[object]) -> tuple[int, int]:
    """Counts valid and invalid base64 photos; nulls are neither."""
    good = bad = 0
    for photo in photos:
        if photo in NULLS:
            continue
        try:
            pybase64.b64decode(photo, validate=True)  # type: ignore[arg-type]  # a number raises TypeError
            good += 1
        except (ValueError, TypeError):
            bad += 1
    return good, bad


def _add(walk: _Careful, element: Element) -> None:
    """Adds an element of a file: the rows of an object, or what arrived of a broken one."""
    if element.value is None:
        _add_broken(walk, element)
        return
    for node in rows_within(element.value):
        row, odd = leaves_of(node)
        _add_photos(walk, row)
        wrong = [leaf for leaf in ESSENTIAL if leaf in odd and row.get(leaf) in NULLS]
        if wrong:
            detail = f"an object or a list where text is due: {', '.join(wrong)}"
            _reject(walk, Reason.NOT_TEXT, detail, json.dumps(shown(node)), agency=row.get("agencyName"))
        else:
            _add_read(walk, row)


def _add_broken(walk: _Careful, element: Element) -> None:
    """Adds what arrived of a broken object: a read if all leaves of ESSENTIAL arrived whole, else a reject."""
    text = _without_photos(element.text)[:KEPT_OF_REJECT].replace("\0", "")
    row = {leaf: value for leaf, value in element.leaves.items() if leaf in LEAVES}
    missing = [leaf for leaf in ESSENTIAL if leaf not in row]
    if not missing:
        _add_photos(walk, row)
        _add_read(walk, row, cut_at=len(element.text))
    elif element.text.startswith("{") or any(f'"{leaf}"' in text for leaf in TEXTS):
        detail = f"cut off; did not arrive whole: {', '.join(missing)}"
        _reject(walk, Reason.CUT_OFF, detail, text, agency=row.get("agencyName"))
    elif _is_scalar(element.text):
        _reject(walk, Reason.NOT_OBJECT, "a value that is no object", text)
    else:
        _reject(walk, Reason.NOT_JSON, "text that is not JSON", text)


def _add_photos(walk: _Careful, row: dict[str, Any]) -> None:
    good, bad = count_photos(row.get(leaf) for leaf in PHOTOS)
    walk.photos += good
    walk.bad_photos += bad


def _add_read(walk: _Careful, row: dict[str, Any], *, cut_at: int | None = None) -> None:
    walk.positions.append(walk.start + walk.found)
    walk.cut_at.append(cut_at)
    for leaf in TEXTS:
        walk.columns[leaf].append(_text(row.get(leaf)))


def _reject(walk: _Careful, reason: Reason, detail: str, received: str, *, agency: str | None = None) -> None:
    name = None if agency in NULLS else _text(agency)
    walk.rejects.append(RawReject(walk.start + walk.found, reason, detail, received, name))


def _without_photos(text: str) -> str:
    return _LONG_STRING.sub('"…"', text)


def _text(value: Any) -> str | None:
    """Returns a scalar as text that PostgreSQL can hold: NUL is removed, half a surrogate pair becomes U+FFFD."""
    if value is None or isinstance(value, bool):
        return None if value is None else str(value).lower()
    return str(value).replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _is_scalar(text: str) -> bool:
    try:
        return not isinstance(json.loads(text, strict=False), dict | list)
    except (ValueError, RecursionError):
        return False
