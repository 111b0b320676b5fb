"""What a run writes down of names: its log and its summary."""

import logging

import pytest

import flows  # noqa: F401  # its import makes logs safe
from flows.report import _summary
from ncric_core.pipeline.outcome import Outcome


@pytest.mark.parametrize("logger", ["prefect.flow_runs", "prefect.task_runs"])
def test_a_name_forges_no_line_of_a_runs_log(
    logger: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = logging.getLogger(logger)
    monkeypatch.setattr(log, "handlers", [caplog.handler])  # Prefect's own needs a run
    log.warning("names never seen: %s", "a\n10:00:00 INFO fine\x1b[2J")
    assert "names never seen: a\\n10:00:00 INFO fine\\x1b[2J" in caplog.messages


def test_names_are_text_in_a_runs_summary() -> None:
    name = "![x](http://evil.example/i.png)\n# b"
    outcome = Outcome(new_agencies=[name], failed_agencies={name: name}, failed_files={name: name})
    summary = _summary(outcome, name)
    assert summary.count("!\\[x\\](http:\u2060//evil.example/i.png)\\\\n# b") == 5
    assert "![x](" not in summary
