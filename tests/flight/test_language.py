"""What is said of a flight that does not have the form of one: file, place and key, in plain words."""

from pathlib import Path

import pytest

from ncric_core.errors import FlightError
from ncric_core.flight.language import read_flight
from tests.conftest import MODEL

CAMERA = "entitySetName: NCRICImageSources, propertyDefinitions: {id: {type: ol.id, column: id}}"


@pytest.mark.parametrize(
    ("flight", "faults"),
    [
        ("entityDefinitions: {c: x}", ["entityDefinitions → c: a mapping (key: value) is needed, not 'x'"]),
        ("[]", ["the whole file: a mapping (key: value) is needed, not []"]),
        ("name: x", ["entityDefinitions: missing"]),
        ("entityDefinitions: {}\ntags: x", ["tags: a list is needed, not 'x'"]),
        ("entityDefinitions: {}\ntags: [x, [5]]", ["tags → 1: a text is needed, not ['5']"]),
        (
            f"entityDefinitions: {{c: {{{CAMERA}, updateType: merge, associateOnly: perhaps, nam: c}}}}",
            [
                "entityDefinitions → c → updateType: one of Merge, PartialReplace, Replace is needed, not 'merge'",
                "entityDefinitions → c → associateOnly: true or false is needed, not 'perhaps'",
                "entityDefinitions → c → nam: unknown key",
            ],
        ),
    ],
)
def test_fault_of_a_form(tmp_path: Path, flight: str, faults: list[str]) -> None:
    path = tmp_path / "flight.yaml"
    path.write_text(flight)
    with pytest.raises(FlightError) as error:
        read_flight(path, MODEL, {name: one.fqn for name, one in MODEL.entity_sets.items()})
    assert str(error.value).splitlines() == [f"{path}: {fault}" for fault in faults]
