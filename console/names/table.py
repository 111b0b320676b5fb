"""The part "Name table": rows are added, changed and deleted in place, many at once, and nobody's edit is lost."""

from typing import Any

import polars as pl
import streamlit as st

from console.look import nothing_yet
from console.names.saving import propose
from console.queries import asked_by
from console.queries import names as questions
from ncric_core.settings import read_settings
from ncric_core.sources.feeds import datasources
from ncric_core.store.name_changes import NameChange
from ncric_core.store.person import Person


def part(user: Person) -> None:
    """Shows the rows of the name table that match a search. Operators edit them."""
    search = st.text_input("Search", placeholder="a received name or an agency", key="table_search").casefold()
    with asked_by(user) as connection:
        table = questions.mappings(connection)
        known = questions.agencies(connection)
    shown = table.filter(
        pl.any_horizontal(pl.col("Received name", "Agency").str.to_lowercase().str.contains(search, literal=True))
    )
    if not user.is_operator:
        if shown.is_empty():
            nothing_yet("No name is mapped.", "Operators map names here, or import a list.")
        else:
            st.dataframe(shown, width="stretch", hide_index=True)
        return
    shown = _as_begun(shown, f"names_editor/{search}")
    edited = _editor(shown, known, f"names_editor/{search}")
    changes = changes_of(shown, edited)
    st.button(
        f"Review {len(changes):,} changes" if changes else "Nothing is changed",
        type="primary",
        disabled=not changes,
        on_click=propose,
        args=(changes,),
    )


def _as_begun(shown: pl.DataFrame, key: str) -> pl.DataFrame:
    """Returns the rows (MAPPINGS) as they were when editing began. Edits apply to these, and are compared with them.

    Streamlit names an edited row by its position, which moves when somebody else adds a row above.
    """
    begun = st.session_state.get(f"{key}/begun")
    if begun is None or not any(st.session_state.get(key, {}).values()):
        begun = st.session_state[f"{key}/begun"] = shown
    return begun


def _editor(shown: pl.DataFrame, known: list[str], key: str) -> dict[str, Any]:
    """Shows the editor. Returns the edits as Streamlit keeps them: rows by their position in `shown`."""
    st.data_editor(
        shown,
        key=key,
        num_rows="dynamic",
        width="stretch",
        height=520,
        column_config={
            "Feed": st.column_config.SelectboxColumn(
                options=datasources(read_settings()), required=True, width="small"
            ),
            "Received name": st.column_config.TextColumn(required=True, max_chars=200),
            "Agency": st.column_config.TextColumn(
                required=True, max_chars=200, help=f"one of the {len(known):,} agencies, or a new one"
            ),
        },
    )
    return dict(st.session_state[key])


def changes_of(shown: pl.DataFrame, edited: dict[str, Any]) -> list[NameChange]:
    """Turns edits of the rows shown into changes. An edit of a feed or received name removes one mapping and adds
    another."""
    rows = shown.to_dicts()
    found: dict[tuple[str, str], NameChange] = {}

    def change(row: dict[str, Any], before: str | None, after: str | None) -> None:
        key = (row["Feed"], row["Received name"])
        first = found.get(key)
        found[key] = NameChange(*key, first.before if first else before, after)

    for place in edited.get("deleted_rows", ()):
        change(rows[place], rows[place]["Agency"], None)
    for place, cells in edited.get("edited_rows", {}).items():
        old, new = rows[int(place)], rows[int(place)] | cells
        if (old["Feed"], old["Received name"]) == (new["Feed"], new["Received name"]):
            change(old, old["Agency"], new["Agency"])
        else:
            change(old, old["Agency"], None)
            change(new, None, new["Agency"])
    for cells in edited.get("added_rows", ()):
        if all(cells.get(column) for column in questions.MAPPINGS):
            change(cells, None, cells["Agency"].strip())
    return [one for one in found.values() if one.before != one.after]
