"""Loads a table through a flight into the store: what `ncric flights load` does."""

import re
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

import polars as pl
import polars.selectors as cs

from ncric_core.agencies import name_key
from ncric_core.encodings import GZIP, UTF_8, decoded, encoding_of
from ncric_core.errors import FlightError
from ncric_core.flight.faults import lines
from ncric_core.flight.language import Definition, Flight, read_flight
from ncric_core.flight.model import AGENCY, Model
from ncric_core.flight.parameters import lacks_column
from ncric_core.flight.rows import EVENT_TIME, entity_rows, key_property, photo_columns, read_aliases, rows_to_merge
from ncric_core.pipeline.clean import normalized_plate
from ncric_core.store.agencies import agency_name, ensure_agencies, entity_set_agencies, name_table
from ncric_core.store.database import Connection, rows
from ncric_core.store.entities import upsert
from ncric_core.store.partitions import ensure_partitions
from ncric_core.store.reads import upsert_reads

AT_ONCE: Final = 50_000  # rows of the table in one transaction
HEAD: Final = 2**16  # bytes of a CSV that show its form
SEPARATORS: Final = (",", ";", "\t", "|")
STANDARD: Final = "standardized_agency_name"
NO_SOURCE: Final = "FLIGHT"  # the datasource of reads whose flight names none


@dataclass(slots=True)
class FlightLoad:
    """How many entities and links a flight made of a table, and how many of them were new, by entity set.

    One that several batches or aliases make counts as made by each of them, and as new once.
    """

    rows: int = 0
    made: Counter[str] = field(default_factory=Counter)
    new: Counter[str] = field(default_factory=Counter)
    without_time: int = 0  # reads that have no event time: not loaded
    photos: int = 0  # counted, not stored


def known_entity_sets(connection: Connection, model: Model) -> dict[str, str]:
    """The type of every entity set of the store, and of the templates of edm.yaml."""
    templates = {name: one.fqn for name, one in model.entity_sets.items() if one.is_template}
    return templates | dict(rows(connection, "SELECT name, entity_type FROM entity_sets"))


def check_flight(connection: Connection, path: Path, model: Model) -> Flight:
    """Reads a flight, and checks it against the model and the entity sets of the store. Raises FlightError."""
    with connection:
        flight = read_flight(path, model, known_entity_sets(connection, model))
    for alias in read_aliases(flight):
        one = flight.entities[alias]
        columns = flight.types[one.entity_set_name].properties
        if EVENT_TIME not in {columns[given.type] for given in one.property_definitions.values()}:
            raise FlightError(f"{path}: {alias}: a read needs its time: map ol.datelogged")
    return flight


def table_batches(path: Path) -> Iterator[pl.DataFrame]:
    """Gives a table in batches, the first of which is empty. All columns of a CSV are text.

    A CSV may be in UTF-8, UTF-16 or UTF-32, and gzip, with any of SEPARATORS and any line end. NUL is dropped from
    texts, as PostgreSQL cannot hold it. Raises FlightError if the table cannot be read.
    """
    try:
        if path.suffix.lower() == ".parquet":
            yield from _batches(pl.scan_parquet(path))
        else:
            with _in_utf8(path) as plain:
                separator, line_end = _form(plain)
                yield from _batches(pl.scan_csv(plain, infer_schema=False, separator=separator, eol_char=line_end))
    except (OSError, zlib.error, pl.exceptions.PolarsError) as error:
        raise FlightError(lines([f"{path} cannot be read as a table: {str(error).splitlines()[0]}"])) from None


def _batches(scan: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    yield pl.DataFrame(schema=scan.collect_schema())
    for batch in scan.collect_batches(chunk_size=AT_ONCE, maintain_order=True):
        yield batch.with_columns(cs.string().str.replace_all("\0", "", literal=True))


@contextmanager
def _in_utf8(path: Path) -> Iterator[Path]:
    """Gives the path of a text file in UTF-8: itself, or a copy that is deleted afterwards."""
    with path.open("rb") as file:
        head = file.read(HEAD)
        if encoding_of(head) == UTF_8 and not head.startswith(GZIP):
            yield path
            return
        with NamedTemporaryFile("w", encoding="utf-8", newline="") as copy:
            copy.writelines(decoded(chain([head], iter(partial(file.read, HEAD), b""))))
            copy.flush()
            yield Path(copy.name)


def _form(path: Path) -> tuple[str, str]:
    """Returns the separator and the line end of a CSV, from its beginning."""
    with path.open("rb") as file:
        head = re.sub(rb'"[^"]*"', b"", file.read(HEAD))
    line_end = "\r" if b"\r" in head and b"\n" not in head else "\n"
    header = head.partition(line_end.encode())[0]
    return max(SEPARATORS, key=lambda one: header.count(one.encode())), line_end


def load_flight(connection: Connection, flight: Flight, model: Model, batches: Iterator[pl.DataFrame]) -> FlightLoad:
    """Loads a table through a checked flight, each batch in a transaction. Safe to repeat.

    With an empty first batch, the columns that the flight needs are checked before anything is loaded.
    """
    done = FlightLoad()
    for batch in batches:
        _check_keys(flight, batch)
        if any(AGENCY in one.entity_set_name for one in flight.entities.values()) and STANDARD not in batch.columns:
            raise FlightError(f"{flight.path}: entity sets by {AGENCY} need a column {STANDARD} in the table")
        done.rows += batch.height
        _load_batch(connection, flight, model, batch, done)
    return done


def _check_keys(flight: Flight, batch: pl.DataFrame) -> None:
    """Raises FlightError if the table lacks the column of an entity's key: none of its rows would make that entity."""
    for alias in flight.entities:
        given = key_property(flight, alias)
        if given.column and given.column not in batch.columns:
            there = ", ".join(batch.columns)
            raise FlightError(
                lines([f"{flight.path}: {alias} → {given.type}: {lacks_column(given.column)}, its key; it has {there}"])
            )


def _load_batch(connection: Connection, flight: Flight, model: Model, batch: pl.DataFrame, done: FlightLoad) -> None:
    entity_sets = _entity_sets(connection, flight, batch)
    now = pl.lit(datetime.now(UTC), dtype=pl.Datetime("us", "UTC"))
    merged = rows_to_merge(flight, model, batch, entity_sets, as_of=now)
    reads = {
        alias: entity_rows(flight, alias, batch, entity_sets[alias].alias("entity_set"))
        for alias in read_aliases(flight)
    }
    for alias, found in reads.items():
        ensure_partitions(connection, found[EVENT_TIME])
        photos = [batch[column] for column in photo_columns(flight, alias) if column in batch.columns]
        done.photos += sum(column.len() - column.null_count() for column in photos)
    with connection:
        for given in merged:
            done.made[given.entity_set] += given.frame.height
            done.new[given.entity_set] += upsert(connection, given)
        for alias, found in reads.items():
            _load_reads(connection, found, flight.entities[alias], done)


def _load_reads(connection: Connection, found: pl.DataFrame, one: Definition, done: FlightLoad) -> None:
    """Loads reads into their agencies' entity sets. The names that a flight does not map follow from the entity set."""
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
    for entity_set, count in reads.unique(["id", EVENT_TIME], keep="last").group_by("entity_set").len().iter_rows():
        done.made[entity_set] += count
    set_of = {agency: entity_set for entity_set, agency in agency_of.items()}
    for agency, count in upsert_reads(connection, reads.drop("entity_set"), one.update_type).items():
        done.new[set_of[agency]] += count


def _entity_sets(connection: Connection, flight: Flight, batch: pl.DataFrame) -> dict[str, pl.Expr]:
    """For each alias, the entity set that a row's entity belongs to: for a template, that of the row's agency."""
    of_agency = pl.col(STANDARD).cast(pl.String).fill_null("")
    if any(AGENCY in one.entity_set_name for one in flight.entities.values()):
        set_of = _sets_by_name(connection, batch.select(of_agency.unique())[STANDARD].to_list())
        of_agency = of_agency.replace_strict(set_of, return_dtype=pl.String)
    return {
        alias: of_agency if AGENCY in one.entity_set_name else pl.lit(one.entity_set_name)
        for alias, one in flight.entities.items()
    }


def _sets_by_name(connection: Connection, written: list[str]) -> dict[str, str]:
    """The entity set of each agency by its name as the table writes it. A new agency is made, with its entity set."""
    with connection:
        ensure_agencies(connection, {agency_name(name) for name in written}, unmapped=False)
        agencies = name_table(connection).by_key
        set_of = {agency: entity_set for entity_set, agency in entity_set_agencies(connection).items()}
    return {name: set_of[agencies[name_key(agency_name(name))]] for name in written}
