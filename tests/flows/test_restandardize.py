"""The flow that moves reads: progress, what moved, and how it waits for another process."""

import json
from contextlib import ExitStack
from typing import Any

import pytest
from prefect.artifacts import create_progress_artifact, update_progress_artifact

from flows import progress, restandardize
from flows.restandardize import move_reads
from flows.retry import RETRIES
from ncric_core.store.locks import Lock, session_lock
from tests.conftest import FILE, Store, read
from tests.flows.test_reads import artifacts_of, tries_of

BUSY = "reads are being moved already by another process: wait for it to end"


@pytest.fixture
def misplaced(jobs: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Loads 40 reads of Atherton and 10 of Fremont before their names are mapped."""
    monkeypatch.setattr(
        restandardize, "_restandardize", restandardize._restandardize.with_options(retry_delay_seconds=0)
    )
    jobs.put(FILE.format(1), [read(n, eventTime=f"0{n // 10}:00:00") for n in range(40)])
    jobs.put(FILE.format(2), [read(n, agencyName="FREMONT POLICE") for n in range(40, 50)])
    jobs.run()
    jobs.map(("ATHERTON POLICE DEPARTMENT", "Atherton PD", "BOSS4"), ("FREMONT POLICE", "Fremont PD", "BOSS4"))
    return jobs


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Records each progress that is told."""
    found: list[float] = []

    def spied(artifact: Any, progress: float) -> Any:
        found.append(progress)
        return update_progress_artifact(artifact, progress)

    monkeypatch.setattr(progress, "TELL_EVERY", 0.0)
    monkeypatch.setattr(progress, "update_progress_artifact", spied)
    monkeypatch.setattr("ncric_core.store.restandardize.AT_ONCE", 10)
    return found


def by_agency(store: Store) -> list[tuple[str, int]]:
    return store.rows("SELECT standardized_agency_name, count(*)::int FROM reads GROUP BY 1 ORDER BY 1")


def test_reads_are_moved_with_progress_and_the_run_says_what_moved(misplaced: Store, told: list[float]) -> None:
    state = move_reads(return_state=True)
    assert state.is_completed()
    assert by_agency(misplaced) == [("Atherton PD", 40), ("Fremont PD", 10)]
    assert misplaced.books().differences == []
    assert told == [20.0, 40.0, 60.0, 80.0, 80.0, 100.0, 100.0, 100.0]
    found = artifacts_of(state)
    assert found["progress"] == 100.0
    assert found["run-summary"] == "## restandardize\n\n**50 reads moved**, of 2 received names."
    assert json.loads(found["reads-moved"]) == [
        {
            "feed": "BOSS4",
            "received name": "ATHERTON POLICE DEPARTMENT",
            "from": "ATHERTON POLICE DEPARTMENT",
            "to": "Atherton PD",
            "reads": 40,
        },
        {
            "feed": "BOSS4",
            "received name": "FREMONT POLICE",
            "from": "FREMONT POLICE",
            "to": "Fremont PD",
            "reads": 10,
        },
    ]


def test_nothing_to_move_is_said_too(jobs: Store) -> None:
    state = move_reads(return_state=True)
    assert state.is_completed()
    assert artifacts_of(state) == {
        "progress": 100.0,
        "run-summary": "## restandardize\n\nEvery read is under its agency already.",
    }


def test_while_another_process_moves_reads_it_tries_again_and_says_so_in_the_end(
    misplaced: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with misplaced.database.session() as other, ExitStack() as held:
        held.enter_context(session_lock(other, Lock.MOVE_READS))
        state = move_reads(return_state=True)
        assert (state.is_failed(), tries_of(state)) == (True, RETRIES + 1)
        assert state.message is not None
        assert BUSY in state.message
        assert "Atherton PD" not in dict(by_agency(misplaced))

        def ends_meanwhile(*given: Any, **options: Any) -> Any:
            tries.append(1)
            if len(tries) == 2:
                held.close()
            return create_progress_artifact(*given, **options)

        tries: list[int] = []
        monkeypatch.setattr(progress, "create_progress_artifact", ends_meanwhile)
        state = move_reads(return_state=True)
    assert (state.is_completed(), tries_of(state)) == (True, 2)
    assert by_agency(misplaced) == [("Atherton PD", 40), ("Fremont PD", 10)]
