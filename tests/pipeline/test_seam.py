"""The seam: a feed without files goes through the same pipeline, books and names as the feeds of files."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from ncric_core.deliveries import CLEAN, REJECTED, Batch, Contents, Delivery, Received
from ncric_core.errors import SourceError
from ncric_core.files import find_files, look_into
from ncric_core.pipeline.integrate import integrate
from ncric_core.pipeline.mapping import own_flight
from ncric_core.pipeline.outcome import Job, Outcome
from ncric_core.pipeline.replay import replay
from ncric_core.store.name_changes import NameChange, planned_by, save_changes
from ncric_core.store.names import unmapped_names
from ncric_core.store.rejects import RejectFilter
from ncric_core.store.restandardize import restandardize
from ncric_core.windows import Window
from tests.conftest import MODEL, Store

HOUR = datetime(2026, 3, 4, 8, tzinfo=UTC)
Row = dict[str, Any]


def row(number: int, network: str | None, name: str, *, hour: datetime = HOUR) -> Row:
    """Returns a row as a feed with numbered networks delivers it."""
    return {
        "vehicle_record_id": f"{number}_FLOCK",
        "event_time": hour + timedelta(seconds=number),
        "plate": f"8XYZ{number:03}",
        "camera_id": "7_FLOCK",
        "camera_name": "Main St",
        "agency_name": name,
        "agency_key": network,
        "datasource": "FLOCK",
    }


@dataclass
class Hours:
    """A feed whose deliveries are hours of rows, as from a table. With `parts`, each comes in parts of so many rows."""

    hours: dict[datetime, list[Row]]
    rejects: dict[datetime, list[str]] = field(default_factory=dict)
    parts: int | None = None
    breaks_off: frozenset[datetime] = frozenset()
    job: str = "flock"
    datasource: str = "FLOCK"

    def check(self) -> str:
        return "can be read"

    def deliveries(self, window: Window | None) -> Iterator[Delivery]:
        for hour in self.hours:
            end = hour + timedelta(hours=1)
            if window is None or end in window:
                size = len(self.hours[hour])
                yield Delivery("FLOCK", f"flock/{hour:%Y-%m-%dT%H}", str(size), size, end, hour, end)

    def find(self, key: str) -> Delivery | None:
        return next((one for one in self.deliveries(None) if one.key == key), None)

    def read(self, deliveries: Iterable[Delivery], *, idle: bool = False) -> Iterator[Batch]:  # noqa: ARG002
        for delivery in deliveries:
            rows = self.hours[delivery.window_start]
            bad = self.rejects.get(delivery.window_start, [])
            size = self.parts or max(len(rows), 1)
            starts = range(0, max(len(rows), 1), size)
            for start in starts:
                last = start == starts[-1]
                if last and delivery.window_start in self.breaks_off:
                    yield Batch([], frame([]), REJECTED.to_frame(), failed={delivery.key: "the connection broke off"})
                    break
                found = min(start + size, len(rows)) + len(bad) * last
                yield Batch(
                    [Contents(delivery, found, complete=last)],
                    frame(rows[start : start + size], start),
                    rejected(bad if last else [], len(rows)),
                    part=self.parts is not None,
                )

    def reread(self, rows: Sequence[Received]) -> tuple[pl.DataFrame, list[tuple[int, str]]]:
        reads = frame([row(900 + n, "4711", "Anderson City CA PD") for n in range(len(rows))])
        numbered = reads.with_columns(
            file=pl.int_range(len(rows), dtype=pl.UInt32), position=pl.Series([one.position for one in rows])
        )
        return numbered, []

    def row(self, delivery: Delivery, position: int) -> str | None:
        rows = self.hours[delivery.window_start]
        return str(rows[position]["plate"]) if position < len(rows) else None


def frame(rows: Sequence[Row], start: int = 0) -> pl.DataFrame:
    whole = [dict.fromkeys(CLEAN.names()) | one | {"file": 0, "position": start + n} for n, one in enumerate(rows)]
    return pl.DataFrame(whole, schema=CLEAN, orient="row")


def rejected(texts: Sequence[str], start: int) -> pl.DataFrame:
    rows = [(0, start + n, "not_text", "no time", text, None) for n, text in enumerate(texts)]
    return pl.DataFrame(rows, schema=REJECTED, orient="row")


def load(store: Store, feed: Hours, **options: Any) -> Outcome:
    return integrate(Job(feeds=(feed,), window=None, **options), store.settings, store.database)


def agencies(store: Store) -> list[tuple[str, str]]:
    return [
        (str(read), str(agency))
        for read, agency in store.rows("SELECT vehicle_record_id, standardized_agency_name FROM reads ORDER BY 1")
    ]


def test_a_network_is_mapped_by_its_number_before_its_name(store: Store) -> None:
    store.map(("4711", "Anderson PD", "FLOCK"), ("Redding CA PD", "Redding PD", "FLOCK"))
    feed = Hours(
        {
            HOUR: [
                row(1, "4711", "Redding CA PD"),  # the number counts
                row(2, "4712", "Redding CA PD"),  # the number is not mapped, so the name counts
                row(3, None, "Redding CA PD"),  # pushed reads have no number
                row(4, "4713", "Cottonwood CA PD"),  # never seen: gets an agency with the network's name
            ]
        }
    )
    outcome = load(store, feed)
    assert agencies(store) == [
        ("1_FLOCK", "Anderson PD"),
        ("2_FLOCK", "Redding PD"),
        ("3_FLOCK", "Redding PD"),
        ("4_FLOCK", "Cottonwood CA PD"),
    ]
    assert outcome.new_agencies == ["Cottonwood CA PD"]
    assert store.rows("SELECT agency_name, loaded FROM loads ORDER BY 1") == [
        ("4711", 1),
        ("4712", 1),
        ("4713", 1),
        ("Redding CA PD", 1),
    ]
    assert store.rows("SELECT agency_name FROM reads WHERE vehicle_record_id = '4_FLOCK'") == [("Cottonwood CA PD",)]
    assert store.books().differences == []
    assert load(store, feed).files_known == 1


def test_a_number_waits_for_mapping_until_it_or_its_name_is_mapped(store: Store) -> None:
    load(store, Hours({HOUR: [row(1, "4713", "Anderson City CA PD")]}))
    with store.database.session() as connection:
        (waiting,) = unmapped_names(connection)
    assert (waiting.datasource, waiting.received) == ("FLOCK", "4713")
    store.map(("Anderson City CA PD", "Anderson PD", "FLOCK"))
    with store.database.session() as connection:
        assert unmapped_names(connection) == []
        assert [(move.received, move.new_name) for move, _ in restandardize(connection, MODEL)][-1] == (
            "4713",
            "Anderson PD",
        )
    assert agencies(store) == [("1_FLOCK", "Anderson PD")]
    assert store.books().differences == []


def test_mapping_a_number_moves_its_reads_alone_and_taking_it_away_sends_them_back(store: Store) -> None:
    load(store, Hours({HOUR: [row(1, "1", "Redding CA PD"), row(2, "2", "Redding CA PD")]}))
    mapped = NameChange("FLOCK", "2", None, "Redding PD")
    with store.database.session() as connection:
        (planned,) = planned_by(connection, [mapped])
        assert (planned.received, planned.old, planned.new, planned.reads) == ("2", "Redding CA PD", "Redding PD", 1)
        with connection:
            save_changes(connection, [mapped])
        list(restandardize(connection, MODEL))
    assert agencies(store) == [("1_FLOCK", "Redding CA PD"), ("2_FLOCK", "Redding PD")]
    assert store.books().differences == []
    back = NameChange("FLOCK", "2", "Redding PD", None)
    with store.database.session() as connection:
        (planned,) = planned_by(connection, [back])
        assert (planned.old, planned.new) == ("Redding PD", "Redding CA PD")
        with connection:
            save_changes(connection, [back])
        list(restandardize(connection, MODEL))
    assert agencies(store) == [("1_FLOCK", "Redding CA PD"), ("2_FLOCK", "Redding CA PD")]
    assert store.books().differences == []


def test_an_hour_that_has_more_by_now_is_loaded_again_and_nothing_twice(store: Store) -> None:
    load(store, Hours({HOUR: [row(1, "1", "A PD")]}))
    outcome = load(store, Hours({HOUR: [row(1, "1", "A PD"), row(2, "1", "A PD")]}))
    assert (outcome.total.loaded, outcome.total.already_there) == (1, 1)
    assert store.rows("SELECT superseded FROM source_files ORDER BY id") == [(True,), (False,)]
    assert store.books().differences == []


@pytest.mark.parametrize("scoped", [False, True])
def test_jobs_of_single_agencies_share_an_hour(store: Store, scoped: bool) -> None:
    store.map(("1", "Anderson PD", "FLOCK"), ("2", "Redding PD", "FLOCK"))
    feed = Hours({HOUR: [row(1, "1", "A"), row(2, "2", "B"), row(3, "2", "B")]}, parts=1 if scoped else None)
    assert load(store, feed, agencies=("Redding PD",)).total.loaded == 2
    assert store.books().waiting == 1
    outcome = load(store, feed, exclude=("Redding PD",))
    assert (outcome.total.loaded, store.books().waiting, store.books().differences) == (1, 0, [])


def test_a_large_delivery_that_breaks_off_leaves_the_next_one_right(store: Store) -> None:
    later = HOUR + timedelta(hours=1)
    hours = {
        HOUR: [row(n, "1", "A PD") for n in range(4)],
        later: [row(n, "1", "A PD", hour=later) for n in range(10, 13)],
    }
    outcome = load(store, Hours(hours, parts=2, breaks_off=frozenset({HOUR})))
    assert outcome.failed_files == {"flock/2026-03-04T08": "the connection broke off"}
    assert store.rows(
        "SELECT key, f.found, l.found, loaded FROM source_files f JOIN loads l ON l.file_id = f.id ORDER BY 1"
    ) == [("flock/2026-03-04T08", None, 2, 2), ("flock/2026-03-04T09", 3, 3, 3)]
    assert load(store, Hours(hours, parts=2)).total.loaded == 2
    books = store.books()
    assert (books.found, books.loaded, books.waiting, books.differences) == (7, 7, 0, [])


def test_a_part_with_a_read_that_is_there_and_one_of_a_name_begun_before_is_booked_right(store: Store) -> None:
    later = HOUR + timedelta(hours=1)
    load(store, Hours({later: [row(5, "1", "A PD")]}))
    rows = [row(1, "2", "B PD"), row(2, "2", "B PD"), row(5, "1", "A PD"), row(3, "2", "B PD")]
    assert load(store, Hours({HOUR: rows}, parts=2)).total.loaded == 3
    booked = "SELECT agency_name, l.found, loaded, already_there FROM loads l JOIN source_files f ON f.id = file_id"
    assert sorted(store.rows(f"{booked} WHERE window_start = %s", [HOUR])) == [("1", 1, 0, 1), ("2", 3, 3, 0)]
    assert store.books().differences == []


def test_rejects_are_run_again_through_their_feed(store: Store) -> None:
    feed = Hours({HOUR: [row(1, "1", "A PD")]}, rejects={HOUR: ["{1", "{2"]})
    assert load(store, feed).rejects == {"not_text": 2}
    assert (store.books().rejected, store.books().differences) == (2, [])
    with store.database.session() as connection:
        done = replay(connection, [feed], own_flight(store.settings.flights_dir), RejectFilter())
    assert (done.tried, done.loaded, done.already_there) == (2, 2, 0)
    assert store.rows("SELECT DISTINCT replayed_as FROM rejects") == [("4711",)]
    assert (store.books().rejected, store.books().loaded, store.books().differences) == (0, 3, [])
    assert load(store, feed, force=True).total.loaded == 0
    assert store.books().differences == []


def test_files_commands_show_any_feed(store: Store) -> None:
    feed = Hours({HOUR: [row(1, "1", "A PD")], HOUR + timedelta(hours=1): []})
    window = Window(HOUR, HOUR + timedelta(hours=2))
    with store.database.session() as connection:
        assert [(one.file.key, one.state) for one in find_files([feed], connection)] == [
            ("flock/2026-03-04T08", "new"),
            ("flock/2026-03-04T09", "new"),
        ]
        integrate(Job(feeds=(feed,), window=window), store.settings, store.database)
        assert [one.state for one in find_files([feed], connection)] == ["done", "new"]
        seen = look_into([feed], connection, "flock/2026-03-04T08", 0)
        assert (seen.row, seen.file.loaded, seen.loads[0][:2]) == ("8XYZ001", 1, ("1", "A PD"))
        with pytest.raises(SourceError, match="has no row 1: the first is 0"):
            look_into([feed], connection, "flock/2026-03-04T08", 1)
        gone = Hours({})
        assert [one.state for one in find_files([gone], connection)] == ["gone"]
        with pytest.raises(SourceError, match="is not in the bucket any more"):
            look_into([gone], connection, "flock/2026-03-04T08", 0)


def test_reads_deleted_by_retention_are_in_the_balance(store: Store) -> None:
    load(store, Hours({HOUR: [row(n, "1", "A PD") for n in range(3)]}))
    store.execute("DELETE FROM vehicle_records WHERE id = '1_FLOCK'")
    store.execute("UPDATE loads SET loaded = loaded - 1, expired = expired + 1")
    books = store.books()
    assert (books.found, books.loaded, books.expired, books.already_there, books.waiting) == (3, 2, 1, 0, 0)
    checks = {difference.check for difference in books.differences}
    assert not any("found" in check or "loaded from a file" in check for check in checks)


def test_reads_that_retention_deleted_and_a_forced_run_brings_back_are_in_the_balance(store: Store) -> None:
    feed = Hours({HOUR: [row(n, "1", "A PD") for n in range(3)]})
    load(store, feed)
    store.execute("DELETE FROM vehicle_records WHERE id <> '0_FLOCK'")
    store.execute("UPDATE loads SET loaded = 1, expired = 2")
    store.execute("UPDATE read_counts SET reads = 1")
    store.execute("UPDATE received_names SET reads = 1")
    outcome = load(store, feed, force=True)
    assert (outcome.failed_agencies, outcome.total.loaded, outcome.total.already_there) == ({}, 2, 1)
    books = store.books()
    assert (books.loaded, books.expired, books.already_there, books.differences) == (3, 0, 0, [])


def test_a_name_that_is_the_number_of_a_network_is_that_network(store: Store) -> None:
    load(store, Hours({HOUR: [row(3, "2", "B PD"), row(4, None, "2")]}))
    assert agencies(store) == [("3_FLOCK", "B PD"), ("4_FLOCK", "B PD")]
    assert store.books().differences == []


def test_an_older_delivery_does_not_bring_back_the_former_name_of_a_network(store: Store) -> None:
    for hours, name in ((0, "A PD"), (1, "B PD"), (-1, "A PD")):
        at = HOUR + timedelta(hours=hours)
        load(store, Hours({at: [row(1, "1", name, hour=at)]}))
    assert store.rows("SELECT name FROM networks") == [("B PD",)]
    with store.database.session() as connection:
        list(restandardize(connection, MODEL))
    assert store.rows("SELECT DISTINCT standardized_agency_name FROM reads") == [("B PD",)]
    assert store.books().differences == []
