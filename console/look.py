"""How things look on every page: Pacific times, grouped numbers, errors in words, colours of the feeds."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl
import streamlit as st

from ncric_core.errors import NcricError
from ncric_core.safe_text import csv_line, text_only

PRODUCT: Final = "NCRIC reads"

PACIFIC: Final = ZoneInfo("America/Los_Angeles")

COLOURS: Final = {"BOSS4": "#2f6fb3", "SCSO": "#d9822b", "FLOCK": "#3a9a6b"}
"""Colours of the feeds in charts: readable on white and on black, and distinct for colour-blind people."""

DO: Final = "Mod+Enter"  # Ctrl or Cmd: the key of a page's main button
LEAVE: Final = "Esc"  # the key of a button that leads back, where nothing can be lost


def logo(name: str = "") -> str:
    """Draws the product's sign (SVG), a plate with a read, with its name beside it if one is given.

    It is in the colours of the theme, which the browser does not tell an image by itself.
    """
    dark = st.context.theme.type == "dark"
    sign, text = ("#6aa5e0", "#fafafa") if dark else ("#2f6fb3", "#31333f")
    words = f'<text x="46" y="23" font-family="sans-serif" font-size="20" font-weight="600" fill="{text}">{name}</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{190 if name else 36}" height="32">'
        f'<rect x="2" y="5" width="32" height="22" rx="4" fill="none" stroke="{sign}" stroke-width="3"/>'
        f'<path d="M8 16h4m3 0h6m3 0h4" stroke="{sign}" stroke-width="4"/>{words if name else ""}</svg>'
    )


def moment(at: datetime | None) -> str:
    """Writes a time in Pacific time with its zone: `Oct 11, 08:13 PDT`."""
    return "never" if at is None else f"{at.astimezone(PACIFIC):%b %-d, %H:%M %Z}"


def ago(seconds: float | None) -> str:
    """Writes a duration in its largest unit: `3 min`, `2 h`, `5 d`."""
    if seconds is None:
        return "—"
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def number(value: int | None) -> str:
    """Writes a number with its thousands grouped."""
    return "—" if value is None else f"{value:,}"


def csv_of(table: pl.DataFrame) -> str:
    """Writes a table as CSV, with times in ISO 8601, for a person's spreadsheet."""
    shown = table.with_columns(pl.selectors.datetime().dt.to_string("iso:strict"))
    return "".join(map(csv_line, [table.columns, *shown.iter_rows()]))


@contextmanager
def in_words() -> Iterator[None]:
    """Shows an NcricError as its message, which says what to do. The rest of the page goes on."""
    try:
        yield
    except NcricError as error:
        st.error(text_only(str(error)), icon=":material/error:")


def nothing_yet(what: str, next_step: str) -> None:
    """Shows that there is nothing yet, and the next step."""
    st.info(f"**{what}** {next_step}", icon=":material/inbox:")


def span(start: datetime, end: datetime) -> str:
    """Writes a window in Pacific time: `Oct 11, 08:10–08:15 PDT`. Names the last day too if it is another one."""
    began, ended = start.astimezone(PACIFIC), end.astimezone(PACIFIC)
    if ended - began < timedelta(minutes=1):
        return moment(end)
    if began.date() == ended.date():
        return f"{began:%b %-d, %H:%M}–{ended:%H:%M %Z}"
    return f"{began:%b %-d, %H:%M} – {ended:%b %-d, %H:%M %Z}"


def page_of(table: str, chosen: object) -> int:
    """Returns the number of the table's page that is shown, from 0. A new choice starts at the first page again."""
    of, page = st.session_state.get(f"{table}-page", (chosen, 0))
    return page if of == chosen else 0


def pager(table: str, chosen: object, total: int, size: int, what: str) -> None:
    """Shows which rows of a table are on this page; with buttons for newer and older rows, if there are more pages."""
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
