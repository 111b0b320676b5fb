"""Rejects in the ledger: one filter serves lists, counts, pages and replays."""

import json
from dataclasses import replace

import pytest

from ncric_core.flight.model import FLIGHTS
from ncric_core.pipeline.mapping import own_flight
from ncric_core.pipeline.replay import replay
from ncric_core.sources.feeds import feeds
from ncric_core.store.person import Person, asked_by
from ncric_core.store.rejects import RejectFilter, count_reasons, count_rejects, find_rejects
from tests.conftest import FILE, Store, read

OLD = {"eventDate": "2020-10-11"}


@pytest.fixture
def filled(store: Store) -> Store:
    """Makes rejects of BOSS4 (too_old and no_id in file 1, a replayed too_old in file 2) and one too_old of SCSO."""
    store.put(FILE.format(1), [read(1, **OLD), read(2, LPREventID=...)])
    store.put(FILE.format(2), [read(3), read(4, **OLD)])
    store.run()
    store.put(FILE.format(1).replace("boss4", "scso"), [read(5, **OLD)])
    store.run("scso")
    store.execute(
        "UPDATE rejects SET replayed_at = now() WHERE file_id = (SELECT id FROM source_files WHERE key = %s)",
        (FILE.format(2),),
    )
    return store


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (RejectFilter(), {"too_old": 2, "no_id": 1}),
        (RejectFilter(replayed=True), {"too_old": 3, "no_id": 1}),
        (RejectFilter("too_old"), {"too_old": 2}),
        (RejectFilter(file="_2.json"), {}),
        (RejectFilter(file="_2.json", replayed=True), {"too_old": 1}),
        (RejectFilter(feed="SCSO"), {"too_old": 1}),
        (RejectFilter("no_id", "_1.json", "BOSS4"), {"no_id": 1}),
        (RejectFilter("no_id", "_1.json", "SCSO"), {}),
        (RejectFilter(only=()), {}),
    ],
)
def test_a_filter_takes_the_same_rejects_wherever_it_is_used(
    filled: Store, chosen: RejectFilter, expected: dict[str, int]
) -> None:
    with filled.database.session() as connection:
        counted = count_reasons(connection, chosen)
        assert {reason: count for reason, count, _ in counted} == expected
        assert [count for _, count, _ in counted] == sorted((count for _, count, _ in counted), reverse=True)
        found = find_rejects(connection, chosen, limit=100)
        assert len(found) == count_rejects(connection, chosen) == sum(expected.values())
        assert {one.reason for one in found} == set(expected)
        single = replace(chosen, only=tuple((one.file_id, one.position) for one in found[:1]))
        assert find_rejects(connection, single, limit=100) == found[:1]


def test_analysts_may_count_reasons(filled: Store) -> None:
    with asked_by(filled.database, Person("ann", "ncric_analyst")) as connection:
        assert [(reason, count) for reason, count, _ in count_reasons(connection, RejectFilter())] == [
            ("too_old", 2),
            ("no_id", 1),
        ]


def test_a_replay_keeps_to_the_feed_of_its_filter(filled: Store) -> None:
    settings = filled.settings.model_copy(update={"keep_days": 1000})
    flight = own_flight(settings.flights_dir)
    with filled.database.session() as connection:
        done = replay(connection, feeds(settings).values(), flight, RejectFilter(feed="SCSO"))
    assert (done.tried, done.loaded) == (1, 1)
    assert filled.rows("SELECT count(*) FROM rejects WHERE replayed_at IS NULL") == [(2,)]


def test_a_reject_whose_text_is_several_reads_by_now_stays_one(store: Store) -> None:
    """It has one position in its file, and the file's balance counts it as one row."""
    store.put(FILE.format(1), [read(1), read(2, LPREventID=...)])
    store.run()
    store.execute("UPDATE rejects SET received = %s", (json.dumps([read(2), read(3)]),))
    with store.database.session() as connection:
        done = replay(connection, feeds(store.settings).values(), own_flight(FLIGHTS), RejectFilter())
    assert (done.tried, done.loaded) == (1, 0)
    assert store.rows("SELECT reason, replayed_at FROM rejects") == [("no_id", None)]
    assert store.books().differences == []
