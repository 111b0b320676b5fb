"""Plans that do not depend on statistics: rows of large tables are found by their keys."""

from typing import Final

from ncric_core.store.database import Connection

_BY_KEY: Final = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"


def find_by_key(connection: Connection) -> None:
    """Has PostgreSQL look rows up by their keys, one by one, until the caller's transaction ends.

    The partition of a new week has no statistics. Without them PostgreSQL reads all of it to join it with the reads of
    a chunk, however few these are: the time grows with the partition. A look-up by key takes microseconds.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BY_KEY)
