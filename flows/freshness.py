"""The job that looks every quarter of an hour for silent feeds, agencies, cameras and jobs, and tells people."""

from datetime import UTC, datetime

from prefect import flow, get_run_logger

from flows.deadman import judge_runs, troubles
from flows.schedule import job_and_time, scheduled_time
from ncric_core.alarms.freshness import judge
from ncric_core.alarms.notify import tell
from ncric_core.alarms.without_reads import judge_files
from ncric_core.errors import ServiceError
from ncric_core.jobs.named import SCHEDULE_ZONE
from ncric_core.jobs.prefect_api import prefect_api
from ncric_core.settings import read_settings
from ncric_core.store.counts import sum_up_days
from ncric_core.store.schema.migrate import up_to_date


@flow(name="freshness", flow_run_name=job_and_time, timeout_seconds=600, retries=2, retry_delay_seconds=30)
def look_for_silence() -> None:
    """Raises and ends alarms, tells people of them, and sums up the counts of past days whose hours have changed.

    Reads are judged against their habit as of the run's scheduled time, the runs of all jobs and the files that gave no
    read as of now. Fails if a
    message could not be delivered. The next run sends it again.
    """
    logger, settings = get_run_logger(), read_settings()
    now = datetime.now(UTC)
    with prefect_api(settings) as api:
        wrong = troubles(api, now)
    with up_to_date(settings).session() as connection:
        for change in judge(connection, settings, scheduled_time()):
            logger.warning("%s: %s", "began" if change.began else "ended", change.alarm.message)
        judge_runs(connection, wrong, now)
        judge_files(connection, now)
        days = sum_up_days(connection, now.astimezone(SCHEDULE_ZONE).date())
        told = tell(settings, connection)
    logger.info("%s past days were summed up again", days)
    logger.info("told of %s beginnings and %s ends", told.begun, told.ended)
    if told.failed:
        raise ServiceError(f"a message was not taken: URL {', '.join(told.failed)} of NCRIC_NOTIFY_URLS")
