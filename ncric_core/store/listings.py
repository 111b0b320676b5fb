"""What a listing needs of the ledger: what is new since the last comparison, and what could not be read."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Final

from psycopg2.extras import execute_values

from ncric_core.deliveries import Delivery
from ncric_core.store.database import Connection, rows

# A look into source_files for each file, whatever the planner thinks of its size.
_UNFINISHED: Final = """
SELECT key FROM source_files WHERE datasource = %(datasource)s AND found IS NULL
UNION
SELECT f.key
FROM (SELECT DISTINCT file_id FROM loads WHERE done_at IS NULL) l
CROSS JOIN LATERAL (SELECT key, datasource FROM source_files WHERE id = l.file_id LIMIT 1) f
WHERE f.datasource = %(datasource)s
"""

_NOTE_UNREAD: Final = """
INSERT INTO source_files AS f (datasource, key, version, size, last_modified, window_start, window_end, note)
VALUES %s
ON CONFLICT (key, version) DO UPDATE SET note = EXCLUDED.note WHERE f.found IS NULL
"""

_NOTE_COMPARED: Final = """
INSERT INTO listings AS l VALUES %s
ON CONFLICT (datasource) DO UPDATE SET compared_at = greatest(l.compared_at, EXCLUDED.compared_at)
"""


def last_comparison(connection: Connection, datasource: str) -> datetime | None:
    """Returns when the last comparison of all deliveries of a feed with the ledger began; None if there was none."""
    found = rows(connection, "SELECT compared_at FROM listings WHERE datasource = %(it)s", {"it": datasource})
    return found[0][0] if found else None


def note_comparisons(connection: Connection, compared: Mapping[str, datetime]) -> None:
    """Enters when the comparisons of feeds began that have just ended, with everything in the store or the books."""
    if compared:
        with connection, connection.cursor() as cursor:
            execute_values(cursor, _NOTE_COMPARED, sorted(compared.items()))


def unfinished(connection: Connection, datasource: str) -> set[str]:
    """Returns the keys of a feed's deliveries that were not read to their end, or have rows that wait."""
    return {key for (key,) in rows(connection, _UNFINISHED, {"datasource": datasource})}


def note_unread(connection: Connection, deliveries: Sequence[Delivery], why: Mapping[str, str]) -> None:
    """Enters deliveries that could not be read, with the reason by key. Those that were read once stay as they are."""
    values = [
        (d.datasource, d.key, d.version, d.size, d.last_modified, d.window_start, d.window_end, why[d.key])
        for d in sorted(deliveries, key=attrgetter("key"))
    ]
    with connection, connection.cursor() as cursor:
        execute_values(cursor, _NOTE_UNREAD, values)
