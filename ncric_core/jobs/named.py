"""The jobs by name: their feeds, their agencies, and the window of a run, which is made from its scheduled time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from ncric_core.errors import SettingsError
from ncric_core.pipeline.outcome import Job
from ncric_core.settings import Settings
from ncric_core.sources.feeds import feed_named, feeds
from ncric_core.windows import Window, day_before_yesterday, last_hour

CATCHUP: Final = "files-catchup"
CATCHUP_WAITS: Final = timedelta(hours=1)  # for this long, files-catchup leaves rows to the job that should load them
SCHEDULE_ZONE: Final = ZoneInfo("America/Los_Angeles")  # the zone of the daily schedules and of their days


class Covers(StrEnum):
    """The window that a scheduled run of a feed covers, relative to its scheduled time."""

    LAST_HOUR = "last full hour"
    DAY_BEFORE_YESTERDAY = "day before yesterday"


def window_of(covers: Covers, scheduled: datetime) -> Window:
    """Returns the window of a run from its scheduled time. It does not matter how late the run starts."""
    if covers is Covers.LAST_HOUR:
        return last_hour(scheduled)
    return day_before_yesterday(scheduled, SCHEDULE_ZONE)


def asked_window(covers: Covers | None, start: datetime | None, end: datetime | None, scheduled: datetime) -> Window:
    """Returns the window that a run was given, else the window of its scheduled time.

    Raises SettingsError if there is neither, or only one end of a window.
    """
    if start is not None and end is not None:
        return Window(start, end)
    if start is not None or end is not None or covers is None:
        raise SettingsError("a window has two ends: give both start and end, or what a scheduled run covers")
    return window_of(covers, scheduled)


def job_named(
    name: str,
    settings: Settings,
    window: Window | None,
    *,
    agencies: Sequence[str] = (),
    exclude: Sequence[str] = (),
    dry_run: bool = False,
    force: bool = False,
) -> Job:
    """Returns a feed's job for a window, or files-catchup, which takes the whole bucket.

    Raises SettingsError if there is no such job, or if the window is missing or does not belong there.
    """
    there = feeds(settings)
    catchup = name == CATCHUP
    if catchup and window is not None:
        raise SettingsError(f"{CATCHUP} takes the whole bucket: leave out the window")
    chosen = tuple(there.values()) if catchup else (feed_named(name, there),)
    if not catchup and window is None:
        raise SettingsError(f"{name} needs a window: give its start and end, as 2022-10-11T08:00 (UTC)")
    return Job(
        feeds=chosen,
        window=window,
        agencies=tuple(agencies),
        exclude=tuple(exclude),
        waited=CATCHUP_WAITS if catchup else timedelta(0),
        dry_run=dry_run,
        force=force,
    )


def run_name(
    name: str, window: Window | None, agencies: Sequence[str], exclude: Sequence[str], *, dry_run: bool
) -> str:
    """Returns a run's name for people: `boss4 2022-10-11 08–09 UTC, all but Fremont PD`."""
    parts = [name if window is None else f"{name} {_spoken(window)}"]
    if agencies:
        parts.append("only " + _listed(agencies))
    if exclude:
        parts.append("all but " + _listed(exclude))
    if dry_run:
        parts.append("dry run")
    return ", ".join(parts)


def _spoken(window: Window) -> str:
    start, end = window.start, window.end
    if start.minute or end.minute or start.second or end.second:
        return str(window)
    if end - start <= timedelta(hours=23) and (end - timedelta(microseconds=1)).date() == start.date():
        return f"{start:%Y-%m-%d %H}–{end.hour or 24:02} UTC"
    return f"{start:%Y-%m-%d %H}–{end:%Y-%m-%d %H} UTC"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
