"""Rejects in the ledger: listing them, and entering those that are reads after a fix."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl
from psycopg2.extras import execute_values

from ncric_core.deliveries import received_name
from ncric_core.store.agencies import NameTable, known_names
from ncric_core.store.database import Connection, rows
from ncric_core.store.ledger import PAIR

PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which rejects: of a reason, of files whose key contains a text, these single ones (file id, position), not only
    those that are open still."""

    reason: str | None = None
    file: str | None = None
    replayed: bool = False
    only: tuple[tuple[int, int], ...] | None = None


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


_COLUMNS: Final = """
SELECT r.file_id, r.position, f.datasource, f.key, f.window_end, r.reason, r.detail, r.received, r.agency_name,
       r.rejected_at, r.replayed_at
"""

_CHOSEN: Final = """
FROM rejects r
JOIN source_files f ON f.id = r.file_id
WHERE (%(reason)s IS NULL OR r.reason = %(reason)s)
  AND (%(file)s IS NULL OR position(%(file)s IN f.key) > 0)
  AND (%(datasource)s IS NULL OR f.datasource = %(datasource)s)
  AND (%(replayed)s OR r.replayed_at IS NULL)
  AND (%(only)s IS NULL OR (r.file_id, r.position) IN (
      SELECT * FROM unnest(%(only_files)s::bigint[], %(only_positions)s::bigint[])
  ))
"""

_PAGE: Final = """
  AND (r.file_id, r.position) > (%(file_id)s, %(position)s)
ORDER BY r.file_id, r.position
LIMIT %(limit)s
"""


def find_rejects(
    connection: Connection,
    chosen: Chosen,
    *,
    datasource: str | None = None,
    after: tuple[int, int] = (0, -1),
    limit: int,
) -> list[Reject]:
    """The first chosen rejects behind a place (file id, position), in order of these."""
    given = _given(chosen, datasource) | {"file_id": after[0], "position": after[1], "limit": limit}
    with connection:
        return [Reject(*found) for found in rows(connection, _COLUMNS + _CHOSEN + _PAGE, given)]


def count_rejects(connection: Connection, chosen: Chosen) -> int:
    """How many rejects are chosen."""
    with connection:
        return int(rows(connection, "SELECT count(*)" + _CHOSEN, _given(chosen, None))[0][0])


def _given(chosen: Chosen, datasource: str | None) -> dict[str, object]:
    return {
        "reason": chosen.reason,
        "file": chosen.file,
        "replayed": chosen.replayed,
        "datasource": datasource,
        "only": None if chosen.only is None else True,
        "only_files": [file_id for file_id, _ in chosen.only or ()],
        "only_positions": [position for _, position in chosen.only or ()],
    }


def count_reasons(connection: Connection) -> list[tuple[str, int]]:
    """Reason and number of the open rejects, the most frequent first."""
    with connection:
        found = rows(
            connection,
            "SELECT reason, count(*) FROM rejects WHERE replayed_at IS NULL GROUP BY reason ORDER BY count(*) "
            "DESC, reason",
        )
    return [(reason, count) for reason, count in found]


def mark_replayed(connection: Connection, datasource: str, reads: pl.DataFrame) -> tuple[pl.DataFrame, NameTable]:
    """Enters rejects that are reads now, in the caller's transaction.

    `reads` has schema CLEAN and `file_id`. Returns those that no other process has entered in the meantime, with
    `received_name` and `agency` (standardised), and the name table. Their delivery's entry for their received name has
    that many more rows found.
    """
    reads = reads.with_columns(received_name=received_name(reads.columns))
    with connection.cursor() as cursor:
        marked = execute_values(
            cursor,
            """
            UPDATE rejects r SET replayed_at = now(), replayed_as = v.agency_name
            FROM (VALUES %s) v (file_id, position, agency_name)
            WHERE r.file_id = v.file_id AND r.position = v.position AND r.replayed_at IS NULL
            RETURNING r.file_id, r.position
            """,
            reads.select("file_id", "position", "received_name").rows(),
            page_size=reads.height,
            fetch=True,
        )
        keys = pl.DataFrame(marked, schema={"file_id": pl.Int64, "position": pl.Int64}, orient="row")
        reads = reads.join(keys, on=["file_id", "position"], how="semi", maintain_order="left")
        names, _ = known_names(connection, datasource, reads)
        found = reads.group_by(PAIR).len().sort(PAIR)
        entered = execute_values(
            cursor,
            """
            INSERT INTO loads AS l (file_id, agency_name, agency, found, done_at)
            SELECT v.file_id, v.agency_name, v.agency, v.found, now()
            FROM (VALUES %s) v (file_id, agency_name, agency, found)
            ON CONFLICT (file_id, agency_name) DO UPDATE SET found = l.found + EXCLUDED.found
            RETURNING file_id, agency_name, agency
            """,
            [(file_id, name, names.agency_of(datasource, name), count) for file_id, name, count in found.iter_rows()],
            page_size=max(found.height, 1),
            fetch=True,
        )
    schema = {"file_id": pl.Int64, "received_name": pl.String, "agency": pl.Int32}
    agencies = pl.DataFrame(entered, schema=schema, orient="row")
    return reads.join(agencies, on=PAIR, maintain_order="left"), names
