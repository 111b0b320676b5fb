"""Cleans the raw reads of LPR files: applies what docs/feeds.md (section 1) says about their leaves."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import polars as pl

from ncric_core.agencies import NO_AGENCY
from ncric_core.deliveries import CLEAN, REJECTED
from ncric_core.pipeline.clean import decimal_degrees, reject_reason, rejects_of, utc
from ncric_core.sources.files.leaves import COORDINATES, DATE, ID, NULLS, PLATE, TEXTS, TIME

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
    """Splits raw reads (schema RAW) into clean reads (schema CLEAN) and rejects (schema REJECTED), order kept.

    `arrived` has the end of each file's window (UTC). A date is judged too old or in the future against that end.
    `zone` is the zone of the times in the data. `id_suffix` is appended to the ids of cameras and agencies.
    """
    texts = raw.with_columns(_given(leaf) for leaf in TEXTS if raw.schema[leaf] == pl.String)
    ends = pl.Series("arrived", arrived, dtype=pl.Datetime("us", "UTC"))
    read_id, camera, agency = pl.col(ID), pl.col("LPRCameraID"), pl.col("agencyOriNumber")
    none = pl.lit(None, dtype=pl.String)
    rows = texts.select(
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
        agency_key=none,
        agency_acronym=pl.col("agencyAcronym"),
        datasource=pl.lit(datasource),
        vehicle_model=none,
        cut_at="cut_at",
        received_id=read_id,
        arrived=ends.gather(raw["file"]),
    ).with_columns(reason=reject_reason(keep_days))
    good = rows.filter(pl.col("reason").is_null()).select(CLEAN.names())
    if good.height == rows.height:
        return good, REJECTED.to_frame()
    bad = rows["reason"].is_not_null()
    received = raw.filter(bad).select(
        received_time=pl.concat_str(pl.col(DATE).fill_null("no date"), pl.lit(" "), pl.col(TIME).fill_null("no time")),
        received_id=pl.col(ID),  # as received: in `texts`, the text "null" is already null
        received=pl.struct(_shown(leaf) for leaf in TEXTS).struct.json_encode(),
    )
    return good, rejects_of(rows.filter(bad).with_columns(received))


def coordinates(texts: pl.DataFrame) -> pl.Series:
    """Returns latitude and longitude in decimal degrees (struct of Float64, named `coordinates`).

    `texts` has the leaves of COORDINATES as text or as numbers. A read whose latitude or longitude lacks a part, or has
    one out of range, has null.
    """
    numbers = texts.select(_number(leaf, texts.schema) for leaf in COORDINATES)
    places = numbers.select(latitude=decimal_degrees("Latitude", 90), longitude=decimal_degrees("Longitude", 180))
    known = pl.all_horizontal(pl.col("latitude", "longitude").is_not_null())
    return places.select(coordinates=pl.when(known).then(pl.struct("latitude", "longitude")))["coordinates"]


def _number(leaf: str, schema: pl.Schema) -> pl.Expr:
    if schema[leaf] == pl.Float64:
        return pl.col(leaf)
    return pl.col(leaf).str.strip_chars().cast(pl.Float64, strict=False)


def _given(leaf: str) -> pl.Expr:
    """Returns a leaf's text as received, or null where the text means null (NULLS)."""
    return pl.when(~pl.col(leaf).str.strip_chars().is_in(_NULLS)).then(leaf).alias(leaf)


def _shown(leaf: str) -> pl.Expr:
    """Returns a leaf as a reject keeps it. 37.0 and 37 are both shown as 37.

    How its file was parsed decides which of the two a number became. A run after a crash must keep the same text as a
    run without one.
    """
    if leaf not in COORDINATES:
        return pl.col(leaf)
    text = pl.col(leaf).cast(pl.String).str.replace(r"^(-?\d+)\.0+$", "${1}")
    return text.str.replace(r"^(-?\d+\.\d*[1-9])0+$", "${1}")
