"""Balancing the books: every row found is accounted for, and every count equals the reads it counts."""

from dataclasses import dataclass
from typing import Final

from ncric_core.store.database import Connection, rows

MOST_SHOWN: Final = 20  # differences of each kind


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that does not balance: which check, about what, and the two figures."""

    check: str
    about: str
    books: int
    reads: int


@dataclass(frozen=True, slots=True)
class Balance:
    """The books at one moment, and what is wrong with them.

    found = loaded + expired + already there + rejected + waiting. `unread` files were not read to their end, as a run
    was killed.
    """

    files: int
    unread: int
    found: int
    loaded: int
    expired: int  # loaded, and deleted by retention since
    already_there: int
    rejected: int
    waiting: int
    reads: int
    differences: list[Difference]


_FILES: Final = """
WITH l AS (SELECT file_id, sum(loaded + expired + already_there + waiting)::bigint AS rows FROM loads GROUP BY file_id),
     r AS (SELECT file_id, count(*) AS rows FROM rejects WHERE replayed_at IS NULL GROUP BY file_id)
SELECT f.key, f.found, coalesce(l.rows, 0) + coalesce(r.rows, 0)
FROM source_files f
LEFT JOIN l ON l.file_id = f.id
LEFT JOIN r ON r.file_id = f.id
WHERE f.found IS NOT NULL AND f.found <> coalesce(l.rows, 0) + coalesce(r.rows, 0)
ORDER BY f.key
"""

_LOADED: Final = """
WITH there AS (
    SELECT file_id, coalesce(agency_key, agency_name) AS agency_name, count(*) AS reads
    FROM vehicle_records
    WHERE file_id IS NOT NULL
    GROUP BY 1, 2
)
SELECT coalesce(f.key, 'file ' || file_id) || ', ' || agency_name, coalesce(l.loaded, 0), coalesce(t.reads, 0)
FROM loads l
FULL JOIN there t USING (file_id, agency_name)
LEFT JOIN source_files f ON f.id = file_id
WHERE coalesce(l.loaded, 0) <> coalesce(t.reads, 0)
ORDER BY 1
"""

_COUNTS: Final = """
WITH there AS (
    SELECT agency, coalesce(datasource, '') AS datasource, coalesce(camera_id, '') AS camera_id,
           date_trunc('hour', event_time) AS hour, count(*) AS reads
    FROM vehicle_records
    GROUP BY 1, 2, 3, 4
)
SELECT concat_ws(', ', a.name, datasource, 'camera ' || camera_id, hour), coalesce(c.reads, 0), coalesce(t.reads, 0)
FROM read_counts c
FULL JOIN there t USING (agency, datasource, camera_id, hour)
LEFT JOIN agencies a ON a.id = agency
WHERE coalesce(c.reads, 0) <> coalesce(t.reads, 0)
ORDER BY 1
"""

_NAMES: Final = """
WITH there AS (
    SELECT coalesce(datasource, '') AS datasource, coalesce(agency_key, agency_name, '') AS agency_name, agency,
           count(*) AS reads
    FROM vehicle_records
    GROUP BY 1, 2, 3
)
SELECT concat_ws(', ', datasource, agency_name, a.name), coalesce(n.reads, 0), coalesce(t.reads, 0)
FROM received_names n
FULL JOIN there t USING (datasource, agency_name, agency)
LEFT JOIN agencies a ON a.id = agency
WHERE coalesce(n.reads, 0) <> coalesce(t.reads, 0)
ORDER BY 1
"""

_DAYS: Final = """
WITH hours AS (
    SELECT (hour AT TIME ZONE 'America/Los_Angeles')::date AS day, agency, datasource, camera_id, sum(reads) AS reads
    FROM read_counts
    GROUP BY 1, 2, 3, 4
    HAVING sum(reads) > 0
)
SELECT concat_ws(', ', a.name, datasource, 'camera ' || camera_id, day), coalesce(d.reads, 0), coalesce(h.reads, 0)
FROM read_days d
FULL JOIN hours h USING (day, agency, datasource, camera_id)
LEFT JOIN agencies a ON a.id = agency
WHERE coalesce(d.reads, 0) <> coalesce(h.reads, 0) AND day NOT IN (SELECT day FROM days_changed)
ORDER BY 1
"""

CHECKS: Final = {
    "rows found in a file = loaded + expired + already there + rejected + waiting": _FILES,
    "reads loaded from a file under a name = reads that name it": _LOADED,
    "read counts by agency, source, camera and hour = reads": _COUNTS,
    "reads by received name and agency = reads": _NAMES,
    "read counts by day = those by hour": _DAYS,
}

_TOTALS: Final = """
SELECT (SELECT count(*) FROM source_files),
       (SELECT count(*) FROM source_files WHERE found IS NULL),
       (SELECT coalesce(sum(found), 0) FROM source_files),
       (SELECT coalesce(sum(loaded), 0) FROM loads),
       (SELECT coalesce(sum(expired), 0) FROM loads),
       (SELECT coalesce(sum(already_there), 0) FROM loads),
       (SELECT count(*) FROM rejects WHERE replayed_at IS NULL),
       (SELECT coalesce(sum(waiting), 0) FROM loads),
       (SELECT count(*) FROM vehicle_records)
"""


def reconcile(connection: Connection) -> Balance:
    """Checks the books against themselves and against the reads, all as of one moment, while loads may go on."""
    with connection, connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        totals = rows(connection, _TOTALS)[0]
        differences = [
            Difference(check, about, int(books), int(reads))
            for check, query in CHECKS.items()
            for about, books, reads in rows(connection, query)
        ]
    files, unread, found, loaded, expired, already_there, rejected, waiting, reads = map(int, totals)
    return Balance(files, unread, found, loaded, expired, already_there, rejected, waiting, reads, differences)
