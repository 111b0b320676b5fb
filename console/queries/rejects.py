"""The questions of the tab "Rejects": how many of each reason, which, and what was received."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from console.queries import frame
from console.queries.files import UTC_TIME, paged
from ncric_core.store.database import Connection


@dataclass(frozen=True, slots=True)
class RejectFilter:
    """Which rejects: of a reason, of files whose name contains a text, of a feed, with those replayed or without."""

    reason: str | None = None
    file: str | None = None
    feed: str | None = None
    replayed: bool = False

    def given(self) -> dict[str, object]:
        """As parameters of a query."""
        return {"reason": self.reason, "file": self.file, "feed": self.feed, "replayed": self.replayed}


REASONS: Final = """
SELECT r.reason, count(*), max(r.rejected_at)
FROM rejects r
JOIN source_files f ON f.id = r.file_id
WHERE (%(replayed)s OR r.replayed_at IS NULL)
  AND (%(file)s::text IS NULL OR position(%(file)s IN f.key) > 0)
  AND (%(feed)s::text IS NULL OR f.datasource = %(feed)s)
GROUP BY r.reason
ORDER BY count(*) DESC, r.reason
"""

REASONS_SCHEMA: Final = pl.Schema({"reason": pl.String(), "rejects": pl.Int64(), "newest": UTC_TIME})

REJECTS: Final = """
SELECT r.file_id, r.position, f.datasource, f.key, f.window_end, r.reason, r.detail, r.agency_name, r.rejected_at,
       r.replayed_at, r.replayed_as
FROM rejects r
JOIN source_files f ON f.id = r.file_id
WHERE (%(reason)s::text IS NULL OR r.reason = %(reason)s)
  AND (%(replayed)s OR r.replayed_at IS NULL)
  AND (%(file)s::text IS NULL OR position(%(file)s IN f.key) > 0)
  AND (%(feed)s::text IS NULL OR f.datasource = %(feed)s)
ORDER BY r.file_id DESC, r.position
LIMIT %(limit)s OFFSET %(offset)s
"""

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
    """How many of the chosen rejects there are of each reason, whichever is chosen: REASONS_SCHEMA."""
    return frame(connection, REASONS, chosen.given(), REASONS_SCHEMA)


def rejects(connection: Connection, chosen: RejectFilter, page: int) -> pl.DataFrame:
    """A page of the chosen rejects, those of the newest files first, without the rows as received: REJECTS_SCHEMA."""
    return frame(connection, REJECTS, paged(chosen.given(), page), REJECTS_SCHEMA)


def received(connection: Connection, these: Sequence[tuple[int, int]]) -> pl.DataFrame:
    """The rows of rejects (file id, position) as received: RECEIVED_SCHEMA. The database gives them to operators."""
    given = {"file_ids": [file_id for file_id, _ in these], "positions": [position for _, position in these]}
    return frame(connection, RECEIVED, given, RECEIVED_SCHEMA)
