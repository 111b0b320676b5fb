"""`ncric flights`: checks flights, and loads tables through them."""

from pathlib import Path
from typing import Annotated

import typer

from ncric_core.cli.app import app, connected, say, show, warn
from ncric_core.errors import FlightError

flights_app = typer.Typer(
    no_args_is_help=True, help="Flights: how the columns of a table become properties of entities and associations."
)
app.add_typer(flights_app, name="flights")


@flights_app.command()
def check(files: Annotated[list[Path], typer.Argument(help="Flights (YAML).")]) -> None:
    """Checks flights against the model and the existing entity sets. Reports each fault with its file and place.

    Ends with status 1 if a flight has a fault.
    """
    from ncric_core.flight.model import model_in
    from ncric_core.pipeline.flight_load import check_flight

    wrong = 0
    with connected() as (settings, connection):
        model = model_in(settings.flights_dir)
        for file in files:
            try:
                flight = check_flight(connection, file, model)
            except FlightError as error:
                wrong += 1
                for fault in str(error).split("\n"):
                    warn(fault)
            else:
                say(f"{file}: good; {len(flight.entities)} entities, {len(flight.associations)} associations")
    if wrong:
        warn(f"ncric: {wrong} of {len(files)} flights cannot be used")
        raise typer.Exit(1)


@flights_app.command()
def load(
    file: Annotated[Path, typer.Argument(help="A flight (YAML).")],
    table: Annotated[Path, typer.Option(help="The table: .csv (every column is text) or .parquet.")],
) -> None:
    """Loads a table through a flight, in transactions of 50,000 rows. Safe to run again.

    `ncric flights load flights/my.yaml --table reads.csv`
    """
    from ncric_core.flight.model import model_in
    from ncric_core.pipeline.flight_load import check_flight, load_flight, table_batches

    with connected() as (settings, connection):
        model = model_in(settings.flights_dir)
        flight = check_flight(connection, file, model)
        done = load_flight(connection, flight, model, table_batches(table))
    say(f"{done.rows:,} rows of {table}")
    names = sorted(done.made.keys() | done.new.keys())
    show(
        ("entity set", "new", "already there"),
        [(name, done.new[name], done.made[name] - done.new[name]) for name in names],
        empty="nothing was made",
    )
    if done.photos:
        say(f"{done.photos:,} photos were left out: photos are not stored yet")
    if done.without_time:
        warn(f"ncric: {done.without_time:,} reads without a time (ol.datelogged) were not loaded")
        raise typer.Exit(1)
