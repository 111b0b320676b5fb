"""`ncric bench` on few reads: every figure is there and makes sense. How good they are is no test's business."""

import json
from pathlib import Path

import pytest

from tests.flows.running_up import environment_of, free_port, ncric


@pytest.mark.slow
def test_bench_measures_every_step(tmp_path: Path) -> None:
    """In a process of its own: bench starts others, which would begin with what the tests made of this one."""
    options = ("--reads", "10000", "--filled", "2000", "--pairs", "2", "--json")
    done = ncric(environment_of(tmp_path, free_port()), "bench", *options)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert list(figures) == [
        "reads",
        "pairs",
        "copy_reads_per_second",
        "reads_per_second",
        "end_to_end_ratio",
        "end_to_end_spread",
        "rerun_seconds",
        "reload_reads_per_second",
        "reload_ratio",
        "peak_memory_mb",
        "filled_rows",
        "filled_ratio",
        "help_seconds",
    ]
    assert 8_000 < figures["reads"] <= 10_000
    assert figures["filled_rows"] == 2000
    assert min(figures.values()) > 0
    assert figures["pairs"] == 2


@pytest.mark.slow
def test_bench_measures_listing(tmp_path: Path) -> None:
    done = ncric(environment_of(tmp_path, free_port()), "bench", "--listing", "500", "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["older_files"] == 500
    assert {"window_seconds_beside_none", "window_seconds", "catchup_full_seconds", "catchup_seconds"} < set(figures)
    assert min(figures.values()) > 0
