"""What earlier versions of a file left open closes when a version that brings it is read."""

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from ncric_core.deliveries import Batch, received_name
from ncric_core.store.database import Connection, array, rows
from ncric_core.store.ledger import Registered
from ncric_core.store.plans import find_by_key
from ncric_core.store.rejects import enter_replayed, mark
from ncric_core.vocabulary import Reason

_EARLIER: Final = """
SELECT v.id, f.id, f.size < v.size
FROM source_files v
CROSS JOIN LATERAL (SELECT id, size FROM source_files f WHERE f.key = v.key AND f.superseded OFFSET 0) f
WHERE v.id = ANY (%(ids)s) AND f.id <> v.id AND f.id <= %(newest)s
"""
"""OFFSET keeps PostgreSQL from beginning with all versions that were ever replaced."""

_NEWEST: Final = "SELECT coalesce(max(id), 0) FROM source_files"

_CUT_OFF: Final = """
SELECT file_id, position, agency_name FROM rejects
WHERE file_id = ANY (%(earlier)s) AND reason = %(cut_off)s AND replayed_at IS NULL
"""

_BROUGHT: Final = """
UPDATE loads l SET done_at = now(), error = NULL
FROM unnest(%(earlier)s::bigint[], %(names)s::text[], %(found)s::bigint[]) AS v (file_id, agency_name, found)
WHERE l.file_id = v.file_id AND l.agency_name = v.agency_name AND l.done_at IS NULL AND l.found <= v.found
"""


def newest_delivery(connection: Connection) -> int:
    """Returns the id of the newest delivery in the ledger; 0 if there is none."""
    newest: int = rows(connection, _NEWEST)[0][0]
    return newest


def close_replaced(connection: Connection, batch: Batch, registered: Registered, newest: int) -> None:
    """Closes what earlier versions of a batch's files left open, where the new versions bring it.

    The closed rows are *already there* in the ledger: the new version brings their reads. `newest` is the newest
    delivery in the ledger when the run began (`newest_delivery`): a version that another run has entered since is not
    an earlier one.

    - A reject that was cut off, in a shorter version, is closed if its row is a read now. A file that is read while it
      is being uploaded ends within a row.
    - Rows of a received name that waited for another job are closed if the new version has as many rows of that name.
      The version that had them is gone. A file that comes in parts closes none.
    """
    with connection:
        find_by_key(connection)
        found = rows(connection, _EARLIER, {"ids": registered.file_ids, "newest": newest})
        if not found:
            return
        number = {file_id: number for number, file_id in enumerate(registered.file_ids)}
        reads = batch.reads.with_columns(received_name=received_name(batch.reads.columns))
        shorter = {earlier: number[new] for new, earlier, is_shorter in found if is_shorter}
        closed = mark(connection, _now_reads(connection, reads, shorter))
        enter_replayed(connection, batch.contents[0].delivery.datasource, closed, registered.names)
        if not batch.part:
            _close_waiting(connection, reads, [(number[new], earlier) for new, earlier, _ in found])


def _now_reads(connection: Connection, reads: pl.DataFrame, shorter: Mapping[int, int]) -> pl.DataFrame:
    """Returns the reads whose rows were cut off in an earlier version. Their `file_id` is that version's."""
    found = rows(connection, _CUT_OFF, {"earlier": list(shorter), "cut_off": Reason.CUT_OFF})
    schema = {"file": pl.UInt32, "file_id": pl.Int64, "position": pl.Int64, "cut_off_name": pl.String}
    cut_off = pl.DataFrame([(shorter[one[0]], *one) for one in found], schema=schema, orient="row")
    return reads.join(cut_off, on=["file", "position"]).filter(
        pl.col("cut_off_name").is_null() | (pl.col("cut_off_name") == pl.col("agency_name"))
    )


def _close_waiting(connection: Connection, reads: pl.DataFrame, earlier: Sequence[tuple[int, int]]) -> None:
    versions = pl.DataFrame(earlier, schema={"file": pl.UInt32, "earlier": pl.Int64}, orient="row")
    brought = reads.group_by("file", "received_name").len("found").join(versions, on="file")
    given = {"earlier": brought["earlier"], "names": brought["received_name"], "found": brought["found"]}
    with connection.cursor() as cursor:
        cursor.execute(_BROUGHT, {name: array(column) for name, column in given.items()})
