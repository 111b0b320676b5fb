"""`ncric freshness`, `ncric alarms`: feeds, agencies and cameras that have gone silent, and all other alarms."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ncric_core.cli.app import app, connected, say, show, warn

if TYPE_CHECKING:
    from ncric_core.store.alarms import Alarm


@app.command()
def freshness(
    at: Annotated[
        str | None, typer.Option(help="Judge as of this time, ISO 8601; without a zone: UTC. Default: now.")
    ] = None,
) -> None:
    """Finds feeds, agencies and cameras that went silent or fell far below their habit, and sends the alarms.

    Also finds, as of now, the feeds with files that gave no read at all.
    Alarms go to NCRIC_NOTIFY_URLS. Ends with status 1 if a message could not be sent; it is sent again next time.
    """
    from ncric_core.alarms.freshness import judge
    from ncric_core.alarms.notify import tell
    from ncric_core.alarms.without_reads import judge_files
    from ncric_core.store.alarms import open_alarms
    from ncric_core.windows import parse_moment

    as_of = parse_moment(at) if at else datetime.now(UTC)
    with connected() as (settings, connection):
        changes = judge(connection, settings, as_of)
        judge_files(connection, datetime.now(UTC))
        told = tell(settings, connection)
        with connection:
            lasting = open_alarms(connection)
    began = sum(change.began for change in changes)
    say(f"{began:,} alarms began, {len(changes) - began:,} ended; told: {told.begun:,} beginnings, {told.ended:,} ends")
    _list(lasting, empty="no alarms")
    for way in told.failed:
        warn(f"ncric: a message was not taken, and is sent again next time: URL {way} of NCRIC_NOTIFY_URLS")
    if told.failed:
        raise typer.Exit(1)


@app.command()
def alarms(
    past: Annotated[bool, typer.Option("--all", help="Also list alarms that have ended, newest first.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="With --all: list at most this many.")] = 100,
) -> None:
    """Lists the alarms that have not ended."""
    from ncric_core.store.alarms import latest_alarms, open_alarms

    with connected() as (_, connection), connection:
        found = latest_alarms(connection, limit=limit) if past else open_alarms(connection)
    _list(found, empty="no alarms")


def _list(found: Sequence["Alarm"], *, empty: str) -> None:
    rows = [(a.began_at, a.ended_at, a.kind, a.scope, a.message) for a in found]
    show(("began", "ended", "kind", "about", "message"), rows, empty=empty)
