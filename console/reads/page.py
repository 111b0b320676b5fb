"""The page "Reads": what came, from whom, what is silent, and what waits for a person."""

from datetime import UTC, datetime
from typing import Any, Final

import polars as pl
import streamlit as st

from console.asked import of_store
from console.look import ago, in_words, moment, nothing_yet, number
from console.period import Period, choose
from console.queries import reads as ask
from console.reads import map
from console.reads import table as by_agency
from console.reads.agency import AgencyFeed, show_agency
from console.reads.chart import over_time_chart
from ncric_core.settings import read_settings
from ncric_core.store.alarms import Alarm, open_alarms
from ncric_core.store.database import Connection
from ncric_core.store.person import Person

CARD: Final[dict[str, Any]] = {"border": True, "height": "stretch", "width": 210}
"""The options of a card with a figure. All cards fit in two rows."""

TREND: Final[dict[int, dict[str, Any]]] = {
    1: {"delta_color": "green", "delta_arrow": "up"},
    0: {"delta_color": "off", "delta_arrow": "off"},
    -1: {"delta_color": "red", "delta_arrow": "down"},
}
"""How a card shows a difference that is above, as, or below usual."""

_feeds = of_store(seconds=45)(ask.feeds)
_over_time = of_store(seconds=60, spinner="Counting …")(ask.over_time)
_senders = of_store(seconds=45)(ask.senders)


@of_store(seconds=45)
def _glance(connection: Connection, as_of: datetime) -> ask.Glance:
    return ask.glance(connection, read_settings(), as_of)


@of_store(seconds=45)
def _alarms(connection: Connection) -> list[Alarm]:
    return open_alarms(connection, list(ask.ALARM_WORDS))


def page(user: Person) -> None:
    """Shows everything about the reads of a period. Period and chosen agency are in the page's address."""
    st.title("Reads")
    with in_words():
        now = datetime.now(UTC)
        feeds = _feeds(user)
        if feeds.is_empty():
            nothing_yet(
                "No reads are in the store yet.",
                "Load what lies in the bucket with `ncric run files-catchup`, or try `ncric demo --keep` first.",
            )
            return
        newest: datetime = feeds["last_read"].max()  # type: ignore[assignment]  # a column of times has no other maximum
        period = choose(now, newest)
        alarms = _alarms(user)
        _at_a_glance(_glance(user, period.end), feeds, alarms, period, now)
        counts = _over_time(user, start=period.start, end=period.end, unit=period.unit)
        if counts.is_empty():
            _quiet(period, newest)
        else:
            _chart(counts, period)
        agencies, cameras = st.tabs(["Agencies", "Map of cameras"], key="by", bind="query-params")
        if agencies.open:
            with agencies:
                _agencies(user, counts, alarms, period, now)
        if cameras.open:  # drawing it takes a browser seconds where it has no graphics processor
            with cameras:
                map.show(user, alarms, period)


def _agencies(user: Person, counts: pl.DataFrame, alarms: list[Alarm], period: Period, now: datetime) -> None:
    table = by_agency.table_of(_senders(user), counts, alarms, period=period, now=now)
    chosen = _kept(by_agency.show(table, period), table)
    if chosen is not None:
        show_agency(user, chosen, counts, alarms, period)


def _at_a_glance(glance: ask.Glance, feeds: pl.DataFrame, alarms: list[Alarm], period: Period, now: datetime) -> None:
    day = "today" if period.live else f"on {ask.midnight_before(period.end):%b %-d}"
    usual = glance.usual
    change, direction = None, 0
    told = "What is usual for this hour is known after some weeks of reads."
    if usual is not None and usual.expected:
        change, direction = against_usual(usual.seen / usual.expected)
        told = (
            f"{usual.seen:,} of {', '.join(usual.feeds)} up to {moment(usual.until)}, where {usual.expected:,.0f} are "
            f"usual: the median of the same hours in earlier weeks."
        )
    silent = [alarm for alarm in alarms if alarm.kind == "silent"]
    wholes = [alarm.subject for alarm in silent if alarm.scope in {"feed", "agency"}]
    with st.container(horizontal=True):
        st.metric(
            f"Reads {day}",
            number(glance.reads),
            change,
            **TREND[direction],
            help=told,
            **CARD,
        )
        st.metric(
            f"Agencies {day}",
            f"{number(glance.reporting)} of {number(glance.sending)}",
            help="Agencies with a read that day, of all that ever sent one.",
            **CARD,
        )
        for feed, last_read in feeds.select("datasource", "last_read").iter_rows():
            st.metric(
                f"Newest of {feed}",
                ago((now - last_read).total_seconds()),
                moment(last_read),
                delta_arrow="off",
                delta_color="off",
                help=f"How long ago the newest read of {feed} was taken: {moment(last_read)}, {last_read:%Y}.",
                **CARD,
            )
        st.metric(
            "Cameras silent",
            number(sum(alarm.scope == "camera" for alarm in silent)),
            f"{len(wholes)} feeds or agencies too" if wholes else None,
            delta_color="inverse",
            delta_arrow="off",
            help="Open alarms. Cameras of a silent agency or feed are not told one by one.",
            **CARD,
        )
        for label, waiting, where in (
            ("Rejects waiting", glance.rejects, "Files and rejects"),
            ("Names waiting", glance.names, "Agency names"),
        ):
            st.metric(label, number(waiting), help=f"See “{where}”.", **CARD)


def against_usual(share: float) -> tuple[str, int]:
    """Writes how far reads are from the usual number, given as a share of it: 1.2 is `20% above usual`.

    Also returns the direction: 1, 0 or -1.
    """
    percent = round((share - 1) * 100)
    if percent == 0:
        return "as usual", 0
    return f"{abs(percent)}% {'above' if percent > 0 else 'below'} usual", 1 if percent > 0 else -1


def _quiet(period: Period, newest: datetime) -> None:
    nothing_yet(
        f"No reads from {moment(period.start)} to {moment(period.end)}.",
        f"The newest read in the store is of {moment(newest)}, {newest:%Y}: choose **Newest day** above, or an earlier "
        f"day under “Until”.",
    )


def _chart(counts: pl.DataFrame, period: Period) -> None:
    st.subheader("Over time")
    total = counts["reads"].sum()
    st.caption(f"{total:,} reads from {moment(period.start)} to {moment(period.end)}.")
    st.altair_chart(
        over_time_chart(counts, start=period.start, end=period.end, unit=period.unit),
        width="stretch",
        alt="Bars of reads over time, stacked by source",
    )


def _kept(picked: tuple[int, str] | None, table: pl.DataFrame) -> AgencyFeed | None:
    """Returns the agency's feed of the row just chosen, or else the one in the page's address.

    Keeps a choice in the address, as alarms write it: `agency=BOSS4/17`. Without a choice, shows how to make one.
    """
    before = st.session_state.get("picked")
    st.session_state["picked"] = picked
    if picked is not None:
        st.query_params["agency"] = f"{picked[1] or ''}/{picked[0]}"
    elif before is not None:  # the choice of the row was just undone
        st.query_params.pop("agency", None)
    datasource, _, agency = st.query_params.get("agency", "").partition("/")
    found = table.filter(
        (pl.col("agency").cast(pl.String) == agency) & (pl.col("datasource").fill_null("") == datasource)
    )
    if not agency or found.is_empty():
        st.caption("Choose a row, by the box on its left, to see its cameras, hours, files and rejects.")
        return None
    return AgencyFeed(*found.select("agency", "name", "datasource").row(0))
