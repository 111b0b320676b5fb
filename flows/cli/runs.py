"""`ncric rerun`, `ncric backfill`, `ncric deploy`: launch runs by hand, and bring the deployments to the server."""

import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import typer

from flows.cli.deployments import DEPLOY, write_for_deploy
from flows.cli.up import NCRIC, PREFECT, ROOT
from ncric_core.cli.app import say, warn
from ncric_core.errors import ServiceError, SettingsError
from ncric_core.jobs.launch import RERUN_TAGS, Backfill, deployment_named, rerun_parameters
from ncric_core.jobs.named import job_named
from ncric_core.jobs.prefect_access import client_environment
from ncric_core.jobs.prefect_api import ENDED, PAGE, Item, PrefectApi, prefect_api
from ncric_core.settings import read_settings
from ncric_core.windows import window

ASK_EVERY: Final = 2.0  # seconds between two questions to Prefect about the runs that are waited for

WIDE: Final = "1000"  # columns: prefect breaks no line, so that the last one is the whole reason of a refusal


def rerun(
    deployment: str,
    *,
    start: str | None,
    end: str | None,
    agencies: Sequence[str],
    exclude: Sequence[str],
    dry_run: bool,
    force: bool,
    wait: bool,
) -> None:
    """Launches a run of a deployment. `flows/cli/commands.py` says what the options mean."""
    if bool(start) != bool(end):
        raise SettingsError("a window has two ends: give both --start and --end")
    asked = window(start, end) if start and end else None
    with prefect_api(read_settings()) as api:
        job = deployment_named(api, deployment)
        parameters = rerun_parameters(job, asked, agencies=agencies, exclude=exclude, dry_run=dry_run, force=force)
        run = api.start(job["id"], parameters, RERUN_TAGS)
        say(f"launched: {api.page_of(run)}")
        if wait and not _ended_well(api, [run["id"]]):
            raise typer.Exit(1)


def backfill(
    feed: str,
    *,
    start: str,
    end: str,
    hours: int,
    at_once: int,
    agencies: Sequence[str],
    exclude: Sequence[str],
    dry_run: bool,
    stop: bool,
    wait: bool,
) -> None:
    """Loads a long window in slices. `flows/cli/commands.py` says what the options mean."""
    settings = read_settings()
    asked = Backfill(feed, window(start, end), hours, agencies, exclude, dry_run)
    job_named(feed, settings, asked.whole)  # raises if there is no such feed
    with prefect_api(settings) as api:
        if stop:
            say(f"{asked.stop(api)} runs cancelled; the same command without --stop goes on")
            return
        runs = asked.launch(api, at_once)
        say(f"{asked.title}: {len(asked.parts)} slices of {hours} h")
        if wait and not _ended_well(api, [run["id"] for run in runs]):
            raise typer.Exit(1)


def deploy() -> None:
    """Brings the deployments of prefect.yaml, and the watch over dead runs, to the Prefect server."""
    settings = read_settings()
    environment = os.environ | client_environment(settings) | {"DO_NOT_TRACK": "1", "COLUMNS": WIDE}
    with prefect_api(settings) as api, TemporaryDirectory() as folder:
        api.time()
        refused = f"the deployments of {ROOT / 'prefect.yaml'} are refused"
        try:
            file = write_for_deploy(ROOT, api.deployments(), Path(folder))
        except SettingsError as error:
            raise ServiceError(f"{refused}: {error}") from None
        _run((*PREFECT, *DEPLOY, str(file)), environment, refused)
    _run((*NCRIC, "service", "watch"), environment, "the watch over dead runs cannot be set up")
    with prefect_api(settings) as api:
        for one in api.deployments():
            say(one["name"])


def _run(command: Sequence[str], environment: Mapping[str, str], failure: str) -> None:
    """Runs a command in the project's folder. Raises ServiceError with its last line if it fails."""
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", errors="replace", check=False
    )
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
