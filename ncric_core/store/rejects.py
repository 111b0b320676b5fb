"""Rejects in the ledger: listing them, and entering those that are reads after a fix."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl
from psycopg2.extras import execute_values
from psycopg2.sql import SQL

from ncric_core.deliveries import received_name
from ncric_core.store.agencies import NameTable, known_names
from ncric_core.store.database import Connection, rows
from ncric_core.store.ledger import PAIR
from ncric_core.store.plans import find_by_key


@dataclass(frozen=True, slots=True)
class RejectFilter:
    """Chooses rejects: by reason, by a text in their file's name, by feed, or one by one (file id, position).

    Rejects that were replayed are left out unless `replayed` is set. None takes all.
    """

    reason: str | None = None
    file: str | None = None
    feed: str | None = None
    replayed: bool = False
    only: tuple[tuple[int, int], ...] | None = None

    def given(self) -> dict[str, object]:
        """The filter as parameters of CHOSEN_REJECTS."""
        return {
            "reason": self.reason,
            "file": self.file,
            "feed": self.feed,
            "replayed": self.replayed,
            "only": None if self.only is None else True,
            "only_files": [file_id for file_id, _ in self.only or ()],
            "only_positions": [position for _, position in self.only or ()],
        }


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that is no read: where it came from, why, and what was received, without photos."""

    file_id: int
    position: int
    datasource: str
    key: str
    window_end: datetime
    reason: str
    detail: str
    received: str
    agency_name: str | None
    rejected_at: datetime
    replayed_at: datetime | None


CHOSEN_REJECTS: Final = SQL(
    """
    FROM rejects r
    JOIN source_files f ON f.id = r.file_id
    WHERE (%(reason)s::text IS NULL OR r.reason = %(reason)s)
      AND (%(file)s::text IS NULL OR position(%(file)s IN f.key) > 0)
      AND (%(feed)s::text IS NULL OR f.datasource = %(feed)s)
      AND (%(replayed)s OR r.replayed_at IS NULL)
      AND (%(only)s::boolean IS NULL OR (r.file_id, r.position) IN (
          SELECT * FROM unnest(%(only_files)s::bigint[], %(only_positions)s::bigint[])
      ))
    """
)
"""The rejects `r` that a RejectFilter takes, with their files `f`."""

_REASONS: Final = SQL(
    "SELECT r.reason, count(*), max(r.rejected_at) {chosen} GROUP BY r.reason ORDER BY count(*) DESC, r.reason"
).format(chosen=CHOSEN_REJECTS)

_COUNT: Final = SQL("SELECT count(*) {chosen}").format(chosen=CHOSEN_REJECTS)

_FOUND: Final = SQL(
    """
    SELECT r.file_id, r.position, f.datasource, f.key, f.window_end, r.reason, r.detail, r.received, r.agency_name,
           r.rejected_at, r.replayed_at
    {chosen}
      AND (r.file_id, r.position) > (%(file_id)s, %(position)s)
    ORDER BY r.file_id, r.position
    LIMIT %(limit)s
    """
).format(chosen=CHOSEN_REJECTS)


def find_rejects(
    connection: Connection, chosen: RejectFilter, *, after: tuple[int, int] = (0, -1), limit: int
) -> list[Reject]:
    """Returns the first `limit` chosen rejects after a file id and position, in order of these two."""
    given = chosen.given() | {"file_id": after[0], "position": after[1], "limit": limit}
    with connection:
        return [Reject(*found) for found in rows(connection, _FOUND, given)]


def count_rejects(connection: Connection, chosen: RejectFilter) -> int:
    """Counts the chosen rejects."""
    with connection:
        return int(rows(connection, _COUNT, chosen.given())[0][0])


def count_reasons(connection: Connection, chosen: RejectFilter) -> list[tuple[str, int, datetime]]:
    """Returns the reasons of the chosen rejects, the most frequent first: how many, and when the newest was rejected.

    In the caller's transaction.
    """
    return [(reason, count, newest) for reason, count, newest in rows(connection, _REASONS, chosen.given())]


def mark_replayed(connection: Connection, datasource: str, reads: pl.DataFrame) -> tuple[pl.DataFrame, NameTable]:
    """Marks rejects that have become reads, and enters these in the ledger, in the caller's transaction.

    `reads` has schema CLEAN and `file_id`. Returns the reads that no other process has marked in the meantime, with
    `received_name` and `agency` (standardised), and the name table.
    """
    find_by_key(connection)
    reads = mark(connection, reads.with_columns(received_name=received_name(reads.columns)))
    names, _ = known_names(connection, datasource, reads)
    return reads.join(enter_replayed(connection, datasource, reads, names), on=PAIR, maintain_order="left"), names


_MARK: Final = """
UPDATE rejects r SET replayed_at = now(), replayed_as = v.agency_name
FROM (VALUES %s) v (file_id, position, agency_name)
WHERE r.file_id = v.file_id AND r.position = v.position AND r.replayed_at IS NULL
RETURNING r.file_id, r.position
"""

_ENTER: Final = """
INSERT INTO loads AS l (file_id, agency_name, agency, found, done_at)
SELECT v.file_id, v.agency_name, v.agency, v.found, now()
FROM (VALUES %s) v (file_id, agency_name, agency, found)
ON CONFLICT (file_id, agency_name) DO UPDATE SET found = l.found + EXCLUDED.found
RETURNING file_id, agency_name, agency
"""


def mark(connection: Connection, reads: pl.DataFrame) -> pl.DataFrame:
    """Marks the rejects that these reads were (file_id, position, received_name). Returns those that were not yet."""
    values = reads.select("file_id", "position", "received_name").rows()
    with connection.cursor() as cursor:
        marked = execute_values(cursor, _MARK, values, page_size=max(reads.height, 1), fetch=True)
    keys = pl.DataFrame(marked, schema={"file_id": pl.Int64, "position": pl.Int64}, orient="row")
    return reads.join(keys, on=["file_id", "position"], how="semi", maintain_order="left")


def enter_replayed(connection: Connection, datasource: str, reads: pl.DataFrame, names: NameTable) -> pl.DataFrame:
    """Enters reads that were rejects once in the ledger, as already there. Returns the agency of each PAIR."""
    found = reads.group_by(PAIR).len().sort(PAIR)
    values = [(file_id, name, names.agency_of(datasource, name), count) for file_id, name, count in found.iter_rows()]
    with connection.cursor() as cursor:
        entered = execute_values(cursor, _ENTER, values, page_size=max(found.height, 1), fetch=True)
    schema = {"file_id": pl.Int64, "received_name": pl.String, "agency": pl.Int32}
    return pl.DataFrame(entered, schema=schema, orient="row")
