"""Rejects that are run again: beside other runs, and in files that are read again later."""

from typing import Any

import pytest

from ncric_core.flight.model import FLIGHTS
from ncric_core.pipeline import replay as module
from ncric_core.pipeline.mapping import own_flight
from ncric_core.pipeline.replay import Replayed, replay
from ncric_core.sources.feeds import feeds
from ncric_core.store.rejects import RejectFilter, mark_replayed
from tests.conftest import FILE, Store, read


def replayed(store: Store) -> Replayed:
    with store.database.session() as connection:
        return replay(connection, feeds(store.settings).values(), own_flight(FLIGHTS), RejectFilter())


def put(store: Store) -> None:
    """Puts a file of six rows, the second of which is too old while NCRIC_KEEP_DAYS is 100."""
    store.put(FILE.format(1), [read(0), read(1, eventDate="2022-01-01"), *(read(number) for number in range(2, 6))])


@pytest.mark.parametrize("force", [False, True])
def test_a_large_file_is_read_in_parts_after_one_of_its_rejects_was_replayed(
    store: Store, monkeypatch: pytest.MonkeyPatch, force: bool
) -> None:
    monkeypatch.setattr("ncric_core.sources.files.fetch.LARGE", 1000)
    monkeypatch.setattr("ncric_core.sources.files.feed.SMALLEST_BATCH", 2)
    store.map(("ATHERTON POLICE DEPARTMENT", "Atherton PD", "BOSS4"))
    strict = store.with_settings(chunk_size=2, keep_days=100)
    put(strict)
    assert strict.run(exclude=() if force else ("Atherton PD",)).rejects == {"too_old": 1}
    lenient = strict.with_settings(keep_days=365)
    assert replayed(lenient).loaded == 1
    lenient.run(agencies=("Atherton PD",), force=force)
    books = store.books()
    assert (books.found, books.loaded, books.already_there, books.waiting, books.differences) == (6, 6, 0, 0, [])


def test_two_replays_at_once_load_each_reject_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    strict = store.with_settings(keep_days=100)
    put(strict)
    strict.run()
    lenient = strict.with_settings(keep_days=365)
    others: list[Replayed] = []

    def mark_after_another(*given: Any) -> Any:
        monkeypatch.undo()
        others.append(replayed(lenient))
        return mark_replayed(*given)

    monkeypatch.setattr(module, "mark_replayed", mark_after_another)
    first = replayed(lenient)
    assert (first.loaded, first.already_there) == (0, 0)
    assert others[0].loaded == 1
    assert store.books().differences == []
    assert store.rows("SELECT count(*) FROM reads") == [(6,)]
