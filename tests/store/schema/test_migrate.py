"""A database of another version of the program: older ones are brought up to date, newer ones are left alone."""

import pytest

from flows.cli.doctor import schema
from ncric_core.errors import StoreError
from ncric_core.store.schema.migrate import migrate
from tests.conftest import FILE, HOUR, Command, Store, read

NEWER = "the database is newer than this program (it has 9999_later.sql): install the newer version"
WINDOW = ("--start", HOUR.start.isoformat(), "--end", HOUR.end.isoformat())


@pytest.fixture
def newer(store: Store) -> Store:
    """A store that a later version has migrated, and a file that is not loaded yet."""
    store.put(FILE.format(1), [read(1)])
    store.execute("INSERT INTO schema_migrations (name) VALUES ('9998_later.sql'), ('9999_later.sql')")
    return store


@pytest.mark.parametrize(
    "command",
    [
        ("run", "boss4", *WINDOW),
        ("run", "files-catchup"),
        ("migrate",),
        ("reconcile",),
        ("freshness",),
        ("sql", "SELECT 1"),
        ("files", "list"),
        ("rejects", "list"),
        ("rejects", "replay"),
        ("agencies", "map", "X", "Atherton PD", "--datasource", "BOSS4"),
        ("agencies", "restandardize"),
    ],
    ids=" ".join,
)
def test_a_newer_database_is_refused_in_one_line_and_nothing_changes(
    ncric: Command, newer: Store, command: tuple[str, ...]
) -> None:
    before = newer.everything()
    done = ncric(*command)
    assert (done.status, done.out, done.err) == (1, "", f"ncric: {NEWER}\n")
    assert newer.everything() == before


def test_doctor_says_to_install_the_newer_version(newer: Store) -> None:
    found = schema(newer.settings, newer.database)
    assert (found.text, found.mend) == (NEWER, "install the version that made it, or a newer one")


def test_migrating_again_does_nothing(store: Store) -> None:
    before = store.rows("SELECT name, applied_at FROM schema_migrations ORDER BY name")
    settings = store.settings
    assert migrate(store.database, organization=settings.organization, flights_dir=settings.flights_dir) == []
    assert store.rows("SELECT name, applied_at FROM schema_migrations ORDER BY name") == before


def test_a_migration_that_the_database_refuses_leaves_nothing_of_it(store: Store) -> None:
    """0004 makes read_days, which is there already."""
    store.execute("DELETE FROM schema_migrations WHERE name >= '0004'")
    before = store.rows("SELECT name FROM schema_migrations ORDER BY name")
    with pytest.raises(StoreError, match=r'the database refuses the migration: relation "read_days" already exists'):
        migrate(store.database, organization="another", flights_dir=store.settings.flights_dir)
    assert store.rows("SELECT name FROM schema_migrations ORDER BY name") == before
    assert store.rows("SELECT count(*) FROM organizations WHERE name = 'another'") == [(0,)]
