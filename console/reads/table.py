"""The table of agencies and their feeds: what each sent in the period, the trend, and whether it is silent."""

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import polars as pl
import streamlit as st

from console.look import ago, csv_of
from console.period import Period
from console.queries.reads import state_of
from ncric_core.alarms.habit import PACIFIC
from ncric_core.store.alarms import Alarm

NEVER: Final = "no reads yet"
UNMAPPED: Final = "unmapped"
FEED_STATES: Final = {"fine": "green", "low": "orange", "silent": "red", NEVER: "gray", UNMAPPED: "violet"}

TABLE: Final = pl.Schema(
    {
        "agency": pl.Int32(),
        "name": pl.String(),
        "datasource": pl.String(),
        "reads": pl.Int64(),
        "trend": pl.List(pl.Int64),
        "share": pl.Float64(),
        "last_read": pl.Datetime("us", "UTC"),
        "lag": pl.String(),
        "state": pl.String(),
        "unmapped": pl.Boolean(),
    }
)
"""An agency's feed in the period. `share` is of all reads; `trend` has the reads of each hour, day or week."""


def table_of(
    senders: pl.DataFrame, counts: pl.DataFrame, alarms: Sequence[Alarm], *, period: Period, now: datetime
) -> pl.DataFrame:
    """Makes the table of all agencies and their feeds (TABLE), most reads first. Takes SENDER and the period's OVER."""
    steps = _steps(period)
    trends = (
        steps.join(counts.select("agency", "datasource").unique(), how="cross")
        .join(counts, on=["agency", "datasource", "at"], how="left")
        .sort("at")
        .group_by("agency", "datasource")
        .agg(trend=pl.col("reads").fill_null(0), reads=pl.col("reads").sum())
    )
    total = max(int(trends["reads"].sum()), 1)
    states = [
        NEVER if datasource is None else state_of(alarms, datasource, agency)
        for agency, datasource in senders.select("agency", "datasource").iter_rows()
    ]
    lags = [ago(None if at is None else (now - at).total_seconds()) for at in senders["last_read"]]
    return (
        senders.with_columns(pl.Series("state", states, pl.String), pl.Series("lag", lags, pl.String))
        .join(trends, on=["agency", "datasource"], how="left", maintain_order="left")
        .with_columns(
            pl.col("reads").fill_null(0),
            share=(pl.col("reads").fill_null(0) / total).round(3),
        )
        .select(list(TABLE))
        .sort("reads", "last_read", "name", descending=[True, True, False], nulls_last=True)
        .cast(dict(TABLE))  # type: ignore[arg-type]  # a schema is a mapping of names to types
    )


def _steps(period: Period) -> pl.DataFrame:
    """Lists the starts of the period's hours, days or weeks: column `at` (Datetime, us, UTC).

    With all of them, the trend is zero where nothing came.
    """
    every = {"hour": "1h", "day": "1d", "week": "1w"}[period.unit]
    first, last = (pl.lit(at).dt.convert_time_zone(PACIFIC.key) for at in (period.start, period.end))
    steps = pl.select(at=pl.datetime_range(first.dt.truncate(every), last, every, closed="left"))
    return steps.select(pl.col("at").dt.convert_time_zone("UTC").dt.cast_time_unit("us"))


def show(table: pl.DataFrame, period: Period) -> tuple[int, str] | None:
    """Shows the table with its filters and downloads. Returns agency and datasource of the chosen row."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input("Find an agency", placeholder="a part of its name", icon=":material/search:", width=260)
        states = st.pills("State", list(FEED_STATES), selection_mode="multi", default=[], width="content")
        downloads = st.container(horizontal=True, width="content")
    found = table.filter(
        pl.col("name").str.to_lowercase().str.contains(text.strip().lower(), literal=True)
        & (pl.lit(not states) | pl.col("state").is_in(states) | (pl.col("unmapped") & (UNMAPPED in states)))
    )
    with downloads:
        _downloads(found, period)
    if found.is_empty():
        st.caption("No agency is like this: clear the search, or choose other states.")
        return None
    pills = pl.concat_list("state", pl.when("unmapped").then(pl.lit(UNMAPPED)))
    shown = found.select(
        "name", "datasource", pills.list.drop_nulls().alias("state"),  # third, to be seen in a narrow window too
        "reads", "trend", "share", "last_read", "lag",
    )  # fmt: skip
    picked = st.dataframe(
        shown, key="senders", hide_index=True, height=420, on_select="rerun", selection_mode="single-row",
        column_config=_COLUMNS,
    )  # fmt: skip
    chosen = picked["selection"]["rows"]
    return found.select("agency", "datasource").row(chosen[0]) if chosen and chosen[0] < found.height else None


def _downloads(table: pl.DataFrame, period: Period) -> None:
    stem = f"reads-{period.start:%Y%m%d}-{period.end:%Y%m%d}"
    columnar = io.BytesIO()
    table.write_parquet(columnar)
    icon = ":material/download:"
    st.download_button("CSV", csv_of(table.drop("trend")), f"{stem}.csv", "text/csv", on_click="ignore", icon=icon)
    kind = "application/vnd.apache.parquet"
    st.download_button("Parquet", columnar.getvalue(), f"{stem}.parquet", kind, on_click="ignore", icon=icon)


_COLUMNS: Final = {
    # wide enough for a county's sheriff; not pinned, because Streamlit draws a pinned column grey
    "name": st.column_config.TextColumn("Agency", width=250),
    "datasource": st.column_config.TextColumn("Feed", width="small"),
    "reads": st.column_config.NumberColumn("Reads", format="localized", width="small"),
    "trend": st.column_config.LineChartColumn("Trend", width=150, y_min=0),
    "share": st.column_config.ProgressColumn("Share", format="percent", min_value=0, max_value=1, width="small"),
    "last_read": st.column_config.DatetimeColumn(
        "Last read (Pacific)", format="MMM D, YYYY, HH:mm", timezone=PACIFIC.key, width=160
    ),
    "lag": st.column_config.TextColumn("Lag", width="small"),
    "state": st.column_config.MultiselectColumn(
        "State", options=list(FEED_STATES), color=list(FEED_STATES.values()), width=112
    ),
}
