"""When the present run was scheduled for."""

from datetime import UTC, datetime

from prefect import runtime


def scheduled_time() -> datetime:
    """The scheduled time of the present run, UTC, however late it runs."""
    return plain(runtime.flow_run.scheduled_start_time)


def plain(moment: datetime) -> datetime:
    """Prefect's times are of a kind of their own."""
    return datetime.fromtimestamp(moment.timestamp(), UTC)
