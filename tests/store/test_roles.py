"""A store whose edm.yaml renames the entity sets, tables and columns that the program itself uses."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from ncric_core.flight.model import FLIGHTS, model_in
from ncric_core.pipeline.flight_load import check_flight, load_flight, table_batches
from ncric_core.store.restandardize import restandardize
from ncric_core.store.schema.migrate import is_current, migrate
from tests.conftest import FILE, Store, read

OTHER_NAMES = {
    "NCRICImageSources": "OurCameras",
    "NCRICStandardizedAgencies": "Agencies 100% ours",
    "NCRICCollectedBy": "OurLinks",
    "  OurCameras: {type: ol.imagesource}": "  OurCameras: {type: ol.imagesource, table: our cameras}",
    "  OurLinks: {type: ol.collectedby}": "  OurLinks: {type: ol.collectedby, table: camera link}",
    "      ol.name:\n": "      ol.name: title\n",
}


@pytest.fixture
def renamed(store: Store, tmp_path: Path) -> Store:
    """Upgrades the store to a model with other names."""
    flights = tmp_path / "flights"
    shutil.copytree(FLIGHTS, flights)
    for file in flights.glob("*.yaml"):
        text = file.read_text()
        for name, other in OTHER_NAMES.items():
            text = text.replace(name, other)
        file.write_text(text)
    found = store.with_settings(flights_dir=flights)
    of_store: dict[str, Any] = {"organization": found.settings.organization, "flights_dir": flights}
    assert not is_current(found.database, **of_store)
    migrate(found.database, **of_store)
    assert is_current(found.database, **of_store)
    return found


def test_reads_are_loaded_and_moved_under_other_names(renamed: Store) -> None:
    renamed.put(FILE.format(1), [read(1), read(2, LPRCameraID="85", LPRCameraName="South")])
    renamed.run()
    renamed.map(("ATHERTON POLICE DEPARTMENT", "Atherton PD", "BOSS4"))
    with renamed.database.session() as connection:
        list(restandardize(connection, model_in(renamed.settings.flights_dir)))
    assert renamed.rows("SELECT id, name, latitude, longitude FROM cameras ORDER BY 1") == [
        ("84", "EB_AutoMall_from_Grimmer", 37.51, -121.95),
        ("85", "South", 37.51, -121.95),
    ]
    agencies = "Agencies 100% ours"
    assert renamed.rows(
        """
        SELECT source_set, source_id, target_id FROM "OurLinks" WHERE target_set = %(agencies)s ORDER BY source_id
        """,
        {"agencies": agencies},
    ) == [("OurCameras", "84", "Atherton PD"), ("OurCameras", "85", "Atherton PD")]
    assert renamed.rows('SELECT count(*) FROM "camera link"') == [(4,)]
    assert renamed.rows('SELECT id, title FROM "Agencies 100% ours"') == [("Atherton PD", "Atherton PD")]
    assert renamed.rows(
        'SELECT DISTINCT target_id FROM "NCRICRecordedBy" WHERE target_set = %(agencies)s', {"agencies": agencies}
    ) == [("Atherton PD",)]
    assert renamed.rows("SELECT count(*) FROM ol_imagesource") == [(0,)]
    assert renamed.books().differences == []


def test_a_flight_replaces_entities_of_a_table_whose_name_has_a_blank(renamed: Store, tmp_path: Path) -> None:
    model = model_in(renamed.settings.flights_dir)
    flight, table = tmp_path / "cameras.yaml", tmp_path / "cameras.csv"
    with_place = """
entityDefinitions:
  camera:
    entitySetName: OurCameras
    updateType: Replace
    propertyDefinitions:
      ol.id: {type: ol.id, column: id}
      ol.name: {type: ol.name, column: name}
      ol.locationcoordinates: {type: ol.locationcoordinates, column: place}
"""

    def load(text: str, content: str) -> None:
        flight.write_text(text)
        table.write_text(content)
        with renamed.database.session() as connection:
            load_flight(connection, check_flight(connection, flight, model), model, table_batches(table))

    without_place = with_place.replace(
        "      ol.locationcoordinates: {type: ol.locationcoordinates, column: place}\n", ""
    )
    load(with_place, 'id,name,place\n84,North,"37.5,-122.25"\n')
    assert renamed.rows("SELECT id, name, latitude, longitude FROM cameras") == [("84", "North", 37.5, -122.25)]
    load(without_place, "id,name\n84,South\n")
    assert renamed.rows("SELECT id, name, latitude, longitude FROM cameras") == [("84", "South", None, None)]
