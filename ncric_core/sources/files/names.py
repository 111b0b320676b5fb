"""What the name of a file says: whether it is whole, and where in a sorted list the files of a window stand."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Final
from zoneinfo import ZoneInfo

from ncric_core.windows import Window

UNFINISHED: Final = (".filepart", ".part", ".tmp", "~")
"""How programs name a file while they write it. They rename it when it is whole."""

LONGEST: Final = timedelta(hours=7)
"""The longest time between the first time in a file's name and the end of its window. A file holds minutes. One of the
hours is for the end of summer time, when clocks go back."""

_FIRST: Final = datetime(2000, 1, 3, tzinfo=UTC)
_LAST: Final = datetime(2099, 12, 29, tzinfo=UTC)
_CENTURY: Final = "20"
_SPELLINGS: Final = list(product(("%Y%m%d", "%Y-%m-%d"), ("", " ", "-", "T", "_")))  # of a day, and of what follows it
_TIME: Final = re.compile(
    r"(?<!\d)20\d\d(-?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])"
    r"[T_ -]?(?:[01]\d|2[0-3])[-:.]?[0-5]\d[-:.]?[0-5]\d(?!\d)"
)


class WindowLeap:
    """Leaps over the files that are not of a window, by the first time in their names (see `Leap`).

    A name is a *stem* (`boss4/READS_OpenLattice_`), a time and a rest. In a sorted list, the names of one stem and
    spelling stand in order of time. So the window's names of a stem are a few ranges, one for each spelling of a time.
    Between these, nothing needs to be listed. A name without a time is never leapt over, unless it stands among the
    names of a stem.

    Left out are files whose window is longer than LONGEST, and files that are dated by LastModified although their
    name has a time. A run of files-catchup finds these.
    """

    def __init__(self, window: Window, zone: ZoneInfo) -> None:
        first = (min(max(window.start, _FIRST), _LAST) - LONGEST).astimezone(zone)
        behind = (min(max(window.end, _FIRST), _LAST) + timedelta(hours=2)).astimezone(zone)
        self._starts: list[str] = []
        self._ends: list[str] = []  # the first text behind each range
        for start, end in sorted(_ranges(first, behind)):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)
        self._gap = "", ""  # the last one found; the next key is likely to be in it too

    def __call__(self, key: str) -> str | None:
        if self._gap[0] <= key < self._gap[1]:
            return self._gap[1]
        found = _TIME.search(key, key.rfind("/") + 1)
        if found is None:
            return None
        stem, time = key[: found.start()], key[found.start() :]
        number = bisect_right(self._ends, time)  # of the first range that ends behind this time
        if number == len(self._starts):
            self._gap = stem + self._ends[-1], stem + _CENTURY + ":"  # ":" stands behind the digits
        elif time < self._starts[number]:
            self._gap = stem + (self._ends[number - 1] if number else _CENTURY), stem + self._starts[number]
        else:
            return None
        return self._gap[1]


def _ranges(first: datetime, behind: datetime) -> Iterator[tuple[str, str]]:
    """Yields the ranges of texts that are times from one hour to another, in each spelling."""
    for day, between in _SPELLINGS:
        start, end, second = (one.strftime(day) for one in (first, behind, first.date() + timedelta(days=1)))
        if start == end:
            yield f"{start}{between}{first:%H}", f"{end}{between}{behind:%H}"
        else:
            yield f"{start}{between}{first:%H}", f"{start}{between}24"
            yield second, end
            yield f"{end}{between}00", f"{end}{between}{behind:%H}"
