"""Flights load tables into entity sets and links, as data engineers of agencies wrote them for the former system."""

import gzip
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ncric_core.errors import FlightError
from ncric_core.flight.language import read_flight
from ncric_core.pipeline.flight_load import FlightLoad, check_flight, load_flight, table_batches
from tests.conftest import MODEL, Store, examples

LEGACY = """
organizationId: 1446ff84-7112-42ec-828d-f181f45e4d20
entityDefinitions:
  Vehicle:
    fqn: ol.vehicle
    entitySetName: NCRICVehicleRecordsAthertonPD
    propertyDefinitions:
      ol.id: {type: ol.id, column: vehicle_record_id}
      vehicle.licensenumber: {type: vehicle.licensenumber, column: VehicleLicensePlateID}
      ol.datelogged: {type: ol.datelogged, column: eventDateTime}
      ol.locationcoordinates: {type: ol.locationcoordinates, column: latlon}
      ol.datasource: {type: ol.datasource, column: datasource}
      ol.licenseplateimage: {type: ol.licenseplateimage, column: LPRVehiclePlatePhoto}
    name: Vehicle
  Camera:
    fqn: ol.imagesource
    entitySetName: NCRICImageSources
    updateType: PartialReplace
    propertyDefinitions:
      ol.id: {type: ol.id, column: LPRCameraID}
      ol.name: {type: ol.name, column: LPRCameraName}
    name: Camera
  Agency:
    fqn: ol.agency
    entitySetName: NCRICAgencies
    propertyDefinitions:
      ol.id: {type: ol.id, column: agency_id}
      ol.name: {type: ol.name, column: agencyName}
    name: Agency
  Standardized:
    fqn: ol.agency
    entitySetName: NCRICStandardizedAgencies
    associateOnly: true
    propertyDefinitions:
      ol.id: {type: ol.id, column: standardized_agency_name}
    name: Standardized
  Hit:
    fqn: ol.notification
    entitySetName: NCRICNotifications
    conditions:
    - !<conditions.BooleanRegexCondition>
      column: "hts_Hotlist"
      pattern: "STOLEN VEHICLES DOJ|STOLEN PLATES DOJ"
      reverse: false
    propertyDefinitions:
      general.id: {type: general.id, column: vehicle_record_id}
      ol.type: {type: ol.type, column: hts_Hotlist}
    name: Hit
associationDefinitions:
  r1:
    fqn: ol.recordedby
    entitySetName: NCRICRecordedBy
    src: Vehicle
    dst: Camera
    propertyDefinitions:
      ol.datelogged: {type: ol.datelogged, column: eventDateTime}
  r2: {fqn: ol.recordedby, entitySetName: NCRICRecordedBy, src: Vehicle, dst: Agency, propertyDefinitions: {}}
  r3: {fqn: ol.recordedby, entitySetName: NCRICRecordedBy, src: Vehicle, dst: Standardized, propertyDefinitions: {}}
  c1: {fqn: ol.collectedby, entitySetName: NCRICCollectedBy, src: Camera, dst: Standardized, propertyDefinitions: {}}
  h1: {fqn: ol.resultsin, entitySetName: NCRICResultsIn, src: Vehicle, dst: Hit, propertyDefinitions: {}}
"""

TABLE = (
    "vehicle_record_id,VehicleLicensePlateID,eventDateTime,latlon,datasource,LPRCameraID,LPRCameraName,agency_id,"
    "agencyName,standardized_agency_name,hts_Hotlist,LPRVehiclePlatePhoto\n"
    '1_BOSS4,7ABC001,2022-10-11T08:00:01Z,"37.5,-122.1",BOSS4,84,North,CA1,ATHERTON POLICE DEPARTMENT,Atherton PD,'
    "STOLEN VEHICLES DOJ,/9j/\n"
    "2_BOSS4,7abc 002,2022-10-11 01:00:02-07:00,,BOSS4,84,North,CA1,ATHERTON POLICE DEPARTMENT,Atherton PD,,\n"
    " ,7ABC003,2022-10-11T08:00:03Z,,BOSS4,85,South,CA1,ATHERTON POLICE DEPARTMENT,Atherton PD,,\n"
)


def load(store: Store, tmp_path: Path, flight: str = LEGACY, table: str = TABLE) -> FlightLoad:
    (tmp_path / "flight.yaml").write_text(flight)
    (tmp_path / "table.csv").write_text(table)
    with store.database.session() as connection:
        checked = check_flight(connection, tmp_path / "flight.yaml", MODEL)
        return load_flight(connection, checked, MODEL, table_batches(tmp_path / "table.csv"))


def test_a_legacy_flight_lands_in_its_entity_sets_and_links(store: Store, tmp_path: Path) -> None:
    done = load(store, tmp_path)
    assert (done.rows, done.photos, done.without_time) == (3, 1, 0)
    assert done.made["NCRICVehicleRecordsAthertonPD"] == done.new["NCRICVehicleRecordsAthertonPD"] == 2
    assert store.rows(
        """
        SELECT vehicle_record_id, plate, plate_normalized, latitude, longitude, standardized_agency_name, camera_id,
        agency_id
        FROM reads ORDER BY 1
        """
    ) == [
        ("1_BOSS4", "7ABC001", "7ABC001", 37.5, -122.1, "Atherton PD", "84", "CA1"),
        ("2_BOSS4", "7abc 002", "7ABC002", None, None, "Atherton PD", "84", "CA1"),
    ]
    assert store.rows("SELECT event_time = '2022-10-11T08:00:02Z' FROM reads WHERE vehicle_record_id = '2_BOSS4'") == [
        (True,)
    ]
    assert store.rows('SELECT id, ol_name FROM "NCRICImageSources" ORDER BY 1') == [("84", "North"), ("85", "South")]
    assert store.rows('SELECT id, ol_type FROM "NCRICNotifications"') == [("1_BOSS4", "STOLEN VEHICLES DOJ")]
    assert store.rows('SELECT source_set, source_id, target_id FROM "NCRICResultsIn"') == [
        ("NCRICVehicleRecordsAthertonPD", "1_BOSS4", "1_BOSS4")
    ]
    assert store.rows(
        "SELECT source_id, target_id, target_set FROM \"NCRICRecordedBy\" WHERE source_id = '1_BOSS4' ORDER BY 3"
    ) == [
        ("1_BOSS4", "CA1", "NCRICAgencies"),
        ("1_BOSS4", "84", "NCRICImageSources"),
        ("1_BOSS4", "Atherton PD", "NCRICStandardizedAgencies"),
    ]
    assert store.rows('SELECT source_id, target_id FROM "NCRICCollectedBy" ORDER BY 1') == [
        ("84", "Atherton PD"),
        ("85", "Atherton PD"),
    ]
    assert store.rows('SELECT count(*) FROM "NCRICStandardizedAgencies"') == [(0,)]
    assert store.books().differences == []


def test_a_read_that_a_table_has_twice_counts_for_the_agency_that_gets_it(store: Store, tmp_path: Path) -> None:
    flight = LEGACY.replace("NCRICVehicleRecordsAthertonPD", '"NCRICVehicleRecords{agency}"')
    header, first, *_ = TABLE.splitlines(keepends=True)
    table = header + first + first.replace("Atherton PD", "Fremont PD")
    done = load(store, tmp_path, flight, table)
    reads = {name: (done.made[name], done.new[name]) for name in done.made if "VehicleRecords" in name}
    assert reads == {"NCRICVehicleRecordsFremontPD": (1, 1)}
    assert store.rows("SELECT standardized_agency_name FROM reads") == [("Fremont PD",)]


def test_loading_twice_equals_loading_once(store: Store, tmp_path: Path) -> None:
    load(store, tmp_path)
    once = store.everything()
    done = load(store, tmp_path)
    assert not any(done.new.values())
    assert store.everything() == once
    assert store.books().differences == []


def test_a_changed_camera_moves_the_counts(store: Store, tmp_path: Path) -> None:
    load(store, tmp_path)
    load(store, tmp_path, table=TABLE.replace("84,North", "99,West"))
    assert store.rows("SELECT DISTINCT camera_id FROM reads") == [("99",)]
    assert store.books().differences == []


@pytest.mark.parametrize(
    ("kind", "first", "second", "kept"),
    [
        ("Merge", "One", "", "One"),
        ("Merge", "One", "Two", "Two"),
        ("PartialReplace", "One", "", None),
        ("Replace", "One", "Two", "Two"),
    ],
)
def test_update_types(store: Store, tmp_path: Path, *, kind: str, first: str, second: str, kept: str | None) -> None:
    flight = f"""
entityDefinitions:
  c:
    entitySetName: NCRICImageSources
    updateType: {kind}
    propertyDefinitions:
      a: {{type: ol.id, column: id}}
      b: {{type: ol.name, column: name}}
"""
    with_type = flight + "      c: {type: ol.type, column: kind}\n"
    load(store, tmp_path, with_type, f"id,name,kind\nk,{first},ALPR\n")
    load(store, tmp_path, flight, f"id,name\nk,{second}\n")
    kind_kept = None if kind == "Replace" else "ALPR"
    assert store.rows('SELECT ol_name, ol_type FROM "NCRICImageSources"') == [(kept, kind_kept)]


def test_a_table_may_have_columns_named_as_those_of_the_store(store: Store, tmp_path: Path) -> None:
    flight = """
entityDefinitions:
  c:
    entitySetName: NCRICImageSources
    propertyDefinitions:
      a: {type: ol.id, column: as_of}
      b: {type: ol.name, column: entity_set}
      c: {type: ol.type, column: id}
"""
    load(store, tmp_path, flight, "id,as_of,entity_set\nALPR,84,North\n")
    assert store.rows('SELECT id, ol_name, ol_type FROM "NCRICImageSources"') == [("84", "North", "ALPR")]


def test_one_template_serves_all_agencies(store: Store, tmp_path: Path) -> None:
    flight = LEGACY.replace("NCRICVehicleRecordsAthertonPD", "NCRICVehicleRecords{agency}")
    table = TABLE.replace("2_BOSS4,", "9_BOSS4,").replace(
        "CA1,ATHERTON POLICE DEPARTMENT,Atherton PD,,\n ", "CA2,New,Brand New PD,,\n "
    )
    done = load(store, tmp_path, flight, table)
    assert done.new["NCRICVehicleRecordsAthertonPD"] == done.new["NCRICVehicleRecordsBrandNewPD"] == 1
    assert store.rows('SELECT id FROM "NCRICVehicleRecordsBrandNewPD"') == [("9_BOSS4",)]
    assert store.books().differences == []


def test_a_template_takes_an_agency_however_its_name_is_written(store: Store, tmp_path: Path) -> None:
    flight = LEGACY.replace("NCRICVehicleRecordsAthertonPD", "NCRICVehicleRecords{agency}")
    table = TABLE.replace("Atherton PD,,", "ATHERTON  pd,,", 1)
    done = load(store, tmp_path, flight, table)
    assert done.new["NCRICVehicleRecordsAthertonPD"] == 2
    assert store.rows("SELECT DISTINCT standardized_agency_name FROM reads") == [("Atherton PD",)]
    assert store.books().differences == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("fqn: ol.vehicle", "fqnn: ol.vehicle"), "entityDefinitions → Vehicle → fqnn: unknown key"),
        (
            ("AthertonPD", "NowherePD"),
            "entityDefinitions → Vehicle: there is no entity set NCRICVehicleRecordsNowherePD",
        ),
        (("src: Vehicle", "src: Car"), "associationDefinitions → r1: src Car is the name of no entity definition"),
        (("type: ol.name, column: LPRCameraName", "type: ol.nam, column: x"), "ol.imagesource has no property ol.nam"),
        (("conditions.BooleanRegexCondition", "conditions.Magic"), "Magic"),
        (("!<conditions.BooleanRegexCondition>", "!!python/object:os.system"), "unknown tag"),
        (("ol.id: {type: ol.id, column: LPRCameraID}", ""), "the key of ol.imagesource is not mapped: ol.id"),
        (("updateType: PartialReplace", "updateType: partialreplace"), "entityDefinitions → Camera → updateType"),
        (("updateType: PartialReplace", "generator: X"), "generator is not supported"),
        (("ol.datelogged: {type: ol.datelogged, column: eventDateTime}", ""), "a read needs its time"),
    ],
)
def test_a_wrong_flight_is_refused_before_anything_is_loaded(
    store: Store, tmp_path: Path, change: tuple[str, str], fault: str
) -> None:
    flight = LEGACY.replace(*change, 1)
    with pytest.raises(FlightError, match=r"flight\.yaml") as caught:
        load(store, tmp_path, flight)
    assert fault in str(caught.value)
    assert store.rows("SELECT count(*) FROM reads") == [(0,)]


def test_a_column_that_is_not_there_is_null_without_transforms_and_an_error_with_them(
    store: Store, tmp_path: Path
) -> None:
    load(store, tmp_path, LEGACY.replace("column: latlon", "column: nowhere"))
    assert store.rows("SELECT count(latitude) FROM reads") == [(0,)]
    flight = LEGACY.replace(
        "column: VehicleLicensePlateID", "column: nowhere, transforms: [!<transforms.CaseTransform> {type: upper}]"
    )
    with pytest.raises(FlightError, match="nowhere"):
        load(store, tmp_path, flight)


def test_both_spellings_of_a_tag(store: Store, tmp_path: Path) -> None:
    flight = LEGACY.replace("!<conditions.", "!<com.openlattice.shuttle.conditions.")
    assert load(store, tmp_path, flight).made["NCRICNotifications"] == 1


CONSTANTS = """
entityDefinitions:
  Camera:
    entitySetName: NCRICImageSources
    propertyDefinitions:
      ol.id: {{type: ol.id, column: id}}
      ol.name:
        type: ol.name
        transforms:
        - !<transforms.ValueTransform> {{value: {constant}}}
"""


@pytest.mark.parametrize(
    "constant", ["NO", "no", "On", "TRUE", "0010300", "1.10", "12:30", "1_000", "2022-10-11", "1e3"]
)
def test_a_constant_without_quotes_is_the_text_that_is_written(store: Store, tmp_path: Path, constant: str) -> None:
    load(store, tmp_path, CONSTANTS.format(constant=constant), "id\n84\n")
    assert store.rows('SELECT id, ol_name FROM "NCRICImageSources"') == [("84", constant)]


CAMERAS = "id,name\r\n84,North\r\n85,South\r\n"
NAMED = """
entityDefinitions:
  Camera:
    entitySetName: NCRICImageSources
    propertyDefinitions:
      ol.id: {type: ol.id, column: id}
      ol.name: {type: ol.name, column: name}
"""


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(CAMERAS.encode(), id="windows"),
        pytest.param(CAMERAS.replace(",", ";").encode(), id="semicolons"),
        pytest.param(CAMERAS.replace(",", "\t").encode(), id="tabs"),
        pytest.param(CAMERAS.replace("\r\n", "\r").encode(), id="old Mac"),
        pytest.param(CAMERAS.encode("utf-16"), id="UTF-16"),
        pytest.param(CAMERAS.encode("utf-16-be"), id="UTF-16 without a mark"),
        pytest.param(CAMERAS.replace(",", ";").replace("\r\n", "\r").encode("utf-16-le"), id="all of these"),
        pytest.param(gzip.compress(CAMERAS.encode()), id="gzip"),
        pytest.param(CAMERAS.replace("North", "No\0rth").encode(), id="NUL"),
    ],
)
def test_a_table_is_read_however_it_was_exported(store: Store, tmp_path: Path, table: bytes) -> None:
    (tmp_path / "flight.yaml").write_text(NAMED)
    (tmp_path / "table.csv").write_bytes(table)
    with store.database.session() as connection:
        checked = check_flight(connection, tmp_path / "flight.yaml", MODEL)
        load_flight(connection, checked, MODEL, table_batches(tmp_path / "table.csv"))
    assert store.rows('SELECT id, ol_name FROM "NCRICImageSources" ORDER BY 1') == [("84", "North"), ("85", "South")]


def test_a_table_without_the_column_of_a_key_is_an_error_that_names_it(store: Store, tmp_path: Path) -> None:
    with pytest.raises(
        FlightError, match=r"NCRICImageSources → ol.id: the table has no column 'id', its key; it has nr, name"
    ):
        load(store, tmp_path, NAMED, "nr,name\n84,North\n")
    with pytest.raises(FlightError, match="cannot be read as a table"):
        load(store, tmp_path, NAMED, "")


@pytest.mark.parametrize(
    "flight",
    [
        pytest.param(
            "a: &a [x, x, x, x, x, x, x, x, x]\n"
            + "".join(f"{n}: &{n} [{', '.join([f'*{p}'] * 9)}]\n" for p, n in pairwise("abcdefghij"))
            + "entityDefinitions: *j\n",
            id="aliases of aliases",
        ),
        pytest.param("entityDefinitions: &a\n  x: *a\n", id="an alias of itself"),
        pytest.param("entityDefinitions: {x: {" + "k" * 10**6 + ": 1}}\n", id="a long key"),
        pytest.param("entityDefinitions: [" + "k, " * 20_000 + "]\n", id="a long list"),
        pytest.param("entityDefinitions: {" + ", ".join(f"k{n}: 1" for n in range(5000)) + "}\n", id="many faults"),
        pytest.param(CONSTANTS.format(constant="{" + "k" * 10**6 + ": 1}"), id="a long parameter"),
        pytest.param(NAMED.replace("NCRICImageSources", "S" * 10**6), id="a long name"),
        pytest.param(NAMED.replace("ol.name:", "!<" + "t" * 10**6 + ">:"), id="a long tag"),
        pytest.param("entityDefinitions: " + "[" * 100_000, id="deep"),
        pytest.param("entityDefinitions: !!int " + "9" * 10_000, id="a number that Python does not read"),
        pytest.param("entityDefinitions: !!timestamp 2022-99-99", id="a day that there is not"),
    ],
)
def test_a_message_quotes_little_of_a_flight(store: Store, tmp_path: Path, flight: str) -> None:
    (tmp_path / "flight.yaml").write_text(flight)
    with store.database.session() as connection, pytest.raises(FlightError) as error:
        check_flight(connection, tmp_path / "flight.yaml", MODEL)
    assert len(str(error.value)) < 10_000
    assert max(map(len, str(error.value).splitlines())) < 400


@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
@settings(max_examples=examples(150), deadline=None)
def test_no_bytes_are_a_traceback(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "f")
        path.write_bytes(content)
        with suppress(FlightError):
            list(table_batches(path))
        with suppress(FlightError):
            read_flight(path, MODEL, {})
