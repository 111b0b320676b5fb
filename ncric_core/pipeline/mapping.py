"""Reads through the project's own flight: standardised reads → chunks of rows for the tables of the model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from ncric_core.errors import FlightError
from ncric_core.flight.language import Definition, Flight, read_flight
from ncric_core.flight.model import READS_TABLE, Model, read_model
from ncric_core.flight.rows import entity_rows, is_held, link_rows
from ncric_core.pipeline.clean import normalized_plate
from ncric_core.store.agencies import NameTable
from ncric_core.store.entities import ENTITY_KEY, LINK_KEY, folded
from ncric_core.store.ledger import PAIR
from ncric_core.store.load import Chunk, Rows

READS_FLIGHT: Final = "reads.yaml"

_SEEN: Final = ["camera_id", "camera_name", "agency_id", "agency_name", "agency_acronym", "agency", "datasource"]
"""What a read says of its camera and agency; the newest read of each combination speaks for all, to the hour: a camera
that says the same all day need not be written with every chunk."""


@dataclass(frozen=True, slots=True)
class ReadsFlight:
    """The model, and the flight that takes clean reads into it."""

    model: Model
    flight: Flight
    read: str  # the alias of the flight's reads

    def chunk(
        self, reads: pl.DataFrame, names: NameTable, *, closes: bool, written: pl.DataFrame | None = None
    ) -> Chunk:
        """The rows of one transaction.

        `reads` has schema CLEAN, `file_id`, `received_name`, `agency` (Int32), `found` (reads of their name in their
        delivery) and `late` (Boolean: taken before their delivery's window). What earlier chunks have `seen` of cameras
        and agencies, and is `written` by now, is not written again.
        """
        # of equal ones, the first stays first
        reads = reads.sort("event_time", "vehicle_record_id", maintain_order=True)
        own = _with_standard(reads, names)
        keys = [] if reads["agency_key"].null_count() == reads.height else ["agency_key"]  # a column less to COPY
        found = entity_rows(self.flight, self.read, own, "file_id", "agency", "late", *keys)
        found = found.with_columns(plate_normalized=normalized_plate(pl.col("plate")))
        pairs = reads.group_by(*PAIR, "agency").agg(rows=pl.len(), found=pl.col("found").first())
        newest = reads.group_by(_SEEN).agg(
            as_of=pl.col("event_time").max().dt.truncate("1h"), coordinates=pl.col("coordinates").drop_nulls().last()
        )
        seen = newest if written is None else newest.join(written, on=newest.columns, how="anti", nulls_equal=True)
        return Chunk(pairs, found.drop("late"), found["late"], seen, self._entities(seen, names), closes)

    def _entities(self, seen: pl.DataFrame, names: NameTable) -> list[Rows]:
        """The cameras, agencies and links that reads tell of."""
        if seen.is_empty():
            return []
        seen, flight = _with_standard(seen, names), self.flight
        found = []
        for alias, one in flight.entities.items():
            if alias != self.read and not one.associate_only:
                rows = entity_rows(flight, alias, seen, "as_of").with_columns(entity_set=pl.lit(one.entity_set_name))
                found.append(self._rows(one, ENTITY_KEY, rows))
        for link in flight.associations:
            if not is_held(flight, link):
                ends = {"source_set": flight.entities[link.src], "target_set": flight.entities[link.dst]}
                rows = link_rows(flight, link, seen, "as_of").with_columns(
                    entity_set=pl.lit(link.entity_set_name),
                    **{name: pl.lit(end.entity_set_name) for name, end in ends.items()},
                )
                found.append(self._rows(link, LINK_KEY, rows))
        return [rows for rows in found if rows.frame.height]

    def _rows(self, one: Definition, key: tuple[str, ...], frame: pl.DataFrame) -> Rows:
        table = self.model.table(self.model.entity_sets[one.entity_set_name])
        return Rows(table, key, folded(frame, key, one.update_type), one.update_type)


def own_flight(flights_dir: Path) -> ReadsFlight:
    """The mapping of the project's own flight. Raises FlightError if it or edm.yaml is wrong."""
    model = read_model(flights_dir / "edm.yaml")
    flight = read_flight(flights_dir / READS_FLIGHT, model, {name: one.fqn for name, one in model.entity_sets.items()})
    reads = [alias for alias, one in flight.entities.items() if flight.types[one.entity_set_name].table == READS_TABLE]
    if len(reads) != 1:
        raise FlightError(f"{flight.path}: it must define one entity of a data set of reads; it has {len(reads)}")
    return ReadsFlight(model, flight, reads[0])


def _with_standard(reads: pl.DataFrame, names: NameTable) -> pl.DataFrame:
    standard = {agency: names.agencies[agency] for agency in reads["agency"].unique()}
    return reads.with_columns(
        standardized_agency_name=pl.col("agency").replace_strict(standard, return_dtype=pl.String)
    )
