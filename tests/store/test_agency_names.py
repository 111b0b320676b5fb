"""The name table: mapping, history, and moving reads that are loaded already."""

import pytest

from ncric_core.agencies import NameMapping
from ncric_core.errors import AgencyError, StoreError
from ncric_core.store.agencies import name_table
from ncric_core.store.names import all_mappings, unmapped_names
from ncric_core.store.restandardize import planned_moves, restandardize
from tests.conftest import FILE, MODEL, Store, read


def move(store: Store) -> None:
    with store.database.session() as connection:
        for _ in restandardize(connection, MODEL):
            pass


def test_spellings_of_one_name_share_a_mapping(store: Store) -> None:
    store.map(("Santa Clara County Sheriff’s Office", "Santa Clara County Sheriff's Office", "SCSO"))
    store.put(
        "scso/a_2022-10-11_08-10-00_2022-10-11_08-15-00.json",
        [read(1, agencyName="SANTA CLARA  COUNTY SHERIFF'S OFFICE")],
    )
    store.run("scso")
    assert store.rows("SELECT standardized_agency_name, agency_name FROM reads") == [
        ("Santa Clara County Sheriff's Office", "SANTA CLARA  COUNTY SHERIFF'S OFFICE")
    ]


def test_an_apostrophe_in_an_agency_is_no_special_case(store: Store) -> None:
    store.put(FILE.format(1), [read(1, agencyName="Santa Clara County Sheriff’s Office")])
    assert store.run().new_agencies == []
    query = 'SELECT id FROM "NCRICVehicleRecordsSantaClaraCountySheriff\'sOffice"'
    assert store.rows(query) == [("1_BOSS4",)]


def test_who_when_before_and_after_of_every_change(store: Store) -> None:
    store.map(("APD", "Atherton PD", "BOSS4"))
    store.map(("APD", "Antioch PD", "BOSS4"))
    store.map(("APD", "Antioch PD", "BOSS4"))
    store.execute("DELETE FROM standardized_agency_names WHERE name = 'APD'")
    assert store.rows("SELECT changed_by, datasource, name, before, after FROM agency_name_changes ORDER BY id") == [
        ("tester", "BOSS4", "APD", None, "Atherton PD"),
        ("tester", "BOSS4", "APD", "Atherton PD", "Antioch PD"),
        ("tester", "BOSS4", "APD", "Antioch PD", None),
    ]


def test_a_new_standard_name_makes_agency_data_set_and_view(store: Store) -> None:
    assert store.map(("ANTIOCH", "Antioch PD", "BOSS4")) == ["Antioch PD"]
    assert store.rows(
        "SELECT name, entity_type, entity_type_id::text FROM entity_sets WHERE name LIKE '%%Antioch%%'"
    ) == [("NCRICVehicleRecordsAntiochPD", "ol.vehicle", "3c6dad54-c4b4-4dfb-bd8b-d8dd56e342ec")]
    assert store.rows('SELECT count(*) FROM "NCRICVehicleRecordsAntiochPD"') == [(0,)]


def test_flock_names_are_mapped_by_network(store: Store) -> None:
    store.map(("12345", "CHP", "FLOCK"), ("Some Network", "CHP", "FLOCK"))
    assert store.rows("SELECT network_id, standardized_agency_name FROM standardized_agency_names_flock") == [
        (12345, "CHP")
    ]
    with store.database.session() as connection:
        assert sorted(m.received for m in all_mappings(connection)) == ["12345", "Some Network"]


def test_a_flock_network_has_one_agency_however_its_number_is_written(store: Store) -> None:
    store.map(("07", "CHP", "FLOCK"), ("７", "CHP", "FLOCK"))
    store.map(("0 7", "Fremont PD", "FLOCK"))
    with pytest.raises(AgencyError, match="FLOCK '7' is mapped to two agencies, 'CHP' and 'Fremont PD'"):
        store.map(("07", "CHP", "FLOCK"), ("7", "Fremont PD", "FLOCK"))
    with store.database.transaction() as connection:
        assert all_mappings(connection) == [NameMapping("7", "Fremont PD", "FLOCK")]
        table = name_table(connection)
    fremont = table.by_key["fremontpd"]
    assert [table.agency_of("FLOCK", number) for number in ("7", "07", "７")] == [fremont] * 3
    for row in (("FLOCK", "07", "07", "CHP"), ("BOSS4", " ", "", "CHP")):
        with pytest.raises(StoreError, match="check violation"):
            store.execute("INSERT INTO standardized_agency_names VALUES (%s, %s, %s, %s)", row)


def test_unmapped_names_come_with_suggestions(store: Store) -> None:
    store.put(FILE.format(1), [read(1), read(2), read(3, agencyName="Springfield PD")])
    store.run()
    with store.database.session() as connection:
        found = unmapped_names(connection)
    assert [(n.datasource, n.received, n.reads, n.suggestions) for n in found] == [
        ("BOSS4", "ATHERTON POLICE DEPARTMENT", 2, ["Atherton PD"]),
        ("BOSS4", "Springfield PD", 1, []),
    ]


def test_restandardize_equals_a_load_under_the_new_names(store: Store) -> None:
    names = ("ATHERTON POLICE DEPARTMENT", "Atherton PD", "BOSS4")
    store.put(FILE.format(1), [read(n) for n in range(1, 40)] + [read(50, agencyName="Other PD")])
    store.put(FILE.format(2), [read(n, eventTime="07:59:00", LPRCameraID="85") for n in range(60, 70)])
    store.run()
    store.map(names)
    with store.database.session() as connection:
        (planned,) = planned_moves(connection, name_table(connection))
    assert (planned.received, planned.reads) == ("ATHERTON POLICE DEPARTMENT", 49)
    move(store)
    moved = store.everything()
    assert store.books().differences == []
    assert store.rows('SELECT count(*) FROM "NCRICVehicleRecordsAthertonPD"') == [(49,)]
    assert store.rows("SELECT count(*) FROM agencies WHERE name = 'ATHERTON POLICE DEPARTMENT'") == [(0,)]
    move(store)
    assert store.everything() == moved
    store.execute(
        "TRUNCATE vehicle_records, read_counts, received_names, loads, rejects, source_files, ol_collectedby, "
        "ol_imagesource"
    )
    store.run()
    assert store.everything() == moved


def test_restandardize_killed_half_way_is_finished_by_the_next(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ncric_core.store.restandardize.AT_ONCE", 5)
    store.put(FILE.format(1), [read(n, eventTime=f"0{n % 8}:00:00") for n in range(1, 40)])
    store.run()
    store.map(("ATHERTON POLICE DEPARTMENT", "Atherton PD", "BOSS4"))
    with store.database.session() as connection:
        steps = restandardize(connection, MODEL)
        next(steps)
        next(steps)
        steps.close()
    assert store.books().differences == []
    counted = store.rows("SELECT standardized_agency_name, count(*) FROM reads GROUP BY 1 ORDER BY 1")
    assert len(counted) == 2
    assert sum(count for _, count in counted) == 39
    move(store)
    assert store.rows("SELECT standardized_agency_name, count(*) FROM reads GROUP BY 1") == [("Atherton PD", 39)]
    assert store.books().differences == []


def test_a_blank_name_is_refused(store: Store) -> None:
    with pytest.raises(AgencyError, match="1 to 200 characters"):
        store.map(("APD", " ", "BOSS4"))
    with pytest.raises(AgencyError, match="'' cannot be a received name: it must have 1 to 200 characters"):
        store.map((" ", "Atherton PD", "BOSS4"))
    assert store.rows("SELECT count(*) FROM standardized_agency_names") == [(0,)]
