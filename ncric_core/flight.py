"""The flight language: the model of a flight, its checks, and its compilation to polars
(../shared/flight-language.md)."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from ncric_core.edm import COORDINATES, DTYPES, EntityType, Model, UpdateType, faults, read_yaml
from ncric_core.errors import FlightError
from ncric_core.flight_expressions import Tagged, condition, value

TAGS: Final = ("transforms.", "conditions.")
LEGACY: Final = "com.openlattice.shuttle."
PHOTO: Final = "photo"
EVENT_TIME: Final = "event_time"
IMPLIED: Final = frozenset({"ol.id", "general.id", "general.stringid", "ol.datelogged", "general.datetime"})
"""What an association may map where its links are columns of a read: the ids and time follow from the read."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class Property(_Part):
    """Which column, through which transforms, becomes a property of which type."""

    type: str
    column: str | None = None
    transforms: list[Tagged] | None = None
    storage_dest: str | None = None


class Definition(_Part):
    """An entity that is made of each row."""

    entity_set_name: str = Field(min_length=1)
    property_definitions: dict[str, Property]
    fqn: str | None = None
    name: str | None = None
    conditions: list[Tagged] | None = None
    update_type: UpdateType = "Merge"
    associate_only: bool = False
    key: Any = None
    generator: Any = None
    property_update_type: Any = None
    id: Any = None

    @property
    def alias(self) -> str:
        """What `src` and `dst` call it."""
        return self.name or self.entity_set_name


class Association(Definition):
    """A link that is made of each row between two of its entities."""

    src: str
    dst: str


class _File(_Part):
    entity_definitions: dict[str, Definition]
    association_definitions: dict[str, Association] | None = None
    conditions: list[Tagged] | None = None
    organization_id: str | None = None
    name: str | None = None
    tags: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Flight:
    """A flight that was checked against the model; definitions by alias, in the order of the file."""

    path: Path
    entities: Mapping[str, Definition]
    associations: tuple[Association, ...]
    conditions: tuple[Tagged, ...]
    types: Mapping[str, EntityType]  # of each entity set that the flight names


def read_flight(path: Path, model: Model, entity_sets: Mapping[str, str]) -> Flight:
    """The flight of a file.

    `entity_sets` has the type (fqn) of every entity set that there is, templates included. Raises FlightError with a
    line
    for each fault: file, place, what is wrong.
    """
    content = read_yaml(path, _Loader)
    try:
        file = _File.model_validate(content)
    except ValidationError as error:
        raise FlightError("\n".join(faults(path, error))) from None
    associations = tuple((file.association_definitions or {}).values())
    if wrong := list(_faults(file, model, entity_sets)):
        raise FlightError("\n".join(f"{path}: {fault}" for fault in wrong))
    entities = {one.alias: one for one in file.entity_definitions.values()}
    sets = {one.entity_set_name for one in (*entities.values(), *associations)}
    types = {name: model.entity_types[entity_sets[name]] for name in sets}
    return Flight(path, entities, associations, tuple(file.conditions or ()), types)


class _Loader(yaml.SafeLoader):
    """Plain data; `!<transforms.X>` and `!<conditions.X>` become `Tagged`, any other tag and a key given twice are
    errors."""


def _tagged(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> Tagged:
    name = tag.removeprefix("!").removeprefix(LEGACY)
    if not name.startswith(TAGS):
        raise yaml.constructor.ConstructorError(None, None, f"unknown tag {tag}", node.start_mark)
    if isinstance(node, yaml.MappingNode):
        return Tagged(name, _mapping(loader, node))
    if isinstance(node, yaml.ScalarNode) and not node.value:
        return Tagged(name, {})
    raise yaml.constructor.ConstructorError(None, None, f"{tag} takes parameters by name", node.start_mark)


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    found: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is no text", key_node.start_mark)
        if key in found:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key} is given twice", key_node.start_mark)
        found[key] = loader.construct_object(value_node, deep=True)
    return found


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_multi_constructor("", _tagged)


# ---- checks


def _faults(file: _File, model: Model, entity_sets: Mapping[str, str]) -> Iterator[str]:
    yield from _expression_faults(lambda: condition(file.conditions or [], None, "conditions"))
    aliases: list[str] = []
    for key, one in file.entity_definitions.items():
        place = f"entityDefinitions → {key}"
        if one.alias in aliases:
            yield f"{place}: the name {one.alias} is taken by another definition: give each a name of its own"
        aliases.append(one.alias)
        yield from _definition_faults(place, one, "entity", model, entity_sets)
    for key, link in (file.association_definitions or {}).items():
        place = f"associationDefinitions → {key}"
        for end, alias in (("src", link.src), ("dst", link.dst)):
            if alias not in aliases:
                yield f"{place}: {end} {alias} is the name of no entity definition; there are {', '.join(aliases)}"
        yield from _definition_faults(place, link, "association", model, entity_sets)
        yield from _held_faults(place, link, file, model, entity_sets)


def _held_faults(
    place: str, link: Association, file: _File, model: Model, entity_sets: Mapping[str, str]
) -> Iterator[str]:
    source = next((one.entity_set_name for one in file.entity_definitions.values() if one.alias == link.src), "")
    held = model.entity_types[entity_sets[source]].links if source in entity_sets else ()
    if link.entity_set_name not in {one.association for one in held}:
        return
    for name, given in link.property_definitions.items():
        if given.type not in IMPLIED:
            yield f"{place} → {name}: links of {source} in {link.entity_set_name} are columns and have no {given.type}"


def _definition_faults(
    place: str, one: Definition, kind: str, model: Model, entity_sets: Mapping[str, str]
) -> Iterator[str]:
    if one.generator is not None:
        yield f"{place}: generator is not supported: give the key a column of its own"
    yield from _expression_faults(lambda: condition(one.conditions or [], None, f"{place} → conditions"))
    if one.entity_set_name not in entity_sets:
        yield f"{place}: there is no entity set {one.entity_set_name}"
        return
    found = model.entity_types[entity_sets[one.entity_set_name]]
    if found.kind != kind:
        yield f"{place}: {one.entity_set_name} is a set of {found.fqn}, which is an {found.kind} type"
    if one.fqn is not None and one.fqn != found.fqn:
        yield f"{place}: {one.entity_set_name} is a set of {found.fqn}, not of {one.fqn}"
    mapped = [given.type for given in one.property_definitions.values()]
    for name, given in one.property_definitions.items():
        where = f"{place} → {name}"
        if given.type not in found.properties:
            yield f"{where}: {found.fqn} has no property {given.type}: add it to edm.yaml and run `ncric migrate`"
        if mapped.count(given.type) > 1:
            yield f"{where}: {given.type} is mapped twice"
        if given.column is None and not given.transforms:
            yield f"{where}: neither column nor transforms are given"
        yield from _expression_faults(
            lambda given=given, where=where: value(given.column, given.transforms or [], None, where)
        )
    if found.kind == "entity" and not any(name in mapped for name in found.key):
        yield f"{place}: the key of {found.fqn} is not mapped: {' or '.join(found.key)}"


def _expression_faults(compiled: Any) -> Iterator[str]:
    try:
        compiled()
    except FlightError as error:
        yield str(error)


# ---- compilation


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
    not to
    be written (`associateOnly`) has but its id, its time and these links.
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
