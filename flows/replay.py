"""The job that runs rejects again after a fix: it loads those that are reads now and counts the others by reason."""

from typing import Annotated, Final

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from pydantic import BaseModel, Field

from flows.progress import progress_of
from flows.retry import retried_task
from flows.schedule import job_and_time
from ncric_core.pipeline.mapping import own_flight
from ncric_core.pipeline.replay import Replayed, replay
from ncric_core.settings import read_settings
from ncric_core.sources.feeds import feeds
from ncric_core.store.rejects import RejectFilter, count_rejects
from ncric_core.store.schema.migrate import up_to_date

WITHIN: Final = 4 * 3600  # seconds


class RejectId(BaseModel):
    """Identifies a reject by its file and its position in it."""

    file_id: int
    position: int


@retried_task("replay")
def _replay(chosen: RejectFilter) -> Replayed:
    settings = read_settings()
    with up_to_date(settings).session() as connection:
        total = count_rejects(connection, chosen)
        with progress_of(total, "rejects run again") as tell:
            return replay(connection, feeds(settings).values(), own_flight(settings.flights_dir), chosen, tell)


@flow(name="replay-rejects", flow_run_name=job_and_time, timeout_seconds=WITHIN)
def replay_rejects(
    reason: Annotated[str | None, Field(description="only rejects of this reason")] = None,
    file: Annotated[str | None, Field(description="only of files whose key contains this")] = None,
    rejects: Annotated[list[RejectId] | None, Field(description="only these, by file id and position")] = None,
) -> None:
    """Runs open rejects again: all of them, or those that match every parameter given.

    Safe to stop and to run again: a read is loaded and its reject marked in one transaction.
    """
    only = None if rejects is None else tuple((one.file_id, one.position) for one in rejects)
    done = _replay(RejectFilter(reason=reason, file=file, only=only))
    summary = done.summary
    create_markdown_artifact(f"## replay-rejects\n\n{summary}", key="run-summary", description="replay-rejects")
    if done.still:
        table = [{"reason": why, "rejects": count} for why, count in done.still.most_common()]
        create_table_artifact(table, key="rejects-by-reason", description="rejects still, by reason")
    get_run_logger().info("%s", summary)
