"""The page "Runs" in a browser, on the whole of `ncric up`: a rerun to its end, a paused schedule, no Prefect."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.console.browser import running_console
from tests.console.whole import button, put
from tests.flows.running_up import RunningUp, until
from tests.sources.files.lpr_files import read

DAY = datetime(2022, 10, 11, 7, tzinfo=UTC)  # midnight in Pacific time


def rows(whole: RunningUp, query: str) -> list[dict[str, object]]:
    return list(json.loads(whole.ncric("sql", query, "--format", "json").stdout))


def entries(whole: RunningUp, *kinds: str) -> list[tuple[object, object]]:
    found = rows(whole, "SELECT what, subject FROM activity ORDER BY id")
    return [(one["what"], one["subject"]) for one in found if one["what"] in kinds]


def fill(page: Page, label: str, digits: str) -> None:
    """Types a day and a time of day into one of Streamlit's fields, part by part."""
    page.get_by_label(label, exact=True).get_by_role("spinbutton").first.click()
    page.keyboard.type(digits)
    page.keyboard.press("Escape")  # closes the calendar that opens with it
    page.get_by_role("heading", name="Runs").click()


def test_a_rerun_is_launched_and_watched_to_its_end(whole: RunningUp, person: Page) -> None:
    reads = [read(n, LPREventID=f"w{n}", eventTime="08:05:00", agencyName="Atherton PD") for n in range(4)]
    put(whole, "w", reads, DAY + timedelta(hours=1, minutes=10))
    person.goto("/runs?part=Launch")
    person.get_by_text("Before it starts").wait_for()
    fill(person, "From (Pacific time)", "202210110100")
    expect(person.get_by_text("Oct 11, 01:00 –")).to_be_visible()  # drawn anew, which would take digits away
    fill(person, "Until (Pacific time)", "202210110200")
    expect(person.get_by_text("Oct 11, 01:00–02:00 PDT")).to_be_visible()
    button(person, "Start").click()
    expect(person.get_by_text("Launched: boss4 2022-10-11 08–09 UTC")).to_be_visible()

    def done() -> bool:
        found = rows(whole, "SELECT count(*) AS n FROM reads WHERE vehicle_record_id LIKE 'w%'")
        return found == [{"n": 4}]

    until(done)
    with whole.prefect() as api:
        (job,) = [one["id"] for one in api.deployments() if one["name"] == "boss4-hourly"]
        (run,) = [one["id"] for one in api.latest_runs(job) if "rerun" in one["tags"]]
    person.goto(f"/runs?job=boss4-hourly&run={run}")
    expect(person.get_by_text("Completed").first).to_be_visible()
    expect(person.get_by_text("Reads for each agency")).to_be_visible()
    assert entries(whole, "rerun") == [("rerun", "boss4-hourly")]


def test_a_schedule_is_paused_and_resumed(whole: RunningUp, person: Page) -> None:
    person.goto("/runs?job=scso-hourly")
    person.get_by_role("button", name="Pause the schedule").click()
    expect(person.get_by_text("scso-hourly is paused.")).to_be_visible()

    def paused() -> bool:
        with whole.prefect() as api:
            return next(bool(one["paused"]) for one in api.deployments() if one["name"] == "scso-hourly")

    assert paused()
    person.get_by_role("button", name="Resume the schedule").click()
    expect(person.get_by_text("scso-hourly goes on by its schedule.")).to_be_visible()
    assert not paused()
    assert entries(whole, "job_paused", "job_resumed") == [
        ("job_paused", "scso-hourly"),
        ("job_resumed", "scso-hourly"),
    ]


def test_without_prefect_the_page_says_so_and_the_others_work(
    whole: RunningUp, browser: Browser, tmp_path: Path
) -> None:
    database = (whole.folder / "database.ready").read_text()
    settings = {
        "NCRIC_DATABASE_URL": database,
        "NCRIC_BUCKET": str(whole.folder / "bucket"),
        "NCRIC_PREFECT_API_URL": "http://127.0.0.1:9/api",
    }
    with running_console(tmp_path, settings) as url:
        page = browser.new_page()
        page.goto(f"{url}/runs")
        expect(page.get_by_text("Prefect does not answer.")).to_be_visible()
        expect(page.get_by_text("Reads that are loaded stay as they are")).to_be_visible()
        for path, title in (("reads", "Reads"), ("names", "Agency names"), ("files", "Files and rejects")):
            page.goto(f"{url}/{path}")
            expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
            expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)
        page.close()


def test_a_backfill_is_stopped_as_a_whole(whole: RunningUp, person: Page) -> None:
    start = DAY - timedelta(days=30)
    given = ("--start", start.isoformat(), "--end", (start + timedelta(hours=30)).isoformat(), "--hours", "1")
    launched = whole.ncric("backfill", "boss4", *given, "--at-once", "1", "--exclude-agency", "Fremont PD", "--no-wait")
    assert launched.returncode == 0, launched.stderr
    person.goto("/runs")
    person.get_by_role("button", name="Stop", exact=True).click()
    expect(person.get_by_text("What it loaded is kept.")).to_be_visible()
    ((what, subject),) = entries(whole, "backfill_stopped")
    assert (what, str(subject).startswith("boss4 2022-09-11 07–2022-09-12 13 UTC, all but Fremont PD")) == (
        "backfill_stopped",
        True,
    )
