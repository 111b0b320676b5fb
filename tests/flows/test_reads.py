"""The flows that load reads, with a real Prefect server: windows, names, artifacts, states, retries."""

from datetime import UTC, datetime
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    TaskRunFilter,
    TaskRunFilterFlowRunId,
)
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import ParameterTypeError
from prefect.runtime import flow_run

from flows import reads
from flows.reads import load_what_is_left, load_window
from ncric_core.errors import AgencyError, StoreError
from ncric_core.jobs.named import Covers
from ncric_core.pipeline.integrate import integrate
from tests.conftest import FILE, Store, read
from tests.e2e.test_trouble import FAILING

START, END = datetime(2022, 10, 11, 8, tzinfo=UTC), datetime(2022, 10, 11, 9, tzinfo=UTC)


def run_of(state: State[Any]) -> FlowRun:
    assert state.state_details.flow_run_id is not None
    with get_client(sync_client=True) as client:
        return client.read_flow_run(state.state_details.flow_run_id)


def artifacts_of(state: State[Any]) -> dict[str, Any]:
    of_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id]))
    with get_client(sync_client=True) as client:
        return {one.key: one.data for one in client.read_artifacts(artifact_filter=of_run) if one.key}


def tries_of(state: State[Any]) -> int:
    of_run = TaskRunFilter(flow_run_id=TaskRunFilterFlowRunId(any_=[state.state_details.flow_run_id]))
    with get_client(sync_client=True) as client:
        return sum(run.run_count for run in client.read_task_runs(task_run_filter=of_run))


def test_a_window_is_loaded_and_the_run_says_what_of_each_agency(jobs: Store) -> None:
    jobs.map(("ATHERTON POLICE DEPARTMENT", "Atherton PD", "BOSS4"))
    jobs.put(FILE.format(1), [read(1), read(2), read(2), read(3, agencyName="Fremont PD"), {"LPREventID": None}])
    state = load_window("boss4", start=START, end=END, exclude=["Fremont PD"], return_state=True)
    assert state.is_completed()
    assert run_of(state).name == "boss4 2022-10-11 08–09 UTC, all but Fremont PD"
    assert jobs.rows("SELECT standardized_agency_name, count(*) FROM reads GROUP BY 1") == [("Atherton PD", 2)]
    found = artifacts_of(state)
    assert '"agency": "Atherton PD", "found": 3, "loaded": 2, "already there": 1' in found["reads-by-agency"]
    assert '"reason": "no_id", "rows": 1' in found["rejects-by-reason"]
    assert "5 rows found = 2 loaded + 1 already there + 1 rejected + 1 waiting" in found["run-summary"]


def test_the_window_comes_from_the_scheduled_time_however_late_the_run_starts(
    jobs: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduled = datetime(2022, 10, 11, 9, 10, tzinfo=UTC)
    monkeypatch.setitem(flow_run.FIELDS, "scheduled_start_time", lambda: scheduled)
    jobs.put(FILE.format(1), [read(1)])
    state = load_window("boss4", covers=Covers.LAST_HOUR, return_state=True)
    assert run_of(state).name == "boss4 2022-10-11 08–09 UTC"
    assert jobs.rows("SELECT count(*) FROM reads") == [(1,)]


def test_one_failed_agency_fails_the_run_and_is_named_and_the_catch_up_takes_its_reads(jobs: Store) -> None:
    jobs.put(FILE.format(1), [read(1), read(2, agencyName="Broken PD")])
    jobs.execute(FAILING)
    state = load_window("boss4", start=START, end=END, return_state=True)
    assert state.is_failed()
    assert state.message is not None
    assert "Broken PD" in state.message
    assert "this agency is broken" in state.message
    assert jobs.rows("SELECT count(*) FROM reads") == [(1,)]
    assert "Broken PD" in artifacts_of(state)["run-summary"]

    jobs.execute("DROP TRIGGER refuse ON vehicle_records")
    assert load_what_is_left(return_state=True).is_completed()
    assert jobs.rows("SELECT count(*) FROM reads") == [(2,)]


def test_a_dry_run_loads_nothing(jobs: Store) -> None:
    jobs.put(FILE.format(1), [read(1)])
    state = load_window("boss4", start=START, end=END, dry_run=True, return_state=True)
    assert run_of(state).name.endswith(", dry run")
    assert jobs.rows("SELECT count(*) FROM reads") == [(0,)]


def test_what_can_pass_is_tried_again_and_what_cannot_is_not(jobs: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs.put(FILE.format(1), [read(1)])
    failures = iter([StoreError("the database is gone", passing=True)])

    def flaky(*given: Any) -> Any:
        for failure in failures:
            raise failure
        return integrate(*given)

    monkeypatch.setattr(reads, "integrate", flaky)
    monkeypatch.setattr(reads, "_integrate", reads._integrate.with_options(retry_delay_seconds=0))
    state = load_window("boss4", start=START, end=END, return_state=True)
    assert (state.is_completed(), tries_of(state)) == (True, 2)

    state = load_window("boss4", start=START, end=END, agencies=["Nowhere PD"], return_state=True)
    assert (state.is_failed(), tries_of(state)) == (True, 1)
    with pytest.raises(AgencyError, match="Nowhere PD"):
        state.result()


def test_parameters_are_checked_before_anything_is_done(jobs: Store) -> None:
    with pytest.raises(ParameterTypeError, match="timezone"):
        load_window("boss4", start=datetime(2022, 10, 11, 8), end=END)  # noqa: DTZ001
    with pytest.raises(ParameterTypeError, match="covers"):
        load_window("boss4", covers="yesterday")  # type: ignore[call-overload]
    assert load_window("boss4", start=START, return_state=True).is_failed()
