"""When the present run was scheduled for, and its name after that."""

from datetime import UTC, datetime

from prefect import runtime


def scheduled_time() -> datetime:
    """The scheduled time of the present run, UTC, however late it runs."""
    return plain(runtime.flow_run.scheduled_start_time)


def job_and_time() -> str:
    """The name of a run without a window: its job, and when it was due, as `files-catchup 2022-10-11 08:30 UTC`."""
    return f"{runtime.flow_run.flow_name} {scheduled_time():%Y-%m-%d %H:%M} UTC"


def plain(moment: datetime) -> datetime:
    """Prefect's times are of a kind of their own."""
    return datetime.fromtimestamp(moment.timestamp(), UTC)
