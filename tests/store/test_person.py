"""A person's questions run under their name, and the database itself refuses what they may not do or see."""

import pytest

from ncric_core.errors import StoreError
from ncric_core.store.database import Database, rows
from ncric_core.store.person import OWNER, Person, asked_by, changing, session_of
from tests.conftest import Store

ANNA = Person("anna@ncric.test", "ncric_analyst")
OLGA = Person("olga@ncric.test", "ncric_operator")


def test_a_question_runs_under_the_name_and_in_the_role_of_who_asks(store: Store) -> None:
    for user in (ANNA, OLGA):
        with asked_by(store.database, user) as connection:
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
def test_analysts_are_refused_rows_as_received_and_every_change(store: Store, statement: str) -> None:
    with pytest.raises(StoreError, match="operator role"), asked_by(store.database, ANNA) as connection:
        connection.cursor().execute(statement)


def test_analysts_see_counts_names_files_and_why_rows_were_rejected(store: Store) -> None:
    tables = ("agencies", "read_counts", "received_names", "source_files", "loads", "alarms", "ol_imagesource")
    with asked_by(store.database, ANNA) as connection:
        for table in tables:
            rows(connection, f"SELECT count(*) FROM {table}")  # noqa: S608  # names from above
        rows(connection, "SELECT reason, detail FROM rejects")


@pytest.mark.parametrize("statement", ["SELECT plate FROM vehicle_records", "UPDATE activity SET who = 'x'"])
def test_operators_too_are_refused_what_is_not_theirs(store: Store, statement: str) -> None:
    with pytest.raises(StoreError, match="may not"), asked_by(store.database, OLGA) as connection:
        connection.cursor().execute(statement)


def test_a_change_has_its_entry_and_one_that_fails_has_none(store: Store) -> None:
    with changing(store.database, OLGA, "rerun", "boss4-hourly", before={"a": 1}, after={"b": "’"}) as connection:
        connection.cursor().execute("UPDATE agencies SET unmapped = true WHERE name = 'Atherton PD'")
    with pytest.raises(StoreError), changing(store.database, OLGA, "rerun", "scso-hourly") as connection:
        connection.cursor().execute("SELECT 1 / 0")
    entries = store.rows("SELECT who, what, subject, before, after FROM activity")
    assert entries == [("olga@ncric.test", "rerun", "boss4-hourly", {"a": 1}, {"b": "’"})]
    assert store.rows("SELECT unmapped FROM agencies WHERE name = 'Atherton PD'") == [(True,)]


def test_an_analyst_changes_nothing(store: Store) -> None:
    with pytest.raises(StoreError, match="operator role"), changing(store.database, ANNA, "rerun", "x") as connection:
        connection.cursor().execute("UPDATE agencies SET unmapped = true")
    assert store.rows("SELECT count(*) FROM activity") == [(0,)]
    assert store.rows("SELECT count(*) FROM agencies WHERE unmapped") == [(0,)]


@pytest.mark.parametrize("statement", ["UPDATE activity SET what = 'x'", "DELETE FROM activity", "TRUNCATE activity"])
def test_activity_is_append_only_even_for_the_owner(store: Store, statement: str) -> None:
    with changing(store.database, OLGA, "rerun", "x"):
        pass
    with pytest.raises(StoreError, match="append-only"):
        store.execute(statement)
    assert store.rows("SELECT count(*) FROM activity") == [(1,)]


def test_a_database_that_is_down_is_told_in_words() -> None:
    gone = Database("postgresql://nobody@127.0.0.1:1/none", "x", embedded=False)
    with pytest.raises(StoreError, match="cannot be reached"), asked_by(gone, ANNA):
        pass


def test_a_question_that_takes_too_long_is_ended_in_words(store: Store) -> None:
    took_longer = pytest.raises(StoreError, match="took longer than 50ms")
    with took_longer, asked_by(store.database, ANNA, longest="50ms") as connection:
        rows(connection, "SELECT pg_sleep(10)")


def test_a_question_has_the_time_of_a_page_unless_it_is_told_otherwise(store: Store) -> None:
    setting = "ALTER DATABASE %I SET statement_timeout = ''7min''"
    store.execute(f"DO $$ BEGIN EXECUTE format('{setting}', current_database()); END $$")
    store.database.close()  # it holds for new connections
    with asked_by(store.database, ANNA) as connection:
        assert rows(connection, "SHOW statement_timeout") == [("30s",)]
    with asked_by(store.database, ANNA, longest=None) as connection:
        assert rows(connection, "SHOW statement_timeout") == [("7min",)]


def test_a_session_keeps_name_role_and_time_over_its_transactions(store: Store) -> None:
    bound = "SELECT current_user, current_setting('ncric.user'), current_setting('statement_timeout')"
    with session_of(store.database, ANNA) as connection:
        for _ in range(2):
            with connection:
                assert rows(connection, bound) == [("ncric_analyst", "anna@ncric.test", "30s")]
    with pytest.raises(StoreError, match="operator role"), session_of(store.database, ANNA) as connection:
        rows(connection, "SELECT plate FROM reads")


def test_the_owner_sees_all_and_changes_nothing_when_readonly(store: Store) -> None:
    owner = Person("root@ncric.test", OWNER)
    with asked_by(store.database, owner, readonly=True) as connection:
        assert rows(connection, "SELECT current_user = session_user, current_setting('ncric.user')") == [
            (True, "root@ncric.test")
        ]
        assert rows(connection, "SELECT plate FROM vehicle_records") == []
    refused = pytest.raises(StoreError, match=r"the database refuses: .* read-only transaction")
    with refused, asked_by(store.database, owner, readonly=True) as connection:
        connection.cursor().execute("DELETE FROM agencies")


def test_a_lost_connection_is_told_in_words(store: Store) -> None:
    def cut_off() -> None:
        with asked_by(store.database, OLGA) as connection:
            store.rows("SELECT pg_terminate_backend(%(pid)s)", {"pid": connection.info.backend_pid})
            rows(connection, "SELECT 1")

    with pytest.raises(StoreError, match="connection to the database was lost"):
        cut_off()
