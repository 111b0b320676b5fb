"""Shows one agency's feed: its cameras, hours, files and rejects."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl
import streamlit as st

from console.asked import of_store
from console.look import in_words, number
from console.period import Period
from console.queries import reads as ask
from console.reads.chart import over_time_chart
from console.reads.table import FEED_STATES
from ncric_core.alarms.habit import PACIFIC
from ncric_core.safe_text import markdown
from ncric_core.store.alarms import Alarm
from ncric_core.store.person import Person

MOST_FILES: Final = 50


@dataclass(frozen=True, slots=True)
class AgencyFeed:
    """An agency's feed. `datasource` is None if the agency never sent anything."""

    agency: int
    name: str
    datasource: str | None


_cameras_of = of_store(seconds=45)(ask.cameras)
_files_of = of_store(seconds=45)(ask.files)
_rejects_of = of_store(seconds=45)(ask.rejects)


def show_agency(user: Person, feed: AgencyFeed, counts: pl.DataFrame, alarms: Sequence[Alarm], period: Period) -> None:
    """Shows what is known of an agency's feed in the period. `counts`: OVER of the period."""
    st.subheader(markdown(f"{feed.name} · {feed.datasource}" if feed.datasource else feed.name))
    if feed.datasource is None:
        st.info(
            "Nothing was ever received from this agency. If it sends under another name, that name waits on "
            "**Agency names**.",
            icon=":material/inbox:",
        )
        return
    subjects = {feed.datasource, f"{feed.datasource}/{feed.agency}"}
    for alarm in alarms:
        if alarm.subject in subjects:
            st.warning(markdown(alarm.message), icon=":material/notifications:")
    agency, datasource = feed.agency, feed.datasource
    cameras, hours, files, rejects = st.tabs(["Cameras", "Hours", "Files", "Rejects"])
    with cameras, in_words():
        found = _cameras_of(user, agency=agency, datasource=datasource, start=period.start, end=period.end)
        _cameras(found, alarms)
    with hours:
        own = counts.filter((pl.col("agency") == feed.agency) & (pl.col("datasource") == feed.datasource))
        _hours(own, period)
    with files, in_words():
        _files(_files_of(user, agency=agency, datasource=datasource, end=period.end, limit=MOST_FILES))
    with rejects, in_words():
        _rejects(_rejects_of(user, agency=agency, datasource=datasource))


def _cameras(cameras: pl.DataFrame, alarms: Sequence[Alarm]) -> None:
    if cameras.is_empty():
        st.caption("Its reads name no cameras.")
        return
    keys = cameras.select("datasource", "agency", "camera_id").iter_rows()
    shown = cameras.with_columns(
        pl.Series("state", [[ask.state_of(alarms, *key)] for key in keys], pl.List(pl.String)),
        name=pl.coalesce("name", pl.when(pl.col("camera_id") == "").then(pl.lit("reads that name no camera"))),
    )
    active = cameras.filter(pl.col("reads") > 0).height
    st.caption(f"{number(active)} of {number(cameras.height)} cameras sent reads in the period.")
    st.dataframe(
        shown.select("name", "camera_id", "reads", "last_hour", "state"),
        hide_index=True,
        column_config={
            "name": st.column_config.TextColumn("Camera", width="medium"),
            "camera_id": st.column_config.TextColumn("Number", width="small"),
            "reads": st.column_config.NumberColumn("Reads", format="localized"),
            "last_hour": st.column_config.DatetimeColumn(
                "Last hour with reads (Pacific)", format="MMM D, YYYY, HH:mm", timezone=PACIFIC.key
            ),
            "state": st.column_config.MultiselectColumn(
                "State", options=list(FEED_STATES), color=list(FEED_STATES.values())
            ),
        },
    )


def _hours(own: pl.DataFrame, period: Period) -> None:
    if own.is_empty():
        st.caption("No reads in this period: choose a longer one, or an earlier end.")
        return
    st.altair_chart(
        over_time_chart(own, start=period.start, end=period.end, unit=period.unit, height=220),
        width="stretch",
        alt="Bars of this agency's reads over time",
    )


def _files(files: pl.DataFrame) -> None:
    if files.is_empty():
        st.caption("No file with its reads up to the end of the period.")
        return
    st.caption(f"The latest {number(files.height)} files that hold its rows, and what became of these.")
    st.dataframe(
        files,
        hide_index=True,
        column_config={
            "key": st.column_config.TextColumn("File", width="large"),
            "window_end": st.column_config.DatetimeColumn(
                "Arrived by (Pacific)", format="MMM D, YYYY, HH:mm", timezone=PACIFIC.key
            ),
            "agency_name": "Received as",
            "found": st.column_config.NumberColumn("Found", format="localized"),
            "loaded": st.column_config.NumberColumn("Loaded", format="localized"),
            "already_there": st.column_config.NumberColumn("Already there", format="localized"),
            "waiting": st.column_config.NumberColumn("Waiting", format="localized"),
            "note": "Note",
        },
    )


def _rejects(rejects: pl.DataFrame) -> None:
    if rejects.is_empty():
        st.caption("Not one of its rows was rejected.")
        return
    st.dataframe(
        rejects,
        hide_index=True,
        column_config={
            "reason": "Reason",
            "waiting": st.column_config.NumberColumn("Waiting", format="localized"),
            "all": st.column_config.NumberColumn("All", format="localized"),
            "latest": st.column_config.DatetimeColumn(
                "Latest (Pacific)", format="MMM D, YYYY, HH:mm", timezone=PACIFIC.key
            ),
        },
    )
