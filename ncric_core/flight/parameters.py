"""Parameters of a flight's transforms and conditions: what they may be, and what is said of one that may not."""

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any, NamedTuple

import polars as pl

from ncric_core.errors import FlightError
from ncric_core.flight.java_patterns import DatePattern, Kind, check_zone, date_pattern


class Parameter(NamedTuple):
    """How a parameter is read (FlightError: it is of the wrong type), and whether it names columns of the table."""

    read: Callable[[Any], Any]
    default: Any = ...  # ...: it must be given
    columns: bool = False


Given = dict[str, Any]
"""Parameters by name: as YAML gives them, or as they were read."""

Parameters = Mapping[str, Parameter]
"""What a transform or condition takes, by name."""


def read_parameters(given: Given, parameters: Parameters, columns: Collection[str] | None) -> Given:
    """The parameters, checked, with defaults for those that are not given or null."""
    for name in given:
        if name not in parameters:
            known = f"known: {', '.join(parameters)}" if parameters else "it has none"
            raise FlightError(f"unknown parameter {name!r} ({known})")
    return {name: _read_one(name, given.get(name), parameter, columns) for name, parameter in parameters.items()}


def _read_one(name: str, given: Any, parameter: Parameter, columns: Collection[str] | None) -> Any:
    if given is None:
        if parameter.default is ...:
            raise FlightError(f"parameter {name!r} is missing")
        return parameter.default
    try:
        read = parameter.read(given)
    except FlightError as fault:
        raise FlightError(f"{name}: {fault}") from None
    if parameter.columns and columns is not None:
        for column in [read] if isinstance(read, str) else read:
            if column not in columns:
                raise FlightError(f"{name}: {lacks_column(column)}")
    return read


def lacks_column(column: str) -> str:
    """What is said of a column that the table does not have."""
    return f"the table has no column {column!r}"


def read_string(given: Any) -> str:
    if not isinstance(given, str):
        raise FlightError(f"a text is needed, not {given!r}")
    return given


def read_strings(given: Any) -> list[str]:
    if not isinstance(given, list) or not given or not all(isinstance(item, str) for item in given):
        raise FlightError(f"a list of texts is needed, not {given!r}")
    return given


def read_scalar(given: Any) -> str:
    """A constant as YAML gives it (text, number, truth, date), as text."""
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, date):
        return given.isoformat()
    if not isinstance(given, str | int | float):
        raise FlightError(f"a single value is needed, not {given!r}")
    return str(given)


def read_flag(given: Any) -> bool:
    if not isinstance(given, bool):
        raise FlightError(f"true or false is needed, not {given!r}")
    return given


def read_one_of(*names: str) -> Callable[[Any], str]:
    """Reads one of these words, and no other."""

    def read(given: Any) -> str:
        if given not in names:
            raise FlightError(f"one of {', '.join(names)} is needed, not {given!r}")
        return str(given)

    return read


def read_index(given: Any) -> int:
    """A part's number from 0, or -1 for the last; a number may be in quotes."""
    if given == "last":
        return -1
    if isinstance(given, bool) or not re.fullmatch(r"\d{1,9}", str(given)):
        raise FlightError(f"a number from 0 or 'last' is needed, not {given!r}")
    return int(given)


def read_separator(given: Any) -> str:
    """A regular expression, as in Java; one character stands for itself."""
    text = read_string(given)
    if not text:
        raise FlightError("a text is needed, not ''")
    return pl.escape_regex(text) if len(text) == 1 else read_regex(text)


def read_regex(given: Any) -> str:
    """A regular expression that polars takes: look-around and back-references, which Java has, are refused."""
    pattern = read_string(given)
    try:
        pl.select(pl.lit("").str.contains(pattern))
    except pl.exceptions.ComputeError as error:
        reason = re.search(r"^error: (.+)$", str(error), re.MULTILINE)
        fault = reason[1] if reason else str(error).partition("\n")[0]
        raise FlightError(f"{pattern!r} cannot be used as a regular expression: {fault}") from None
    return pattern


def read_hash_function(given: Any) -> str:
    name = read_string(given)
    if name not in hashlib.algorithms_guaranteed or name.startswith("shake"):  # a shake has no length of its own
        raise FlightError(f"unknown hash function {name!r}")
    return name


def read_zone(given: Any) -> str:
    zone = read_string(given)
    check_zone(zone)
    return zone


def read_patterns(kind: Kind, given: Any) -> list[DatePattern]:
    """Java's patterns of dates and times: one, or a list that is tried in order."""
    return [date_pattern(java, kind) for java in read_strings([given] if isinstance(given, str) else given)]
