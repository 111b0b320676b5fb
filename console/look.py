"""How things look on every page: times in Pacific, numbers grouped, errors in words, colours of the feeds."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from ncric_core.errors import NcricError

PACIFIC: Final = ZoneInfo("America/Los_Angeles")

COLOURS: Final = {"BOSS4": "#2f6fb3", "SCSO": "#d9822b", "FLOCK": "#3a9a6b"}
"""Of the feeds in every chart: readable on white and on black, and apart for colour-blind eyes."""

DO: Final = "Mod+Enter"  # Ctrl or Cmd: the key of what a page is there to do
LEAVE: Final = "Esc"  # of the way back, where nothing can be lost by it


def moment(at: datetime | None) -> str:
    """A time as people here read it, with its zone: `Oct 11, 08:13 PDT`."""
    return "never" if at is None else f"{at.astimezone(PACIFIC):%b %-d, %H:%M %Z}"


def ago(seconds: float | None) -> str:
    """A span in its largest unit: `3 min`, `2 h`, `5 d`."""
    if seconds is None:
        return "—"
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def number(value: int | None) -> str:
    """A number with its thousands grouped."""
    return "—" if value is None else f"{value:,}"


@contextmanager
def in_words() -> Iterator[None]:
    """Shows an expected error in words, with the way out; the rest of the page goes on."""
    try:
        yield
    except NcricError as error:
        st.error(str(error), icon=":material/error:")


def nothing_yet(what: str, next_step: str) -> None:
    """An empty state says what to do next."""
    st.info(f"**{what}** {next_step}", icon=":material/inbox:")


def span(start: datetime, end: datetime) -> str:
    """A window as people here read it: `Oct 11, 08:10–08:15 PDT`, with the day again where it ends on another."""
    began, ended = start.astimezone(PACIFIC), end.astimezone(PACIFIC)
    if ended - began < timedelta(minutes=1):
        return moment(end)
    if began.date() == ended.date():
        return f"{began:%b %-d, %H:%M}–{ended:%H:%M %Z}"
    return f"{began:%b %-d, %H:%M} – {ended:%b %-d, %H:%M %Z}"


def page_of(table: str, chosen: object) -> int:
    """The page of a table that its reader is on, from 0; another choice begins at the first again."""
    of, page = st.session_state.get(f"{table}-page", (chosen, 0))
    return page if of == chosen else 0


def pager(table: str, chosen: object, total: int, size: int, what: str) -> None:
    """Where in a long table its reader is, with the ways to newer and older rows; nothing if it is all on one page."""
    page = page_of(table, chosen)
    first, last = page * size, min((page + 1) * size, total)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{first + 1:,} to {last:,} of {total:,} {what}" if total else f"no {what}", width="content")
        if total > size:
            for label, to, possible in (("Newer", page - 1, page > 0), ("Older", page + 1, last < total)):
                go = (chosen, to)
                st.button(
                    label,
                    key=f"{table}-{label}",
                    disabled=not possible,
                    on_click=st.session_state.__setitem__,
                    args=(f"{table}-page", go),
                )
