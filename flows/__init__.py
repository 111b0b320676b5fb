"""Prefect flows: schedules, retries and reports. They are thin: every decision is in ncric_core."""

import logging

from ncric_core.safe_text import line


def _one_line(record: logging.LogRecord) -> bool:
    """Keeps a received name from forging a line of a run's log."""
    record.msg, record.args = line(record.getMessage()), ()
    return True


for _name in ("prefect.flow_runs", "prefect.task_runs"):
    logging.getLogger(_name).addFilter(_one_line)
