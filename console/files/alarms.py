"""The tab "Alarms": those that are open and those that are over, from when to when, and who was told."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import polars as pl
import streamlit as st

from console.asked import of_store
from console.look import ago, moment, nothing_yet, page_of, pager
from console.queries import alarms as queries
from console.queries.files import PAGE
from ncric_core.settings import read_settings
from ncric_core.sources.feeds import datasources
from ncric_core.store.person import Person

ROW: Final = 74  # pixels: a message has three lines

COLUMNS: Final = {
    "began": st.column_config.TextColumn("Began", width=140),
    "message": st.column_config.TextColumn("Message", width=285),
    "ended": st.column_config.TextColumn("Ended", width=140),
    "lasted": st.column_config.TextColumn("Lasted", width="small"),
    "kind": st.column_config.TextColumn("Kind", width=112),
    "scope": st.column_config.TextColumn("About", width="small"),
    "told": st.column_config.TextColumn("Who was told", width=162),
}


_alarms = of_store(seconds=30)(queries.alarms)
_counts = of_store(seconds=30)(queries.alarm_counts)


def tab(user: Person) -> None:
    """Shows the tab. Kind and feed are in the page's address."""
    feeds = datasources(read_settings())
    with st.container(horizontal=True):
        feed = st.selectbox("Feed", feeds, index=None, placeholder="any", key="feed", bind="query-params", width=130)
        counts = _counts(user, feed)
        kinds = counts["kind"].to_list()
        kind = st.selectbox("Kind", kinds, index=None, placeholder="any", key="kind", bind="query-params", width=170)
    if counts.is_empty():
        nothing_yet(
            "No alarm was ever raised here.",
            "Freshness is judged every quarter of an hour while `ncric up` runs; `ncric freshness` judges it now.",
        )
        return
    chosen = counts if kind is None else counts.filter(kind=kind)
    lasting, over = sum(chosen["lasting"]), sum(chosen["over"])
    st.subheader("Open")
    if lasting:
        _table(user, "open", lasting, kind, feed)
    else:
        st.success("Nothing is wrong now.", icon=":material/check_circle:")
    st.subheader("History")
    if over:
        _table(user, "history", over, kind, feed)
    else:
        st.caption("None of these is over yet.")


def _table(user: Person, table: str, total: int, kind: str | None, feed: str | None) -> None:
    lasting = table == "open"
    chosen = (kind, feed)
    found = _alarms(user, lasting=lasting, kind=kind, feed=feed, page=page_of(table, chosen))
    now = datetime.now(UTC)
    alarms = found.rows(named=True)
    shown = found.select(
        pl.Series("began", map(moment, found["began_at"]), dtype=pl.String),
        "message",
        pl.Series("ended", map(moment, found["ended_at"]), dtype=pl.String),
        pl.Series("lasted", [ago(((a["ended_at"] or now) - a["began_at"]).total_seconds()) for a in alarms]),
        "kind",
        "scope",
        pl.Series("told", [told(a) for a in alarms], dtype=pl.String),
    )
    st.dataframe(
        shown.drop("ended") if lasting else shown,
        column_config=COLUMNS,
        hide_index=True,
        row_height=ROW,
        alt=f"Alarms: {table}",
    )
    pager(table, chosen, total, PAGE, "alarms")


def told(alarm: dict[str, object]) -> str:
    """Says who was told of an alarm's begin and end: the ways of NCRIC_NOTIFY_URLS, by number and scheme."""
    parts = []
    for event in ("begin", "end"):
        ways = alarm[f"{event}_ways"]
        if isinstance(ways, Sequence) and ways:
            parts.append(f"{event}: {', '.join(map(str, ways))}" + ("" if alarm[f"{event}_closed"] else " so far"))
    if parts:
        return "; ".join(parts)
    return "nobody" if alarm["begin_closed"] or alarm["end_closed"] else "not yet"
