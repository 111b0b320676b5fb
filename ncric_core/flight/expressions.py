"""Transforms and conditions of a flight → polars expressions; all that is wrong with them is found here, before a load.

The expressions have no name of their own, and a constant has one row: the caller gives names, and columns beside it.
"""

import hashlib
import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, Final, Literal, NamedTuple

import polars as pl
import polars.selectors as cs

from ncric_core.errors import FlightError
from ncric_core.flight.java_patterns import Kind, read_instants, read_walls, rust_goal
from ncric_core.flight.parameters import (
    Given,
    Parameter,
    Parameters,
    lacks_column,
    read_flag,
    read_hash_function,
    read_index,
    read_one_of,
    read_parameters,
    read_patterns,
    read_regex,
    read_scalar,
    read_separator,
    read_string,
    read_strings,
    read_zone,
)


class Tagged(NamedTuple):
    """`!<transforms.X> {…}` as the YAML loader gives it: the tag, and what stands behind it."""

    tag: str
    parameters: dict[str, Any]


def value(column: str | None, transforms: Sequence[Tagged], columns: Collection[str] | None, where: str) -> pl.Expr:
    """A property's value: String, null where it is blank.

    `columns` are those of the table (None: not known yet, their presence is not checked). A column that it lacks is
    null without transforms. FlightError names `where`, the transform and the fault.
    """
    if not transforms:
        if not column:
            raise FlightError(f"{where}: neither a column nor transforms")
        return _not_blank(_text(column)) if columns is None or column in columns else pl.lit(None, dtype=pl.String)
    if column and columns is not None and column not in columns:
        raise FlightError(f"{where}: {lacks_column(column)}")
    result = _not_blank(_text(column)) if column else pl.lit(None, dtype=pl.String)
    for number, tagged in enumerate(transforms):
        name, parameters = _named(tagged, "transform", _TRANSFORMS, where)
        transform = _TRANSFORMS[name]
        try:
            _check_place(transform.takes, first=number == 0, has_value=bool(column) or number > 0)
            result = _not_blank(transform.build(result, read_parameters(parameters, transform.parameters, columns)))
        except FlightError as fault:
            raise FlightError(f"{where}: {name}: {fault}") from None
    return result


def condition(conditions: Sequence[Tagged], columns: Collection[str] | None, where: str) -> pl.Expr | None:
    """Whether the conditions hold: Boolean, never null; None if there are none. `columns` and faults as for `value`.

    They are joined from left to right, without precedence, by the operator that was named last; at first that is "and".
    """
    result, both = None, True
    for tagged in conditions:
        name, parameters = _named(tagged, "condition", _CONDITIONS, where)
        try:
            given = read_parameters(parameters, _CONDITIONS[name].parameters, columns)
        except FlightError as fault:
            raise FlightError(f"{where}: {name}: {fault}") from None
        build = _CONDITIONS[name].build
        if build is None:
            both = name == "ConditionalAnd"
            continue
        holds = build(given)
        result = holds if result is None else result & holds if both else result | holds
    return result


# --- values ---


_WHOLE: Final = r"^[+-]?\d+$"
_ISO_UTC: Final = "%Y-%m-%dT%H:%M:%S%.fZ"


def _text(column: str) -> pl.Expr:
    """A column of any dtype as text: a time as ISO 8601 in UTC (which it is in, if it has no zone), a struct as `a,b`.

    An expression does not know the dtype; a selector of another dtype than the column's selects nothing and falls away.
    """
    it = cs.by_name(column)
    naive, aware, struct = it & cs.datetime(time_zone=None), it & cs.datetime(time_zone="*"), it & cs.struct()
    fields = pl.concat_str(pl.lit(""), struct.struct.field("*").cast(pl.String), separator=",")
    return pl.coalesce(
        naive.dt.strftime(_ISO_UTC),
        aware.dt.convert_time_zone("UTC").dt.strftime(_ISO_UTC),
        (it - cs.datetime() - cs.struct()).cast(pl.String),
        pl.when(fields != "").then(fields.str.strip_prefix(",")),
    )


def _not_blank(text: pl.Expr) -> pl.Expr:
    """Null where the text is blank: a blank string is no value."""
    return pl.when(text.str.strip_chars() != "").then(text)


def _named(
    tagged: Tagged, sort: str, known: Mapping[str, "_Transform | _Condition"], where: str
) -> tuple[str, dict[str, Any]]:
    """The name without its package, and the parameters. FlightError: it is no tag, or not known."""
    if not isinstance(tagged, Tagged):
        raise FlightError(f"{where}: a {sort} is written !<{sort}s.Name> {{…}}, not {tagged!r}")
    package, _, name = tagged.tag.removeprefix("com.openlattice.shuttle.").rpartition(".")
    if package != f"{sort}s" or name not in known:
        raise FlightError(f"{where}: unknown {sort} {tagged.tag!r} (known: {', '.join(known)})")
    parameters = tagged.parameters or {}
    if not isinstance(parameters, dict):
        raise FlightError(f"{where}: {name}: parameters are written as name: value, not {parameters!r}")
    return name, parameters


def _check_place(takes: str, *, first: bool, has_value: bool) -> None:
    if takes == "row" and not first:
        raise FlightError("it takes the row, so it can only be the first")
    if takes == "value" and not has_value:
        raise FlightError("it needs a value: a column, or another transform before it")


# --- transforms: value (null if it is blank) and parameters → value ---


def _column(_: pl.Expr, given: Given) -> pl.Expr:
    return _text(given["column"])


def _constant(_: pl.Expr, given: Given) -> pl.Expr:
    return pl.lit(given["value"])


def _concat(_: pl.Expr, given: Given) -> pl.Expr:
    texts = [_not_blank(_text(column)) for column in given["columns"]]
    return pl.concat_str(texts, separator=given["separator"], ignore_nulls=True)


def _hash(before: pl.Expr, given: Given) -> pl.Expr:
    joined = _not_blank(_concat(before, {"columns": given["columns"], "separator": ""}))
    # polars has no cryptographic hash: the only place where Python sees values, once for each that is different
    digests = partial(_digests, function=given["hashFunction"])
    return joined.map_batches(digests, return_dtype=pl.String, is_elementwise=True)


def _digests(texts: pl.Series, function: str) -> pl.Series:
    different = texts.drop_nulls().unique()
    digests = [hashlib.new(function, text.encode(), usedforsecurity=False).hexdigest() for text in different]
    return texts.replace_strict(different, pl.Series(digests, dtype=pl.String), default=None)


def _case(text: pl.Expr, given: Given) -> pl.Expr:
    match given["type"]:
        case "lower":
            return text.str.to_lowercase()
        case "upper":
            return text.str.to_uppercase()
        case _:  # Sheriff's Office, but O'Neil
            return text.str.to_titlecase().str.replace_all(r"(\p{L}['’])S\b", "${1}s")


def _prefix(text: pl.Expr, given: Given) -> pl.Expr:
    return pl.lit(given["prefix"]) + text


def _suffix(text: pl.Expr, given: Given) -> pl.Expr:
    return text + pl.lit(given["suffix"])


def _replace_regex(text: pl.Expr, given: Given) -> pl.Expr:
    return text.str.replace_all(given["target"], rust_goal(given["goal"], given["target"]))


def _split(text: pl.Expr, given: Given) -> pl.Expr:
    """As in Java, separators at the end make no part."""
    separator = given["separator"]
    whole = text.str.strip_chars().str.replace(f"(?:{separator})+$", "")
    part = whole.str.split(separator, literal=False).list.get(given["index"], null_on_oob=True)
    found = _not_blank(part.str.strip_chars())
    if given["valueElse"] is None:
        return found
    return pl.when(text.is_not_null()).then(pl.coalesce(found, pl.lit(given["valueElse"])))


def _parse_int(text: pl.Expr, _: Given) -> pl.Expr:
    trimmed = text.str.strip_chars()
    whole = pl.when(trimmed.str.contains(_WHOLE)).then(trimmed)
    return whole.str.strip_prefix("+").cast(pl.Int64, strict=False).cast(pl.String)


def _parse_double(text: pl.Expr, _: Given) -> pl.Expr:
    number = text.str.strip_chars().cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number).cast(pl.String)


def _parse_bool(text: pl.Expr, _: Given) -> pl.Expr:
    return text.str.strip_chars().str.to_lowercase().is_in(_TRUE).cast(pl.String)


_TRUE: Final = ["1", "yes", "true", "on", "y"]


def _datetime(text: pl.Expr, given: Given) -> pl.Expr:
    return read_instants(text, given["pattern"], given["timezone"]).dt.strftime(_ISO_UTC)


def _date(text: pl.Expr, given: Given) -> pl.Expr:
    return read_walls(text, given["pattern"], given["timezone"], "date").dt.strftime("%Y-%m-%d")


def _time(text: pl.Expr, given: Given) -> pl.Expr:
    return read_walls(text, given["pattern"], given["timezone"], "time").dt.strftime("%H:%M:%S%.f")


class _Transform(NamedTuple):
    """How a transform is built; one that takes the row can only be the first, a "constant" needs nothing before it."""

    build: Callable[[pl.Expr, Given], pl.Expr]
    takes: Literal["row", "value", "constant"]
    parameters: Parameters


def _times(kind: Kind) -> Parameters:
    return {"pattern": Parameter(partial(read_patterns, kind), []), "timezone": Parameter(read_zone, "UTC")}


_ONE_COLUMN: Final = Parameter(read_string, columns=True)
_COLUMNS: Final = Parameter(read_strings, columns=True)

_TRANSFORMS: Final = {
    "ColumnTransform": _Transform(_column, "row", {"column": _ONE_COLUMN}),
    "ValueTransform": _Transform(_constant, "constant", {"value": Parameter(read_scalar)}),
    "ConcatTransform": _Transform(_concat, "row", {"columns": _COLUMNS, "separator": Parameter(read_string, "-")}),
    "HashTransform": _Transform(
        _hash, "row", {"columns": _COLUMNS, "hashFunction": Parameter(read_hash_function, "sha256")}
    ),
    "CaseTransform": _Transform(_case, "value", {"type": Parameter(read_one_of("lower", "upper", "name"))}),
    "PrefixTransform": _Transform(_prefix, "value", {"prefix": Parameter(read_scalar)}),
    "SuffixTransform": _Transform(_suffix, "value", {"suffix": Parameter(read_scalar)}),
    "ReplaceRegexTransform": _Transform(
        _replace_regex, "value", {"target": Parameter(read_regex), "goal": Parameter(read_scalar)}
    ),
    "SplitTransform": _Transform(
        _split,
        "value",
        {
            "separator": Parameter(read_separator),
            "index": Parameter(read_index),
            "valueElse": Parameter(read_scalar, None),
        },
    ),
    "ParseIntTransform": _Transform(_parse_int, "value", {}),
    "ParseDoubleTransform": _Transform(_parse_double, "value", {}),
    "ParseBoolTransform": _Transform(_parse_bool, "value", {}),
    "DateTimeTransform": _Transform(_datetime, "value", _times("datetime")),
    "DateTransform": _Transform(_date, "value", _times("date")),
    "TimeTransform": _Transform(_time, "value", _times("time")),
}


# --- conditions: parameters → Boolean, never null ---


def _regex_found(given: Given) -> pl.Expr:
    found = _text(given["column"]).fill_null("").str.contains(f"(?i){given['pattern']}")
    return ~found if given["reverse"] else found


def _is_null(given: Given) -> pl.Expr:
    blank = _not_blank(_text(given["column"])).is_null()
    return ~blank if given["reverse"] else blank


def _are_not_null(given: Given) -> pl.Expr:
    filled = [_not_blank(_text(column)).is_not_null() for column in given["columns"]]
    holds = pl.all_horizontal(filled) if given["type"] == "all" else pl.any_horizontal(filled)
    return ~holds if given["reverse"] != (given["type"] == "none") else holds


def _compare(given: Given) -> pl.Expr:
    """Numbers with numbers, times with times, all else as text."""
    operate, left, right = _COMPARISONS[given["comparison"]], given["leftColumn"], given["rightColumn"]
    compared = [
        operate(of(left), of(right)) for of in (_as_number, _as_instant, lambda column: _not_blank(_text(column)))
    ]
    return pl.coalesce(compared).fill_null(value=False)


def _as_number(column: str) -> pl.Expr:
    """A column of numbers; null if it is none (see `_text`)."""
    return pl.coalesce(cs.by_name(column) & cs.numeric(), pl.lit(None))


def _as_instant(column: str) -> pl.Expr:
    """A column of times, in UTC; null if it is none (see `_text`)."""
    it = cs.by_name(column)
    naive, aware = it & cs.datetime(time_zone=None), it & cs.datetime(time_zone="*")
    return pl.coalesce(naive.dt.replace_time_zone("UTC"), aware.dt.convert_time_zone("UTC"), pl.lit(None))


_COMPARISONS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "ge": operator.ge,
    "gt": operator.gt,
    "lt": operator.lt,
    "le": operator.le,
}


class _Condition(NamedTuple):
    """How a condition is built; None: an operator for those that follow."""

    build: Callable[[Given], pl.Expr] | None
    parameters: Parameters


_REVERSE: Final = Parameter(read_flag, default=False)

_CONDITIONS: Final = {
    "BooleanRegexCondition": _Condition(
        _regex_found, {"column": _ONE_COLUMN, "pattern": Parameter(read_regex), "reverse": _REVERSE}
    ),
    "BooleanIsNullCondition": _Condition(_is_null, {"column": _ONE_COLUMN, "reverse": _REVERSE}),
    "BooleanAreNotNullCondition": _Condition(
        _are_not_null,
        {"columns": _COLUMNS, "type": Parameter(read_one_of("all", "any", "none"), "all"), "reverse": _REVERSE},
    ),
    "CompareCondition": _Condition(
        _compare,
        {
            "leftColumn": _ONE_COLUMN,
            "rightColumn": _ONE_COLUMN,
            "comparison": Parameter(read_one_of(*_COMPARISONS)),
        },
    ),
    "ConditionalAnd": _Condition(None, {}),
    "ConditionalOr": _Condition(None, {}),
}
