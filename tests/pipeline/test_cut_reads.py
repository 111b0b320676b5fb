"""Reads of which only a part arrived give way to the same with more of its row, in any order; the books are right."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ncric_core.agencies import NO_AGENCY
from ncric_core.deliveries import Batch, Delivery, Feed
from ncric_core.flight.model import FLIGHTS
from ncric_core.pipeline.integrate import integrate
from ncric_core.pipeline.mapping import own_flight
from ncric_core.pipeline.outcome import Job
from ncric_core.pipeline.replay import replay
from ncric_core.sources.feeds import feeds
from ncric_core.store.rejects import RejectFilter
from ncric_core.store.restandardize import restandardize
from ncric_core.windows import Window
from tests.conftest import FILE, HOUR, MODEL, Store, examples, read
from tests.store.test_load import lock, run_aside, wait_for_waiting

FREMONT = {"agencyName": "Fremont PD", "agencyAcronym": "FPD", "agencyOriNumber": "CA0010300"}

READS = "SELECT vehicle_record_id, agency_name, standardized_agency_name, camera_id, file_key FROM reads ORDER BY 1"
BOOKS = """
SELECT f.key, f.superseded, l.agency_name, l.found, l.loaded, l.already_there, l.waiting
FROM loads l JOIN source_files f ON f.id = l.file_id ORDER BY f.id, 3
"""
COUNTS = """
SELECT a.name, c.camera_id, c.reads FROM read_counts c JOIN agencies a ON a.id = c.agency ORDER BY 1, 2
"""


def plate_first(number: int, **changes: Any) -> str:
    """A read as a vendor writes it whose plate comes before agency and camera."""
    flat = read(number, **changes)
    flat |= flat.pop("detail")["camera"]
    early = ("LPREventID", "eventDate", "eventTime", "VehicleLicensePlateID")
    return json.dumps({name: flat.pop(name) for name in early} | flat)


def cut(row: str, after: str) -> str:
    """The beginning of a row, up to and with a text."""
    return row[: row.index(after) + len(after)]


def replace_file(store: Store, key: str, content: str) -> None:
    store.put(key, content)
    moved = store.rows("SELECT count(*) FROM source_files")[0][0]
    os.utime(store.folder / key, (moved + 1, moved + 1))  # a version of its own, whatever the clock says


WHOLE = plate_first(2, **FREMONT)
CUT = cut(WHOLE, '"VehicleLicensePlateID": "7ABC002",')
LONGER = cut(WHOLE, '"agencyName": "Fremont PD",')
REJECTED = cut(WHOLE, '"VehicleLicensePlateID": "7AB')


def file_of(*rows: str, ends: bool = True) -> str:
    return "[" + ",".join(rows) + ("]" if ends else "")


def uploading(store: Store, row: str) -> str:
    """Reads a file of two reads while it is being uploaded, up to a part of the second."""
    key = store.put(FILE.format(1), file_of(plate_first(1), row, ends=False))
    store.run()
    return key


def test_a_file_that_is_read_while_it_is_uploaded(store: Store) -> None:
    key = uploading(store, CUT)
    assert store.rows(READS)[1] == ("2_BOSS4", NO_AGENCY, NO_AGENCY, None, key)

    replace_file(store, key, file_of(plate_first(1), WHOLE))
    outcome = store.run()
    assert (outcome.total.loaded, outcome.total.already_there, outcome.corrections) == (1, 1, 0)
    assert store.rows(READS) == [
        ("1_BOSS4", "ATHERTON POLICE DEPARTMENT", "ATHERTON POLICE DEPARTMENT", "84", key),
        ("2_BOSS4", "Fremont PD", "Fremont PD", "84", key),
    ]
    assert store.rows("SELECT count(*) FROM vehicle_records WHERE cut_at IS NOT NULL") == [(0,)]
    assert store.rows(BOOKS) == [
        (key, True, "ATHERTON POLICE DEPARTMENT", 1, 1, 0, 0),
        (key, True, NO_AGENCY, 1, 0, 1, 0),
        (key, False, "ATHERTON POLICE DEPARTMENT", 1, 0, 1, 0),
        (key, False, "Fremont PD", 1, 1, 0, 0),
    ]
    assert store.rows(COUNTS) == [("ATHERTON POLICE DEPARTMENT", "84", 1), ("Fremont PD", "84", 1)]
    books = store.books()
    assert (books.found, books.loaded, books.already_there, books.differences) == (4, 2, 2, [])
    assert store.run().files_known == 1
    assert store.run(force=True).total.loaded == 0


def test_a_row_whose_plate_was_cut_off_is_closed_when_it_comes_whole(store: Store) -> None:
    key = uploading(store, REJECTED)
    assert store.books().rejected == 1

    replace_file(store, key, file_of(plate_first(1), WHOLE))
    store.run()
    assert store.rows("SELECT position, replayed_as FROM rejects") == [(1, "Fremont PD")]
    assert store.rows(BOOKS)[:2] == [
        (key, True, "ATHERTON POLICE DEPARTMENT", 1, 1, 0, 0),
        (key, True, "Fremont PD", 1, 0, 1, 0),
    ]
    books = store.books()
    assert (books.found, books.loaded, books.already_there, books.rejected, books.differences) == (4, 2, 2, 0, [])

    replace_file(store, key, file_of(plate_first(1), WHOLE, plate_first(3)))
    store.run()
    assert (store.books().rejected, store.books().differences) == (0, [])


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(file_of(plate_first(1), plate_first(9)), id="another agency's row"),
        pytest.param(file_of(plate_first(9), "{}"), id="no read"),
        pytest.param(file_of(plate_first(1)), id="shorter"),
    ],
)
def test_a_reject_stays_open_if_the_new_version_does_not_bring_its_row(store: Store, content: str) -> None:
    named = cut(json.dumps(read(2, **FREMONT)), '"agencyName": "Fremont PD",')
    key = store.put(FILE.format(1), file_of(plate_first(1), named, ends=False))
    store.run()
    replace_file(store, key, content)
    store.run()
    assert store.rows("SELECT count(*) FROM rejects WHERE reason = 'cut_off' AND replayed_at IS NULL") == [(1,)]
    assert store.books().differences == []


def test_a_cut_row_of_a_large_file_gives_way(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ncric_core.sources.files.fetch.LARGE", 2000)
    monkeypatch.setattr("ncric_core.sources.files.feed.SMALLEST_BATCH", 10)
    small = store.with_settings(chunk_size=10)
    before = [plate_first(100 + n) for n in range(24)]
    rejected = plate_first(24, **FREMONT)
    key = store.put(FILE.format(1), file_of(*before, cut(rejected, "7ABC"), WHOLE[: len(CUT)], ends=False))
    small.run()
    assert (store.books().rejected, store.books().differences) == (1, [])
    replace_file(store, key, file_of(*before, rejected, WHOLE))
    small.run()
    assert store.rows(READS)[-1][1] == "Fremont PD"
    assert store.rows("SELECT count(*) FROM reads WHERE agency_name = 'Fremont PD'") == [(2,)]
    books = store.books()
    assert (books.loaded, books.already_there, books.rejected, books.waiting, books.differences) == (26, 26, 0, 0, [])


def test_a_cut_row_gives_way_when_the_job_of_its_agency_comes(store: Store) -> None:
    store.map(("Fremont PD", "Fremont PD", "BOSS4"))
    others: dict[str, Any] = {"exclude": ("Fremont PD",)}
    key = store.put(FILE.format(1), file_of(plate_first(1), CUT, ends=False))
    store.run(**others)
    replace_file(store, key, file_of(plate_first(1), WHOLE))
    store.run(**others)
    assert store.rows(READS)[1][2] == NO_AGENCY
    assert (store.books().waiting, store.books().differences) == (1, [])
    store.run(agencies=("Fremont PD",))
    assert store.rows(READS)[1][2] == "Fremont PD"
    assert (store.books().waiting, store.books().differences) == (0, [])


@pytest.mark.parametrize(("later", "waiting"), [(2, 0), (1, 1)], ids=["it brings them", "it does not"])
def test_rows_of_a_replaced_version_wait_only_until_another_brings_them(store: Store, later: int, waiting: int) -> None:
    """The version that had them is gone: no job can come for them."""
    store.map(("Fremont PD", "Fremont PD", "BOSS4"))
    mine: dict[str, Any] = {"agencies": ("Fremont PD",)}
    theirs: dict[str, Any] = {"exclude": ("Fremont PD",)}
    key = store.put(FILE.format(1), [read(n, agencyName="Fremont PD") for n in (1, 2)])
    store.run(**theirs)
    replace_file(store, key, json.dumps([read(n, agencyName="Fremont PD") for n in range(1, later + 1)] + [read(9)]))
    store.run(**theirs)
    store.run(**mine)
    books = store.books()
    assert (books.loaded, books.waiting > 0, books.differences) == (later + 1, bool(waiting), [])


def test_a_version_that_comes_back_is_loaded_though_its_rows_were_left_to_another(store: Store) -> None:
    store.map(("Fremont PD", "Fremont PD", "BOSS4"))
    rows = [read(n, agencyName="Fremont PD") for n in (1, 2)]
    key = store.put(FILE.format(1), rows)
    version = (store.folder / key).stat()
    store.run(exclude=("Fremont PD",))
    replace_file(store, key, json.dumps([*rows, read(9)]))
    store.run(exclude=("Fremont PD",))
    store.put(key, rows)
    os.utime(store.folder / key, ns=(version.st_atime_ns, version.st_mtime_ns))
    store.run(agencies=("Fremont PD",))
    assert [row[0] for row in store.rows(READS)] == ["1_BOSS4", "2_BOSS4", "9_BOSS4"]
    assert (store.books().waiting, store.books().differences) == (0, [])


class Overtaken:
    """A feed whose files are replaced, and read by another run, after this one has fetched them."""

    def __init__(self, feed: Feed, meanwhile: Callable[[], None]) -> None:
        self.datasource, self.deliveries = feed.datasource, feed.deliveries
        self._feed, self._meanwhile = feed, meanwhile

    def read(self, deliveries: Iterable[Delivery], *, idle: bool = False) -> Iterator[Batch]:
        for batch in self._feed.read(deliveries, idle=idle):
            self._meanwhile()
            yield batch


@pytest.mark.parametrize("known", [True, False], ids=["left to this job", "new"])
def test_a_run_that_another_overtakes_with_a_newer_version_loses_no_read(store: Store, known: bool) -> None:
    store.map(("Fremont PD", "Fremont PD", "BOSS4"))
    mine: dict[str, Any] = {"agencies": ("Fremont PD",)}
    theirs: dict[str, Any] = {"exclude": ("Fremont PD",)}
    rows = [read(n, agencyName="Fremont PD") for n in (1, 2)]
    key = store.put(FILE.format(1), rows)
    if known:
        store.run(**theirs)

    def meanwhile() -> None:
        replace_file(store, key, json.dumps([*rows, read(9)]))
        store.run(**theirs)

    feed: Any = Overtaken(feeds(store.settings)["boss4"], meanwhile)
    integrate(Job(feeds=(feed,), window=HOUR, **(mine if known else theirs)), store.settings, store.database)
    store.run(**mine)
    assert [row[0] for row in store.rows(READS)] == ["1_BOSS4", "2_BOSS4", "9_BOSS4"]
    store.run()
    assert store.rows("SELECT size, superseded FROM source_files WHERE NOT superseded") == [
        ((store.folder / key).stat().st_size, False)
    ]
    assert (store.books().waiting, store.books().differences) == (0, [])


def test_a_cut_row_that_was_moved_to_another_agency_gives_way(store: Store) -> None:
    key = uploading(store, CUT)
    store.map((NO_AGENCY, "Atherton PD", "BOSS4"))
    with store.database.session() as connection:
        list(restandardize(connection, MODEL))
    assert store.rows(READS)[1][2] == "Atherton PD"
    replace_file(store, key, file_of(plate_first(1), WHOLE))
    store.run()
    assert store.rows(READS)[1][2] == "Fremont PD"
    assert store.books().differences == []


def test_a_cut_row_gives_way_within_one_file(store: Store) -> None:
    """The upload began anew in the middle of a row."""
    store.put(FILE.format(1), "[" + CUT + file_of(plate_first(1), WHOLE, LONGER[: len(CUT)] + "}"))
    store.run()
    assert [row[1] for row in store.rows(READS)] == ["ATHERTON POLICE DEPARTMENT", "Fremont PD"]
    assert (store.books().already_there, store.books().differences) == (2, [])


def test_a_cut_row_gives_way_to_a_reject_that_is_run_again(store: Store) -> None:
    store.put(FILE.format(1), file_of(plate_first(1), CUT, ends=False))
    store.run()
    store.put(FILE.format(2), file_of(WHOLE))
    strict = store.with_settings(keep_days=0)
    assert strict.run().rejects == {"too_old": 1}
    with store.database.session() as connection:
        done = replay(connection, feeds(store.settings).values(), own_flight(FLIGHTS), RejectFilter())
    assert (done.loaded, done.already_there) == (1, 0)
    assert store.rows(READS)[1][1] == "Fremont PD"
    assert store.books().differences == []


ROWS = (WHOLE, LONGER, CUT, cut(WHOLE, '"agencyOriNumber": "CA0010300",'), REJECTED)


@settings(max_examples=examples(15), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.sampled_from(ROWS), min_size=1, max_size=3), min_size=1, max_size=4), st.booleans())
def test_in_any_order_the_most_that_arrived_of_a_row_is_in_the_store(
    clean_store: Store, files: Sequence[Sequence[str]], twice: bool
) -> None:
    """The files are read one after the other. What is in the store then depends on the rows alone."""
    clean_store.execute(
        "TRUNCATE vehicle_records, read_counts, received_names, loads, rejects, source_files, corrections"
    )
    for path in clean_store.folder.rglob("*.json"):
        path.unlink()
    for number, rows in enumerate(files):
        clean_store.put(FILE.format(number), "[" + "".join(rows))
        for _ in range(1 + twice):
            clean_store.run(force=twice)
    found = [row for rows in files for row in rows if row != REJECTED]
    expected = {WHOLE: (None, "Fremont PD", "84")} | {
        row: (len(row), "Fremont PD" if "agencyName" in row else NO_AGENCY, None) for row in ROWS[1:4]
    }
    there = clean_store.rows("SELECT cut_at, agency_name, camera_id FROM vehicle_records")
    assert [(camera, name) for _, name, camera in there] == [
        (expected[row][2], expected[row][1]) for row in sorted(found, key=len)[-1:]
    ]
    assert clean_store.rows("SELECT coalesce(sum(reads), 0)::int FROM read_counts") == [(len(there),)]
    assert clean_store.books().differences == []
    assert clean_store.rows("SELECT count(*) FROM corrections") == [(0,)]


LATE = {"eventTime": "07:00:00"}  # so long before its file that it may well be in the store: it is staged
NEXT_HOUR = Window(HOUR.end, HOUR.end + timedelta(hours=1))


def test_a_cut_row_that_another_run_inserts_meanwhile_gives_way(store: Store) -> None:
    """The second run finds the read neither before it inserts nor afterwards in the state of its statement."""
    first = plate_first(3, **LATE)
    whole = plate_first(2, **FREMONT, **LATE)
    store.put(FILE.format(1), file_of(first))
    store.run()
    store.put(FILE.format(2), file_of(cut(whole, '"7ABC002",'), ends=False))
    store.put("boss4/READS_y_2022-10-11_09-10-00_2022-10-11_09-15-00_2.json", file_of(whole))
    hour = store.rows("SELECT hour FROM read_counts")[0][0]
    with store.database.session() as connection, connection.cursor() as cursor:
        lock(connection, hour)
        cursor.execute(
            "INSERT INTO days_changed VALUES ('2022-10-11') ON CONFLICT (day) DO UPDATE SET day = EXCLUDED.day"
        )
        with run_aside(store) as sent:
            wait_for_waiting(store, 1)  # with the cut row inserted, not committed
            with run_aside(store, NEXT_HOUR) as again:
                wait_for_waiting(store, 2)
                connection.rollback()
                assert (sent.result(60).total.loaded, again.result(60).total.loaded) == (1, 1)
    assert store.rows(READS)[0][1] == "Fremont PD"
    assert store.books().differences == []


@pytest.mark.slow
def test_killed_in_the_middle_and_two_at_once_all_cut_rows_give_way(
    store: Store, clean_store: Store, tmp_path: Path
) -> None:
    chance, contents = random.Random(11), {}
    for number in range(40):
        rows = [plate_first(200 * number + n, agencyName=f"Agency {n % 5}") for n in range(60)]
        begun = rows[-1][: rows[-1].index('"agencyName"')]
        key = store.put(FILE.format(number), file_of(*rows[:-1], begun, ends=False))
        contents[key] = file_of(*rows)
    small = store.with_settings(chunk_size=120)
    small.run("files-catchup")
    assert store.rows("SELECT count(*) FROM vehicle_records WHERE cut_at IS NOT NULL") == [(40,)]
    for key, content in contents.items():
        replace_file(store, key, content)
    environment = os.environ | store.environment | {"NCRIC_CHUNK_SIZE": "120"}
    command = [sys.executable, "-c", "from ncric_core.cli import main; main()", "run", "files-catchup"]
    for _ in range(2):
        seen = store.rows("SELECT count(*) FROM vehicle_records WHERE cut_at IS NOT NULL")
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path
        )
        while process.poll() is None and (
            store.rows("SELECT count(*) FROM vehicle_records WHERE cut_at IS NOT NULL") == seen
        ):
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
    with ThreadPoolExecutor(2) as pool:
        assert all(outcome.ok for outcome in pool.map(small.run, ["files-catchup"] * 2))
    assert store.books().differences == []
    clean_store.run("files-catchup")
    same = ("reads", "counts")
    assert {name: store.everything()[name] for name in same} == {name: clean_store.everything()[name] for name in same}
