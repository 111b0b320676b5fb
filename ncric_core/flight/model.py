"""edm.yaml: the model of entity and association types, their properties, and the entity sets."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal
from uuid import UUID

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from ncric_core.errors import FlightError
from ncric_core.flight.faults import file_faults, lines

FLIGHTS: Final = Path(__file__).resolve().parents[2] / "flights"
"""The project's own flights and edm.yaml, beside the package in a checkout and in an installed wheel alike."""

AGENCY: Final = "{agency}"
"""Part of the name of an entity set that stands for one set for each agency."""

READS_TABLE: Final = "vehicle_records"
"""The table of the types whose entities are reads."""

COORDINATES: Final = pl.Struct({"latitude": pl.Float64, "longitude": pl.Float64})

UpdateType = Literal["Merge", "PartialReplace", "Replace"]
"""How an entity that exists already is changed (docs/flight-language.md, "Keys")."""

DataType = Literal[
    "text", "timestamptz", "date", "time", "double precision", "bigint", "boolean", "coordinates", "photo"
]

DTYPES: Final[dict[str, pl.DataType]] = {
    "text": pl.String(),
    "timestamptz": pl.Datetime("us", "UTC"),
    "date": pl.Date(),
    "time": pl.Time(),
    "double precision": pl.Float64(),
    "bigint": pl.Int64(),
    "boolean": pl.Boolean(),
    "coordinates": COORDINATES,
}
"""The dtype of a property in a frame. `photo` has none, as photos never go into the database."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table of the model."""

    name: str
    sql_type: str


@dataclass(frozen=True, slots=True)
class Link:
    """An association whose links are stored as a column of the source's table, which holds the target's id."""

    association: str
    to: str
    column: str


@dataclass(frozen=True, slots=True)
class EntityType:
    """An entity or association type: its table, and the column of each property."""

    fqn: str
    kind: Literal["entity", "association"]
    id: str | None
    table: str
    key: tuple[str, ...]  # the first of these properties that a flight maps is the key
    properties: dict[str, str]  # property type → column
    types: dict[str, DataType]  # property type → data type
    links: tuple[Link, ...]

    def columns(self) -> list[Column]:
        """The table's columns that hold properties other than the key."""
        found: dict[str, str] = {}
        for name, column in self.properties.items():
            match self.types[name]:
                case "photo":
                    continue
                case "coordinates":
                    found |= dict.fromkeys(place_columns(column), "double precision")
                case kind if column != "id":
                    found[column] = kind
        return [Column(name, kind) for name, kind in found.items()]


@dataclass(frozen=True, slots=True)
class EntitySet:
    """An entity set. A name with {agency} stands for one set for each agency."""

    name: str
    fqn: str
    table: str | None

    @property
    def is_template(self) -> bool:
        return AGENCY in self.name


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class Roles(_Part):
    """The entity sets that the program itself uses, and the property types that it needs of them (see edm.yaml)."""

    cameras: str
    camera_name: str
    camera_place: str
    standardized_agencies: str
    standardized_agency_name: str
    collected_by: str


@dataclass(frozen=True, slots=True)
class Model:
    """All of edm.yaml."""

    entity_types: dict[str, EntityType]
    entity_sets: dict[str, EntitySet]
    roles: Roles

    def table(self, name: str) -> str:
        """The table that an entity set's rows are in."""
        entity_set = self.entity_sets[name]
        return entity_set.table or self.entity_types[entity_set.fqn].table

    def column(self, entity_set: str, property_type: str) -> str:
        """The column of an entity set's table that holds a property."""
        return self.entity_types[self.entity_sets[entity_set].fqn].properties[property_type]


class _Link(_Part):
    association: str
    to: str
    column: str


class _Type(_Part):
    id: UUID | None = None
    table: str | None = None
    key: list[str] = Field(default_factory=list)
    properties: dict[str, str | None]
    links: list[_Link] = Field(default_factory=list)


class _Set(_Part):
    type: str
    table: str | None = None


class _File(_Part):
    property_types: dict[str, DataType]
    entity_types: dict[str, _Type]
    association_types: dict[str, _Type]
    entity_sets: dict[str, _Set]
    roles: Roles


def model_in(flights_dir: Path) -> Model:
    """Returns the model of edm.yaml in a folder of flights. Raises FlightError with a line for each fault."""
    return read_model(flights_dir / "edm.yaml")


def read_model(path: Path) -> Model:
    """Reads and checks a model. Raises FlightError with a line for each fault."""
    given = read_yaml(path)
    if isinstance(given, dict) and "roles" not in given:  # as a copy of one's own that is older than this section
        raise FlightError(f"{path}: roles: missing; copy this section from {FLIGHTS / 'edm.yaml'}")
    try:
        content = _File.model_validate(given)
    except ValidationError as error:
        raise FlightError(lines(file_faults(path, error))) from None
    found = [
        *_types(content.entity_types, "entity", content.property_types),
        *_types(content.association_types, "association", content.property_types),
    ]
    model = Model(
        {kind.fqn: kind for kind in found},
        {name: EntitySet(name, given.type, given.table) for name, given in content.entity_sets.items()},
        content.roles,
    )
    if wrong := list(_contradictions(model)):
        raise FlightError(lines(f"{path}: {fault}" for fault in wrong))
    return model


MOST_NODES: Final = 100_000
"""The values of a YAML file with its aliases written out. A few nested aliases stand for more than any memory holds."""


def read_yaml(path: Path, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> Any:
    """Reads a YAML file as plain data. Raises FlightError if it cannot be read."""
    try:
        reader = loader(path.read_text(encoding="utf-8-sig"))
        node = reader.get_single_node()
        if node is None:
            return None
        if _nodes(node, {}) > MOST_NODES:
            raise FlightError(f"{path} holds more than {MOST_NODES:,} values: do without aliases of aliases")
        return reader.construct_document(node)
    except OSError as error:
        raise FlightError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FlightError(f"{path} is not UTF-8 text") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date or number that cannot be
        raise FlightError(lines([f"{path} is not YAML: {error}"])) from None


def _nodes(node: yaml.Node, known: dict[yaml.Node, int]) -> int:
    """Counts a value and all within it; each alias counts as much as it stands for. One within itself is too much."""
    if node not in known:
        known[node] = MOST_NODES + 1
        within = node.value if isinstance(node, yaml.CollectionNode) else ()
        parts = [part for one in within for part in (one if isinstance(one, tuple) else (one,))]
        known[node] = 1 + sum(_nodes(part, known) for part in parts)
    return known[node]


def place_columns(column: str) -> tuple[str, str]:
    """The two columns, latitude and longitude, of a property with coordinates."""
    return ("latitude", "longitude") if column == "coordinates" else (f"{column}_lat", f"{column}_lon")


def default_name(fqn: str) -> str:
    """`ol.name` → `ol_name`: the table of a type or the column of a property, unless edm.yaml names another."""
    return fqn.lower().replace(".", "_")


def _types(
    given: dict[str, _Type], kind: Literal["entity", "association"], types: dict[str, DataType]
) -> list[EntityType]:
    return [
        EntityType(
            fqn=fqn,
            kind=kind,
            id=str(one.id) if one.id else None,
            table=one.table or default_name(fqn),
            key=tuple(one.key),
            properties={name: column or default_name(name) for name, column in one.properties.items()},
            types={name: types[name] for name in one.properties if name in types},
            links=tuple(Link(link.association, link.to, link.column) for link in one.links),
        )
        for fqn, one in given.items()
    ]


def _contradictions(model: Model) -> Iterator[str]:
    for fqn, kind in model.entity_types.items():
        for name in kind.properties:
            if name not in kind.types:
                yield f"{fqn}: property {name} is not in propertyTypes"
        for name in kind.key:
            if name not in kind.properties:
                yield f"{fqn}: key {name} is not one of its properties"
        if kind.kind == "entity" and not kind.key:
            yield f"{fqn}: an entity type needs a key"
        for link in kind.links:
            for name in (link.association, link.to):
                if name not in model.entity_sets:
                    yield f"{fqn}: link to unknown entity set {name}"
    for name, entity_set in model.entity_sets.items():
        if entity_set.fqn not in model.entity_types:
            yield f"entity set {name}: unknown type {entity_set.fqn}"
    yield from _role_faults(model)


_ROLES: Final[tuple[tuple[str, str, dict[str, str]], ...]] = (
    ("cameras", "entity", {"cameraName": "text", "cameraPlace": "coordinates"}),
    ("standardizedAgencies", "entity", {"standardizedAgencyName": "text"}),
    ("collectedBy", "association", {}),
)
"""The key of each role, the kind of its entity set's type, and the data types of the properties that it needs."""


def _role_faults(model: Model) -> Iterator[str]:
    given = model.roles.model_dump(by_alias=True)
    for key, wanted, properties in _ROLES:
        entity_set = model.entity_sets.get(given[key])
        if entity_set is None:
            yield f"roles → {key}: there is no entity set {given[key]}"
            continue
        kind = model.entity_types.get(entity_set.fqn)
        if entity_set.is_template or (kind is not None and kind.kind != wanted):
            yield f"roles → {key}: {entity_set.name} must be one set of an {wanted} type"
        for place, data_type in properties.items():
            if kind is not None and kind.types.get(given[place]) != data_type:
                yield f"roles → {place}: {kind.fqn} has no property {given[place]} of type {data_type}"
