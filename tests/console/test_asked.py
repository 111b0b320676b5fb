"""Cached answers: neither users nor questions share them."""

from typing import Any

import pytest
import streamlit as st

from console.asked import of_prefect, of_store
from console.queries import files as file_questions
from console.queries import reads as read_questions
from ncric_core.errors import StoreError
from ncric_core.jobs.prefect_api import PrefectApi
from ncric_core.store.database import Connection, rows
from ncric_core.store.files import FileFilter
from ncric_core.store.person import Person
from tests.conftest import FILE, HOUR, Store, read

ANN = Person("ann", "ncric_analyst")
OLGA = Person("olga", "ncric_operator")
OLGA_AS_ANALYST = Person("olga", "ncric_analyst")

ASKED: list[Any] = []


@of_store(seconds=600)
def whose(_connection: Connection, given: str = "") -> list[Any]:
    """Returns the user's name and role. Streamlit's cache ignores arguments that begin with `_`, but not the user."""
    ASKED.append(given)
    return list(rows(_connection, "SELECT current_setting('ncric.user'), current_user"))


@of_store(seconds=600)
def plates(connection: Connection) -> list[Any]:
    """Asks for what analysts may not see."""
    ASKED.append("plates")
    return list(rows(connection, "SELECT received FROM rejects"))


@of_prefect(seconds=600)
def jobs(api: PrefectApi, given: str = "") -> str:
    """Returns how many questions have been asked."""
    ASKED.append(given)
    return f"{given} {len(ASKED)}"


@pytest.fixture(autouse=True)
def nothing_asked(console: Store) -> None:
    ASKED.clear()


def test_each_user_has_answers_of_their_own() -> None:
    people = (ANN, OLGA, OLGA_AS_ANALYST)
    for _ in range(2):
        assert [whose(user) for user in people] == [[(user.name, user.role)] for user in people]
    assert len(ASKED) == len(people)


def test_what_an_operator_has_seen_is_not_shown_to_an_analyst(console: Store) -> None:
    console.put(FILE.format(1), [read(1, eventDate="2020-10-11")])
    console.run()
    assert len(plates(OLGA)) == 1
    for user in (ANN, OLGA_AS_ANALYST, ANN):
        with pytest.raises(StoreError, match="operator role"):
            plates(user)
    assert plates(OLGA) == plates(OLGA)
    assert ASKED == ["plates"] * 4  # a refusal is not cached


def test_an_answer_is_remembered_by_all_that_is_given() -> None:
    for _ in range(2):
        for given in ("a", "b"):
            whose(ANN, given)
    assert ASKED == ["a", "b"]
    whose(ANN, given="b")  # a keyword argument: asked once more, then cached
    whose(ANN, given="b")
    assert ASKED == ["a", "b", "b"]
    whose.clear()
    whose(ANN, "a")
    assert ASKED == ["a", "b", "b", "a"]


def test_questions_of_one_name_do_not_share_their_answers(console: Store) -> None:
    """Several modules have questions named `files` and `rejects`."""
    console.put(FILE.format(1), [read(1)])
    console.run()
    of_page, of_agency = of_store(seconds=30)(file_questions.files), of_store(seconds=30)(read_questions.files)
    theirs = of_agency(ANN, agency=1, datasource="x", end=HOUR.end, limit=1)
    assert of_page(ANN, FileFilter(), 0).columns != theirs.columns


def test_one_question_with_two_times_keeps_both() -> None:
    short, long = of_store(seconds=30)(file_questions.loads), of_store(seconds=60)(file_questions.loads)
    assert short(ANN, 1).equals(long(ANN, 1))
    assert short._function_key != long._function_key


def test_prefect_is_asked_again_by_another_user_and_after_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", state)
    assert [jobs(ANN), jobs(ANN), jobs(OLGA), jobs(OLGA, "x"), jobs(OLGA)] == [" 1", " 1", " 2", "x 3", " 2"]
    state["runs_acts"] = 1
    assert [jobs(OLGA), jobs(OLGA)] == [" 4", " 4"]


def test_all_is_forgotten_at_once() -> None:
    whose(ANN)
    st.cache_data.clear()
    whose(ANN)
    assert len(ASKED) == 2
