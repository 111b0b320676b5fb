"""Parameters of a flight's transforms and conditions: the base of their models, and the types of their fields."""

import hashlib
import re
from collections.abc import Collection
from datetime import date
from typing import Annotated, Any, Final, TypeVar

import polars as pl
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from ncric_core.errors import FlightError
from ncric_core.flight.faults import in_words, needed, quoted
from ncric_core.flight.java_patterns import check_zone
from ncric_core.flight.java_regex import rust_pattern


class Unquoted(str):
    """A text that a flight has without quotes. YAML would take some for numbers, dates or truth values."""

    __slots__ = ()


class Parameters(BaseModel):
    """What a transform or a condition takes: a field for each parameter, named in the flight as `leftColumn`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, alias_generator=to_camel)

    @classmethod
    def names(cls) -> list[str]:
        """The parameters' names in a flight."""
        return [field.alias or name for name, field in cls.model_fields.items()]

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        """Leaves out known parameters that are null: the default applies to them."""
        if not isinstance(given, dict):
            return given
        return {name: one for name, one in given.items() if one is not None or name not in cls.names()}


_P = TypeVar("_P", bound=Parameters)


def read_parameters(kind: type[_P], given: Any, columns: Collection[str] | None) -> _P:
    """Checks the parameters that a flight gives for a transform or condition.

    `columns` are those of the table; None: the table is not known yet, and columns are not looked for in it.
    Raises FlightError, which names each wrong parameter and its fault.
    """
    try:
        return kind.model_validate(given, context={"columns": columns})
    except ValidationError as error:
        # a parameter that is misspelt comes before the one that it leaves missing
        faults = sorted(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        found = dict.fromkeys(_fault(kind, given, one) for one in faults)
        raise FlightError("; ".join(found)) from None


def _fault(kind: type[Parameters], given: Any, fault: ErrorDetails) -> str:
    if not fault["loc"]:
        return f"parameters are written as name: value, not {quoted(given)}"
    name = fault["loc"][0]
    match fault["type"]:
        case "extra_forbidden":
            known = f"known: {', '.join(kind.names())}" if kind.names() else "it has none"
            return f"unknown parameter {quoted(name)} ({known})"
        case "missing":
            return f"parameter {name!r} is missing"
        case "value_error":
            return f"{name}: {in_words(fault)}"
        case sort if sort in _OF_A_LIST or len(fault["loc"]) > 1:  # the list, or one of its items
            return f"{name}: {needed('a list of texts', given[name])}"
        case _:
            return f"{name}: {in_words(fault)}"


_OF_A_LIST: Final = ("list_type", "too_short")


def lacks_column(column: str) -> str:
    """Says that the table does not have a column."""
    return f"the table has no column {quoted(column)}"


# ---- types of parameters; a ValueError's text is the fault


def _in_table(column: str, info: ValidationInfo) -> str:
    columns = info.context["columns"] if info.context else None
    if columns is not None and column not in columns:
        raise ValueError(lacks_column(column))
    return column


def _constant(given: Any) -> str:
    match given:
        case bool():
            return str(given).lower()
        case date():
            return given.isoformat()
        case str() | int() | float():
            return str(given)
    raise ValueError(needed("a single value", given))


def _flag(given: Any) -> Any:
    return _TRUTHS.get(given.lower(), given) if isinstance(given, Unquoted) else given


_TRUTHS: Final = dict.fromkeys(("true", "yes", "on"), True) | dict.fromkeys(("false", "no", "off"), False)
"""YAML's words, which are texts in a flight except where true or false is due."""


def _index(given: Any) -> int:
    if given == "last":
        return -1
    if isinstance(given, bool) or not re.fullmatch(r"\d{1,9}", str(given)):
        raise ValueError(needed("a number from 0 or 'last'", given))
    return int(given)


def _regex(java: str) -> str:
    try:
        pattern = rust_pattern(java)
        pl.select(pl.lit("").str.contains(pattern))
    except (ValueError, pl.exceptions.ComputeError) as error:
        reason = re.search(r"^error: (.+)$", str(error), re.MULTILINE)
        fault = reason[1] if reason else str(error).partition("\n")[0]
        raise ValueError(f"{quoted(java)} cannot be used as a regular expression: {fault}") from None
    return pattern


def _separator(text: str) -> str:
    if not text:
        raise ValueError(needed("a text", text))
    return pl.escape_regex(text) if len(text) == 1 else _regex(text)


def _hash_function(name: str) -> str:
    if name not in hashlib.algorithms_guaranteed or name.startswith("shake"):  # a shake has no length of its own
        raise ValueError(f"unknown hash function {quoted(name)}")
    return name


def _zone(zone: str) -> str:
    check_zone(zone)
    return zone


ColumnName = Annotated[str, AfterValidator(_in_table)]
"""A column of the table."""

ColumnNames = Annotated[list[ColumnName], Field(min_length=1)]

Constant = Annotated[str, BeforeValidator(_constant)]
"""A text, number, truth value or date, as text."""

Flag = Annotated[bool, BeforeValidator(_flag)]
"""True or false, in one of YAML's words without quotes."""

Index = Annotated[int, BeforeValidator(_index)]
"""The number of a part, from 0; -1 for the last one (in a flight: `last`). A number may be in quotes."""

Regex = Annotated[str, AfterValidator(_regex)]
"""A regular expression as Java reads it, rewritten for polars. What polars cannot do alike is refused (java_regex)."""

Separator = Annotated[str, AfterValidator(_separator)]
"""A regular expression, as in Java; but a single character stands for itself."""

HashFunction = Annotated[str, AfterValidator(_hash_function)]

Zone = Annotated[str, AfterValidator(_zone)]
"""A time zone by its name, as America/Los_Angeles."""
