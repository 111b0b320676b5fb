"""Has a run of Prefect's replay rejects for a person, and follows it to its end."""

from typing import Any, Final

import streamlit as st

from console.look import in_words
from console.queries import changing
from ncric_core.errors import NcricError, ServiceError
from ncric_core.jobs.launch import deployment_named
from ncric_core.jobs.prefect_api import ENDED, PrefectApi, prefect_api
from ncric_core.safe_text import text_only
from ncric_core.settings import read_settings
from ncric_core.store.person import Person
from ncric_core.store.rejects import RejectFilter

JOB: Final = "replay-rejects"
REPLAY_FOLLOWED_EVERY: Final = 1.0  # seconds
RUN, TOLD = "replay-run", "replay-told"  # in the session: the run that is followed, and the outcome of the last one


def start_replay(user: Person, chosen: RejectFilter) -> None:
    """Starts a run that replays rejects, and enters it in `activity`. `show_replay` shows the outcome.

    The entry is written first. If the database refuses it, nothing is started; if Prefect refuses, the entry is rolled
    back.
    """
    given: dict[str, Any] = {"reason": chosen.reason, "file": chosen.file}
    subject = f"rejects: {chosen.reason or 'any reason'}" + (f" of {chosen.file}" if chosen.file else "")
    if chosen.only is not None:
        given = {"rejects": [{"file_id": file_id, "position": position} for file_id, position in chosen.only]}
        subject = ", ".join(f"row {position} of file {file_id}" for file_id, position in chosen.only)
    try:
        with changing(user, "replay", subject, after=given), prefect_api(read_settings()) as api:
            st.session_state[RUN] = api.start(deployment_named(api, JOB)["id"], given, ["console"])["id"]
    except ServiceError as error:
        st.session_state[TOLD] = ("error", f"No run could be started ({error}): run `ncric rejects replay` instead.")
    except NcricError as error:
        st.session_state[TOLD] = ("error", str(error))


def show_replay(user: Person) -> None:
    """Shows the outcome of the last replay, and the progress of the one that runs."""
    match st.session_state.pop(TOLD, None):
        case ("done", text):
            st.info(text_only(text), icon=":material/replay:")
        case (_, text):
            st.error(text_only(text), icon=":material/error:")
    if user.is_operator and RUN in st.session_state:
        st.fragment(_follow, run_every=REPLAY_FOLLOWED_EVERY)()


def _follow() -> None:
    if RUN not in st.session_state:
        return
    with in_words(), prefect_api(read_settings()) as api:
        run = api.run(st.session_state[RUN])
        if run is None or run["state_type"] in ENDED:
            st.session_state[TOLD] = _what_came_of(api, run)
            del st.session_state[RUN]
            st.cache_data.clear()  # cached counts, files and rejects are from before the replay
            st.rerun()
        done = api.progress(run["id"])
        text = "The rejects wait for a worker to run them again." if done is None else "The rejects are run again."
        st.progress((done or 0.0) / 100, text)


def _what_came_of(api: PrefectApi, run: dict[str, Any] | None) -> tuple[str, str]:
    if run is None:
        return "error", "Prefect does not know the run any more; what it loaded stays, and it is safe to repeat."
    if run["state_type"] == "COMPLETED":
        summary = next((one["data"] for one in api.artifacts(run["id"]) if one["key"] == "run-summary"), "")
        return "done", summary.split("\n\n", 1)[-1]
    why = (run["state"] or {}).get("message") or "no reason given"
    return "error", f"The run ended as {run['state_name']} ({why}); what it loaded stays, and it is safe to repeat."
