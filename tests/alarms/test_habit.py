"""The habit of feeds, agencies and cameras: which hours are compared, and what falls short of it."""

from datetime import UTC, datetime, timedelta
from math import exp

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ncric_core.alarms.freshness import decide, message
from ncric_core.alarms.habit import PACIFIC, SPANS, Shortfall, compared_hours, last_full_hour, shortfalls
from ncric_core.settings import Lags, Settings
from ncric_core.store.alarms import Alarm
from ncric_core.store.counts import READS_IN_HOURS

WEEKS = 8
SETTINGS = Settings(_env_file=None)
END = datetime(2022, 10, 11, 18, tzinfo=UTC)


def table(weeks: list[list[int]], *, agency: int = 1, camera: str = "c", feed: str = "BOSS4") -> pl.DataFrame:
    """Makes READS_IN_HOURS, as the store returns them, from reads by week (0: now) and hours back."""
    band_of = [next(band for band, span in enumerate(SPANS) if back < span) for back in range(SPANS[-1])]
    found = [
        (feed, agency, camera, week, band_of[back], reads)
        for week, hours in enumerate(weeks)
        for back, reads in enumerate(hours)
        if reads
    ]
    return pl.DataFrame(found, READS_IN_HOURS, orient="row")


def steady(now: list[int], usual: int) -> list[list[int]]:
    rest = [usual] * (SPANS[-1] - len(now))
    return [[*now, *rest], *[[usual] * SPANS[-1]] * WEEKS]


def scopes(reads: pl.DataFrame, settings: Settings = SETTINGS) -> list[tuple[str, str | None, int]]:
    return [(one.scope, one.kind, one.hours) for one in shortfalls(reads, settings)]


@given(st.integers(0, 5 * 365 * 24 * 60), st.integers(1, 12))
@hypothesis_settings(deadline=None, max_examples=40)
def test_hours_compared_are_of_the_same_hour_of_the_week_on_pacific_clocks(minutes: int, weeks: int) -> None:
    end = last_full_hour(datetime(2021, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes), 2)
    hours = compared_hours(end, weeks)
    assert hours.height == SPANS[-1] * (weeks + 1)
    assert hours.filter(week=0)["hour"].to_list() == [end - timedelta(hours=back + 1) for back in range(SPANS[-1])]
    local = pl.col("hour").dt.convert_time_zone(str(PACIFIC))
    of_week = hours.with_columns(
        of_week=local.dt.weekday() * 24 + local.dt.hour(), back=pl.int_range(pl.len()) // (weeks + 1)
    )
    others = of_week.group_by("back").agg(pl.col("of_week").n_unique()).filter(pl.col("of_week") > 1)
    assert others.height <= 1  # only the hour that a change of clocks leaves out
    assert hours["hour"].max() == end - timedelta(hours=1)


@pytest.mark.parametrize(("minute", "hour"), [(0, 16), (59, 16)])
def test_only_hours_whose_reads_are_all_there_are_judged(minute: int, hour: int) -> None:
    assert last_full_hour(datetime(2022, 10, 11, 18, minute, tzinfo=UTC), 2) == END.replace(hour=hour)


@given(st.integers(1, 400), st.integers(0, 47))
@hypothesis_settings(deadline=None, max_examples=60)
def test_silence_is_told_as_soon_as_it_is_no_chance_and_of_the_whole_alone(usual: int, silent: int) -> None:
    due = usual * next((span for span in reversed(SPANS) if span <= silent), 0)
    found = [one for one in scopes(table(steady([0] * silent, usual))) if one[1] == "silent"]
    if silent == 0 or due < SETTINGS.freshness_certainty:
        assert found == []
    else:
        assert ("feed", "silent", max(span for span in SPANS if span <= silent)) in found
        assert {scope for scope, _, _ in found} == {"feed"}


@given(st.lists(st.integers(0, 60), min_size=48, max_size=48), st.integers(0, 60))
@hypothesis_settings(deadline=None, max_examples=60)
def test_no_alarm_begins_that_would_end_at_once_nor_without_evidence(now: list[int], usual: int) -> None:
    for one in shortfalls(table(steady(now, usual)), SETTINGS):
        assert one.seen < one.expected * 0.5
        if one.kind:
            assert one.seen < 0.3 * one.expected or one.seen == 0
            assert exp(-one.expected) <= exp(-SETTINGS.freshness_certainty)
            assert (one.kind == "silent") == (one.seen == 0)


def test_a_busy_camera_is_told_sooner_than_a_slow_one() -> None:
    others = [table(steady([], 500), camera="other"), table(steady([], 500), agency=2)]

    def told_after(usual: int) -> int:
        def is_told(hours: int) -> bool:
            return ("camera", "silent") in {
                one[:2] for one in scopes(pl.concat([table(steady([0] * hours, usual)), *others]))
            }

        return next(hours for hours in range(1, 48) if is_told(hours))

    assert [told_after(usual) for usual in (200, 5, 2, 1)] == [3, 3, 8, 16]


def test_the_habit_is_the_median_so_that_a_bad_week_and_a_fair_do_not_count() -> None:
    weeks = [[10] * 48, [10] * 48, [0] * 48, [400] * 48, *[[10] * 48] * 5]
    assert scopes(table(weeks)) == []
    weeks[0] = [0] * 48
    assert {one.expected for one in shortfalls(table(weeks), SETTINGS) if one.kind} == {480}


def test_a_subject_that_is_new_counts_from_its_first_week() -> None:
    old = table(steady([], 100), camera="old")
    young = steady([0] * 6, 20)
    assert scopes(pl.concat([old, table(young[:3], camera="young")])) == []
    assert scopes(pl.concat([old, table(young[:4], camera="young")])) == [("camera", "silent", 6)]


def test_reads_that_name_no_camera_count_for_agency_and_feed_only() -> None:
    found = scopes(pl.concat([table(steady([0] * 6, 20), camera=""), table(steady([], 100), agency=2)]))
    assert found == [("agency", "silent", 6)]


def test_drops_may_be_left_out() -> None:
    low = pl.concat([table(steady([4] * 6, 20)), table(steady([], 100), agency=2)])
    assert scopes(low)[0] == ("agency", "drop", 6)
    no_drops = SETTINGS.model_copy(update={"freshness_drop_share": 0.0})
    assert [kind for _, kind, _ in scopes(low, no_drops)] == [None, None]


def shortfall(scope: str, kind: str | None, agency: int, camera: str) -> Shortfall:
    agency, camera = (0 if scope == "feed" else agency), (camera if scope == "camera" else "")
    return Shortfall(scope, "BOSS4", agency, camera, kind, 3, 100.0, 0)


def lasting(one: Shortfall) -> Alarm:
    return Alarm(1, "silent", one.scope, one.subject, one.datasource, one.agency, one.camera_id, 1, 0, "", END, None)


kinds = st.sampled_from(["silent", "drop", None])
order = ["feed", "agency", "camera"]
some = st.lists(
    st.builds(shortfall, st.sampled_from(order), kinds, st.integers(1, 2), st.sampled_from("ab")),
    unique_by=lambda one: one.subject,
).map(lambda found: sorted(found, key=lambda one: order.index(one.scope)))


@given(some, some)
def test_one_cause_is_one_alarm(below: list[Shortfall], before: list[Shortfall]) -> None:
    begun, over = decide(below, [lasting(one) for one in before])
    open_now = {one.subject for one in before} - {alarm.subject for alarm in over}
    low = {one.subject for one in below}
    assert open_now == {one.subject for one in before} & low
    for one in begun:
        assert one.kind
        assert one.subject not in open_now
        covering = {subject for _, subject in one.wholes}
        assert covering.isdisjoint(open_now | {other.subject for other in begun})
    # Judged again, nothing changes.
    again = [lasting(one) for one in [*begun, *(old for old in before if old.subject in open_now)]]
    assert decide(below, again) == ([], [])


def test_message_says_who_what_and_when_on_pacific_clocks() -> None:
    one = Shortfall("agency", "BOSS4", 7, "", "drop", 1, 1234.5, 1100)
    assert message(one, "Atherton PD", datetime(2022, 12, 1, 8, tzinfo=UTC)) == (
        "Atherton PD (BOSS4): only 1,100 reads in the hour to Thu 2022-12-01 00:00 PST, where 1,234 are usual"
    )


@pytest.mark.parametrize(
    ("text", "lags"),
    [("3", Lags(3)), (" 1 , flock=40, X=0", Lags(1, (("FLOCK", 40), ("X", 0))))],
)
def test_lags_are_of_most_feeds_and_others_by_name(text: str, lags: Lags) -> None:
    assert Settings(freshness_lag_hours=text, _env_file=None).freshness_lag_hours == lags


@pytest.mark.parametrize("text", ["", ",", "FLOCK=3", "1,2", "1,FLOCK=x", "-1", "1,FLOCK=721"])
def test_lags_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write whole hours up to 720, and others by feed"):
        Settings(freshness_lag_hours=text, _env_file=None)
