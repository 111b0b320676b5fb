"""The form with which operators launch a rerun or a backfill. It shows what will run before it starts."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import streamlit as st

from console.acts import start_backfill, start_rerun
from console.look import DO, PACIFIC, in_words, number, span
from console.press import act_button
from console.queries import asked_by
from console.queries import runs as questions
from ncric_core.jobs.launch import BACKFILL, Backfill, rerun_parameters, takes_dry_run, takes_window
from ncric_core.jobs.named import CATCHUP, run_name
from ncric_core.jobs.prefect_api import Item
from ncric_core.safe_text import markdown, text_only
from ncric_core.settings import read_settings
from ncric_core.sources.feeds import feed_named, feeds
from ncric_core.store.person import Person
from ncric_core.windows import Window

RERUN_KIND: Final = "One job again"
BACKFILL_KIND: Final = "Backfill"
FORM, SUMMARY = 530, 370  # pixels
MANY_SLICES: Final = 400  # more than this is taken for a typing error


def suggest(
    job: str | None = None, day: date | None = None, agencies: Sequence[str] = (), window: Window | None = None
) -> None:
    """Fills in the form for a rerun: a job, a Pacific day or a window, and agencies."""
    st.session_state["launch_kind"] = RERUN_KIND
    if job is not None:
        st.session_state["launch_job"] = job
    if day is not None:
        st.session_state["launch_start"] = datetime.combine(day, time())
        st.session_state["launch_end"] = datetime.combine(day + timedelta(days=1), time())
    if window is not None:
        for name, at in (("launch_start", window.start), ("launch_end", window.end)):
            st.session_state[name] = at.astimezone(PACIFIC).replace(tzinfo=None)
    st.session_state["launch_agencies"] = list(agencies)
    st.session_state["launch_exclude"] = []


def can_rerun(job: Item) -> bool:
    """Tells whether a person can run a deployment by itself. They cannot run a single slice of a backfill."""
    return bool(job["name"] != BACKFILL)


def form(user: Person, jobs: Sequence[Item]) -> None:
    """Asks what to run, shows what that will do, and starts it."""
    again = {job["name"]: job for job in jobs if can_rerun(job)}
    if not again:
        st.info("**Prefect has no job yet.** `ncric deploy` brings those of prefect.yaml.", icon=":material/inbox:")
        return
    kinds = [RERUN_KIND] + ([BACKFILL_KIND] if any(job["name"] == BACKFILL for job in jobs) else [])
    _defaults(kinds, list(again))
    with st.container(horizontal=True, gap="medium"):
        left, right = (
            st.container(width=FORM),
            st.container(width=SUMMARY, border=True),
        )  # one above the other in a narrow window
    with left:
        kind = st.segmented_control("What", kinds, key="launch_kind", required=True, label_visibility="collapsed")
        if kind == BACKFILL_KIND:
            _backfill(user, right)
        else:
            _rerun(user, again, right)


def _defaults(kinds: Sequence[str], jobs: Sequence[str]) -> None:
    today = datetime.combine(datetime.now(PACIFIC).date(), time())
    defaults = {
        "launch_kind": kinds[0],
        "launch_job": jobs[0],
        "launch_start": today - timedelta(days=1),
        "launch_end": today,
        "launch_agencies": [],
        "launch_exclude": [],
    }
    for name, value in defaults.items():
        st.session_state[name] = st.session_state.get(name, value)  # set again, else Streamlit drops it with its widget
    for name, known in (("launch_kind", kinds), ("launch_job", jobs)):
        if st.session_state[name] not in known:
            st.session_state[name] = known[0]


def _rerun(user: Person, jobs: dict[str, Item], beside: Any) -> None:
    name = st.selectbox("Job", list(jobs), key="launch_job")
    job = jobs[name]
    st.caption(text_only(job["description"] or ""))
    windowed = takes_window(job)
    start, end = _window() if windowed else (None, None)
    agencies, exclude = _agencies(user, "All that the job takes by itself") if windowed else ([], [])
    with st.container(horizontal=True):
        dry_run = takes_dry_run(job) and _dry_run()
        force = windowed and st.toggle(
            "Read again what is loaded",
            key="launch_force",
            help="As after a fix of the parser; no read is loaded twice.",
        )
    with beside, in_words():
        window = None if start is None or end is None else Window(start, end)
        parameters = rerun_parameters(job, window, agencies=agencies, exclude=exclude, dry_run=dry_run, force=force)
        st.markdown("**Before it starts**")
        title = name
        if window is not None:
            feed = job["parameters"]["feed"]
            left_out = parameters.get("exclude", job["parameters"].get("exclude", []))
            takes = agencies or job["parameters"].get("agencies", [])
            title = run_name(feed, window, takes, left_out, dry_run=dry_run)
            _summary(user, feed, window, takes, left_out)
        elif name == CATCHUP:
            st.markdown("Looks through the whole bucket for files that the ledger does not have as loaded.")
        else:
            st.markdown("Runs as it does by itself; there is nothing to choose.")
        _go(dry_run, start_rerun, user, job, parameters, title)


def _go(dry_run: bool, act: Callable[..., None], *given: object, disabled: bool = False) -> None:
    """Shows the button that starts the run or the backfill."""
    act_button(
        "Start the dry run" if dry_run else "Start",
        act,
        *given,
        key="launch_go",
        kind="primary",
        icon=":material/play_arrow:",
        shortcut=DO,
        disabled=disabled,
    )


def _dry_run() -> bool:
    return st.toggle("Dry run", key="launch_dry", help="Reads and cleans, but loads nothing.")


def _backfill(user: Person, beside: Any) -> None:
    feed = st.selectbox("Feed", list(feeds(read_settings())), key="launch_feed", format_func=str.upper)
    start, end = _window()
    agencies, exclude = _agencies(user, "All agencies")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        hours = int(st.number_input("Hours of a slice", 1, 24 * 31, 24, key="launch_hours", width=160))
        at_once = int(st.number_input("Slices at once", 1, 16, 2, key="launch_at_once", width=160))
        dry_run = _dry_run()
    with beside, in_words():
        asked = Backfill(feed, Window(start, end), hours, agencies, exclude, dry_run)
        slices = len(asked.parts)
        st.markdown("**Before it starts**")
        _summary(user, feed, asked.whole, agencies, exclude)
        st.markdown(
            f"**{number(slices)} {'slice' if slices == 1 else 'slices'}** of {hours} h, {at_once} at once. "
            "Those of the same backfill that were loaded are left alone, failed and cancelled ones start again."
        )
        if slices > MANY_SLICES:
            st.warning(f"Take longer slices: at most {MANY_SLICES} can be started at once.", icon=":material/warning:")
        _go(dry_run, start_backfill, user, asked, at_once, disabled=slices > MANY_SLICES)


def _window() -> tuple[datetime, datetime]:
    """Asks for start and end in Pacific time, and returns them in UTC."""
    with st.container(horizontal=True):
        start = st.datetime_input("From (Pacific time)", key="launch_start", width=250)
        end = st.datetime_input("Until (Pacific time)", key="launch_end", width=250, help="Itself not in it any more.")
    return (start.replace(tzinfo=PACIFIC).astimezone(UTC), end.replace(tzinfo=PACIFIC).astimezone(UTC))


def _agencies(user: Person, none_chosen: str) -> tuple[list[str], list[str]]:
    """Asks for the agencies to take, or for those to leave out, and returns both lists."""
    with asked_by(user) as connection:
        names = questions.agencies(connection)
    for key in ("launch_agencies", "launch_exclude"):
        st.session_state[key] = [one for one in st.session_state[key] if one in names]
    return (
        st.multiselect("Agencies", names, key="launch_agencies", placeholder=none_chosen),
        st.multiselect("All but", names, key="launch_exclude", placeholder="Nobody is left out"),
    )


def _summary(user: Person, feed: str, window: Window, agencies: Sequence[str], exclude: Sequence[str]) -> None:
    """Shows the window, and what the ledger has of it already."""
    datasource = feed_named(feed, feeds(read_settings())).datasource
    with asked_by(user) as connection:
        known = questions.files_of(connection, datasource, window, agencies, exclude)
    st.markdown(f"{span(window.start, window.end)}  \n:small[:gray[{window}]]")
    whose = ", ".join(agencies) or ("all agencies but " + ", ".join(exclude) if exclude else "all agencies")
    st.markdown(markdown(f"{datasource}, {whose}"))
    files, loaded, left = st.columns(3)
    files.metric("Files known", number(known.files), help=f"{number(known.rows_found)} rows were found in them")
    loaded.metric("Loaded", number(known.loaded), help="A look into the ledger is all that they cost.")
    left.metric("Not yet", number(known.files - known.loaded), help="Rows of these agencies wait in them.")
    st.caption("Files that came in the meantime are found by the run itself.")
