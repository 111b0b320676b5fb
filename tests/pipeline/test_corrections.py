"""A read that is sent again with another plate: the first stays, and nobody believes that the other was taken."""

from typing import Any

import pytest

from tests.cli.test_commands import WINDOW
from tests.conftest import FILE, Command, Store, read

CORRECTIONS = """
SELECT c.id, r.plate, c.plate, f.key
FROM corrections c JOIN vehicle_records r USING (id, event_time) JOIN source_files f ON f.id = c.file_id
"""
OTHER = "8XYZ999"


@pytest.mark.parametrize("time", ["08:00:02", pytest.param("06:00:00", id="late")])
def test_a_correction_is_told_and_not_taken(store: Store, ncric: Command, time: str) -> None:
    store.put(FILE.format(1), [read(1), read(2, eventTime=time)])
    assert store.run().corrected == ""
    again = store.put(FILE.format(2), [read(2, eventTime=time, VehicleLicensePlateID=OTHER), read(3)])
    ran = ncric("run", "boss4", *WINDOW)
    assert ran.status == 0
    assert "1 reads were sent again with another plate, which was not taken" in ran.out
    told = [("2_BOSS4", "7ABC002", OTHER, again)]
    assert store.rows(CORRECTIONS) == told

    store.put(FILE.format(3), [read(2, eventTime=time, VehicleLicensePlateID=OTHER)])
    assert store.run(force=True).corrections == 2
    assert store.rows(CORRECTIONS) == told
    assert store.books().differences == []


def test_a_correction_in_the_same_file_is_told(store: Store) -> None:
    key = store.put(FILE.format(1), [read(1), read(2), read(2), read(2, VehicleLicensePlateID=OTHER)])
    outcome = store.run()
    assert (outcome.total.loaded, outcome.total.already_there, outcome.corrections) == (2, 2, 1)
    assert store.rows(CORRECTIONS) == [("2_BOSS4", "7ABC002", OTHER, key)]
    assert store.books().differences == []


@pytest.mark.parametrize(
    ("first", "again", "told"),
    [
        pytest.param("7ABC002", "7abc 002", 0, id="written differently"),
        pytest.param("7ABC002", None, 0, id="nothing instead of a plate"),
        pytest.param(None, "7ABC002", 1, id="a plate instead of nothing"),
        pytest.param("京A", "沪A", 1, id="not Latin"),
    ],
)
def test_what_is_another_plate(store: Store, first: Any, again: Any, told: int) -> None:
    store.put(FILE.format(1), [read(2, VehicleLicensePlateID=first)])
    store.put(FILE.format(2), [read(2, VehicleLicensePlateID=again)])
    store.run()
    assert store.rows("SELECT count(*) FROM corrections") == [(told,)]


def test_plates_that_were_sent_again_are_for_operators_only(store: Store) -> None:
    may = "SELECT has_table_privilege(%s, 'corrections', 'SELECT')"
    assert [store.rows(may, (role,))[0][0] for role in ("ncric_analyst", "ncric_operator")] == [False, True]
