"""The pool lends connections that know nothing of their last user, and every error comes in words without values."""

import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files

import psycopg2
import pytest
from psycopg2 import sql

from ncric_core.errors import StoreError
from ncric_core.store.database import Cursor, Database, open_database, rows
from ncric_core.store.person import OWNER, Person, asked_by, session_of
from tests.conftest import FILE, Store, read

ANNA = Person("anna@ncric.test", "ncric_analyst")
OLGA = Person("olga@ncric.test", "ncric_operator")
WHO = "SELECT current_user, current_setting('ncric.user'), current_setting('statement_timeout'), pg_backend_pid()"


@pytest.fixture
def one(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A database whose pool has one connection."""
    monkeypatch.setattr("ncric_core.store.database.KEPT", 1)
    monkeypatch.setattr("ncric_core.store.database.MOST", 1)
    monkeypatch.setattr("ncric_core.store.database.FREE_WITHIN", 0.1)
    database = replace(store.database)
    yield database
    database.close()


def test_people_in_turn_use_one_connection_and_never_each_others_name_role_or_time(one: Database) -> None:
    seen = set()
    for _ in range(2):
        for person, longest in ((ANNA, "7s"), (OLGA, "8s")):
            with asked_by(one, person, longest=longest) as connection:
                ((role, name, limit, pid),) = rows(connection, WHO)
            assert (role, name, limit) == (person.role, person.name, longest)
            seen.add(pid)
        with one.transaction() as connection:
            ((role, name, limit, pid),) = rows(connection, WHO)
        assert (role, name, limit) == ("postgres", "tester", "0")
        seen.add(pid)
    assert len(seen) == 1


@pytest.mark.parametrize("fault", ["SELECT nothing", "SELECT 1 / 0", "SELECT pg_sleep(10)"])
def test_an_error_in_the_middle_leaves_nothing_to_the_next(one: Database, fault: str) -> None:
    def fail() -> None:
        with session_of(one, ANNA) as connection:
            rows(connection, "SELECT set_config('statement_timeout', '50ms', false), set_config('role', 'none', false)")
            rows(connection, fault)

    with pytest.raises(StoreError):
        fail()
    with one.transaction() as connection:
        assert rows(connection, WHO)[0][:3] == ("postgres", "tester", "0")
    with asked_by(one, OLGA) as connection:
        assert rows(connection, WHO)[0][:3] == ("ncric_operator", OLGA.name, "30s")


def test_what_was_not_committed_is_rolled_back_and_modes_of_a_connection_are_its_last_users_own(one: Database) -> None:
    with one.session() as connection:
        connection.set_session(readonly=True)
        rows(connection, "SELECT set_config('statement_timeout', '7s', true)")
    with one.transaction() as connection:
        assert rows(connection, "SELECT current_setting('statement_timeout'), pg_current_xact_id() IS NULL") == [
            ("0", False)
        ]
    with one.session() as connection:
        connection.autocommit = True
    with asked_by(one, ANNA) as connection:
        assert rows(connection, WHO)[0][:2] == ("ncric_analyst", ANNA.name)


def test_a_connection_that_was_lost_in_the_pool_is_made_anew(store: Store, one: Database) -> None:
    with one.transaction() as connection:
        ((pid,),) = rows(connection, "SELECT pg_backend_pid()")
    store.rows("SELECT pg_terminate_backend(%(pid)s, 10000)", {"pid": pid})
    with one.transaction() as connection:
        assert rows(connection, "SELECT pg_backend_pid()") != [(pid,)]


def test_when_no_connection_is_free_it_is_told_and_may_pass(one: Database) -> None:
    with one.session(), pytest.raises(StoreError, match=r"all 1 connections .* in use") as caught, one.session():
        pass
    assert caught.value.passing


def test_every_transaction_is_under_our_name_and_in_utc_however_it_begins(store: Store) -> None:
    store.execute("CREATE TABLE seen (who text DEFAULT current_setting('ncric.user'), at timestamptz)")
    moment = datetime(2022, 10, 11, 8, tzinfo=UTC)
    with store.database.session() as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO seen (at) VALUES (%s)", (moment,))
        connection.commit()
        cursor.executemany("INSERT INTO seen (at) VALUES (%s)", [(moment,)])
        connection.rollback()
        with connection:
            cursor.executemany("INSERT INTO seen (at) VALUES (%s)", [(moment,)])
        with connection, connection.cursor("streamed") as stream:
            stream.execute("SELECT who, at::text FROM seen")
            assert stream.fetchall() == [("tester", "2022-10-11 08:00:00+00")] * 2


@pytest.fixture
def refusing(store: Store) -> Store:
    store.execute("ALTER TABLE vehicle_records ADD CONSTRAINT no_sevens CHECK (plate NOT LIKE '7%%')")
    return store


def test_a_read_that_the_database_refuses_is_told_without_its_values(refusing: Store) -> None:
    refusing.put(FILE.format(1), [read(1), read(2, agencyName="Fremont PD", VehicleLicensePlateID="8XYZ")])
    outcome = refusing.run()
    told = [*outcome.failed_agencies.values()]
    told += [error for (error,) in refusing.rows("SELECT error FROM loads WHERE error IS NOT NULL")]
    assert len(told) == 2
    for error in told:
        assert error.startswith("check violation (SQLSTATE 23514, table vehicle_records_20221010, constraint no_sevens")
        assert "COPY vehicle_records, line 1" in error
        assert not [value for value in ("7ABC", "2022-10-11", "EB_AutoMall", "DETAIL") if value in error]
    assert outcome.total.loaded == 1


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("SELECT '7ABC001'::int", "invalid text representation (SQLSTATE 22P02)"),
        ("INSERT INTO organizations (name) SELECT name FROM organizations", "unique violation (SQLSTATE 23505, table"),
        ("INSERT INTO agencies (name) VALUES ('7ABC001')", "not null violation (SQLSTATE 23502, table agencies, col"),
        ("SELECT * FROM nothing", 'relation "nothing" does not exist (SQLSTATE 42P01)'),
        ("SELECT plate, '7ABC001' FROM vehicle_records WHERE", "syntax error at end of input (SQLSTATE 42601)"),
    ],
)  # fmt: skip
def test_an_error_of_the_database_has_no_values_even_in_its_traceback(store: Store, statement: str, told: str) -> None:
    with pytest.raises(StoreError) as caught:
        store.execute(statement)
    printed = "".join(traceback.format_exception(caught.value))
    assert f"the database refuses: {told}" in str(caught.value)
    assert not [value for value in ("7ABC001", "Atherton", "DETAIL", "CONTEXT", "LINE 1") if value in printed]
    assert not caught.value.passing


@pytest.mark.parametrize(
    ("state", "told", "passing"),
    [
        ("53100", "the disk of the database is full, make room there: could not", True),
        ("53300", "could not (SQLSTATE 53300)", True),
        ("57P01", "the connection to the database was lost: could not", True),
        ("57P02", "the connection to the database was lost: could not", True),
        ("08006", "the connection to the database was lost: could not", True),
        ("40001", "could not (SQLSTATE 40001)", True),
        ("55P03", "could not (SQLSTATE 55P03)", True),
        ("42501", "could not (SQLSTATE 42501)", False),
    ],
)
def test_what_may_pass_is_tried_again(store: Store, state: str, told: str, passing: bool) -> None:
    with pytest.raises(StoreError) as caught:
        store.rows("DO $$ BEGIN RAISE 'could not' USING ERRCODE = '" + state + "'; END $$")
    assert told in str(caught.value)
    assert caught.value.passing is passing


@pytest.mark.parametrize("state", ["53100", "25006", "58030", "57P01"])
def test_trouble_of_the_server_ends_the_run_and_is_no_agencys(store: Store, state: str) -> None:
    store.put(FILE.format(1), [read(1)])
    store.execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE 'no' USING ERRCODE = %(state)s; END $$;"
        "CREATE TRIGGER fail BEFORE INSERT ON vehicle_records FOR EACH ROW EXECUTE FUNCTION fail()",
        {"state": state},
    )  # fmt: skip
    with pytest.raises(StoreError) as caught:
        store.run()
    assert caught.value.passing
    assert store.rows("SELECT count(*) FROM loads WHERE error IS NOT NULL") == [(0,)]


def test_a_server_that_takes_no_writes_is_named(store: Store) -> None:
    name = sql.Identifier(store.rows("SELECT current_database()")[0][0])
    with store.database.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
    told = r"cannot execute CREATE TABLE in a read-only transaction; the server takes no writes.*must name the primary"
    with pytest.raises(StoreError, match=told) as caught:
        replace_store(store).execute("CREATE TABLE x ()")
    assert caught.value.passing
    owner = Person("root", OWNER)
    with pytest.raises(StoreError) as caught, asked_by(store.database, owner, readonly=True) as connection:
        rows(connection, "CREATE TABLE x ()")
    assert "primary" not in str(caught.value)


def replace_store(store: Store) -> Store:
    """The same store, with connections made from now on."""
    return replace(store, database=replace(store.database))


def test_a_database_that_is_not_in_utf8_is_named(store: Store) -> None:
    with store.database.session() as connection:
        connection.autocommit = True
        connection.cursor().execute("CREATE DATABASE narrow ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        url = store.settings.database_url
        assert url is not None
        name = connection.info.dbname
        narrow = store.with_settings(database_url=type(url)(url.get_secret_value().replace(f"/{name}?", "/narrow?")))
        try:
            with pytest.raises(StoreError, match=r"the database narrow is in LATIN1.*ENCODING 'UTF8'"):
                open_database(narrow.settings).connect()
        finally:
            connection.cursor().execute("DROP DATABASE narrow WITH (FORCE)")


def test_a_url_that_libpq_does_not_know_is_told_in_words(store: Store) -> None:
    with pytest.raises(StoreError, match="cannot be reached: invalid") as caught:
        replace(store.database, dsn="postgresql://user:secret@127.0.0.1/x?nonsense=1").connect()
    assert "secret" not in str(caught.value)
    assert not caught.value.passing


def test_a_wrong_use_of_psycopg2_is_a_fault_of_the_program(store: Store) -> None:
    with pytest.raises(psycopg2.ProgrammingError, match="can't adapt"):
        store.rows("SELECT %(x)s", {"x": object()})


def test_errors_with_values_of_an_older_version_are_removed(refusing: Store) -> None:
    refusing.put(FILE.format(1), [read(1)])
    refusing.run()
    refusing.execute("UPDATE loads SET error = 'DETAIL: Failing row contains (7ABC001)'")
    refusing.execute((files("ncric_core.store.schema") / "migrations" / "0008_errors_without_values.sql").read_text())
    assert refusing.rows("SELECT error FROM loads") == [("not loaded; the next run says why",)]


@pytest.fixture
def killing(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    """Has the server's process of a connection killed before the statement of this number, of whichever connection."""
    url = store.settings.database_url
    assert url is not None

    def before(number: int) -> list[int]:
        sent: list[int] = []

        def begin(self: Cursor) -> None:
            sent.append(self.connection.info.backend_pid)
            if len(sent) == number:
                with psycopg2.connect(url.get_secret_value()) as killer, killer.cursor() as cursor:
                    cursor.execute("SELECT pg_terminate_backend(%s, 10000)", (sent[-1],))
                killer.close()
            _begin(self)

        monkeypatch.setattr(Cursor, "_begin", begin)
        return sent

    _begin = Cursor._begin
    return before


def test_a_run_whose_database_is_lost_at_any_statement_says_so_and_may_pass(
    store: Store, killing: Callable[[int], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ncric_core.sources.files.feed.SMALLEST_BATCH", 1)
    errors: list[StoreError] = []
    number, sent = 1, [0]
    while len(sent) >= number - 5:
        store.put(FILE.format(number), [read(2 * number), read(2 * number + 1, agencyName="Fremont PD")])
        sent = killing(number)
        try:
            store.run()
        except StoreError as error:
            errors.append(error)
        number += 5
    killing(0)
    assert len(errors) >= 5
    assert [
        str(error) for error in errors if not error.passing or "connection to the database was lost" not in str(error)
    ] == []
    store.run()
    reads = store.rows("SELECT count(*) FROM reads")[0][0]
    assert reads == 2 * len(list((store.folder / "boss4").iterdir()))
    books = store.books()
    assert (books.differences, books.waiting) == ([], 0)
