"""A flight and a table → entities, reads and links in the store: what `ncric flights load` does."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import polars as pl

from ncric_core.agencies import name_key
from ncric_core.errors import FlightError
from ncric_core.flight.language import Definition, Flight, read_flight
from ncric_core.flight.model import AGENCY, READS_TABLE, Model
from ncric_core.flight.rows import EVENT_TIME, entity_rows, is_held, link_rows, photo_columns
from ncric_core.pipeline.clean import normalized_plate
from ncric_core.store.agencies import agency_name, ensure_agencies, entity_set_agencies, name_table
from ncric_core.store.database import Connection, rows
from ncric_core.store.entities import ENTITY_KEY, LINK_KEY, folded, upsert
from ncric_core.store.partitions import ensure_partitions
from ncric_core.store.reads import upsert_reads

AT_ONCE: Final = 50_000  # rows of the table in one transaction
STANDARD: Final = "standardized_agency_name"
NO_SOURCE: Final = "FLIGHT"  # the datasource of reads whose flight names none


@dataclass(slots=True)
class FlightLoad:
    """What a flight made of a table, by entity set: entities and links, and how many of them are new."""

    rows: int = 0
    made: Counter[str] = field(default_factory=Counter)
    new: Counter[str] = field(default_factory=Counter)
    without_time: int = 0  # reads that have no event time: not loaded
    photos: int = 0  # counted, not stored


def known_entity_sets(connection: Connection, model: Model) -> dict[str, str]:
    """The type of every entity set: those of the store, and the templates of edm.yaml."""
    templates = {name: one.fqn for name, one in model.entity_sets.items() if one.is_template}
    return templates | dict(rows(connection, "SELECT name, entity_type FROM entity_sets"))


def check_flight(connection: Connection, path: Path, model: Model) -> Flight:
    """The flight, checked against the model and the data sets that there are. Raises FlightError."""
    with connection:
        flight = read_flight(path, model, known_entity_sets(connection, model))
    for one in flight.entities.values():
        kind = flight.types[one.entity_set_name]
        mapped = {kind.properties[given.type] for given in one.property_definitions.values()}
        if kind.table == READS_TABLE and EVENT_TIME not in mapped:
            raise FlightError(f"{path}: {one.alias}: a read needs its time: map ol.datelogged")
    return flight


def table_batches(path: Path) -> Iterator[pl.DataFrame]:
    """A table in batches, always at least one: a CSV's columns are all text, a Parquet file's are as they are.

    Raises FlightError if it cannot be read.
    """
    try:
        is_parquet = path.suffix.lower() == ".parquet"
        scan = pl.scan_parquet(path) if is_parquet else pl.scan_csv(path, infer_schema=False)
        yield pl.DataFrame(schema=scan.collect_schema())
        yield from scan.collect_batches(chunk_size=AT_ONCE, maintain_order=True)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise FlightError(f"{path} cannot be read as a table: {str(error).splitlines()[0]}") from None


def load_flight(connection: Connection, flight: Flight, model: Model, batches: Iterator[pl.DataFrame]) -> FlightLoad:
    """Loads a table through a checked flight, a batch a transaction; safe to repeat.

    The first batch may be empty: what the flight asks of the table's columns is checked with it, before anything is
    loaded.
    """
    done = FlightLoad()
    for batch in batches:
        if any(AGENCY in one.entity_set_name for one in flight.entities.values()) and STANDARD not in batch.columns:
            raise FlightError(f"{flight.path}: data sets by {AGENCY} need a column {STANDARD} in the table")
        done.rows += batch.height
        _load_batch(connection, flight, model, batch, done)
    return done


def _load_batch(connection: Connection, flight: Flight, model: Model, batch: pl.DataFrame, done: FlightLoad) -> None:
    table = batch.with_columns(_set_names(flight, _sets_by_name(connection, flight, batch)))
    moment = pl.lit(datetime.now(UTC), dtype=pl.Datetime("us", "UTC"))
    entities = {
        alias: entity_rows(flight, alias, table, _set_column(alias)).rename({_set_column(alias): "entity_set"})
        for alias, one in flight.entities.items()
    }
    reads = {alias for alias, one in flight.entities.items() if flight.types[one.entity_set_name].table == READS_TABLE}
    for alias in reads:
        times = entities[alias][EVENT_TIME].dt.truncate("1w").drop_nulls().unique()
        ensure_partitions(connection, times.to_list())
        done.photos += sum(
            int(batch[column].is_not_null().sum()) for column in photo_columns(flight, alias) if column in batch
        )
    with connection:
        for alias, one in flight.entities.items():
            if alias in reads:
                _load_reads(connection, entities[alias], one, done)
            elif not one.associate_only:
                found = entities[alias].with_columns(as_of=moment)
                _upsert(connection, model, one, ENTITY_KEY, found=found, done=done)
        for link in flight.associations:
            if is_held(flight, link):
                continue
            ends = {_set_column(link.src): "source_set", _set_column(link.dst): "target_set"}
            found = link_rows(flight, link, table, *ends)
            if len(ends) == 1:
                found = found.with_columns(source_set=pl.col(_set_column(link.src)))
            found = found.rename(ends).with_columns(as_of=moment, entity_set=pl.lit(link.entity_set_name))
            _upsert(connection, model, link, LINK_KEY, found=found, done=done)


def _upsert(
    connection: Connection,
    model: Model,
    one: Definition,
    key: tuple[str, ...],
    *,
    found: pl.DataFrame,
    done: FlightLoad,
) -> None:
    if found.height:
        table = model.table(model.entity_sets[one.entity_set_name])
        done.made[one.entity_set_name] += found.select(key).n_unique()
        done.new[one.entity_set_name] += upsert(
            connection, table, key, folded(found, key, one.update_type), one.update_type
        )


def _load_reads(connection: Connection, found: pl.DataFrame, one: Definition, done: FlightLoad) -> None:
    """Reads into the data sets of their agencies; what a flight does not say of them follows from their data set."""
    timed = found.drop_nulls(EVENT_TIME)
    done.without_time += found.height - timed.height
    if timed.is_empty():
        return
    agency_of = entity_set_agencies(connection)
    agencies = name_table(connection).agencies
    reads = timed.with_columns(
        agency=pl.col("entity_set").replace_strict(agency_of, return_dtype=pl.Int32),
        **{name: pl.lit(None, dtype=pl.String) for name in ("agency_name", "datasource") if name not in timed.columns},
    ).with_columns(
        agency_name=pl.coalesce("agency_name", pl.col("agency").replace_strict(agencies, return_dtype=pl.String)),
        datasource=pl.col("datasource").fill_null(NO_SOURCE),
    )
    if "plate" in reads.columns:
        reads = reads.with_columns(plate_normalized=normalized_plate(pl.col("plate")))
    for entity_set, count in reads.unique(["id", EVENT_TIME]).group_by("entity_set").len().iter_rows():
        done.made[entity_set] += count
    set_of = {agency: entity_set for entity_set, agency in agency_of.items()}
    for agency, count in upsert_reads(connection, reads.drop("entity_set"), one.update_type).items():
        done.new[set_of[agency]] += count


def _set_column(alias: str) -> str:
    return f"entity set of {alias}"


def _sets_by_name(connection: Connection, flight: Flight, batch: pl.DataFrame) -> dict[str, str]:
    """The data set of each agency that a table names, by the name as written there; made where it is not there yet."""
    if not any(AGENCY in one.entity_set_name for one in flight.entities.values()):
        return {}
    written = batch[STANDARD].cast(pl.String).fill_null("").unique().to_list()
    with connection:
        ensure_agencies(connection, {agency_name(name) for name in written}, unmapped=False)
        agencies = name_table(connection).by_key
        set_of = {agency: entity_set for entity_set, agency in entity_set_agencies(connection).items()}
    return {name: set_of[agencies[name_key(agency_name(name))]] for name in written}


def _set_names(flight: Flight, set_of: Mapping[str, str]) -> list[pl.Expr]:
    """A column with the entity set of each alias: for a template, that of the row's agency."""
    found = []
    for alias, one in flight.entities.items():
        name = pl.lit(one.entity_set_name, dtype=pl.String)
        if AGENCY in one.entity_set_name:
            name = pl.col(STANDARD).cast(pl.String).fill_null("").replace_strict(set_of, return_dtype=pl.String)
        found.append(name.alias(_set_column(alias)))
    return found
