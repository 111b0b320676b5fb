"""The simulator against the real parser: parse and clean find in its files what it says must come out."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from ncric_core.settings import Settings
from ncric_core.simulate.day import Simulated, simulate
from ncric_core.sources.feeds import feeds

pytestmark = pytest.mark.slow  # days of thousands of files

START = datetime(2022, 10, 11, tzinfo=UTC)
READS = 30_000


@dataclass
class Parsed:
    reads: pl.DataFrame  # every read once, the first of its id and time
    files: dict[str, tuple[int, int, int]]  # found, rejected, repeated
    reasons: dict[str, Counter[str]]


def parsed(folder: Path) -> Parsed:
    files, reasons, frames = {}, {}, []
    for feed in feeds(Settings(data_dir=folder, bucket=str(folder))).values():
        seen: set[tuple[str, datetime]] = set()
        for delivery in sorted(feed.deliveries(None), key=lambda one: (one.window_end, one.key)):
            (batch,) = feed.read([delivery])
            reasons[delivery.key] = Counter(batch.rejects["reason"].to_list())
            fresh = []
            for one in zip(batch.reads["vehicle_record_id"], batch.reads["event_time"], strict=True):
                fresh.append(one not in seen)
                seen.add(one)
            files[delivery.key] = (batch.contents[0].found, batch.rejects.height, fresh.count(False))
            frames.append(batch.reads.filter(pl.Series(fresh, dtype=pl.Boolean)))
    return Parsed(pl.concat(frames), files, reasons)


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Simulated]:
    folder = tmp_path_factory.mktemp("bucket")
    return folder, simulate(folder, reads=READS, start=START)


def test_parse_and_clean_give_the_truth(bucket: tuple[Path, Simulated]) -> None:
    folder, made = bucket
    found = parsed(folder)
    columns = ["vehicle_record_id", "event_time", "plate", "datasource", "camera_id", "agency_name"]
    reads = found.reads.select(
        *columns, pl.col("coordinates").struct.field("latitude"), pl.col("coordinates").struct.field("longitude")
    )
    truth = made.truth.select(*columns, "latitude", "longitude")
    key = ["vehicle_record_id", "event_time"]
    missing, extra = truth.join(reads, on=key, how="anti"), reads.join(truth, on=key, how="anti")
    assert (missing.height, extra.height) == (0, 0), (missing.head(5), extra.head(5))
    both = truth.join(reads, on=key, suffix="_found")
    assert both.height == truth.height
    for column in columns[2:]:
        wrong = both.filter(pl.col(column).ne_missing(pl.col(f"{column}_found")))
        assert wrong.is_empty(), (column, wrong.height, wrong.head(5).to_dicts())
    for axis in ("latitude", "longitude"):
        far = ((pl.col(axis) - pl.col(f"{axis}_found")).abs() > 1e-6).fill_null(False)
        wrong = both.filter(far | (pl.col(axis).is_null() != pl.col(f"{axis}_found").is_null()))
        assert wrong.is_empty(), (axis, wrong.height, wrong.head(5).to_dicts())


def test_each_file_has_the_rows_rejects_and_repeats_that_were_meant(bucket: tuple[Path, Simulated]) -> None:
    folder, made = bucket
    found = parsed(folder)
    meant = {
        row[0]: row[2:5] for row in made.files.select("key", "datasource", "found", "rejected", "repeated").iter_rows()
    }
    assert set(meant) == set(found.files)
    assert {k: (v, found.files[k]) for k, v in meant.items() if v != found.files[k]} == {}


def test_rejects_by_reason(bucket: tuple[Path, Simulated]) -> None:
    folder, made = bucket
    assert sum(parsed(folder).reasons.values(), Counter()) == made.rejects


@pytest.mark.parametrize("images", [0.0, 0.05])
def test_same_seed_same_bytes(tmp_path: Path, images: float) -> None:
    digests = []
    for name in ("a", "b"):
        simulate(tmp_path / name, reads=3_000, start=START, seed=7, images=images)
        digests.append(
            {
                p.relative_to(tmp_path / name): hashlib.sha256(p.read_bytes()).digest()
                for p in (tmp_path / name).rglob("*.json")
            }
        )
    assert digests[0] == digests[1]


def test_clean_bucket(tmp_path: Path) -> None:
    made = simulate(tmp_path, reads=3_000, start=START, faults=False)
    found = parsed(tmp_path)
    assert made.truth.height == found.reads.height == 3_000
    assert not made.rejects
