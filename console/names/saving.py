"""Saves changes of the name table: shows which reads will move, saves all changes at once, and has a run move the
reads."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

import streamlit as st

from console.look import DO, in_words, number
from console.press import act_button
from console.queries import asked_by, changing
from console.queries import names as questions
from ncric_core.errors import AgencyError, NcricError, ServiceError
from ncric_core.jobs.prefect_api import prefect_api
from ncric_core.safe_text import text_only
from ncric_core.settings import read_settings
from ncric_core.store.name_changes import NameChange, NameConflictError, planned_by, save_changes
from ncric_core.store.person import Person

MOVING_JOB: Final = "restandardize"
MOVE_FOLLOWED_EVERY: Final = 2.0  # seconds


def propose(changes: Sequence[NameChange]) -> None:
    """Puts changes up for review. The person sees what will move before they are saved."""
    st.session_state["proposed_names"] = list(changes)


def changes_waiting() -> bool:
    """Tells whether this person has changes up for review."""
    return bool(st.session_state.get("proposed_names"))


def review(user: Person) -> None:
    """Shows the changes and the reads that will move, with buttons to save or not."""
    changes: list[NameChange] = st.session_state["proposed_names"]
    st.subheader(f"{len(changes):,} changes to save")
    st.dataframe(
        [
            {"Feed": one.datasource, "Received name": one.received, "Before": one.before, "After": one.after}
            for one in changes
        ],
        width="stretch",
    )
    with in_words():
        with asked_by(user) as connection:
            moves = planned_by(connection, changes)
        if moves:
            st.markdown(f"**{number(sum(move.reads for move in moves))} reads** loaded already will move:")
            st.dataframe(questions.moves_table(moves), width="stretch", hide_index=True)
        else:
            st.caption("No read that is loaded already will move.")
    with st.container(horizontal=True):
        act_button(
            "Save", _save_proposed, user, changes, key="names_save", kind="primary", icon=":material/save:", shortcut=DO
        )
        act_button("Do not save", propose, [], key="names_leave")


def _save_proposed(user: Person, changes: Sequence[NameChange]) -> None:
    if save(user, changes):
        propose([])


def save(user: Person, changes: Sequence[NameChange]) -> bool:
    """Saves changes in one transaction and has a run move the reads. Returns whether the changes were saved.

    The next run of the page shows the outcome.
    """
    subject = changes[0].received if len(changes) == 1 else f"{len(changes):,} names"
    before = [asdict(one) | {"after": None} for one in changes]
    after = [asdict(one) | {"before": None} for one in changes]
    try:
        with changing(user, "names_changed", subject, before=before, after=after) as connection:
            made = save_changes(connection, changes)
    except NameConflictError as error:
        _tell_conflict(error, changes)
        return False
    except (AgencyError, NcricError) as error:
        st.session_state["names_told"] = ("error", str(error))
        return False
    new = f" New: {', '.join(made)}." if made else ""
    st.session_state["names_told"] = ("success", f"Saved: {subject}.{new} {_move_reads(user)}")
    return True


def _tell_conflict(error: NameConflictError, changes: Sequence[NameChange]) -> None:
    """Keeps both sides of a conflict for the next run of the page, and puts ours up for review again.

    So nothing that was typed is lost.
    """
    st.session_state["names_told"] = ("conflict", str(error))
    st.session_state["names_conflicts"] = [
        {
            "Feed": one.datasource,
            "Received name": one.received,
            "Theirs, saved": one.before,
            "Yours, not saved": one.after,
        }
        for one in error.theirs
    ]
    now = {(one.datasource, one.received): one.before for one in error.theirs}
    again = [
        NameChange(one.datasource, one.received, now.get((one.datasource, one.received), one.before), one.after)
        for one in changes
    ]
    propose([one for one in again if one.before != one.after])


def _move_reads(user: Person) -> str:
    """Starts a run that moves the reads loaded already. Returns a sentence that says so, or what to do instead."""
    with asked_by(user) as connection:
        reads = questions.reads_to_move(connection)
    st.session_state["names_moving"] = reads
    if not reads:
        return "No read has to move."
    try:
        with prefect_api(read_settings()) as api:
            job = next((one["id"] for one in api.deployments() if one["name"] == MOVING_JOB), None)
            if job is None:
                raise ServiceError(f"Prefect knows no deployment {MOVING_JOB}: run `ncric deploy`")
            api.start(job, {}, ["console"])
    except ServiceError as error:
        return (
            f"{reads:,} reads have to move, but no run could be started ({error}): run `ncric agencies restandardize`."
        )
    return f"{reads:,} reads are moving by a run."


def show_moving(user: Person) -> None:
    """Shows the outcome of the last save, and the progress of the moving until it is done."""
    kind, text = st.session_state.pop("names_told", (None, ""))
    if kind == "success":
        st.success(text_only(text), icon=":material/check:")
    elif kind == "error":
        st.error(text_only(text), icon=":material/error:")
    elif kind == "conflict":
        st.warning(
            f"{text_only(text)} Your side is kept below, to be saved over theirs or not.", icon=":material/call_split:"
        )
        st.dataframe(st.session_state.pop("names_conflicts"), width="stretch")
    if st.session_state.get("names_moving"):
        st.fragment(_progress, run_every=MOVE_FOLLOWED_EVERY)(user)


def _progress(user: Person) -> None:
    total = st.session_state.get("names_moving", 0)
    if not total:
        return
    with in_words():
        with asked_by(user) as connection:
            left = questions.reads_to_move(connection)
        if left:
            st.progress(max(0.0, 1 - left / total), f"{number(left)} of {number(total)} reads are still to move")
        else:
            st.session_state["names_moving"] = 0
            st.success(f"{number(total)} reads have moved, and the counts with them.", icon=":material/check:")
