"""Moves reads to their agencies after a change of the name table, with their counts, their links and the ledger.

Each transaction moves a bounded number of reads.
"""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypedDict

import polars as pl
from psycopg2 import sql

from ncric_core.errors import StoreError
from ncric_core.flight.model import Model
from ncric_core.store.agencies import NameTable, name_table
from ncric_core.store.changes import reads_moved
from ncric_core.store.database import Connection, rows
from ncric_core.store.locks import Lock, try_session_lock
from ncric_core.store.plans import find_by_key
from ncric_core.store.standardized import move_cameras, remove_agency

AT_ONCE: Final = 50_000  # reads (about) or entries of the ledger moved in one transaction


@dataclass(frozen=True, slots=True)
class Move:
    """A move of reads received under one name from one agency to another."""

    datasource: str
    received: str
    old: int
    new: int
    old_name: str
    new_name: str
    reads: int
    first_seen: datetime
    last_seen: datetime


def planned_moves(connection: Connection, table: NameTable) -> list[Move]:
    """Returns the moves that `restandardize` has to make."""
    found = rows(
        connection,
        "SELECT datasource, agency_name, agency, reads, first_seen, last_seen FROM received_names ORDER BY 1, 2, 3",
    )
    return [
        Move(datasource, name, old, new, table.agencies[old], table.agencies[new], reads, first, last)
        for datasource, name, old, reads, first, last in found
        if (new := table.agency_of(datasource, name)) is not None and new != old
    ]


def restandardize(connection: Connection, model: Model) -> Generator[tuple[Move, int], None, None]:
    """Moves reads to the agencies that the name table says. Yields each move with the reads moved so far in it.

    It may be killed at any time and run again. Raises StoreError, as one that passes, if another process is moving
    reads.
    """
    with try_session_lock(connection, Lock.MOVE_READS) as free:
        if not free:
            raise StoreError("reads are being moved already by another process: wait for it to end", passing=True)
        with connection:
            moves = planned_moves(connection, name_table(connection))
        for move in moves:
            moved = 0
            for start, end in _ranges(connection, move):
                with connection:
                    moved += _move_reads(connection, move, start, end)
                yield move, moved
            _finish(connection, model, move)
            yield move, moved
        with connection:
            _drop_emptied(connection, model)


def _ranges(connection: Connection, move: Move) -> list[tuple[datetime, datetime]]:
    """Cuts the hours of the move's reads into ranges [start, end) of about AT_ONCE reads of the old agency."""
    with connection:
        hours = rows(
            connection,
            """
            SELECT min(hour), max(hour) + interval '1 hour'
            FROM (
                SELECT hour, div(sum(reads) OVER (ORDER BY hour) - 1, %(at_once)s) AS slice
                FROM (
                    SELECT hour, sum(reads) AS reads
                    FROM read_counts
                    WHERE agency = %(old)s AND datasource = %(datasource)s
                      AND hour BETWEEN date_trunc('hour', %(first)s) AND %(last)s
                    GROUP BY hour
                ) AS by_hour
            ) AS sliced
            GROUP BY slice
            ORDER BY 1
            """,
            {
                "at_once": AT_ONCE,
                "old": move.old,
                "datasource": move.datasource,
                "first": move.first_seen,
                "last": move.last_seen,
            },
        )
    return [(start, end) for start, end in hours]


_MOVE_READS: Final = """
WITH changed AS (
    UPDATE vehicle_records SET agency = %(new)s
    WHERE event_time >= %(start)s AND event_time < %(end)s
      AND agency = %(old)s AND datasource = %(datasource)s AND coalesce(agency_key, agency_name) = %(received)s
    RETURNING coalesce(camera_id, '') AS camera_id, event_time
)
SELECT camera_id, date_trunc('hour', event_time), count(*), min(event_time), max(event_time)
FROM changed
GROUP BY 1, 2
"""

_TIME: Final = pl.Datetime("us", "UTC")
_MOVED: Final = pl.Schema({"camera_id": pl.String(), "hour": _TIME, "reads": pl.Int64(), "first": _TIME, "last": _TIME})


class _Given(TypedDict):
    """The parameters of the statements that move reads."""

    datasource: str
    received: str
    old: int
    new: int


def _move_reads(connection: Connection, move: Move, start: datetime, end: datetime) -> int:
    """Moves the reads of some hours, with their counts, in the caller's transaction; returns how many."""
    given = _parameters(move)
    find_by_key(connection)
    found = rows(connection, _MOVE_READS, {**given, "start": start, "end": end})
    moved = pl.DataFrame(found, schema=_MOVED, orient="row")
    reads_moved(connection, moved, **given)
    return int(moved["reads"].sum())


_MOVE_LOADS: Final = """
UPDATE loads SET agency = %(new)s
WHERE (file_id, agency_name) IN (
    SELECT l.file_id, l.agency_name
    FROM loads l
    JOIN source_files f ON f.id = l.file_id
    WHERE l.agency_name = %(received)s AND l.agency = %(old)s AND f.datasource = %(datasource)s
    ORDER BY l.file_id
    LIMIT %(at_once)s
    FOR UPDATE OF l
)
"""

_FORGET_NAME: Final = """
DELETE FROM received_names
WHERE datasource = %(datasource)s AND agency_name = %(received)s AND agency = %(old)s AND reads = 0
"""


def _finish(connection: Connection, model: Model, move: Move) -> None:
    """Moves what belongs to reads that were moved: the ledger's entries, and the links of their cameras."""
    given = {**_parameters(move), "at_once": AT_ONCE}
    changed = AT_ONCE
    while changed == AT_ONCE:
        with connection, connection.cursor() as cursor:
            find_by_key(connection)
            cursor.execute(_MOVE_LOADS, given)
            changed = cursor.rowcount
    with connection, connection.cursor() as cursor:
        move_cameras(connection, model, datasource=move.datasource, old=move.old, new=move.new)
        cursor.execute(_FORGET_NAME, given)


def _parameters(move: Move) -> _Given:
    return {"datasource": move.datasource, "received": move.received, "old": move.old, "new": move.new}


def _drop_emptied(connection: Connection, model: Model) -> None:
    """Removes unmapped agencies that have nothing any more, with their entity sets. Waits for loads in progress."""
    rows(connection, "SELECT id FROM agencies WHERE unmapped ORDER BY id FOR UPDATE")
    emptied = rows(
        connection,
        """
        SELECT a.id, a.name, s.view_name
        FROM agencies a
        JOIN entity_sets s ON s.agency = a.id
        WHERE a.unmapped
          AND NOT EXISTS (SELECT FROM received_names n WHERE n.agency = a.id)
          AND NOT EXISTS (SELECT FROM loads l WHERE l.agency = a.id)
          AND NOT EXISTS (SELECT FROM standardized_agency_names n WHERE n.standardized_agency_name = a.name)
          AND NOT EXISTS (SELECT FROM standardized_agency_names_flock n WHERE n.standardized_agency_name = a.name)
        """,
    )
    with connection.cursor() as cursor:
        for agency, name, view in emptied:
            cursor.execute(sql.SQL("DROP VIEW IF EXISTS {}").format(sql.Identifier(view)))
            cursor.execute("DELETE FROM agencies WHERE id = %(id)s", {"id": agency})
            remove_agency(connection, model, name)
