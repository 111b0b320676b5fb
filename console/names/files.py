"""The part "Import and export": the name table as a CSV file."""

import io
import tempfile
from pathlib import Path

import streamlit as st

from console.look import in_words, nothing_yet
from console.names.saving import propose
from console.queries import asked_by
from ncric_core.agencies import NameMapping, name_key, read_mappings, write_mappings
from ncric_core.settings import read_settings
from ncric_core.sources.feeds import datasources
from ncric_core.store.name_changes import NameChange
from ncric_core.store.names import all_mappings
from ncric_core.store.person import Person


def part(user: Person) -> None:
    """Shows the download to all, and the upload to operators."""
    with asked_by(user) as connection:
        present = all_mappings(connection)
    written = io.StringIO()
    write_mappings(present, written)
    st.download_button(
        f"Export {len(present):,} names", written.getvalue(), "agency-names.csv", "text/csv", icon=":material/download:"
    )
    if not user.is_operator:
        return
    given = st.file_uploader(
        "Import a CSV file: ol.name, standardized_agency_name, ol.datasource (Flock: ol.id)", type="csv"
    )
    if given is None:
        return
    with in_words():
        changes = changes_to(present, _read(given.name, given.getvalue()))
        if not changes:
            nothing_yet("Nothing would change.", "The name table says all that the file says already.")
            return
        st.button(f"Review {len(changes):,} changes", type="primary", on_click=propose, args=(changes,))


def _read(name: str, content: bytes) -> list[NameMapping]:
    """Reads the mappings of an uploaded file. Raises AgencyError, which names each fault with its line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(name).name
        path.write_bytes(content)
        return read_mappings(path, datasources(read_settings()))


def changes_to(present: list[NameMapping], wanted: list[NameMapping]) -> list[NameChange]:
    """Returns the changes that enter the wanted mappings. Present ones that are not among them stay."""
    known = {(one.datasource, name_key(one.received)): one.standardized for one in present}
    changes = [
        NameChange(one.datasource, one.received, known.get((one.datasource, name_key(one.received))), one.standardized)
        for one in wanted
    ]
    return [one for one in changes if one.before != one.after]
