"""Draws reads over time as bars, stacked by feed, on Pacific clocks."""

from datetime import datetime
from typing import Final

import altair as alt
import pandas  # noqa: F401  # else altair may find it half imported when two sessions begin at once
import polars as pl

from console.look import COLOURS, PACIFIC

OTHER: Final = "#8a8f98"  # a feed without a colour of its own
FORMATS: Final = {"hour": "%a %b %-d, %H:%M %Z", "day": "%a %b %-d, %Y", "week": "week of %b %-d, %Y"}
WIDE: Final = {"hour": 3_600_000, "day": 86_400_000, "week": 604_800_000}  # milliseconds of a bar


def zones(start: datetime, end: datetime) -> str:
    """Names the time zone of a period: `Pacific time (PDT)`. Names both if its start and its end differ."""
    names = dict.fromkeys(f"{at.astimezone(PACIFIC):%Z}" for at in (start, end))
    return f"Pacific time ({', then '.join(names)})"


def over_time_chart(counts: pl.DataFrame, *, start: datetime, end: datetime, unit: str, height: int = 300) -> alt.Chart:
    """Draws bars of reads by `unit`, one colour a feed.

    `counts` has the columns at (Datetime, UTC), datasource (String) and reads (Int64). Vega does not stack bars that
    have a beginning and an end, so they are stacked here. When clocks go back, two hours have the same name, and their
    bars are stacked too.

    Pacific times are drawn as if they were UTC, so that the browser's own zone does not move them.
    """
    clock = pl.col("at").dt.convert_time_zone(PACIFIC.key)
    shown = (
        counts.group_by("at", "datasource")
        .agg(pl.col("reads").sum())
        .sort("at", "datasource")
        .with_columns(
            when=clock.map_elements(lambda at: f"{at:{FORMATS[unit]}}", return_dtype=pl.String),
            begin=clock.dt.replace_time_zone(None).dt.replace_time_zone("UTC"),
        )
        .with_columns(
            end=pl.col("begin") + pl.duration(milliseconds=WIDE[unit]), top=pl.col("reads").cum_sum().over("begin")
        )
        .with_columns(bottom=pl.col("top") - pl.col("reads"))
        .drop("at")
    )
    sources = sorted(shown["datasource"].unique(), key=lambda name: (name not in COLOURS, name))
    span = [_on_the_axis(at) for at in (start, end)]
    chart: alt.Chart = (
        alt.Chart(shown)
        .mark_rect()
        .encode(
            x=alt.X("begin:T", title=zones(start, end), scale=alt.Scale(type="utc", domain=span),
                    axis=alt.Axis(grid=False, labelOverlap=True, tickCount=_ticks(start, end),
                                  format=_labels(start, end))),
            x2="end:T",
            y=alt.Y(
                "bottom:Q",
                title=f"Reads by {unit}",
                axis=alt.Axis(format="~s", tickCount=5),
                scale=alt.Scale(domainMin=0),
            ),
            y2="top:Q",
            color=alt.Color(
                "datasource:N",
                title=None,
                scale=alt.Scale(domain=sources, range=[COLOURS.get(name, OTHER) for name in sources]),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=[
                alt.Tooltip("when:N", title="Time"),
                alt.Tooltip("datasource:N", title="Feed"),
                alt.Tooltip("reads:Q", title="Reads", format=","),
            ],
        )
        .properties(height=height)
    )  # fmt: skip
    return chart


def _labels(start: datetime, end: datetime) -> str:
    days = (end - start).days
    return "%b %-d, %H:%M" if days <= 2 else "%b %-d" if days <= 90 else "%b %Y"


def _ticks(start: datetime, end: datetime) -> int | alt.TimeIntervalStep:
    """Spaces labels that name days by whole days, so that no two of them name the same day."""
    days = (end - start).days
    return alt.TimeIntervalStep(interval="day", step=max(1, days // 10)) if 2 < days <= 90 else 10


def _on_the_axis(at: datetime) -> alt.DateTime:
    here = at.astimezone(PACIFIC)
    return alt.DateTime(year=here.year, month=here.month, date=here.day, hours=here.hour, minutes=here.minute, utc=True)
