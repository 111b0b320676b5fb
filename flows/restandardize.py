"""The job that moves loaded reads to their agencies after a change of the name table."""

from typing import Any, Final

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from flows.progress import progress_of
from flows.retry import retried_task
from flows.schedule import job_and_time
from ncric_core.flight.model import model_in
from ncric_core.settings import read_settings
from ncric_core.store.agencies import name_table
from ncric_core.store.restandardize import Move, planned_moves, restandardize
from ncric_core.store.schema.migrate import up_to_date

WITHIN: Final = 24 * 3600  # seconds; a whole feed under a new name takes hours


@retried_task("restandardize")
def _restandardize() -> dict[Move, int]:
    """Moves the reads. Returns each move with the number of its reads."""
    logger = get_run_logger()
    moved: dict[Move, int] = {}
    settings = read_settings()
    model = model_in(settings.flights_dir)
    with up_to_date(settings).session() as connection:
        with connection:
            total = sum(move.reads for move in planned_moves(connection, name_table(connection)))
        logger.info("%s reads are to be moved", f"{total:,}")
        with progress_of(total, "reads moved to their agencies") as tell:
            for move, reads in restandardize(connection, model):
                if reads == moved.get(move):  # the last step of a move, after its reads, moves ledger and links
                    logger.info("%s", _told(move, reads))
                moved[move] = reads
                tell(sum(moved.values()))
    return moved


def _told(move: Move, reads: int) -> str:
    return f"{move.received} ({move.datasource}): {reads:,} reads moved from {move.old_name} to {move.new_name}"


@flow(name="restandardize", flow_run_name=job_and_time, timeout_seconds=WITHIN)
def move_reads() -> None:
    """Moves the reads that are loaded already to the agencies that the name table names now.

    Safe to stop and to run again. While another process moves reads, it waits a few minutes for its turn.
    """
    moved = _restandardize()
    total = sum(moved.values())
    create_markdown_artifact(_summary(total, len(moved)), key="run-summary", description="restandardize")
    if moved:
        create_table_artifact(_table(moved), key="reads-moved", description="reads moved, by received name")
    get_run_logger().info("%s reads of %s names moved", f"{total:,}", f"{len(moved):,}")


def _summary(reads: int, names: int) -> str:
    if not names:
        return "## restandardize\n\nEvery read is under its agency already."
    return f"## restandardize\n\n**{reads:,} reads moved**, of {names:,} received names."


def _table(moved: dict[Move, int]) -> list[dict[str, Any]]:
    return [
        {
            "feed": move.datasource,
            "received name": move.received,
            "from": move.old_name,
            "to": move.new_name,
            "reads": reads,
        }
        for move, reads in moved.items()
    ]
