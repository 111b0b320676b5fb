"""A database of another version of the program: older ones are brought up to date, newer ones are left alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows.cli.doctor import schema
from ncric_core.errors import StoreError
from ncric_core.store.names import all_mappings
from ncric_core.store.schema import migrate as module
from ncric_core.store.schema.migrate import Migrated, migrate
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
    assert migrate(store.database, organization=settings.organization, flights_dir=settings.flights_dir).lines() == []
    assert store.rows("SELECT name, applied_at FROM schema_migrations ORDER BY name") == before


def test_a_migration_that_the_database_refuses_leaves_nothing_of_it(store: Store) -> None:
    """0004 makes read_days, which is there already."""
    store.execute("DELETE FROM schema_migrations WHERE name >= '0004'")
    before = store.rows("SELECT name FROM schema_migrations ORDER BY name")
    with pytest.raises(StoreError, match=r'the database refuses the migration: relation "read_days" already exists'):
        migrate(store.database, organization="another", flights_dir=store.settings.flights_dir)
    assert store.rows("SELECT name FROM schema_migrations ORDER BY name") == before
    assert store.rows("SELECT count(*) FROM organizations WHERE name = 'another'") == [(0,)]


LANDED = {
    "0001_store.sql": "5308de1d615b87d567248eb07394f296dd2c6ea0bc1f0c570653d028143307df",
    "0002_alarms.sql": "167355cd3ce6eade40bb89e8d1088cdf79b0ddda4b5ab653c1853f66ef0d69b9",
    "0003_console.sql": "95c7576fffdf592aaf2ac03647731cea539cc8790a72d322a9edde66befbf03d",
    "0004_days.sql": "f80a221b7cf01f327b0594349812f68f5c067522675a864f15f0acc233c37bb4",
    "0005_books.sql": "26377b2a80ac6998993d74ec38562a42832b96bfac03759cc0ff0468b11e693f",
    "0006_alarm_deliveries.sql": "85f169b583cfdac549da35cf8467ff24af0e31dbb8e52233fd76b176396e74b8",
    "0007_listings.sql": "42b292bebc7eb0f14a160cfb7c9c99dd619ad99e610b47dcb2b8f1b3f29eb929",
    "0008_errors_without_values.sql": "d033c9eb4da65620b017b4dae671d49a998f158d4c604f9ffedf25f8523d29d0",
    "0009_cut_reads.sql": "76923af3a5702314c55d29e4db31adf2d7cde166d7627a10e796618b595d06c6",
    "0010_files_read_at.sql": "c881d9c29a42922a71b881b0f9f4e68ca45ff8a001069a8e8fdefe6f06f06fc5",
    "0012_reader.sql": "9c8f8cf1eac639eb2a842286b3e03cedad24f18b0aa1d82388bd58f5b29e8f47",
    "0013_received_names.sql": "0c4051cf27414537e5426f69a114bd34819d461558b75bb6385c182336faaee7",
    "0014_signed_out.sql": "10c8f39218d7b9c9d8396eb34686e127909db8a79e12c8920f75d04212d60043",
}
"""The SHA-256 of each migration that stores of our users have. A change of one is a new migration, never an edit."""


def test_migrations_that_have_landed_are_never_edited(store: Store) -> None:
    assert LANDED.items() <= dict(store.rows("SELECT name, sha256 FROM schema_migrations")).items()


def upgrade(old: Store) -> Migrated:
    settings = old.settings
    return migrate(old.database, organization=settings.organization, flights_dir=settings.flights_dir)


@pytest.fixture
def old_store(empty_store: Store) -> Store:
    """A store that the version of migration 0004 made and filled."""
    empty_store.execute(Path(__file__).with_name("store_at_0004.sql").read_text(encoding="utf-8"))
    return empty_store


def schema_of(store: Store) -> set[tuple[Any, ...]]:
    """Columns, constraints, indexes, triggers and rights of the tables that migrations make."""
    return set(store.rows(SCHEMA))


SCHEMA = """
WITH t AS (
    SELECT oid, relname::text AS name FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
        AND relname NOT LIKE 'ol_%'
)
SELECT t.name, 'column', attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull
    || coalesce(' ' || pg_get_expr(adbin, adrelid), '')
FROM t JOIN pg_attribute a ON attrelid = t.oid AND attnum > 0 AND NOT attisdropped
LEFT JOIN pg_attrdef d ON adrelid = t.oid AND adnum = attnum
UNION ALL
SELECT t.name, 'constraint', conname || ' ' || pg_get_constraintdef(c.oid)
FROM t JOIN pg_constraint c ON conrelid = t.oid
UNION ALL
SELECT t.name, 'index', pg_get_indexdef(indexrelid) FROM t JOIN pg_index ON indrelid = t.oid
UNION ALL
SELECT t.name, 'trigger', pg_get_triggerdef(g.oid) FROM t JOIN pg_trigger g ON tgrelid = t.oid AND NOT tgisinternal
UNION ALL
SELECT t.name, 'right', grantee || ' ' || privilege_type
FROM t JOIN information_schema.role_table_grants g ON g.table_name = t.name AND grantee LIKE 'ncric%'
"""


def test_a_store_of_an_older_version_is_brought_up_to_date_with_all_that_is_in_it(
    store: Store, old_store: Store
) -> None:
    old_store.execute("UPDATE loads SET waiting_since = now() WHERE waiting_since IS NULL")
    old_store.execute(EARLIER_0001)
    done = upgrade(old_store)
    assert done.migrations[0] == "0005_books.sql"
    assert schema_of(old_store) == schema_of(store)
    assert old_store.rows("SELECT vehicle_record_id, standardized_agency_name FROM reads ORDER BY 1") == [
        ("1_BOSS4", "Atherton PD"),
        ("2_BOSS4", "Atherton PD"),
        ("5_BOSS4", "Santa Clara County Sheriff's Office"),
        ("6_BOSS4", "FREMONT POLICE DEPARTMENT"),
    ]
    assert old_store.books().differences == []
    assert dict(old_store.rows("SELECT name, sha256 FROM schema_migrations")) == dict(
        store.rows("SELECT name, sha256 FROM schema_migrations")
    )
    assert upgrade(old_store).lines() == []


EARLIER_0001 = """
ALTER TABLE loads
    ALTER COLUMN waiting_since SET DEFAULT now(),
    ALTER COLUMN waiting_since SET NOT NULL,
    ADD FOREIGN KEY (file_id) REFERENCES source_files;
CREATE INDEX loads_waiting ON loads (waiting_since) WHERE done_at IS NULL;
DROP INDEX loads_open;
"""
"""Makes what 0001 and 0003 made before they were edited."""


def test_a_migration_that_was_changed_after_it_was_applied_is_refused(
    ncric: Command, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = module._files()
    files["0002_alarms.sql"] += "-- a remark\n"
    files["9999_more.sql"] = "CREATE TABLE more ()"
    monkeypatch.setattr(module, "_files", lambda: files)
    done = ncric("migrate")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(
        "ncric: 0002_alarms.sql was changed after it was applied to this database, and nothing was"
    )
    assert store.rows("SELECT to_regclass('more')") == [(None,)]


def test_received_names_get_one_form_and_conflicts_are_told(old_store: Store) -> None:
    old_store.execute("""
        INSERT INTO standardized_agency_names (datasource, name, name_key, standardized_agency_name)
        VALUES ('BOSS4', ' ', '', 'Atherton PD'), ('FLOCK', '００７', '007', 'Atherton PD'),
            ('FLOCK', '0 12', '012', 'Atherton PD'), ('FLOCK', '12 ', '12', 'Fremont PD'),
            ('FLOCK', '0０', '00', 'Atherton PD'),
            ('FLOCK', '９9999999999999999999', '99999999999999999999', 'Fremont PD')
    """)
    done = upgrade(old_store)
    assert done.warnings == [
        "Flock network 0, which was written 0０, is Atherton PD",
        "Flock network 12, which was written 12 , is Fremont PD",
        "Flock network 7 stood for two agencies: Fremont PD stays, Atherton PD (written ００７) is removed",
        "Flock network 12 stood for two agencies: Fremont PD stays, Atherton PD (written 0 12) is removed",
        "Flock network 4711, which was written ４７１１, is Atherton PD",
        "Flock network ９9999999999999999999 (Fremont PD) is removed: no network has so large a number",
        "a blank received name of BOSS4 (Atherton PD) is removed",
    ]
    with old_store.database.session() as connection:
        found = [(one.datasource, one.received, one.standardized) for one in all_mappings(connection)]
    assert found == [
        ("BOSS4", "ATHERTON POLICE DEPARTMENT", "Atherton PD"),
        ("BOSS4", "FREMONT POLICE DEPARTMENT", "Fremont PD"),
        ("FLOCK", "0", "Atherton PD"),
        ("FLOCK", "12", "Fremont PD"),
        ("FLOCK", "4711", "Atherton PD"),
        ("FLOCK", "7", "Fremont PD"),
    ]
    assert ("FLOCK", "００７", "Atherton PD", None) in old_store.rows(
        "SELECT datasource, name, before, after FROM agency_name_changes"
    )


def test_what_the_embedded_server_s_migration_decided_is_logged(
    old_store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    embedded = replace(old_store.database, embedded=True)
    monkeypatch.setattr(module, "open_database", lambda _: embedded)
    assert module.up_to_date(old_store.settings) == embedded
    assert caplog.messages == ["Flock network 4711, which was written ４７１１, is Atherton PD"]


def test_migrate_tells_what_was_done_in_a_few_lines(
    ncric: Command, empty_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty_store.set_environment(monkeypatch)
    lines = ncric("migrate").out.splitlines()
    assert lines[0].startswith("migrations applied: 0001_store.sql, 0002_alarms.sql, ")
    assert lines[1].startswith("of edm.yaml: ")
    assert lines[2].startswith("agencies made: Alameda County Sheriff, Atherton PD, ")
    assert lines[2].endswith(" and 47 more")
    assert len(lines) == 3
    assert ncric("migrate").out == "the database is up to date\n"
