"""The scheduled time of the present run, and the name made from it."""

from datetime import UTC, datetime

from prefect import runtime


def scheduled_time() -> datetime:
    """Returns the scheduled time of the present run in UTC, however late it runs."""
    return plain(runtime.flow_run.scheduled_start_time)


def job_and_time() -> str:
    """Names a run without a window after its job and scheduled time: `files-catchup 2022-10-11 08:30 UTC`."""
    return f"{runtime.flow_run.flow_name} {scheduled_time():%Y-%m-%d %H:%M} UTC"


def plain(moment: datetime) -> datetime:
    """Turns a datetime of Prefect's own type into a plain one in UTC."""
    return datetime.fromtimestamp(moment.timestamp(), UTC)
