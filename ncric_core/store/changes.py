"""What has to be done in the same transaction after reads were inserted, changed or moved: today, the counts.

Every way into the store ends in one of these functions.
"""

from typing import Final

import polars as pl

from ncric_core.store.counts import Counts, add_counts, counts_of
from ncric_core.store.database import Connection, rows


def reads_inserted(connection: Connection, reads: pl.DataFrame, counts: Counts | None = None) -> None:
    """Counts reads that were just inserted. `counts` are their counts, if the caller has them already.

    `reads` has agency (Int32), datasource, camera_id, agency_name (String), event_time (Datetime UTC) and, if any of
    them has one, agency_key.
    """
    add_counts(connection, counts_of(reads) if counts is None else counts)


def reads_changed(connection: Connection, before: pl.DataFrame, after: pl.DataFrame) -> None:
    """Counts reads that were merged into the store: `before` is taken off, `after` is added.

    `before` has the reads that were there already, as they were; `after` has all of them, as they are now. Columns as
    for `reads_inserted`.
    """
    add_counts(connection, counts_of(before, sign=-1))
    reads_inserted(connection, after)


MOVED: Final = """
CREATE TEMP TABLE IF NOT EXISTS moved (
    camera_id text, hour timestamptz, reads bigint, first timestamptz, last timestamptz
) ON COMMIT DROP
"""
"""The table that `reads_moved` takes: a row for each camera and hour."""

_FOLLOW_MOVED: Final = (
    """
    INSERT INTO read_counts AS c (agency, datasource, camera_id, hour, reads)
    SELECT %(new)s, %(datasource)s, camera_id, hour, reads FROM moved ORDER BY camera_id, hour
    ON CONFLICT (agency, datasource, camera_id, hour) DO UPDATE SET reads = c.reads + EXCLUDED.reads
    """,
    """
    UPDATE read_counts c SET reads = c.reads - m.reads FROM moved m
    WHERE c.agency = %(old)s AND c.datasource = %(datasource)s AND c.camera_id = m.camera_id AND c.hour = m.hour
    """,
    """
    DELETE FROM read_counts c USING moved m
    WHERE c.agency = %(old)s AND c.datasource = %(datasource)s AND c.camera_id = m.camera_id AND c.hour = m.hour
      AND c.reads = 0
    """,
    """
    INSERT INTO received_names AS n (datasource, agency_name, agency, reads, first_seen, last_seen)
    SELECT %(datasource)s, %(received)s, %(new)s, sum(reads), min(first), max(last) FROM moved HAVING count(*) > 0
    ON CONFLICT (datasource, agency_name, agency) DO UPDATE
    SET reads = n.reads + EXCLUDED.reads,
        first_seen = least(n.first_seen, EXCLUDED.first_seen),
        last_seen = greatest(n.last_seen, EXCLUDED.last_seen)
    """,
    """
    UPDATE received_names SET reads = reads - coalesce((SELECT sum(reads) FROM moved), 0)
    WHERE datasource = %(datasource)s AND agency_name = %(received)s AND agency = %(old)s
    """,
)


def reads_moved(connection: Connection, *, datasource: str, received: str, old: int, new: int) -> int:
    """Counts reads of one received name that were moved from one agency to another. Returns how many.

    The temporary table of MOVED has them by camera and hour.
    """
    given = {"datasource": datasource, "received": received, "old": old, "new": new}
    with connection.cursor() as cursor:
        for statement in _FOLLOW_MOVED:
            cursor.execute(statement, given)
    return int(rows(connection, "SELECT coalesce(sum(reads), 0) FROM moved")[0][0])
