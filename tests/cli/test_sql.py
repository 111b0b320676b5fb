"""`ncric sql`: whatever it is asked, it writes nothing; and its answers are what PostgreSQL writes."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import FILE, Command, Store, read
from tests.flows.running_up import until

TYPES = {
    "plate": "'A,\"B'",
    "backslash": "'a\\b'",
    "blank": "''",
    "nothing": "NULL::text",
    "lines": "E'a\\nb'",
    "whole": "-9007199254740993",
    "sum": "sum(1.10::numeric)",
    "large": "1e40::numeric + 0.1",
    "nan": "'NaN'::float8",
    "infinite": "'-infinity'::timestamptz",
    "moment": "'2022-10-11 08:00:01+00'::timestamptz",
    "midnight": "'24:00'::time",
    "later": "'10000-01-01'::date",
    "span": "'-1 day 02:00'::interval",
    "bytes": "'\\xdeadbeef'::bytea",
    "object": '\'{"b": 1.0, "a": null}\'::jsonb',
    "list": "ARRAY['x y', NULL, '\"']",
    "row": "ROW(1, 'a b')",
    "truth": "true",
    "place": "point(1, -2)",
}
QUERY = "SELECT " + ", ".join(f'{value} AS "{name}"' for name, value in TYPES.items())


def copied(store: Store, query: str) -> str:
    """Returns what COPY writes for a query."""
    text = io.StringIO()
    with store.database.transaction() as connection, connection.cursor() as cursor:
        cursor.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)", text)
    return text.getvalue()


def test_csv_is_what_copy_writes_for_every_type(ncric: Command, store: Store) -> None:
    assert ncric("sql", QUERY, "--format", "csv").out == copied(store, QUERY)


def test_json_is_what_row_to_json_writes_for_every_type(ncric: Command, store: Store) -> None:
    ((expected,),) = store.rows(f"SELECT row_to_json(r)::text FROM ({QUERY}) r")  # noqa: S608
    assert ncric("sql", QUERY, "--format", "json").out == f"[{expected}]\n"
    assert '"sum":1.10,' in expected
    assert '"nan":"NaN",' in expected


def test_a_table_shows_what_postgresql_writes(ncric: Command, store: Store) -> None:
    lines = ncric("sql", "SELECT 1234 AS n, 'a  b' AS t, '24:00'::time AS m UNION ALL SELECT -5, E'c\\nd', NULL").out
    assert lines.splitlines() == ["   n  t     m", "1234  a  b  24:00:00", "  -5  c\\nd"]


def test_columns_of_one_name_keep_their_values(ncric: Command, store: Store) -> None:
    query = "SELECT 1 AS n, 2.50 AS n, 3 AS n_2, 'x' AS n"
    assert ncric("sql", query, "--format", "csv").out == "n,n,n_2,n\n1,2.50,3,x\n"
    assert json.loads(ncric("sql", query, "--format", "json").out) == [{"n": 1, "n_3": 2.5, "n_2": 3, "n_4": "x"}]
    assert ncric("sql", query).out == "n  n     n_2  n\n1  2.50    3  x\n"


@pytest.mark.parametrize(
    ("query", "csv", "as_json", "table"),
    [
        ("SELECT 1 AS n WHERE false", "n\n", "[]", "no rows\n"),
        ("SELECT", "\n\n", "[{}]", "\n"),
        ("SELECT NULL AS n", "n\n\n", '[{"n":null}]', "n\n\n"),
        ("VALUES (1, 'a'), (2, 'b')", "column1,column2\n1,a\n2,b\n", None, None),
        ("SHOW timezone", "TimeZone\nUTC\n", '[{"TimeZone":"UTC"}]', "TimeZone\nUTC\n"),
        ("WITH a AS (SELECT 1 AS n) TABLE a;", "n\n1\n", '[{"n":1}]', "n\n1\n"),
        ("EXPLAIN (COSTS off) SELECT 1", "QUERY PLAN\nResult\n", None, None),
        ("SELECT '50%' AS \"%s\" -- %(x)s", "%s\n50%\n", '[{"%s":"50%"}]', "%s\n50%\n"),
    ],
)
def test_every_statement_that_gives_rows_is_answered(  # noqa: PLR0917  # pytest passes them by name
    ncric: Command, store: Store, query: str, csv: str, as_json: str | None, table: str | None
) -> None:
    assert ncric("sql", query, "--format", "csv").out == csv
    found = ncric("sql", query, "--format", "json").out
    assert isinstance(json.loads(found), list)
    assert as_json is None or found == as_json + "\n"
    assert table is None or ncric("sql", query).out == table


def test_who_asks_is_told_what_is_wrong_with_a_value(ncric: Command, store: Store) -> None:
    told = ncric("sql", "SELECT 'abc'::integer")
    assert (told.status, told.out) == (1, "")
    assert told.err == 'ncric: the database refuses: invalid input syntax for type integer: "abc"\n'


def test_many_rows_come_in_blocks(ncric: Command, store: Store) -> None:
    query = "SELECT i AS n, repeat('x', i / 1000) AS t FROM generate_series(1, 2500) i"
    texts = ('""', "x", "xx")
    expected = [f"{i},{texts[i // 1000]}" for i in range(1, 2501)]
    assert ncric("sql", query, "--format", "csv").out.splitlines()[1:] == expected
    assert [one["n"] for one in json.loads(ncric("sql", query, "--format", "json").out)] == list(range(1, 2501))
    lines = ncric("sql", query).out.splitlines()
    assert (len(lines), lines[0].split(), lines[-1].split()) == (2501, ["n", "t"], ["2500", "xx"])


WRITING = [
    "COMMIT; DELETE FROM agencies; SELECT 1",
    "SET TRANSACTION READ WRITE; DELETE FROM agencies",
    "SET TRANSACTION READ WRITE",
    "SELECT set_config('transaction_read_only', 'off', true); DELETE FROM agencies",
    "SELECT set_config('transaction_read_only', 'off', true)",
    "SELECT set_config('role', 'none', true)",
    "SELECT set_config('session_authorization', current_setting('ncric.user'), true)",
    "DELETE FROM agencies",
    "DELETE FROM agencies RETURNING name",
    "WITH gone AS (DELETE FROM agencies RETURNING 1) SELECT * FROM gone",
    "SELECT * FROM agencies FOR UPDATE",
    "SELECT 1 AS n INTO made",
    "CREATE TABLE made (n int)",
    "DO $$BEGIN DELETE FROM agencies; END$$",
    "SELECT lo_create(0)",
    "SELECT query_to_xml('DELETE FROM agencies', true, true, '')",
    "SELECT query_to_xml('SELECT pg_read_file(''/etc/hostname'')', true, true, '')",
    "SELECT query_to_xml('SELECT set_config(''role'', ''none'', true), pg_ls_dir(''.'')', true, true, '')",
    "SELECT pg_read_file('/etc/hostname')",
    "SELECT pg_ls_dir('.')",
    "SELECT lo_import('/etc/hostname')",
    "COPY agencies TO PROGRAM 'cat'",
    "COPY (SELECT 1) TO '/tmp/made'",
    "COPY agencies FROM '/etc/hostname'",
    "SELECT rolpassword FROM pg_authid",
    "SELECT nextval('agencies_id_seq')",
    "SELECT pg_temp.ask('SELECT 1')",
    "",
    "SELECT 1; SELECT 2",
    "SELEC 1",
]


@pytest.mark.parametrize("query", WRITING)
def test_nothing_can_be_written_and_no_file_read(ncric: Command, store: Store, query: str) -> None:
    before = store.everything()
    done = ncric("sql", query, "--format", "csv")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("ncric: ")
    assert done.err.count("\n") == 1
    assert store.everything() == before
    assert store.rows("SELECT to_regclass('made')") == [(None,)]


def test_a_query_has_no_rights_over_other_sessions_and_leaves_nothing_behind(ncric: Command, store: Store) -> None:
    with store.database.session() as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        ((pid,),) = cursor.fetchall()
        assert "denied" in ncric("sql", f"SELECT pg_terminate_backend({pid})").err
        cursor.execute("SELECT 1")
    ncric("sql", "SELECT pg_notify('a', 'b'), set_config('statement_timeout', '1', false)")
    assert store.rows("SELECT count(*) FROM pg_proc WHERE pronamespace::regnamespace::text LIKE 'pg_temp%'") == [(0,)]


def test_one_statement_is_said_so(ncric: Command, store: Store) -> None:
    assert ncric("sql", "SELECT 1; SELECT 2").err == (
        "ncric: that is not one question (cannot open multi-query plan as cursor): give a single SELECT, WITH, VALUES, "
        "TABLE, SHOW or EXPLAIN; it is asked in a read-only transaction\n"
    )


def test_whatever_the_store_makes_can_be_asked(ncric: Command, store: Store) -> None:
    store.put(FILE.format(1), [read(1)])
    store.run()  # makes a partition, and the view of a new agency
    names = store.rows(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') "
        "AND NOT relispartition"
    )
    query = "SELECT " + ", ".join(f'(SELECT count(*) FROM "{name}") AS "{name}"' for (name,) in names)  # noqa: S608
    (counts,) = json.loads(ncric("sql", query, "--format", "json").out)
    assert counts["reads"] == counts["NCRICVehicleRecordsATHERTONPOLICEDEPARTMENT"] == 1


@pytest.mark.parametrize(
    "query",
    [
        "SELECT pg_sleep(60)",
        "SELECT set_config('statement_timeout', '0', false), pg_sleep(0.002) FROM generate_series(1, 1000000)",
    ],
)
def test_an_answer_has_a_time_limit_that_it_cannot_lift(ncric: Command, store: Store, query: str) -> None:
    done = ncric("sql", query, "--longest", "1")
    assert (done.status, done.err) == (
        1,
        "ncric: the answer took longer than 1 s: ask for less, or allow more time\n",
    )


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_query_does_not_change_how_its_answer_is_read(ncric: Command, store: Store, encoding: str) -> None:
    query = f"SELECT set_config('client_encoding', '{encoding}', false) AS e, 'Sheriff’s – é' AS name"
    assert ncric("sql", query, "--format", "csv").out == f"e,name\n{encoding},Sheriff’s – é\n"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_question_on_the_server(store: Store, tmp_path: Path, number: signal.Signals) -> None:
    asking = """
        SELECT pid
        FROM pg_stat_activity
        WHERE state = 'active' AND query LIKE '%%pg_sleep(60)%%' AND pid <> pg_backend_pid()
    """
    command = subprocess.Popen(
        [sys.executable, "-c", "from ncric_core.cli import main; main()", "sql", "SELECT pg_sleep(60)"],
        env=os.environ | store.environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=_heed_ctrl_c,  # noqa: PLW1509  # no threads here
    )
    with command:
        until(lambda: store.rows(asking, ()) != [], 30)
        command.send_signal(number)
        out, err = command.communicate(timeout=30)
        assert (out, b"Traceback" in err) == (b"", False)
        until(lambda: store.rows(asking, ()) == [], 30)


def _heed_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored where tests run in the background
