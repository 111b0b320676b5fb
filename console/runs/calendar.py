"""The calendar of agencies and days: shows whether all that arrived is loaded. Operators run a chosen day again."""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import altair as alt
import polars as pl
import streamlit as st

from console.asked import of_store
from console.look import PACIFIC, nothing_yet, number
from console.queries import asked_by
from console.queries import runs as questions
from console.queries.runs import DAY_STATES
from console.runs import launch
from ncric_core.jobs.named import Covers
from ncric_core.jobs.prefect_api import Item
from ncric_core.safe_text import markdown
from ncric_core.settings import read_settings
from ncric_core.sources.feeds import feeds as all_feeds
from ncric_core.store.files import newest_arrival
from ncric_core.store.person import Person

COLOURS: Final = {"complete": "#3a9a6b", "partial": "#e0a030", "failed": "#c8473d", "empty": "#9aa3ad40"}
DOTS: Final = {"complete": ":green[■]", "partial": ":orange[■]", "failed": ":red[■]", "empty": ":gray[■]"}
DAYS: Final = {"Week": 7, "Two weeks": 14, "Month": 31}
ROW: Final = 20  # pixels


_cells = of_store(seconds=30, spinner="Reading the ledger …")(questions.calendar)
_newest = of_store(seconds=30)(newest_arrival)


def grid(user: Person, jobs: Sequence[Item]) -> None:
    """Shows the calendar with its filters. `jobs`: deployments that can run a day again; empty if Prefect is down."""
    newest = _newest(user)
    if newest is None:
        nothing_yet(
            "No file has arrived yet.", "As soon as a job has read its first file, the agencies' days are here."
        )
        return
    first, last = _days(newest.astimezone(PACIFIC).date())
    cells = _cells(user, first, last)
    chosen = _states_chosen(cells)
    search = str(st.session_state.get("calendar_search", "")).casefold()
    shown = cells.filter(pl.col("agency").str.to_lowercase().str.contains(search, literal=True))
    if chosen:
        with_state = shown.filter(pl.col("state").is_in(chosen))["agency"].unique()
        shown = shown.filter(pl.col("agency").is_in(with_state.implode()))
    if not shown.height:
        nothing_yet("No agency fits.", "Choose another state, or a shorter part of its name.")
        return
    above = st.container()  # the chosen day is in sight here, however many agencies there are
    state: Any = st.altair_chart(
        _chart(shown), width="stretch", key="calendar_chart", on_select="rerun", selection_mode="cell"
    )
    st.caption(
        "Days are Pacific (America/Los_Angeles); a file is of the day on which its window ends. *Complete*: all rows "
        "that arrived are loaded. *Partial*: rows wait, or hours lack in which the feed sent nothing. *Failed*: a run "
        "could not load the agency's rows. *Empty*: nothing arrived. Names that wait for an "
        "agency are below, in italics. Choose a day of an agency to see its figures."
    )
    with above:
        _chosen(user, cells, state.selection.get("cell", []), jobs)


def _days(newest: date) -> tuple[date, date]:
    """Asks for the first and the last day to show: by default up to today, or up to the newest file if that is old."""
    today = datetime.now(PACIFIC).date()
    with st.container(horizontal=True):
        length = DAYS[st.segmented_control("Days shown", list(DAYS), default="Two weeks", required=True) or "Two weeks"]
        latest = today if today - newest < timedelta(days=length) else newest
        last = st.date_input("Up to", latest, max_value=max(today, newest), width=170) or latest
        st.text_input("Search", placeholder="a part of an agency's name", key="calendar_search", width=260)
    return last - timedelta(days=length - 1), last


def _states_chosen(cells: pl.DataFrame) -> list[str]:
    counts = dict(cells["state"].value_counts().iter_rows())
    return st.pills(
        "Agencies with a day that is",
        DAY_STATES,
        selection_mode="multi",
        key="calendar_states",
        format_func=lambda state: f"{DOTS[state]} {state.capitalize()} · {number(counts.get(state, 0))}",
    )


def _chart(cells: pl.DataFrame) -> alt.Chart:
    """Draws a square for each cell (CELLS), coloured by state. A chosen one stays bright; the others fade."""
    cell = alt.selection_point(name="cell", fields=["agency", "date"], toggle=False)
    data = cells.with_columns(
        pl.col("day").dt.strftime("%b %-d").alias("label"), pl.col("day").cast(pl.String).alias("date")
    )
    figures = [
        alt.Tooltip(f"{name}:Q", format=",", title=name.replace("_", " "))
        for name in ("found", "loaded", "already_there", "waiting", "hours_lacking")
    ]
    chart: alt.Chart = (
        alt.Chart(data)
        .mark_rect(cornerRadius=3, stroke="transparent", strokeWidth=3, cursor="pointer")
        .encode(
            x=alt.X(
                "label:O",
                title=None,
                sort=data["label"].unique(maintain_order=True).to_list(),
                axis=alt.Axis(orient="top", labelAngle=0, labelOverlap="greedy", domain=False, ticks=False),
                scale=alt.Scale(paddingInner=0.08),
            ),
            y=alt.Y(
                "agency:N",
                title=None,
                sort=data["agency"].unique(maintain_order=True).to_list(),
                axis=alt.Axis(labelLimit=230, domain=False, ticks=False, labelFontStyle=_slanted(data)),
                scale=alt.Scale(paddingInner=0.15),
            ),
            color=alt.Color(
                "state:N", scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values())), legend=None
            ),
            opacity=alt.condition(cell, alt.value(1.0), alt.value(0.35)),
            tooltip=["agency:N", alt.Tooltip("date:N", title="day"), "state:N", "feeds:N", *figures],
        )
        .add_params(cell)
        .properties(height=alt.Step(ROW))
    )
    return chart


def _slanted(cells: pl.DataFrame) -> dict[str, Any]:
    """Draws the names that wait for an agency in italics. Takes cells (CELLS)."""
    unmapped = cells.filter("unmapped")["agency"].unique().sort().to_list()
    return {
        "condition": {"test": f"indexof({json.dumps(unmapped)}, datum.value) >= 0", "value": "italic"},
        "value": "normal",
    }


def _chosen(user: Person, cells: pl.DataFrame, selected: Sequence[dict[str, str]], jobs: Sequence[Item]) -> None:
    """Shows what became of the chosen agency's day, with buttons for operators to run it again."""
    if not selected:
        return
    agency, day = selected[0]["agency"], date.fromisoformat(selected[0]["date"])
    found = cells.filter((pl.col("agency") == agency) & (pl.col("day") == day))
    if not found.height:
        return
    one = found.row(0, named=True)
    with asked_by(user) as connection:
        files = questions.files_with(connection, agency, day)
    with st.container(border=True):
        st.markdown(f"**{markdown(agency)}, {day:%b %-d, %Y}: {one['state']}**")
        st.markdown(
            f"{number(files)} files of {one['feeds']}: {number(one['found'])} rows = {number(one['loaded'])} "
            f"loaded + {number(one['already_there'])} already there + {number(one['waiting'])} waiting."
            + (f" {one['hours_lacking']} hours lack." if one["hours_lacking"] else "")
        )
        if not user.is_operator:
            return
        if not jobs:
            st.caption("Prefect cannot be reached: the day cannot be run again until it can.")
            return
        names = [job_for(jobs, feed, agency) for feed in one["feeds"].split(", ")]
        with st.container(horizontal=True):
            for name in dict.fromkeys(name for name in names if name is not None):
                st.button(
                    f"Run this day again by {markdown(name)} …",
                    icon=":material/replay:",
                    key=f"calendar_{name}",
                    on_click=_to_launch,
                    args=(name, day, agency),
                )


def _to_launch(job: str, day: date, agency: str) -> None:
    launch.suggest(job, day, [agency])
    st.session_state["runs_part"] = "Launch"


def job_for(jobs: Sequence[Item], datasource: str, agency: str) -> str | None:
    """Finds a job that can run an agency's day of a feed again.

    A job that takes this agency by its own parameters is preferred, then one that covers whole days.
    """
    feeds = {name for name, feed in all_feeds(read_settings()).items() if feed.datasource == datasource}
    fit = [job for job in jobs if launch.can_rerun(job) and job["parameters"].get("feed") in feeds]

    def rank(job: Item) -> tuple[bool, bool, str]:
        given = job["parameters"]
        takes = agency in given["agencies"] if given.get("agencies") else agency not in given.get("exclude", [])
        return not takes, given.get("covers") != Covers.DAY_BEFORE_YESTERDAY, job["name"]

    return min(fit, key=rank)["name"] if fit else None
