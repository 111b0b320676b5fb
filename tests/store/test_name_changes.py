"""Changes of names by people: they see first what will move, nobody's edit is lost, and all can be undone."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from ncric_core.agencies import NameMapping
from ncric_core.errors import AgencyError
from ncric_core.store.agencies import ensure_agencies
from ncric_core.store.name_changes import (
    NameChange,
    NameConflictError,
    NameMove,
    history,
    planned_by,
    reverse_of,
    save_changes,
)
from ncric_core.store.names import enter_mappings
from ncric_core.store.restandardize import restandardize
from tests.conftest import MODEL, Store
from tests.sources.files.lpr_files import read
from tests.store.test_load import wait_for_waiting

ATHERTON = "ATHERTON POLICE DEPARTMENT"
FILE = "boss4/a_2022-10-11_08-10-00_2022-10-11_08-15-00.json"


def load(store: Store, *received: str) -> None:
    store.put(FILE, [read(number, agencyName=name) for number, name in enumerate(received, 1)])
    store.run()


def save(store: Store, *changes: NameChange) -> list[str]:
    with store.database.transaction() as connection:
        return save_changes(connection, changes)


def plan(store: Store, *changes: NameChange) -> list[NameMove]:
    with store.database.transaction() as connection:
        return planned_by(connection, changes)


def move(store: Store) -> None:
    with store.database.session() as connection:
        list(restandardize(connection, MODEL))


def by_agency(store: Store) -> list[tuple[str, int]]:
    return store.rows("SELECT standardized_agency_name, count(*) FROM reads GROUP BY 1 ORDER BY 1")


def test_what_would_move_is_what_then_moves(store: Store) -> None:
    load(store, ATHERTON, ATHERTON, "Fremont PD")
    change = NameChange("BOSS4", "Atherton police department", None, "Atherton PD")
    assert plan(store, change) == [NameMove("BOSS4", ATHERTON, ATHERTON, "Atherton PD", 2)]
    assert by_agency(store) == [(ATHERTON, 2), ("Fremont PD", 1)]
    assert save(store, change) == []
    move(store)
    assert by_agency(store) == [("Atherton PD", 2), ("Fremont PD", 1)]
    assert plan(store, change) == []


def test_a_new_agency_is_made_and_told(store: Store) -> None:
    load(store, ATHERTON)
    change = NameChange("BOSS4", ATHERTON, None, "Athens PD")
    assert plan(store, change) == [NameMove("BOSS4", ATHERTON, ATHERTON, "Athens PD", 1)]
    assert save(store, change) == ["Athens PD"]
    assert store.rows("SELECT count(*) FROM entity_sets WHERE name = 'NCRICVehicleRecordsAthensPD'") == [(1,)]


def test_an_edit_of_somebody_else_in_between_is_told_and_nothing_is_saved(store: Store) -> None:
    store.map((ATHERTON, "Fremont PD", "BOSS4"))
    mine = NameChange("BOSS4", ATHERTON, None, "Atherton PD")
    other = NameChange("BOSS4", "X", None, "Atherton PD")
    with pytest.raises(NameConflictError, match="is Fremont PD now") as caught:
        save(store, other, mine)
    assert caught.value.theirs == [NameChange("BOSS4", ATHERTON, "Fremont PD", "Atherton PD")]
    assert store.rows("SELECT name, standardized_agency_name FROM standardized_agency_names") == [
        (ATHERTON, "Fremont PD")
    ]
    save(store, NameChange("BOSS4", ATHERTON, "Fremont PD", "Atherton PD"))
    assert store.rows("SELECT standardized_agency_name FROM standardized_agency_names") == [("Atherton PD",)]


def test_an_entry_that_is_gone_meanwhile_is_a_conflict_too(store: Store) -> None:
    with pytest.raises(NameConflictError, match="is not mapped now"):
        save(store, NameChange("BOSS4", ATHERTON, "Fremont PD", None))


def test_every_change_is_in_the_history_and_can_be_undone(store: Store) -> None:
    load(store, ATHERTON)
    save(store, NameChange("BOSS4", ATHERTON, None, "Atherton PD"))
    save(store, NameChange("BOSS4", ATHERTON, "Atherton PD", "Fremont PD"))
    save(store, NameChange("BOSS4", ATHERTON, "Fremont PD", None))
    with store.database.transaction() as connection:
        past = history(connection)
        assert [(one.change.before, one.change.after) for one in past] == [
            ("Fremont PD", None),
            ("Atherton PD", "Fremont PD"),
            (None, "Atherton PD"),
        ]
        assert {one.changed_by for one in past} == {"tester"}
        assert len(history(connection, "fremont")) == 2
        assert history(connection, "nobody") == []
        assert (history(connection, limit=2), history(connection, limit=2, offset=2)) == (past[:2], past[2:])
        undo = reverse_of(connection, past[0].id)
    assert undo == NameChange("BOSS4", ATHERTON, None, "Fremont PD")
    save(store, undo)
    move(store)
    assert by_agency(store) == [("Fremont PD", 1)]


def test_undoing_what_was_changed_again_is_a_conflict(store: Store) -> None:
    save(store, NameChange("BOSS4", ATHERTON, None, "Atherton PD"))
    save(store, NameChange("BOSS4", ATHERTON, "Atherton PD", "Fremont PD"))
    with store.database.transaction() as connection:
        first = history(connection)[-1]
        undo = reverse_of(connection, first.id)
    with pytest.raises(NameConflictError, match="is Fremont PD now"):
        save(store, undo)


def test_without_an_entry_reads_go_back_to_an_agency_of_that_very_name_which_waits_for_mapping(store: Store) -> None:
    load(store, ATHERTON)
    save(store, NameChange("BOSS4", ATHERTON, None, "Atherton PD"))
    move(store)
    assert store.rows("SELECT count(*) FROM agencies WHERE name = %s", (ATHERTON,)) == [(0,)]
    remove = NameChange("BOSS4", ATHERTON, "Atherton PD", None)
    assert plan(store, remove) == [NameMove("BOSS4", ATHERTON, "Atherton PD", ATHERTON, 1)]
    save(store, remove)
    move(store)
    assert by_agency(store) == [(ATHERTON, 1)]
    assert store.rows("SELECT unmapped FROM agencies WHERE name = %s", (ATHERTON,)) == [(True,)]
    assert store.rows('SELECT count(*) FROM "NCRICVehicleRecordsAthertonPD"') == [(0,)]
    assert store.books().differences == []


def test_entry_of_a_name_without_reads_leaves_no_agency_behind(store: Store) -> None:
    save(store, NameChange("BOSS4", "NEVER SEEN", None, "Atherton PD"))
    save(store, NameChange("BOSS4", "NEVER SEEN", "Atherton PD", None))
    assert store.rows("SELECT count(*) FROM agencies WHERE name_key = 'neverseen'") == [(0,)]


def test_a_flock_network_is_changed_by_its_number(store: Store) -> None:
    save(store, NameChange("FLOCK", "4711", None, "Atherton PD"))
    save(store, NameChange("FLOCK", "4711", "Atherton PD", "Fremont PD"))
    assert store.rows("SELECT network_id, standardized_agency_name FROM standardized_agency_names_flock") == [
        (4711, "Fremont PD")
    ]
    save(store, NameChange("FLOCK", "4711", "Fremont PD", None))
    assert store.rows("SELECT count(*) FROM standardized_agency_names_flock") == [(0,)]


def test_a_network_that_two_forms_write_differently_is_one(store: Store) -> None:
    with pytest.raises(AgencyError, match="FLOCK '7' is mapped to two agencies"):
        save(store, NameChange("FLOCK", "07", None, "Atherton PD"), NameChange("FLOCK", "7", None, "Fremont PD"))
    save(store, NameChange("FLOCK", "07", None, "Atherton PD"))
    with pytest.raises(NameConflictError, match="is Atherton PD now"):
        save(store, NameChange("FLOCK", "7", None, "Fremont PD"))
    save(store, NameChange("FLOCK", "007", "Atherton PD", None))
    assert store.rows("SELECT count(*) FROM standardized_agency_names_flock") == [(0,)]


def test_a_change_that_is_not_in_the_history_cannot_be_undone(store: Store) -> None:
    with store.database.transaction() as connection, pytest.raises(AgencyError, match="no change 12345"):
        reverse_of(connection, 12345)


@pytest.mark.parametrize("name", ["", "  ", "x" * 201])
def test_a_name_that_cannot_be_is_refused_and_nothing_is_saved(store: Store, name: str) -> None:
    with pytest.raises(AgencyError, match="cannot be a received name"):
        save(store, NameChange("BOSS4", "A", None, "Atherton PD"), NameChange("BOSS4", name, None, "Atherton PD"))
    with pytest.raises(AgencyError, match="cannot be an agency's name"):
        save(store, NameChange("BOSS4", "A", None, "Atherton PD"), NameChange("BOSS4", "B", None, name))
    assert store.rows("SELECT count(*) FROM standardized_agency_names") == [(0,)]


def test_a_person_who_saves_beside_an_import_waits_for_it(store: Store) -> None:
    """Both take the lock of agencies before the name tables; in another order each could wait for the other."""
    with store.database.session() as connection, ThreadPoolExecutor(1) as aside:
        ensure_agencies(connection, {"Y PD"}, unmapped=False)
        saved = aside.submit(save, store, NameChange("BOSS4", "X", None, "X PD"))
        wait_for_waiting(store, 1)
        enter_mappings(connection, [NameMapping("Y", "Y PD", "BOSS4")])
        connection.commit()
        assert saved.result(60) == ["X PD"]
    assert store.rows("SELECT name FROM standardized_agency_names ORDER BY 1") == [("X",), ("Y",)]
