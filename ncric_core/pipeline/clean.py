"""Raw frame → clean frame: pure polars expressions, no I/O. What feeds.md (sections 1 and 4) says of values is here."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from ncric_core.agencies import NO_AGENCY
from ncric_core.sources.files.leaves import COORDINATES, DATE, ID, NULLS, PLATE, TEXTS, TIME

CLEAN: Final = pl.Schema(
    {
        "file": pl.UInt32(),
        "position": pl.Int64(),
        "vehicle_record_id": pl.String(),
        "event_time": pl.Datetime("us", "UTC"),
        "plate": pl.String(),
        "coordinates": pl.Struct({"latitude": pl.Float64, "longitude": pl.Float64}),
        "camera_id": pl.String(),
        "camera_name": pl.String(),
        "agency_id": pl.String(),
        "agency_name": pl.String(),
        "agency_acronym": pl.String(),
        "datasource": pl.String(),
        "vehicle_model": pl.String(),
    }
)
"""Clean reads: the columns that flights/reads.yaml maps, with the number of the file in the batch and the position in
it. `agency_name` is as received and never null: where no name came, the acronym or the ORI stands for it, else
NO_AGENCY."""

REJECTED: Final = pl.Schema(
    {
        "file": pl.UInt32,
        "position": pl.Int64,
        "reason": pl.String,
        "detail": pl.String,
        "received": pl.String,
        "agency_name": pl.String,
    }
)
"""Rows that are no reads: why, and the leaves as received (JSON)."""

LONGEST: Final = 200  # characters of any text that is kept; a longer one is no plate, name or id
CLOCK_AHEAD: Final = timedelta(
    days=1
)  # a camera's clock may be this far ahead of its file's window (feeds.md, section 1)

_NULLS: Final = [text for text in NULLS if text is not None]


def clean(
    raw: pl.DataFrame,
    arrived: Sequence[datetime],
    *,
    datasource: str,
    id_suffix: str,
    zone: str,
    keep_days: int,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Clean reads (schema CLEAN) and rejects (schema REJECTED) of raw reads (schema RAW), in the order of the raw ones.

    `arrived` has the end of each file's window (UTC), by which a date is too old or ahead; `zone` is that of the data's
    times; `id_suffix` is what the source adds to the ids of cameras and agencies.
    """
    texts = raw.with_columns(_given(leaf) for leaf in TEXTS if raw.schema[leaf] == pl.String)
    ends = pl.Series("arrived", arrived, dtype=pl.Datetime("us", "UTC"))
    read_id, camera, agency = pl.col(ID), pl.col("LPRCameraID"), pl.col("agencyOriNumber")
    reads = texts.select(
        "file",
        "position",
        vehicle_record_id=read_id.str.strip_chars() + f"_{datasource}",
        event_time=utc(pl.col(DATE), pl.col(TIME), zone),
        plate=pl.col(PLATE),
        coordinates=coordinates(texts),
        camera_id=camera.str.strip_chars() + id_suffix,
        camera_name=pl.col("LPRCameraName"),
        agency_id=agency.str.strip_chars() + id_suffix,
        agency_name=pl.coalesce("agencyName", "agencyAcronym", "agencyOriNumber", pl.lit(NO_AGENCY)),
        agency_acronym=pl.col("agencyAcronym"),
        datasource=pl.lit(datasource),
        vehicle_model=pl.lit(None, dtype=pl.String),
        received_id=read_id,
        arrived=ends.gather(raw["file"]),
    ).with_columns(reason=_reason(keep_days))
    good = reads.filter(pl.col("reason").is_null()).select(CLEAN.names())
    if good.height == reads.height:
        return good, REJECTED.to_frame()
    bad = reads["reason"].is_not_null()
    return good, _rejected(raw.filter(bad), reads.filter(bad))


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


def coordinates(texts: pl.DataFrame) -> pl.Series:
    """Latitude and longitude in decimal degrees, of reads with the leaves of COORDINATES as text or as numbers; null if
    a part of either is missing or out of range."""
    numbers = texts.select(_number(leaf, texts.schema) for leaf in COORDINATES)
    places = numbers.select(latitude=decimal_degrees("Latitude", 90), longitude=decimal_degrees("Longitude", 180))
    known = pl.all_horizontal(pl.col("latitude", "longitude").is_not_null())
    return places.select(coordinates=pl.when(known).then(pl.struct("latitude", "longitude")))["coordinates"]


def decimal_degrees(axis: str, most: int) -> pl.Expr:
    """Sign × (|degrees| + minutes/60 + seconds/3600); the sign is that of the degrees as written, as -0 is negative."""
    degrees, minutes, seconds = (pl.col(f"{axis}{part}Value") for part in ("Degree", "Minute", "Second"))
    size = degrees.abs() + minutes / 60 + seconds / 3600
    in_range = minutes.is_between(0, 60) & seconds.is_between(0, 60) & size.is_between(0, most)
    negative = (degrees < 0) | (1 / degrees < 0)  # -0.0 is not less than 0, but its inverse is
    return pl.when(in_range).then(pl.when(negative).then(-size).otherwise(size))


def normalized_plate(plate: pl.Expr) -> pl.Expr:
    """A plate for search: upper case, and only A–Z and 0–9 of it; null where nothing is left."""
    kept = plate.str.to_uppercase().str.replace_all("[^A-Z0-9]", "")
    return pl.when(kept != "").then(kept)


def _number(leaf: str, schema: pl.Schema) -> pl.Expr:
    if schema[leaf] == pl.Float64:
        return pl.col(leaf)
    return pl.col(leaf).str.strip_chars().cast(pl.Float64, strict=False)


def _given(leaf: str) -> pl.Expr:
    """The text as received; null where it says that there is none."""
    return pl.when(~pl.col(leaf).str.strip_chars().is_in(_NULLS)).then(leaf).alias(leaf)


_KEPT: Final = ("vehicle_record_id", "plate", "camera_id", "camera_name", "agency_id", "agency_name", "agency_acronym")


def _reason(keep_days: int) -> pl.Expr:
    event, arrived = pl.col("event_time"), pl.col("arrived")
    too_long = pl.any_horizontal(pl.col(name).str.len_chars() > LONGEST for name in _KEPT)
    return (
        pl.when(pl.col("received_id").is_null())
        .then(pl.lit("no_id"))
        .when(pl.col("received_id").str.strip_chars() == "${read.id}")
        .then(pl.lit("template_id"))
        .when(event.is_null())
        .then(pl.lit("bad_date"))
        .when(event > arrived + CLOCK_AHEAD)
        .then(pl.lit("future"))
        .when(event < arrived - timedelta(days=keep_days))
        .then(pl.lit("too_old"))
        .when(too_long)
        .then(pl.lit("too_long"))
    )


def _shown(leaf: str) -> pl.Expr:
    """A leaf as a reject keeps it. 37.0 and 37 are both 37: which of them a number became depends on how its file was
    parsed, and a run after a crash is to keep the same as one without.
    """
    if leaf not in COORDINATES:
        return pl.col(leaf)
    text = pl.col(leaf).cast(pl.String).str.replace(r"^(-?\d+)\.0+$", "${1}")
    return text.str.replace(r"^(-?\d+\.\d*[1-9])0+$", "${1}")


def _rejected(raw: pl.DataFrame, reads: pl.DataFrame) -> pl.DataFrame:
    """The rejects among raw and clean rows that stand side by side."""
    moment = pl.concat_str(pl.col(DATE).fill_null("no date"), pl.lit(" "), pl.col(TIME).fill_null("no time"))
    arrival = reads["arrived"].dt.strftime("%Y-%m-%d %H:%M UTC")
    long = pl.concat_list(
        pl.when(reads[name].str.len_chars() > LONGEST).then(pl.lit(f"{name} has more than {LONGEST} characters"))
        for name in _KEPT
    )
    return raw.select(
        "file",
        "position",
        reason=reads["reason"],
        detail=pl.when(reads["reason"] == "bad_date")
        .then(pl.format("{} is no time", moment))
        .when(reads["reason"].is_in(["future", "too_old"]))
        .then(pl.format("{} in a file whose window ends {}", moment, pl.lit(arrival)))
        .when(reads["reason"] == "too_long")
        .then(long.list.drop_nulls().list.join(", "))
        .otherwise(pl.format("the read's id is {}", pl.col(ID).fill_null("not given"))),
        received=pl.struct(_shown(leaf) for leaf in TEXTS).struct.json_encode(),
        agency_name=reads["agency_name"],
    ).cast(REJECTED)
