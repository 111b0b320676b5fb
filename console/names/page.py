"""The page "Agency names": the inbox of names that wait, the name table, its history, and its import and export."""

from collections.abc import Callable, Sequence
from typing import Final

import streamlit as st

from console.asked import of_store
from console.look import PACIFIC, csv_of, in_words, nothing_yet, number
from console.names import files, table
from console.names.saving import changes_waiting, review, save, show_moving
from console.press import act_button
from console.queries import asked_by
from console.queries import names as questions
from ncric_core.safe_text import markdown
from ncric_core.store.name_changes import NameChange, history, reverse_of
from ncric_core.store.names import UnmappedName, unmapped_names
from ncric_core.store.person import Person

ON_A_PAGE: Final = 20  # names of the inbox
WIDTHS: Final = (4, 3.4, 7)  # of the inbox's columns
KEYS: Final = ("1", "2", "3")  # of the suggestions for the name in the frame
CHECK, NEW = ":material/check:", ":material/add:"
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
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = st.text_input("Search", placeholder="a part of a name", key="inbox_search", width=260).casefold()
        found = [one for one in waiting if search in one.received.casefold()]
        reads = sum(one.reads for one in waiting)
        st.markdown(f"**{number(len(waiting))}** names wait, with {number(reads)} reads", width="stretch")
        shown = _page_of_inbox(found)
        st.download_button(
            "CSV",
            lambda: csv_of(questions.waiting_table(waiting)),
            "names-waiting.csv",
            "text/csv",
            icon=":material/download:",
        )
    with st.container(gap="xxsmall"):
        framed = _frame([_key(one) for one in shown]) if user.is_operator else None
        for one in shown:
            _waiting_name(user, one, framed=_key(one) == framed)


def _page_of_inbox(found: Sequence[UnmappedName]) -> Sequence[UnmappedName]:
    """Returns the names of the page that is chosen, with a choice if there are more pages."""
    pages = -(-len(found) // ON_A_PAGE)
    page = st.pagination(pages, key="inbox_page", width="content") if pages > 1 else 1
    return found[(page - 1) * ON_A_PAGE : page * ON_A_PAGE]


def _key(one: UnmappedName) -> str:
    return f"{one.datasource}/{one.received}"


def _frame(names: Sequence[str]) -> str | None:
    """Shows the buttons that lead from name to name, for their keys. Returns the name in the frame, if there is one.

    Names are given by `_key`. A name that was just mapped leaves no frame behind: a key pressed twice must not map the
    next name, unread.
    """
    place, name = st.session_state.get("inbox_frame", (0, ""))
    framed = names[place] == name if place < len(names) else False
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, to, shortcut in (("Next name", place + framed, "J"), ("Name before", place - 1, "K")):
            possible = 0 <= to < len(names)
            st.button(
                label,
                type="tertiary",
                shortcut=shortcut,
                disabled=not possible,
                on_click=st.session_state.__setitem__,
                args=("inbox_frame", (to, names[to] if possible else "")),
            )
        st.caption("J and K put a frame around a name; the other keys are for the name in the frame.")
    return name if framed else None


def _waiting_name(user: Person, one: UnmappedName, *, framed: bool) -> None:
    """Shows a name in a line, with its suggestions. A click accepts one; in the frame, they have keys too."""
    key = _key(one)
    with st.container(border=framed):
        name, seen, buttons = st.columns(WIDTHS, vertical_alignment="center")
        name.markdown(f"**{markdown(one.received)}**")
        last = f"{one.last_seen.astimezone(PACIFIC):%b %-d}"
        seen.caption(f"{one.datasource} · {number(one.reads)} reads · last {last}")
        if not user.is_operator:
            buttons.caption("may be: " + (markdown(", ".join(one.suggestions)) or "nothing near is known"))
            return
        with buttons.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            keys = iter(KEYS if framed else ())
            for agency in one.suggestions:
                act_button(
                    markdown(agency),
                    _accept,
                    user,
                    one,
                    agency,
                    key=f"{key}/{agency}",
                    icon=CHECK,
                    shortcut=next(keys, None),
                )
            if not one.suggestions:
                act_button(
                    "An agency of its own", _accept_as_own, user, one, key=f"{key}/own", icon=NEW,
                    shortcut=next(keys, None), help="The name is an agency's own: it becomes one, and its reads stay.",
                )  # fmt: skip
            # one form for all names, made on demand, because the list of agencies is long
            if st.button("Another …", key=f"{key}/other", type="tertiary", shortcut="A" if framed else None):
                _choose(user, one)


@st.dialog("Another agency")
def _choose(user: Person, one: UnmappedName) -> None:
    """Asks for the agency, known or new, that a name stands for."""
    st.markdown(f"**{markdown(one.received)}** ({one.datasource}) is")
    options = _agencies(user)
    other = st.selectbox(
        "Agency", options, index=None, key="inbox_other", accept_new_options=True, placeholder="choose or type"
    )
    if act_button("Use it", _accept, user, one, other, key="inbox_use", disabled=not other, kind="primary"):
        st.rerun()  # closes the form


def _accept(user: Person, one: UnmappedName, agency: str | None) -> None:
    if agency:
        save(user, [NameChange(one.datasource, one.received, None, agency)])
        _waiting.clear()


def _accept_as_own(user: Person, one: UnmappedName) -> None:
    """Makes the agency that a name's reads are under a known one."""
    with in_words():
        with asked_by(user) as connection:
            own = questions.own_agency(connection, one)
        _accept(user, one, own)


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
    act_button(
        "Undo the chosen change",
        _undo,
        user,
        past[marked[0]].id if marked else 0,
        key="history_undo",
        icon=":material/undo:",
        disabled=not marked,
    )


def _undo(user: Person, change: int) -> None:
    with in_words():
        with asked_by(user) as connection:
            undo = reverse_of(connection, change)
        save(user, [undo])
