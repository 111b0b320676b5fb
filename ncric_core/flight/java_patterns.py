"""Patterns that flights write as Java reads them, for polars: date patterns, and replacements of regular expressions.

A date pattern (`MM/dd/yyyy hh:mm a`) becomes a regular expression that the whole text must match, and a chrono format
that reads it. The format alone would not do: chrono accepts more than Java, such as one digit for two, a missing blank,
or the year 22 for `yyyy`. A pattern that cannot be used raises ValueError with the reason.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

import polars as pl

from ncric_core.flight.faults import quoted

Kind = Literal["date", "time", "datetime"]

YEARS_AHEAD: Final = 20  # a year of two digits is at most so far ahead, else it is of the century before (as in Java)

_DAY_OF_TIMES: Final = "1970-01-01"  # a time of day is read as a time on this day
_WALL: Final = "%Y-%m-%dT%H:%M:%S%.f"
_OFFSET: Final = r"(?:Z|[+-]\d{2}(?::?\d{2})?)"
_ISO: Final = (
    r"^(?:(?<day>\d{4}-\d{2}-\d{2})(?:[T ]|$))?"
    r"(?:(?<minute>\d{2}:\d{2})(?<second>:\d{2}(?:\.\d{1,9})?)?(?<zone>" + _OFFSET + r")?)?$"
)

_HOURS: Final = {
    **{"UTC": 0, "GMT": 0, "Z": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6},
    **{"PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8, "HST": -10},
}
"""The zone names that the pattern letter z reads, those of the United States, and their hours from UTC."""

_LETTERS: Final[dict[str, dict[int, tuple[str, str]]]] = {
    "y": {1: (r"\d{4}", "%Y"), 2: (r"\d{2}", "%y"), 4: (r"\d{4}", "%Y")},
    "u": {1: (r"\d{4}", "%Y"), 2: (r"\d{2}", "%y"), 4: (r"\d{4}", "%Y")},
    "M": {1: (r"\d{1,2}", "%m"), 2: (r"\d{2}", "%m"), 3: ("[A-Za-z]{3}", "%b"), 4: ("[A-Za-z]{3,9}", "%B")},
    "L": {1: (r"\d{1,2}", "%m"), 2: (r"\d{2}", "%m"), 3: ("[A-Za-z]{3}", "%b"), 4: ("[A-Za-z]{3,9}", "%B")},
    "d": {1: (r"\d{1,2}", "%d"), 2: (r"\d{2}", "%d")},
    "D": {1: (r"\d{1,3}", "%j"), 3: (r"\d{3}", "%j")},
    "E": {**dict.fromkeys((1, 2, 3), ("[A-Za-z]{3}", "%a")), 4: ("[A-Za-z]{6,9}", "%A")},
    "H": {1: (r"\d{1,2}", "%H"), 2: (r"\d{2}", "%H")},
    "h": {1: (r"\d{1,2}", "%I"), 2: (r"\d{2}", "%I")},
    "m": {1: (r"\d{1,2}", "%M"), 2: (r"\d{2}", "%M")},
    "s": {1: (r"\d{1,2}", "%S"), 2: (r"\d{2}", "%S")},
    "a": {1: ("[AaPp][Mm]", "%p")},
    "z": dict.fromkeys((1, 2, 3, 4), (f"((?i:{'|'.join(_HOURS)}))", "%Z")),
    "Z": dict.fromkeys((1, 2, 3, 5), (_OFFSET, "%#z")),
    "X": dict.fromkeys((1, 2, 3), (_OFFSET, "%#z")),
    "x": dict.fromkeys((1, 2, 3), (_OFFSET, "%#z")),
}
"""A letter, and how often it is repeated → the regular expression of its text, and the chrono format that reads it."""

_DATES: Final = ("%Y", "%y", "%m", "%b", "%B", "%d", "%j", "%a", "%A")
_PARTS: Final = {
    "hour": ("%H", "%I"),
    "minute": ("%M",),
    "second": ("%S",),
    "year": ("%Y", "%y"),
    "month": ("%m", "%b", "%B", "%j"),
    "day": ("%d", "%j"),
    "AM or PM": ("%p",),
}
_TOKEN: Final = re.compile(r"(?P<quoted>''|'(?:[^']|'')+')|(?P<letters>([A-Za-z])\3*)|(?P<other>.)", re.DOTALL)
_GOAL: Final = re.compile(r"\$(?P<digits>\d+)|\$\{(?P<name>\w+)\}|\\(?P<escaped>.)|(?P<literal>.)", re.DOTALL)
_RESERVED: Final = "'[]{}#"
_FRACTIONS: Final = (3, 6, 9)  # the numbers of digits that chrono reads without a point before them
_MOST_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class DatePattern:
    """A compiled Java pattern. `regex` matches the whole text; `format` reads `before` + text + `after`."""

    regex: str
    format: str
    before: str = ""
    after: str = ""

    def has(self, *fields: str) -> bool:
        return any(field in _fields(self.format) for field in fields)


class _Reading(NamedTuple):
    """What one pattern reads: times without a zone (`wall`), times in UTC (`instant`) or both; null where none fits."""

    wall: pl.Expr | None = None
    instant: pl.Expr | None = None


def date_pattern(java: str, kind: Kind) -> DatePattern:
    """Compiles a Java pattern for texts of a `kind`.

    Raises ValueError if it has a letter that cannot be used, or lacks a part that the kind needs.
    """
    regex, chrono = "", ""
    for shape, field in _tokens(java):
        if field == "%.f":  # the point before a fraction is a part of this field
            chrono = chrono[:-1]
        regex, chrono = regex + shape, chrono + field
    _check_parts(java, kind, chrono)
    before, after = "", ""
    if not any(field in _fields(chrono) for field in _DATES):
        before, chrono = f"{_DAY_OF_TIMES} ", f"%Y-%m-%d {chrono}"
    if {"%H", "%I"} & _fields(chrono) and "%M" not in _fields(chrono):  # chrono reads no hour without a minute
        after, chrono = " 00", f"{chrono} %M"
    return DatePattern(f"^{regex}$", chrono, before, after)


def check_zone(zone: str) -> None:
    """Raises ValueError if polars does not know the time zone."""
    try:
        pl.select(pl.lit(datetime(2000, 1, 1)).dt.replace_time_zone(zone or "no zone"))  # noqa: DTZ001
    except pl.exceptions.ComputeError:
        raise ValueError(f"unknown time zone {quoted(zone)}") from None


def read_instants(text: pl.Expr, patterns: Sequence[DatePattern], zone: str) -> pl.Expr:
    """Reads text as Datetime("us", "UTC"): as ISO 8601, else by the first pattern that fits; else null.

    `zone` is the time zone of texts that name none.
    """
    found: list[pl.Expr] = []
    for reading in _readings(text, patterns, "datetime"):
        found += [] if reading.instant is None else [reading.instant]
        found += [] if reading.wall is None else [_localized(reading.wall, zone)]
    return _in_range(pl.coalesce(found))


def read_walls(text: pl.Expr, patterns: Sequence[DatePattern], zone: str, kind: Kind) -> pl.Expr:
    """Reads text as Datetime("us") without a zone: as ISO 8601, else by the first pattern that fits; else null.

    A text with an offset from UTC is converted to `zone`; any other is taken as written.
    """
    found: list[pl.Expr] = []
    for reading in _readings(text, patterns, kind):
        if reading.instant is not None:
            found.append(reading.instant.dt.convert_time_zone(zone).dt.replace_time_zone(None))
        found += [] if reading.wall is None else [reading.wall]
    return _in_range(pl.coalesce(found))


def rust_goal(goal: str, target: str) -> str:
    """Rewrites a replacement of Java's (`$1abc`, `${name}`, `\\$`) for polars (`${1}abc`, `${name}`, `$$`).

    Raises ValueError if it refers to a group that `target` does not have, or has a lone `$` or backslash.
    """
    groups = ["0", *pl.select(pl.lit("").str.extract_groups(target)).to_series().struct.fields]
    rust = ""
    for part in _GOAL.finditer(goal):
        if part["digits"]:
            group, rest = _longest(part["digits"], len(groups) - 1)
            rust += f"${{{group}}}{rest}"
        elif part["name"]:
            if part["name"] not in groups or part["name"].isdigit():
                raise ValueError(f"the target has no group {quoted(part['name'])}")
            rust += part[0]
        elif part["literal"] == "$" or part[0] == "\\":
            raise ValueError(f"{part[0]!r} stands alone in {quoted(goal)}")
        else:
            rust += (part["escaped"] or part["literal"]).replace("$", "$$")
    return rust


def _tokens(java: str) -> Iterator[tuple[str, str]]:
    """Gives the regular expression and the chrono format of each part of a pattern."""
    point = False
    for token in _TOKEN.finditer(java):
        letters, text = token["letters"], token[0]
        if letters and letters[0] == "S":
            yield _fraction(java, len(letters), point)
        elif letters:
            yield _field(java, letters)
        else:
            if token["other"] and text in _RESERVED:
                raise ValueError(f"{quoted(java)}: {text!r} cannot be used")
            literal = text if token["other"] else (text[1:-1].replace("''", "'") or "'")
            yield pl.escape_regex(literal), literal.replace("%", "%%")
        point = not letters and text.strip("'").endswith(".")


def _field(java: str, letters: str) -> tuple[str, str]:
    counts = _LETTERS.get(letters[0])
    if counts is None:
        hint = "; the year is 'y'" if letters[0] == "Y" else ""
        raise ValueError(f"{quoted(java)}: letter {letters[0]!r} cannot be used{hint}")
    if len(letters) not in counts:
        raise ValueError(f"{quoted(java)}: {quoted(letters)} cannot be used")
    return counts[len(letters)]


def _fraction(java: str, digits: int, after_point: bool) -> tuple[str, str]:
    if after_point and digits <= _MOST_DIGITS:
        return rf"\d{{{digits}}}", "%.f"
    if digits in _FRACTIONS:
        return rf"\d{{{digits}}}", f"%{digits}f"
    raise ValueError(f"{quoted(java)}: {quoted('S' * digits)} can only follow a point")


def _fields(chrono: str) -> set[str]:
    return set(re.findall(r"%#?[A-Za-z]", chrono.replace("%%", "")))


def _check_parts(java: str, kind: Kind, chrono: str) -> None:
    fields = _fields(chrono)
    has = {part: not fields.isdisjoint(chronos) for part, chronos in _PARTS.items()}
    needed: list[str] = []
    if kind != "time" or not fields.isdisjoint(_DATES):
        needed += ["year", "month", "day"]
    if kind == "time" or has["minute"]:
        needed += ["hour"]
    if has["second"]:
        needed += ["hour", "minute"]
    if "%I" in fields:
        needed += ["AM or PM"]
    for part in needed:
        if not has[part]:
            raise ValueError(f"{quoted(java)} has no {part}")


def _readings(text: pl.Expr, patterns: Sequence[DatePattern], kind: Kind) -> Iterator[_Reading]:
    trimmed = text.str.strip_chars()
    yield _read_iso(trimmed, kind)
    for pattern in patterns:
        yield _read(trimmed, pattern)


def _read_iso(text: pl.Expr, kind: Kind) -> _Reading:
    """Reads ISO 8601, with T or a blank: a date, or a date and time with or without offset.

    For kind `time` it reads a time alone too, and no date alone.
    """
    parts = text.str.extract_groups(_ISO)
    day, minute, second, zone = (parts.struct.field(name) for name in ("day", "minute", "second", "zone"))
    if kind == "time":
        day = pl.when(minute.is_not_null()).then(day.fill_null(_DAY_OF_TIMES))
    day = pl.when(~text.str.ends_with("T")).then(day)
    wall = pl.concat_str(day, pl.lit("T"), minute.fill_null("00:00"), second.fill_null(":00"))
    return _Reading(
        _time(pl.when(zone.is_null()).then(wall), _WALL),
        _time(pl.concat_str(wall, zone), f"{_WALL}%#z"),
    )


def _read(text: pl.Expr, pattern: DatePattern) -> _Reading:
    fitting = pl.when(text.str.contains(pattern.regex)).then(text)
    time = _time(pl.concat_str(pl.lit(pattern.before), fitting, pl.lit(pattern.after)), pattern.format)
    if pattern.has("%y"):
        latest = datetime.now(UTC).year + YEARS_AHEAD
        time = pl.when(time.dt.year() > latest).then(time.dt.offset_by("-100y")).otherwise(time)
    if pattern.has("%#z"):
        return _Reading(instant=time)
    if pattern.has("%Z"):
        name = text.str.extract(pattern.regex, 1).str.to_uppercase()
        hours = name.replace_strict(_HOURS, default=None, return_dtype=pl.Int64)
        return _Reading(instant=(time - pl.duration(hours=hours)).dt.replace_time_zone("UTC"))
    return _Reading(wall=time)


def _time(text: pl.Expr, chrono: str) -> pl.Expr:
    zone = "UTC" if "%#z" in chrono else None
    return text.str.to_datetime(chrono, time_unit="us", time_zone=zone, strict=False)


def _localized(wall: pl.Expr, zone: str) -> pl.Expr:
    """Converts to UTC, as `clean.utc` does: a time that occurs twice is the first, a skipped 02:30 is 03:30."""
    if zone == "UTC":
        return wall.dt.replace_time_zone("UTC")
    day = pl.duration(hours=24)
    here = wall.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
    before = (wall - day).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return pl.coalesce(here, before.dt.convert_time_zone("UTC") + day)


def _in_range(time: pl.Expr) -> pl.Expr:
    """Null for the years that ISO 8601 and PostgreSQL cannot write in four digits."""
    return pl.when(time.dt.year().is_between(1, 9999)).then(time)


def _longest(digits: str, most: int) -> tuple[int, str]:
    """Splits digits after `$` as Java does: the longest number that is a group, and the rest, which is text."""
    for length in range(len(digits), 0, -1):
        if int(digits[:length]) <= most and (length == 1 or digits[0] != "0"):
            return int(digits[:length]), digits[length:]
    raise ValueError(f"the target has no group {digits[0]!r}")
