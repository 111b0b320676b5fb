"""Loads a chunk in one transaction: its reads, their counts, its entries in the ledger, cameras and links."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl
from psycopg2 import errors
from tenacity import retry, retry_if_exception_type, stop_after_attempt

from ncric_core.deliveries import received_name
from ncric_core.errors import AgencyError
from ncric_core.flight.rows import Rows
from ncric_core.store.changes import reads_changed, reads_inserted
from ncric_core.store.copy import copy_new, csv_of
from ncric_core.store.database import Connection, array, rows
from ncric_core.store.entities import upsert
from ncric_core.store.insert import Inserted, Ready, insert_reads, make_ready
from ncric_core.store.ledger import PAIR, pair_values
from ncric_core.store.plans import find_by_key

ATTEMPTS: Final = 5  # to load a chunk, one right after the other
GIVEN_UP: Final = (errors.DeadlockDetected, errors.SerializationFailure)  # by PostgreSQL; the same again may well work

_UTC: Final = pl.Datetime("us", "UTC")


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one transaction loads.

    `reads` has columns of vehicle_records, with file_id, agency_name and agency, in order of event time and id. `late`
    tells those that were taken before their delivery's window, which may well be there already.
    """

    # PAIR and agency of the entries of the ledger that the chunk is of, how many `rows` each has in the chunk, and how
    # many were `found` in its delivery so far
    pairs: pl.DataFrame
    reads: pl.DataFrame
    late: pl.Series
    seen: pl.DataFrame  # what the reads tell of cameras and agencies, from which the entities are made
    entities: Sequence[Rows]
    closes: bool  # no more rows come of these deliveries and names: they are done
    ready: Ready | None = None

    def only(self, pairs: pl.DataFrame) -> "Chunk":
        """Returns the part of the chunk that belongs to these pairs."""
        reads = self.reads.with_columns(late_=self.late, received_name=received_name(self.reads.columns))
        kept = reads.join(pairs, on=PAIR, how="semi", maintain_order="left").drop("received_name")
        return Chunk(pairs, kept.drop("late_"), kept["late_"], self.seen, self.entities, self.closes)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a chunk: the pairs that were loaded, the reads that were inserted, and how many of the others have
    another plate in the store."""

    claimed: pl.DataFrame
    inserted: pl.DataFrame
    corrections: int = 0


@retry(retry=retry_if_exception_type(GIVEN_UP), stop=stop_after_attempt(ATTEMPTS), reraise=True)
def load_chunk(connection: Connection, chunk: Chunk, *, staged: bool = False, force: bool = False) -> Loaded:
    """Loads a chunk: reads, entities, counts and ledger in one transaction, which is tried again after a deadlock.

    Entries of the ledger that another run has done in the meantime are left alone, unless `force`. `staged` says that
    many of the reads are likely to be in the store already. Raises psycopg2.Error if the chunk cannot be loaded; then
    nothing of it is.
    """
    with connection:
        return _load(connection, chunk, staged=staged, force=force)


def load_again(connection: Connection, chunk: Chunk) -> Loaded:
    """Loads a chunk in the caller's transaction, whatever the ledger says of its pairs."""
    return _load(connection, chunk, staged=True, force=True)


def _load(connection: Connection, chunk: Chunk, *, staged: bool, force: bool) -> Loaded:
    find_by_key(connection)
    now = _lock_agencies(connection, chunk)
    claimed = _claim(connection, chunk, now, force=force)
    if claimed.height < chunk.pairs.height:
        chunk = chunk.only(claimed)
    if claimed.is_empty():
        return Loaded(chunk.pairs, chunk.reads)
    ready = chunk.ready or make_ready(chunk.reads, chunk.late)
    for entities in chunk.entities:
        upsert(connection, entities)
    done = insert_reads(connection, ready, staged=staged)
    if done.gave_way.is_empty():
        reads_inserted(connection, done.reads, ready.counts if done.reads.height == ready.reads.height else None)
    else:
        reads_changed(connection, done.gave_way, done.reads)
    _correct(connection, claimed, done)
    return Loaded(claimed, done.reads, done.corrections)


_LOCK_AGENCIES: Final = "SELECT now() FROM agencies WHERE id = ANY (%(ids)s) ORDER BY id FOR KEY SHARE"


def _lock_agencies(connection: Connection, chunk: Chunk) -> datetime:
    """Keeps the chunk's agencies from being dropped by `restandardize`. Returns the transaction's time.

    Raises AgencyError if one of them is gone already.
    """
    wanted = chunk.pairs["agency"].unique().to_list()
    there = rows(connection, _LOCK_AGENCIES, {"ids": wanted})
    if len(there) < len(wanted):
        raise AgencyError("the agency was taken away while its reads were on their way: run the job again")
    return there[0][0]  # type: ignore[no-any-return]  # a chunk has pairs


_CLAIM: Final = """
INSERT INTO loads AS l (file_id, agency_name, agency, found, loaded, done_at)
SELECT file_id, agency_name, agency, found, loaded, CASE WHEN %(closes)s THEN now() END
FROM unnest(%(files)s::bigint[], %(names)s::text[], %(agencies)s::integer[], %(found)s::integer[],
            %(loaded)s::integer[])
    AS v (file_id, agency_name, agency, found, loaded)
ON CONFLICT (file_id, agency_name) DO UPDATE
SET loaded = l.loaded + EXCLUDED.loaded, error = NULL,
    found = greatest(EXCLUDED.found, CASE WHEN %(closes)s THEN l.loaded + l.expired ELSE l.found END),
    agency = CASE WHEN l.loaded + l.expired > 0 OR l.done_at IS NOT NULL THEN l.agency ELSE EXCLUDED.agency END,
    done_at = CASE WHEN %(closes)s THEN now() ELSE l.done_at END
WHERE %(force)s OR ((l.done_at IS NULL OR (%(closes)s AND l.found <> EXCLUDED.found))
                    AND (l.loaded + l.expired = 0 OR EXCLUDED.loaded = 0))
RETURNING file_id, agency_name
"""


def _claim(connection: Connection, chunk: Chunk, now: datetime, *, force: bool) -> pl.DataFrame:
    """Enters the chunk's pairs in the ledger. Returns those that are still to be loaded, with a column `entered`.

    Waits for another run that is just loading them. A pair is entered as loaded in full, which is nearly always right,
    and corrected at the end if it was not: that is cheaper than an entry and a change for each. A pair of which a part
    was loaded before is entered with 0, and corrected when it is known how much was inserted.
    """
    pairs = chunk.pairs.sort(PAIR)  # in this order two runs wait for one another rather than deadlock
    nothing = pairs.with_columns(entered=pl.lit(0, dtype=pl.Int32))
    whole = pairs.with_columns(entered=pl.col("rows").cast(pl.Int32))
    if force:
        return _claimed(connection, nothing, closes=chunk.closes, force=True)
    if _enter_new(connection, whole, now if chunk.closes else None):
        return whole
    first = _claimed(connection, whole, closes=chunk.closes, force=False)
    if first.height == pairs.height:
        return first
    rest = nothing.join(first, on=PAIR, how="anti", maintain_order="left")
    return pl.concat([first, _claimed(connection, rest, closes=chunk.closes, force=False)])


def _enter_new(connection: Connection, pairs: pl.DataFrame, done_at: datetime | None) -> bool:
    """COPYs new pairs into the ledger. Returns False, with nothing written, if any of them exists."""
    entries = pairs.select(
        "file_id", "agency", "found", agency_name="received_name", loaded="entered", done_at=pl.lit(done_at, _UTC)
    )
    return copy_new(connection, "loads", entries.columns, csv_of(entries))


def _claimed(connection: Connection, pairs: pl.DataFrame, *, closes: bool, force: bool) -> pl.DataFrame:
    given = {**pair_values(pairs), "loaded": array(pairs["entered"]), "closes": closes, "force": force}
    claimed = rows(connection, _CLAIM, given)
    if len(claimed) == pairs.height:
        return pairs
    kept = pl.DataFrame(claimed, schema={column: pairs.schema[column] for column in PAIR}, orient="row")
    return pairs.join(kept, on=PAIR, how="semi", maintain_order="left")


def _correct(connection: Connection, claimed: pl.DataFrame, done: Inserted) -> None:
    """Corrects the ledger's entries of which fewer or more reads were inserted than `_claim` has entered.

    Cut reads that gave way are taken off the entries that had loaded them: their rows are *already there* from now on.
    """
    inserted, gave_way = done.reads, done.gave_way
    if inserted.height == claimed["rows"].sum() == claimed["entered"].sum() and gave_way.is_empty():
        return  # all that was given was entered, and inserted
    changes = pl.concat(
        [
            claimed.select(*PAIR, change=-pl.col("entered").cast(pl.Int64)),
            _by_pair(inserted).select(*PAIR, change="len"),
            _by_pair(gave_way).select(*PAIR, change=-pl.col("len")),
        ]
    )
    wrong = changes.group_by(PAIR).agg(pl.col("change").sum()).filter(pl.col("change") != 0).sort(PAIR)
    if wrong.height:
        given = {
            "files": array(wrong["file_id"]),
            "names": array(wrong["received_name"]),
            "change": array(wrong["change"]),
        }
        with connection.cursor() as cursor:
            cursor.execute(
                """
                UPDATE loads l
                SET loaded = l.loaded + v.change,
                    expired = least(l.expired, l.found - l.loaded - v.change)  -- a forced run brings some back
                FROM unnest(%(files)s::bigint[], %(names)s::text[], %(change)s::integer[])
                    AS v (file_id, agency_name, change)
                WHERE l.file_id = v.file_id AND l.agency_name = v.agency_name
                """,
                given,
            )


def _by_pair(reads: pl.DataFrame) -> pl.DataFrame:
    """How many reads each pair has: file_id, received_name, len (Int64)."""
    return reads.group_by("file_id", received_name=received_name(reads.columns)).agg(len=pl.len().cast(pl.Int64))
