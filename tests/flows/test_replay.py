"""The flow that replays rejects: all, those of a reason, single ones; what was loaded and what failed again."""

import json
from typing import Any

import pytest
from prefect.exceptions import ParameterTypeError

from flows import replay as module
from flows.replay import RejectId, replay_rejects
from ncric_core.errors import StoreError
from ncric_core.pipeline.replay import replay
from tests.conftest import FILE, Store, read
from tests.flows.test_reads import artifacts_of, tries_of


@pytest.fixture
def rejected(jobs: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Loads a file of five rows: one read, two that are too old until the setting is changed, a bad date, no id."""
    old = {"eventDate": "2020-10-11"}
    jobs.put(
        FILE.format(1),
        [read(1), read(2, **old), read(3, **old), read(4, eventDate="soon"), read(5) | {"LPREventID": None}],
    )
    jobs.run()
    assert reasons(jobs) == ["bad_date", "no_id", "too_old", "too_old"]
    monkeypatch.setenv("NCRIC_KEEP_DAYS", "1000")
    return jobs


def reasons(store: Store) -> list[str]:
    return [why for (why,) in store.rows("SELECT reason FROM rejects WHERE replayed_at IS NULL ORDER BY reason")]


def test_all_rejects_are_run_again_and_the_rest_is_told_by_reason(rejected: Store) -> None:
    state = replay_rejects(return_state=True)
    assert state.is_completed()
    assert rejected.rows("SELECT count(*) FROM reads") == [(3,)]
    assert reasons(rejected) == ["bad_date", "no_id"]
    assert rejected.books().differences == []
    found = artifacts_of(state)
    assert found["run-summary"] == (
        "## replay-rejects\n\n4 rejects run again: 2 loaded, 0 already there, 2 rejects still."
    )
    assert sorted(json.loads(found["rejects-by-reason"]), key=str) == [
        {"reason": "bad_date", "rejects": 1},
        {"reason": "no_id", "rejects": 1},
    ]


def test_those_of_a_reason_of_a_file_or_single_ones(rejected: Store) -> None:
    assert "1 rejects run again: 0 loaded" in artifacts_of(replay_rejects("bad_date", return_state=True))["run-summary"]
    elsewhere = artifacts_of(replay_rejects(file="no such file", return_state=True))
    assert elsewhere == {
        "run-summary": "## replay-rejects\n\n0 rejects run again: 0 loaded, 0 already there, 0 rejects still.",
        "progress": 100.0,
    }
    ((file_id,),) = rejected.rows("SELECT DISTINCT file_id FROM rejects")
    chosen = [RejectId(file_id=file_id, position=2), RejectId(file_id=file_id + 1, position=1)]
    state = replay_rejects(rejects=chosen, return_state=True)
    assert "1 rejects run again: 1 loaded" in artifacts_of(state)["run-summary"]
    assert rejected.rows("SELECT plate FROM reads ORDER BY 1") == [("7ABC001",), ("7ABC003",)]
    assert "0 rejects run again" in artifacts_of(replay_rejects(rejects=[], return_state=True))["run-summary"]
    assert reasons(rejected) == ["bad_date", "no_id", "too_old"]


def test_a_read_that_is_in_the_store_by_now_is_told_as_already_there(rejected: Store) -> None:
    again = {"eventDate": "2020-10-11"}
    rejected.with_settings(keep_days=1000).put(FILE.format(2), [read(2, **again)])
    rejected.with_settings(keep_days=1000).run()
    state = replay_rejects("too_old", return_state=True)
    assert "2 rejects run again: 1 loaded, 1 already there, 0 rejects still" in artifacts_of(state)["run-summary"]
    assert rejected.books().differences == []


def test_what_can_pass_is_tried_again(rejected: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = iter([StoreError("the database is gone", passing=True)])

    def flaky(*given: Any) -> Any:
        for failure in failures:
            raise failure
        return replay(*given)

    monkeypatch.setattr(module, "replay", flaky)
    monkeypatch.setattr(module, "_replay", module._replay.with_options(retry_delay_seconds=0))
    state = replay_rejects(return_state=True)
    assert (state.is_completed(), tries_of(state)) == (True, 2)


def test_single_ones_are_given_as_json_too_and_checked(rejected: Store) -> None:
    ((file_id,),) = rejected.rows("SELECT DISTINCT file_id FROM rejects")
    given: Any = [{"file_id": file_id, "position": 1}]
    assert replay_rejects(rejects=given, return_state=True).is_completed()
    assert rejected.rows("SELECT count(*) FROM reads") == [(2,)]
    wrong: Any = [{"file_id": "first"}]
    with pytest.raises(ParameterTypeError, match="file_id"):
        replay_rejects(rejects=wrong)
