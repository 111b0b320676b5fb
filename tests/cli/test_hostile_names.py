"""A received name ends no line, sends a terminal no command, and is no formula, whatever command shows it."""

import csv
import io
from pathlib import Path

import pytest

from tests.conftest import FILE, Command, Store, read

HOSTILE = "=HYPERLINK(1)\x1b]0;title\x07\x9b\nncric: the books balance"
SHOWN = "=HYPERLINK(1)\\x1b]0;title\\x07\\x9b\\nncric: the books balance"


@pytest.fixture
def hostile(store: Store) -> Store:
    """Puts a read and a reject of a hostile agency and camera into a hostile file, and maps a hostile name."""
    leaves = {"agencyName": HOSTILE, "LPRCameraName": HOSTILE}
    store.put(FILE.format(f"{HOSTILE}_1".replace("/", "")), [read(1, **leaves), read(2, eventDate="no date", **leaves)])
    return store


def test_no_command_lets_a_name_control_the_terminal_or_forge_a_line(ncric: Command, hostile: Store) -> None:
    query = "SELECT agency_name, camera_name FROM reads"
    commands = [
        ("run", "files-catchup"),
        ("run", "files-catchup"),
        ("agencies", "unmapped"),
        ("agencies", "map", HOSTILE, HOSTILE + " PD", "--datasource", "BOSS4"),
        ("agencies", "restandardize"),
        ("agencies", "list"),
        ("agencies", "history"),
        ("files", "list"),
        ("files", "show", FILE.format(f"{HOSTILE}_1")),
        ("files", "show", FILE.format(f"{HOSTILE}_1"), "--position", "0"),
        ("rejects", "list", "--received"),
        ("rejects", "replay"),
        ("run", "files-catchup", "--agency", HOSTILE + "?"),
        ("sql", query),
        ("reconcile",),
    ]
    for command in commands:
        done = ncric(*command)
        printed = done.out + done.err
        assert not [sign for sign in printed if (sign < " " and sign != "\n") or "\x7f" <= sign <= "\x9f"], command
        assert "\nncric: the books balance" not in printed, command
    assert SHOWN in ncric("files", "list").out


def test_names_that_look_like_formulas_are_exported_safely_and_imported_again(
    ncric: Command, store: Store, tmp_path: Path
) -> None:
    names = ["=HYPERLINK(1)", "+1|x", "-1", "@a", "'=b", 'a,"b"', "Sheriff’s"]
    store.map(*((name, f"{name} PD", "BOSS4") for name in names), ("7", "=Seven PD", "FLOCK"))
    written = ncric("agencies", "export").out
    (tmp_path / "names.csv").write_text(written, encoding="utf-8")
    cells = [cell for row in csv.reader(io.StringIO(written)) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]
    store.execute("TRUNCATE standardized_agency_names, standardized_agency_names_flock")
    assert ncric("agencies", "import", "names.csv").status == 0
    assert ncric("agencies", "export").out == written


def test_a_nul_in_a_csv_is_no_part_of_a_name_and_an_argument_that_is_not_utf8_is_told(
    ncric: Command, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "names.csv").write_bytes(b"ol.name,standardized_agency_name,ol.datasource\nA\0B,A PD,BOSS4\n")
    assert ncric("agencies", "import", "names.csv").status == 0  # signs that nobody sees are no part of a name
    assert "AB,A PD,BOSS4\n" in ncric("agencies", "export").out
    done = ncric("agencies", "map", "\udcff", "A PD", "--datasource", "BOSS4")
    assert (done.status, done.err) == (1, "ncric: an argument is not UTF-8\n")
