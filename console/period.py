"""The period that the page "Reads" shows: chosen on the page, kept in its address."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import streamlit as st

from console.look import PACIFIC

DAYS: Final = {"day": 1, "week": 7, "month": 30, "year": 365}
UNITS: Final = {"day": ("hour",), "week": ("hour", "day"), "month": ("day", "week"), "year": ("day", "week")}
"""The units that a period can be counted by. Units that make too many bars, or only one, are not offered."""
USUAL_UNIT: Final = {"day": "hour", "week": "hour", "month": "day", "year": "week"}
GRAIN: Final = timedelta(minutes=5)  # "now" is rounded down to this, so that answers can be cached


@dataclass(frozen=True, slots=True)
class Period:
    """A period, and the unit that its reads are counted by. `live`: it ends now."""

    name: str
    unit: str
    start: datetime
    end: datetime
    live: bool


def period_of(name: str, unit: str, end: date | None, now: datetime) -> Period:
    """Returns the day, week, month or year that ends with a Pacific day, or now.

    A day starts at a full hour; longer periods start at midnight.
    """
    here = now.astimezone(PACIFIC)
    coarse = here - (here - here.replace(minute=0, second=0, microsecond=0)) % GRAIN
    live = end is None or end >= here.date()
    last = coarse if end is None or live else datetime(end.year, end.month, end.day, tzinfo=PACIFIC) + timedelta(days=1)
    first = last - timedelta(days=DAYS[name])
    hour = first.replace(minute=0, second=0, microsecond=0)
    start = hour if name == "day" else hour.replace(hour=0)
    return Period(name, unit, start, last, live)


def choose(now: datetime, newest: datetime | None) -> Period:
    """Shows the controls for period, unit and end, and returns what is chosen. Choices are in the page's address."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.segmented_control(
            "Period",
            list(DAYS),
            default="week",
            key="period",
            required=True,
            bind="query-params",
        )
        units = UNITS[name]
        if st.session_state.get("unit") not in (None, *units):
            st.session_state["unit"] = USUAL_UNIT[name]
        unit = st.segmented_control(
            "Counted by",
            units,
            default=USUAL_UNIT[name],
            key="unit",
            required=True,
            bind="query-params",
        )
        end = st.date_input(
            "Until",
            value=None,
            max_value=now.astimezone(PACIFIC).date(),
            key="end",
            bind="query-params",
            help="The last day of the period, on Pacific clocks; empty: now.",
            format="YYYY-MM-DD",
            width=170,
        )
        newest_day = now.astimezone(PACIFIC).date() if newest is None else newest.astimezone(PACIFIC).date()
        if end is not None:
            st.button("Back to now", icon=":material/update:", on_click=_end_with, args=(None,))
        elif newest_day < now.astimezone(PACIFIC).date():
            label = f"Newest day ({newest_day:%b %-d, %Y})"
            st.button(label, icon=":material/history:", on_click=_end_with, args=(newest_day,), type="primary")
    return period_of(name, unit if unit in units else USUAL_UNIT[name], end, now)


def _end_with(day: date | None) -> None:
    st.session_state["end"] = day
