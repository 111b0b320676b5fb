"""The page "Agency names": the inbox of names that wait, the name table, its history, and its import and export."""

from collections.abc import Callable, Sequence
from typing import Final

import streamlit as st

from console.asked import of_store
from console.look import PACIFIC, csv_of, in_words, moment, nothing_yet, number
from console.names import files, table
from console.names.saving import changes_waiting, review, save, show_moving
from console.queries import asked_by
from console.queries import names as questions
from ncric_core.safe_text import markdown
from ncric_core.store.name_changes import NameChange, history, reverse_of
from ncric_core.store.names import UnmappedName, unmapped_names
from ncric_core.store.person import Person

ON_A_PAGE: Final = 10  # names of the inbox
HISTORY: Final = 300  # changes shown


def page(user: Person) -> None:
    """Shows the part of the page that `part` in its address names, or the changes that wait for review."""
    st.title("Agency names")
    show_moving(user)
    if changes_waiting():
        review(user)
        return
    parts: dict[str, Callable[[Person], None]] = {
        "Inbox": _inbox,
        "Name table": table.part,
        "History": _history,
        "Import and export": files.part,
    }
    st.session_state.setdefault("names_part", _named(st.query_params.get("part"), list(parts)))
    chosen = st.segmented_control("Part", list(parts), key="names_part", label_visibility="collapsed", required=True)
    part = _named(chosen, list(parts))
    st.query_params["part"] = part
    with in_words():
        parts[part](user)


def _named(part: str | None, parts: Sequence[str]) -> str:
    return part if part is not None and part in parts else parts[0]


_waiting = of_store(seconds=20, spinner="Looking for names that wait …")(unmapped_names)
_agencies = of_store(seconds=20)(questions.agencies)


def _inbox(user: Person) -> None:
    waiting = _waiting(user)
    if not waiting:
        nothing_yet(
            "No name waits.", "A name never seen before appears here with its first reads, which are kept under it."
        )
        return
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    search = left.text_input("Search", placeholder="a part of a name", key="inbox_search").casefold()
    found = [one for one in waiting if search in one.received.casefold()]
    right.metric("Names waiting", number(len(waiting)))
    right.caption(f"{sum(one.reads for one in waiting):,} reads are under them")
    pages = max(1, -(-len(found) // ON_A_PAGE))
    number_of_page = st.pagination(pages, key="inbox_page") if pages > 1 else 1
    for one in found[(number_of_page - 1) * ON_A_PAGE : number_of_page * ON_A_PAGE]:
        _waiting_name(user, one)
    st.download_button(
        "Download as CSV", lambda: csv_of(questions.waiting_table(waiting)), "names-waiting.csv", "text/csv"
    )


def _waiting_name(user: Person, one: UnmappedName) -> None:
    """Shows a name with its suggestions. A click accepts one."""
    key = f"{one.datasource}/{one.received}"
    with st.container(border=True):
        name, buttons = st.columns([2, 3], vertical_alignment="center")
        name.markdown(f"**{markdown(one.received)}**")
        seen = f"{moment(one.first_seen)} to {moment(one.last_seen)}"
        name.caption(f"{one.datasource} · {number(one.reads)} reads · {seen}")
        if not user.is_operator:
            buttons.caption("may be: " + (markdown(", ".join(one.suggestions)) or "nothing near is known"))
            return
        with buttons.container(horizontal=True, vertical_alignment="center"):
            for agency in one.suggestions:
                st.button(
                    markdown(agency),
                    key=f"{key}/{agency}",
                    icon=":material/check:",
                    on_click=_accept,
                    args=(user, one, agency),
                )
            # one form for all names, made on demand, because the list of agencies is long
            if st.button("Another agency …", key=f"{key}/other"):
                _choose(user, one)


@st.dialog("Another agency")
def _choose(user: Person, one: UnmappedName) -> None:
    """Asks for the agency, known or new, that a name stands for."""
    st.markdown(f"**{markdown(one.received)}** ({one.datasource}) is")
    options = _agencies(user)
    other = st.selectbox(
        "Agency", options, index=None, key="inbox_other", accept_new_options=True, placeholder="choose or type"
    )
    if st.button("Use it", key="inbox_use", disabled=not other, type="primary"):
        _accept(user, one, other)
        st.rerun()


def _accept(user: Person, one: UnmappedName, agency: str | None) -> None:
    if agency:
        save(user, [NameChange(one.datasource, one.received, None, agency)])
        _waiting.clear()


def _history(user: Person) -> None:
    search = st.text_input("Search", placeholder="a name, an agency, or who changed it", key="history_search")
    with asked_by(user) as connection:
        past = history(connection, search, HISTORY)
    if not past:
        nothing_yet("No change is known.", "Every change of the name table is kept here, whoever makes it and however.")
        return
    table = questions.history_table(past, PACIFIC.key)
    chosen = st.dataframe(
        table,
        width="stretch",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="history_table",
        column_config={
            "When": st.column_config.DatetimeColumn("When (Pacific)", format="MMM D, HH:mm:ss", timezone=PACIFIC.key)
        },
    )
    marked = chosen.selection.rows
    if not user.is_operator:
        return
    st.button(
        "Undo the chosen change",
        icon=":material/undo:",
        disabled=not marked,
        on_click=_undo,
        args=(user, past[marked[0]].id if marked else 0),
    )


def _undo(user: Person, change: int) -> None:
    with in_words(), asked_by(user) as connection:
        undo = reverse_of(connection, change)
    save(user, [undo])
