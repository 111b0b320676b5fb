"""The page "Agency names": its states, who may do what, and the changes that edits and files make."""

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from console.names.files import changes_to
from console.names.table import changes_of
from console.queries.names import MAPPINGS
from ncric_core.agencies import NameMapping
from ncric_core.store.name_changes import NameChange
from ncric_core.store.person import Person
from tests.conftest import FILE, Store, read

ATHERTON = "ATHERTON POLICE DEPARTMENT"
ANALYST = Person("ann", "ncric_analyst")
OPERATOR = Person("olga", "ncric_operator")


def script(name: str, operator: bool) -> None:
    """Shows the page to a person. AppTest runs this."""
    from console.names import page  # noqa: PLC0415
    from ncric_core.store.person import Person  # noqa: PLC0415

    page.page(Person(name, "ncric_operator" if operator else "ncric_analyst"))


def opened(user: Person, **query: str) -> AppTest:
    app = AppTest.from_function(script, default_timeout=30, kwargs={"name": user.name, "operator": user.is_operator})
    app.query_params.update(query)
    app.run()
    assert not app.exception
    return app


def load(store: Store) -> None:
    store.put(
        FILE.format(1), [read(1, agencyName=ATHERTON), read(2, agencyName=ATHERTON), read(3, agencyName="Fremont PD")]
    )
    store.run()


def test_empty_inbox_says_what_comes_here(console: Store) -> None:
    app = opened(OPERATOR)
    assert [one.value for one in app.info] == [
        "**No name waits.** A name never seen before appears here with its first reads, which are kept under it."
    ]


def test_one_click_accepts_a_suggestion_and_without_prefect_the_way_out_is_told(
    console: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    load(console)
    app = opened(OPERATOR)
    (button,) = [one for one in app.button if one.label == "Atherton PD"]
    button.click().run()
    assert not app.exception
    (told,) = [one.value for one in app.success]
    assert told.startswith(f"Saved: {ATHERTON}. 2 reads have to move, but no run could be started")
    assert "`ncric agencies restandardize`" in told
    assert console.rows("SELECT name, standardized_agency_name FROM standardized_agency_names") == [
        (ATHERTON, "Atherton PD")
    ]
    assert console.rows("SELECT who, what, subject FROM activity") == [("olga", "names_changed", ATHERTON)]
    assert console.rows("SELECT changed_by FROM agency_name_changes") == [("olga",)]


def test_a_name_without_a_suggestion_becomes_an_agency_of_its_own_in_one_click(console: Store) -> None:
    console.put(FILE.format(1), [read(1, agencyName="Zephyr Toll Road"), read(2, agencyName="Zephyr Toll Road")])
    console.run()
    own = "SELECT name, unmapped FROM agencies WHERE name LIKE 'Zephyr%'"
    assert console.rows(own) == [("Zephyr Toll Road", True)]
    app = opened(OPERATOR)
    next(one for one in app.button if one.label == "An agency of its own").click().run()
    assert [one.value for one in app.success] == ["Saved: Zephyr Toll Road. No read has to move."]
    assert "No name waits." in app.info[0].value
    assert console.rows(own) == [("Zephyr Toll Road", False)]
    assert console.rows("SELECT datasource, name, standardized_agency_name FROM standardized_agency_names") == [
        ("BOSS4", "Zephyr Toll Road", "Zephyr Toll Road")
    ]


def test_the_keys_of_the_inbox_are_for_one_name_and_can_be_led_to_the_next(console: Store) -> None:
    load(console)
    console.put(FILE.format(2), [read(4, agencyName="Zephyr Toll Road")])
    console.run()

    def keys(app: AppTest) -> dict[str, str]:
        return {one.label: one.proto.shortcut for one in app.button if one.proto.shortcut}

    def press(app: AppTest, label: str) -> None:
        next(one for one in app.button if one.label == label).click().run()

    walk = {"Next name": "j", "Name before": "k"}
    app = opened(OPERATOR)
    assert keys(app) == walk
    press(app, "Next name")
    assert keys(app) == walk | {"Atherton PD": "1", "Another …": "a"}
    press(app, "Next name")
    assert keys(app) == walk | {"An agency of its own": "1", "Another …": "a"}
    press(app, "Name before")
    press(app, "Atherton PD")
    assert keys(app) == walk  # "1" pressed twice does not map the next name, unread
    press(app, "Next name")
    assert keys(app) == walk | {"An agency of its own": "1", "Another …": "a"}


def test_an_undo_that_the_database_refuses_is_told_in_words(console: Store) -> None:
    console.map((ATHERTON, "Atherton PD", "BOSS4"))
    app = opened(OPERATOR, part="History")
    assert len(app.dataframe[0].value) == 1
    told = AppTest.from_function(undo_of_nothing, default_timeout=30).run()
    assert not told.exception
    assert [one.value for one in told.error] == ["there is no change 12345 of names"]


def undo_of_nothing() -> None:
    """Undoes a change that the history does not have. AppTest runs this."""
    from console.names import page  # noqa: PLC0415
    from ncric_core.store.person import Person  # noqa: PLC0415

    page._undo(Person("olga", "ncric_operator"), 12345)


def test_analysts_see_what_waits_and_change_nothing(console: Store) -> None:
    load(console)
    app = opened(ANALYST)
    assert "**1** names wait, with 2 reads" in [one.value for one in app.markdown]
    assert "may be: Atherton PD" in [one.value for one in app.caption]
    assert [one.label for one in app.button] == []
    for part in ("Name table", "History", "Import and export"):
        assert [one.label for one in opened(ANALYST, part=part).button] == []


def test_a_database_that_is_down_is_told_in_words(console: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCRIC_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    app = opened(OPERATOR)
    assert any("cannot be reached" in one.value for one in app.error)


def test_unknown_part_of_a_link_is_the_inbox(console: Store) -> None:
    assert opened(OPERATOR, part="nonsense").query_params["part"] in ("Inbox", ["Inbox"])


SHOWN = pl.DataFrame(
    [("BOSS4", "A", "Atherton PD"), ("BOSS4", "B", "Fremont PD"), ("SCSO", "C", "Benicia PD")],
    schema=MAPPINGS,
    orient="row",
)


def test_edits_of_the_table_are_changes() -> None:
    edited = {
        "edited_rows": {1: {"Agency": "Novato PD"}, 2: {"Received name": "D"}},
        "deleted_rows": [0],
        "added_rows": [{"Feed": "BOSS4", "Received name": "E", "Agency": "Albany PD"}, {"Feed": "BOSS4"}],
    }
    assert changes_of(SHOWN, edited) == [
        NameChange("BOSS4", "A", "Atherton PD", None),
        NameChange("BOSS4", "B", "Fremont PD", "Novato PD"),
        NameChange("SCSO", "C", "Benicia PD", None),
        NameChange("SCSO", "D", None, "Benicia PD"),
        NameChange("BOSS4", "E", None, "Albany PD"),
    ]


def test_row_that_is_deleted_and_added_again_is_one_change_or_none() -> None:
    again = {"Feed": "BOSS4", "Received name": "A", "Agency": "Albany PD"}
    assert changes_of(SHOWN, {"deleted_rows": [0], "added_rows": [again]}) == [
        NameChange("BOSS4", "A", "Atherton PD", "Albany PD")
    ]
    assert changes_of(SHOWN, {"deleted_rows": [0], "added_rows": [again | {"Agency": "Atherton PD"}]}) == []


def test_a_file_changes_what_it_says_otherwise_and_adds_what_is_new() -> None:
    present = [NameMapping("A", "Atherton PD", "BOSS4"), NameMapping("B", "Fremont PD", "BOSS4")]
    wanted = [
        NameMapping("a ", "Atherton PD", "BOSS4"),
        NameMapping("B", "Novato PD", "BOSS4"),
        NameMapping("B", "X PD", "SCSO"),
    ]
    assert changes_to(present, wanted) == [
        NameChange("BOSS4", "B", "Fremont PD", "Novato PD"),
        NameChange("SCSO", "B", None, "X PD"),
    ]
