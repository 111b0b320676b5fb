"""Names that an older version stored under its own keys are known under the keys of this one."""

from ncric_core.agencies import name_key
from ncric_core.store.agencies import name_table
from ncric_core.store.schema.migrate import is_current, migrate
from tests.conftest import Store

OLD = "sheriff\u0301soffice"  # the key of Sheriff´s Office, before


def test_names_under_an_older_key_are_found_again(store: Store) -> None:
    for name, key in (
        ("Napa Sheriff´s Office", f"napa{OLD}"),
        ("Yolo Sheriff´s Office", f"yolo{OLD}"),
        ("Yolo Sheriff’s Office", "yolosheriff'soffice"),
    ):
        store.execute(
            "INSERT INTO agencies (name, name_key, organization, unmapped) VALUES (%s, %s, 1, true)", (name, key)
        )
    for name, key, agency in (
        ("A Sheriff´s Office", f"a{OLD}", "Atherton PD"),
        ("B´s", "bs\u0301", "CHP"),
        ("B’s", "b's", "Atherton PD"),
    ):
        store.execute("INSERT INTO standardized_agency_names VALUES ('BOSS4', %s, %s, %s)", (name, key, agency))
    store.execute("TRUNCATE schema_model")
    organization, flights_dir = store.settings.organization, store.settings.flights_dir
    assert not is_current(store.database, organization=organization, flights_dir=flights_dir)
    done = migrate(store.database, organization=organization, flights_dir=flights_dir)
    assert done.keys == ["Napa Sheriff´s Office", "A Sheriff´s Office", "B´s"]
    with store.database.transaction() as connection:
        names = name_table(connection)
    found = {
        name: names.agencies[names.agency_of("BOSS4", name) or 0]
        for name in ("Napa Sheriff's Office", "Yolo Sheriff´s Office", "A Sheriff’s Office", "B´s")
    }
    assert found == {
        "Napa Sheriff's Office": "Napa Sheriff´s Office",
        "Yolo Sheriff´s Office": "Yolo Sheriff’s Office",
        "A Sheriff’s Office": "Atherton PD",
        "B´s": "Atherton PD",
    }
    assert store.rows("SELECT count(*) FROM agencies WHERE name_key = %s", (f"yolo{OLD}",)) == [(1,)]
    assert migrate(store.database, organization=organization, flights_dir=flights_dir).lines() == []
    mapped = store.rows("SELECT name, name_key FROM standardized_agency_names")
    assert all(key == name_key(name) for name, key in mapped)
