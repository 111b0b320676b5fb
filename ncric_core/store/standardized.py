"""The standardised agencies in the tables of the model: their entities, and the links from cameras to them.

edm.yaml says which tables and entity sets these are (`roles`).
"""

from typing import Final

from psycopg2 import sql

from ncric_core.flight.model import Model
from ncric_core.store.database import Connection

_LINK_CAMERAS: Final = """
INSERT INTO {links} (entity_set, source_set, source_id, target_set, target_id, as_of)
SELECT %(collected_by)s, %(cameras)s, c.camera_id, %(standardized)s, a.name, max(c.hour)
FROM read_counts c
JOIN agencies a ON a.id = c.agency
WHERE c.agency = %(new)s AND c.datasource = %(datasource)s AND c.camera_id <> ''
GROUP BY c.camera_id, a.name
ORDER BY c.camera_id
ON CONFLICT (entity_set, source_set, source_id, target_set, target_id) DO NOTHING
"""

_UNLINK_CAMERAS: Final = """
DELETE FROM {links} l
USING agencies a
WHERE a.id = %(old)s AND l.target_id = a.name AND l.target_set = %(standardized)s AND l.entity_set = %(collected_by)s
  AND NOT EXISTS (SELECT FROM read_counts c WHERE c.agency = %(old)s AND c.camera_id = l.source_id)
"""

_ENTER_AGENCY: Final = """
INSERT INTO {entities} (entity_set, id, as_of, {name})
SELECT %(standardized)s, name, now(), name FROM agencies WHERE id = %(new)s
ON CONFLICT (entity_set, id) DO NOTHING
"""

_REMOVE_AGENCY: Final = "DELETE FROM {entities} WHERE entity_set = %(standardized)s AND id = %(agency)s"


def move_cameras(connection: Connection, model: Model, *, datasource: str, old: int, new: int) -> None:
    """Links the cameras of a feed's reads to the agency that the reads were moved to, in the caller's transaction.

    Cameras that have no reads of the old agency any more are no longer linked to it.
    """
    given = {"datasource": datasource, "old": old, "new": new}
    for statement in (_ENTER_AGENCY, _LINK_CAMERAS, _UNLINK_CAMERAS):  # entities before links, as loads have it
        _execute(connection, model, statement, given)


def remove_agency(connection: Connection, model: Model, name: str) -> None:
    """Removes the entity of an agency, in the caller's transaction."""
    _execute(connection, model, _REMOVE_AGENCY, {"agency": name})


def _execute(connection: Connection, model: Model, statement: str, given: dict[str, object]) -> None:
    """Executes a statement with the names that the model gives to tables, columns and entity sets."""
    roles = model.roles
    composed = sql.SQL(statement).format(
        links=sql.Identifier(model.table(roles.collected_by)),
        entities=sql.Identifier(model.table(roles.standardized_agencies)),
        name=sql.Identifier(model.column(roles.standardized_agencies, roles.standardized_agency_name)),
    )
    sets = {
        "collected_by": roles.collected_by,
        "cameras": roles.cameras,
        "standardized": roles.standardized_agencies,
    }
    with connection.cursor() as cursor:
        cursor.execute(composed, {**given, **sets})
