"""Shows one run: its state and message, what it did for each agency, its log, and buttons for operators."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Literal

import polars as pl
import streamlit as st

from console import acts
from console.look import PACIFIC, ago, in_words, moment, number, span
from console.press import act_button
from ncric_core.errors import NcricError
from ncric_core.jobs.named import Covers, asked_window
from ncric_core.jobs.prefect_api import ENDED, Item, PrefectApi, prefect_api
from ncric_core.jobs.prefect_api import moment as prefect_moment
from ncric_core.jobs.state import seconds_of
from ncric_core.safe_text import markdown, text_only
from ncric_core.settings import read_settings
from ncric_core.store.person import Person
from ncric_core.windows import Window, parse_moment

LOG_LINES: Final = 400
TAIL: Final = 6  # lines of a run at work, among the jobs
RUN_FOLLOWED_EVERY: Final = 2.0  # seconds

COLOURS: Final = {
    "COMPLETED": "#3a9a6b",
    "FAILED": "#c8473d",
    "CRASHED": "#8e2f6b",
    "RUNNING": "#2f6fb3",
    "PENDING": "#6aa5e0",
    "SCHEDULED": "#c3cad3",
    "CANCELLING": "#8a8f98",
    "CANCELLED": "#8a8f98",
    "PAUSED": "#e0a030",
}
"""Colours of the types of Prefect's states."""

Colour = Literal["green", "red", "violet", "blue", "gray"]
BADGES: Final[dict[str, Colour]] = {
    "COMPLETED": "green",
    "FAILED": "red",
    "CRASHED": "violet",
    "RUNNING": "blue",
    "PENDING": "blue",
}
LEVELS: Final = {10: "debug", 20: "info", 30: "warning", 40: "error", 50: "critical"}

TABLES: Final = {"reads-by-agency": "Reads for each agency", "rejects-by-reason": "Rejects by reason"}
"""The titles of the artifacts of flows/report.py that are tables, by key."""


def window_of_run(run: Item) -> Window | None:
    """Returns the window of a run, from its parameters and its scheduled time. None: it has no window."""
    given, scheduled = run["parameters"], prefect_moment(run["expected_start_time"])
    covers = Covers(given["covers"]) if given.get("covers") else None
    start, end = (parse_moment(given[name]) if given.get(name) else None for name in ("start", "end"))
    try:
        return asked_window(covers, start, end, scheduled or datetime.now(UTC))
    except NcricError:
        return None


def window_in_words(run: Item) -> str:
    """Writes a run's window in Pacific time. Returns an empty text if it has none."""
    window = window_of_run(run)
    return "" if window is None else span(window.start, window.end)


def state_in_words(run: Item) -> str:
    """Describes a run: `Completed · boss4 2022-10-11 08–09 UTC · Oct 11, 02:10 PDT · took 4 s`."""
    took = seconds_of(run, datetime.now(UTC))
    parts = [state_name(run), run["name"], moment(prefect_moment(run["start_time"] or run["expected_start_time"]))]
    return " · ".join(parts + ([] if took is None else [f"took {ago(took)}"]))


def state_name(run: Item) -> str:
    """Writes Prefect's name of a run's state as words: `Awaiting concurrency slot`."""
    return re.sub(r"(?<=[a-z])([A-Z])", lambda letter: f" {letter[0].lower()}", run["state_name"])


def what_went_wrong(run: Item) -> str:
    """Returns the message of a run that ended, but not well. Returns an empty text for all others."""
    return (run["state"].get("message") or "") if run["state_type"] in ENDED - {"COMPLETED"} else ""


def begun_by(run: Item) -> str:
    """Says who began a run: `its schedule`, or `a person` and with which command."""
    if "auto-scheduled" in run["tags"]:
        return "its schedule"
    return next((f"a person, {way}" for way in ("backfill", "rerun") if way in run["tags"]), "a person")


def can_cancel(run: Item) -> bool:
    """Tells whether a run can be cancelled: it has not ended, and nobody has cancelled it yet."""
    return run["state_type"] not in {*ENDED, "CANCELLING"}


def detail(user: Person, run_id: str, jobs: Mapping[str, str]) -> None:
    """Shows all of a run, and follows it until it has ended. `jobs`: names of deployments by id.

    Raises ServiceError if Prefect cannot be reached.
    """
    with prefect_api(read_settings()) as api:
        run = api.run(run_id)
        if run is None:
            st.warning("There is no such run any more.", icon=":material/search_off:")
            return
        job = jobs.get(run["deployment_id"], "")
        st.subheader(markdown(run["name"] if window_of_run(run) else job or run["name"]))
        if run["state_type"] in ENDED:
            _shown(user, api, run)
            return
    st.fragment(_followed, run_every=RUN_FOLLOWED_EVERY)(user, run_id)


def _followed(user: Person, run_id: str) -> None:
    acts.tell_at_the_top()
    with in_words(), prefect_api(read_settings()) as api:
        run = api.run(run_id)
        if run is not None and run["state_type"] not in ENDED:
            _shown(user, api, run)
            return
    if run is None or run["state_type"] in ENDED:
        st.rerun()


def _shown(user: Person, api: PrefectApi, run: Item) -> None:
    now = datetime.now(UTC)
    badge(run)
    if message := what_went_wrong(run):
        st.error(markdown(message), icon=":material/error:")
    begun = run["start_time"]
    facts = {
        "Window (Pacific)": window_in_words(run) or "—",
        "Began" if begun else "Begins": moment(prefect_moment(begun or run["expected_start_time"])),
        "Took" if run["state_type"] in ENDED else "Running for": ago(seconds_of(run, now)),
        "Begun by": begun_by(run),
    }
    for column, (name, value) in zip(st.columns([3, 2, 1.2, 1.8]), facts.items(), strict=True):
        column.markdown(f":small[:gray[{name}]]  \n{value}")
    _buttons(user, api, run)
    artifacts = api.artifacts(run["id"])
    if run["state_type"] == "RUNNING":
        progress = next((float(one["data"]) for one in artifacts if one["type"] == "progress"), None)
        if progress is not None:
            st.progress(min(progress / 100, 1.0), f"{progress:.0f} %")
    _results(artifacts)
    _log(api.logs(run["id"], LOG_LINES))


def badge(run: Item) -> None:
    """Shows a run's state, in colour."""
    st.badge(markdown(state_name(run)), color=BADGES.get(run["state_type"], "gray"))


def _buttons(user: Person, api: PrefectApi, run: Item) -> None:
    with st.container(horizontal=True):
        if user.is_operator and can_cancel(run):
            act_button("Cancel this run", acts.cancel, user, run, key="run_cancel", icon=":material/stop:")
        if user.is_operator and run["state_type"] in ENDED - {"COMPLETED"}:
            act_button("Retry", acts.retry, user, run, key="run_retry", icon=":material/replay:")
        st.link_button("Open in Prefect", api.page_of(run), icon=":material/open_in_new:")


def _results(artifacts: Sequence[Item]) -> None:
    """Shows the summary and the tables that a run has published: the newest of each, if it was retried."""
    newest: dict[str, Item] = {}
    for one in artifacts:
        newest.setdefault(str(one["key"]), one)
    if "run-summary" in newest:
        lines = str(newest["run-summary"]["data"]).splitlines()
        st.markdown(text_only("\n".join(line for line in lines if not line.startswith("## "))))
    shown = [(title, newest[key]) for key, title in TABLES.items() if key in newest]
    for column, (title, one) in zip(st.columns([2, 1] if len(shown) > 1 else 1), shown, strict=False):
        with column:
            st.markdown(f"**{title}**")
            data = one["data"]
            table = pl.DataFrame(json.loads(data) if isinstance(data, str) else data)
            numbers = [name for name, kind in table.schema.items() if kind.is_numeric()]
            localized = st.column_config.NumberColumn(format="localized")
            st.dataframe(
                table.rename({name: name.capitalize() for name in table.columns}),
                width="stretch",
                hide_index=True,
                column_config={name.capitalize(): localized for name in numbers},
            )


def _log(lines: Sequence[Item]) -> None:
    st.markdown(f"**Log**, times in {datetime.now(PACIFIC):%Z}")
    if not lines:
        st.caption("Nothing yet: it begins when a worker takes the run.")
        return
    if len(lines) == LOG_LINES:
        st.caption(f"The last {number(LOG_LINES)} lines; all are in Prefect.")
    st.code(log_text(lines), language=None, height=min(420, 60 + 22 * len(lines)), wrap_lines=True)


def log_text(lines: Sequence[Item]) -> str:
    """Writes lines of a log as text: Pacific time, level, message."""
    return "\n".join(
        f"{_clock(line['timestamp'])} {LEVELS.get(line['level'], ''):<8} {line['message']}" for line in lines
    )


def _clock(text: str) -> str:
    at = prefect_moment(text)
    return "" if at is None else f"{at.astimezone(PACIFIC):%H:%M:%S}"
