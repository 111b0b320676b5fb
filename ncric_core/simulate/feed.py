"""Feeds that go on: files arrive in a bucket as time passes, in real time or faster."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import count
from pathlib import Path
from random import Random
from typing import Final

from ncric_core.simulate.day import FEEDS, drafts, write
from ncric_core.simulate.drafts import Draft

DAY: Final = timedelta(days=1)


def _real_time() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """Simulated time: it left `start` when it was really `begun`, and passes `speed` times as fast as real time
    until it has caught up with that."""

    start: datetime
    begun: datetime
    speed: float = 1.0
    real_time: Callable[[], datetime] = _real_time
    sleep: Callable[[float], None] = time.sleep

    def now(self) -> datetime:
        real = self.real_time()
        return min(real, self.start + (real - self.begun) * self.speed)

    def wait_until(self, moment: datetime) -> None:
        while (left := (moment - self.now()).total_seconds()) > 0:
            self.sleep(min(60.0, max(0.05, left / self.speed)))


def feed(
    folder: Path, clock: Clock, *, reads: int, seed: int, silent: Collection[str] = (), end: datetime | None = None
) -> Iterator[Draft]:
    """Writes the files that arrive after the clock's start, each when it is time, and gives each when it is written.

    About `reads` rows a day, faults included. The same seed writes the same files of a day, whenever it starts: to
    write them again changes nothing. The `silent` cameras (ids as in the store) send nothing from the moment on at
    which the clock began; what came before, and so their habit, stays.
    """
    for draft in _files(clock.start, dict.fromkeys(silent, clock.begun), reads=reads, seed=seed):
        if end is not None and draft.end >= end:
            return
        if draft.end > clock.start:
            clock.wait_until(draft.end)
            write(folder, draft)
            yield draft


def _files(start: datetime, silent_from: Mapping[str, datetime], *, reads: int, seed: int) -> Iterator[Draft]:
    """The files of all feeds in order of arrival, from the begin of the day of `start` on, without end."""
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
        silent_from=silent_from,
    )
