"""The jobs that load reads: a window of a feed, and whatever is left in the bucket."""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from prefect import flow, get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.states import Failed
from pydantic import AwareDatetime, Field

from flows.report import publish
from flows.retry import retried_task
from flows.schedule import job_and_time, plain, scheduled_time
from ncric_core.errors import NcricError
from ncric_core.jobs.named import CATCHUP, Covers, asked_window, job_named, run_name
from ncric_core.pipeline.integrate import integrate
from ncric_core.pipeline.outcome import Job, Outcome
from ncric_core.settings import read_settings
from ncric_core.store.schema.migrate import up_to_date
from ncric_core.windows import Window

LOG_EVERY: Final = 15.0  # seconds between log lines that say how far a run is
WINDOW_WITHIN: Final = 4 * 3600  # seconds; a window of one day takes minutes
CATCHUP_WITHIN: Final = 24 * 3600

Agencies = Annotated[list[str], Field(description="standardised names of agencies")]


@retried_task("integrate")
def _integrate(job: Job) -> Outcome:
    logger, settings, last = get_run_logger(), read_settings(), time.monotonic()

    def report(outcome: Outcome) -> None:
        nonlocal last
        if time.monotonic() - last >= LOG_EVERY:
            last = time.monotonic()
            total = outcome.total
            logger.info("%s files read, %s reads loaded so far", f"{outcome.files_read:,}", f"{total.loaded:,}")

    return integrate(job, settings, up_to_date(settings), report)


def _window(covers: Covers | None, start: datetime | None, end: datetime | None) -> Window:
    """Returns the window that was asked for, or else the one that follows from the run's scheduled time."""
    return asked_window(covers, start and plain(start), end and plain(end), scheduled_time())


def _name_of_window() -> str:
    given = runtime.flow_run.parameters
    covers = Covers(given["covers"]) if given.get("covers") else None
    try:
        window = _window(covers, given.get("start"), given.get("end"))
    except NcricError:
        window = None
    return run_name(given["feed"], window, given["agencies"], given["exclude"], dry_run=given["dry_run"])


@flow(name="reads-of-a-window", flow_run_name=_name_of_window, timeout_seconds=WINDOW_WITHIN)
def load_window(  # noqa: PLR0917  # Prefect passes them by name
    feed: Annotated[str, Field(description="boss4 or scso")],
    covers: Annotated[Covers | None, Field(description="what a run covers, by its scheduled time")] = None,
    start: Annotated[AwareDatetime | None, Field(description="begin of the window, instead of `covers`")] = None,
    end: Annotated[AwareDatetime | None, Field(description="end of the window, not in it any more")] = None,
    agencies: Agencies = [],  # noqa: B006  # pydantic copies it
    exclude: Agencies = [],  # noqa: B006
    dry_run: bool = False,
    force: bool = False,
) -> State[Any] | None:
    """Loads the reads of a window: of the agencies given, of all but the excluded ones, or of all.

    Safe to run again at any time, even while another run loads the same window.
    """
    window = _window(covers, start, end)
    settings = read_settings()
    job = job_named(feed, settings, window, agencies=agencies, exclude=exclude, dry_run=dry_run, force=force)
    return _run(job, run_name(feed, window, agencies, exclude, dry_run=dry_run))


@flow(name="files-catchup", flow_run_name=job_and_time, timeout_seconds=CATCHUP_WITHIN)
def load_what_is_left(dry_run: bool = False) -> State[Any] | None:
    """Loads whatever lies in the bucket and is not in the ledger as loaded, however old."""
    return _run(job_named(CATCHUP, read_settings(), None, dry_run=dry_run), CATCHUP)


def _run(job: Job, name: str) -> State[Any] | None:
    """Runs a job and publishes its outcome. Returns Failed, with what was not loaded, if anything was not."""
    logger = get_run_logger()
    logger.info("%s", name)
    outcome = _integrate(job)
    publish(outcome, name)
    total = outcome.total
    logger.info(
        "%s files: %s loaded before, %s read; %s rows found = %s loaded + %s already there + %s rejected + %s waiting; "
        "%.1f s",
        *(f"{figure:,}" for figure in (outcome.files_listed, outcome.files_known, outcome.files_read)),
        *(f"{figure:,}" for figure in (total.found, total.loaded, total.already_there, total.rejected, total.waiting)),
        outcome.seconds,
    )
    if outcome.corrected:
        logger.warning("%s", outcome.corrected)
    if outcome.new_agencies:
        logger.warning("names never seen, loaded under themselves: %s", ", ".join(outcome.new_agencies))
    if outcome.files_without_reads:
        logger.warning("files that gave no read at all: %s", ", ".join(outcome.files_without_reads))
    if outcome.ok:
        return None
    return Failed(message=_failure(outcome))


def _failure(outcome: Outcome) -> str:
    parts = [f"{name}: {error}" for name, error in outcome.failed_agencies.items()]
    parts += list(outcome.failed_files.values())
    others = f"; {outcome.total.loaded:,} reads of the others are loaded, files-catchup takes the rest"
    return _listed(parts) + others


def _listed(parts: Sequence[str], most: int = 5) -> str:
    more = f"; and {len(parts) - most} more" if len(parts) > most else ""
    return "not loaded: " + "; ".join(parts[:most]) + more
