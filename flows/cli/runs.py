"""`ncric rerun`, `ncric backfill`, `ncric deploy`: launch runs by hand, and bring the deployments to the server."""

import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Final

import typer

from flows.cli.up import NCRIC, PREFECT, ROOT
from ncric_core.cli.app import End, Start, app, say, warn
from ncric_core.errors import ServiceError, SettingsError
from ncric_core.jobs.launch import RERUN_TAGS, Backfill, deployment_named, rerun_parameters
from ncric_core.jobs.named import job_named
from ncric_core.jobs.prefect_api import ENDED, PAGE, Item, PrefectApi, prefect_api
from ncric_core.settings import read_settings
from ncric_core.windows import window

ASK_EVERY: Final = 2.0  # seconds between two questions to Prefect about the runs that are waited for

WIDE: Final = "1000"  # columns: prefect breaks no line, so that the last one is the whole reason of a refusal

Agency = Annotated[list[str] | None, typer.Option(help="Only this agency (standardised name). Can be repeated.")]
Exclude = Annotated[list[str] | None, typer.Option(help="All but this agency (standardised name). Can be repeated.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the runs have ended.")]


@app.command()
def rerun(
    deployment: Annotated[str, typer.Argument(help="A deployment of prefect.yaml, such as `boss4-hourly`.")],
    *,
    start: Start = None,
    end: End = None,
    agency: Agency = None,
    exclude_agency: Exclude = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and clean, but load nothing.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also read files that are done according to the ledger.")
    ] = False,
    wait: Wait = True,
) -> None:
    """Launches a run of a deployment on Prefect's workers.

    A deployment of a feed, such as `boss4-hourly`, needs a window: give --start and --end. Any other, such as
    `files-catchup`, takes none.

    Safe at any time: nothing is loaded twice. --agency replaces the deployment's own choice of agencies.
    --exclude-agency adds to those that it leaves out.

    `ncric rerun boss4-hourly --start 2022-10-11T08:00 --end 2022-10-11T12:00`
    """
    if bool(start) != bool(end):
        raise SettingsError("a window has two ends: give both --start and --end")
    asked = window(start, end) if start and end else None
    with prefect_api(read_settings()) as api:
        job = deployment_named(api, deployment)
        parameters = rerun_parameters(
            job, asked, agencies=agency or (), exclude=exclude_agency or (), dry_run=dry_run, force=force
        )
        run = api.start(job["id"], parameters, RERUN_TAGS)
        say(f"launched: {api.page_of(run)}")
        if wait and not _ended_well(api, [run["id"]]):
            raise typer.Exit(1)


@app.command()
def backfill(
    feed: Annotated[str, typer.Argument(help="`boss4` or `scso`.")],
    *,
    start: Annotated[str, typer.Option(help="Start of the window, ISO 8601; without a zone: UTC.")],
    end: Annotated[str, typer.Option(help="End of the window (exclusive).")],
    hours: Annotated[int, typer.Option(min=1, help="Hours of a slice. Each slice is a run.")] = 24,
    at_once: Annotated[int, typer.Option(min=1, help="Run at most this many slices at once, over all backfills.")] = 2,
    agency: Agency = None,
    exclude_agency: Exclude = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and clean, but load nothing.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Cancel the slices that have not ended.")] = False,
    wait: Wait = True,
) -> None:
    """Loads a long window in slices, shared by all workers of the pool.

    Running the same command again continues: it skips slices that are loaded, and launches failed and cancelled ones
    again. Ctrl-C ends the display, not the runs; --stop ends the runs.

    `ncric backfill boss4 --start 2022-09-01 --end 2022-10-01`
    """
    settings = read_settings()
    asked = Backfill(feed, window(start, end), hours, agency or (), exclude_agency or (), dry_run)
    job_named(feed, settings, asked.whole)  # raises if there is no such feed
    with prefect_api(settings) as api:
        if stop:
            say(f"{asked.stop(api)} runs cancelled; the same command without --stop goes on")
            return
        runs = asked.launch(api, at_once)
        say(f"{asked.title}: {len(asked.parts)} slices of {hours} h")
        if wait and not _ended_well(api, [run["id"] for run in runs]):
            raise typer.Exit(1)


@app.command()
def deploy() -> None:
    """Brings the deployments of prefect.yaml, and the watch over dead runs, to the Prefect server.

    Safe to run again: deployments that are paused stay paused. (`ncric up` resumes them.)
    """
    settings = read_settings()
    with prefect_api(settings) as api:
        api.time()
        paused = [one["id"] for one in api.deployments() if one["paused"]]
        environment = os.environ | {"PREFECT_API_URL": api.url, "DO_NOT_TRACK": "1", "COLUMNS": WIDE}
    try:
        refused = f"the deployments of {ROOT / 'prefect.yaml'} are refused"
        _run((*PREFECT, "--no-prompt", "deploy", "--all"), environment, refused)
    finally:  # prefect resumes them, also if it stops in the middle
        with prefect_api(settings) as api:
            for deployment in paused:
                api.pause(deployment, paused=True)
    _run((*NCRIC, "service", "watch"), environment, "the watch over dead runs cannot be set up")
    with prefect_api(settings) as api:
        for one in api.deployments():
            say(one["name"])


def _run(command: Sequence[str], environment: Mapping[str, str], failure: str) -> None:
    """Runs a command in the project's folder. Raises ServiceError with its last line if it fails."""
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stdout + done.stderr).strip().splitlines() or [f"status {done.returncode}"]
        raise ServiceError(f"{failure}: {last[-1]}")


def _ended_well(api: PrefectApi, runs: Sequence[str]) -> bool:
    """Waits for runs, with a line at each change and one for each that failed. Returns whether all are completed."""
    shown = ""
    while True:
        found = list(_looked_up(api, runs))
        states = Counter(run["state_name"] for run in found)
        line = ", ".join(f"{count} {name}" for name, count in sorted(states.items()))
        if line != shown:
            shown = line
            say(line)
        if all(run["state_type"] in ENDED for run in found):
            break
        time.sleep(ASK_EVERY)
    bad = [run for run in found if run["state_type"] != "COMPLETED"]
    for run in bad:
        warn(f"ncric: {run['name']}: {run['state_name']}: {run['state'].get('message') or 'see its log'}")
    return not bad


def _looked_up(api: PrefectApi, runs: Sequence[str]) -> Iterator[Item]:
    for first in range(0, len(runs), PAGE):
        ids = {"id": {"any_": list(runs[first : first + PAGE])}}
        yield from api.ask("POST", "/flow_runs/filter", {"flow_runs": ids, "limit": PAGE}).json()
