"""The questions of the tab "Rejects": counts by reason, a page of rejects, and their rows as received."""

from collections.abc import Sequence
from typing import Final

import polars as pl
from psycopg2.sql import SQL

from console.queries import frame
from console.queries.files import UTC_TIME, paged
from ncric_core.store.database import Connection
from ncric_core.store.rejects import CHOSEN_REJECTS, RejectFilter, count_reasons

REASONS_SCHEMA: Final = pl.Schema({"reason": pl.String(), "rejects": pl.Int64(), "newest": UTC_TIME})

_REJECTS: Final = SQL(
    """
    SELECT r.file_id, r.position, f.datasource, f.key, f.window_end, r.reason, r.detail, r.agency_name, r.rejected_at,
           r.replayed_at, r.replayed_as
    {chosen}
    ORDER BY r.file_id DESC, r.position
    LIMIT %(limit)s OFFSET %(offset)s
    """
).format(chosen=CHOSEN_REJECTS)

REJECTS_SCHEMA: Final = pl.Schema(
    {
        "file_id": pl.Int64(),
        "position": pl.Int64(),
        "feed": pl.String(),
        "key": pl.String(),
        "window_end": UTC_TIME,
        "reason": pl.String(),
        "detail": pl.String(),
        "received_name": pl.String(),
        "rejected_at": UTC_TIME,
        "replayed_at": UTC_TIME,
        "replayed_as": pl.String(),
    }
)

RECEIVED: Final = """
SELECT r.file_id, r.position, r.received
FROM unnest(%(file_ids)s::bigint[], %(positions)s::bigint[]) AS k (file_id, position)
JOIN rejects r USING (file_id, position)
"""

RECEIVED_SCHEMA: Final = pl.Schema({"file_id": pl.Int64(), "position": pl.Int64(), "received": pl.String()})


def reasons(connection: Connection, chosen: RejectFilter) -> pl.DataFrame:
    """Counts the chosen rejects by reason: REASONS_SCHEMA."""
    return pl.DataFrame(count_reasons(connection, chosen), schema=REASONS_SCHEMA, orient="row")


def rejects(connection: Connection, chosen: RejectFilter, page: int) -> pl.DataFrame:
    """Returns a page of the chosen rejects, without their rows as received: REJECTS_SCHEMA. Newest files come first."""
    return frame(connection, _REJECTS, paged(chosen.given(), page), REJECTS_SCHEMA)


def received(connection: Connection, these: Sequence[tuple[int, int]]) -> pl.DataFrame:
    """Returns rejects, named by file id and position, as received: RECEIVED_SCHEMA. The database refuses analysts."""
    given = {"file_ids": [file_id for file_id, _ in these], "positions": [position for _, position in these]}
    return frame(connection, RECEIVED, given, RECEIVED_SCHEMA)
