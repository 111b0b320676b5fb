"""The transforms of the flight language: the parameters of each, and the polars expression that it compiles to.

Each takes the value before it in the chain as String, null where it is blank, and gives the value after it.
"""

import hashlib
from abc import abstractmethod
from functools import partial
from typing import Any, ClassVar, Final, Literal

import polars as pl
from pydantic import Field, InstanceOf, ValidationInfo, field_validator

from ncric_core.flight.columns import ISO_UTC, as_text, filled, not_blank
from ncric_core.flight.java_patterns import DatePattern, Kind, date_pattern, read_instants, read_walls, rust_goal
from ncric_core.flight.parameters import (
    ColumnName,
    ColumnNames,
    Constant,
    HashFunction,
    Index,
    Parameters,
    Regex,
    Separator,
    Zone,
)


class Transform(Parameters):
    """A transform with its parameters."""

    takes: ClassVar[Literal["row", "value", "nothing"]] = "value"
    """What it is made of. One that takes the row can only be the first of a chain."""

    @abstractmethod
    def of(self, value: pl.Expr) -> pl.Expr:
        """The value that this transform makes of the one before it."""


class ColumnTransform(Transform):
    """A column."""

    takes = "row"
    column: ColumnName

    def of(self, value: pl.Expr) -> pl.Expr:  # noqa: ARG002  # it takes the row
        return as_text(self.column)


class ValueTransform(Transform):
    """A constant, in place of null too."""

    takes = "nothing"
    value: Constant

    def of(self, value: pl.Expr) -> pl.Expr:  # noqa: ARG002  # it takes nothing
        return pl.lit(self.value)


class ConcatTransform(Transform):
    """Joins the columns that are not blank."""

    takes = "row"
    columns: ColumnNames
    separator: str = "-"

    def of(self, value: pl.Expr) -> pl.Expr:  # noqa: ARG002  # it takes the row
        return _joined(self.columns, self.separator)


class HashTransform(Transform):
    """Hashes the columns that are not blank, joined without a separator; in lower-case hex."""

    takes = "row"
    columns: ColumnNames
    hash_function: HashFunction = "sha256"

    def of(self, value: pl.Expr) -> pl.Expr:  # noqa: ARG002  # it takes the row
        # polars has no cryptographic hash, so Python computes it: nothing else in a flight calls Python
        digests = partial(_digests, function=self.hash_function)
        return not_blank(_joined(self.columns, "")).map_batches(digests, return_dtype=pl.String, is_elementwise=True)


class CaseTransform(Transform):
    """Changes the case; `name` capitalises each word (Sheriff's Office, but O'Neil)."""

    type: Literal["lower", "upper", "name"]

    def of(self, value: pl.Expr) -> pl.Expr:
        match self.type:
            case "lower":
                return value.str.to_lowercase()
            case "upper":
                return value.str.to_uppercase()
            case "name":
                return value.str.to_titlecase().str.replace_all(r"(\p{L}['’])S\b", "${1}s")


class PrefixTransform(Transform):
    """Puts a text before the value."""

    prefix: Constant

    def of(self, value: pl.Expr) -> pl.Expr:
        return pl.lit(self.prefix) + value


class SuffixTransform(Transform):
    """Puts a text after the value."""

    suffix: Constant

    def of(self, value: pl.Expr) -> pl.Expr:
        return value + pl.lit(self.suffix)


class ReplaceRegexTransform(Transform):
    """Replaces every match of `target` by `goal`."""

    target: Regex
    goal: Constant  # in a flight as Java writes it, here as polars does

    @field_validator("goal")
    @classmethod
    def _for_polars(cls, goal: str, info: ValidationInfo) -> str:
        return rust_goal(goal, info.data["target"]) if "target" in info.data else goal

    def of(self, value: pl.Expr) -> pl.Expr:
        return value.str.replace_all(self.target, self.goal)


class SplitTransform(Transform):
    """Takes one part of the value, trimmed. As in Java, separators at the end make no part."""

    separator: Separator
    index: Index
    value_else: Constant | None = None  # where there is no such part

    def of(self, value: pl.Expr) -> pl.Expr:
        whole = value.str.strip_chars().str.replace(f"(?:{self.separator})+$", "")
        part = whole.str.split(self.separator, literal=False).list.get(self.index, null_on_oob=True)
        found = not_blank(part.str.strip_chars())
        if self.value_else is None:
            return found
        return pl.when(value.is_not_null()).then(pl.coalesce(found, pl.lit(self.value_else)))


class ParseIntTransform(Transform):
    """Reads a whole number; null if it is none."""

    def of(self, value: pl.Expr) -> pl.Expr:
        trimmed = value.str.strip_chars()
        whole = pl.when(trimmed.str.contains(_WHOLE)).then(trimmed)
        return whole.str.strip_prefix("+").cast(pl.Int64, strict=False).cast(pl.String)


class ParseDoubleTransform(Transform):
    """Reads a number; null if it is none."""

    def of(self, value: pl.Expr) -> pl.Expr:
        number = value.str.strip_chars().cast(pl.Float64, strict=False)
        return pl.when(number.is_finite()).then(number).cast(pl.String)


class ParseBoolTransform(Transform):
    """Gives `true` for the words that mean it, and `false` for all others."""

    def of(self, value: pl.Expr) -> pl.Expr:
        return value.str.strip_chars().str.to_lowercase().is_in(_TRUE).cast(pl.String)


class _Times(Transform):
    """Reads a date or a time: as ISO 8601, else by the first of the Java patterns that fits; null if none does."""

    kind: ClassVar[Kind]
    pattern: list[InstanceOf[DatePattern]] = Field(default=[], min_length=1)  # in a flight: a text, or a list of texts
    timezone: Zone = "UTC"  # of texts that name none

    @field_validator("pattern", mode="before")
    @classmethod
    def _compiled(cls, given: Any) -> Any:
        texts = [given] if isinstance(given, str) else given
        if isinstance(texts, list) and all(isinstance(text, str) for text in texts):
            return [date_pattern(text, cls.kind) for text in texts]
        return texts


class DateTimeTransform(_Times):
    """Reads a date and time; in UTC."""

    kind = "datetime"

    def of(self, value: pl.Expr) -> pl.Expr:
        return read_instants(value, self.pattern, self.timezone).dt.strftime(ISO_UTC)


class DateTransform(_Times):
    """Reads a date."""

    kind = "date"

    def of(self, value: pl.Expr) -> pl.Expr:
        return read_walls(value, self.pattern, self.timezone, self.kind).dt.strftime("%Y-%m-%d")


class TimeTransform(_Times):
    """Reads a time of day."""

    kind = "time"

    def of(self, value: pl.Expr) -> pl.Expr:
        return read_walls(value, self.pattern, self.timezone, self.kind).dt.strftime("%H:%M:%S%.f")


TRANSFORMS: Final[dict[str, type[Transform]]] = {
    kind.__name__: kind
    for kind in (
        ColumnTransform,
        ValueTransform,
        ConcatTransform,
        HashTransform,
        CaseTransform,
        PrefixTransform,
        SuffixTransform,
        ReplaceRegexTransform,
        SplitTransform,
        ParseIntTransform,
        ParseDoubleTransform,
        ParseBoolTransform,
        DateTimeTransform,
        DateTransform,
        TimeTransform,
    )
}
"""The transforms by the name in their tag."""

_WHOLE: Final = r"^[+-]?\d+$"
_TRUE: Final = ["1", "yes", "true", "on", "y"]


def _joined(columns: list[str], separator: str) -> pl.Expr:
    return pl.concat_str([filled(column) for column in columns], separator=separator, ignore_nulls=True)


def _digests(texts: pl.Series, function: str) -> pl.Series:
    """The digest of each text; each different text is hashed once."""
    different = texts.drop_nulls().unique()
    digests = [hashlib.new(function, text.encode(), usedforsecurity=False).hexdigest() for text in different]
    return texts.replace_strict(different, pl.Series(digests, dtype=pl.String), default=None)
