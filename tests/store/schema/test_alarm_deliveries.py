"""Migration 0006 keeps who was told of alarms: nobody is told twice, and nobody is forgotten."""

from collections.abc import Iterator
from importlib.resources import files

import pytest

from ncric_core.alarms.notify import Told
from ncric_core.store.schema.migrate import migrate
from tests.alarms.test_notify import Hook, serve, telling
from tests.conftest import Store

MIGRATION = "0006_alarm_deliveries.sql"


@pytest.fixture
def hook() -> Iterator[Hook]:
    yield from serve()


@pytest.fixture
def other_hook() -> Iterator[Hook]:
    yield from serve()


@pytest.fixture
def old_store(empty_store: Store) -> Store:
    """Makes an empty database with the migrations before this one."""
    empty_store.execute("CREATE TABLE schema_migrations (name text PRIMARY KEY, applied_at timestamptz DEFAULT now())")
    folder = files("ncric_core.store.schema") / "migrations"
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.name.endswith(".sql") and item.name < MIGRATION:
            empty_store.execute(item.read_text())
            empty_store.execute("INSERT INTO schema_migrations (name) VALUES (%s)", (item.name,))
    return empty_store


FILL = """
INSERT INTO alarms (kind, scope, subject, message, began_at, ended_at, told_begin_at, told_end_at, begin_ways, end_ways)
VALUES
  ('k', 's', 'lasts, told by both',     'm1', '2022-10-11 08:00Z', NULL, '2022-10-11 08:01Z', NULL,
   '{1 (json),2 (json)}', '{}'),
  ('k', 's', 'lasts, told by one',      'm2', '2022-10-11 08:00Z', NULL, NULL, NULL, '{2 (json)}', '{}'),
  ('k', 's', 'lasts, nobody to tell',   'm3', '2022-10-11 08:00Z', NULL, '2022-10-11 08:02Z', NULL, '{}', '{}'),
  ('k', 's', 'lasts, new',              'm4', '2022-10-11 08:00Z', NULL, NULL, NULL, '{}', '{}'),
  ('k', 's', 'over, told by both',      'm5', '2022-10-11 08:00Z', '2022-10-11 09:00Z', '2022-10-11 08:01Z',
   '2022-10-11 09:01Z', '{1 (json),2 (json)}', '{1 (json),2 (json)}'),
  ('k', 's', 'over, end told by one',   'm6', '2022-10-11 08:00Z', '2022-10-11 09:00Z', '2022-10-11 08:01Z', NULL,
   '{1 (json),2 (json)}', '{1 (json)}'),
  ('k', 's', 'over, begin told by one', 'm7', '2022-10-11 08:00Z', '2022-10-11 09:00Z', NULL, NULL, '{1 (json)}', '{}'),
  ('k', 's', 'over, never told',        'm8', '2022-10-11 08:00Z', '2022-10-11 09:00Z', NULL, NULL, '{}', '{}'),
  ('k', 's', 'over, closed untold',     'm9', '2022-10-11 08:00Z', '2022-10-11 09:00Z', NULL, '2022-10-11 09:02Z',
   '{}', '{}')
"""


def migrated(store: Store) -> None:
    settings = store.settings
    done = migrate(store.database, organization=settings.organization, flights_dir=settings.flights_dir)
    assert MIGRATION in done.migrations


def test_whoever_was_told_before_the_migration_is_not_told_again_and_the_others_are(
    old_store: Store, hook: Hook, other_hook: Hook
) -> None:
    old_store.execute(FILL)
    migrated(old_store)
    assert telling(old_store, hook.url, other_hook.url) == Told(2, 2, ())
    (first,) = hook.sent
    assert first["message"].splitlines() == [
        "ALARM: m2",
        "ALARM: m4",
        "over: m7 (alarm of 2022-10-11 08:00 UTC)",
    ]
    (second,) = other_hook.sent
    assert second["message"].splitlines() == ["ALARM: m4", "over: m6 (alarm of 2022-10-11 08:00 UTC)"]
    assert telling(old_store, hook.url, other_hook.url) == Told(0, 0, ())


def test_the_times_of_messages_are_kept_and_the_old_columns_are_gone(old_store: Store) -> None:
    old_store.execute(FILL)
    migrated(old_store)
    told = """
        SELECT event, way, to_char(delivered_at, 'HH24:MI')
        FROM alarm_deliveries
        JOIN alarms ON id = alarm
        WHERE message = %(message)s
        ORDER BY event, way
    """
    assert old_store.rows(told, {"message": "m5"}) == [
        ("begin", "1 (json)", "08:01"),
        ("begin", "2 (json)", "08:01"),
        ("begin", None, "08:01"),
        ("end", "1 (json)", "09:01"),
        ("end", "2 (json)", "09:01"),
        ("end", None, "09:01"),
    ]
    assert old_store.rows(told, {"message": "m9"}) == [("end", None, "09:02")]
    assert old_store.rows(told, {"message": "m4"}) == []
    columns = "SELECT column_name FROM information_schema.columns WHERE table_name = 'alarms'"
    assert not {"told_begin_at", "told_end_at", "begin_ways", "end_ways"} & {
        name for (name,) in old_store.rows(columns)
    }


def test_analysts_see_who_was_told_and_change_nothing(store: Store) -> None:
    rights = """
        SELECT has_table_privilege('ncric_analyst', 'alarm_deliveries', 'SELECT'),
               has_table_privilege('ncric_analyst', 'alarm_deliveries', 'INSERT, UPDATE, DELETE')
    """
    assert store.rows(rights) == [(True, False)]
