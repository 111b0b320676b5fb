"""Agency names in a browser, on the whole of `ncric up`: accepted, moved by a run, undone; two people at once."""

import time
from pathlib import Path

from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as TooLate

from tests.console.whole import WAIT, button, by_agency, load
from tests.flows.running_up import RunningUp

ATHERTON = "ATHERTON POLICE DEPARTMENT"
ASKED = "SELECT who, what, subject FROM activity WHERE what = 'names_changed' ORDER BY id"


def upload(page: Page, csv: Path) -> None:
    page.goto("/names?part=Import and export")
    page.locator("input[type=file]").set_input_files(csv)
    page.get_by_role("button", name="Review 1 changes").click()


def press(page: Page, key: str, outcome: Locator) -> None:
    """Presses a button's key until the outcome is there, as a person would.

    Streamlit binds a key only after the browser has painted its button (in a passive effect of React): a test that
    sees the button in the DOM may press before that, which nobody with eyes can. Such a press is lost. One too many
    does nothing, because a button acts once.
    """
    deadline = time.monotonic() + WAIT / 1000
    while time.monotonic() < deadline:
        page.keyboard.press(key)
        try:
            outcome.wait_for(timeout=WAIT / 10)
        except TooLate:
            continue
        return
    expect(outcome).to_be_visible()


def test_accepted_suggestion_moves_the_reads_by_a_run_and_can_be_undone(whole: RunningUp, person: Page) -> None:
    load(whole, "a", ATHERTON, 3)
    assert by_agency(whole, ATHERTON) == {ATHERTON: 3}
    person.goto("/names")
    person.get_by_role("button", name="Atherton PD", exact=False).click()
    expect(person.get_by_text("3 reads are moving by a run")).to_be_visible()
    expect(person.get_by_text("3 reads have moved")).to_be_visible()
    assert by_agency(whole, ATHERTON) == {"Atherton PD": 3}

    person.goto("/names?part=History")
    person.get_by_test_id("stDataFrame").click(position={"x": 18, "y": 52})
    person.get_by_role("button", name="Undo the chosen change").click()
    expect(person.get_by_text("Saved: ATHERTON POLICE DEPARTMENT")).to_be_visible()
    entries = whole.ncric("sql", ASKED, "--format", "csv").stdout
    assert entries.splitlines()[1:] == [f"tester (local administrator),names_changed,{ATHERTON}"] * 2


def test_two_people_change_one_name_at_once_and_neither_edit_is_lost(
    whole: RunningUp, person: Page, colleague: Page, tmp_path: Path
) -> None:
    mine, theirs = tmp_path / "mine.csv", tmp_path / "theirs.csv"
    header = "ol.name,standardized_agency_name,ol.datasource\n"
    mine.write_text(f"{header}ALBANY POLICE,Albany PD,BOSS4\n")
    theirs.write_text(f"{header}ALBANY POLICE,Alameda PD,BOSS4\n")
    upload(person, mine)
    expect(person.get_by_text("1 changes to save")).to_be_visible()
    upload(colleague, theirs)
    expect(button(colleague, "Save")).to_be_visible()
    press(colleague, "Control+Enter", colleague.get_by_text("Saved: ALBANY POLICE"))  # the button's key

    button(person, "Save").click()
    expect(person.get_by_text("somebody else has changed these names in between")).to_be_visible()
    mapping = "SELECT standardized_agency_name FROM standardized_agency_names WHERE name = 'ALBANY POLICE'"
    assert "Alameda PD" in whole.ncric("sql", mapping, "--format", "csv").stdout
    button(person, "Save").dblclick()  # having seen theirs; acts once
    expect(button(person, "Save")).to_have_count(0)
    expect(person.get_by_text("somebody else")).to_have_count(0)
    assert "Albany PD" in whole.ncric("sql", mapping, "--format", "csv").stdout
    saved = "SELECT count(*) FROM activity WHERE what = 'names_changed' AND subject = 'ALBANY POLICE'"
    assert whole.ncric("sql", saved, "--format", "csv").stdout == "count\n2\n"
