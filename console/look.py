"""How things look on every page: times in Pacific, numbers grouped, errors in words, colours of the feeds."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from ncric_core.errors import NcricError

PACIFIC: Final = ZoneInfo("America/Los_Angeles")

COLOURS: Final = {"BOSS4": "#2f6fb3", "SCSO": "#d9822b", "FLOCK": "#3a9a6b"}
"""Of the feeds in every chart: readable on white and on black, and apart for colour-blind eyes."""


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
