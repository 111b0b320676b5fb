"""`ncric bench --console` on a small store, without a browser: it times every page's statements and moves reads."""

import tempfile
from pathlib import Path

import pytest

from console.bench.browser import check
from console.bench.run import bench
from ncric_core.errors import SettingsError
from ncric_core.store import embedded


@pytest.mark.slow
def test_all_pages_are_timed_and_reads_moved() -> None:
    told: list[str] = []
    with tempfile.TemporaryDirectory(prefix="ncric-tests-") as folder:
        try:
            found = bench(Path(folder), reads=6_000, note=told.append, browser=False, repeats=1)
        finally:
            embedded.stop(Path(folder))
    figures = {name: (value, most) for name, value, most in found}
    assert 4_000 < figures["reads"][0] <= 6_000
    assert figures["reads moved"][0] > 0
    assert figures["s for 1,000,000 of them"][1] == 60
    timed = {name.removeprefix("p95 ms  ") for name, (_, most) in figures.items() if most == 150}
    pages = (
        "reads.over_time",
        "reads.cameras_on_map",
        "names.agencies",
        "runs.calendar",
        "store.files.sum_up",
        "rejects.rejects",
    )
    assert timed.issuperset(
        {*pages, "reads.usual", "runs.files_of", "alarms.alarm_counts", "store.names.unmapped_names"}
    )
    assert told[0] == "writing the files of about 6,000 reads, 70 days"


def test_what_a_browser_needs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.bench.browser.find_spec", lambda _: None)
    with pytest.raises(SettingsError, match="missing: playwright, oidc_provider_mock"):
        check()
