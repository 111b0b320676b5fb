"""Every question of the console is bound to who asks it, and the database itself refuses what they may not."""

import pytest
from psycopg2 import errors

from console import queries
from console.auth import User
from ncric_core.errors import StoreError
from ncric_core.store.database import Database, rows
from tests.conftest import Store

ANNA = User("anna@ncric.test", "ncric_analyst")
OLGA = User("olga@ncric.test", "ncric_operator")


@pytest.fixture(autouse=True)
def this_store(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "database", lambda: store.database)


def test_a_question_runs_under_the_name_and_in_the_role_of_who_asks() -> None:
    for user in (ANNA, OLGA):
        with queries.asked_by(user) as connection:
            found = rows(connection, "SELECT current_user, current_setting('ncric.user')")
        assert found == [(user.role, user.name)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT plate FROM vehicle_records",
        "SELECT plate FROM reads",
        "SELECT received FROM rejects",
        "SELECT * FROM rejects",
        "SELECT * FROM activity",
        "INSERT INTO activity (what, subject) VALUES ('rerun', 'x')",
        "UPDATE agencies SET name = 'x'",
        "DELETE FROM alarms",
        "DELETE FROM standardized_agency_names",
        "CREATE TABLE mine (x int)",
    ],
)
def test_analysts_are_refused_rows_as_received_and_every_change(statement: str) -> None:
    with pytest.raises(StoreError, match="operator role"), queries.asked_by(ANNA) as connection:
        connection.cursor().execute(statement)


def test_analysts_see_counts_names_files_and_why_rows_were_rejected() -> None:
    tables = ("agencies", "read_counts", "received_names", "source_files", "loads", "alarms", "ol_imagesource")
    with queries.asked_by(ANNA) as connection:
        for table in tables:
            rows(connection, f"SELECT count(*) FROM {table}")  # noqa: S608  # names from above
        rows(connection, "SELECT reason, detail FROM rejects")


@pytest.mark.parametrize("statement", ["SELECT plate FROM vehicle_records", "UPDATE activity SET who = 'x'"])
def test_operators_too_are_refused_what_is_not_theirs(statement: str) -> None:
    with pytest.raises(StoreError, match="may not"), queries.asked_by(OLGA) as connection:
        connection.cursor().execute(statement)


def test_a_change_has_its_entry_and_one_that_fails_has_none(store: Store) -> None:
    with queries.changing(OLGA, "rerun", "boss4-hourly", before={"a": 1}, after={"b": "’"}) as connection:
        connection.cursor().execute("UPDATE agencies SET unmapped = true WHERE name = 'Atherton PD'")
    with pytest.raises(StoreError), queries.changing(OLGA, "rerun", "scso-hourly") as connection:
        connection.cursor().execute("SELECT 1 / 0")
    entries = store.rows("SELECT who, what, subject, before, after FROM activity")
    assert entries == [("olga@ncric.test", "rerun", "boss4-hourly", {"a": 1}, {"b": "’"})]
    assert store.rows("SELECT unmapped FROM agencies WHERE name = 'Atherton PD'") == [(True,)]


def test_an_analyst_changes_nothing(store: Store) -> None:
    with pytest.raises(StoreError, match="operator role"), queries.changing(ANNA, "rerun", "x") as connection:
        connection.cursor().execute("UPDATE agencies SET unmapped = true")
    assert store.rows("SELECT count(*) FROM activity") == [(0,)]
    assert store.rows("SELECT count(*) FROM agencies WHERE unmapped") == [(0,)]


@pytest.mark.parametrize("statement", ["UPDATE activity SET what = 'x'", "DELETE FROM activity", "TRUNCATE activity"])
def test_activity_is_append_only_even_for_the_owner(store: Store, statement: str) -> None:
    with queries.changing(OLGA, "rerun", "x"):
        pass
    with pytest.raises(errors.InsufficientPrivilege, match="append-only"):
        store.execute(statement)
    assert store.rows("SELECT count(*) FROM activity") == [(1,)]


def test_a_database_that_is_down_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Database("postgresql://nobody@127.0.0.1:1/none", "x", embedded=False)
    monkeypatch.setattr(queries, "database", lambda: gone)
    with pytest.raises(StoreError, match="cannot be reached"), queries.asked_by(ANNA):
        pass


def test_a_question_that_takes_too_long_is_ended_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "LONGEST", "50ms")
    with pytest.raises(StoreError, match="took longer"), queries.asked_by(ANNA) as connection:
        rows(connection, "SELECT pg_sleep(10)")


def test_a_lost_connection_is_told_in_words(store: Store) -> None:
    def cut_off() -> None:
        with queries.asked_by(OLGA) as connection:
            store.rows("SELECT pg_terminate_backend(%(pid)s)", {"pid": connection.info.backend_pid})
            rows(connection, "SELECT 1")

    with pytest.raises(StoreError, match="connection to the database was lost"):
        cut_off()
