"""Files, loads and rejects: what became of everything that arrived."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl
from psycopg2.extras import execute_values

from ncric_core.store.agencies import NameTable, agency_name, ensure_agencies, name_table
from ncric_core.store.database import Connection, array, rows


@dataclass(frozen=True, slots=True)
class ArrivedFile:
    """A file in the bucket as listed, and the window (UTC) in which its reads arrived."""

    datasource: str
    key: str
    version: str
    size: int
    last_modified: datetime
    window_start: datetime
    window_end: datetime


@dataclass(frozen=True, slots=True)
class FileContent:
    """What reading a file (or, if not `complete`, its rows so far) has found."""

    file: ArrivedFile
    found: int
    photos: int
    bad_photos: int
    complete: bool


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file that the ledger knows: whether it was read to its end, and the names whose rows wait: since when they are
    left to another job, or None if a run took them and did not load them (yet)."""

    file_id: int
    was_read: bool
    waiting: Mapping[str, datetime | None]


_LOOK_UP: Final = """
SELECT f.key, f.version, f.id, f.found IS NOT NULL,
       coalesce(array_agg(l.agency_name) FILTER (WHERE l.agency_name IS NOT NULL), '{}'),
       coalesce(array_agg(l.waiting_since) FILTER (WHERE l.agency_name IS NOT NULL), '{}')
FROM unnest(%(keys)s::text[], %(versions)s::text[]) AS k (key, version)
JOIN source_files f ON f.key = k.key AND f.version = k.version
LEFT JOIN loads l ON l.file_id = f.id AND l.done_at IS NULL
GROUP BY f.id
"""


def look_up(connection: Connection, files: Sequence[ArrivedFile]) -> dict[tuple[str, str], KnownFile]:
    """What the ledger knows of these files, by key and version."""
    given = {"keys": [file.key for file in files], "versions": [file.version for file in files]}
    return {
        (key, version): KnownFile(file_id, was_read, dict(zip(names, since, strict=True)))
        for key, version, file_id, was_read, names, since in rows(connection, _LOOK_UP, given)
    }


@dataclass(frozen=True, slots=True)
class Registered:
    """A batch in the ledger: the ids of its files; its reads that are still to be loaded, with `file_id`, `agency`
    (standardised) and `found` (rows of their name in their file); and the agencies made for new names."""

    file_ids: list[int]
    reads: pl.DataFrame
    names: NameTable
    new_agencies: list[str]


def register(
    connection: Connection,
    files: Sequence[FileContent],
    reads: pl.DataFrame,
    rejects: pl.DataFrame,
    earlier: Mapping[str, int] | None = None,
    *,
    takes: Callable[[int | None], bool],
    force: bool = False,
) -> Registered:
    """Enters a batch in the ledger in one transaction: its files, as not read to the end yet (see `close_files`), their
    rejects, and what they hold for agencies that the job does not take. Those it takes are entered as they are loaded.

    `reads` (schema CLEAN) and `rejects` (schema REJECTED) name the file by its number in `files`. Of a file that was
    registered before, the reads of names that are done are left out, unless it is read otherwise now, as after a fix,
    or `force` is given. `earlier` has the counts by name of the parts before this one, where a large file comes in
    parts.
    """
    part = earlier is not None
    with connection:
        ids, known = _enter_files(connection, files)
        numbered = pl.DataFrame(
            {"file": range(len(files)), "file_id": ids}, schema={"file": pl.UInt32, "file_id": pl.Int64}
        )
        reads, rejects = reads.join(numbered, on="file", maintain_order="left"), rejects.join(numbered, on="file")
        replayed = _replayed(connection, known)
        if replayed.height:
            reads = reads.join(replayed, on=["file_id", "position"], how="anti", maintain_order="left")
            rejects = rejects.join(replayed, on=["file_id", "position"], how="anti")
        _enter_rejects(connection, rejects, [] if part else known)
        datasource = files[0].file.datasource
        names, new_agencies = known_names(connection, datasource, reads["agency_name"].unique().to_list())
        found = _found(reads, replayed, ids[0], earlier or {})
        pairs = _as_known(connection, _with_agency(found, datasource, names), known, part=part, force=force)
        _enter_left(connection, pairs, takes, part=part)
    open_pairs = pairs.filter("open").drop("open")
    still_open = reads.join(open_pairs, on=["file_id", "agency_name"], maintain_order="left")
    return Registered(ids, still_open, names, new_agencies)


def _enter_files(connection: Connection, files: Sequence[FileContent]) -> tuple[list[int], list[int]]:
    """The ids of the files, in the order given, and those that were there before; rows are locked in order of key, so
    that two runs do not deadlock."""
    order = sorted(range(len(files)), key=lambda n: files[n].file.key)
    values = [_file_values(files[number]) for number in order]
    with connection.cursor() as cursor:
        entered = execute_values(
            cursor,
            """
            INSERT INTO source_files AS f (datasource, key, version, size, last_modified, window_start, window_end,
                                           photos, bad_photos, note)
            VALUES %s
            ON CONFLICT (key, version) DO UPDATE
            SET found = NULL, photos = EXCLUDED.photos, bad_photos = EXCLUDED.bad_photos, note = EXCLUDED.note,
                superseded = false
            RETURNING f.id, f.key, xmax <> 0
            """,
            values,
            page_size=len(values),
            fetch=True,
        )
        ids = {key: file_id for file_id, key, _ in entered}
        cursor.execute(
            "UPDATE source_files SET superseded = true WHERE key = ANY (%(keys)s) AND id <> ALL (%(ids)s) AND "
            "NOT superseded",
            {"keys": list(ids), "ids": list(ids.values())},
        )
    return [ids[content.file.key] for content in files], [file_id for file_id, _, was_there in entered if was_there]


def _file_values(content: FileContent) -> tuple[object, ...]:
    file = content.file
    note = "the file is empty" if content.complete and not content.found else None
    return (
        file.datasource,
        file.key,
        file.version,
        file.size,
        file.last_modified,
        file.window_start,
        file.window_end,
        content.photos,
        content.bad_photos,
        note,
    )


def _replayed(connection: Connection, file_ids: Collection[int]) -> pl.DataFrame:
    """Rows that were rejects once and were loaded by `replay`: file_id, position, agency_name."""
    found = rows(
        connection,
        "SELECT file_id, position, replayed_as FROM rejects WHERE file_id = ANY (%(ids)s) AND replayed_at IS NOT NULL",
        {"ids": list(file_ids)},
    )
    schema = {"file_id": pl.Int64, "position": pl.Int64, "agency_name": pl.String}
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


def known_names(connection: Connection, datasource: str, received: Iterable[str]) -> tuple[NameTable, list[str]]:
    """The name table with an agency for each received name, and the agencies made for names never seen, marked
    unmapped.

    In the caller's transaction.
    """
    names = name_table(connection)
    unseen = {agency_name(name) for name in received if names.agency_of(datasource, name) is None}
    if not unseen:
        return names, []
    made = ensure_agencies(connection, unseen, unmapped=True)
    return name_table(connection), made


def _found(reads: pl.DataFrame, replayed: pl.DataFrame, first_file: int, earlier: Mapping[str, int]) -> pl.DataFrame:
    """How many reads of each name each file holds: file_id, agency_name, found."""
    before = pl.DataFrame(
        {"file_id": [first_file] * len(earlier), "agency_name": list(earlier), "found": list(earlier.values())},
        schema={"file_id": pl.Int64, "agency_name": pl.String, "found": pl.UInt32},
    )
    one = pl.lit(1, dtype=pl.UInt32).alias("found")
    here = pl.concat([frame.select("file_id", "agency_name", one) for frame in (reads, replayed)])
    return pl.concat([here, before]).group_by("file_id", "agency_name").sum().sort("file_id", "agency_name")


def _with_agency(found: pl.DataFrame, datasource: str, names: NameTable) -> pl.DataFrame:
    agency_of = {name: names.agency_of(datasource, name) for name in found["agency_name"].unique()}
    return found.with_columns(agency=pl.col("agency_name").replace_strict(agency_of, return_dtype=pl.Int32))


def _as_known(
    connection: Connection, pairs: pl.DataFrame, known: Sequence[int], *, part: bool, force: bool
) -> pl.DataFrame:
    """The pairs with the agency that the ledger has for those begun, and `open`: whether they are still to be
    loaded."""
    if not known:
        return pairs.with_columns(open=pl.lit(value=True))
    entered = rows(connection, _KNOWN_PAIRS, {"ids": list(known)})
    schema = {"file_id": pl.Int64, "agency_name": pl.String, "begun": pl.Int32, "done": pl.Int64}
    joined = pairs.join(
        pl.DataFrame(entered, schema=schema, orient="row"),
        on=["file_id", "agency_name"],
        how="left",
        maintain_order="left",
    )
    as_before = pl.col("done").is_not_null() & (pl.lit(part) | (pl.col("done") == pl.col("found")))
    return joined.select(
        "file_id",
        "agency_name",
        "found",
        agency=pl.coalesce("begun", "agency"),
        open=pl.lit(force) | ~as_before,
    )


_KNOWN_PAIRS: Final = """
SELECT file_id, agency_name, CASE WHEN loaded > 0 OR done_at IS NOT NULL THEN agency END,
       CASE WHEN done_at IS NOT NULL THEN found END
FROM loads WHERE file_id = ANY (%(ids)s)
"""


def _enter_left(
    connection: Connection, pairs: pl.DataFrame, takes: Callable[[int | None], bool], *, part: bool
) -> None:
    """Enters what is left to other jobs. That of a large file grows with its parts."""
    others = [agency for agency in pairs["agency"].unique() if not takes(agency)]
    left = pairs.filter(pl.col("agency").is_in(others)).sort("file_id", "agency_name")
    if left.height:
        with connection.cursor() as cursor:
            cursor.execute(_ENTER_LEFT, {**pair_values(left), "part": part})


def pair_values(pairs: pl.DataFrame) -> dict[str, str]:
    """Columns of pairs as parameters of a statement that takes them from `unnest`: files, names, agencies, found."""
    columns = {"files": "file_id", "names": "agency_name", "agencies": "agency", "found": "found"}
    return {name: array(pairs[column]) for name, column in columns.items()}


_ENTER_LEFT: Final = """
INSERT INTO loads AS l (file_id, agency_name, agency, found, waiting_since)
SELECT file_id, agency_name, agency, found, now()
FROM unnest(%(files)s::bigint[], %(names)s::text[], %(agencies)s::integer[], %(found)s::integer[])
    AS v (file_id, agency_name, agency, found)
ON CONFLICT (file_id, agency_name) DO UPDATE
SET found = greatest(EXCLUDED.found, l.loaded),
    agency = CASE WHEN l.loaded > 0 OR l.done_at IS NOT NULL THEN l.agency ELSE EXCLUDED.agency END,
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
    """Enters that rows of these files and names (file_id, agency_name, agency, found) wait, and why."""
    with connection, connection.cursor() as cursor:
        cursor.execute(_NOTE_FAILURE, {**pair_values(pairs.sort("file_id", "agency_name")), "error": error})


def close_files(connection: Connection, found: Mapping[int, int]) -> None:
    """Enters files (by id) as read to their end, with the rows found; all of these are in the books by now."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE source_files f SET found = v.found, read_at = now()
            FROM (SELECT * FROM unnest(%(ids)s::bigint[], %(found)s::integer[]) AS v (id, found) ORDER BY id) v
            WHERE f.id = v.id
            """,
            {"ids": list(found), "found": list(found.values())},
        )


def close_names(connection: Connection, file: ArrivedFile, names: Collection[str]) -> None:
    """Marks names of a file that came in parts as done: all its parts were loaded."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE loads l SET done_at = now(), error = NULL
            FROM source_files f
            WHERE f.key = %(key)s AND f.version = %(version)s AND l.file_id = f.id
              AND l.agency_name = ANY (%(names)s) AND l.done_at IS NULL
            """,
            {"key": file.key, "version": file.version, "names": list(names)},
        )
