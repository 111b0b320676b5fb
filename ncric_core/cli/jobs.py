"""`ncric run`, `ncric migrate`, `ncric settings`: runs a job, and prepares what jobs need."""

from typing import TYPE_CHECKING, Annotated

import typer

from ncric_core.cli.app import End, Start, app, progress, say, show, warn
from ncric_core.errors import SettingsError

if TYPE_CHECKING:
    from ncric_core.pipeline.outcome import Outcome


@app.command()
def run(
    job: Annotated[
        str, typer.Argument(help="`boss4`, `scso` (a window of one feed) or `files-catchup` (the whole bucket).")
    ],
    *,
    start: Start = None,
    end: End = None,
    agency: Annotated[
        list[str] | None, typer.Option(help="Only this agency (standardised name). Can be repeated.")
    ] = None,
    exclude_agency: Annotated[
        list[str] | None, typer.Option(help="All but this agency (standardised name). Can be repeated.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and clean, but load nothing.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also read files that are done according to the ledger.")
    ] = False,
) -> None:
    """Loads the reads of a window into their agencies' entity sets.

    A file belongs to the window that contains the end of the file's own window. Running a job again is always safe: it
    looks up in the ledger what is loaded, and loads what is missing. Ends with status 1 if a file could not be fetched
    or an agency could not be loaded; everything else is loaded all the same.

    `ncric run boss4 --start 2022-10-11T08:00 --end 2022-10-11T09:00 --exclude-agency "Fremont PD"`
    """
    from ncric_core.jobs.named import job_named
    from ncric_core.pipeline.integrate import integrate
    from ncric_core.settings import read_settings
    from ncric_core.store.schema.migrate import up_to_date
    from ncric_core.windows import window

    settings = read_settings()
    if bool(start) != bool(end):
        raise SettingsError("a window has two ends: give both --start and --end")
    span = window(start, end) if start and end else None
    work = job_named(
        job, settings, span, agencies=agency or (), exclude=exclude_agency or (), dry_run=dry_run, force=force
    )
    database = up_to_date(settings)
    with progress(job) as report:
        outcome = integrate(work, settings, database, report)
    show_outcome(outcome, f"{job} {span or 'whole bucket'}")
    if not outcome.ok:
        raise typer.Exit(1)


def show_outcome(outcome: "Outcome", title: str) -> None:
    """Prints what a run did: rows by agency, rejects by reason, new names, and (on stderr) what failed."""
    total = outcome.total
    rate = f", {total.loaded / outcome.seconds:,.0f} reads/s" if total.loaded and outcome.seconds else ""
    say(f"{title}{' (dry run: nothing was loaded)' if outcome.dry_run else ''}")
    say(
        f"{outcome.files_listed:,} files in the window: {outcome.files_known:,} loaded before, "
        f"{outcome.files_read:,} read; {outcome.photos:,} photos ({outcome.bad_photos:,} unreadable); "
        f"{outcome.seconds:.1f} s{rate}"
    )
    if outcome.files_growing:
        say(f"{outcome.files_growing:,} files may still be being written: the next run reads them")
    rows = [
        (name or "(no agency)", one.found, one.loaded, one.already_there, one.rejected, one.waiting)
        for name, one in sorted(outcome.agencies.items(), key=lambda item: -item[1].found)
    ]
    if rows:
        rows.append(("total", total.found, total.loaded, total.already_there, total.rejected, total.waiting))
    show(("agency", "found", "loaded", "already there", "rejected", "waiting"), rows, empty="nothing to load")
    if outcome.rejects:
        say("rejects: " + ", ".join(f"{reason} {count:,}" for reason, count in outcome.rejects.most_common()))
    if outcome.corrected:
        say(outcome.corrected)
    if outcome.new_agencies:
        say(f"new names: {', '.join(outcome.new_agencies)} (see `ncric agencies unmapped`)")
    for key in outcome.files_without_reads:
        warn(f"ncric: {key} gave no read at all: see `ncric files show`")
    for name, error in outcome.failed_agencies.items():
        warn(f"ncric: {name} could not be loaded: {error}")
    for error in outcome.failed_files.values():
        warn(f"ncric: {error}")


@app.command()
def migrate() -> None:
    """Brings an empty or older database up to date, and adds what is new in edm.yaml. Safe to run again."""
    from ncric_core.settings import read_settings
    from ncric_core.store.database import open_database
    from ncric_core.store.schema.migrate import migrate as bring_up_to_date

    settings = read_settings()
    done = bring_up_to_date(
        open_database(settings), organization=settings.organization, flights_dir=settings.flights_dir
    )
    for line in done.lines() or ["the database is up to date"]:
        say(line)


@app.command()
def settings() -> None:
    """Shows every setting: its environment variable, value (secrets masked) and meaning."""
    from ncric_core.settings import read_settings

    show(("setting", "value", "meaning"), read_settings().shown(), empty="")
