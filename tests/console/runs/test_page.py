"""The page "Runs": its states, who may do what, and the exact figures of the calendar."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from console import acts
from console.queries import asked_by
from console.queries.runs import calendar, files_of, files_with
from console.runs.calendar import job_for
from ncric_core.errors import StoreError
from ncric_core.jobs import state as job_states
from ncric_core.jobs.launch import Backfill
from ncric_core.jobs.prefect_api import Item, PrefectApi
from ncric_core.store.person import Person
from ncric_core.windows import Window
from tests.conftest import FILE, HOUR, Store, read

ANALYST = Person("ann", "ncric_analyst")
OPERATOR = Person("olga", "ncric_operator")
ATHERTON = "ATHERTON POLICE DEPARTMENT"


def script(name: str, operator: bool) -> None:
    """Shows the page to a person. AppTest runs this."""
    from console.runs import page  # noqa: PLC0415
    from ncric_core.store.person import Person  # noqa: PLC0415

    page.page(Person(name, "ncric_operator" if operator else "ncric_analyst"))


def opened(user: Person, **query: str) -> AppTest:
    app = AppTest.from_function(script, default_timeout=60, kwargs={"name": user.name, "operator": user.is_operator})
    app.query_params.update(query)
    app.run()
    assert not app.exception
    return app


def labels(app: AppTest) -> list[str]:
    return [one.label for one in app.button]


def texts(app: AppTest) -> str:
    return "\n".join(str(one.value) for one in [*app.markdown, *app.caption, *app.error, *app.info, *app.subheader])


@pytest.fixture
def job(api: PrefectApi) -> Item:
    """Makes a deployment with a schedule."""
    flow = api.ask("POST", "/flows/", {"name": "reads-of-a-window"}).json()["id"]
    api.ensure_pool()
    given = {
        "name": "boss4-hourly",
        "flow_id": flow,
        "description": "BOSS4, the last full hour.",
        "schedules": [{"schedule": {"cron": "10 * * * *", "timezone": "America/Los_Angeles"}, "active": True}],
        "parameters": {"feed": "boss4", "covers": "last full hour", "exclude": ["Fremont PD"]},
        "parameter_openapi_schema": {"properties": {"feed": {}, "dry_run": {}}},
    }
    return dict(api.ask("POST", "/deployments/", given).json())


def a_run(api: PrefectApi, job: Item, *states: dict[str, Any]) -> Item:
    """Makes a run of the tests' hour that has gone through these states."""
    window = {"covers": None, "start": HOUR.start.isoformat(), "end": HOUR.end.isoformat()}
    run = api.start(job["id"], window, ["rerun"])
    for state in states:
        api.ask("POST", f"/flow_runs/{run['id']}/set_state", {"state": state, "force": True})
    return dict(api.ask("GET", f"/flow_runs/{run['id']}").json())


FAILED = ({"type": "RUNNING"}, {"type": "FAILED", "name": "Failed", "message": "not loaded: Fremont PD: disk full"})


def load(store: Store) -> None:
    store.put(FILE.format(1), [read(1, agencyName=ATHERTON), read(2, agencyName=ATHERTON), read(3, agencyName="B")])
    store.run()


def test_prefect_down_is_told_with_the_way_out_and_the_calendar_is_there(
    console: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NCRIC_PREFECT_API_URL", "http://127.0.0.1:1/api")
    load(console)
    for query in ({}, {"part": "Launch"}, {"job": "boss4-hourly", "run": "x"}):
        app = opened(OPERATOR, **query)
        (told,) = [one.value for one in app.error]
        assert told.startswith("**Prefect does not answer.**")
        assert "`ncric up`" in told
        assert "Days are Pacific (America/Los_Angeles)" in texts(app)
        assert labels(app) == ["Try again"]


def test_empty_says_what_brings_jobs_and_days(api: PrefectApi) -> None:
    assert "`ncric deploy`" in opened(OPERATOR).info[0].value
    assert "No file has arrived yet." in opened(OPERATOR, part="Calendar").info[0].value
    assert "`ncric deploy`" in opened(OPERATOR, part="Launch").info[0].value


def test_all_jobs_then_a_job_then_a_run(api: PrefectApi, job: Item) -> None:
    a_run(api, job, {"type": "RUNNING"}, {"type": "COMPLETED"})
    failed = a_run(api, job, *FAILED)
    table = '[{"agency": "Fremont PD", "found": 12345, "rejected": 2}]'
    for key, kind, data in (
        ("run-summary", "markdown", "## boss4\n\n12 files."),
        ("reads-by-agency", "table", table),
        ("rejects-by-reason", "table", '[{"reason": "bad_date", "rows": 2}]'),
    ):
        api.ask("POST", "/artifacts/", {"key": key, "type": kind, "data": data, "flow_run_id": failed["id"]})

    app = opened(OPERATOR)
    assert "boss4-hourly" in labels(app)
    assert "Oct 11, 01:00–02:00 PDT" in texts(app)
    next(one for one in app.button if one.label == "boss4-hourly").click().run()
    assert app.query_params["job"] == "boss4-hourly"

    app = opened(OPERATOR, job="boss4-hourly")
    states = app.dataframe[0].value["State"].to_list()
    assert [state for state in states if state != "Scheduled"] == ["Failed", "Completed"]
    assert labels(app) == ["All jobs", "Pause the schedule", "Run it for a window …"]

    app = opened(OPERATOR, job="boss4-hourly", run=failed["id"])
    assert [one.value for one in app.error] == ["not loaded: Fremont PD: disk full"]
    assert "12 files." in texts(app)
    assert app.dataframe[0].value.to_dict("records") == [{"Agency": "Fremont PD", "Found": 12345, "Rejected": 2}]
    assert app.dataframe[1].value.to_dict("records") == [{"Reason": "bad_date", "Rows": 2}]
    assert labels(app) == ["boss4-hourly", "Retry"]


def test_a_running_one_is_shown_with_the_end_of_its_log(api: PrefectApi, job: Item) -> None:
    run = a_run(api, job, {"type": "RUNNING"})
    line = {"name": "x", "level": 20, "message": "7 files read", "timestamp": "2022-10-11T08:00:05Z"}
    api.client.post(f"{api.url}/logs/", json=[line | {"flow_run_id": run["id"]}]).raise_for_status()
    assert [one.value for one in opened(ANALYST).code] == ["01:00:05 info     7 files read"]
    assert labels(opened(OPERATOR, run=run["id"])) == ["All jobs", "Cancel this run"]


def test_a_run_that_is_gone_is_told(api: PrefectApi, job: Item) -> None:
    assert "no such run" in opened(OPERATOR, run="0be89301-e59b-45a7-8def-5d4f5733890a").warning[0].value


def around_now() -> tuple[datetime, datetime]:
    """Returns the window from an hour ago to five minutes from now."""
    now = datetime.now(UTC)
    return now - timedelta(hours=1), now + timedelta(minutes=5)


def test_analysts_see_no_button_and_the_database_refuses_them(
    api: PrefectApi, job: Item, console: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(console)
    failed = a_run(api, job, *FAILED)
    assert labels(opened(ANALYST, job="boss4-hourly")) == ["All jobs"]
    assert labels(opened(ANALYST, run=failed["id"])) == ["All jobs"]
    assert "launch_go#0" not in [one.key for one in opened(ANALYST, part="Launch").button]

    told: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", told)
    attempts: tuple[Callable[[], object], ...] = (
        lambda: acts.pause(ANALYST, job, True),
        lambda: acts.retry(ANALYST, failed),
        lambda: acts.cancel(ANALYST, failed),
        lambda: acts.start_rerun(ANALYST, job, {}, "x"),
        lambda: acts.start_backfill(ANALYST, Backfill("boss4", HOUR, 24), 1),
    )
    for attempt in attempts:
        attempt()
        assert "operator role" in told.pop("runs_told")[1]
    assert not api.deployments()[0]["paused"]
    assert len(api.runs([job["id"]], *around_now())) == 1
    assert console.rows("SELECT count(*) FROM activity") == [(0,)]


def test_pause_and_resume_leave_two_entries(api: PrefectApi, job: Item, console: Store) -> None:
    app = opened(OPERATOR, job="boss4-hourly")
    app.button(key="job_pause#0").click().run()
    assert api.deployments()[0]["paused"]
    assert app.success[0].value == "boss4-hourly is paused."
    assert app.button(key="job_pause#1").label == "Resume the schedule"
    app.button(key="job_pause#1").click().run()
    assert not api.deployments()[0]["paused"]
    assert console.rows("SELECT who, what, subject, before, after FROM activity ORDER BY id") == [
        ("olga", "job_paused", "boss4-hourly", {"paused": False}, {"paused": True}),
        ("olga", "job_resumed", "boss4-hourly", {"paused": True}, {"paused": False}),
    ]


def test_a_run_is_cancelled_and_another_retried(api: PrefectApi, job: Item, console: Store) -> None:
    waits, failed = a_run(api, job), a_run(api, job, *FAILED)
    opened(OPERATOR, run=waits["id"]).button(key="run_cancel#0").click().run()
    opened(OPERATOR, run=failed["id"]).button(key="run_retry#0").click().run()
    states = {run["id"]: run["state_name"] for run in api.latest_runs(job["id"])}
    assert states.get(failed["id"]) == "AwaitingRetry"
    assert api.ask("GET", f"/flow_runs/{waits['id']}").json()["state_name"] == "Cancelled"
    assert [what for (what,) in console.rows("SELECT what FROM activity ORDER BY id")] == [
        "run_cancelled",
        "run_retried",
    ]


def test_a_rerun_says_what_is_loaded_and_starts_as_the_command_does(api: PrefectApi, job: Item, console: Store) -> None:
    load(console)
    app = opened(OPERATOR, part="Launch")
    app.session_state["launch_start"] = datetime(2022, 10, 11, 1)  # noqa: DTZ001  # Pacific, as typed
    app.session_state["launch_end"] = datetime(2022, 10, 11, 2)  # noqa: DTZ001
    app.session_state["launch_agencies"] = [ATHERTON]
    app.run()
    assert not app.exception
    assert {one.label: one.value for one in app.metric} == {"Files known": "1", "Loaded": "1", "Not yet": "0"}
    assert "Oct 11, 01:00–02:00 PDT" in texts(app)
    app.button(key="launch_go#0").click().run()
    assert app.success[0].value.startswith(f"Launched: boss4 2022-10-11 08–09 UTC, only {ATHERTON}.")
    (run,) = [one for one in api.runs([job["id"]], around_now()[0]) if "rerun" in one["tags"]]
    given = {
        "feed": "boss4",
        "covers": None,
        "start": HOUR.start.isoformat(),
        "end": HOUR.end.isoformat(),
        "agencies": [ATHERTON],
        "exclude": [],
        "dry_run": False,
        "force": False,
    }
    assert run["parameters"] == given
    ((who, what, subject, after),) = console.rows("SELECT who, what, subject, after FROM activity")
    assert (who, what, subject) == ("olga", "rerun", "boss4-hourly")
    assert after == {name: value for name, value in given.items() if name != "feed"}


def test_agencies_are_left_out_besides_those_of_the_job_but_not_also_chosen(
    api: PrefectApi, job: Item, console: Store
) -> None:
    load(console)
    app = opened(OPERATOR, part="Launch")
    app.session_state["launch_exclude"] = [ATHERTON]
    app.run()
    app.button(key="launch_go#0").click().run()
    assert "all but Fremont PD and 1 more" in app.success[0].value
    (run,) = [one for one in api.runs([job["id"]], around_now()[0]) if "rerun" in one["tags"]]
    assert run["parameters"]["exclude"] == ["Fremont PD", ATHERTON]
    app.session_state["launch_agencies"] = [ATHERTON]
    app.run()
    assert "choose the agencies to take, or those to leave out, not both" in app.error[0].value
    assert "launch_go#0" not in [one.key for one in app.button]


def test_a_job_without_a_window_runs_as_it_is(api: PrefectApi, job: Item, console: Store) -> None:
    moving = {"name": "restandardize", "flow_id": job["flow_id"]}
    other = api.ask("POST", "/deployments/", moving).json()["id"]
    app = opened(OPERATOR, part="Launch")
    app.selectbox(key="launch_job").select("restandardize").run()
    assert "Runs as it does by itself" in texts(app)
    assert not app.toggle
    app.button(key="launch_go#0").click().run()
    run = api.next_run(other)
    assert run is not None
    assert run["parameters"] == {}


def test_a_window_that_ends_before_it_begins_is_told_and_cannot_start(api: PrefectApi, job: Item) -> None:
    app = opened(OPERATOR, part="Launch")
    app.session_state["launch_end"] = datetime(2020, 1, 1)  # noqa: DTZ001
    app.run()
    assert "is not before its end" in app.error[0].value
    assert "launch_go#0" not in [one.key for one in app.button]


def test_a_backfill_starts_a_run_a_slice_and_again_only_what_failed(
    api: PrefectApi, job: Item, console: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"name": "backfill", "flow_id": job["flow_id"], "parameters": {"feed": "boss4"}}
    pool = {"work_pool_name": api.pool, "work_queue_name": "backfill"}
    slices = api.ask("POST", "/deployments/", given | pool).json()["id"]
    monkeypatch.setattr(st, "session_state", {})
    asked = Backfill("boss4", Window(HOUR.start, HOUR.start + timedelta(hours=5)), 2)
    for _ in "ab":
        acts.start_backfill(OPERATOR, asked, 2)
    assert sorted(run["parameters"]["end"] for run in api.tagged(asked.tag)) == [
        f"2022-10-11T{hour}:00:00+00:00" for hour in (10, 12, 13)
    ]
    assert {run["deployment_id"] for run in api.tagged(asked.tag)} == {slices}
    assert console.rows("SELECT what, subject, after ->> 'hours' FROM activity") == [("backfill", asked.title, "2")] * 2
    assert asked.stop(api) == 3


@pytest.fixture
def begun(api: PrefectApi, job: Item) -> Backfill:
    """Launches a backfill of three slices: one is loaded, one failed, one waits."""
    given = {"name": "backfill", "flow_id": job["flow_id"]}
    api.ask("POST", "/deployments/", given | {"work_pool_name": api.pool, "work_queue_name": "backfill"})
    asked = Backfill("boss4", Window(HOUR.start, HOUR.start + timedelta(hours=6)), 2)
    loaded, failed, _ = asked.launch(api, 2)
    for run, kind in ((loaded, "COMPLETED"), (failed, "FAILED")):
        api.ask("POST", f"/flow_runs/{run['id']}/set_state", {"state": {"type": kind}, "force": True})
    return asked


def test_a_backfill_is_stopped_as_a_whole_and_goes_on(api: PrefectApi, begun: Backfill, console: Store) -> None:
    app = opened(ANALYST)
    title = "boss4 2022-10-11 08–14 UTC, 2 h"
    told = f"**{title}**: 1 of 3 slices are loaded, 1 wait or run, 1 failed or were cancelled."
    assert app.get("progress")[0].proto.text == told
    assert not {"Stop", "Go on"} & set(labels(app))

    app = opened(OPERATOR)
    next(one for one in app.button if one.label == "Stop").click().run()
    assert app.success[0].value == f"Stopped: {title}. What it loaded is kept."
    states = [run["state_type"] for run in api.tagged(begun.tag)]
    assert sorted(states) == ["CANCELLED", "COMPLETED", "FAILED"]
    assert "Stop" not in labels(app)

    next(one for one in app.button if one.label == "Go on").click().run()
    assert app.get("progress")[0].proto.text == f"**{title}**: 1 of 3 slices are loaded, 2 wait or run."
    runs = api.tagged(begun.tag)
    assert len(runs) == 5
    assert [run["name"] for run in runs if run["state_type"] == "SCHEDULED"] == [
        "boss4 2022-10-11 10–12 UTC",
        "boss4 2022-10-11 12–14 UTC",
    ]
    assert console.rows("SELECT who, what, subject FROM activity ORDER BY id") == [
        ("olga", "backfill_stopped", title),
        ("olga", "backfill_resumed", title),
    ]


def test_a_dry_run_of_a_backfill_is_another_one(begun: Backfill) -> None:
    dry = Backfill(begun.feed, begun.whole, begun.hours, dry_run=True)
    assert dry.tag != begun.tag
    assert dry.title == "boss4 2022-10-11 08–14 UTC, dry run"


def test_a_run_that_did_not_begin_in_time_is_late(api: PrefectApi, job: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    due = datetime.now(UTC) - timedelta(minutes=20)
    api.ask("PATCH", f"/deployments/{job['id']}", {"paused": True})  # Prefect plans none of its own
    api.ask("PATCH", f"/deployments/{job['id']}", {"paused": False})
    state = {"type": "SCHEDULED", "name": "Late", "state_details": {"scheduled_time": due.isoformat()}}
    api.ask("POST", f"/deployments/{job['id']}/create_flow_run", {"state": state})
    assert not [one for one in opened(ANALYST).warning if "Late" in one.value]  # it was launched just now
    st.cache_data.clear()
    monkeypatch.setattr(job_states, "LATE", timedelta(0))
    app = opened(ANALYST)
    assert app.warning[0].value.startswith("**Late:** boss4-hourly. If nothing begins within a few minutes")
    assert any(":red-badge[:material/schedule: late]" in str(one.value) for one in app.markdown)
    assert any("late]" in str(one.value) for one in opened(ANALYST, job="boss4-hourly").markdown)


# The tests' hour is October 11, 01:00 to 02:00 in Pacific time.
DAY = date(2022, 10, 11)


def cells(user: Person, first: date = DAY, last: date = DAY) -> dict[tuple[str, date], dict[str, Any]]:
    with asked_by(user) as connection:
        found = calendar(connection, first, last)
    return {(one["agency"], one["day"]): one for one in found.iter_rows(named=True)}


def test_the_calendar_has_every_agency_and_day_with_its_state(console: Store) -> None:
    load(console)
    late = "boss4/READS_x_2022-10-12_06-50-00_2022-10-12_06-59-00_2.json"  # 23:59 on the same day in Pacific time
    console.put(late, [read(4, agencyName=ATHERTON)])
    console.put("boss4/READS_x_2022-10-12_06-59-00_2022-10-12_07-00-00_3.json", [read(5, agencyName="B")])
    console.run("files-catchup", window=None)
    console.execute("UPDATE loads SET done_at = NULL, loaded = 0, error = 'disk full' WHERE agency_name = 'B'")
    found = cells(ANALYST, DAY, DAY + timedelta(days=1))
    figures = ("state", "feeds", "found", "loaded", "waiting", "hours_lacking")
    assert {key: tuple(one[name] for name in figures) for key, one in found.items()} == {
        (ATHERTON, DAY): ("partial", "BOSS4", 3, 3, 0, 22),
        (ATHERTON, DAY + timedelta(days=1)): ("empty", "BOSS4", 0, 0, 0, 0),
        ("B", DAY): ("failed", "BOSS4", 1, 0, 1, 22),
        ("B", DAY + timedelta(days=1)): ("failed", "BOSS4", 1, 0, 1, 0),
    }

    with asked_by(ANALYST) as connection:
        assert [files_with(connection, agency, DAY) for agency in (ATHERTON, "B", "C")] == [2, 1, 0]


def test_the_calendar_sorts_as_people_do_with_unmapped_names_below(console: Store) -> None:
    console.map(*((name, name, "BOSS4") for name in ("ACS", "Alameda PD", "alameda county", "Zamora PD")))
    names = ("Zamora PD", "Mystery", "alameda county", "ACS", "Alameda PD", "a mystery")
    console.put(FILE.format(1), [read(n, agencyName=name) for n, name in enumerate(names)])
    console.run()
    assert [(agency, one["unmapped"]) for (agency, _), one in cells(ANALYST).items()] == [
        ("ACS", False),
        ("alameda county", False),
        ("Alameda PD", False),
        ("Zamora PD", False),
        ("a mystery", True),
        ("Mystery", True),
    ]


def test_a_day_is_complete_when_its_feed_came_every_hour_and_all_is_loaded(console: Store) -> None:
    whole = "boss4/READS_x_2022-10-11_07-00-00_2022-10-12_06-59-59_{}.json"
    console.put(whole.format(1), [read(1, agencyName=ATHERTON)])
    console.run("files-catchup", window=None)
    assert cells(ANALYST)[ATHERTON, DAY]["state"] == "complete"
    console.execute("UPDATE source_files SET found = NULL")
    assert cells(ANALYST)[ATHERTON, DAY]["state"] == "partial"
    console.execute("UPDATE source_files SET found = 1")
    console.execute("UPDATE loads SET done_at = NULL, loaded = 0")
    found = cells(ANALYST)[ATHERTON, DAY]
    assert (found["state"], found["waiting"]) == ("partial", 1)


def test_hours_after_the_newest_file_are_still_to_come(console: Store) -> None:
    console.put("boss4/READS_x_2022-10-11_07-00-00_2022-10-11_09-30-00_1.json", [read(1, agencyName=ATHERTON)])
    console.run("files-catchup", window=None)
    assert cells(ANALYST)[ATHERTON, DAY]["hours_lacking"] == 0
    assert cells(ANALYST)[ATHERTON, DAY]["state"] == "complete"


def test_files_of_a_window_loaded_for_the_agencies_of_a_job(console: Store) -> None:
    console.put(FILE.format(1), [read(1, agencyName=ATHERTON), read(2, agencyName="Fremont PD")])
    console.put(FILE.format(2), [read(3, agencyName=ATHERTON)])
    console.run(exclude=("Fremont PD",))
    with asked_by(ANALYST) as connection:
        asked = [([], []), ([], ["Fremont PD"]), (["Fremont PD"], []), ([ATHERTON], [])]
        found = [files_of(connection, "BOSS4", HOUR, *one) for one in asked]
        other = files_of(connection, "SCSO", HOUR, [], [])
    assert [(one.files, one.loaded, one.rows_found) for one in found] == [(2, 1, 3), (2, 2, 3), (2, 1, 3), (2, 2, 3)]
    assert other.files == 0


def test_the_job_for_a_day_takes_the_agency_by_itself_if_one_does(console: Store) -> None:
    def job(name: str, covers: str, **given: list[str]) -> Item:
        return {"name": name, "parameters": {"feed": "boss4", "covers": covers, **given}}

    jobs = [
        job("hourly", "last full hour", exclude=["Fremont PD"]),
        job("hourly-fremont", "last full hour", agencies=["Fremont PD"]),
        job("daily", "day before yesterday", exclude=["Fremont PD"]),
        {"name": "backfill", "parameters": {"feed": "boss4"}},
        {"name": "freshness", "parameters": {}},
    ]
    assert job_for(jobs, "BOSS4", "Fremont PD") == "hourly-fremont"
    assert job_for(jobs, "BOSS4", "Atherton PD") == "daily"
    assert job_for(jobs, "SCSO", "Atherton PD") is None


def test_a_database_that_is_down_is_told_in_words(
    api: PrefectApi, job: Item, console: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NCRIC_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    for part in ("Calendar", "Launch"):
        assert "cannot be reached" in opened(OPERATOR, part=part).error[0].value
    with pytest.raises(StoreError):
        cells(OPERATOR)
