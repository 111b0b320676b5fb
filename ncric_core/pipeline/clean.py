"""What every feed's values are held to, whatever their shape: times, coordinates, plates, and what is no read.

Pure polars expressions, no I/O (docs/feeds.md, section 1).
"""

from datetime import timedelta
from typing import Final

import polars as pl

from ncric_core.deliveries import REJECTED, received_name
from ncric_core.vocabulary import Reason

LONGEST: Final = 200  # characters of any text that is kept; a longer one is no plate, name or id

CLOCK_AHEAD: Final = timedelta(days=1)
"""How far a camera's clock may be ahead of the end of its delivery's window (feeds.md, section 1)."""

_KEPT: Final = ("vehicle_record_id", "plate", "camera_id", "camera_name", "agency_id", "agency_name", "agency_acronym")


def utc(date: pl.Expr, time: pl.Expr, zone: str) -> pl.Expr:
    """A date and a time of day (text, in `zone`) as a UTC time; null if they are none.

    A time that occurs twice (the end of summer time) is its first occurrence; one that does not occur (the beginning)
    is counted on from the day before, so that 02:30 is 03:30.
    """
    moment = pl.concat_str(date.str.strip_chars(), pl.lit(" "), time.str.strip_chars())
    naive = moment.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    if zone == "UTC":
        return naive.dt.replace_time_zone("UTC")
    day = pl.duration(hours=24)
    local = naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
    before = (naive - day).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return pl.coalesce(local, before.dt.convert_time_zone("UTC") + day)


def decimal_degrees(axis: str, most: int) -> pl.Expr:
    """Decimal degrees of an axis ("Latitude") from its columns of degrees, minutes and seconds (Float64).

    Sign × (|degrees| + minutes/60 + seconds/3600). The sign is that of the degrees as written: -0 is negative.
    """
    degrees, minutes, seconds = (pl.col(f"{axis}{part}Value") for part in ("Degree", "Minute", "Second"))
    size = degrees.abs() + minutes / 60 + seconds / 3600
    in_range = minutes.is_between(0, 60) & seconds.is_between(0, 60) & size.is_between(0, most)
    negative = (degrees < 0) | (1 / degrees < 0)  # -0.0 is not less than 0, but its inverse is
    return pl.when(in_range).then(pl.when(negative).then(-size).otherwise(size))


def normalized_plate(plate: pl.Expr) -> pl.Expr:
    """A plate for search: upper case, and only A–Z and 0–9 of it; null where nothing is left."""
    kept = plate.str.to_uppercase().str.replace_all("[^A-Z0-9]", "")
    return pl.when(kept != "").then(kept)


def reject_reason(keep_days: int) -> pl.Expr:
    """Why a row is no read; null if it is one.

    The rows have schema CLEAN, `received_id` (the id as received) and `arrived` (Datetime UTC: the end of their
    delivery's window). A read older than `keep_days` when it arrived is not kept.
    """
    event, arrived, received_id = pl.col("event_time"), pl.col("arrived"), pl.col("received_id")
    too_long = pl.any_horizontal(pl.col(name).str.len_chars() > LONGEST for name in _KEPT)
    return (
        pl.when(received_id.is_null())
        .then(pl.lit(Reason.NO_ID))
        .when(received_id.str.strip_chars() == "${read.id}")
        .then(pl.lit(Reason.TEMPLATE_ID))
        .when(event.is_null())
        .then(pl.lit(Reason.BAD_DATE))
        .when(event > arrived + CLOCK_AHEAD)
        .then(pl.lit(Reason.FUTURE))
        .when(event < arrived - timedelta(days=keep_days))
        .then(pl.lit(Reason.TOO_OLD))
        .when(too_long)
        .then(pl.lit(Reason.TOO_LONG))
    )


def rejects_of(rows: pl.DataFrame) -> pl.DataFrame:
    """The rejects (schema REJECTED) of rows that have a `reason` (see `reject_reason`).

    The rows also have `received_time` (date and time as received) and `received` (the whole row as received).
    """
    arrival = pl.col("arrived").dt.strftime("%Y-%m-%d %H:%M UTC")
    long = pl.concat_list(
        pl.when(pl.col(name).str.len_chars() > LONGEST).then(pl.lit(f"{name} has more than {LONGEST} characters"))
        for name in _KEPT
    )
    reason = pl.col("reason")
    return rows.select(
        "file",
        "position",
        "reason",
        pl.when(reason == Reason.BAD_DATE)
        .then(pl.format("cannot be read as a time: {}", "received_time"))
        .when(reason.is_in([Reason.FUTURE, Reason.TOO_OLD]))
        .then(pl.format("{} in a file whose window ends {}", "received_time", arrival))
        .when(reason == Reason.TOO_LONG)
        .then(long.list.drop_nulls().list.join(", "))
        .otherwise(pl.format("the read's id is {}", pl.col("received_id").fill_null("not given")))
        .alias("detail"),
        "received",
        received_name(rows.columns).alias("agency_name"),
    ).cast(REJECTED)
