"""The questions of the page "Agency names": the name table, the agencies, and the reads that have to move."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

import polars as pl

from ncric_core.store.agencies import agency_name, name_table
from ncric_core.store.database import Connection, rows
from ncric_core.store.name_changes import NameMove, PastChange
from ncric_core.store.names import UnmappedName, all_mappings
from ncric_core.store.restandardize import planned_moves

MAPPINGS: Final = pl.Schema({"Feed": pl.String, "Received name": pl.String, "Agency": pl.String})
"""A row of the name table. For Flock the received name is a network's number."""

_AGENCIES: Final = "SELECT name FROM agencies WHERE NOT unmapped ORDER BY lower(name), name"


def mappings(connection: Connection) -> pl.DataFrame:
    """Returns the name table (MAPPINGS), in order of feed and name."""
    found = [(one.datasource, one.received, one.standardized) for one in all_mappings(connection)]
    return pl.DataFrame(found, schema=MAPPINGS, orient="row")


def agencies(connection: Connection) -> list[str]:
    """Lists the agencies that names can be mapped to."""
    return [name for (name,) in rows(connection, _AGENCIES)]


def reads_to_move(connection: Connection) -> int:
    """Counts the reads that are under another agency than the name table says."""
    return sum(move.reads for move in planned_moves(connection, name_table(connection)))


def waiting_table(waiting: Sequence[UnmappedName]) -> pl.DataFrame:
    """Makes a table to download of the names that wait: a column for each field of UnmappedName, suggestions joined."""
    return pl.DataFrame([asdict(one) | {"suggestions": "; ".join(one.suggestions)} for one in waiting])


def own_agency(connection: Connection, one: UnmappedName) -> str:
    """Returns the name of the agency that was made for a name that waits: its reads are under it."""
    return agency_name(name_table(connection).own_name(one.datasource, one.received))


def moves_table(moves: Sequence[NameMove]) -> pl.DataFrame:
    """Makes the table of moves that a page shows: Feed, Received name, From, To (strings), Reads (Int64)."""
    schema = {"Feed": pl.String, "Received name": pl.String, "From": pl.String, "To": pl.String, "Reads": pl.Int64}
    found = [(one.datasource, one.received, one.old, one.new, one.reads) for one in moves]
    return pl.DataFrame(found, schema=schema, orient="row")


def history_table(past: Sequence[PastChange], zone: str) -> pl.DataFrame:
    """Makes the table of changes that a page shows.

    Columns: When (Datetime in `zone`), Who, Feed, Received name, Before, After (strings).
    """
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "When": pl.Datetime("us", "UTC"),
        "Who": pl.String,
        "Feed": pl.String,
        "Received name": pl.String,
        "Before": pl.String,
        "After": pl.String,
    }
    found = [
        (
            one.changed_at,
            one.changed_by,
            *(getattr(one.change, name) for name in ("datasource", "received", "before", "after")),
        )
        for one in past
    ]
    return pl.DataFrame(found, schema=schema, orient="row").with_columns(pl.col("When").dt.convert_time_zone(zone))
