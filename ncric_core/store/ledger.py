"""The ledger: deliveries, loads and rejects, and so what became of everything that arrived.

Its tables keep the names of the time when everything was a file: `source_files` has the deliveries, and `file_id` is
the id of one. `loads` has an entry for each delivery and received name.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl
from psycopg2.extras import execute_values

from ncric_core.deliveries import Batch, Contents, Delivery, received_name
from ncric_core.store.agencies import NameTable, known_names
from ncric_core.store.database import Connection, array, rows
from ncric_core.store.plans import find_by_key

PAIR: Final = ("file_id", "received_name")
"""The columns that name an entry of `loads` in a frame: the delivery's id, and the received name."""


@dataclass(frozen=True, slots=True)
class KnownDelivery:
    """A delivery that the ledger knows.

    `was_read` says whether it was read to its end, and was not replaced since: a version that is there again is read
    again. `waiting` has the received names whose rows wait, with the time at which they were left to another job, or
    None if a run took them and has not loaded them.
    """

    file_id: int
    was_read: bool
    waiting: Mapping[str, datetime | None]


_LOOK_UP: Final = """
SELECT f.key, f.version, f.id, f.found IS NOT NULL AND NOT f.superseded,
       coalesce(array_agg(l.agency_name) FILTER (WHERE l.agency_name IS NOT NULL), '{}'),
       coalesce(array_agg(l.waiting_since) FILTER (WHERE l.agency_name IS NOT NULL), '{}')
FROM unnest(%(keys)s::text[], %(versions)s::text[]) AS k (key, version)
JOIN source_files f ON f.key = k.key AND f.version = k.version
LEFT JOIN loads l ON l.file_id = f.id AND l.done_at IS NULL
GROUP BY f.id
"""


def look_up(connection: Connection, deliveries: Sequence[Delivery]) -> dict[tuple[str, str], KnownDelivery]:
    """Returns what the ledger knows of these deliveries, by key and version."""
    find_by_key(connection)
    given = {"keys": [one.key for one in deliveries], "versions": [one.version for one in deliveries]}
    return {
        (key, version): KnownDelivery(file_id, was_read, dict(zip(names, since, strict=True)))
        for key, version, file_id, was_read, names, since in rows(connection, _LOOK_UP, given)
    }


@dataclass(frozen=True, slots=True)
class Registered:
    """A batch in the ledger.

    `file_ids` are the ids of its deliveries. `reads` are its reads that are still to be loaded, with `file_id`,
    `received_name`, `agency` (standardised, Int32) and `found` (reads of their name in their delivery). For a part of a
    large delivery, `held` counts its reads by received name, but for those that were rejects once and were replayed.
    `new_agencies` were made for names never seen.
    """

    file_ids: list[int]
    reads: pl.DataFrame
    held: Mapping[str, int]
    names: NameTable
    new_agencies: list[str]


def register(
    connection: Connection,
    batch: Batch,
    earlier: Mapping[str, int] | None = None,
    *,
    takes: Callable[[int | None], bool],
    force: bool = False,
) -> Registered:
    """Enters a batch in the ledger in one transaction: its deliveries, their rejects, and what they hold for agencies
    that the job does not take.

    The deliveries are entered as not read to the end yet (see `close_files`); the agencies that the job takes are
    entered as they are loaded. Of a delivery that was registered before, the reads of names that are done are left out,
    unless it is read otherwise now, as after a fix, or `force` is given. `earlier` has what the parts before this one
    held, where a large delivery comes in parts.
    """
    part = earlier is not None
    with connection:
        find_by_key(connection)
        ids, known = _enter_files(connection, batch.contents)
        numbered = pl.DataFrame(
            {"file": range(len(ids)), "file_id": ids}, schema={"file": pl.UInt32, "file_id": pl.Int64}
        )
        reads = batch.reads.with_columns(received_name=received_name(batch.reads.columns))
        reads = reads.join(numbered, on="file", maintain_order="left")
        rejects = batch.rejects.join(numbered, on="file")
        replayed = _replayed(connection, known)
        if replayed.height:
            reads = reads.join(replayed, on=["file_id", "position"], how="anti", maintain_order="left")
            rejects = rejects.join(replayed, on=["file_id", "position"], how="anti")
        _enter_rejects(connection, rejects, [] if part else known)
        datasource = batch.contents[0].delivery.datasource
        names, new_agencies = known_names(connection, datasource, reads)
        found = _found(reads, replayed, ids[0], earlier or {})
        pairs = _as_known(connection, _with_agency(found, datasource, names), known, part=part, force=force)
        _enter_left(connection, pairs, takes, part=part)
    open_pairs = pairs.filter("open").drop("open")
    still_open = reads.join(open_pairs, on=PAIR, maintain_order="left")
    held = dict(reads.group_by("received_name").len().iter_rows()) if part else {}
    return Registered(ids, still_open, held, names, new_agencies)


_SUPERSEDE: Final = """
UPDATE source_files SET superseded = NOT superseded
WHERE key = ANY (%(keys)s) AND superseded = (id = ANY (%(ids)s))
RETURNING id, superseded
"""

_OPEN_AGAIN: Final = """
UPDATE loads l SET done_at = NULL
WHERE file_id = ANY (%(back)s) AND done_at IS NOT NULL AND loaded + expired < found AND found > (
    SELECT count(*) FROM rejects r WHERE r.file_id = l.file_id AND r.replayed_as = l.agency_name
)
"""
"""What a version had left to another that replaced it (`close_replaced`) may never have been loaded from there. Rows
that were rejects once are not read again."""


def _enter_files(connection: Connection, batch: Sequence[Contents]) -> tuple[list[int], list[int]]:
    """Enters deliveries. Returns their ids in the order given, and the ids of those that were there before.

    Rows are locked in order of key, so that two runs do not deadlock.
    """
    order = sorted(range(len(batch)), key=lambda n: batch[n].delivery.key)
    values = [_file_values(batch[number]) for number in order]
    with connection.cursor() as cursor:
        entered = execute_values(
            cursor,
            """
            INSERT INTO source_files AS f (datasource, key, version, size, last_modified, window_start, window_end,
                                           photos, bad_photos, note)
            VALUES %s
            ON CONFLICT (key, version) DO UPDATE
            SET found = NULL, photos = EXCLUDED.photos, bad_photos = EXCLUDED.bad_photos, note = EXCLUDED.note
            RETURNING f.id, f.key, f.version, xmax <> 0
            """,
            values,
            page_size=len(values),
            fetch=True,
        )
        ids = {(key, version): file_id for file_id, key, version, _ in entered}
        given = {"keys": [key for key, _ in ids], "ids": list(ids.values())}
        if back := [file_id for file_id, superseded in rows(connection, _SUPERSEDE, given) if not superseded]:
            cursor.execute(_OPEN_AGAIN, {"back": back})
    in_order = [ids[one.delivery.key, one.delivery.version] for one in batch]
    return in_order, [file_id for file_id, *_, was_there in entered if was_there]


def _file_values(contents: Contents) -> tuple[object, ...]:
    delivery = contents.delivery
    note = "the file is empty" if contents.complete and not contents.found else None
    return (
        delivery.datasource,
        delivery.key,
        delivery.version,
        delivery.size,
        delivery.last_modified,
        delivery.window_start,
        delivery.window_end,
        contents.photos,
        contents.bad_photos,
        note,
    )


def _replayed(connection: Connection, file_ids: Collection[int]) -> pl.DataFrame:
    """Rows that were rejects once and were loaded by `replay`: file_id, position, received_name."""
    found = rows(
        connection,
        "SELECT file_id, position, replayed_as FROM rejects WHERE file_id = ANY (%(ids)s) AND replayed_at IS NOT NULL",
        {"ids": list(file_ids)},
    )
    schema = {"file_id": pl.Int64, "position": pl.Int64, "received_name": pl.String}
    return pl.DataFrame(found, schema=schema, orient="row")


def _enter_rejects(connection: Connection, rejects: pl.DataFrame, anew: Collection[int]) -> None:
    """Enters rejects; those known of the files `anew` are replaced."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM rejects WHERE file_id = ANY (%(ids)s) AND replayed_at IS NULL", {"ids": list(anew)})
        columns = ["file_id", "position", "reason", "detail", "received", "agency_name"]
        execute_values(
            cursor,
            """
            INSERT INTO rejects (file_id, position, reason, detail, received, agency_name)
            VALUES %s
            ON CONFLICT (file_id, position) DO NOTHING
            """,
            rejects.select(columns).sort("file_id", "position").rows(),
            page_size=1000,
        )


def _found(reads: pl.DataFrame, replayed: pl.DataFrame, first_file: int, earlier: Mapping[str, int]) -> pl.DataFrame:
    """How many reads of each received name each delivery holds: file_id, received_name, found."""
    before = pl.DataFrame(
        {"file_id": [first_file] * len(earlier), "received_name": list(earlier), "found": list(earlier.values())},
        schema={"file_id": pl.Int64, "received_name": pl.String, "found": pl.UInt32},
    )
    one = pl.lit(1, dtype=pl.UInt32).alias("found")
    here = pl.concat([frame.select(*PAIR, one) for frame in (reads, replayed)])
    return pl.concat([here, before]).group_by(PAIR).sum().sort(PAIR)


def _with_agency(found: pl.DataFrame, datasource: str, names: NameTable) -> pl.DataFrame:
    agency_of = {name: names.agency_of(datasource, name) for name in found["received_name"].unique()}
    return found.with_columns(agency=pl.col("received_name").replace_strict(agency_of, return_dtype=pl.Int32))


def _as_known(
    connection: Connection, pairs: pl.DataFrame, known: Sequence[int], *, part: bool, force: bool
) -> pl.DataFrame:
    """Adds to pairs the agency that the ledger has for those begun, and `open`: whether they are still to be loaded."""
    if not known:
        return pairs.with_columns(open=pl.lit(value=True))
    entered = rows(connection, _KNOWN_PAIRS, {"ids": list(known)})
    schema = {"file_id": pl.Int64, "received_name": pl.String, "begun": pl.Int32, "done": pl.Int64}
    joined = pairs.join(pl.DataFrame(entered, schema=schema, orient="row"), on=PAIR, how="left", maintain_order="left")
    as_before = pl.col("done").is_not_null() & (pl.lit(part) | (pl.col("done") == pl.col("found")))
    return joined.select(
        *PAIR,
        "found",
        agency=pl.coalesce("begun", "agency"),
        open=pl.lit(force) | ~as_before,
    )


_KNOWN_PAIRS: Final = """
SELECT file_id, agency_name, CASE WHEN loaded + expired > 0 OR done_at IS NOT NULL THEN agency END,
       CASE WHEN done_at IS NOT NULL THEN found END
FROM loads WHERE file_id = ANY (%(ids)s)
"""


def _enter_left(
    connection: Connection, pairs: pl.DataFrame, takes: Callable[[int | None], bool], *, part: bool
) -> None:
    """Enters what is left to other jobs. That of a large file grows with its parts."""
    others = [agency for agency in pairs["agency"].unique() if not takes(agency)]
    left = pairs.filter(pl.col("agency").is_in(others)).sort(PAIR)
    if left.height:
        with connection.cursor() as cursor:
            cursor.execute(_ENTER_LEFT, {**pair_values(left), "part": part})


def pair_values(pairs: pl.DataFrame) -> dict[str, str]:
    """Columns of pairs as parameters of a statement that takes them from `unnest`: files, names, agencies, found."""
    columns = {"files": "file_id", "names": "received_name", "agencies": "agency", "found": "found"}
    return {name: array(pairs[column]) for name, column in columns.items()}


_ENTER_LEFT: Final = """
INSERT INTO loads AS l (file_id, agency_name, agency, found, waiting_since)
SELECT file_id, agency_name, agency, found, now()
FROM unnest(%(files)s::bigint[], %(names)s::text[], %(agencies)s::integer[], %(found)s::integer[])
    AS v (file_id, agency_name, agency, found)
ON CONFLICT (file_id, agency_name) DO UPDATE
SET found = greatest(EXCLUDED.found, l.loaded + l.expired),
    agency = CASE WHEN l.loaded + l.expired > 0 OR l.done_at IS NOT NULL THEN l.agency ELSE EXCLUDED.agency END,
    done_at = NULL
WHERE CASE WHEN l.done_at IS NULL THEN l.found < EXCLUDED.found OR NOT %(part)s
           ELSE l.found <> EXCLUDED.found AND NOT %(part)s END
"""

_NOTE_FAILURE: Final = """
INSERT INTO loads AS l (file_id, agency_name, agency, found, error)
SELECT file_id, agency_name, agency, found, %(error)s
FROM unnest(%(files)s::bigint[], %(names)s::text[], %(agencies)s::integer[], %(found)s::integer[])
    AS v (file_id, agency_name, agency, found)
ON CONFLICT (file_id, agency_name) DO UPDATE
SET found = greatest(EXCLUDED.found, l.found), error = EXCLUDED.error, waiting_since = NULL
WHERE l.done_at IS NULL
"""


def note_failure(connection: Connection, pairs: pl.DataFrame, error: str) -> None:
    """Enters why the rows of these pairs (PAIR, agency, found) were not loaded; they wait."""
    with connection, connection.cursor() as cursor:
        cursor.execute(_NOTE_FAILURE, {**pair_values(pairs.sort(PAIR)), "error": error})


def close_files(connection: Connection, found: Mapping[int, int]) -> None:
    """Enters deliveries (by id) as read to their end, with the rows found. By now the books have all these rows."""
    with connection, connection.cursor() as cursor:
        find_by_key(connection)
        cursor.execute(
            """
            UPDATE source_files f SET found = v.found, read_at = now()
            FROM (SELECT * FROM unnest(%(ids)s::bigint[], %(found)s::integer[]) AS v (id, found) ORDER BY id) v
            WHERE f.id = v.id
            """,
            {"ids": list(found), "found": list(found.values())},
        )


def close_names(connection: Connection, delivery: Delivery, names: Collection[str]) -> None:
    """Marks received names of a delivery that came in parts as done: all its parts were loaded."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE loads l SET done_at = now(), error = NULL
            FROM source_files f
            WHERE f.key = %(key)s AND f.version = %(version)s AND l.file_id = f.id
              AND l.agency_name = ANY (%(names)s) AND l.done_at IS NULL
            """,
            {"key": delivery.key, "version": delivery.version, "names": list(names)},
        )
