"""What the command `ncric` prints, and how it fails."""

import json
import shutil
from importlib.metadata import version
from pathlib import Path

import pytest

from ncric_core.flight.model import FLIGHTS
from tests.conftest import FILE, Command, Store, read

WINDOW = ("--start", "2022-10-11T08:00", "--end", "2022-10-11T09:00")


def test_run_tells_what_became_of_each_agency(ncric: Command, store: Store) -> None:
    store.put(FILE.format(1), [read(1), read(1), read(2, eventDate="2000-01-01")])
    done = ncric("run", "boss4", *WINDOW)
    assert done.status == 0
    assert "1 files in the window: 0 loaded before, 1 read" in done.out
    assert "rejects: too_old 1" in done.out
    assert "ATHERTON POLICE DEPARTMENT      3       1              1         1        0" in done.out


def test_dry_run_loads_nothing(ncric: Command, store: Store) -> None:
    store.put(FILE.format(1), [read(1)])
    assert "dry run: nothing was loaded" in ncric("run", "boss4", *WINDOW, "--dry-run").out
    assert store.rows("SELECT (SELECT count(*) FROM vehicle_records), (SELECT count(*) FROM source_files)") == [(0, 0)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "boss5", *WINDOW), "there is no job 'boss5'; the jobs are boss4, scso, files-catchup"),
        (("run", "boss4", "--start", "2022-10-11T09:00", "--end", "2022-10-11T08:00"), "is not before its end"),
        (("run", "boss4", "--start", "yesterday", "--end", "2022-10-11"), "'yesterday' is not a time"),
        (("run", "boss4"), "boss4 needs a window"),
        (("run", "files-catchup", *WINDOW), "takes the whole bucket"),
        (("run", "boss4", *WINDOW, "--agency", "Athertn PD"), "no such agency: 'Athertn PD' (is it Atherton PD?)"),
        (("agencies", "import", "nowhere.csv"), "nowhere.csv cannot be read: No such file or directory"),
        (("agencies", "map", "APD", "Atherton PD", "--datasource", "BOS4"), "there is no datasource 'BOS4'"),
        (("agencies", "map", "", "Atherton PD", "--datasource", "BOSS4"), "'' cannot be a received name"),
        (("agencies", "map", " \n", "Atherton PD", "--datasource", "BOSS4"), "'' cannot be a received name"),
        (("agencies", "map", "X", " ", "--datasource", "BOSS4"), "'' cannot be an agency's name"),
        (("files", "show", "boss4/nothing.json"), "there is no file boss4/nothing.json"),
        (("flights", "check", "nowhere.yaml"), "nowhere.yaml cannot be read"),
    ],
)
def test_an_expected_error_is_one_line_and_status_1(
    ncric: Command, store: Store, arguments: tuple[str, ...], message: str
) -> None:
    done = ncric(*arguments)
    assert done.status == 1
    assert message in done.err
    assert done.out == ""


def test_missing_bucket(ncric: Command, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCRIC_BUCKET", "/nowhere")
    done = ncric("run", "boss4", *WINDOW)
    assert (done.status, done.err) == (
        1,
        "ncric: the bucket /nowhere is no folder: create it, or set NCRIC_BUCKET to a folder or s3://bucket\n",
    )


def test_unreachable_database_says_so_without_the_password(ncric: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCRIC_DATABASE_URL", "postgresql://someone:secret-word@127.0.0.1:1/x")
    done = ncric("reconcile")
    assert done.status == 1
    assert "the database cannot be reached" in done.err
    assert "secret-word" not in done.err
    assert done.err.count("\n") == 1


def test_settings_mask_secrets(ncric: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCRIC_DATABASE_URL", "postgresql://someone:secret-word@127.0.0.1:1/x")
    done = ncric("settings")
    assert done.status == 0
    assert "secret-word" not in done.out
    assert "NCRIC_DATABASE_URL" in done.out


def test_a_window_of_ten_years(ncric: Command, store: Store) -> None:
    store.put(FILE.format(1), [read(1)])
    done = ncric("run", "boss4", "--start", "2016-01-01", "--end", "2026-01-01")
    assert done.status == 0
    assert store.rows("SELECT count(*) FROM reads") == [(1,)]


def test_reconcile_names_the_differences_and_ends_with_1(ncric: Command, store: Store) -> None:
    store.put(FILE.format(1), [read(1), read(2)])
    ncric("run", "boss4", *WINDOW)
    assert ncric("reconcile").status == 0
    store.execute("DELETE FROM vehicle_records WHERE id = '1_BOSS4'")
    done = ncric("reconcile")
    assert done.status == 1
    assert "reads loaded from a file under a name = reads that name it" in done.err
    assert "read counts by agency, source, camera and hour = reads" in done.err


def test_files_list_show_and_row(ncric: Command, store: Store) -> None:
    key = store.put(FILE.format(1), [read(1, LPRAdditionalPhoto="c2VjcmV0" * 300), {"LPREventID": "${read.id}"}])
    assert " new " in ncric("files", "list").out
    ncric("run", "boss4", *WINDOW)
    assert " done " in ncric("files", "list", "boss4", *WINDOW, "--search", "READS").out
    shown = ncric("files", "show", key)
    assert "found 2 = loaded 1 + already there 0 + rejected 1 + waiting 0; photos 1, unreadable 0" in shown.out
    assert "template_id" in shown.out
    row = ncric("files", "show", key, "--position", "0").out
    assert json.loads(row)["detail"]["camera"]["LPRAdditionalPhoto"] == "…"
    assert ncric("files", "show", key, "--position", "9").status == 1
    (store.folder / key).unlink()
    assert " gone " in ncric("files", "list").out


def test_rejects_are_listed_and_replayed_after_a_fix(
    ncric: Command, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(FILE.format(1), [read(1), read(2, eventDate="2020-10-11")])
    ncric("run", "boss4", *WINDOW)
    listed = ncric("rejects", "list", "--received")
    assert "too_old" in listed.out
    assert "2020-10-11" in listed.out
    monkeypatch.setenv("NCRIC_KEEP_DAYS", "1000")
    assert "1 rejects run again: 1 loaded, 0 already there, 0 rejects still" in ncric("rejects", "replay").out
    assert ncric("reconcile").status == 0
    assert "0 rejects run again" in ncric("rejects", "replay").out
    ncric("run", "boss4", *WINDOW, "--force")
    assert ncric("reconcile").status == 0
    assert store.rows("SELECT count(*) FROM reads") == [(2,)]


def test_names_are_imported_exported_and_reads_moved(ncric: Command, store: Store, tmp_path: Path) -> None:
    store.put(FILE.format(1), [read(1)])
    ncric("run", "boss4", *WINDOW)
    assert "Atherton PD" in ncric("agencies", "unmapped").out
    (tmp_path / "names.csv").write_text(
        "ol.name,standardized_agency_name,ol.datasource\nATHERTON POLICE DEPARTMENT,Atherton PD,BOSS4\n"
    )
    assert "1 names mapped" in ncric("agencies", "import", "names.csv").out
    assert ncric("agencies", "export").out == (tmp_path / "names.csv").read_text()
    assert "Atherton PD" in ncric("agencies", "restandardize").out
    assert store.rows("SELECT standardized_agency_name FROM reads") == [("Atherton PD",)]
    assert ncric("agencies", "unmapped").out == "every name is mapped\n"
    assert "tester" in ncric("agencies", "history").out
    assert ncric("reconcile").status == 0


def test_a_property_added_to_edm_is_loadable_after_migrate(
    ncric: Command, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flights = tmp_path / "flights"
    shutil.copytree(FLIGHTS, flights)
    edm = flights / "edm.yaml"
    edm.write_text(
        edm.read_text()
        .replace("  vehicle.model: text", "  vehicle.model: text\n  vehicle.color: text", 1)
        .replace("      vehicle.model: vehicle_model", "      vehicle.model: vehicle_model\n      vehicle.color:", 1)
    )
    monkeypatch.setenv("NCRIC_FLIGHTS_DIR", str(flights))
    (tmp_path / "f.yaml").write_text(
        "entityDefinitions:\n  r:\n    entitySetName: NCRICVehicleRecordsCHP\n    propertyDefinitions:\n"
        "      a: {type: ol.id, column: id}\n      b: {type: ol.datelogged, column: t}\n      c: {type: "
        "vehicle.color, column: c}\n"
    )
    (tmp_path / "t.csv").write_text("id,t,c\n1,2022-10-11T08:00:00Z,red\n")
    done = ncric("flights", "load", "f.yaml", "--table", "t.csv")
    assert (done.status, done.err) == (1, "ncric: the database is not up to date: run `ncric migrate`\n")
    assert ncric("migrate").out == "of edm.yaml: column vehicle_records.vehicle_color\n"
    assert ncric("migrate").out == "the database is up to date\n"
    assert ncric("flights", "check", "f.yaml").status == 0
    assert ncric("flights", "load", "f.yaml", "--table", "t.csv").status == 0
    assert store.rows('SELECT id, vehicle_color FROM "NCRICVehicleRecordsCHP"') == [("1", "red")]


@pytest.mark.slow
def test_demo_brings_out_the_truth_and_balances(ncric: Command) -> None:
    done = ncric("demo", "--reads", "1000")
    assert done.status == 0
    assert " 0 missing, 0 unexpected" in done.out
    assert "they balance" in done.out


def test_the_version_is_that_of_the_package(ncric: Command) -> None:
    assert ncric("--version").out == f"ncric {version('ncric')}\n"
