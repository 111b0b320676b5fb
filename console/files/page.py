"""The page "Files and rejects": the ledger's files beside the bucket; rejects and alarms in tabs of their own."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import polars as pl
import streamlit as st

from console.asked import of_store
from console.files import alarms, bucket, rejects
from console.look import PACIFIC, in_words, moment, nothing_yet, number, page_of, pager, span
from console.queries import files as queries
from console.queries.files import PAGE
from ncric_core.safe_text import markdown
from ncric_core.settings import read_settings
from ncric_core.sources.feeds import datasources
from ncric_core.store.files import FileEntry, FileFilter, Sums, entries_named, newest_arrival, sum_up
from ncric_core.store.person import Person
from ncric_core.vocabulary import FileState

STATE_WORDS: Final = {
    FileState.DONE.value: "done",
    FileState.WAITING.value: "waiting",
    FileState.BEGUN.value: "begun",
    FileState.FAILED.value: "failed",
    FileState.REPLACED.value: "replaced",
}
"""The page's words for the states that the ledger alone decides."""

PERIODS: Final = {"Last day": 1, "Last week": 7, "Last month": 31, "Any time": None, "Between": None}
"""Days to look back from the newest arrival, so that a feed that has stopped still shows its last files."""

COLUMNS: Final = {
    "arrived": st.column_config.TextColumn("Arrived", width=170),
    "state": st.column_config.TextColumn("State", width="small"),
    "found": st.column_config.NumberColumn("Found", format="localized"),
    "loaded": st.column_config.NumberColumn("Loaded", format="localized"),
    "already_there": st.column_config.NumberColumn("Already there", format="localized"),
    "rejected": st.column_config.NumberColumn("Rejected", format="localized"),
    "waiting": st.column_config.NumberColumn("Waiting", format="localized"),
    "photos": st.column_config.NumberColumn("Photos", format="localized"),
    "key": st.column_config.TextColumn("File", width="large"),
}

LOAD_COLUMNS: Final = {
    "received_name": st.column_config.TextColumn("Agency as received", width="medium"),
    "agency": st.column_config.TextColumn("Agency", width="medium"),
    "error": st.column_config.TextColumn("Why it waits", width="medium"),
} | {name: COLUMNS[name] for name in ("found", "loaded", "already_there", "waiting")}


_newest = of_store(seconds=30)(newest_arrival)
_sums = of_store(seconds=30)(sum_up)
_files = of_store(seconds=30)(queries.files)
_versions = of_store(seconds=30)(entries_named)
_loads = of_store(seconds=30)(queries.loads)


def page(user: Person) -> None:
    """Shows the page. What is chosen is in its address."""
    st.title("Files and rejects")
    tabs = st.tabs(["Files", "Rejects", "Alarms"], key="tab", bind="query-params")
    for tab, show in zip(tabs, (_ledger, rejects.tab, alarms.tab), strict=True):
        if tab.open:
            with tab, in_words():
                show(user)


def _ledger(user: Person) -> None:
    newest = _newest(user)
    chosen = _filter(newest)
    if newest is None:
        nothing_yet("No file has been read yet.", "`ncric run files-catchup` reads whatever lies in the bucket.")
    else:
        _books(_sums(user, chosen))
    beside = st.container()  # filled last, because listing a bucket may be slow
    if newest is not None:
        _table(user, chosen)
    if key := st.query_params.get("file"):
        _one_file(user, key)
    with beside, in_words():
        bucket.beside(user, chosen)


def _filter(newest: datetime | None) -> FileFilter:
    feeds, words = datasources(read_settings()), list(STATE_WORDS.values())
    with st.container(horizontal=True):
        text = st.text_input("Name contains", key="search", bind="query-params", placeholder="any name", width=280)
        of = st.selectbox("Feed", feeds, index=None, placeholder="any", key="feed", bind="query-params", width=130)
        word = st.selectbox("State", words, index=None, placeholder="any", key="state", bind="query-params", width=170)
        when = st.selectbox("Arrived", list(PERIODS), index=1, key="arrived", bind="query-params", width=150)
    start, end = _between(newest) if when == "Between" else (_since(newest, PERIODS[when]), None)
    state = next((FileState(name) for name, shown in STATE_WORDS.items() if shown == word), None)
    return FileFilter(text or None, of, state, start, end)


def _since(newest: datetime | None, days: int | None) -> datetime | None:
    """Returns the time so many days before the newest arrival."""
    return newest - timedelta(days=days) if newest and days else None


def _between(newest: datetime | None) -> tuple[datetime | None, datetime | None]:
    """Asks for a span of Pacific days. Returns its start and end in UTC, or None until both days are chosen."""
    last = (newest or datetime.now(UTC)).astimezone(PACIFIC).date()
    days = st.date_input("Days, Pacific time", value=(last - timedelta(days=6), last), key="days", bind="query-params")
    if not isinstance(days, tuple) or len(days) != 2:
        return None, None  # the second day is not clicked yet
    return _midnight(days[0]), _midnight(days[1] + timedelta(days=1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), PACIFIC).astimezone(UTC)


def _books(all_of_them: Sums) -> None:
    found = all_of_them.in_books
    figures = {
        "Files": all_of_them.files,
        "Rows found": all_of_them.found,
        "= loaded": all_of_them.loaded,
        **({"+ deleted by retention": all_of_them.expired} if all_of_them.expired else {}),
        "+ already there": all_of_them.already_there,
        "+ rejected": all_of_them.rejected,
        "+ waiting": all_of_them.waiting,
        "Photos": all_of_them.photos,
        **({"Unreadable photos": all_of_them.bad_photos} if all_of_them.bad_photos else {}),
    }
    with st.container(horizontal=True, gap="medium"):
        for label, figure in figures.items():
            st.markdown(f":small[:gray[{label}]]  \n**{number(figure)}**", width="content")
    notes = []
    if found > all_of_them.found:
        notes.append(
            f"Files not read to their end have {found - all_of_them.found:,} more rows in the books so far: "
            f"`ncric run files-catchup` reads them again."
        )
    if found < all_of_them.found:
        notes.append(
            f"{all_of_them.found - found:,} rows found are in no book, or are entered at this moment: "
            f"`ncric reconcile` names the files."
        )
    if notes:
        st.caption(" ".join(notes))


def _table(user: Person, chosen: FileFilter) -> None:
    total = _sums(user, chosen).files
    if not total:
        nothing_yet(
            "No file is like this.", "Choose a longer time, another state or feed, or a shorter part of a name."
        )
        return
    found = _files(user, chosen, page_of("ledger", chosen))
    shown = found.with_columns(
        pl.Series("arrived", map(span, found["window_start"], found["window_end"]), dtype=pl.String),
        pl.col("state").replace_strict(STATE_WORDS),
    )
    st.session_state["ledger-keys"] = found["key"].to_list()  # before the rows can be clicked
    st.dataframe(
        shown.select(*COLUMNS),
        column_config=COLUMNS,
        hide_index=True,
        key="ledger",
        height=260 if "file" in st.query_params else "auto",  # leaves room for the chosen file below
        on_select=_choose,
        selection_mode="single-row",
        alt="Files of the ledger with their books",
    )
    pager("ledger", chosen, total, PAGE, "files")


def _choose() -> None:
    """Puts the file of the clicked row into the page's address. Removes it if no row is clicked any more."""
    clicked = st.session_state["ledger"]["selection"]["rows"]
    if clicked:
        st.query_params["file"] = st.session_state["ledger-keys"][clicked[0]]
    else:
        st.query_params.pop("file", None)


def _one_file(user: Person, key: str) -> None:
    """Shows what became of each version of a file by agency, with buttons for its rejects and its rows."""
    with st.container(border=True):
        st.subheader(markdown(key.rsplit("/", 1)[-1]))
        known = _versions(user, key)
        if not known:
            nothing_yet("The ledger does not know this file.", "If it lies in the bucket, its job has not read it yet.")
        for one in known:
            _version(user, one)
        with st.container(horizontal=True):
            if any(one.rejected for one in known):
                st.button("Its rejects", icon=":material/rule:", on_click=_to_rejects, args=(key,))
            st.button("Close", key="close-file", on_click=_close)
        if user.is_operator:
            bucket.look(user, key)


def _version(user: Person, one: FileEntry) -> None:
    """Shows a version of a file with its books, and what became of its rows by agency."""
    st.markdown(
        f"{one.file.datasource}, arrived {span(one.file.window_start, one.file.window_end)}, "
        f"{one.file.size:,} bytes, **{STATE_WORDS[one.state]}**, read {moment(one.read_at)}"
    )
    st.caption(
        f"{number(one.found)} rows found = {one.loaded:,} loaded + {one.already_there:,} already "
        f"there + {one.rejected:,} rejected + {one.waiting:,} waiting; {one.photos:,} photos"
        + (f" and {one.bad_photos:,} unreadable ones" if one.bad_photos else "")
        + (f"; {markdown(one.note)}" if one.note else "")
    )
    loads = _loads(user, one.file_id)
    if loads.height:
        columns = [name for name in loads.columns if name != "error" or loads["error"].count()]
        st.dataframe(loads.select(columns), column_config=LOAD_COLUMNS, hide_index=True)


def _close() -> None:
    st.query_params.pop("file", None)


def _to_rejects(key: str) -> None:
    st.session_state.update(tab="Rejects", search=key, feed=None)
