"""Reads → vehicle_records: those that are not there yet, straight or by way of a temporary table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl
from psycopg2 import sql

from ncric_core.store.copy import copy_csv, copy_new, csv_of
from ncric_core.store.counts import COUNTED, Counts, counts_of
from ncric_core.store.database import Connection, rows

READ_KEY: Final = ("id", "event_time")


@dataclass(frozen=True, slots=True)
class Ready:
    """What can be done with a chunk's reads before it is the database's turn.

    `reads` are without `repeats`. `late` and `prompt` are the two parts of them; `csv` is `prompt` as COPY takes it.
    """

    reads: pl.DataFrame
    repeats: pl.DataFrame
    late: pl.DataFrame
    prompt: pl.DataFrame
    csv: bytes
    counts: Counts


@dataclass(frozen=True, slots=True)
class Inserted:
    """What became of reads that were to be inserted; those that are not in `reads` were in the store already.

    `gave_way` (schema COUNTED, and file_id) are the cut reads that are no longer in the store: one of `reads`, the same
    with more of its row, has taken the place of each. `corrections` were sent again with another plate, and noted.
    """

    reads: pl.DataFrame
    gave_way: pl.DataFrame
    corrections: int


def make_ready(reads: pl.DataFrame, late: pl.Series) -> Ready:
    """Prepares reads for `insert_reads`.

    Of reads that occur twice the first stays. `reads` are sorted by time and id, so equal ones stand side by side.
    """
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift() for name in READ_KEY)
    repeat = reads.select(repeat=same)["repeat"].fill_null(value=False)
    repeats = reads.clear()
    if repeat.any():
        repeats, reads, late = reads.filter(repeat), reads.filter(~repeat), late.filter(~repeat)
    prompt = reads.filter(~late) if late.any() else reads
    return Ready(reads, repeats, reads.filter(late), prompt, csv_of(prompt), counts_of(reads))


def insert_reads(connection: Connection, ready: Ready, *, staged: bool) -> Inserted:
    """Inserts the reads that are not there yet, in a transaction that finds by key (`find_by_key`).

    COPY straight into the table is twice as fast, but one duplicate undoes it. Late reads, which are sent again more
    often, are staged at once; the others only when the COPY meets a duplicate. Repeats are staged last, to compare them
    with the reads that are in the store by then.
    """
    if staged:
        done = [_insert_staged(connection, ready.reads, ready.csv if ready.late.is_empty() else None)]
    else:
        done = [_insert_staged(connection, ready.late), _insert_straight(connection, ready.prompt, ready.csv)]
    return _together([*done, _insert_staged(connection, ready.repeats)])


def _insert_straight(connection: Connection, reads: pl.DataFrame, csv: bytes) -> Inserted:
    if copy_new(connection, "vehicle_records", reads.columns, csv):
        return _inserted(reads)
    return _insert_staged(connection, reads, csv)


_STAGE: Final = (
    "CREATE TEMP TABLE IF NOT EXISTS staged_reads (LIKE vehicle_records INCLUDING DEFAULTS) ON COMMIT DROP",
    "TRUNCATE staged_reads",
)

_COMPARE: Final = """
WITH there AS MATERIALIZED (
    SELECT s.id, s.event_time, s.plate, s.file_id, s.cut_at,
           r.cut_at IS NOT NULL AND (s.cut_at IS NULL OR s.cut_at > r.cut_at) AS says_more,
           s.plate IS NOT NULL AND s.plate IS DISTINCT FROM r.plate
               AND upper(regexp_replace(s.plate, '[^[:alnum:]]', '', 'g'))
                   IS DISTINCT FROM upper(regexp_replace(r.plate, '[^[:alnum:]]', '', 'g')) AS other_plate
    FROM staged_reads s
    JOIN vehicle_records r ON r.id = s.id AND r.event_time = s.event_time
    WHERE r.event_time BETWEEN %(first)s AND %(last)s
), noted AS (
    INSERT INTO corrections (id, event_time, plate, file_id)
    SELECT id, event_time, plate, file_id FROM there WHERE other_plate AND NOT says_more
    ON CONFLICT (id, event_time, plate) DO NOTHING
)
SELECT count(*),
       count(*) FILTER (WHERE other_plate AND NOT says_more),
       coalesce(array_agg(id) FILTER (WHERE says_more), '{}'),
       coalesce(array_agg(event_time) FILTER (WHERE says_more), '{}'),
       coalesce(array_agg(cut_at) FILTER (WHERE says_more), '{}')
FROM there
"""
"""Compares staged reads with those that are there. Counts those, and those sent with another plate, which it notes.
Names the staged reads that say more than the cut ones that are there."""

_GIVE_WAY: Final = """
DELETE FROM vehicle_records
WHERE id = %(id)s AND event_time = %(event_time)s AND cut_at IS NOT NULL
  AND (%(cut_at)s::integer IS NULL OR cut_at < %(cut_at)s)
RETURNING agency, datasource, camera_id, agency_name, agency_key, event_time, file_id
"""

_INSERT: Final = """
INSERT INTO vehicle_records ({names}) SELECT {names} FROM staged_reads
ON CONFLICT (id, event_time) DO NOTHING
RETURNING id, event_time
"""


def _insert_staged(connection: Connection, reads: pl.DataFrame, csv: bytes | None = None) -> Inserted:
    """Inserts the reads that are not there yet by way of a temporary table.

    `csv` is the same reads as COPY takes them, if the caller has that.
    """
    if reads.is_empty():
        return _inserted(reads)
    csv = csv or csv_of(reads)
    with connection.cursor() as cursor:
        for statement in _STAGE:
            cursor.execute(statement)
    copy_csv(connection, "staged_reads", reads.columns, csv)
    between = {"first": reads["event_time"][0], "last": reads["event_time"][-1]}
    there, corrections, ids, times, cuts = rows(connection, _COMPARE, between)[0]
    gave_way = _give_way(connection, ids, times, cuts)
    wanted = reads.height - there + gave_way.height
    new = reads.clear()
    if wanted == reads.height and gave_way.is_empty() and copy_new(connection, "vehicle_records", reads.columns, csv):
        new = reads
    elif wanted:
        insert = sql.SQL(_INSERT).format(names=sql.SQL(", ").join(map(sql.Identifier, reads.columns)))
        keys = {key: reads.schema[key] for key in READ_KEY}
        inserted = pl.DataFrame(rows(connection, insert), schema=keys, orient="row")
        new = reads.join(inserted, on=READ_KEY, how="semi", maintain_order="left")
    if new.height == wanted and gave_way.height == len(ids):
        return Inserted(new, gave_way, corrections)
    # another run has inserted or replaced some in between: all that are there now are compared again
    left = reads.join(new, on=READ_KEY, how="anti", maintain_order="left")
    return _together([Inserted(new, gave_way, 0), _insert_staged(connection, left)])


_GAVE_WAY: Final = pl.Schema([*COUNTED.items(), ("file_id", pl.Int64())])


def _give_way(
    connection: Connection, ids: Sequence[str], times: Sequence[datetime], cuts: Sequence[int | None]
) -> pl.DataFrame:
    """Deletes cut reads that are staged with more of their row. Returns them; there is hardly ever more than a few."""
    found: list[tuple[object, ...]] = []
    for read_id, event_time, cut_at in zip(ids, times, cuts, strict=True):
        found += rows(connection, _GIVE_WAY, {"id": read_id, "event_time": event_time, "cut_at": cut_at})
    return pl.DataFrame(found, schema=_GAVE_WAY, orient="row")


def _inserted(reads: pl.DataFrame) -> Inserted:
    return Inserted(reads, _GAVE_WAY.to_frame(), 0)


def _together(parts: Sequence[Inserted]) -> Inserted:
    """Sums up what became of the parts of a chunk. Most often only one of them has inserted any."""
    filled = [part for part in parts if part.reads.height] or [parts[0]]
    reads = filled[0].reads if len(filled) == 1 else pl.concat([part.reads for part in filled])
    gave_way = pl.concat([part.gave_way for part in parts])
    return Inserted(reads, gave_way, sum(part.corrections for part in parts))
