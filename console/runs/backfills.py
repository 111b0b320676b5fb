"""Shows how far each backfill is, with buttons for operators to stop one or to go on with it."""

from datetime import UTC, datetime, timedelta
from typing import Final

import streamlit as st

from console import acts
from console.asked import of_prefect
from console.look import number
from console.press import act_button
from ncric_core.jobs.launch import Begun, begun_backfills
from ncric_core.jobs.prefect_api import PrefectApi
from ncric_core.safe_text import markdown
from ncric_core.store.person import Person

LOOK_BACK: Final = timedelta(days=7)
GO_ON: Final = "Launches the slices again that failed or were cancelled."


@of_prefect(seconds=3)
def _begun(api: PrefectApi) -> list[Begun]:
    return begun_backfills(api, datetime.now(UTC) - LOOK_BACK)


def show(user: Person) -> None:
    """Shows the backfills that run, and those that ended with slices missing."""
    unfinished = [one for one in _begun(user) if one.left or one.bad]
    if not unfinished:
        return
    st.caption("Backfills")
    for one in unfinished:
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            st.progress(one.loaded / len(one.runs), _told(one), width="stretch")
            if user.is_operator:
                _buttons(user, one)


def _told(one: Begun) -> str:
    parts = [f"{number(one.loaded)} of {number(len(one.runs))} slices are loaded"]
    parts += [f"{number(one.left)} wait or run"] if one.left else []
    parts += [f"{number(one.bad)} failed or were cancelled"] if one.bad else []
    return f"**{markdown(one.title)}**: {', '.join(parts)}."


def _buttons(user: Person, one: Begun) -> None:
    if one.left:
        act_button("Stop", acts.stop_backfill, user, one, key=f"stop {one.tag}", icon=":material/stop:")
    if one.bad:
        go_on = f"go on {one.tag}"
        act_button("Go on", acts.resume_backfill, user, one, key=go_on, icon=":material/play_arrow:", help=GO_ON)
