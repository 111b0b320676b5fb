"""The commands of this folder with arguments and help. Their work is in the modules beside, imported when called."""

from pathlib import Path
from typing import Annotated

import typer

from ncric_core.cli.app import End, Start, app

Agency = Annotated[list[str] | None, typer.Option(help="Only this agency (standardised name). Can be repeated.")]
Exclude = Annotated[list[str] | None, typer.Option(help="All but this agency (standardised name). Can be repeated.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read and clean, but load nothing.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the runs have ended.")]


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")] = False,
) -> None:
    """Shows services, the last and next run of each deployment, the lag of each feed, and alarms.

    Ends with status 1 if a service is down.
    """
    from flows.cli.status import status as show_status

    show_status(as_json=as_json)


@app.command()
def rerun(
    deployment: Annotated[str, typer.Argument(help="A deployment of prefect.yaml, such as `boss4-hourly`.")],
    *,
    start: Start = None,
    end: End = None,
    agency: Agency = None,
    exclude_agency: Exclude = None,
    dry_run: DryRun = False,
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
    from flows.cli.runs import rerun as launch

    launch(
        deployment,
        start=start,
        end=end,
        agencies=agency or (),
        exclude=exclude_agency or (),
        dry_run=dry_run,
        force=force,
        wait=wait,
    )


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
    dry_run: DryRun = False,
    stop: Annotated[bool, typer.Option("--stop", help="Cancel the slices that have not ended.")] = False,
    wait: Wait = True,
) -> None:
    """Loads a long window in slices, shared by all workers of the pool.

    Running the same command again continues: it skips slices that are loaded, and launches failed and cancelled ones
    again. Ctrl-C ends the display, not the runs; --stop ends the runs.

    `ncric backfill boss4 --start 2022-09-01 --end 2022-10-01`
    """
    from flows.cli.runs import backfill as launch

    launch(
        feed,
        start=start,
        end=end,
        hours=hours,
        at_once=at_once,
        agencies=agency or (),
        exclude=exclude_agency or (),
        dry_run=dry_run,
        stop=stop,
        wait=wait,
    )


@app.command()
def up(
    *,
    feeds: Annotated[
        str | None, typer.Option(help="`demo`: keep writing simulated files into the bucket. Their reads are made up.")
    ] = None,
    speed: Annotated[
        float, typer.Option(min=1, help="How fast simulated time passes. Above 1, it starts a day ago and catches up.")
    ] = 1.0,
    reads: Annotated[int, typer.Option(min=1000, help="Number of simulated rows a day, roughly.")] = 100_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same day, another seed another day.")] = 1,
    history: Annotated[
        int,
        typer.Option(
            min=0, max=366, help="First load simulated files of this many earlier days. 28 show what is usual."
        ),
    ] = 0,
    silence: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CAMERA_ID",
            help="A simulated camera that sends nothing, from the start of simulated time on. Can be repeated.",
        ),
    ] = None,
    jobs: Annotated[
        bool,
        typer.Option(help="Also launch the runs that are due in simulated time, while it is faster than real time."),
    ] = True,
) -> None:
    """Runs the whole system on this machine: PostgreSQL, Prefect, deployments, a worker and the console.

    PostgreSQL is the embedded one, unless NCRIC_DATABASE_URL is set. Only this machine can reach the system, and
    Prefect's page asks for the whole line in DATA_DIR/prefect.password. A service that dies is started again. Ctrl-C
    ends everything. Logs are in DATA_DIR/logs.
    """
    from flows.cli.up import up as run

    run(feeds=feeds, speed=speed, reads=reads, seed=seed, history=history, silence=silence or (), jobs=jobs)


@app.command()
def doctor() -> None:
    """Checks everything that the jobs need, and says how to mend what is wrong.

    The checks: settings, disk, database (and a pooler before it), clock, schema, bucket, versions (of what the
    Prefect server of `ncric up` needs), Prefect and who may use it, telemetry, worker, deployments. Ends with status
    1 if there is a problem.
    """
    from flows.cli.doctor import doctor as examine

    examine()


@app.command()
def deploy() -> None:
    """Brings the deployments of prefect.yaml, and the watch over dead runs, to the Prefect server.

    Safe to run again: deployments that a person has paused stay paused.
    """
    from flows.cli.runs import deploy as bring

    bring()


service = typer.Typer(help="What `ncric up` runs.")
app.add_typer(service, name="service", hidden=True)


@service.command()
def database(
    ready: Annotated[Path, typer.Argument(help="File that is written when the store is ready: its URL.")],
) -> None:
    """Brings the embedded PostgreSQL up to date and keeps it running. Ends with an error if the server ends."""
    from flows.cli.services import database as keep

    keep(ready)


@service.command("feeds")
def simulated_feeds(
    *,
    start: Annotated[str, typer.Option(help="Start of simulated time, ISO 8601.")],
    begun: Annotated[str, typer.Option(help="Real time at which simulated time started.")],
    speed: float = 1.0,
    reads: int = 100_000,
    seed: int = 1,
    history: Annotated[int, typer.Option(help="First load simulated files of this many earlier days.")] = 0,
    silence: Annotated[
        list[str] | None, typer.Option(help="A simulated camera that sends nothing. Can be repeated.")
    ] = None,
    jobs: Annotated[bool, typer.Option(help="Also launch the runs that are due in simulated time.")] = False,
) -> None:
    """Keeps writing simulated files into the bucket, and launches the runs that are due in simulated time."""
    from flows.cli.services import feeds
    from ncric_core.simulate.feed import Clock
    from ncric_core.windows import parse_moment

    clock = Clock(start=parse_moment(start), begun=parse_moment(begun), speed=speed)
    feeds(clock, reads=reads, seed=seed, history=history, silence=silence or (), jobs=jobs)


@service.command()
def watch() -> None:
    """Has the Prefect server find runs that died with their worker."""
    from flows.watch import ensure_watch

    ensure_watch()
