"""Agencies' names: one name or two, suggestions, entity sets, CSV."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncric_core.agencies import (
    NameMapping,
    entity_set_name,
    name_key,
    read_mappings,
    view_name,
    write_mappings,
)
from ncric_core.errors import AgencyError

SOURCES = ("BOSS4", "SCSO", "FLOCK")


@pytest.mark.parametrize(
    "other",
    [
        "santa clara county sheriff's office",
        "Santa Clara County Sheriff’s  Office",
        " SANTA CLARA\tCOUNTY SHERIFF‘S OFFICE\u200b",
    ],
)
def test_spellings_that_are_one_name(other: str) -> None:
    assert name_key(other) == name_key("Santa Clara County Sheriff's Office")


def test_unicode_forms_are_one_name() -> None:
    assert name_key("San José PD") == name_key("San Jose\u0301 PD")
    assert name_key("San José PD") != name_key("San Jose PD")


@given(st.text())
def test_a_key_is_its_own_key(name: str) -> None:
    assert name_key(name_key(name)) == name_key(name)


def test_entity_set_and_view_of_an_agency() -> None:
    assert entity_set_name("Atherton PD") == "NCRICVehicleRecordsAthertonPD"
    assert (
        entity_set_name("Santa Clara County Sheriff's Office") == "NCRICVehicleRecordsSantaClaraCountySheriff'sOffice"
    )
    long = entity_set_name("A" * 100)
    assert len(view_name(long).encode()) == 63
    assert view_name(long) != view_name(long + "A")


def test_mappings_survive_export_and_import(tmp_path: Path) -> None:
    given = [NameMapping("Sheriff, “the” one", "Atherton PD", "BOSS4"), NameMapping("12345", "CHP", "FLOCK")]
    stream = io.StringIO()
    write_mappings(given, stream)
    (tmp_path / "names.csv").write_text(stream.getvalue(), encoding="utf-8")
    assert read_mappings(tmp_path / "names.csv", SOURCES) == given


def test_export_has_the_columns_of_the_former_system() -> None:
    stream = io.StringIO()
    write_mappings([NameMapping("APD", "Atherton PD", "BOSS4")], stream)
    assert stream.getvalue() == "ol.name,standardized_agency_name,ol.datasource\nAPD,Atherton PD,BOSS4\n"


def test_faults_of_a_name_table_are_told_by_line(tmp_path: Path) -> None:
    file = tmp_path / "names.csv"
    file.write_text(
        "ol.name,standardized_agency_name,ol.datasource\n,Atherton PD,BOSS4\nAPD,,BOSS4\nAPD2,Atherton PD,BOS4\n"
        "X,Atherton PD,BOSS4\nx,CHP,BOSS4\n"
    )
    with pytest.raises(AgencyError) as caught:
        read_mappings(file, SOURCES)
    assert str(caught.value).splitlines() == [
        f"{file}, line 2: ol.name is blank",
        f"{file}, line 3: standardized_agency_name is blank",
        f"{file}, line 4: ol.datasource 'BOS4' is none of BOSS4, FLOCK, SCSO",
        f"{file}, line 6: 'x' is mapped to 'Atherton PD' in an earlier line",
    ]


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00name"])
def test_a_file_that_is_no_name_table(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(AgencyError, match=r"x\.csv"):
        read_mappings(tmp_path / "x.csv", SOURCES)
