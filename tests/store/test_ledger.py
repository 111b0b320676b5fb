"""The ledger: entries of file and received name as they are loaded; a file is closed when all its rows are in it."""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ncric_core.pipeline.loading import Loader
from ncric_core.store.database import array
from ncric_core.store.restandardize import restandardize
from tests.conftest import FILE, MODEL, Store, examples, read


@given(st.lists(st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
@settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_array_of_texts_comes_out_as_it_went_in(store: Store, texts: list[str | None]) -> None:
    column = pl.Series(texts, dtype=pl.String)
    assert store.rows("SELECT %(texts)s::text[]", {"texts": array(column)}) == [(texts,)]


def test_array_of_numbers_and_times_comes_out_as_it_went_in(store: Store) -> None:
    moment = datetime(2022, 10, 11, 8, 0, 0, 250, tzinfo=UTC)
    numbers, times = pl.Series([1, None, -3]), pl.Series([moment, None], dtype=pl.Datetime("us", "UTC"))
    given = {"numbers": array(numbers), "times": array(times), "reals": array(pl.Series([0.1, -0.0]))}
    found = store.rows("SELECT %(numbers)s::int[], %(times)s::timestamptz[], %(reals)s::float8[]", given)
    assert found == [([1, None, -3], [moment, None], [0.1, -0.0])]


def test_a_run_that_is_killed_leaves_its_files_unread(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put(FILE.format(1), [read(1), read(2, agencyName="Fremont PD")])

    def lost(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(Loader, "close_files", lost)
        with pytest.raises(RuntimeError, match="killed"):
            store.run(agencies=("Fremont PD",))
    books = store.books()
    assert (books.unread, books.found, books.differences) == (1, 0, [])

    assert store.run().total.loaded + store.rows("SELECT count(*) FROM reads WHERE plate = '7ABC002'")[0][0] == 2
    books = store.books()
    assert (books.unread, books.found, books.waiting, books.differences) == (0, 2, 0, [])


def test_an_agency_dropped_while_its_reads_were_on_their_way_is_named_and_made_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(FILE.format(1), [read(1), read(2, agencyName="Fremont PD")])
    submit = Loader.submit

    def drop_first(loader: Loader, chunk: object) -> object:
        with store.database.session() as connection:
            list(restandardize(connection, MODEL))  # the agency made for the new name has no reads yet
        return submit(loader, chunk)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(Loader, "submit", drop_first)
        outcome = store.run()
    assert list(outcome.failed_agencies) == ["ATHERTON POLICE DEPARTMENT"]
    assert "run the job again" in outcome.failed_agencies["ATHERTON POLICE DEPARTMENT"]
    assert store.rows("SELECT standardized_agency_name FROM reads") == [("Fremont PD",)]

    assert store.run().total.loaded == 1
    assert store.rows("SELECT count(*) FROM reads") == [(2,)]
    assert store.books().differences == []


def test_rows_left_by_one_job_and_taken_by_another_are_loaded_once(store: Store) -> None:
    store.put(FILE.format(1), [read(1), read(2, agencyName="Fremont PD")])
    assert store.run(agencies=("Fremont PD",)).total.loaded == 1
    assert store.rows("SELECT agency_name, waiting, waiting_since IS NOT NULL FROM loads ORDER BY 1") == [
        ("ATHERTON POLICE DEPARTMENT", 1, True),
        ("Fremont PD", 0, False),
    ]
    assert store.run(exclude=("Fremont PD",)).total.loaded == 1
    assert store.run().files_known == 1
    assert store.books().differences == []


def test_parts_of_a_large_file_leave_what_another_job_has_done_as_it_is(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ncric_core.sources.files.fetch.LARGE", 1000)
    monkeypatch.setattr("ncric_core.sources.files.feed.SMALLEST_BATCH", 10)
    small = store.with_settings(chunk_size=10)
    names = ["Fremont PD", "Berkeley PD", "Berkeley PD"]
    store.put(
        FILE.format(1), [read(n, agencyName=names[n % 3]) for n in range(60)] + [read(1, agencyName="Berkeley PD")]
    )
    assert small.run(exclude=("Fremont PD",)).total.loaded == 40
    done = "SELECT agency_name, found, loaded, already_there, waiting FROM loads ORDER BY 1"
    assert store.rows(done) == [("Berkeley PD", 41, 40, 1, 0), ("Fremont PD", 20, 0, 0, 20)]
    assert small.run(agencies=("Fremont PD",)).total.loaded == 20
    assert store.rows(done) == [("Berkeley PD", 41, 40, 1, 0), ("Fremont PD", 20, 20, 0, 0)]
    assert small.run().files_known == 1
    assert store.books().differences == []
