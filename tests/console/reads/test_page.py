"""The page "Reads": its states, the exact numbers behind it, and what an analyst may not see."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from console.period import period_of
from console.queries import asked_by
from console.queries import reads as ask
from console.reads.map import dots, outlines
from console.reads.page import against_usual
from console.reads.table import NEVER, table_of
from ncric_core.errors import StoreError
from ncric_core.store.alarms import Alarm, raise_alarm
from ncric_core.store.database import rows
from ncric_core.store.person import Person, Role
from tests.conftest import FILE, Store, read

ANALYST = Person("ana", "ncric_analyst")
START = datetime(2022, 10, 11, 7, tzinfo=UTC)  # midnight in California
END = START + timedelta(days=1)
NOW = datetime(2022, 10, 13, 19, 3, tzinfo=UTC)


@pytest.fixture
def loaded(console: Store) -> Store:
    """Loads a reject and five reads: three of Atherton PD from two cameras, one of it by SCSO, one unmapped."""
    console.map(
        ("ATHERTON POLICE DEPARTMENT", "Atherton PD", "BOSS4"), ("ATHERTON POLICE DEPARTMENT", "Atherton PD", "SCSO")
    )
    console.put(
        FILE.format(1),
        [
            read(1),
            read(2),
            read(3, LPRCameraID="85", eventTime="09:00:00"),
            read(4, agencyName="Nowhere PD"),
            read(5, eventDate="no date"),
        ],
    )
    console.put(FILE.format(1).replace("boss4/", "scso/"), [read(6)])
    console.run("files-catchup")
    return console


def asked(question: Any, *given: Any, user: Person = ANALYST, **named: Any) -> Any:
    with asked_by(user) as connection:
        return question(connection, *given, **named)


def page_of(role: Role = "ncric_analyst") -> AppTest:
    def script(role):  # type: ignore[no-untyped-def]  # names of this module are not there
        from console.reads import page  # noqa: PLC0415  # a script of its own, as Streamlit runs it
        from ncric_core.store.person import Person  # noqa: PLC0415

        page.page(Person("ana", role))

    return AppTest.from_function(script, kwargs={"role": role}, default_timeout=30)


def texts(app: AppTest) -> str:
    kinds = ("title", "subheader", "caption", "info", "warning", "error")
    return "\n".join(element.value for kind in kinds for element in getattr(app, kind))


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


# ---- the page


def test_an_empty_store_says_what_to_do_next(console: Store) -> None:
    app = page_of().run()
    assert not app.exception
    assert "No reads are in the store yet" in texts(app)
    assert "ncric run files-catchup" in texts(app)


def test_reads_of_long_ago_are_one_click_away(loaded: Store) -> None:
    app = page_of().run()
    assert not app.exception
    assert "No reads from " in texts(app)
    assert metrics(app)["Reads today"] == "0"
    [newest] = [button for button in app.button if button.label.startswith("Newest day")]
    assert newest.label == "Newest day (Oct 11, 2022)"
    newest.click().run()
    assert not app.exception
    assert metrics(app)["Reads on Oct 11"] == "5"
    assert metrics(app)["Agencies on Oct 11"] == "2 of 2"
    assert (metrics(app)["Rejects waiting"], metrics(app)["Names waiting"]) == ("1", "1")
    assert "5 reads from Oct 5, 00:00 PDT to Oct 12, 00:00 PDT." in texts(app)


def test_the_address_holds_period_end_and_agency(loaded: Store) -> None:
    [(agency,)] = loaded.rows("SELECT id FROM agencies WHERE name = 'Atherton PD'")
    app = page_of()
    app.query_params.update({"period": "day", "end": "2022-10-11", "agency": f"BOSS4/{agency}"})
    app.run()
    assert not app.exception
    assert "from Oct 11, 00:00 PDT to Oct 12, 00:00 PDT" in texts(app)
    assert "Atherton PD · BOSS4" in texts(app)
    assert "2 of 2 cameras sent reads in the period." in texts(app)


def test_a_silent_agency_is_told_where_it_is_looked_at(loaded: Store) -> None:
    [(agency,)] = loaded.rows("SELECT id FROM agencies WHERE name = 'Atherton PD'")
    with loaded.database.transaction() as connection:
        raise_alarm(
            connection, "silent", "agency", f"BOSS4/{agency}", "Atherton PD (BOSS4): no reads", at=NOW,
            datasource="BOSS4", agency=agency,
        )  # fmt: skip
    app = page_of()
    app.query_params.update({"end": "2022-10-11", "agency": f"BOSS4/{agency}"})
    app.run()
    assert "Atherton PD (BOSS4): no reads" in texts(app)


def test_a_database_that_is_down_is_told_in_words(console: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCRIC_DATABASE_URL", "postgresql://ncric:secret@127.0.0.1:1/ncric")
    app = page_of().run()
    assert not app.exception
    assert "the database cannot be reached" in texts(app)
    assert "secret" not in texts(app)


@pytest.mark.parametrize("role", ["ncric_analyst", "ncric_operator"])
def test_every_role_gets_the_page(loaded: Store, role: Role) -> None:
    app = page_of(role)
    app.query_params["end"] = "2022-10-11"
    app.run()
    assert not app.exception
    assert not app.error
    assert len(app.dataframe) == 1


def test_analysts_cannot_read_the_reads_themselves(loaded: Store) -> None:
    with pytest.raises(StoreError, match="ask an administrator"), asked_by(ANALYST) as connection:
        rows(connection, "SELECT plate FROM vehicle_records")


# ---- the numbers


def test_feeds_and_counts_are_exact(loaded: Store) -> None:
    assert asked(ask.feeds).rows() == [
        ("BOSS4", datetime(2022, 10, 11, 9, tzinfo=UTC), 4),
        ("SCSO", datetime(2022, 10, 11, 8, 0, 6, tzinfo=UTC), 1),
    ]
    seen = asked(ask.glance, loaded.settings, END)
    assert (seen.reads, seen.reporting, seen.sending, seen.rejects, seen.names) == (5, 2, 2, 1, 1)
    assert seen.usual is None  # the store has no earlier weeks


def test_reads_are_counted_by_pacific_days(loaded: Store) -> None:
    given: dict[str, Any] = {"start": START - timedelta(days=2), "end": END}
    by_hour = asked(ask.over_time, **given, unit="hour")
    assert by_hour.group_by("at", "datasource").agg(pl.col("reads").sum()).sort("at", "datasource").rows() == [
        (datetime(2022, 10, 11, 8, tzinfo=UTC), "BOSS4", 3),
        (datetime(2022, 10, 11, 8, tzinfo=UTC), "SCSO", 1),
        (datetime(2022, 10, 11, 9, tzinfo=UTC), "BOSS4", 1),
    ]
    by_day = asked(ask.over_time, **given, unit="day")
    assert (by_day["at"].unique().to_list(), by_day["reads"].sum()) == ([START], 5)
    by_week = asked(ask.over_time, **given, unit="week")
    assert by_week["at"].unique().to_list() == [START - timedelta(days=1)]  # Monday


def test_table_has_all_agencies_and_marks_the_unmapped(loaded: Store) -> None:
    period = period_of("day", "hour", date(2022, 10, 11), NOW)
    counts = asked(ask.over_time, start=period.start, end=period.end, unit=period.unit)
    table = table_of(asked(ask.senders), counts, [], period=period, now=NOW)
    shown = table.select("name", "datasource", "reads", "share", "state", "unmapped").rows()
    assert shown[0] == ("Atherton PD", "BOSS4", 3, 0.6, "fine", False)
    assert set(shown[1:3]) == {
        ("Atherton PD", "SCSO", 1, 0.2, "fine", False),
        ("Nowhere PD", "BOSS4", 1, 0.2, "fine", True),
    }
    assert {row[1:] for row in shown[3:]} == {(None, 0, 0.0, NEVER, False)}
    assert table.height == loaded.rows("SELECT count(*) FROM agencies")[0][0] + 1
    assert table["trend"][0].to_list() == [0, 2, 1] + [0] * 21


def test_agency_has_its_cameras_files_and_rejects(loaded: Store) -> None:
    [(agency,)] = loaded.rows("SELECT id FROM agencies WHERE name = 'Atherton PD'")
    feed = {"agency": agency, "datasource": "BOSS4"}
    cameras = asked(ask.cameras, **feed, start=START, end=END)
    assert cameras.select("camera_id", "reads", "last_hour").rows() == [
        ("84", 2, datetime(2022, 10, 11, 8, tzinfo=UTC)),
        ("85", 1, datetime(2022, 10, 11, 9, tzinfo=UTC)),
    ]
    before = asked(ask.cameras, **feed, start=START - timedelta(days=1), end=START)
    assert before["reads"].to_list() == [0, 0]
    [file] = asked(ask.files, **feed, end=END, limit=5).rows(named=True)
    assert (file["key"], file["found"], file["loaded"], file["waiting"]) == (FILE.format(1), 3, 3, 0)
    [reason] = asked(ask.rejects, **feed).rows(named=True)
    assert (reason["waiting"], reason["all"]) == (1, 1)


def test_the_map_is_drawn_when_it_is_asked_for(loaded: Store) -> None:
    app = page_of()
    app.query_params.update({"end": "2022-10-11"})
    app.run()
    assert app.dataframe
    assert not app.get("deck_gl_json_chart")
    mapped = page_of()
    mapped.query_params.update({"end": "2022-10-11", "by": "Map of cameras"})
    mapped.run()
    assert not mapped.exception
    assert len(mapped.get("deck_gl_json_chart")) == 1
    assert not mapped.dataframe


def test_map_has_cameras_at_their_places(loaded: Store) -> None:
    cameras = asked(ask.cameras_on_map, start=START, end=END)
    assert cameras["reads"].sum() == 5
    [agency] = cameras.filter(pl.col("camera_id") == "85")["agency"].to_list()
    alarm = silent("camera", f"BOSS4/{agency}/85")
    drawn = dots(cameras, [alarm])
    assert drawn.select("camera_id", "state").rows()[-1] == ("85", "silent")
    assert {feature["properties"]["name"] for feature in outlines()["features"]} > {"Alameda", "San Mateo"}
    assert "Census" in outlines()["source"]


# ---- what is usual, and what is not


def silent(scope: str, subject: str) -> Alarm:
    return Alarm(1, "silent", scope, subject, None, None, None, 20.0, 0, "silent", NOW, None)


FILL = """
INSERT INTO read_counts (agency, datasource, camera_id, hour, reads)
SELECT (SELECT min(id) FROM agencies), feed, '1', hour, 10
FROM unnest(ARRAY['BOSS4', 'FLOCK']) AS feed,
     generate_series(%(start)s::timestamptz, %(end)s::timestamptz - interval '1 hour', interval '1 hour') AS hour
"""


def test_usual_is_the_habit_of_the_same_hours_of_earlier_weeks(console: Store) -> None:
    as_of = datetime(2022, 10, 11, 20, 20, tzinfo=UTC)  # 13:20 in California; hours up to 11:00 are complete
    console.execute(FILL, {"start": as_of.replace(minute=0) - timedelta(weeks=6), "end": as_of.replace(minute=0)})
    console.execute("UPDATE read_counts SET reads = 5 WHERE hour >= %(day)s", {"day": START})
    found = asked(ask.usual, console.settings, as_of)
    assert found == ask.Usual(datetime(2022, 10, 11, 18, tzinfo=UTC), 55, 110.0, ("BOSS4",))
    assert asked(ask.usual, console.settings, START + timedelta(hours=1)) is None  # no hour of today is complete yet


def test_a_part_has_the_state_of_its_whole() -> None:
    assert ask.state_of([silent("feed", "BOSS4")], "BOSS4", 17, "84") == "silent"
    assert ask.state_of([silent("agency", "BOSS4/17")], "BOSS4", 17, "84") == "silent"
    assert ask.state_of([silent("camera", "BOSS4/17/84")], "BOSS4", 17) == "fine"
    assert ask.state_of([silent("agency", "BOSS4/17")], "BOSS4", 1) == "fine"
    assert ask.state_of([], "BOSS4", 17) == "fine"


def test_a_period_is_of_pacific_days_when_clocks_change() -> None:
    period = period_of("week", "day", date(2022, 11, 8), NOW + timedelta(days=60))
    assert (period.start.astimezone(UTC), period.end.astimezone(UTC)) == (
        datetime(2022, 11, 2, 7, tzinfo=UTC),
        datetime(2022, 11, 9, 8, tzinfo=UTC),
    )
    assert period_of("day", "hour", None, NOW).end == datetime(2022, 10, 13, 19, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (1.004, ("as usual", 0)),
        (0.996, ("as usual", 0)),
        (0.5, ("50% below usual", -1)),
        (1.2, ("20% above usual", 1)),
        (0, ("100% below usual", -1)),
    ],
)
def test_a_share_of_what_is_usual_is_told_as_the_difference(share: float, told: tuple[str, int]) -> None:
    assert against_usual(share) == told
