"""Columns of a table, of any dtype, as expressions of one known dtype.

An expression does not know its column's dtype. So each function selects the column once for each group of dtypes: a
selector for other dtypes than the column's selects nothing and drops out.
"""

from typing import Final

import polars as pl
import polars.selectors as cs

ISO_UTC: Final = "%Y-%m-%dT%H:%M:%S%.fZ"


def as_text(column: str) -> pl.Expr:
    """A column as String: a time as ISO 8601 in UTC (one without a zone is in UTC), a struct as `a,b`."""
    it = cs.by_name(column)
    naive, aware, struct = it & cs.datetime(time_zone=None), it & cs.datetime(time_zone="*"), it & cs.struct()
    fields = pl.concat_str(pl.lit(""), struct.struct.field("*").cast(pl.String), separator=",")
    return pl.coalesce(
        naive.dt.strftime(ISO_UTC),
        aware.dt.convert_time_zone("UTC").dt.strftime(ISO_UTC),
        (it - cs.datetime() - cs.struct()).cast(pl.String),
        pl.when(fields != "").then(fields.str.strip_prefix(",")),
    )


def not_blank(text: pl.Expr) -> pl.Expr:
    """Null where the text is blank: a blank string is no value."""
    return pl.when(text.str.strip_chars() != "").then(text)


def filled(column: str) -> pl.Expr:
    """A column as String, null where it is blank."""
    return not_blank(as_text(column))


def as_number(column: str) -> pl.Expr:
    """A column of numbers as it is; null for a column of any other dtype."""
    return pl.coalesce(cs.by_name(column) & cs.numeric(), pl.lit(None))


def as_instant(column: str) -> pl.Expr:
    """A column of times, in UTC; null for a column of any other dtype."""
    it = cs.by_name(column)
    naive, aware = it & cs.datetime(time_zone=None), it & cs.datetime(time_zone="*")
    return pl.coalesce(naive.dt.replace_time_zone("UTC"), aware.dt.convert_time_zone("UTC"), pl.lit(None))
