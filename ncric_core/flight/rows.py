"""A checked flight over a table, in polars: the entities, reads and links that its rows make."""

from collections.abc import Collection
from typing import Final

import polars as pl

from ncric_core.flight.expressions import condition, value
from ncric_core.flight.language import Association, Definition, Flight, Property
from ncric_core.flight.model import COORDINATES, DTYPES

PHOTO: Final = "photo"
EVENT_TIME: Final = "event_time"


def _all_hold(flight: Flight, one: Definition, columns: Collection[str]) -> pl.Expr:
    tests = [
        condition(flight.conditions, columns, f"{flight.path}: conditions"),
        condition(one.conditions or [], columns, f"{flight.path}: {one.alias} → conditions"),
    ]
    return pl.all_horizontal([test for test in tests if test is not None] or [pl.lit(value=True)])


def entity_id(flight: Flight, alias: str, schema: pl.Schema) -> pl.Expr:
    """The key of an entity as text; null for a row that it is not made for."""
    one = flight.entities[alias]
    kind = flight.types[one.entity_set_name]
    mapped = {given.type: given for given in one.property_definitions.values()}
    key = next(name for name in kind.key if name in mapped)
    expression = _typed(flight, one, mapped[key], "text", schema)
    if flight.conditions or one.conditions:
        return pl.when(_all_hold(flight, one, schema)).then(expression)
    return expression


def entity_rows(flight: Flight, alias: str, table: pl.DataFrame, *kept: str) -> pl.DataFrame:
    """The entities that a table makes, in the order of its rows: `id`, a column for each property, and the `kept` ones.

    Photos are left out. Links that are columns of the entity's table are among the columns. One whose properties are
    not to be written (`associateOnly`) has but its id, its time and these links.
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
    return table.select(*kept, id=entity_id(flight, alias, table.schema), **properties).drop_nulls("id")


def held_column(flight: Flight, link: Association) -> str | None:
    """The column of the source's table that holds the links of an association, if it is so kept."""
    target = flight.entities[link.dst].entity_set_name
    for held in flight.types[flight.entities[link.src].entity_set_name].links:
        if held.association == link.entity_set_name and held.to == target:
            return held.column
    return None


def is_held(flight: Flight, link: Association) -> bool:
    """Whether the links of an association are not rows: columns, or for a read its agency, which its data set tells."""
    held = flight.types[flight.entities[link.src].entity_set_name].links
    return any(one.association == link.entity_set_name for one in held)


def link_ids(flight: Flight, link: Association, schema: pl.Schema) -> tuple[pl.Expr, pl.Expr]:
    """The ids of a link's source and target; both null for a row that it is not made for."""
    source, target = entity_id(flight, link.src, schema), entity_id(flight, link.dst, schema)
    both = source.is_not_null() & target.is_not_null()
    if link.conditions:
        both = both & _all_hold(flight, link, schema)
    return pl.when(both).then(source), pl.when(both).then(target)


def link_rows(flight: Flight, link: Association, table: pl.DataFrame, *kept: str) -> pl.DataFrame:
    """The links that a table makes: `source_id`, `target_id`, a column for each property, and the `kept` ones."""
    source, target = link_ids(flight, link, table.schema)
    properties = {} if link.associate_only else _properties(flight, link, table.schema)
    return table.select(*kept, source_id=source, target_id=target, **properties).drop_nulls("source_id")


def photo_columns(flight: Flight, alias: str) -> list[str]:
    """The columns that hold photos of an entity: counted, not loaded."""
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
        latitude, longitude = (
            ("latitude", "longitude") if column == "coordinates" else (f"{column}_lat", f"{column}_lon")
        )
        found[latitude] = expression.struct.field("latitude")
        found[longitude] = expression.struct.field("longitude")
    return found


def _typed(flight: Flight, one: Definition, given: Property, data_type: str, schema: pl.Schema) -> pl.Expr:
    """A property's value in its data type; null where the text is none of that type."""
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
    """ISO 8601 as a UTC time; one without a zone is UTC (a DateTimeTransform applies another)."""
    text = text.str.replace(r"^(\d{4}-\d\d-\d\d) ", "${1}T").str.replace("[zZ]$", "+00:00")
    text = text.str.replace(r"([+-]\d\d)$", "${1}:00").str.replace(r"^(\d{4}-\d\d-\d\d)$", "${1}T00:00:00")
    text = text.str.replace(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d)($|[+-])", "${1}:00${2}")
    zoned = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", time_zone="UTC", strict=False)
    plain = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False).dt.replace_time_zone("UTC")
    return pl.coalesce(zoned, plain)


def _coordinates(text: pl.Expr) -> pl.Expr:
    """`lat,lon` in decimal degrees; null if either is none or out of range."""
    parts = text.str.split_exact(",", 1).struct
    latitude = parts.field("field_0").str.strip_chars().cast(pl.Float64, strict=False)
    longitude = parts.field("field_1").str.strip_chars().cast(pl.Float64, strict=False)
    valid = latitude.is_between(-90, 90) & longitude.is_between(-180, 180)
    return pl.when(valid).then(pl.struct(latitude=latitude, longitude=longitude)).cast(COORDINATES)
