"""A simulated day with every fault of feeds.md: the outcome is what the simulator predicts, and the books balance."""

from pathlib import Path

import polars as pl
import pytest

from ncric_core.measure import DAY
from ncric_core.measure.demo import differences, jobs_of_the_day, make_feeds
from ncric_core.pipeline.integrate import integrate
from ncric_core.simulate.day import simulate
from ncric_core.simulate.faults import ALL
from tests.conftest import Store


@pytest.mark.slow
def test_the_jobs_of_a_day_bring_out_exactly_the_truth(store: Store) -> None:
    made = make_feeds(store.settings, store.database, reads=6000, seed=3, images=0.05)
    assert made.files.height > 2 * len(ALL)
    for _, job in jobs_of_the_day(store.settings, DAY):
        assert integrate(job, store.settings, store.database).ok
    wrong = differences(store.database, made)
    assert (wrong.missing.rows(), wrong.unexpected.rows()) == ([], [])
    assert dict(store.rows("SELECT reason, count(*) FROM rejects GROUP BY 1")) == dict(made.rejects)
    per_file = store.rows(
        """
        SELECT f.key, f.found, (SELECT count(*) FROM rejects r WHERE r.file_id = f.id), coalesce(sum(l.already_there),
        0)
        FROM source_files f LEFT JOIN loads l ON l.file_id = f.id GROUP BY f.id
        """
    )
    expected = made.files.select("key", "found", "rejected", "repeated").rows()
    assert sorted((key, found, bad) for key, found, bad, _ in per_file) == sorted(row[:3] for row in expected)
    assert sum(again for *_, again in per_file) == made.files["repeated"].sum()
    places = pl.DataFrame(
        store.rows("SELECT vehicle_record_id, event_time, camera_id, latitude, longitude FROM reads"),
        schema={
            name: made.truth.schema[name]
            for name in ("vehicle_record_id", "event_time", "camera_id", "latitude", "longitude")
        },
        orient="row",
    )
    both = made.truth.join(places, on=["vehicle_record_id", "event_time"], how="inner")
    assert both.filter(~pl.col("camera_id").eq_missing(pl.col("camera_id_right"))).rows() == []
    for axis in ("latitude", "longitude"):
        near = (pl.col(axis) - pl.col(f"{axis}_right")).abs() < 1e-6
        assert both.filter(~(near | (pl.col(axis).is_null() & pl.col(f"{axis}_right").is_null()))).rows() == []
    books = store.books()
    assert (books.differences, books.waiting) == ([], 0)


def test_the_same_seed_makes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        simulate(tmp_path / name, reads=1000, start=DAY, seed=5, images=0.1)
    files = {path.relative_to(tmp_path / "one"): path.read_bytes() for path in (tmp_path / "one").rglob("*.json")}
    again = {path.relative_to(tmp_path / "two"): path.read_bytes() for path in (tmp_path / "two").rglob("*.json")}
    assert files == again
