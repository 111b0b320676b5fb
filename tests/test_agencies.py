"""Agencies' names: one name or two, what a received name may be, entity sets, CSV."""

import io
import unicodedata
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncric_core.agencies import (
    NameMapping,
    as_kept,
    each_once,
    entity_set_name,
    name_key,
    network_number,
    one_line,
    read_mappings,
    received_key,
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


@pytest.mark.parametrize("sign", "'’‘‛‚❛❜ʼʻʽʹˈˊˋ`´′‵＇｀ꞌꞋ՚׳\u1fef\u1ffd\u1fbd\u1fbf\u1ffe\u0384")
@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_every_kind_of_apostrophe_is_one(sign: str, form: Literal["NFC", "NFD", "NFKC", "NFKD"]) -> None:
    for name in ("Santa Clara County Sheriff{}s Office", "Chiefs{}", "O{}Neil PD"):
        assert name_key(unicodedata.normalize(form, name.format(sign))) == name_key(name.format("'"))


def test_unicode_forms_are_one_name() -> None:
    assert name_key("San José PD") == name_key("San Jose\u0301 PD")
    assert name_key("San José PD") != name_key("San Jose PD")


@given(st.text())
def test_a_key_is_its_own_key(name: str) -> None:
    assert name_key(name_key(name)) == name_key(name)


@given(st.text())
def test_a_name_as_it_is_kept_is_that_name(name: str) -> None:
    kept = one_line(name)
    assert one_line(kept) == kept
    assert name_key(kept) == name_key(name)
    assert kept == kept.strip()
    assert not {"\n", "\r", "\x00", "\x1b", "\ud800"} & set(kept)


@pytest.mark.parametrize("number", ["7", "07", " 0007 ", "７", "0\u200b7", "0 7"])
def test_a_network_has_one_number_however_it_is_written(number: str) -> None:
    assert as_kept(NameMapping(number, "CHP", "flock ")) == NameMapping("7", "CHP", "FLOCK")
    assert received_key("FLOCK", number) == "7"
    assert network_number("FLOCK", number) == 7


def test_digits_are_a_number_for_flock_alone() -> None:
    assert as_kept(NameMapping("07", "CHP", "BOSS4")).received == "07"
    assert network_number("BOSS4", "07") is None
    assert network_number("FLOCK", "Redding CA PD") is None
    assert as_kept(NameMapping("000", "CHP", "FLOCK")).received == "0"


@pytest.mark.parametrize(
    ("received", "standardized", "message"),
    [
        ("", "CHP", "'' cannot be a received name: it must have 1 to 200 characters"),
        (" \u200b\n", "CHP", "'' cannot be a received name: it must have 1 to 200 characters"),
        ("x" * 201, "CHP", f"'{'x' * 40}…' cannot be a received name: it must have 1 to 200 characters"),
        ("APD", "\x00", "'' cannot be an agency's name: it must have 1 to 200 characters"),
        ("9223372036854775808", "CHP", "9223372036854775808 cannot be the number of a Flock network: it is too large"),
    ],
)
def test_a_name_that_cannot_be_kept(received: str, standardized: str, message: str) -> None:
    with pytest.raises(AgencyError) as caught:
        as_kept(NameMapping(received, standardized, "FLOCK"))
    assert str(caught.value) == message


def test_spellings_of_one_name_with_two_agencies_are_refused() -> None:
    one, same, other = (NameMapping(*names, "FLOCK") for names in (("07", "CHP"), ("7", "chp"), ("7", "Fremont PD")))
    assert each_once([one, same]) == [NameMapping("7", "CHP", "FLOCK")]
    with pytest.raises(AgencyError, match="FLOCK '7' is mapped to two agencies, 'CHP' and 'Fremont PD': give it one"):
        each_once([one, other])


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


def kept(mapping: tuple[str, str, str]) -> bool:
    try:
        as_kept(NameMapping(*mapping))
    except AgencyError:
        return False
    return True


NAMES = st.text(max_size=20) | st.text(" ,\"'\n\r=+-@0７\t", max_size=5)


@given(st.lists(st.tuples(NAMES, NAMES, st.sampled_from(SOURCES)).filter(kept), max_size=5))
def test_whatever_is_kept_survives_export_and_import(
    tmp_path_factory: pytest.TempPathFactory, given_names: list[tuple[str, str, str]]
) -> None:
    by_key = {(one[2], received_key(one[2], one[0])): NameMapping(*one) for one in given_names}
    mappings = each_once(by_key.values())
    stream = io.StringIO()
    write_mappings(mappings, stream)
    file = tmp_path_factory.getbasetemp() / "names.csv"
    file.write_text(stream.getvalue(), encoding="utf-8", newline="")
    assert read_mappings(file, SOURCES) == mappings


def test_export_has_the_columns_of_the_former_system() -> None:
    stream = io.StringIO()
    write_mappings([NameMapping("APD", "Atherton PD", "BOSS4")], stream)
    assert stream.getvalue() == "ol.name,standardized_agency_name,ol.datasource\nAPD,Atherton PD,BOSS4\n"


def test_a_network_with_two_agencies_is_told_by_line(tmp_path: Path) -> None:
    file = tmp_path / "names.csv"
    file.write_text("ol.name,standardized_agency_name,ol.datasource,ol.id\n,CHP,FLOCK,07\n,Fremont PD,FLOCK,7\n")
    with pytest.raises(AgencyError) as caught:
        read_mappings(file, SOURCES)
    assert str(caught.value) == f"{file}, line 3: '7' is mapped to 'CHP' in an earlier line"


def test_faults_of_a_name_table_are_told_by_line(tmp_path: Path) -> None:
    file = tmp_path / "names.csv"
    file.write_text(
        "ol.name,standardized_agency_name,ol.datasource\n,Atherton PD,BOSS4\nAPD,,BOSS4\nAPD2,Atherton PD,BOS4\n"
        "X,Atherton PD,BOSS4\nx,CHP,BOSS4\n"
    )
    with pytest.raises(AgencyError) as caught:
        read_mappings(file, SOURCES)
    assert str(caught.value).splitlines() == [
        f"{file}, line 2: '' cannot be a received name: it must have 1 to 200 characters",
        f"{file}, line 3: '' cannot be an agency's name: it must have 1 to 200 characters",
        f"{file}, line 4: ol.datasource 'BOS4' is none of BOSS4, FLOCK, SCSO",
        f"{file}, line 6: 'x' is mapped to 'Atherton PD' in an earlier line",
    ]


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00name"])
def test_a_file_that_is_no_name_table(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(AgencyError, match=r"x\.csv"):
        read_mappings(tmp_path / "x.csv", SOURCES)
