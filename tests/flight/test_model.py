"""What is said of an edm.yaml whose roles do not fit the rest of it."""

from pathlib import Path

import pytest

from ncric_core.errors import FlightError
from ncric_core.flight.model import FLIGHTS, read_model


@pytest.mark.parametrize(
    ("line", "changed", "fault"),
    [
        ("  collectedBy: NCRICCollectedBy\n", "", "roles → collectedBy: missing"),
        ("roles:\n  cameras: ", "roles:\n  camera: ", "roles → camera: unknown key"),
        ("cameras: NCRICImageSources", "cameras: Kameras", "roles → cameras: there is no entity set Kameras"),
        (
            "standardizedAgencies: NCRICStandardizedAgencies",
            "standardizedAgencies: NCRICCollectedBy",
            "roles → standardizedAgencies: NCRICCollectedBy must be one set of an entity type",
        ),
        (
            "cameras: NCRICImageSources",
            "cameras: NCRICVehicleRecords{agency}",
            "roles → cameras: NCRICVehicleRecords{agency} must be one set of an entity type",
        ),
        (
            "collectedBy: NCRICCollectedBy",
            "collectedBy: NCRICAgencies",
            "roles → collectedBy: NCRICAgencies must be one set of an association type",
        ),
        (
            "cameraName: ol.name",
            "cameraName: ol.acronym",
            "roles → cameraName: ol.imagesource has no property ol.acronym of type text",
        ),
        (
            "cameraPlace: ol.locationcoordinates",
            "cameraPlace: ol.name",
            "roles → cameraPlace: ol.imagesource has no property ol.name of type coordinates",
        ),
    ],
)
def test_fault_of_a_role(tmp_path: Path, line: str, changed: str, fault: str) -> None:
    path = tmp_path / "edm.yaml"
    text = (FLIGHTS / "edm.yaml").read_text()
    assert text.count(line) == 1
    path.write_text(text.replace(line, changed))
    with pytest.raises(FlightError) as error:
        read_model(path)
    assert f"{path}: {fault}" in str(error.value).splitlines()


def test_a_copy_that_is_older_than_the_roles_is_told_where_to_find_them(tmp_path: Path) -> None:
    path = tmp_path / "edm.yaml"
    path.write_text((FLIGHTS / "edm.yaml").read_text().partition("roles:\n")[0])
    with pytest.raises(FlightError) as error:
        read_model(path)
    assert str(error.value) == f"{path}: roles: missing; copy this section from {FLIGHTS / 'edm.yaml'}"
