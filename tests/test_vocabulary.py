"""The words of the books: each has a meaning, and nothing but them is entered."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from ncric_core.pipeline.clean import CLOCK_AHEAD, LONGEST
from ncric_core.vocabulary import FileState, Reason, Word
from tests.conftest import FILE, Store, read

NO_READS = {
    Reason.NO_ID: read(1, LPREventID=...),
    Reason.TEMPLATE_ID: read(2, LPREventID="${read.id}"),
    Reason.BAD_DATE: read(3, eventTime="25:99:00"),
    Reason.FUTURE: read(4, eventDate="2022-10-13"),
    Reason.TOO_OLD: read(5, eventDate="2020-10-11"),
    Reason.TOO_LONG: read(6, LPRCameraName="x" * (LONGEST + 1)),
    Reason.NOT_TEXT: read(7, VehicleLicensePlateID={"ID": ["7ABC123"]}),
    Reason.NOT_OBJECT: 17,
}
"""A row for each reason that a whole file can hold."""


def test_every_reason_has_a_meaning_of_its_own() -> None:
    meanings = [reason.meaning for reason in Reason]
    assert len(set(meanings)) == len(Reason)
    assert all(len(meaning.split()) > 3 and not meaning.endswith(".") for meaning in meanings)


@pytest.mark.parametrize("words", [Reason, FileState])
def test_the_guide_of_operators_has_every_word(words: type[Word]) -> None:
    guide = (Path(__file__).parent.parent / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [word for word in words if f"\n| `{word}` | " not in guide] == []


def test_a_run_enters_the_reasons_of_the_enum_and_no_others(store: Store) -> None:
    store.put(FILE.format(1), list(NO_READS.values()))
    store.put(FILE.format(2), "<html><body>502 Bad Gateway</body></html>")
    store.put(FILE.format(3), json.dumps([read(8)])[:60])
    store.run()
    entered = "SELECT r.reason FROM rejects r JOIN source_files f ON f.id = r.file_id ORDER BY f.key, r.position"
    assert [reason for (reason,) in store.rows(entered)] == [*NO_READS, Reason.NOT_JSON, Reason.CUT_OFF]
    assert {*NO_READS, Reason.NOT_JSON, Reason.CUT_OFF} == set(Reason)


def test_future_leaves_a_day_for_clocks_that_are_ahead(store: Store) -> None:
    """The window of the file ends at 08:15 on October 11."""
    store.put(
        FILE.format(1),
        [
            read(1, eventDate="2022-10-12", eventTime="08:15:00"),
            read(2, eventDate="2022-10-12", eventTime="08:15:01"),
        ],
    )
    store.run()
    assert store.rows("SELECT position, reason FROM rejects") == [(1, Reason.FUTURE)]
    assert timedelta(days=1) == CLOCK_AHEAD
    assert Reason.FUTURE.meaning == "it was seen more than a day after the end of its file's window"


def test_not_text_means_an_object_or_a_list_where_text_is_due(store: Store) -> None:
    store.put(FILE.format(1), [read(1, eventDate=["2022-10-11"]), read(2, VehicleLicensePlateID={})])
    store.run()
    assert store.rows("SELECT reason, detail FROM rejects ORDER BY position") == [
        ("not_text", "an object or a list where text is due: eventDate"),
        ("not_text", "an object or a list where text is due: VehicleLicensePlateID"),
    ]
    assert Reason.NOT_TEXT.meaning == "an object or a list stands where text is due"
