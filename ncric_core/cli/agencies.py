"""`ncric agencies`: agencies and their received names."""

import io
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ncric_core.cli.app import app, connected, document, say, show, warn
from ncric_core.errors import SettingsError

if TYPE_CHECKING:
    from ncric_core.store.restandardize import Move

agencies_app = typer.Typer(no_args_is_help=True, help="Agencies and their received names.")
app.add_typer(agencies_app, name="agencies")

_AGENCIES = """
SELECT a.name, s.name, a.unmapped, coalesce(sum(n.reads), 0)::bigint, max(n.last_seen)
FROM agencies a
JOIN entity_sets s ON s.agency = a.id
LEFT JOIN received_names n ON n.agency = a.id
GROUP BY a.id, s.name
ORDER BY a.name
"""


@agencies_app.command("list")
def list_agencies() -> None:
    """Lists the agencies with their entity sets and reads."""
    from ncric_core.store.database import rows

    with connected() as (_, connection):
        found = rows(connection, _AGENCIES)
    show(("agency", "entity set", "unmapped", "reads", "newest read"), found, empty="no agencies")


@agencies_app.command()
def unmapped() -> None:
    """Lists received names that are not mapped yet, with their reads and the agencies that they may mean."""
    from ncric_core.store.names import unmapped_names

    with connected() as (_, connection):
        found = unmapped_names(connection)
    rows_ = [(n.datasource, n.received, n.reads, n.first_seen, n.last_seen, " | ".join(n.suggestions)) for n in found]
    columns = ("feed", "received name", "reads", "first read", "last read", "suggestions")
    show(columns, rows_, empty="every name is mapped")
    if found:
        say(
            'map one with: ncric agencies map "RECEIVED" "Standard" --datasource SOURCE, then ncric agencies '
            "restandardize"
        )


@agencies_app.command("map")
def map_name(
    received: Annotated[str, typer.Argument(help="The name as received (for Flock: the network id).")],
    standardized: Annotated[str, typer.Argument(help="The agency. A name that is no agency yet makes a new one.")],
    datasource: Annotated[
        str, typer.Option(help="Feed of the name, such as BOSS4: `source` in `ncric agencies unmapped`.")
    ],
) -> None:
    """Maps a received name to an agency. `ncric agencies restandardize` then moves the reads loaded before."""
    from ncric_core.agencies import NameMapping
    from ncric_core.settings import read_settings
    from ncric_core.sources.feeds import datasources
    from ncric_core.store.names import set_mappings

    known = datasources(read_settings())
    if datasource.upper() not in known:
        raise SettingsError(f"there is no datasource {datasource!r}; the datasources are {', '.join(known)}")
    with connected() as (_, connection):
        made = set_mappings(connection, [NameMapping(received, standardized, datasource)])
    _said(1, made)


@agencies_app.command("import")
def import_names(
    file: Annotated[Path, typer.Argument(help="CSV: ol.name (Flock: ol.id), standardized_agency_name, ol.datasource.")],
) -> None:
    """Imports names from a CSV file, all or none. Faults are reported by line."""
    from ncric_core.agencies import read_mappings
    from ncric_core.settings import read_settings
    from ncric_core.sources.feeds import datasources
    from ncric_core.store.names import set_mappings

    settings = read_settings()
    mappings = read_mappings(file, datasources(settings))
    with connected() as (_, connection):
        made = set_mappings(connection, mappings)
    _said(len(mappings), made)


def _said(count: int, made: list[str]) -> None:
    say(f"{count:,} names mapped" + (f"; new agencies: {', '.join(made)}" if made else ""))
    say("to move the reads loaded before: ncric agencies restandardize")


@agencies_app.command("export")
def export_names(file: Annotated[Path | None, typer.Argument(help="The file to write; none: stdout.")] = None) -> None:
    """Exports all names as CSV that `import` can read."""
    from ncric_core.agencies import write_mappings
    from ncric_core.store.names import all_mappings

    with connected() as (_, connection):
        mappings = all_mappings(connection)
    if file is None:
        written = io.StringIO()
        write_mappings(mappings, written)
        document([written.getvalue()])
        return
    with file.open("w", encoding="utf-8", newline="") as stream:
        write_mappings(mappings, stream)
    say(f"{len(mappings):,} names in {file}")


@agencies_app.command()
def restandardize() -> None:
    """Moves reads to the agencies that their received names are mapped to now.

    Moves a bounded number of reads at a time. Safe to kill and to run again.
    """
    from ncric_core.flight.model import model_in
    from ncric_core.store.restandardize import restandardize as move_reads

    moved: dict[Move, int] = {}
    with connected() as (settings, connection):
        model = model_in(settings.flights_dir)
        for move, reads in move_reads(connection, model):
            moved[move] = reads
            if sys.stderr.isatty():
                warn(f"{move.received}: {reads:,} of {move.reads:,} reads moved")
    found = [(m.datasource, m.received, m.old_name, m.new_name, reads) for m, reads in moved.items()]
    show(("feed", "received name", "from", "to", "reads moved"), found, empty="every read is under its agency already")


@agencies_app.command()
def history(limit: Annotated[int, typer.Option(min=1, help="Show at most this many, the latest first.")] = 100) -> None:
    """Lists the changes of the name tables: who, when, and the agency before and after."""
    from ncric_core.store.database import rows

    with connected() as (_, connection):
        found: list[tuple[datetime, str, str, str, str | None, str | None]] = list(
            rows(
                connection,
                "SELECT changed_at, changed_by, datasource, name, before, after FROM agency_name_changes ORDER "
                "BY id DESC LIMIT %(n)s",
                {"n": limit},
            )
        )
    show(("when", "who", "feed", "name", "before", "after"), found, empty="no changes yet")
