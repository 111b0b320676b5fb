"""The page "Runs": jobs with their last runs and their next, one run in full, the calendar, and the form to launch."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any, Final

import polars as pl
import streamlit as st

from console import acts
from console.asked import of_prefect
from console.look import LEAVE, ago, in_words, moment, nothing_yet
from console.press import act_button
from console.runs import backfills, calendar, detail, launch
from ncric_core.errors import ServiceError
from ncric_core.jobs.prefect_api import Item, PrefectApi, prefect_api
from ncric_core.jobs.prefect_api import moment as prefect_moment
from ncric_core.jobs.state import JobState, seconds_of, state_of
from ncric_core.safe_text import markdown, text_only
from ncric_core.settings import read_settings
from ncric_core.store.person import Person

JOBS, CALENDAR, LAUNCH = "Jobs", "Calendar", "Launch"
STRIP: Final = 20  # runs
JOBS_RENEWED_EVERY: Final = 5.0  # seconds
PERIODS: Final = {"Day": 1, "Week": 7, "Month": 31}
MOST_RUNS: Final = 1_000  # in a table
WIDTHS: Final = (3.4, 2.6, 3.6, 2.2)  # of the columns of jobs

SQUARE: Final = (
    '<span title="{title}" style="flex:1 1 0;max-width:9px;height:20px;border-radius:2px;background:{colour}"></span>'
)
STRIP_OF: Final = '<div style="display:flex;gap:2px;padding:6px 0">{squares}</div>'
LEGEND: Final = (
    '<span style="display:inline-block;width:9px;height:9px;border-radius:2px;background:{colour}"></span>'
    '<span style="margin:0 14px 0 4px">{word}</span>'
)
IN_LEGEND: Final = ("COMPLETED", "FAILED", "CRASHED", "RUNNING", "CANCELLED")


@dataclass(frozen=True, slots=True)
class JobWithRuns:
    """A deployment (`item`, as the server returns it), how it stands, and its latest runs, the newest first."""

    item: Item
    state: JobState
    latest: list[Item]


def page(user: Person) -> None:
    """Shows a part of the page. The address names it by `part`, a job by `job` and a run by `run`."""
    st.title("Runs")
    acts.tell()
    parts = [JOBS, CALENDAR, *([LAUNCH] if user.is_operator else [])]
    asked = st.query_params.get("part", JOBS)
    st.session_state.setdefault("runs_part", asked)
    if st.session_state["runs_part"] not in parts:
        st.session_state["runs_part"] = JOBS
    part = st.segmented_control("Part", parts, key="runs_part", label_visibility="collapsed", required=True)
    st.query_params["part"] = part or JOBS
    try:
        deployments = _deployments(user)
    except ServiceError as error:
        _without_prefect(user, str(error), part or JOBS)
        return
    with in_words():
        match part:
            case "Calendar":
                calendar.grid(user, deployments)
            case "Launch":
                launch.form(user, deployments)
            case _:
                _jobs_part(user, deployments)


def _without_prefect(user: Person, error: str, part: str) -> None:
    """Shows what there is without Prefect: the calendar, which needs the store only."""
    st.error(
        f"**Prefect does not answer.** {text_only(error)}. Reads that are loaded stay as they are.",
        icon=":material/cloud_off:",
    )
    st.button("Try again", icon=":material/refresh:")
    if part != CALENDAR:
        st.subheader("Calendar")
    with in_words():
        calendar.grid(user, [])


_deployments = of_prefect(seconds=3, spinner="Asking Prefect …")(PrefectApi.deployments)


@of_prefect(seconds=3, spinner="Asking Prefect …")
def _jobs(api: PrefectApi, items: Sequence[Item]) -> list[JobWithRuns]:
    """Returns how deployments stand now, with their latest runs. Raises ServiceError if Prefect cannot be reached."""
    now = datetime.now(UTC)
    ids = [item["id"] for item in items]
    with ThreadPoolExecutor(8) as threads:
        latest = threads.map(lambda one: api.latest_runs(one, STRIP), ids)
        following = threads.map(api.next_run, ids)
        return [
            JobWithRuns(item, state_of(item, next(iter(runs), None), planned, now), runs)
            for item, runs, planned in zip(items, latest, following, strict=True)
        ]


def _jobs_part(user: Person, deployments: Sequence[Item]) -> None:
    """Shows a run, a job, or all jobs, as the address says."""
    run, name = st.query_params.get("run"), st.query_params.get("job")
    names = {item["id"]: item["name"] for item in deployments}
    if run:
        if st.button(
            markdown(name or "All jobs"), icon=":material/arrow_back:", type="tertiary", key="back", shortcut=LEAVE
        ):
            _go(job=name)
        detail.detail(user, run, names)
    elif name in names.values():
        if st.button("All jobs", icon=":material/arrow_back:", type="tertiary", key="back", shortcut=LEAVE):
            _go()
        for job in _jobs(user, [item for item in deployments if item["name"] == name]):
            _job(user, job)
    elif not names:
        nothing_yet(
            "Prefect has no job yet.", "`ncric up` brings those of prefect.yaml by itself, `ncric deploy` elsewhere."
        )
    else:
        st.fragment(_board, run_every=JOBS_RENEWED_EVERY)(user)


def _go(job: str | None = None, run: str | None = None) -> None:
    """Goes to a run, to a job, or to all jobs."""
    for name, value in (("job", job), ("run", run)):
        if value:
            st.query_params[name] = value
        else:
            st.query_params.pop(name, None)
    st.rerun()


def _board(user: Person) -> None:
    acts.tell_at_the_top()
    with in_words():
        jobs = _jobs(user, _deployments(user))
        running = [(job, run) for job in jobs for run in job.latest if run["state_type"] in {"RUNNING", "CANCELLING"}]
        backfills.show(user)
        for job, run in running:
            _running(job, run)
        late = [job.state.name for job in jobs if job.state.late and not job.state.paused]
        if late:
            st.warning(
                f"**Late:** {markdown(', '.join(late))}. If nothing begins within a few minutes, no worker may be up: "
                "see `ncric status`.",
                icon=":material/schedule:",
            )
        with st.container(gap="xxsmall"):
            titles = ("Job", f"Last {STRIP} runs", "Last window, took", "Next run")
            for column, title in zip(st.columns(WIDTHS), titles, strict=True):
                column.caption(title)
            for job in jobs:
                _row(job)
        st.html(_legend())


def _running(job: JobWithRuns, run: Item) -> None:
    """Shows a run at work, with the end of its log."""
    with prefect_api(read_settings()) as api, st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            detail.badge(run)
            if st.button(markdown(run["name"]), type="tertiary", key=f"running_{run['id']}", wrap=True):
                _go(job.item["name"], run["id"])
            st.caption(f"{markdown(job.item['name'])}, for {ago(seconds_of(run, datetime.now(UTC)))}", width="content")
        progress = api.progress(run["id"])
        if progress is not None:
            st.progress(min(progress / 100, 1.0))
        lines = api.logs(run["id"], detail.TAIL)
        if lines:
            st.code(detail.log_text(lines), language=None, wrap_lines=True)


def _row(job: JobWithRuns) -> None:
    name, strip, last, following = st.columns(WIDTHS, vertical_alignment="center")
    with name:
        told = f"**{markdown(job.state.name)}**: {text_only(job.item['description'] or '')}"
        if st.button(markdown(job.state.name), type="tertiary", key=f"job_{job.state.name}", help=told, wrap=True):
            _go(job.state.name)
    with strip:
        if job.latest:
            st.html(_strip(job.latest))
        else:
            st.caption("no run yet")
    last.markdown(f":small[{_last(job)}]")
    note = ""
    if job.state.paused:
        note = ":orange-badge[:material/pause: paused]"
    elif job.state.late:
        note = " :red-badge[:material/schedule: late]"
    following.markdown(note if job.state.paused else f":small[{_next(job.state)}]{note}")


def _last(job: JobWithRuns) -> str:
    """Writes what the last run covered, or when it began, and how long it took."""
    if not job.latest:
        return "—"
    covered = detail.window_in_words(job.latest[0])
    what = covered or f"began {moment(job.state.last_start)}"
    return f"{what} :gray[· {ago(job.state.last_seconds)}]"


def _next(state: JobState) -> str:
    if state.next_start is not None:
        return moment(state.next_start)
    return "none, it is paused" if state.paused else "none planned" if state.scheduled else "by hand"


def _strip(runs: Sequence[Item]) -> str:
    """Draws the latest runs as squares, the newest on the right."""
    squares = [
        SQUARE.format(title=escape(detail.state_in_words(run)), colour=detail.COLOURS[run["state_type"]])
        for run in reversed(runs)
    ]
    return STRIP_OF.format(squares="".join(squares))


def _legend() -> str:
    parts = [LEGEND.format(colour=detail.COLOURS[kind], word=kind.lower()) for kind in IN_LEGEND]
    return f'<div style="font-size:0.8rem;opacity:0.75">{"".join(parts)}The newest on the right.</div>'


def _job(user: Person, job: JobWithRuns) -> None:
    """Shows a job: what it does, when, its runs, and for operators buttons to pause or run it."""
    st.subheader(markdown(job.item["name"]))
    st.markdown(text_only(job.item["description"] or ""))
    crons = [
        f"`{one['schedule'].get('cron', '')}` {one['schedule'].get('timezone', 'UTC')}" for one in job.item["schedules"]
    ]
    when = f"Schedule {', '.join(crons)}. Next run: {_next(job.state)}." if crons else "Begun by hand only."
    st.caption(when)
    if job.state.paused:
        st.badge("paused", icon=":material/pause:", color="orange")
    elif job.state.late:
        st.badge("late", icon=":material/schedule:", color="red")
    if user.is_operator:
        _job_buttons(user, job)
    period = st.segmented_control("Runs of the last", list(PERIODS), default="Week", required=True, key="runs_period")
    _runs_table(job, PERIODS[period or "Week"])


def _job_buttons(user: Person, job: JobWithRuns) -> None:
    with st.container(horizontal=True):
        if job.item["schedules"]:
            paused = job.state.paused
            label, icon = ("Resume the schedule", "play_arrow") if paused else ("Pause the schedule", "pause")
            icon = f":material/{icon}:"
            act_button(label, acts.pause, user, job.item, not paused, key="job_pause", icon=icon)
        if launch.can_rerun(job.item):
            st.button(
                "Run it for a window …", icon=":material/replay:", key="job_rerun", on_click=_to_launch, args=(job,)
            )


def _to_launch(job: JobWithRuns) -> None:
    """Goes to the form, filled in with the window of the job's last run."""
    window = detail.window_of_run(job.latest[0]) if job.latest else None
    launch.suggest(job.item["name"], window=window)
    st.session_state["runs_part"] = LAUNCH


def _runs_table(job: JobWithRuns, days: int) -> None:
    with prefect_api(read_settings()) as api:
        runs = api.runs([job.item["id"]], datetime.now(UTC) - timedelta(days=days))[:MOST_RUNS]
    if not runs:
        nothing_yet("No run in this time.", "Choose a longer one, or launch the job.")
        return
    now = datetime.now(UTC)
    table = pl.DataFrame(
        [
            {
                "State": detail.state_name(run),
                "Window (Pacific)": detail.window_in_words(run) or "—",
                "Began or begins": moment(prefect_moment(run["start_time"] or run["expected_start_time"])),
                "Took": ago(seconds_of(run, now)) if run["start_time"] else "",
                "Message": detail.what_went_wrong(run),
                "Run": run["name"] if run["start_time"] else "",  # a run gets its own name when it begins
            }
            for run in runs
        ],
        infer_schema_length=None,
    )
    chosen: Any = st.dataframe(
        table, width="stretch", hide_index=True, key="job_runs", on_select="rerun", selection_mode="single-row"
    )
    st.caption("Choose a run to see what it did.")
    if chosen.selection.rows:
        _go(job.item["name"], runs[chosen.selection.rows[0]]["id"])
