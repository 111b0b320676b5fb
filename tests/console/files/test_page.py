"""The page "Files and rejects": its states, who may see what, a replay, and the exact numbers of its questions."""

from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from console.files import bucket
from console.queries import alarms as alarm_queries
from console.queries import asked_by
from console.queries import files as queries
from console.queries import rejects as reject_queries
from ncric_core.errors import StoreError
from ncric_core.jobs.prefect_api import PrefectApi
from ncric_core.store.alarms import end_alarm, raise_alarm
from ncric_core.store.files import FileFilter
from ncric_core.store.person import Person
from ncric_core.store.rejects import RejectFilter
from tests.conftest import FILE, Store, read
from tests.store.test_files import load_two_feeds

ANALYST = Person("ann", "ncric_analyst")
OPERATOR = Person("olga", "ncric_operator")


def filled(store: Store) -> None:
    """Loads two files of BOSS4 (a read twice, three rejects) and one of SCSO. Puts one more into the bucket only."""
    load_two_feeds(store)
    store.put(FILE.format(9), [read(9)])


def script(name: str, operator: bool) -> None:
    """Shows the page to a person. AppTest runs this."""
    from console.files import page  # noqa: PLC0415
    from ncric_core.store.person import Person  # noqa: PLC0415

    page.page(Person(name, "ncric_operator" if operator else "ncric_analyst"))


def opened(user: Person, **query: str) -> AppTest:
    app = AppTest.from_function(script, default_timeout=30, kwargs={"name": user.name, "operator": user.is_operator})
    app.query_params.update(query)
    return app.run()


def text_of(app: AppTest) -> str:
    """Returns all text of the page."""
    assert not app.exception
    kinds = ("markdown", "caption", "info", "error", "success", "text")
    return "\n".join(str(getattr(one, "value", "")) for kind in kinds for one in app.get(kind))


def tables(app: AppTest) -> list[dict[Any, Any]]:
    return [table.value.to_dict("list") for table in app.dataframe]


def test_an_empty_store_says_what_to_do_next(console: Store) -> None:
    words = text_of(opened(OPERATOR))
    assert "No file has been read yet." in words
    assert "ncric run files-catchup" in words
    assert "There are no rejects." in text_of(opened(OPERATOR, tab="Rejects"))
    assert "No alarm was ever raised here." in text_of(opened(ANALYST, tab="Alarms"))


def test_the_ledger_stands_beside_the_bucket(console: Store) -> None:
    filled(console)
    app = opened(ANALYST)
    words = text_of(app)
    for shown in ("**8**", "**4**", "**1**", "**3**"):  # found = loaded + already there + rejected
        assert shown in words
    assert "In the bucket: 4 files; 1 of them not read yet" in app.expander[0].label
    new, ledger = tables(app)
    assert new["key"] == [FILE.format(9)]
    assert ledger["found"] == [1, 3, 4]
    assert ledger["arrived"] == ["Oct 11, 01:10–01:15 PDT"] * 3


def test_photos_that_cannot_be_read_are_not_among_the_photos(console: Store) -> None:
    console.put(FILE.format(1), [read(1, LPRVehiclePlatePhoto="%%%"), read(2)])
    console.run()
    shown = [one.value for one in opened(ANALYST).markdown if "photos" in one.value.lower()]
    assert shown == [":small[:gray[Photos]]  \n**0**", ":small[:gray[Unreadable photos]]  \n**1**"]
    words = text_of(opened(ANALYST, file=FILE.format(1)))
    assert "0 photos and 1 unreadable ones" in words


def test_a_file_that_a_run_has_begun_is_not_called_unread(console: Store) -> None:
    filled(console)
    console.execute("UPDATE source_files SET found = NULL WHERE key = %(key)s", {"key": FILE.format(1)})
    new, ledger = tables(opened(ANALYST))
    assert new["key"] == [FILE.format(9)]
    assert sorted(ledger["state"]) == ["begun", "done", "done"]


def test_one_file_is_shown_by_its_link_and_looked_into_by_operators_only(console: Store) -> None:
    filled(console)
    app = opened(OPERATOR, file=FILE.format(1))
    assert "4 rows found = 2 loaded + 0 already there + 2 rejected + 0 waiting" in text_of(app)
    assert tables(app)[-1]["received_name"] == ["ATHERTON POLICE DEPARTMENT"]
    app.number_input[0].set_value(1)
    app.button[-1].click().run()
    assert '"VehicleLicensePlateID": "7ABC002"' in app.code[0].value
    seen = opened(ANALYST, file=FILE.format(1))
    assert not seen.number_input
    assert "ledger does not know this file" in text_of(opened(ANALYST, file=FILE.format(9)))


def test_a_bucket_that_cannot_be_read_leaves_the_ledger(console: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(console)
    monkeypatch.setenv("NCRIC_BUCKET", "/nowhere")
    app = opened(ANALYST)
    assert "the bucket /nowhere is no folder" in text_of(app)
    assert tables(app)[0]["found"] == [1, 3, 4]


def test_a_slow_bucket_holds_nobody_up(console: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(console)
    listed = Event()
    monkeypatch.setattr(bucket, "SOON", 0)
    monkeypatch.setattr(bucket, "find_files", lambda *_, **__: [listed.wait(20)][:0])
    app = opened(ANALYST)
    assert "Listing the bucket …" in text_of(app)
    assert tables(app)[0]["found"] == [1, 3, 4]
    listed.set()
    monkeypatch.setattr(bucket, "SOON", 5)
    assert "In the bucket: 0 files, and the ledger has every one of them." in text_of(app.run())


def test_a_listing_without_end_is_ended_in_words(console: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(console)
    monkeypatch.setattr(bucket, "PATIENCE", -1)
    app = opened(ANALYST)
    assert "the ledger alone is shown" in text_of(app)
    assert tables(app)[0]["found"] == [1, 3, 4]


def test_a_database_that_is_down_is_told_in_words(console: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCRIC_DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:9/nothing")
    for tab in ("Files", "Rejects", "Alarms"):
        words = text_of(opened(OPERATOR, tab=tab))
        assert "the database cannot be reached" in words
        assert "secret" not in words


def test_links_choose_tab_search_feed_and_reason(console: Store) -> None:
    filled(console)
    app = opened(ANALYST, tab="Files", search="_2.json")
    assert tables(app)[-1]["key"] == [FILE.format(2)]
    app = opened(ANALYST, tab="Rejects", reason="too_old", search="_1.json")
    by_reason, found = tables(app)
    assert (by_reason["reason"], by_reason["rejects"]) == (["no_id", "too_old"], [1, 1])
    assert (found["reason"], found["key"]) == (["too_old"], [FILE.format(1)])
    assert "No file is like this." in text_of(opened(ANALYST, state="failed"))


def test_rows_as_received_are_for_operators_and_the_database_refuses_others(console: Store) -> None:
    filled(console)
    [_, found] = tables(opened(ANALYST, tab="Rejects"))
    assert "received" not in found
    [_, found] = tables(opened(OPERATOR, tab="Rejects"))
    assert all("7ABC" in row for row in found["received"])
    with pytest.raises(StoreError, match="ask an administrator"), asked_by(ANALYST) as connection:
        reject_queries.received(connection, [(1, 2)])


def activity(store: Store) -> list[tuple[Any, ...]]:
    return list(store.rows("SELECT who, what, subject, after FROM activity ORDER BY id"))


def test_who_looks_at_rows_as_received_is_in_the_activity_once_for_the_same_rows(console: Store) -> None:
    filled(console)
    opened(ANALYST, tab="Rejects")
    assert activity(console) == []
    app = opened(OPERATOR, tab="Rejects", reason="no_id")
    app.run()
    ((file_id,),) = console.rows("SELECT id FROM source_files WHERE key = %s", (FILE.format(1),))
    entry = ("olga", "rows_seen", f"1 rejects of {FILE.format(1)}", {"rows": [[file_id, 3]]})
    assert activity(console) == [entry]
    app.selectbox(key="reason").select("too_old").run()
    assert [subject for _, _, subject, _ in activity(console)] == [
        f"1 rejects of {FILE.format(1)}",
        f"2 rejects of {FILE.format(2)}, {FILE.format(1)}",
    ]


def test_what_cannot_be_entered_in_the_activity_is_not_shown(console: Store) -> None:
    filled(console)
    console.execute("ALTER TABLE activity ADD CHECK (what <> 'rows_seen')")
    app = opened(OPERATOR, tab="Rejects")
    assert len(tables(app)) == 1  # the table of reasons
    assert "the database refuses: check violation" in text_of(app)
    app = opened(OPERATOR, file=FILE.format(1))
    app.button[-1].click().run()
    assert not app.code
    assert "the database refuses" in text_of(app)


def test_a_row_of_a_file_is_shown_after_its_entry(console: Store) -> None:
    filled(console)
    app = opened(OPERATOR, file=FILE.format(1))
    next(one for one in app.button if one.label == "Show the row as received").click().run()
    assert "7ABC001" in app.code[0].value
    assert activity(console) == [("olga", "rows_seen", f"row 0 of {FILE.format(1)}", None)]


@pytest.fixture
def replaying(api: PrefectApi) -> str:
    """Makes the deployment that replays rejects. No worker runs it."""
    flow = api.ask("POST", "/flows/", {"name": "replay-rejects"}).json()["id"]
    return str(api.ask("POST", "/deployments/", {"name": "replay-rejects", "flow_id": flow}).json()["id"])


def test_a_replay_is_a_run_that_is_followed_to_its_end(console: Store, api: PrefectApi, replaying: str) -> None:
    filled(console)
    app = opened(OPERATOR, tab="Rejects", reason="too_old")
    app.button(key="replay-all#0").click().run()
    [run] = [api.next_run(replaying)]
    assert run is not None
    assert (run["parameters"], run["tags"]) == ({"reason": "too_old", "file": None}, ["console"])
    assert activity(console)[-1] == ("olga", "replay", "rejects: too_old", {"reason": "too_old", "file": None})
    app.run()
    assert "The rejects wait for a worker" in app.get("progress")[0].proto.text

    progress = {"key": "progress", "type": "progress", "data": 40.0, "flow_run_id": run["id"]}
    api.ask("POST", "/artifacts/", progress)
    app.run()
    bar = app.get("progress")[0].proto
    assert (bar.value, bar.text) == (40, "The rejects are run again.")

    console.execute("UPDATE rejects SET replayed_at = now() WHERE reason = 'too_old'")  # as a replay does
    done = {"key": "run-summary", "type": "markdown", "flow_run_id": run["id"]}
    api.ask("POST", "/artifacts/", {**done, "data": "## replay-rejects\n\n2 rejects run again: 2 loaded."})
    api.ask("POST", f"/flow_runs/{run['id']}/set_state", {"state": {"type": "COMPLETED"}, "force": True})
    app.run()
    assert "2 rejects run again: 2 loaded." in text_of(app)
    assert not app.get("progress")
    assert tables(app)[0]["reason"] == ["no_id"]


def test_a_replay_that_fails_says_why(console: Store, api: PrefectApi, replaying: str) -> None:
    filled(console)
    app = opened(OPERATOR, tab="Rejects", reason="too_old")
    app.button(key="replay-all#0").click().run()
    run = api.next_run(replaying)
    assert run is not None
    state = {"type": "FAILED", "message": "the database is gone"}
    api.ask("POST", f"/flow_runs/{run['id']}/set_state", {"state": state, "force": True})
    app.run()
    assert "The run ended as Failed (the database is gone); what it loaded stays" in text_of(app)


def test_without_prefect_the_page_says_how_to_replay(console: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCRIC_PREFECT_API_URL", "http://127.0.0.1:9/api")
    filled(console)
    app = opened(OPERATOR, tab="Rejects", reason="too_old")
    app.button(key="replay-all#0").click().run()
    assert "No run could be started" in text_of(app)
    assert "run `ncric rejects replay` instead" in text_of(app)
    assert "replay" not in {what for _, what, _, _ in activity(console)}


def test_an_analyst_has_no_replay(console: Store) -> None:
    filled(console)
    app = opened(ANALYST, tab="Rejects", reason="too_old")
    assert not app.button
    assert activity(console) == []


def test_pages_of_the_ledger_are_of_a_hundred(console: Store) -> None:
    console.execute(
        """
        INSERT INTO source_files (datasource, key, version, size, last_modified, window_start, window_end, found)
        SELECT 'BOSS4', 'boss4/' || n, 'v', 1, t, t - interval '1 minute', t, 0
        FROM (SELECT n, timestamptz '2022-10-11' + n * interval '1 minute' AS t FROM generate_series(1, 250) n) x
        """
    )
    with asked_by(ANALYST) as connection:
        pages = [queries.files(connection, FileFilter(), page)["key"].to_list() for page in range(4)]
    assert [len(page) for page in pages] == [100, 100, 50, 0]
    assert (pages[0][0], pages[2][-1]) == ("boss4/250", "boss4/1")
    app = opened(ANALYST)
    app.button(key="ledger-Older").click().run()
    assert "101 to 200 of 250 files" in text_of(app)


def test_alarms_that_last_and_are_over_say_who_was_told(console: Store) -> None:
    began = datetime.now(UTC) - timedelta(hours=3)
    with console.database.transaction() as connection:
        raise_alarm(connection, "silent", "feed", "BOSS4", "feed BOSS4: no reads", at=began, datasource="BOSS4")
        raise_alarm(connection, "run_failed", "deployment", "scso-hourly", "the run failed", at=began)
        end_alarm(connection, "run_failed", "deployment", "scso-hourly", at=began + timedelta(hours=2))
        raise_alarm(connection, "overdue", "deployment", "flock-pull", "it takes long", at=began - timedelta(hours=1))
        raise_alarm(connection, "drop", "feed", "SCSO", "few reads", at=began - timedelta(hours=2))
    console.execute(
        """
        INSERT INTO alarm_deliveries (alarm, event, way)
        SELECT id, 'begin', way
        FROM alarms
        JOIN (VALUES ('silent', '2 json'), ('silent', '1 mailto'), ('silent', NULL), ('overdue', '1 mailto'),
                     ('drop', NULL)) AS v (kind, way) USING (kind)
        """
    )
    lasting, over = tables(opened(ANALYST, tab="Alarms"))
    assert lasting["message"] == ["feed BOSS4: no reads", "it takes long", "few reads"]
    assert lasting["lasted"] == ["3 h", "4 h", "5 h"]
    assert lasting["told"] == ["begin: 1 mailto, 2 json", "begin: 1 mailto so far", "nobody"]
    assert (over["kind"], over["lasted"], over["told"]) == (["run_failed"], ["2 h"], ["not yet"])
    with asked_by(ANALYST) as connection:
        assert alarm_queries.alarm_counts(connection, "BOSS4").rows() == [("silent", 1, 0)]


def test_reasons_count_what_is_chosen(console: Store) -> None:
    filled(console)
    with asked_by(ANALYST) as connection:
        counted = reject_queries.reasons(connection, RejectFilter(feed="BOSS4"))
        assert counted.select("reason", "rejects").rows() == [("too_old", 2), ("no_id", 1)]
        assert reject_queries.reasons(connection, RejectFilter(feed="SCSO")).is_empty()
        found = reject_queries.rejects(connection, RejectFilter("too_old", "_2.json"), 0)
    assert found.select("position", "key", "received_name").rows() == [
        (2, FILE.format(2), "ATHERTON POLICE DEPARTMENT")
    ]
