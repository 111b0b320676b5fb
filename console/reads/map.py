"""Draws the map of cameras: dots sized by reads and coloured by state, over county lines. Needs no tile server."""

import json
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import polars as pl
import pydeck as pdk
import streamlit as st

from console.asked import of_store
from console.look import in_words, nothing_yet
from console.period import Period
from console.queries import reads as ask
from ncric_core.store.alarms import Alarm
from ncric_core.store.person import Person

OUTLINES: Final = Path(__file__).with_name("counties.geojson")  # its member `source` says where it comes from

DOTS: Final = {"fine": [58, 154, 107, 170], "low": [217, 130, 43, 220], "silent": [200, 60, 60, 230]}
"""RGBA by state, in the order of drawing: what is wrong comes last, on top."""
SMALLEST, LARGEST = 2.0, 11.0  # pixels


FILLED: Final = (600, 430)  # pixels of the map's width and height that the cameras are spread over


@cache
def outlines() -> dict[str, Any]:
    """Reads the counties of Northern California (GeoJSON)."""
    loaded: dict[str, Any] = json.loads(OUTLINES.read_text(encoding="utf-8"))
    return loaded


def dots(cameras: pl.DataFrame, alarms: Sequence[Alarm]) -> pl.DataFrame:
    """Adds to CAMERA what the map draws, and sorts the rows in the order of drawing.

    New columns: state (String), colour (List of Int64, RGBA), radius (Float64, pixels), count (String). The radius
    grows with the square root of the reads. A camera without a name is named by its id.
    """
    most = max(cameras["reads"].max() or 1, 1)
    keys = cameras.select("datasource", "agency", "camera_id").iter_rows()
    states = [ask.state_of(alarms, *key) for key in keys]
    radii = [SMALLEST + (LARGEST - SMALLEST) * math.sqrt(reads / most) for reads in cameras["reads"]]
    return cameras.with_columns(
        pl.Series("state", states, pl.String),
        pl.Series("colour", [DOTS[state] for state in states], pl.List(pl.Int64)),
        pl.Series("radius", radii, pl.Float64),
        pl.Series("count", [f"{reads:,}" for reads in cameras["reads"]], pl.String),
        pl.coalesce("name", "camera_id"),
    ).sort(pl.col("state").replace_strict(list(DOTS), range(len(DOTS))), -pl.col("reads"))


_cameras = of_store(seconds=60)(ask.cameras_on_map)


def show(user: Person, alarms: Sequence[Alarm], period: Period) -> None:
    """Shows the map, if any camera with a known place sent reads in the period."""
    with in_words():
        cameras = _cameras(user, start=period.start, end=period.end)
        if cameras.is_empty():
            nothing_yet(
                "No camera with a known place sent a read in the period.", "Choose a longer one, or an earlier end."
            )
            return
        shown = dots(cameras, alarms)
        states = shown["state"].value_counts().rows()
        counted = ", ".join(f"{count:,} {state}" for state, count in sorted(states))
        st.caption(
            f"{cameras.height:,} cameras that sent reads in the period: {counted}. A larger dot has more reads; "
            f":green[fine], :orange[low], :red[silent]. County lines: U.S. Census Bureau."
        )
        st.pydeck_chart(_deck(shown), height=520, alt="Map of cameras by reads and state")


def _deck(shown: pl.DataFrame) -> pdk.Deck:
    dark = st.context.theme.type == "dark"
    lines, land = ([120, 128, 140, 160], [255, 255, 255, 10]) if dark else ([150, 156, 166, 200], [40, 60, 90, 10])
    columns = ["longitude", "latitude", "colour", "radius", "name", "datasource", "count", "state"]
    return pdk.Deck(
        layers=[
            pdk.Layer(
                "GeoJsonLayer", outlines(), stroked=True, filled=True, get_fill_color=land, get_line_color=lines,
                line_width_min_pixels=1,
            ),
            pdk.Layer(
                "ScatterplotLayer", shown.select(columns).to_dicts(), get_position="[longitude, latitude]",
                get_fill_color="colour", get_radius="radius", radius_units="'pixels'", pickable=True,
            ),
        ],
        initial_view_state=_view(shown),
        map_provider=None,
        map_style=None,
        tooltip={"text": "{name} ({datasource})\n{count} reads, {state}"},
    )  # fmt: skip


def _view(shown: pl.DataFrame) -> pdk.ViewState:
    """Centres and zooms the map on the middle nine tenths of the cameras.

    So one misplaced camera does not push the others together.
    """

    def span(name: str) -> tuple[float, float]:
        low, high = (shown[name].quantile(share) or 0.0 for share in (0.05, 0.95))
        return (low + high) / 2, max(high - low, 0.2)

    (latitude, tall), (longitude, wide) = span("latitude"), span("longitude")
    across, down = (
        360 / 512 / wide,
        360 / 512 / tall * math.cos(math.radians(latitude)),
    )  # at zoom 0, the world is 512 pixels
    zoom = math.log2(min(across * FILLED[0], down * FILLED[1]))
    return pdk.ViewState(latitude=latitude, longitude=longitude, zoom=min(max(zoom, 5), 11))
