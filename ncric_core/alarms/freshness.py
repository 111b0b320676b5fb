"""Begins and ends the alarms of freshness: feeds, agencies and cameras that are silent or far below their habit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ncric_core.alarms.habit import PACIFIC, Shortfall, compared_hours, last_full_hour, shortfalls
from ncric_core.settings import Settings
from ncric_core.store.agencies import name_table
from ncric_core.store.alarms import (
    Alarm,
    change_alarm,
    changed_after,
    end_alarm,
    open_alarms,
    raise_alarm,
)
from ncric_core.store.counts import reads_in_hours
from ncric_core.store.database import Connection
from ncric_core.store.locks import Lock, lock_transaction

KINDS: Final = ("silent", "drop")


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """An alarm that began or ended."""

    alarm: Alarm
    began: bool


def judge(connection: Connection, settings: Settings, as_of: datetime) -> list[AlarmChange]:
    """Judges freshness as of a moment (aware) and records what began and ended, in one transaction of its own.

    Running it again, or twice at once, changes nothing more. If an alarm has begun or ended after `as_of`, nothing is
    judged: late runs may be made up for in any order.
    """
    lags = settings.freshness_lag_hours
    apart = dict(lags.by_feed)
    with connection:
        lock_transaction(connection, Lock.JUDGE_FRESHNESS)
        if changed_after(connection, KINDS, as_of):
            return []
        changes = _judge_feeds(connection, settings, as_of, lags.usual, only=None, but=[*apart])
        for feed, lag in apart.items():
            changes += _judge_feeds(connection, settings, as_of, lag, only=[feed], but=[])
    return changes


def _judge_feeds(
    connection: Connection,
    settings: Settings,
    as_of: datetime,
    lag: int,
    *,
    only: Sequence[str] | None,
    but: Sequence[str],
) -> list[AlarmChange]:
    """Judges the feeds whose reads take `lag` hours to arrive: those in `only`, if given, and none in `but`."""
    end = last_full_hour(as_of, lag)
    hours = compared_hours(end, settings.freshness_weeks)
    below = shortfalls(reads_in_hours(connection, hours, only=only, but=but), settings)
    lasting = [
        alarm
        for alarm in open_alarms(connection, KINDS)
        if alarm.datasource not in but and (only is None or alarm.datasource in only)
    ]
    begun, over = decide(below, lasting)
    worse = gone_silent(below, lasting)
    ended = [end_alarm(connection, alarm.kind, alarm.scope, alarm.subject, at=as_of) for alarm in over]
    names = name_table(connection).agencies if begun or worse else {}
    for alarm, one in worse:
        said = message(one, names.get(one.agency, ""), end)
        change_alarm(connection, alarm.id, "silent", said, expected=one.expected, seen=one.seen)
    made = [_raise(connection, one, names.get(one.agency, ""), end=end, as_of=as_of) for one in begun]
    return [
        *(AlarmChange(alarm, began=False) for alarm in ended if alarm),
        *(AlarmChange(alarm, began=True) for alarm in made if alarm),
    ]


def decide(below: Sequence[Shortfall], lasting: Sequence[Alarm]) -> tuple[list[Shortfall], list[Alarm]]:
    """Decides for which shortfalls an alarm begins, and which lasting alarms end. `below` has wholes before parts.

    One cause gives one alarm: none begins for what has an alarm already, nor for a part of it.
    """
    low = {(one.scope, one.subject) for one in below}
    over = [alarm for alarm in lasting if (alarm.scope, alarm.subject) not in low]
    alarmed = {(alarm.scope, alarm.subject) for alarm in lasting} & low
    begun: list[Shortfall] = []
    for one in below:
        if one.kind and alarmed.isdisjoint([(one.scope, one.subject), *one.wholes]):
            alarmed.add((one.scope, one.subject))
            begun.append(one)
    return begun, over


def gone_silent(below: Sequence[Shortfall], lasting: Sequence[Alarm]) -> list[tuple[Alarm, Shortfall]]:
    """Finds the lasting drops that have become silence. The cause is the same, so nobody is told again."""
    silent = {(one.scope, one.subject): one for one in below if one.kind == "silent"}
    return [
        (alarm, silent[alarm.scope, alarm.subject])
        for alarm in lasting
        if alarm.kind == "drop" and (alarm.scope, alarm.subject) in silent
    ]


def _raise(connection: Connection, one: Shortfall, agency: str, *, end: datetime, as_of: datetime) -> Alarm | None:
    return raise_alarm(
        connection,
        one.kind or "",
        one.scope,
        one.subject,
        message(one, agency, end),
        at=as_of,
        datasource=one.datasource,
        agency=None if one.scope == "feed" else one.agency,
        camera_id=one.camera_id if one.scope == "camera" else None,
        expected=one.expected,
        seen=one.seen,
    )


def message(one: Shortfall, agency: str, end: datetime) -> str:
    """Describes a shortfall in a sentence, with Pacific times."""
    who = {
        "feed": f"feed {one.datasource}",
        "agency": f"{agency} ({one.datasource})",
        "camera": f"camera {one.camera_id} of {agency} ({one.datasource})",
    }[one.scope]
    what = "no reads" if one.kind == "silent" else f"only {one.seen:,} reads"
    span = "hour" if one.hours == 1 else f"{one.hours} hours"
    return (
        f"{who}: {what} in the {span} to {end.astimezone(PACIFIC):%a %Y-%m-%d %H:%M %Z}, "
        f"where {one.expected:,.0f} are usual"
    )
