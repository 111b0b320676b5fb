"""BOSS4 and SCSO files: the window in a name, and the reads in the content, known by leaf name whatever the nesting."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl
import pybase64

from ncric_core.sources.salvage import Element, decoded, elements
from ncric_core.sources.shapes import FastReader, Leaves, learn

ID, DATE, TIME, PLATE = "LPREventID", "eventDate", "eventTime", "VehicleLicensePlateID"
ESSENTIAL: Final = (ID, DATE, TIME, PLATE)
COORDINATES: Final = tuple(
    f"{axis}{part}Value" for axis in ("Latitude", "Longitude") for part in ("Degree", "Minute", "Second")
)
TEXTS: Final = (*ESSENTIAL, "LPRCameraID", "LPRCameraName", "agencyName", "agencyAcronym", "agencyOriNumber", *COORDINATES)
PHOTOS: Final = ("LPRVehiclePlatePhoto", "LPRAdditionalPhoto")
LEAVES: Final = Leaves(texts=TEXTS, numbers=COORDINATES, signed=(COORDINATES[0], COORDINATES[3]), raw=PHOTOS)
"""The leaves of a read (feeds.md, section 1)."""

RAW: Final = pl.Schema({"file": pl.UInt32, "position": pl.Int64} | dict.fromkeys(TEXTS, pl.String))
"""Raw reads: each leaf as its text (null where it was not there), the number of its file in the batch, and its index there."""

KEPT_OF_REJECT: Final = 4000  # characters kept of text that is not JSON

NO_PHOTO: Final = (None, "", "None", "null", b"", b"None", b"null")

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

    `readers` are those of the shapes met so far in this run, the latest first; a file of a new shape is read with care and
    its shape is learned, a damaged one is read with care and salvaged.
    """
    for number, reader in enumerate(readers if b"\\u0000" not in data else ()):  # NUL is the careful walk's to drop
        columns = reader(data)
        if columns is not None and (parsed := _counted(columns)) is not None:
            readers.insert(0, readers.pop(number))
            return parsed
    objects: list[dict[str, Any]] = []
    parsed = ParsedReads()
    for element in elements(decoded([data]), _is_read):
        objects.extend(_add(parsed, element, 0))
    learned = learn(objects, LEAVES) if not parsed.rejects else None
    if learned is not None and learned(data) is not None:
        readers.insert(0, learned)
        del readers[8:]
    return parsed


def parse_parts(pieces: Iterable[bytes], part: int) -> Iterator[ParsedReads]:
    """The reads of a file too large to hold, in parts of `part` rows, and always at least one part."""
    parsed, start = ParsedReads(), 0
    for element in elements(decoded(pieces), _is_read):
        _add(parsed, element, start)
        if parsed.found >= part:
            yield parsed
            start += parsed.found
            parsed = ParsedReads()
    yield parsed


def raw_frame(files: Sequence[ParsedReads]) -> pl.DataFrame:
    """The reads of a batch of files as one frame with schema RAW; column `file` is the number of the file in `files`."""
    series = [_text_series(leaf, [value for parsed in files for value in parsed.columns[leaf]]) for leaf in TEXTS]
    counts = [len(parsed.positions) for parsed in files]
    file = pl.Series("file", range(len(files)), dtype=pl.UInt32).repeat_by(pl.Series(counts)).explode(empty_as_null=False)
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
    """The columns of a fast reader, their photos checked and dropped; None if a photo's leaf holds an object."""
    parsed = ParsedReads({leaf: columns[leaf] for leaf in TEXTS}, list(range(len(columns[ID]))))
    for leaf in PHOTOS:
        for raw in columns[leaf]:
            photo = bytes(raw)
            if photo[:1] in (b"{", b"["):
                return None
            if photo != b"null":
                _count_photo(parsed, json.loads(photo) if b"\\" in photo or photo[:1] != b'"' else photo[1:-1])
    return parsed


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
    """Adds an element of a file; gives the objects it held: itself, or the reads that it wraps."""
    if element.value is not None:
        objects = list(_reads_within(element.value))
        for node in objects:
            row, odd = _leaves(node)
            _add_row(parsed, row, odd, start, lambda node=node: json.dumps(_shown(node)))  # type: ignore[misc]
        return objects
    text = _LONG_STRING.sub('"…"', element.text)[:KEPT_OF_REJECT].replace("\0", "")
    missing = [leaf for leaf in ESSENTIAL if leaf not in element.leaves]
    if not missing:
        _add_row(parsed, {leaf: value for leaf, value in element.leaves.items() if leaf in LEAVES}, set(), start, lambda: text)
    elif element.text.startswith("{") or any(leaf in LEAVES for leaf in element.leaves):
        detail = f"cut off; did not arrive whole: {', '.join(missing)}"
        _reject(parsed, start, "cut_off", detail, text, element.leaves.get("agencyName"))
    elif _is_scalar(element.text):
        _reject(parsed, start, "not_object", "a value that is no object", text)
    else:
        _reject(parsed, start, "not_json", "text that is not JSON", text)
    return []


def _add_row(parsed: ParsedReads, row: dict[str, Any], odd: set[str], start: int, received: Callable[[], str]) -> None:
    """Adds a read, or a reject if an essential field holds no text."""
    for leaf in PHOTOS:
        _count_photo(parsed, row.get(leaf))
    position = start + parsed.found
    wrong = [leaf for leaf in ESSENTIAL if leaf in odd and row.get(leaf) is None]
    if wrong:
        detail = f"an object or a list where text is due: {', '.join(wrong)}"
        _reject(parsed, start, "not_text", detail, received(), _text(row.get("agencyName")))
        return
    parsed.positions.append(position)
    for leaf in TEXTS:
        parsed.columns[leaf].append(_text(row.get(leaf)))


def _reject(parsed: ParsedReads, start: int, reason: str, detail: str, received: str, agency: str | None = None) -> None:
    parsed.rejects.append(RawReject(start + parsed.found, reason, detail, received, agency))


def _text(value: Any) -> str | None:
    """A scalar as text that PostgreSQL can hold: without NUL, and half of a surrogate pair is U+FFFD."""
    if value is None or isinstance(value, bool):
        return None if value is None else str(value).lower()
    return str(value).replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _walk(node: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every key and value below an object in the order of the text; an object or a list comes before what is in it."""
    stack: list[tuple[str, Any]] = list(reversed(node.items()))
    while stack:
        key, value = stack.pop()
        yield key, value
        if isinstance(value, dict):
            stack.extend(reversed(value.items()))
        elif isinstance(value, list):
            stack.extend(("", item) for item in reversed(value))


def _leaves(node: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """The wanted leaves (the first that is not null counts), and those that held an object or a list instead."""
    row: dict[str, Any] = {}
    odd: set[str] = set()
    for key, value in _walk(node):
        if key in LEAVES:
            if isinstance(value, dict | list):
                odd.add(key)
            elif row.get(key) is None:
                row[key] = value
    return row, odd


def _is_read(value: Any) -> bool:
    return isinstance(value, dict) and any(key == ID and not isinstance(inner, dict | list) for key, inner in _walk(value))


def _reads_within(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The object itself, or the reads in its lists if it is but a wrapper: {"reads": […]}."""
    listed = [item for inner in value.values() if isinstance(inner, list) for item in inner]
    if ID not in value and listed and all(map(_is_read, listed)):
        yield from listed
    else:
        yield value


def _shown(value: Any) -> Any:
    """A received object without its photos."""
    if isinstance(value, dict):
        return {key: "…" if key in PHOTOS and inner else _shown(inner) for key, inner in value.items()}
    return [_shown(item) for item in value] if isinstance(value, list) else value


def _is_scalar(text: str) -> bool:
    try:
        return not isinstance(json.loads(text, strict=False), dict | list)
    except (ValueError, RecursionError):
        return False
