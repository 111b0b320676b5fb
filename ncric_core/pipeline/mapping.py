"""Applies the project's own flight to standardised reads, and gives chunks of rows for the store."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from ncric_core.errors import FlightError
from ncric_core.flight.language import Flight, read_flight
from ncric_core.flight.model import Model, model_in
from ncric_core.flight.rows import Rows, entity_rows, read_aliases, rows_to_merge
from ncric_core.pipeline.clean import normalized_plate
from ncric_core.store.agencies import NameTable
from ncric_core.store.ledger import PAIR
from ncric_core.store.load import Chunk

READS_FLIGHT: Final = "reads.yaml"

_SEEN: Final = ["camera_id", "camera_name", "agency_id", "agency_name", "agency_acronym", "agency", "datasource"]
"""What a read says of its camera and agency."""


@dataclass(frozen=True, slots=True)
class ReadsFlight:
    """The model, and the flight that maps clean reads into it."""

    model: Model
    flight: Flight
    read: str  # the alias of the flight's reads

    def chunk(
        self, reads: pl.DataFrame, names: NameTable, *, closes: bool, written: pl.DataFrame | None = None
    ) -> Chunk:
        """Gives the rows of one transaction.

        `reads` has schema CLEAN, `file_id`, `received_name`, `agency` (Int32), `found` (how many reads of their name
        are in their delivery) and `late` (Boolean: taken before their delivery's window). `closes`: no more reads of
        these deliveries and names follow.

        The chunk's `seen` is what its reads say of cameras and agencies, with the time of the newest read that says it,
        cut to the hour (`as_of`). What is in the store of the `seen` of earlier chunks is given as `written`, and is
        not written again: a camera that says the same all day is written once an hour, not with every chunk.
        """
        reads = _in_order(reads)
        own = _with_standard(reads, names)
        rare = [name for name in ("agency_key", "cut_at") if reads[name].null_count() < reads.height]  # less to COPY
        kept = map(pl.col, ("file_id", "agency", "late", *rare))
        found = entity_rows(self.flight, self.read, own, *kept)
        found = found.with_columns(plate_normalized=normalized_plate(pl.col("plate")))
        pairs = reads.group_by(*PAIR, "agency").agg(rows=pl.len(), found=pl.col("found").first())
        newest = reads.group_by(_SEEN).agg(
            as_of=pl.col("event_time").max().dt.truncate("1h"), coordinates=pl.col("coordinates").drop_nulls().last()
        )
        seen = newest if written is None else newest.join(written, on=newest.columns, how="anti", nulls_equal=True)
        return Chunk(pairs, found.drop("late"), found["late"], seen, self._entities(seen, names), closes)

    def _entities(self, seen: pl.DataFrame, names: NameTable) -> list[Rows]:
        """The cameras, agencies and links that `seen` tells of."""
        if seen.is_empty():
            return []
        sets = {alias: pl.lit(one.entity_set_name) for alias, one in self.flight.entities.items()}
        return rows_to_merge(self.flight, self.model, _with_standard(seen, names), sets, pl.col("as_of"))


def own_flight(flights_dir: Path) -> ReadsFlight:
    """Reads the model and the project's own flight. Raises FlightError if either is wrong."""
    model = model_in(flights_dir)
    flight = read_flight(flights_dir / READS_FLIGHT, model, {name: one.fqn for name, one in model.entity_sets.items()})
    reads = read_aliases(flight)
    if len(reads) != 1:
        raise FlightError(f"{flight.path}: it must define one entity of an entity set of reads; it has {len(reads)}")
    return ReadsFlight(model, flight, reads[0])


def _in_order(reads: pl.DataFrame) -> pl.DataFrame:
    """Sorts reads by time and id. Of the rows of one read, whole ones come first, then those of which most arrived."""
    key = ["event_time", "vehicle_record_id"]
    if reads["cut_at"].null_count() == reads.height:
        return reads.sort(key, maintain_order=True)
    return reads.sort([*key, "cut_at"], descending=[False, False, True], nulls_last=False, maintain_order=True)


def _with_standard(reads: pl.DataFrame, names: NameTable) -> pl.DataFrame:
    standard = {agency: names.agencies[agency] for agency in reads["agency"].unique()}
    return reads.with_columns(
        standardized_agency_name=pl.col("agency").replace_strict(standard, return_dtype=pl.String)
    )
