"""Makes the keys of the names in the store anew, after `ncric_core.agencies.name_key` has changed."""

from typing import Final

from ncric_core.agencies import name_key
from ncric_core.store.database import Connection, rows

# A key that another agency has stays as it is: the names stand for the other one, and `restandardize` moves reads.
_AGENCY: Final = """
UPDATE agencies SET name_key = %(key)s
WHERE id = %(id)s AND NOT EXISTS (SELECT FROM agencies WHERE name_key = %(key)s)
RETURNING name
"""

_MAPPING: Final = """
UPDATE standardized_agency_names n SET name_key = %(key)s
WHERE datasource = %(datasource)s AND name_key = %(old)s
  AND NOT EXISTS (
    SELECT FROM standardized_agency_names o WHERE o.datasource = n.datasource AND o.name_key = %(key)s
  )
RETURNING name
"""

# What a spelling stood for beside another of the same name cannot be looked up any more: triggers keep its history.
_TAKEN: Final = "DELETE FROM standardized_agency_names WHERE datasource = %(datasource)s AND name_key = %(old)s"


def rekey(connection: Connection) -> list[str]:
    """Makes the keys of agencies and mapped names anew, in the caller's transaction. Returns those names.

    Of two mappings that are of one name now, the one that has the new key already stays.
    """
    changed: list[str] = []
    for agency, name, old in rows(connection, "SELECT id, name, name_key FROM agencies ORDER BY id"):
        if (key := name_key(name)) != old:
            changed += [name for (name,) in rows(connection, _AGENCY, {"id": agency, "key": key})]
    mapped = "SELECT datasource, name, name_key FROM standardized_agency_names ORDER BY datasource, name_key"
    for datasource, name, old in rows(connection, mapped):
        given = {"datasource": datasource, "old": old, "key": name_key(name)}
        if given["key"] != old:
            changed.append(name)
            if not rows(connection, _MAPPING, given):
                with connection.cursor() as cursor:
                    cursor.execute(_TAKEN, given)
    return changed
