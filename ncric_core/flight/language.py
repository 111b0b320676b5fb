"""The flight language: what a flight may say, and the checks of it. `rows` applies a flight to a table."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from ncric_core.errors import FlightError
from ncric_core.flight.expressions import Tagged, condition, value
from ncric_core.flight.faults import file_faults, lines, quoted
from ncric_core.flight.model import EntityType, Model, UpdateType, read_yaml
from ncric_core.flight.parameters import Unquoted

TAGS: Final = ("transforms.", "conditions.")
LEGACY: Final = "com.openlattice.shuttle."
IMPLIED: Final = frozenset({"ol.id", "general.id", "general.stringid", "ol.datelogged", "general.datetime"})
"""The properties that an association may map though its links are columns of a read: they follow from the read."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class Property(_Part):
    """A property: its type, the column that its value comes from, and the transforms that the value goes through."""

    type: str
    column: str | None = None
    transforms: list[Tagged] | None = None
    storage_dest: str | None = None


class Definition(_Part):
    """An entity that each row makes."""

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
        """The name that `src` and `dst` refer to."""
        return self.name or self.entity_set_name


class Association(Definition):
    """A link that each row makes between two of its entities."""

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
    """A flight that was checked against the model. Definitions are by alias, in the order of the file."""

    path: Path
    entities: Mapping[str, Definition]
    associations: tuple[Association, ...]
    conditions: tuple[Tagged, ...]
    types: Mapping[str, EntityType]  # of each entity set that the flight names


def read_flight(path: Path, model: Model, entity_sets: Mapping[str, str]) -> Flight:
    """Reads and checks the flight of a file.

    `entity_sets` has the type (fqn) of every entity set of the store, templates included. Raises FlightError with a
    line for each fault: file, place, what is wrong.
    """
    content = read_yaml(path, _Loader)
    try:
        file = _File.model_validate(content)
    except ValidationError as error:
        raise FlightError(lines(file_faults(path, error))) from None
    associations = tuple((file.association_definitions or {}).values())
    if wrong := list(_faults(file, model, entity_sets)):
        raise FlightError(lines(f"{path}: {fault}" for fault in wrong))
    entities = {one.alias: one for one in file.entity_definitions.values()}
    sets = {one.entity_set_name for one in (*entities.values(), *associations)}
    types = {name: model.entity_types[entity_sets[name]] for name in sets}
    return Flight(path, entities, associations, tuple(file.conditions or ()), types)


class _Loader(yaml.SafeLoader):
    """Builds plain data only. `!<transforms.X>` and `!<conditions.X>` become `Tagged`.

    Any other tag is an error, and so is a key that is given twice. What is written without quotes is the text that is
    written (NO, 0010300, 1.10, 12:30), except for null.
    """


def _text(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
    text = loader.construct_yaml_str(node)
    return text if node.style else Unquoted(text)


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
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {quoted(key)} is no text", key_node.start_mark
            )
        if key in found:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key} is given twice", key_node.start_mark)
        found[key] = loader.construct_object(value_node, deep=True)
    return found


_Loader.yaml_implicit_resolvers = {
    first: [one for one in known if one[0].endswith((":null", ":merge"))]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_constructor("tag:yaml.org,2002:str", _text)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_multi_constructor("", _tagged)


# ---- checks


def _faults(file: _File, model: Model, entity_sets: Mapping[str, str]) -> Iterator[str]:
    yield from _expression_faults(partial(condition, file.conditions or [], None, "conditions"))
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
    yield from _expression_faults(partial(condition, one.conditions or [], None, f"{place} → conditions"))
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
        yield from _expression_faults(partial(value, given.column, given.transforms or [], None, where))
    if found.kind == "entity" and not any(name in mapped for name in found.key):
        yield f"{place}: the key of {found.fqn} is not mapped: {' or '.join(found.key)}"


def _expression_faults(compiled: Callable[[], object]) -> Iterator[str]:
    try:
        compiled()
    except FlightError as error:
        yield str(error)
