"""The console in a browser, on the whole of `ncric up`: a replay of rejects that the page follows, and a row of the
name table that two people edit at once."""

import csv
import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from tests.console.whole import button, put
from tests.flows.running_up import RunningUp, ncric
from tests.sources.files.lpr_files import read


def asked(whole: RunningUp, query: str) -> list[list[str]]:
    return list(csv.reader(whole.ncric("sql", query, "--format", "csv").stdout.splitlines()))[1:]


def load_with_old_reads(whole: RunningUp) -> None:
    """Loads a file with a good read, one without id, and two of ten days ago, while reads are kept for a day only."""
    now = datetime.now(UTC)
    today, then = f"{now:%Y-%m-%d}", f"{now - timedelta(days=10):%Y-%m-%d}"
    at = {"eventTime": f"{now:%H:%M:%S}", "agencyName": "LARKSPUR POLICE"}
    days = (today, today, then, then)
    reads = [read(n, LPREventID=f"old{n}", eventDate=day, **at) for n, day in enumerate(days)]
    reads[1]["LPREventID"] = None
    put(whole, "old", reads)
    done = ncric(whole.environment | {"NCRIC_KEEP_DAYS": "1"}, "run", "files-catchup")
    assert done.returncode == 0, done.stderr


def expect_books(page: Page, *, loaded: int, rejected: int) -> None:
    """Checks the books that the tab "Files" shows for that file."""
    page.goto("/files?search=old_")
    for label, figure in (("= loaded", loaded), ("+ rejected", rejected)):
        shown = page.get_by_test_id("stMarkdown").filter(has_text=label)
        expect(shown).to_have_text(re.compile(rf"^{re.escape(label)}\s*{figure}$"))


def test_all_rejects_of_a_reason_are_run_again_while_the_page_shows_how_far_it_is(
    whole: RunningUp, person: Page
) -> None:
    load_with_old_reads(whole)
    expect_books(person, loaded=1, rejected=3)
    person.goto("/files?tab=Rejects&search=old_")
    reasons = person.get_by_test_id("stDataFrame").first
    expect(reasons.get_by_test_id("glide-cell-0-0")).to_have_text("too_old")
    expect(reasons.get_by_test_id("glide-cell-1-0")).to_have_text("2")
    person.goto("/files?tab=Rejects&search=old_&reason=too_old")
    person.get_by_role("button", name="Run all 2 too_old again").click()
    expect(person.get_by_text(re.compile("The rejects (wait for a worker|are run again)"))).to_be_visible()
    expect(person.get_by_role("button", name="Run all 2 too_old again")).to_be_disabled()

    expect(person.get_by_text("2 rejects run again: 2 loaded, 0 already there, 0 rejects still.")).to_be_visible()
    expect(reasons.get_by_test_id("glide-cell-0-0")).to_have_text("no_id")
    expect_books(person, loaded=3, rejected=1)
    received = "SELECT count(*) FROM reads WHERE agency_name = 'LARKSPUR POLICE'"
    assert asked(whole, received) == [["3"]]
    assert whole.ncric("reconcile").returncode == 0
    entries = "SELECT what, subject FROM activity WHERE what IN ('rows_seen', 'replay') ORDER BY id"
    found = [what for what, _ in asked(whole, entries)]
    assert ["replay", "rejects: too_old of old_"] in asked(whole, entries)
    assert found.index("rows_seen") < found.index("replay")


def edit(page: Page, name: str, agency: str) -> None:
    """Types an agency into a name's row of the table."""
    page.goto("/names?part=Name table")
    page.get_by_role("textbox", name="Search").fill(name)
    page.get_by_role("textbox", name="Search").press("Enter")
    table = page.get_by_test_id("stDataFrame")
    expect(table.get_by_test_id("glide-cell-2-0")).to_have_text(name)
    expect(table.get_by_test_id("glide-cell-2-1")).to_have_count(0)
    size = table.bounding_box()
    assert size is not None
    table.click(position={"x": size["width"] - 60, "y": 52})  # a canvas: its cells cannot be clicked as elements
    page.keyboard.press("Enter")
    page.locator(".gdg-input").fill(agency)
    page.keyboard.press("Enter")
    expect(table.get_by_test_id("glide-cell-3-0")).to_have_text(agency)
    page.get_by_role("button", name="Review 1 changes").click()
    expect(page.get_by_text("1 changes to save")).to_be_visible()


def test_two_people_edit_one_row_in_place_and_neither_edit_is_lost(
    whole: RunningUp, person: Page, colleague: Page
) -> None:
    name = "TIBURON POLICE"
    assert whole.ncric("agencies", "map", name, "Tiburon PD", "--datasource", "BOSS4").returncode == 0
    edit(person, name, "Belvedere PD")
    edit(colleague, name, "Mill Valley PD")
    button(colleague, "Save").click()
    expect(colleague.get_by_text(f"Saved: {name}")).to_be_visible()

    button(person, "Save").click()
    expect(person.get_by_text("somebody else has changed these names in between")).to_be_visible()
    sides = person.get_by_test_id("stDataFrame").filter(has_text="Theirs, saved")
    for column, shown in enumerate(("BOSS4", name, "Mill Valley PD", "Belvedere PD")):
        expect(sides.get_by_test_id(f"glide-cell-{column}-0")).to_have_text(shown)
    mapping = f"SELECT standardized_agency_name FROM standardized_agency_names WHERE name = '{name}'"  # noqa: S608
    assert asked(whole, mapping) == [["Mill Valley PD"]]
    button(person, "Save").click()  # having seen theirs
    expect(person.get_by_text(f"Saved: {name}")).to_be_visible()
    assert asked(whole, mapping) == [["Belvedere PD"]]
    history = f"SELECT before, after FROM agency_name_changes WHERE name = '{name}' ORDER BY id"  # noqa: S608
    assert asked(whole, history) == [
        ["", "Tiburon PD"],
        ["Tiburon PD", "Mill Valley PD"],
        ["Mill Valley PD", "Belvedere PD"],
    ]
