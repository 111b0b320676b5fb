"""The tab "Rejects": counts by reason, where each reject came from and why, and buttons to replay them after a fix."""

from dataclasses import replace
from typing import Final

import polars as pl
import streamlit as st

from console.asked import of_store
from console.files.replaying import RUN, show_replay, start_replay
from console.look import moment, nothing_yet, page_of, pager
from console.press import act_button
from console.queries import asked_by
from console.queries import rejects as queries
from console.queries.files import PAGE
from ncric_core.safe_text import markdown
from ncric_core.settings import read_settings
from ncric_core.sources.feeds import datasources
from ncric_core.store.person import SEEN, Person, note
from ncric_core.store.rejects import RejectFilter
from ncric_core.vocabulary import Reason

COLUMNS: Final = {
    "reason": st.column_config.TextColumn("Reason", width=90),
    "detail": st.column_config.TextColumn("Why", width=300),
    "received": st.column_config.TextColumn("As received", width="medium"),
    "received_name": st.column_config.TextColumn("Agency as received", width="medium"),
    "arrived": st.column_config.TextColumn("Arrived", width=130),
    "key": st.column_config.TextColumn("File", width="medium"),
    "position": st.column_config.NumberColumn("Row", format="localized", width="small"),
    "replayed": st.column_config.TextColumn("Replayed", width="small"),
}

REASON_COLUMNS: Final = {
    "reason": st.column_config.TextColumn("Reason"),
    "rejects": st.column_config.NumberColumn("Rejects", format="localized", width="small"),
    "meaning": st.column_config.TextColumn("That is", width="large"),
    "newest": st.column_config.TextColumn("Newest", width="small"),
}

MEANINGS: Final = {reason.value: reason.meaning for reason in Reason}
"""The meanings of reasons. A reason that is missing here is shown by its name alone."""


_reasons = of_store(seconds=30)(queries.reasons)
_rejects = of_store(seconds=30)(queries.rejects)


def _received(user: Person, found: pl.DataFrame) -> pl.DataFrame:
    """Adds the rows as received (column `received`, String) to a page of rejects. Not cached: they hold plates.

    The look is entered in `activity` first, once as long as the person stays at the same rows.
    """
    these = found.select("file_id", "position").rows()
    with asked_by(user) as connection:
        if st.session_state.get("rejects-seen") != these:
            files = found["key"].unique(maintain_order=True)
            subject = f"{found.height:,} rejects of {', '.join(files.head(3))}{' …' if files.len() > 3 else ''}"
            note(connection, SEEN, subject, after={"rows": these})
        rows = queries.received(connection, these)
    st.session_state["rejects-seen"] = these
    return found.join(rows, on=["file_id", "position"], how="left", maintain_order="left")


def tab(user: Person) -> None:
    """Shows the tab. Reason, feed and file name are in the page's address."""
    show_replay(user)
    chosen, reasons = _filter(user)
    if reasons.is_empty():
        if chosen == RejectFilter():
            nothing_yet("There are no rejects.", "Every row that arrived is a read, or waits for its job.")
        else:
            nothing_yet("No reject is like this.", "Choose any feed, or a shorter part of a name.")
        return
    _show_reasons(reasons)
    _replay_all(user, chosen, reasons)
    wanted = reasons if chosen.reason is None else reasons.filter(reason=chosen.reason)
    _table(user, chosen, sum(wanted["rejects"]))


def _filter(user: Person) -> tuple[RejectFilter, pl.DataFrame]:
    """Shows the filter. Returns what is chosen, and the counts of all its reasons (REASONS_SCHEMA)."""
    feeds = datasources(read_settings())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input("File name contains", key="search", bind="query-params", placeholder="any file", width=280)
        of = st.selectbox("Feed", feeds, index=None, placeholder="any", key="feed", bind="query-params", width=130)
        reason = st.container(width=170)
        past = st.checkbox("Replayed ones too", key="replayed", bind="query-params", width="content")
    every = RejectFilter(None, text or None, of, past)
    reasons = _reasons(user, every)
    names = reasons["reason"].to_list()
    why = reason.selectbox("Reason", names, index=None, placeholder="any", key="reason", bind="query-params")
    return replace(every, reason=why), reasons


def _show_reasons(reasons: pl.DataFrame) -> None:
    shown = reasons.with_columns(
        pl.col("reason").replace_strict(MEANINGS, default="").alias("meaning"),
        pl.Series("newest", map(moment, reasons["newest"]), dtype=pl.String),
    )
    st.dataframe(shown.select(*REASON_COLUMNS), column_config=REASON_COLUMNS, hide_index=True, alt="Rejects by reason")


def _table(user: Person, chosen: RejectFilter, total: int) -> None:
    found = _rejects(user, chosen, page_of("rejects", chosen))
    if user.is_operator:
        found = _received(user, found)
    shown = found.with_columns(
        pl.Series("arrived", map(moment, found["window_end"]), dtype=pl.String),
        pl.Series("replayed", [at and moment(at) for at in found["replayed_at"]], dtype=pl.String),
    )
    columns = [name for name in COLUMNS if name in shown.columns and (name != "replayed" or chosen.replayed)]
    clicked = st.dataframe(
        shown.select(columns),
        column_config=COLUMNS,
        hide_index=True,
        key=f"rejects-{hash((chosen, page_of('rejects', chosen)))}",  # another choice forgets the clicked row
        on_select="rerun",
        selection_mode="single-row",
        alt="Rejects",
    )
    pager("rejects", chosen, total, PAGE, "rejects")
    if rows := clicked.selection.rows:
        _one(user, found.row(rows[0], named=True))


def _one(user: Person, reject: dict[str, object]) -> None:
    """Shows a reject: where it came from, why, and for operators its row as received."""
    reason, key = str(reject["reason"]), str(reject["key"])
    with st.container(border=True):
        st.markdown(
            f"**{markdown(reason)}** — {MEANINGS.get(reason, 'no read')}. "
            f"Row {reject['position']:,} (the first is 0) of {markdown(key)}."
        )
        st.text(str(reject["detail"]))
        if "received" in reject:
            st.code(str(reject["received"]), language="json", wrap_lines=True)
        open_still = user.is_operator and reject["replayed_at"] is None
        if open_still:
            only = RejectFilter(only=((int(str(reject["file_id"])), int(str(reject["position"]))),))
            busy = RUN in st.session_state
            act_button(
                "Run it again", start_replay, user, only, key="replay-one", icon=":material/replay:", disabled=busy
            )


def _replay_all(user: Person, chosen: RejectFilter, reasons: pl.DataFrame) -> None:
    """Shows operators the button that replays all rejects of a reason."""
    if not user.is_operator or chosen.replayed:
        return
    count = reasons.filter(reason=chosen.reason)["rejects"].sum() if chosen.reason else 0
    if not chosen.reason:
        hint, label = "Choose a reason first.", "Run all of a reason again"
    elif chosen.feed:
        hint, label = (
            "Take any feed: a reason is run again for all of them.",
            f"Run all {markdown(chosen.reason)} again",
        )
    else:
        hint = "What is a read by now, after a fix of a setting or of the program, is loaded; the rest stays a reject."
        label = f"Run all {count:,} {markdown(chosen.reason)} again"
    ready = bool(chosen.reason and not chosen.feed) and RUN not in st.session_state
    wanted = RejectFilter(chosen.reason, chosen.file)
    act_button(
        label, start_replay, user, wanted, key="replay-all", icon=":material/replay:", help=hint, disabled=not ready
    )
