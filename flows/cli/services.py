"""What `ncric up` runs of our own, as hidden commands: the holder of the embedded PostgreSQL, and the demo's feeds."""

import time
from pathlib import Path
from typing import Annotated, Final

import typer

from ncric_core.agencies import Mapping
from ncric_core.cli.app import app, say
from ncric_core.errors import StoreError
from ncric_core.settings import read_settings
from ncric_core.simulate.day import FEEDS
from ncric_core.simulate.feed import Clock, feed
from ncric_core.simulate.world import names
from ncric_core.store import embedded
from ncric_core.store.database import Database, open_database, rows
from ncric_core.store.names import set_mappings
from ncric_core.store.schema.migrate import up_to_date
from ncric_core.windows import parse_moment

LOOK_EVERY: Final = 1.0  # seconds

service = typer.Typer(help="What `ncric up` runs.")
app.add_typer(service, name="service", hidden=True)


@service.command()
def database(
    ready: Annotated[Path, typer.Argument(help="File that is written when the store is ready: its URL.")],
) -> None:
    """Holds the embedded PostgreSQL open and up to date; ends if it dies, to be started again with it."""
    settings = read_settings()
    unfinished = ready.with_suffix(".unfinished")
    unfinished.write_text(up_to_date(settings).dsn)
    unfinished.rename(ready)
    say("the embedded PostgreSQL is ready")
    while embedded.runs(settings.data_dir):
        time.sleep(LOOK_EVERY)
    raise StoreError("the embedded PostgreSQL has ended")


@service.command()
def feeds(
    *,
    start: Annotated[str, typer.Option(help="Where simulated time begins.")],
    begun: Annotated[str, typer.Option(help="When it began.")],
    speed: float = 1.0,
    reads: int = 100_000,
    seed: int = 1,
    silence: Annotated[list[str] | None, typer.Option(help="Camera that sends nothing from `begun` on.")] = None,
) -> None:
    """Keeps feeding the bucket with simulated files."""
    settings = read_settings()
    map_names(open_database(settings))
    clock = Clock(start=parse_moment(start), begun=parse_moment(begun), speed=speed)
    for draft in feed(Path(settings.bucket), clock, reads=reads, seed=seed, silent=silence or ()):
        say(f"{draft.end:%Y-%m-%d %H:%M:%SZ} {draft.key}")


@service.command()
def watch() -> None:
    """Has the Prefect server find runs that died with their worker."""
    from flows.watch import ensure_watch  # noqa: PLC0415  # imports prefect

    ensure_watch()


def map_names(database: Database) -> None:
    """Imports the simulated feeds' name table, unless there is one: what a person has mapped stays."""
    with database.session() as connection:
        if not rows(connection, "SELECT 1 FROM standardized_agency_names LIMIT 1"):
            connection.rollback()
            set_mappings(connection, [Mapping(*one) for datasource in FEEDS for one in names(datasource)])
