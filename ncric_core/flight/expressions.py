"""Transforms and conditions of a flight → polars expressions. All their faults are found here, before a load.

The expressions have no names: the caller names them. A constant has one row: the caller selects columns beside it.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import polars as pl

from ncric_core.errors import FlightError
from ncric_core.flight.columns import filled, not_blank
from ncric_core.flight.conditions import CONDITIONS, Condition, ConditionalAnd
from ncric_core.flight.faults import quoted
from ncric_core.flight.parameters import Parameters, lacks_column, read_parameters
from ncric_core.flight.transforms import TRANSFORMS, Transform


class Tagged(NamedTuple):
    """`!<transforms.X> {…}` as the YAML loader gives it: the tag, and the parameters after it."""

    tag: str
    parameters: dict[str, Any]


def value(column: str | None, transforms: Sequence[Tagged], columns: Collection[str] | None, where: str) -> pl.Expr:
    """A property's value: String, null where it is blank.

    `columns` are those of the table; None: the table is not known yet, and nothing is looked for in it. A column that
    the table lacks is null without transforms, and a fault with them. Raises FlightError, which begins with `where`
    and names the transform and the fault.
    """
    if not transforms:
        if not column:
            raise FlightError(f"{where}: neither a column nor transforms")
        return filled(column) if columns is None or column in columns else pl.lit(None, dtype=pl.String)
    if column and columns is not None and column not in columns:
        raise FlightError(f"{where}: {lacks_column(column)}")
    result = filled(column) if column else pl.lit(None, dtype=pl.String)
    for number, tagged in enumerate(transforms):
        transform = _read(tagged, "transform", TRANSFORMS, columns, where)
        if fault := _misplaced(transform, first=number == 0, has_value=bool(column) or number > 0):
            raise FlightError(f"{where}: {type(transform).__name__}: {fault}")
        result = not_blank(transform.of(result))
    return result


def condition(conditions: Sequence[Tagged], columns: Collection[str] | None, where: str) -> pl.Expr | None:
    """Whether the conditions hold: Boolean, never null; None if there are none. `columns` and faults as for `value`.

    They are joined from left to right, without precedence, by the operator that was named last; at first that is "and".
    """
    result, both = None, True
    for tagged in conditions:
        one = _read(tagged, "condition", CONDITIONS, columns, where)
        if not isinstance(one, Condition):
            both = isinstance(one, ConditionalAnd)
            continue
        holds = one.holds()
        result = holds if result is None else result & holds if both else result | holds
    return result


_P = TypeVar("_P", bound=Parameters)


def _read(tagged: Tagged, sort: str, known: Mapping[str, type[_P]], columns: Collection[str] | None, where: str) -> _P:
    """The transform or condition of a tag, with its parameters. Raises FlightError."""
    if not isinstance(tagged, Tagged):
        raise FlightError(f"{where}: a {sort} is written !<{sort}s.Name> {{…}}, not {quoted(tagged)}")
    package, _, name = tagged.tag.removeprefix("com.openlattice.shuttle.").rpartition(".")
    if package != f"{sort}s" or name not in known:
        raise FlightError(f"{where}: unknown {sort} {quoted(tagged.tag)} (known: {', '.join(known)})")
    try:
        return read_parameters(known[name], tagged.parameters or {}, columns)
    except FlightError as fault:
        raise FlightError(f"{where}: {name}: {fault}") from None


def _misplaced(transform: Transform, *, first: bool, has_value: bool) -> str | None:
    """What is wrong with a transform's place in its chain."""
    if transform.takes == "row" and not first:
        return "it takes the row, so it can only be the first"
    if transform.takes == "value" and not has_value:
        return "it needs a value: a column, or another transform before it"
    return None
