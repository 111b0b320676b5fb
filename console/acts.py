"""What operators ask of Prefect: reruns and backfills; to cancel or retry a run; to pause a schedule. Each act is
entered in `activity`, which the database refuses to analysts."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from console.queries import changing
from ncric_core.errors import NcricError
from ncric_core.jobs.launch import BACKFILL, RERUN_TAGS, Backfill, Begun
from ncric_core.jobs.prefect_api import Item, PrefectApi, prefect_api
from ncric_core.safe_text import text_only
from ncric_core.settings import read_settings
from ncric_core.store.person import Person


def act(
    user: Person,
    what: str,
    subject: str,
    do: Callable[[PrefectApi], object],
    *,
    done: str,
    before: object = None,
    after: object = None,
) -> bool:
    """Asks Prefect to do something for a person, and keeps the outcome for `tell`. Returns whether Prefect did it.

    The entry in `activity` is written first. If the database refuses it, Prefect is not asked; if Prefect refuses, the
    entry is rolled back.
    """
    try:
        with changing(user, what, subject, before=before, after=after), prefect_api(read_settings()) as api:
            do(api)
    except NcricError as error:
        st.session_state["runs_told"] = ("error", str(error))
        return False
    st.session_state["runs_told"] = ("success", done)
    st.session_state["runs_acts"] = acts_done() + 1
    return True


def acts_done() -> int:
    """Counts the changes made in this session. As part of a cache's key, it keeps older answers from being shown."""
    return int(st.session_state.get("runs_acts", 0))


def tell() -> None:
    """Shows the outcome of the last act, once."""
    match st.session_state.pop("runs_told", None):
        case ("success", text):
            st.success(text_only(text), icon=":material/check:")
        case ("error", text):
            st.error(text_only(text), icon=":material/error:")


def tell_at_the_top() -> None:
    """Runs the whole page again if an outcome has not been told. A part that is drawn alone begins with this."""
    if "runs_told" in st.session_state:
        st.rerun()


def pause(user: Person, job: Item, paused: bool) -> None:
    """Pauses or resumes the schedule of a job."""
    what, done = ("job_paused", "is paused") if paused else ("job_resumed", "goes on by its schedule")
    act(
        user,
        what,
        job["name"],
        lambda api: api.pause(job["id"], paused),
        done=f"{job['name']} {done}.",
        before={"paused": not paused},
        after={"paused": paused},
    )


def cancel(user: Person, run: Item) -> None:
    """Cancels a run that has not ended."""
    entry = {"run": run["id"], "state": run["state_name"]}
    act(
        user, "run_cancelled", run["name"], lambda api: api.cancel(run), done=f"Cancelled: {run['name']}.", before=entry
    )


def retry(user: Person, run: Item) -> None:
    """Retries a run that ended, but not well."""
    entry = {"run": run["id"], "state": run["state_name"]}
    act(
        user, "run_retried", run["name"], lambda api: api.retry(run), done=f"Starts again: {run['name']}.", before=entry
    )


def start_rerun(user: Person, job: Item, parameters: dict[str, Any], title: str) -> None:
    """Launches a run of a job, as `ncric rerun` does."""
    act(
        user,
        "rerun",
        job["name"],
        lambda api: api.start(job["id"], parameters, RERUN_TAGS),
        done=f"Launched: {title}. It is under Jobs as soon as a worker takes it.",
        after=parameters,
    )


def start_backfill(user: Person, asked: Backfill, at_once: int) -> None:
    """Launches the slices of a long window, as `ncric backfill` does."""
    window = {"start": asked.whole.start.isoformat(), "end": asked.whole.end.isoformat()}
    given = {
        "feed": asked.feed,
        **window,
        "agencies": list(asked.agencies),
        "exclude": list(asked.exclude),
        "dry_run": asked.dry_run,
        "hours": asked.hours,
        "at_once": at_once,
    }
    act(
        user,
        BACKFILL,
        asked.title,
        lambda api: asked.launch(api, at_once),
        done=f"Launched: {asked.title}. Its slices ({len(asked.parts):,}) are the runs of the job {BACKFILL}.",
        after=given,
    )


def stop_backfill(user: Person, one: Begun) -> None:
    """Cancels the slices of a backfill that have not ended."""
    act(user, "backfill_stopped", one.title, one.stop, done=f"Stopped: {one.title}. What it loaded is kept.")


def resume_backfill(user: Person, one: Begun) -> None:
    """Launches the slices of a backfill again that failed or were cancelled."""
    act(user, "backfill_resumed", one.title, one.go_on, done=f"Goes on: {one.title}.")
