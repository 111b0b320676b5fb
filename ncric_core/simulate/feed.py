"""Writes endless feeds: files arrive in a bucket as time passes, in real time or faster."""

import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import accumulate, count
from pathlib import Path
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from ncric_core.simulate.day import FEEDS, NEVER_SILENT, drafts, write
from ncric_core.simulate.drafts import Draft

DAY: Final = timedelta(days=1)
PACIFIC: Final = ZoneInfo("America/Los_Angeles")
TRAFFIC: Final = (9, 6, 5, 5, 8, 18, 38, 59, 63, 53, 50, 52, 55, 56, 60, 67, 72, 73, 62, 48, 39, 33, 24, 15)
"""The relative number of vehicles in each hour of the day, as in any city: quiet nights, two peaks."""


def _real_time() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """Simulated time: `start` at the real time `begun`, then `speed` times as fast as real time until it catches up."""

    start: datetime
    begun: datetime
    speed: float = 1.0
    real_time: Callable[[], datetime] = _real_time
    sleep: Callable[[float], None] = time.sleep

    def now(self) -> datetime:
        real = self.real_time()
        return min(real, self.start + (real - self.begun) * self.speed)

    @property
    def caught_up(self) -> bool:
        """Whether simulated time has reached real time."""
        real = self.real_time()
        return self.start + (real - self.begun) * self.speed >= real

    def wait_until(self, moment: datetime) -> None:
        while (left := (moment - self.now()).total_seconds()) > 0:
            self.sleep(min(60.0, max(0.05, left / self.speed)))


def feed(
    folder: Path,
    clock: Clock,
    *,
    reads: int,
    seed: int,
    silent_from: Mapping[str, datetime] = NEVER_SILENT,
    end: datetime | None = None,
) -> Iterator[Draft]:
    """Writes the files that arrive after the clock's start, each at its time, and yields each once it is written.

    There are about `reads` rows a day, faults included. The same seed writes the same files for a day, whenever it is
    started, so writing them again changes nothing. A camera in `silent_from` (ids as in the store) sends nothing from
    its time on. Its earlier reads stay, and so does its habit. The feed ends before `end`, or never.
    """
    for draft in _files(clock.start, silent_from, reads=reads, seed=seed):
        if end is not None and draft.end >= end:
            return
        if draft.end > clock.start:
            clock.wait_until(draft.end)
            write(folder, draft)
            yield draft


def _files(start: datetime, silent_from: Mapping[str, datetime], *, reads: int, seed: int) -> Iterator[Draft]:
    """Yields the files of all feeds in order of arrival, from the beginning of `start`'s day (UTC), without end."""
    first = start.replace(hour=0, minute=0, second=0, microsecond=0)
    for number in count():
        day = first + number * DAY
        feeds = (_day(name, day, silent_from, reads=reads, seed=seed) for name in FEEDS)
        yield from merge(*feeds, key=lambda draft: draft.end)


def _day(
    datasource: str, day: datetime, silent_from: Mapping[str, datetime], *, reads: int, seed: int
) -> Iterator[Draft]:
    return drafts(
        datasource,
        round(reads * FEEDS[datasource]),
        start=day,
        hours=24,
        chance=Random(f"{seed} {datasource} {day:%Y-%m-%d}"),
        images=0.0,
        damaged=True,
        places=Random(f"{seed} {datasource}"),
        passed=_rhythm(day),
        silent_from=silent_from,
    )


def _rhythm(day: datetime) -> Callable[[float], float]:
    """Returns a function from the share of a day's vehicles to the share of that day (UTC) in which they have passed.

    The hours of TRAFFIC are on Pacific clocks.
    """
    hours = [TRAFFIC[(day + timedelta(hours=number)).astimezone(PACIFIC).hour] for number in range(24)]
    until = [part / sum(hours) for part in accumulate(hours)]

    def passed(share: float) -> float:
        hour = min(bisect_right(until, share), 23)
        before = until[hour] - hours[hour] / sum(hours)
        return (hour + (share - before) / (until[hour] - before)) / 24

    return passed
