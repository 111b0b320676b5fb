"""What has to be done in the same transaction after reads were inserted, changed or moved: today, the counts.

Every way into the store ends in one of these functions.
"""

import polars as pl

from ncric_core.store.counts import Counts, add_counts, counts_of, exchange_counts
from ncric_core.store.database import Connection


def reads_inserted(connection: Connection, reads: pl.DataFrame, counts: Counts | None = None) -> None:
    """Counts reads that were just inserted. `counts` are their counts, if the caller has them already.

    `reads` has the columns of COUNTED; agency_key may be missing if no read has one.
    """
    add_counts(connection, counts_of(reads) if counts is None else counts)


def reads_changed(connection: Connection, before: pl.DataFrame, after: pl.DataFrame) -> None:
    """Counts reads that were changed or replaced: `before` is taken off, `after` is added.

    `before` has the reads that were there already, as they were; `after` has all of them, as they are now. Columns as
    for `reads_inserted`. The transaction finds by key (`find_by_key`).
    """
    exchange_counts(connection, counts_of(before), counts_of(after))


def reads_moved(
    connection: Connection, moved: pl.DataFrame, *, datasource: str, received: str, old: int, new: int
) -> None:
    """Counts reads of one received name that were moved from one agency to another.

    `moved` has them by camera and hour: camera_id (String), hour (Datetime UTC), reads (Int64), and the first and last
    time (Datetime UTC). The transaction finds by key (`find_by_key`).
    """
    before, after = (_counts_of_agency(moved, agency, datasource, received) for agency in (old, new))
    exchange_counts(connection, before, after)


def _counts_of_agency(moved: pl.DataFrame, agency: int, datasource: str, received: str) -> Counts:
    whole = moved.with_columns(
        agency=pl.lit(agency, dtype=pl.Int32), datasource=pl.lit(datasource), agency_name=pl.lit(received)
    )
    spans = whole.group_by("datasource", "agency_name", "agency").agg(
        pl.col("reads").sum(), pl.col("first").min(), pl.col("last").max()
    )
    return Counts(whole.select("agency", "datasource", "camera_id", "hour", "reads"), spans)
