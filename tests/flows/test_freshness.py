"""The flow `freshness`: silence and failures are told once when they begin, and once when they end."""

from collections.abc import Iterator

import pytest
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL

from flows.freshness import look_for_silence
from tests.alarms.test_freshness import NOW, ago, fill, silence
from tests.alarms.test_notify import Hook, serve
from tests.conftest import Store
from tests.flows.test_reads import run_of


@pytest.fixture
def hook() -> Iterator[Hook]:
    yield from serve()


@pytest.fixture
def told(jobs: Store, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> Hook:
    """Makes a webhook that the flow tells of alarms. The flow judges as of the time of tests/alarms."""
    monkeypatch.setenv("NCRIC_NOTIFY_URLS", hook.url)
    monkeypatch.setenv("NCRIC_PREFECT_API_URL", PREFECT_API_URL.value())
    monkeypatch.setitem(flow_run.FIELDS, "scheduled_start_time", lambda: NOW)
    return hook


def test_a_silent_camera_is_told_once(jobs: Store, told: Hook) -> None:
    fill(jobs)
    (camera,) = jobs.rows("SELECT min(camera_id) FROM read_counts WHERE datasource = 'BOSS4'")[0]
    silence(jobs, camera, ago(6), NOW)
    for _ in range(2):
        state = look_for_silence(return_state=True)
        assert state.is_completed()
    assert run_of(state).name == f"freshness {NOW:%Y-%m-%d %H:%M} UTC"
    (message,) = told.sent
    assert camera in message["message"]
    assert jobs.rows("SELECT kind, scope, camera_id FROM alarms WHERE ended_at IS NULL") == [
        ("silent", "camera", camera)
    ]


def test_a_message_that_was_not_taken_fails_the_run_and_is_sent_by_the_next(jobs: Store, told: Hook) -> None:
    fill(jobs)
    silence(jobs, "BOSS4%", ago(6), NOW)
    told.works = False
    once = look_for_silence.with_options(retries=0)
    state = once(return_state=True)
    assert state.is_failed()
    assert state.message is not None
    assert "a message was not taken: URL 1 (json)" in state.message
    assert "hunter2" not in state.message

    told.works = True
    assert once(return_state=True).is_completed()
    assert len(told.sent) == 1
