"""Reads through the project's own flight: standardised reads → chunks of rows for the tables of the model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import polars as pl

from ncric_core.edm import Model, read_model
from ncric_core.flight import Flight, entity_rows, link_ids, link_rows, read_flight
from ncric_core.store.entities import ENTITY_KEY, LINK_KEY
from ncric_core.store.load import PAIR, Chunk, Rows

READS_FLIGHT: Final = "reads.yaml"
READS_TABLE: Final = "vehicle_records"

_SEEN: Final = ["camera_id", "camera_name", "agency_id", "agency_name", "agency_acronym", "agency"]
"""What a read says of its camera and agency; the newest read of each combination speaks for all."""
