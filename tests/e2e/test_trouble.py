"""Trouble: an agency that cannot be loaded, files that disappear, runs at the same time, a lost database, `kill -9`."""

import base64
import io
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

import pytest

from ncric_core.errors import SourceError, StoreError
from ncric_core.sources.files.folder import Folder
from ncric_core.sources.files.stored import StoredObject
from tests.conftest import FILE, Store, read

FAILING = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'this agency is broken'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON vehicle_records FOR EACH ROW
WHEN (NEW.agency_name = 'Broken PD') EXECUTE FUNCTION refuse();
"""


def test_one_agencys_failure_leaves_the_others_loaded_and_is_named(store: Store) -> None:
    for number in range(3):
        store.put(
            FILE.format(number),
            [
                read(10 * number + 1),
                read(10 * number + 2, agencyName="Broken PD"),
                read(10 * number + 3, agencyName="Third PD"),
            ],
        )
    store.execute(FAILING)
    outcome = store.run()
    assert not outcome.ok
    assert list(outcome.failed_agencies) == ["Broken PD"]
    assert "this agency is broken" in outcome.failed_agencies["Broken PD"]
    assert store.rows("SELECT agency_name, count(*) FROM reads GROUP BY 1 ORDER BY 1") == [
        ("ATHERTON POLICE DEPARTMENT", 3),
        ("Third PD", 3),
    ]
    assert store.rows("SELECT count(*) FROM loads WHERE error LIKE '%%this agency is broken%%' AND waiting = 1") == [
        (3,)
    ]
    assert store.books().differences == []

    store.execute("DROP TRIGGER refuse ON vehicle_records")
    outcome = store.run("files-catchup", waited=timedelta(hours=1))
    assert (outcome.ok, outcome.total.loaded) == (True, 3)
    assert store.books().waiting == 0
    assert store.books().differences == []


def test_a_file_deleted_after_it_was_listed_is_named_and_the_rest_is_loaded(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = store.put(FILE.format(1), [read(1)])
    store.put(FILE.format(2), [read(2)])
    opened = Folder.open

    def delete_first(self: Folder, listed: StoredObject) -> BinaryIO:
        if listed.key == gone:
            (store.folder / gone).unlink(missing_ok=True)
        return opened(self, listed)

    monkeypatch.setattr(Folder, "open", delete_first)
    outcome = store.run()
    assert list(outcome.failed_files.values()) == [f"{gone} was deleted after it was listed"]
    assert outcome.total.loaded == 1
    assert store.books().differences == []


def test_a_replaced_file_is_read_again(store: Store) -> None:
    key = store.put(FILE.format(1), [read(1)])
    store.run()
    store.put(key, [read(1), read(2)])
    os.utime(store.folder / key, (1, 1))
    outcome = store.run()
    assert (outcome.total.loaded, outcome.total.already_there) == (1, 1)
    assert store.rows("SELECT found, superseded FROM source_files ORDER BY id") == [(1, True), (2, False)]
    assert store.books().differences == []


def test_names_that_have_one_key_are_two_deliveries_in_the_books(store: Store) -> None:
    key = store.put(FILE.format("\\xff"), [read(1)])
    store.put(FILE.format(2), [read(2), read(3)])
    folder, name = os.fsencode(store.folder) + b"/", os.fsencode(FILE.format(2))
    Path(os.fsdecode(folder + name)).rename(os.fsdecode(folder + os.fsencode(key).replace(b"\\xff", b"\xff")))
    assert store.run("files-catchup").total.loaded == 3
    assert store.rows("SELECT key, found, superseded FROM source_files ORDER BY 2") == [
        (key, 1, False),
        (key, 2, False),
    ]
    assert store.run("files-catchup").files_known == 2
    assert store.books().differences == []


@pytest.mark.parametrize("job", ["boss4", "files-catchup"])
def test_two_runs_at_the_same_time_load_each_read_once(store: Store, job: str) -> None:
    for number in range(12):
        store.put(FILE.format(number), [read(100 * number + n, agencyName=f"Agency {n % 5}") for n in range(60)])
    small = store.with_settings(chunk_size=60)
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(small.run, [job, job]))
    assert all(outcome.ok for outcome in outcomes)
    assert sum(outcome.total.loaded for outcome in outcomes) == 720
    assert store.rows("SELECT count(*), count(DISTINCT vehicle_record_id) FROM reads") == [(720, 720)]
    assert store.books().differences == []
    assert store.books().waiting == 0


def test_an_agencys_own_job_beside_the_job_of_all_others(store: Store) -> None:
    store.map(("A0", "Fremont PD", "BOSS4"))
    for number in range(6):
        store.put(FILE.format(number), [read(100 * number + n, agencyName=f"A{n % 3}") for n in range(60)])
    with ThreadPoolExecutor(2) as pool:
        own = pool.submit(store.run, agencies=("Fremont PD",))
        others = pool.submit(store.run, exclude=("Fremont PD",))
        assert own.result().ok
        assert others.result().ok
    assert store.rows("SELECT count(*) FROM reads") == [(360,)]
    assert store.books().waiting == 0
    assert store.books().differences == []


@pytest.mark.slow
def test_a_lost_database_ends_the_run_in_words_and_the_next_run_loads_the_rest(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ncric_core.sources.files.feed.SMALLEST_BATCH", 10)
    for number in range(100):
        store.put(FILE.format(number), [read(100 * number + n) for n in range(50)])
    small = store.with_settings(chunk_size=50)

    def terminate() -> None:
        while True:
            if store.rows("SELECT count(*) > 0 FROM loads WHERE done_at IS NOT NULL")[0][0]:
                store.rows(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
                return

    with ThreadPoolExecutor(1) as pool:
        killer = pool.submit(terminate)
        with pytest.raises(StoreError, match="the connection to the database was lost"):
            small.run()
        killer.result()
    small.run()
    assert store.rows("SELECT count(*) FROM reads") == [(5000,)]
    assert store.books().differences == []
    assert store.books().waiting == 0


def test_large_files_come_in_parts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ncric_core.sources.files.fetch.LARGE", 1000)
    monkeypatch.setattr("ncric_core.sources.files.feed.SMALLEST_BATCH", 10)
    small = store.with_settings(chunk_size=10)
    rows = [read(n, agencyName=f"A{n % 3}") for n in range(95)] + [
        {"LPREventID": None},
        read(3),
        read(200, eventDate="1999-01-01"),
    ]
    store.put(FILE.format(1), rows)
    outcome = small.run()
    assert (outcome.total.found, outcome.total.loaded, outcome.total.already_there, outcome.total.rejected) == (
        98,
        95,
        1,
        2,
    )
    assert store.rows("SELECT found FROM source_files") == [(98,)]
    assert store.books().differences == []
    assert store.books().waiting == 0
    assert small.run().files_known == 1


@pytest.mark.slow
def test_a_file_with_one_50_mb_photo(store: Store) -> None:
    photo = base64.b64encode(b"\xff\xd8" + bytes(50 * 2**20)).decode()
    store.put(FILE.format(1), [read(1), read(2, LPRAdditionalPhoto=photo), read(3)])
    outcome = store.run()
    assert (outcome.total.loaded, outcome.photos, outcome.bad_photos) == (3, 1, 0)
    assert store.books().differences == []


def test_odd_values_are_reads_or_rejects_and_never_an_error(store: Store) -> None:
    store.put(
        FILE.format(1),
        [
            read(1, VehicleLicensePlateID="7A\0BC"),
            read(2, VehicleLicensePlateID="7" * 500),
            read(3, LPREventID=3, LPRCameraID=84, LatitudeDegreeValue="37"),
            read(4, VehicleLicensePlateID=7654321),
            read(5, VehicleLicensePlateID={"text": "7ABC"}),
            read(6, agencyName="\0"),
            read(7, agencyName="A" * 150),
            read(8, LPRCameraName="\\.\n\"',;--"),
            "just text",
            17,
            None,
        ],
    )
    outcome = store.run()
    assert outcome.ok
    assert outcome.total.found == 11
    assert dict(outcome.rejects) == {"too_long": 1, "not_text": 1, "not_object": 3}
    plates = dict(store.rows("SELECT vehicle_record_id, plate FROM reads"))
    assert plates["1_BOSS4"] == "7ABC"
    assert plates["4_BOSS4"] == "7654321"
    assert store.rows("SELECT camera_name FROM reads WHERE vehicle_record_id = '8_BOSS4'") == [("\\.\n\"',;--",)]
    assert store.books().differences == []


def test_a_missing_bucket_is_an_error_in_words(store: Store) -> None:
    with pytest.raises(SourceError, match="is no folder"):
        store.with_settings(bucket="/nowhere").run()


def test_a_large_file_that_breaks_off_is_named_and_the_next_run_loads_the_rest(
    store: Store, clean_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ncric_core.sources.files.fetch.LARGE", 10_000)
    monkeypatch.setattr("ncric_core.sources.files.fetch.PIECE", 2_000)
    monkeypatch.setattr("ncric_core.sources.files.feed.SMALLEST_BATCH", 10)
    large = store.put(FILE.format(1), [*(read(n, agencyName=f"Agency {n % 2}") for n in range(60)), {"LPREventID": 0}])
    store.put(FILE.format(2), [read(70)])
    opened = Folder.open

    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 20_000:
                raise OSError("the connection broke off")
            return super().read(size)

    def break_off(self: Folder, listed: StoredObject) -> BinaryIO:
        return Breaking((store.folder / large).read_bytes()) if listed.key == large else opened(self, listed)

    small = store.with_settings(chunk_size=10)
    with monkeypatch.context() as patched:
        patched.setattr(Folder, "open", break_off)
        outcome = small.run()
    assert outcome.failed_files == {large: f"{large} cannot be read to its end: the connection broke off"}
    assert 1 < outcome.total.loaded < 61
    books = store.books()
    assert (books.unread, books.differences) == (1, [])

    small.run()
    clean_store.with_settings(chunk_size=10).run()
    assert store.everything() == clean_store.everything()
    books = store.books()
    assert (books.found, books.loaded, books.rejected, books.unread, books.differences) == (62, 61, 1, 0, [])


@pytest.mark.slow
def test_killed_at_random_moments_and_run_again_equals_one_clean_run(
    store: Store, clean_store: Store, tmp_path: Path
) -> None:
    for number in range(60):
        rows = [read(200 * number + n, agencyName=f"Agency {n % 7}", LPRCameraID=str(n % 11)) for n in range(150)]
        store.put(
            FILE.format(number),
            [
                *rows,
                read(1, agencyName="Agency 1", LPRCameraID="1"),
                {"LPREventID": "${read.id}"},
                read(7, eventDate="2001-01-01"),
            ],
        )
    environment = os.environ | store.environment | {"NCRIC_CHUNK_SIZE": "300"}
    command = [sys.executable, "-c", "from ncric_core.cli import main; main()", "run", "files-catchup"]
    chance = random.Random(7)
    for _ in range(6):
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path
        )
        seen = store.rows("SELECT count(*) FROM loads WHERE done_at IS NOT NULL")[0][0]
        while (
            process.poll() is None and store.rows("SELECT count(*) FROM loads WHERE done_at IS NOT NULL")[0][0] == seen
        ):
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        process.wait()
    small = store.with_settings(chunk_size=300)
    small.run("files-catchup")
    after_kills = store.everything()
    assert store.books().differences == []
    assert store.books().waiting == 0

    clean_store.run("files-catchup")
    assert clean_store.everything() == after_kills
