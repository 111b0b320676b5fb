"""The schedules of prefect.yaml over two years, as Prefect itself works them out: no hour and no day is left out."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any, Final

import pytest
import yaml
from prefect.server.schemas.schedules import CronSchedule

from flows.cli.up import ROOT
from flows.schedule import plain
from ncric_core.jobs.named import SCHEDULE_ZONE, Covers, window_of
from ncric_core.windows import whole_day

SINCE: Final = datetime(2025, 1, 1, tzinfo=UTC)
UNTIL: Final = datetime(2027, 1, 1, tzinfo=UTC)
DAY: Final = timedelta(days=1)

DEPLOYMENTS: Final[list[dict[str, Any]]] = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))[
    "deployments"
]
SCHEDULED: Final = {one["name"]: one for one in DEPLOYMENTS if one.get("schedules")}


@cache
def times(cron: str, zone: str, since: datetime, until: datetime) -> list[datetime]:
    """The times of a schedule from one time to another."""
    schedule = CronSchedule(cron=cron, timezone=zone)
    found: list[datetime] = []
    while more := [plain(one) for one in asyncio.run(schedule.get_dates(n=1000, start=since, end=until))]:
        found += more
        since = found[-1] + timedelta(seconds=1)
    return found


def times_of(name: str, since: datetime = SINCE, until: datetime = UNTIL) -> list[datetime]:
    (given,) = SCHEDULED[name]["schedules"]
    return times(given["cron"], given["timezone"], since, until)


@pytest.mark.parametrize("name", [name for name, one in SCHEDULED.items() if "covers" in one.get("parameters", {})])
def test_windows_follow_each_other_without_a_gap_and_without_an_overlap(name: str) -> None:
    covers = Covers(SCHEDULED[name]["parameters"]["covers"])
    windows = [window_of(covers, time) for time in times_of(name)]
    assert [(one, other) for one, other in pairwise(windows) if one.end != other.start] == []
    assert windows[0].start < SINCE
    assert windows[-1].end > UNTIL - 3 * DAY
    hours = {(one.end - one.start) // timedelta(hours=1) for one in windows}
    assert hours == ({1} if covers is Covers.LAST_HOUR else {23, 24, 25})


def nights() -> list[datetime]:
    """The midnights before summer time begins or ends."""
    days = [whole_day(SINCE.date() + number * DAY, SCHEDULE_ZONE) for number in range((UNTIL - SINCE) // DAY)]
    return [one.start for one in days if one.end - one.start != DAY]


@pytest.mark.parametrize(("name", "minutes"), [("files-catchup", 30), ("freshness", 15)])
def test_what_runs_more_than_hourly_never_pauses(name: str, minutes: int) -> None:
    assert len(nights()) == 4
    for night in nights():
        found = times_of(name, night, night + 2 * DAY)
        assert {other - one for one, other in pairwise(found)} == {timedelta(minutes=minutes)}
        assert (found[0], found[-1]) == (night, night + 2 * DAY)


def test_each_deployment_with_a_schedule_is_tested_here() -> None:
    assert {name for name, one in SCHEDULED.items() if "covers" not in one.get("parameters", {})} == {
        "files-catchup",
        "freshness",
    }
