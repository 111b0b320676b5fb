"""Makes what edm.yaml describes: a table for each type, a view and a row of `entity_sets` for each entity set."""

from typing import Final

from psycopg2 import sql

from ncric_core.agencies import view_name
from ncric_core.flight.model import READS_TABLE, EntitySet, EntityType, Model, place_columns
from ncric_core.store.agencies import make_views
from ncric_core.store.database import Connection, columns_of

_ENTITY_TABLE: Final = """
CREATE TABLE {table} (
    entity_set text NOT NULL,
    id         text NOT NULL,
    as_of      timestamptz NOT NULL,  -- the time that the values are of
    loaded_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (entity_set, id)
)
"""

_LINK_TABLE: Final = """
CREATE TABLE {table} (
    entity_set text NOT NULL,
    source_set text NOT NULL,
    source_id  text NOT NULL,
    target_set text NOT NULL,
    target_id  text NOT NULL,
    as_of      timestamptz NOT NULL,
    loaded_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (entity_set, source_set, source_id, target_set, target_id)
)
"""

_READ_LINK: Final = """
SELECT s.name, r.id, {target_set}, r.{column}, r.event_time, r.loaded_at{nulls}
FROM vehicle_records r
JOIN entity_sets s ON s.agency = r.agency
WHERE r.{column} IS NOT NULL
"""

_READ_AGENCY: Final = """
SELECT s.name, r.id, {target_set}, a.name, r.event_time, r.loaded_at{nulls}
FROM vehicle_records r
JOIN entity_sets s ON s.agency = r.agency
JOIN agencies a ON a.id = r.agency
"""

CAMERAS: Final = """
CREATE OR REPLACE VIEW cameras WITH (security_invoker = true) AS
SELECT id, {name} AS name, {latitude} AS latitude, {longitude} AS longitude, as_of, loaded_at
FROM {table}
WHERE entity_set = {entity_set};
GRANT SELECT ON {table}, cameras TO ncric_analyst;  -- they hold no plates
"""
"""The view of all cameras, whatever edm.yaml calls their table and columns."""

FORMS: Final = (_ENTITY_TABLE, _LINK_TABLE, _READ_LINK, _READ_AGENCY, CAMERAS)
"""The SQL of everything that is made of the model: a change of any of it is to be applied."""


def apply_model(connection: Connection, model: Model, organization: str) -> list[str]:
    """Makes what the database lacks of the model, in the caller's transaction. Returns the names of what it made.

    Nothing is ever dropped: a property taken out of edm.yaml keeps its column and values.
    """
    done = []
    with connection.cursor() as cursor:
        for fqn, kind in model.entity_types.items():
            cursor.execute(
                "INSERT INTO entity_types VALUES (%(name)s, %(id)s) ON CONFLICT (name) DO UPDATE SET id = EXCLUDED.id",
                {"name": fqn, "id": kind.id},
            )
    tables = {kind.table: kind for kind in model.entity_types.values()}
    tables |= {own.table: model.entity_types[own.fqn] for own in model.entity_sets.values() if own.table is not None}
    for table, kind in tables.items():
        done += _make_table(connection, table, kind)
    for entity_set in model.entity_sets.values():
        if not entity_set.is_template:
            _enter_set(connection, entity_set, model, organization)
    _make_cameras(connection, model)
    make_views(connection)
    return done


def _make_table(connection: Connection, table: str, kind: EntityType) -> list[str]:
    done = []
    existing = columns_of(connection, table)
    with connection.cursor() as cursor:
        if not existing:
            form = _LINK_TABLE if kind.kind == "association" else _ENTITY_TABLE
            cursor.execute(sql.SQL(form).format(table=sql.Identifier(table)))
            existing = columns_of(connection, table)
            done.append(f"table {table}")
        for column in kind.columns():
            if column.name not in existing:
                cursor.execute(
                    sql.SQL("ALTER TABLE {} ADD COLUMN {} {}").format(
                        sql.Identifier(table), sql.Identifier(column.name), sql.SQL(column.sql_type)
                    )
                )
                if f"table {table}" not in done:
                    done.append(f"column {table}.{column.name}")
    return done


def _enter_set(connection: Connection, entity_set: EntitySet, model: Model, organization: str) -> None:
    """Makes the view of an entity set, and its entry in `entity_sets`."""
    given = {
        "name": entity_set.name,
        "view": view_name(entity_set.name),
        "type": entity_set.fqn,
        "type_id": model.entity_types[entity_set.fqn].id,
        "organization": organization,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO entity_sets (name, view_name, entity_type, entity_type_id, organization)
            SELECT %(name)s, %(view)s, %(type)s, %(type_id)s, id FROM organizations WHERE name = %(organization)s
            ON CONFLICT (name) DO NOTHING
            """,
            given,
        )
        cursor.execute(
            sql.SQL("CREATE OR REPLACE VIEW {view} WITH (security_invoker = true) AS {query}").format(
                view=sql.Identifier(view_name(entity_set.name)), query=_query(connection, entity_set, model)
            )
        )


def _query(connection: Connection, entity_set: EntitySet, model: Model) -> sql.Composable:
    kind = model.entity_types[entity_set.fqn]
    table = model.table(entity_set.name)
    fixed = {"entity_set", "id", "source_set", "source_id", "target_set", "target_id", "as_of", "loaded_at"}
    properties = [column for column in columns_of(connection, table) if column not in fixed]
    shown = sql.SQL("").join(sql.SQL(", {}").format(sql.Identifier(column)) for column in properties)
    own = sql.SQL(" FROM {} WHERE entity_set = {}").format(sql.Identifier(table), sql.Literal(entity_set.name))
    if kind.kind == "entity":
        return sql.SQL("SELECT id, as_of, loaded_at{}").format(shown) + own
    links = sql.SQL("SELECT source_set, source_id, target_set, target_id, as_of AS event_time, loaded_at{}").format(
        shown
    )
    return sql.SQL(" UNION ALL ").join([links + own, *_read_links(entity_set, model, kind, properties)])


def _read_links(entity_set: EntitySet, model: Model, kind: EntityType, properties: list[str]) -> list[sql.Composable]:
    """Queries that give, as rows, the links of an association that are columns of the reads."""
    types = {column.name: column.sql_type for column in kind.columns()}
    nulls = sql.SQL("").join(
        sql.SQL(", NULL::{}").format(sql.SQL(types[column])) if column in types else sql.SQL(", NULL")
        for column in properties
    )
    held = [link for of in model.entity_types.values() if of.table == READS_TABLE for link in of.links]
    kept: list[sql.Composable] = [
        sql.SQL(_READ_LINK).format(target_set=sql.Literal(link.to), column=sql.Identifier(link.column), nulls=nulls)
        for link in held
        if link.association == entity_set.name
    ]
    agency = sql.SQL(_READ_AGENCY).format(target_set=sql.Literal(model.roles.standardized_agencies), nulls=nulls)
    return [*kept, agency] if kept else []


def _make_cameras(connection: Connection, model: Model) -> None:
    cameras = model.roles.cameras
    name = model.column(cameras, model.roles.camera_name)
    latitude, longitude = place_columns(model.column(cameras, model.roles.camera_place))
    statement = sql.SQL(CAMERAS).format(
        table=sql.Identifier(model.table(cameras)),
        name=sql.Identifier(name),
        latitude=sql.Identifier(latitude),
        longitude=sql.Identifier(longitude),
        entity_set=sql.Literal(cameras),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
