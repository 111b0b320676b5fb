"""Half-open UTC windows [start, end): the time that a run covers. They are made from given times, never from "now"."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ncric_core.errors import SettingsError


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """Times t with start <= t < end; both ends are aware and in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is not UTC or self.end.tzinfo is not UTC:
            raise ValueError("a window's ends are in UTC")
        if self.start >= self.end:
            start, end = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (self.start, self.end))
            raise SettingsError(f"the window's start {start} is not before its end {end}")

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M}–{self.end:%Y-%m-%d %H:%M} UTC"


def parse_moment(text: str) -> datetime:
    """Parses an ISO 8601 date or time as an aware UTC time; without a zone it is UTC. Raises SettingsError."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        advice = "write it as 2022-10-11T08:00 (UTC) or 2022-10-11T08:00-07:00"
        raise SettingsError(f"{text!r} is not a time: {advice}") from error


def window(start: str, end: str) -> Window:
    """Returns the window between two times in the form of `parse_moment`. Raises SettingsError."""
    return Window(parse_moment(start), parse_moment(end))


def last_hour(moment: datetime) -> Window:
    """Returns the last full hour before a moment: at 09:10, the hour from 08:00."""
    end = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return Window(end - timedelta(hours=1), end)


def day_before_yesterday(moment: datetime, zone: ZoneInfo) -> Window:
    """Returns the whole day two days before the moment's day in a zone (see `whole_day`)."""
    return whole_day(moment.astimezone(zone).date() - timedelta(days=2), zone)


def whole_day(day: date, zone: ZoneInfo) -> Window:
    """Returns a day in a zone: 23 or 25 hours if summer time begins or ends on it."""
    midnights = (datetime.combine(day + timedelta(days=days), time(), zone) for days in (0, 1))
    return Window(*(midnight.astimezone(UTC) for midnight in midnights))


def slices(whole: Window, length: timedelta) -> list[Window]:
    """Cuts a window into parts of a given length, in order of time. The last part may be shorter."""
    count = -((whole.start - whole.end) // length)
    starts = [whole.start + number * length for number in range(count)]
    return [Window(start, min(start + length, whole.end)) for start in starts]
