"""Through PgBouncer in transaction mode everything works, and nothing of one user reaches the next."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest

from flows.cli.doctor import _database, pooler
from ncric_core.agencies import NameMapping
from ncric_core.errors import StoreError
from ncric_core.store.database import rows
from ncric_core.store.locks import Lock, session_lock, try_session_lock
from ncric_core.store.names import set_mappings
from ncric_core.store.person import Person, asked_by, session_of
from ncric_core.store.restandardize import restandardize
from tests.conftest import FILE, MODEL, Store, read
from tests.pooler import pooled

ANNA = Person("anna@ncric.test", "ncric_analyst")
OLGA = Person("olga@ncric.test", "ncric_operator")
WHO = "SELECT current_user, current_setting('ncric.user'), current_setting('timezone')"


@pytest.fixture
def through(store: Store, tmp_path: Path) -> Iterator[Store]:
    with pooled(store) as other:
        yield other


@pytest.fixture
def narrow(store: Store, tmp_path: Path) -> Iterator[Store]:
    """All clients share one connection to the server."""
    with pooled(store, size=1) as other:
        yield other


def stranger(store: Store) -> tuple[object, ...]:
    """Who a client of another program is that comes through the same pooler."""
    url = store.settings.database_url
    assert url is not None
    connection = psycopg2.connect(url.get_secret_value())
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, nullif(current_setting('ncric.user', true), ''), current_setting('statement_timeout')"
            ", current_setting('synchronous_commit'), (SELECT count(*) FROM pg_class WHERE relpersistence = 't')"
        )
        (found,) = cursor.fetchall()
    connection.close()
    return tuple(found)


UNTOUCHED: tuple[object, ...] = ("postgres", None, "0", "on", 0)


def test_a_day_of_work_through_a_pooler_leaves_nothing_behind(through: Store) -> None:
    rows_ = [read(n, agencyName=f"A{n % 3}", eventTime="07:00:00" if n % 2 else "08:11:00") for n in range(60)]
    through.put(FILE.format(1), rows_)
    assert through.run().total.loaded == 60
    assert through.run(force=True).total.already_there == 60
    through.map(("A1", "Fremont PD", "BOSS4"))
    with through.database.session() as connection:
        assert [reads for _, reads in restandardize(connection, MODEL)][-1] == 20
    assert through.rows("SELECT changed_by FROM agency_name_changes") == [("tester",)]
    assert through.books().differences == []
    assert stranger(through) == UNTOUCHED


def test_two_people_on_one_connection_never_get_each_others_name_or_role(narrow: Store) -> None:
    with session_of(narrow.database, ANNA) as anna, session_of(narrow.database, OLGA) as olga:
        for _ in range(2):
            for person, connection in ((ANNA, anna), (OLGA, olga)):
                with connection:
                    assert rows(connection, WHO) == [(person.role, person.name, "UTC")]
                assert stranger(narrow) == UNTOUCHED
        with pytest.raises(psycopg2.errors.InsufficientPrivilege), anna:
            rows(anna, "SELECT plate FROM reads")
        with olga:
            assert rows(olga, WHO) == [(OLGA.role, OLGA.name, "UTC")]
    with pytest.raises(StoreError, match="took longer"), asked_by(narrow.database, ANNA, longest="50ms") as anna:
        rows(anna, "SELECT pg_sleep(10)")
    assert stranger(narrow) == UNTOUCHED
    assert narrow.rows(WHO) == [("postgres", "tester", "UTC")]


def test_times_are_utc_whatever_the_database_says(through: Store) -> None:
    through.rows("SELECT 1")
    zone = "ALTER DATABASE %I SET timezone = ''America/Los_Angeles''"
    through.execute(f"DO $$ BEGIN EXECUTE format('{zone}', current_database()); END $$")
    through.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid()"
    )
    with through.database.session() as connection:
        for _ in range(2):
            with connection:
                ((text,),) = rows(connection, "SELECT '2022-10-11 08:00+00'::timestamptz::text")
            assert text == "2022-10-11 08:00:00+00"


def test_a_change_of_names_is_booked_under_the_name_of_who_made_it(narrow: Store) -> None:
    others = replace(narrow.database, user="somebody else")
    with narrow.database.session() as mine, others.session() as theirs:
        set_mappings(mine, [NameMapping("A", "Atherton PD", "BOSS4")])
        set_mappings(theirs, [NameMapping("B", "Atherton PD", "BOSS4")])
        set_mappings(mine, [NameMapping("C", "Atherton PD", "BOSS4")])
    changes = narrow.rows("SELECT name, changed_by FROM agency_name_changes ORDER BY 1")
    assert changes == [("A", "tester"), ("B", "somebody else"), ("C", "tester")]


def test_a_lock_over_transactions_holds_through_a_pooler(through: Store) -> None:
    with through.database.session() as holder, through.database.session() as other:
        with session_lock(holder, Lock.MOVE_READS):
            with holder:
                rows(holder, "SELECT 1")
            with try_session_lock(other, Lock.MOVE_READS) as free:
                assert not free
        with try_session_lock(other, Lock.MOVE_READS) as free:
            assert free


def test_doctor_finds_a_pooler_that_is_too_narrow_for_a_run(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.cli.doctor.SERVED_WITHIN", 0.5)
    monkeypatch.setattr("ncric_core.store.interrupts.PATIENCE", 0.2)
    with pooled(store, size=2) as through:
        found = pooler(through.database)
    assert "serves 2 of the 3 transactions" in found.text
    assert "default_pool_size" in str(found.mend)


def test_doctor_names_the_mode_that_a_pooler_must_have(store: Store, tmp_path: Path) -> None:
    with pooled(store, mode="statement") as through:
        (found,) = list(_database(through.settings))
    assert "pool_mode = transaction" in str(found.mend)


def test_doctor_says_that_there_is_a_pooler(through: Store) -> None:
    first, second, *_ = _database(through.settings)
    assert first.text.endswith("(NCRIC_DATABASE_URL, through a pooler)")
    assert second.mend is None
