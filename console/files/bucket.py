"""Compares the bucket with the ledger, and shows rows of files as received."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import BinaryIO, Final

import polars as pl
import streamlit as st

from console.look import in_words, number, span
from console.queries import asked_by, database
from ncric_core.deliveries import Known
from ncric_core.errors import SourceError
from ncric_core.files import find_files, look_into
from ncric_core.settings import read_settings
from ncric_core.sources.feeds import feeds
from ncric_core.sources.files.objects import open_bucket
from ncric_core.sources.files.stored import Bucket, Leap, StoredObject, anything, nothing_known
from ncric_core.store.database import Database
from ncric_core.store.files import FileFilter
from ncric_core.store.person import SEEN, Person, note, session_of
from ncric_core.vocabulary import FileState
from ncric_core.windows import Window

PATIENCE: Final = 20  # seconds that a listing may take
SOON: Final = 1.5  # seconds that a page waits for a listing before it goes on without
MOST: Final = 200  # files that are listed by name

EVER: Final = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


LISTING: Final = ThreadPoolExecutor(2, thread_name_prefix="bucket")


@dataclass(frozen=True, slots=True)
class Impatient:
    """A bucket whose listing raises SourceError if it is not done by `until` (of time.monotonic)."""

    bucket: Bucket
    until: float

    def list(self, prefix: str, leap: Leap = anything, known: Known = nothing_known) -> Iterator[StoredObject]:
        for listed in self.bucket.list(prefix, leap, known):
            self._check()
            yield listed

    def find(self, key: str) -> StoredObject | None:
        self._check()
        return self.bucket.find(key)

    def _check(self) -> None:
        if monotonic() > self.until:
            raise SourceError(
                f"the bucket was not listed within {PATIENCE} seconds: the ledger alone is shown; "
                f"`ncric files list --state new` takes the time it needs",
                passing=True,
            )

    def open(self, listed: StoredObject) -> BinaryIO:
        return self.bucket.open(listed)


@dataclass(frozen=True, slots=True)
class Beside:
    """The number of files in both bucket and ledger, and the files in the bucket alone (`new`) or the ledger alone.

    Columns of `new` and `gone`: key (String), arrived (String), size (Int64, bytes).
    """

    both: int
    new: pl.DataFrame
    gone: pl.DataFrame


@st.cache_resource(ttl=300, max_entries=50, show_spinner=False)
def _comparison(user: Person, chosen: FileFilter) -> Future[Beside]:
    """Starts a comparison in a thread, so that no page waits for a slow bucket. It is cached for five minutes."""
    return LISTING.submit(_compare, database(), user, chosen)


def _compare(store: Database, user: Person, chosen: FileFilter) -> Beside:
    """Compares bucket and ledger for the chosen name, feed and time. The chosen state is ignored."""
    settings = read_settings()
    patient_until = monotonic() + PATIENCE
    there = feeds(settings, lambda: Impatient(open_bucket(settings), patient_until)).values()
    asked = [feed for feed in there if chosen.feed in (None, feed.datasource)]
    start, end = (given or ever for given, ever in zip((chosen.start, chosen.end), EVER, strict=True))
    window = Window(start.astimezone(UTC), end.astimezone(UTC))
    both = 0
    apart: dict[FileState, list[tuple[str, str, int]]] = {FileState.NEW: [], FileState.GONE: []}
    with session_of(store, user) as connection:
        for one in find_files(asked, connection, window=window, search=chosen.search):
            if not one.file.version:  # a folder that cannot be listed, say: a comparison would be untrue
                raise SourceError(one.file.trouble or one.file.key)
            if one.state in apart:
                file = one.file
                apart[one.state].append((file.key, span(file.window_start, file.window_end), file.size))
            else:
                both += 1
    schema = {"key": pl.String, "arrived": pl.String, "size": pl.Int64}
    new, gone = (pl.DataFrame(found, schema=schema, orient="row") for found in apart.values())
    return Beside(both, new, gone)


def beside(user: Person, chosen: FileFilter) -> None:
    """Shows how bucket and ledger agree on the chosen name, feed and time, as soon as the bucket is listed."""
    chosen = FileFilter(chosen.search, chosen.feed, None, chosen.start, chosen.end)
    comparison = _comparison(user, chosen)
    wait([comparison], timeout=SOON)
    if comparison.done():
        _show(user, chosen, comparison)
    else:
        st.fragment(_until_done, run_every=1)(comparison)


def _until_done(comparison: Future[Beside]) -> None:
    """Runs the page again if the bucket is listed by now. Else shows that it is being listed."""
    if comparison.done():
        st.rerun()
    st.caption(":material/hourglass_top: Listing the bucket …")


def _show(user: Person, chosen: FileFilter, comparison: Future[Beside]) -> None:
    if comparison.exception() is not None:
        _comparison.clear(user, chosen)  # the next look tries again
    found = comparison.result()
    new, gone = found.new, found.gone
    text = f"In the bucket: {found.both + new.height:,} files"
    if new.is_empty() and gone.is_empty():
        st.caption(f":material/check_circle: {text}, and the ledger has every one of them.")
        return
    parts = [f"{new.height:,} of them not read yet"] if new.height else []
    parts += [f"{gone.height:,} more in the ledger that are not in the bucket any more"] if gone.height else []
    with st.expander(f"{text}; {'; '.join(parts)}", icon=":material/compare_arrows:", expanded=False):
        if new.height:
            _named("Not read yet", new, "their job reads them in its hour; `ncric run files-catchup` reads them now")
        if gone.height:
            _named("Not in the bucket any more", gone, "their reads stay; their rows as received cannot be shown")
        st.button("Compare again", icon=":material/refresh:", on_click=_comparison.clear, args=(user, chosen))


def _named(title: str, found: pl.DataFrame, so_what: str) -> None:
    st.markdown(f"**{title}** — {so_what}.")
    st.dataframe(
        found.head(MOST),
        column_config={
            "key": st.column_config.TextColumn("File", width="large"),
            "arrived": "Arrived",
            "size": st.column_config.NumberColumn("Bytes", format="localized"),
        },
        hide_index=True,
        height=min(300, 38 + 35 * found.height),
        alt=title,
    )
    if found.height > MOST:
        st.caption(f"{number(MOST)} of {number(found.height)}")


def look(user: Person, key: str) -> None:
    """Asks for a row of a file in the bucket and shows it as received, without photos. Not cached: it holds a plate."""
    with st.form(f"look-{key}", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        position = st.number_input("Look into the file: row, the first is 0", min_value=0, value=0, width=280)
        wanted = st.form_submit_button("Show the row as received", icon=":material/visibility:")
    if wanted:
        with in_words(), st.spinner("Reading the file …"):
            settings = read_settings()
            with asked_by(user) as connection:  # before the row is shown, and also if there is no such row
                note(connection, SEEN, f"row {int(position):,} of {key}")
            with session_of(database(), user) as connection:
                seen = look_into(feeds(settings).values(), connection, key, int(position))
            st.code(seen.row, language="json", wrap_lines=True)
