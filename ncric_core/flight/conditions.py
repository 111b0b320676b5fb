"""The conditions of the flight language: the parameters of each, and the polars expression that it compiles to.

An expression is Boolean and never null.
"""

import operator
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Final, Literal

import polars as pl

from ncric_core.flight.columns import as_instant, as_number, as_text, filled
from ncric_core.flight.parameters import ColumnName, ColumnNames, Flag, Parameters, Regex


class Condition(Parameters):
    """A condition with its parameters."""

    @abstractmethod
    def holds(self) -> pl.Expr:
        """Whether the condition holds."""


class BooleanRegexCondition(Condition):
    """Holds where a pattern is found in the column, whatever the case; null counts as an empty text."""

    column: ColumnName
    pattern: Regex
    reverse: Flag = False

    def holds(self) -> pl.Expr:
        found = as_text(self.column).fill_null("").str.contains(f"(?i){self.pattern}")
        return ~found if self.reverse else found


class BooleanIsNullCondition(Condition):
    """Holds where the column is blank."""

    column: ColumnName
    reverse: Flag = False

    def holds(self) -> pl.Expr:
        blank = filled(self.column).is_null()
        return ~blank if self.reverse else blank


class BooleanAreNotNullCondition(Condition):
    """Holds where all, any or none of the columns have a value."""

    columns: ColumnNames
    type: Literal["all", "any", "none"] = "all"
    reverse: Flag = False

    def holds(self) -> pl.Expr:
        have = [filled(column).is_not_null() for column in self.columns]
        found = pl.all_horizontal(have) if self.type == "all" else pl.any_horizontal(have)
        return ~found if self.reverse != (self.type == "none") else found


class CompareCondition(Condition):
    """Compares two columns: as numbers if both are numbers, as times if both are times, else as texts.

    It does not hold where either is blank.
    """

    left_column: ColumnName
    right_column: ColumnName
    comparison: Literal["eq", "ne", "ge", "gt", "lt", "le"]

    def holds(self) -> pl.Expr:
        compare = _COMPARISONS[self.comparison]
        compared = [compare(of(self.left_column), of(self.right_column)) for of in (as_number, as_instant, filled)]
        return pl.coalesce(compared).fill_null(value=False)


class ConditionalAnd(Parameters):
    """Joins the conditions after it by "and"."""


class ConditionalOr(Parameters):
    """Joins the conditions after it by "or"."""


_COMPARISONS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "ge": operator.ge,
    "gt": operator.gt,
    "lt": operator.lt,
    "le": operator.le,
}

CONDITIONS: Final[dict[str, type[Parameters]]] = {
    kind.__name__: kind
    for kind in (
        BooleanRegexCondition,
        BooleanIsNullCondition,
        BooleanAreNotNullCondition,
        CompareCondition,
        ConditionalAnd,
        ConditionalOr,
    )
}
"""The conditions, and the operators between them, by the name in their tag."""
