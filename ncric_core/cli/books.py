"""`ncric reconcile`, `ncric files`, `ncric rejects`: what became of everything that arrived."""

from itertools import islice
from typing import Annotated

import typer

from ncric_core.cli.app import End, Start, app, connected, say, show, warn
from ncric_core.errors import SettingsError
from ncric_core.vocabulary import FileState, Reason


@app.command()
def reconcile() -> None:
    """Proves that the books balance: rows found = loaded + already there + rejected + waiting, and counts = reads.

    If they do not balance, lists the differences and ends with status 1.
    """
    from ncric_core.store.reconcile import MOST_SHOWN
    from ncric_core.store.reconcile import reconcile as balance

    with connected() as (_, connection):
        books = balance(connection)
    say(
        f"{books.files:,} files, {books.found:,} rows found = {books.loaded:,} loaded + {books.already_there:,} "
        f"already there + {books.rejected:,} rejected + {books.waiting:,} waiting"
        f"{f' + {books.expired:,} deleted by retention' if books.expired else ''}; {books.reads:,} reads in the store"
    )
    if books.unread:
        say(f"{books.unread:,} files were not read to their end: `ncric run files-catchup` reads them again")
    if not books.differences:
        say("the books balance")
        return
    for difference in books.differences[:MOST_SHOWN]:
        warn(f"ncric: {difference.check}: {difference.about}: {difference.books:,} is not {difference.reads:,}")
    warn(f"ncric: the books do not balance: {len(books.differences):,} differences")
    raise typer.Exit(1)


files_app = typer.Typer(no_args_is_help=True, help="Files in the bucket, and what became of them.")
app.add_typer(files_app, name="files")


@files_app.command(
    "list",
    help="Lists the files of the bucket with what became of each.\n\nThe states: "
    + ", ".join(f"{state} ({state.meaning})" for state in FileState)
    + ".",
)
def list_files(
    job: Annotated[str | None, typer.Argument(help="`boss4` or `scso`; none: both.")] = None,
    *,
    start: Start = None,
    end: End = None,
    search: Annotated[str | None, typer.Option(help="Only files whose name contains this.")] = None,
    state: Annotated[FileState | None, typer.Option(help="Only files in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="List at most this many.")] = 100,
) -> None:
    """Lists the files of the bucket with what became of each."""
    from ncric_core.files import find_files
    from ncric_core.sources.feeds import feed_named, feeds
    from ncric_core.windows import window

    with connected() as (settings, connection):
        there = feeds(settings)
        chosen = [feed_named(job, there)] if job else list(there.values())
        if bool(start) != bool(end):
            raise SettingsError("give both --start and --end, or neither")
        span = window(start, end) if start and end else None
        found = list(islice(find_files(chosen, connection, window=span, search=search, state=state), limit))
        rows = [
            (
                f.file.key,
                f.file.window_end,
                f.file.size,
                f.state,
                f.found,
                f.loaded,
                f.already_there,
                f.rejected,
                f.waiting,
            )
            for f in found
        ]
    columns = ("file", "window end", "bytes", "state", "found", "loaded", "already there", "rejected", "waiting")
    show(columns, rows, empty="no such files")
    for f in found:
        if f.file.trouble:
            warn(f"ncric: {f.file.trouble}")


@files_app.command("show")
def show_file(
    key: Annotated[str, typer.Argument(help="The file's name in the bucket, as `ncric files list` shows it.")],
    position: Annotated[
        int | None, typer.Option(min=0, help="Show only this row, as received, without photos. The first is 0.")
    ] = None,
) -> None:
    """Shows what became of a file, by agency and by reject; or one row of it as received."""
    from ncric_core.files import look_into
    from ncric_core.sources.feeds import feeds

    with connected() as (settings, connection):
        seen = look_into(feeds(settings).values(), connection, key, position)
    if position is not None:
        for part in (seen.row or "").split("\n"):
            say(part)
        return
    file = seen.file
    say(
        f"{file.file.key}: {file.state}; window {file.file.window_start:%Y-%m-%d %H:%M:%S} to "
        f"{file.file.window_end:%H:%M:%S} UTC"
    )
    expired = f" + deleted by retention {file.expired}" if file.expired else ""
    say(
        f"found {file.found} = loaded {file.loaded}{expired} + already there {file.already_there} + rejected "
        f"{file.rejected} + waiting {file.waiting}; photos {file.photos}, unreadable {file.bad_photos}"
    )
    if file.note:
        say(file.note)
    show(
        ("received name", "agency", "found", "loaded", "already there", "waiting", "error"),
        seen.loads,
        empty="no reads",
    )
    show(("position", "reason", "detail"), seen.rejects, empty="no rejects")


rejects_app = typer.Typer(no_args_is_help=True, help="Rejects: rows that are not reads, and why.")
app.add_typer(rejects_app, name="rejects")
OfReason = Annotated[Reason | None, typer.Option(help="Only rejects with this reason.")]
OfFile = Annotated[str | None, typer.Option(help="Only rejects of files whose name contains this.")]


@rejects_app.command("list")
def list_rejects(
    reason: OfReason = None,
    file: OfFile = None,
    replayed: Annotated[bool, typer.Option("--all", help="Also list rejects that were replayed.")] = False,
    received: Annotated[
        bool, typer.Option("--received", help="Also show the row as received, without photos.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="List at most this many.")] = 100,
) -> None:
    """Lists rejects, and the number of rejects by reason."""
    from ncric_core.store.rejects import RejectFilter, count_reasons, find_rejects

    with connected() as (_, connection):
        reasons = count_reasons(connection, RejectFilter())
        found = find_rejects(connection, RejectFilter(reason, file, replayed=replayed), limit=limit)
    show(("reason", "rejects"), [(why, count) for why, count, _ in reasons], empty="no rejects")
    if not reasons:
        return
    say()
    columns = ("file", "position", "reason", "detail", "agency as received", "replayed")
    rows = [(r.key, r.position, r.reason, r.detail, r.agency_name, r.replayed_at) for r in found]
    if received:
        columns, rows = (*columns, "received"), [(*row, r.received) for row, r in zip(rows, found, strict=True)]  # type: ignore[assignment, misc]
    show(columns, rows, empty="no such rejects")


@rejects_app.command("replay")
def replay_rejects(reason: OfReason = None, file: OfFile = None) -> None:
    """Runs rejects again after a fix of a setting or of the program. Those that are reads now are loaded."""
    from ncric_core.pipeline.mapping import own_flight
    from ncric_core.pipeline.replay import replay
    from ncric_core.sources.feeds import feeds
    from ncric_core.store.rejects import RejectFilter

    with connected() as (settings, connection):
        done = replay(
            connection, feeds(settings).values(), own_flight(settings.flights_dir), RejectFilter(reason, file)
        )
    say(done.summary)
