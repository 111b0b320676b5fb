"""Applies a checked flight to a table, in polars: gives the reads, entities and links that its rows make."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from ncric_core.flight.expressions import condition, value
from ncric_core.flight.language import Association, Definition, Flight, Property
from ncric_core.flight.model import COORDINATES, DTYPES, READS_TABLE, Model, UpdateType, place_columns

PHOTO: Final = "photo"
EVENT_TIME: Final = "event_time"

ENTITY_KEY: Final = ("entity_set", "id")
LINK_KEY: Final = ("entity_set", "source_set", "source_id", "target_set", "target_id")
"""The keys of the model's own tables: those of entity types, and those of association types."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Entities or links for one table of the model.

    `frame` has the columns of `key`, `as_of` (Datetime UTC: the time that the values are of) and a column for each
    property. It has each key once and is sorted by key, so that two loads wait for each other and do not deadlock.
    """

    entity_set: str  # as in the flight
    table: str
    key: tuple[str, ...]
    frame: pl.DataFrame
    update: UpdateType


def rows_to_merge(
    flight: Flight, model: Model, table: pl.DataFrame, entity_sets: Mapping[str, pl.Expr], as_of: pl.Expr
) -> list[Rows]:
    """Gives the entities and links that a table makes, for the model's own tables; none that are empty.

    It leaves out reads, entities that exist already (`associateOnly`) and links that are stored as a column.
    `entity_sets` has, for the alias of each entity, an expression for the entity set that a row's entity belongs to;
    `as_of` is the time that the values are of.
    """
    return [rows for rows in _rows_to_merge(flight, model, table, entity_sets, as_of) if rows.frame.height]


def _rows_to_merge(
    flight: Flight, model: Model, table: pl.DataFrame, entity_sets: Mapping[str, pl.Expr], as_of: pl.Expr
) -> Iterator[Rows]:
    as_of = as_of.alias("as_of")
    for alias, one in flight.entities.items():
        if not one.associate_only and alias not in read_aliases(flight):
            found = entity_rows(flight, alias, table, as_of, entity_sets[alias].alias("entity_set"))
            yield _folded(model, one, ENTITY_KEY, found)
    for link in flight.associations:
        if not is_held(flight, link):
            source, target = entity_sets[link.src].alias("source_set"), entity_sets[link.dst].alias("target_set")
            entity_set = pl.lit(link.entity_set_name).alias("entity_set")
            yield _folded(model, link, LINK_KEY, link_rows(flight, link, table, as_of, entity_set, source, target))


def _folded(model: Model, one: Definition, key: Sequence[str], found: pl.DataFrame) -> Rows:
    """Makes one row of those with the same key: the later values count, and for Merge only those that are not null."""
    others = [column for column in found.columns if column not in key]
    last = [pl.col(c).drop_nulls().last() if one.update_type == "Merge" else pl.col(c).last() for c in others]
    frame = found.sort("as_of", maintain_order=True).group_by(key).agg(last).sort(key)
    name = one.entity_set_name
    return Rows(name, model.table(name), tuple(key), frame, one.update_type)


def read_aliases(flight: Flight) -> list[str]:
    """The aliases of the entities that are reads."""
    return [alias for alias, one in flight.entities.items() if flight.types[one.entity_set_name].table == READS_TABLE]


def _all_hold(flight: Flight, one: Definition, columns: Collection[str]) -> pl.Expr:
    tests = [
        condition(flight.conditions, columns, f"{flight.path}: conditions"),
        condition(one.conditions or [], columns, f"{flight.path}: {one.alias} → conditions"),
    ]
    return pl.all_horizontal([test for test in tests if test is not None] or [pl.lit(value=True)])


def key_property(flight: Flight, alias: str) -> Property:
    """The property that an entity's key comes from: the first in its type's key that the flight maps."""
    one = flight.entities[alias]
    mapped = {given.type: given for given in one.property_definitions.values()}
    return next(mapped[name] for name in flight.types[one.entity_set_name].key if name in mapped)


def entity_id(flight: Flight, alias: str, schema: pl.Schema) -> pl.Expr:
    """The key of an entity as text; null in a row that does not make it."""
    one = flight.entities[alias]
    expression = _typed(flight, one, key_property(flight, alias), "text", schema)
    if flight.conditions or one.conditions:
        return pl.when(_all_hold(flight, one, schema)).then(expression)
    return expression


def entity_rows(flight: Flight, alias: str, table: pl.DataFrame, *kept: pl.Expr) -> pl.DataFrame:
    """Gives the entities that a table makes, in the order of its rows.

    Columns: those of `kept`, `id`, one for each property except photos, and the links that are columns of the
    entity's table. With `associateOnly` the only property is the time of a read.
    """
    one = flight.entities[alias]
    properties = _properties(flight, one, table.schema)
    if one.associate_only:
        properties = {name: found for name, found in properties.items() if name == EVENT_TIME}
    properties.pop("id", None)
    for link in flight.associations:
        column = held_column(flight, link)
        if column is not None and link.src == alias:
            properties[column] = link_ids(flight, link, table.schema)[1]
    return _made(table, [*kept, entity_id(flight, alias, table.schema).alias("id")], properties).drop_nulls("id")


def held_column(flight: Flight, link: Association) -> str | None:
    """The column of the source's table that holds the links of an association; None if they are rows."""
    target = flight.entities[link.dst].entity_set_name
    for held in flight.types[flight.entities[link.src].entity_set_name].links:
        if held.association == link.entity_set_name and held.to == target:
            return held.column
    return None


def is_held(flight: Flight, link: Association) -> bool:
    """Tells whether a link has no rows of its own.

    Then it is a column, or the link from a read to its agency, which follows from the read's entity set.
    """
    held = flight.types[flight.entities[link.src].entity_set_name].links
    return any(one.association == link.entity_set_name for one in held)


def link_ids(flight: Flight, link: Association, schema: pl.Schema) -> tuple[pl.Expr, pl.Expr]:
    """The ids of a link's source and target; both null in a row that does not make it."""
    source, target = entity_id(flight, link.src, schema), entity_id(flight, link.dst, schema)
    both = source.is_not_null() & target.is_not_null()
    if link.conditions:
        both = both & _all_hold(flight, link, schema)
    return pl.when(both).then(source), pl.when(both).then(target)


def link_rows(flight: Flight, link: Association, table: pl.DataFrame, *kept: pl.Expr) -> pl.DataFrame:
    """Gives the links that a table makes. Columns: those of `kept`, `source_id`, `target_id`, one for each property."""
    source, target = link_ids(flight, link, table.schema)
    properties = {} if link.associate_only else _properties(flight, link, table.schema)
    ends = [source.alias("source_id"), target.alias("target_id")]
    return _made(table, [*kept, *ends], properties).drop_nulls("source_id")


def _made(table: pl.DataFrame, kept: Sequence[pl.Expr], properties: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """Computes columns for all rows of a table; a constant is repeated in each."""
    made = [*kept, *(expression.alias(name) for name, expression in properties.items())]
    return table.with_columns(made).select(one.meta.output_name() for one in made)


def photo_columns(flight: Flight, alias: str) -> list[str]:
    """The columns that hold an entity's photos, which are counted but not loaded."""
    one = flight.entities[alias]
    types = flight.types[one.entity_set_name].types
    return [given.column for given in one.property_definitions.values() if types[given.type] == PHOTO and given.column]


def _properties(flight: Flight, one: Definition, schema: pl.Schema) -> dict[str, pl.Expr]:
    """An expression for each column of the type's table that the definition maps."""
    kind = flight.types[one.entity_set_name]
    found: dict[str, pl.Expr] = {}
    for given in one.property_definitions.values():
        column, data_type = kind.properties[given.type], kind.types[given.type]
        if data_type == PHOTO:
            continue
        expression = _typed(flight, one, given, data_type, schema)
        if data_type != "coordinates":
            found[column] = expression
            continue
        for part, field in zip(place_columns(column), ("latitude", "longitude"), strict=True):
            found[part] = expression.struct.field(field)
    return found


def _typed(flight: Flight, one: Definition, given: Property, data_type: str, schema: pl.Schema) -> pl.Expr:
    """A property's value in its data type; null where the text cannot be read as that type."""
    wanted = DTYPES[data_type]
    as_it_is = wanted != pl.String and not given.transforms
    if as_it_is and given.column is not None and schema.get(given.column) == wanted:
        return pl.col(given.column)
    text = value(given.column, given.transforms or [], schema, f"{flight.path}: {one.alias} → {given.type}")
    return _parsed(text, data_type)


def _parsed(text: pl.Expr, data_type: str) -> pl.Expr:
    trimmed = text.str.strip_chars()
    match data_type:
        case "text":
            found = text
        case "timestamptz":
            found = _moment(trimmed)
        case "date":
            found = trimmed.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
        case "time":
            found = trimmed.str.to_time("%H:%M:%S%.f", strict=False)
        case "boolean":
            words = trimmed.str.to_lowercase()
            found = words.replace_strict(_BOOLEANS, default=None, return_dtype=pl.Boolean)
        case "coordinates":
            found = _coordinates(text)
        case _:
            found = trimmed.cast(DTYPES[data_type], strict=False)
    return found


_BOOLEANS: Final = dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True) | dict.fromkeys(
    ("false", "f", "no", "n", "off", "0"), False
)


def _moment(text: pl.Expr) -> pl.Expr:
    """Reads ISO 8601 as a time in UTC. A text without a zone is in UTC, unless a DateTimeTransform read it before."""
    text = text.str.replace(r"^(\d{4}-\d\d-\d\d) ", "${1}T").str.replace("[zZ]$", "+00:00")
    text = text.str.replace(r"([+-]\d\d)$", "${1}:00").str.replace(r"^(\d{4}-\d\d-\d\d)$", "${1}T00:00:00")
    text = text.str.replace(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d)($|[+-])", "${1}:00${2}")
    zoned = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", time_zone="UTC", strict=False)
    plain = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False).dt.replace_time_zone("UTC")
    return pl.coalesce(zoned, plain)


def _coordinates(text: pl.Expr) -> pl.Expr:
    """Reads `lat,lon` in decimal degrees; null if either is no number or out of range."""
    parts = text.str.split_exact(",", 1).struct
    latitude = parts.field("field_0").str.strip_chars().cast(pl.Float64, strict=False)
    longitude = parts.field("field_1").str.strip_chars().cast(pl.Float64, strict=False)
    valid = latitude.is_between(-90, 90) & longitude.is_between(-180, 180)
    return pl.when(valid).then(pl.struct(latitude=latitude, longitude=longitude)).cast(COORDINATES)
