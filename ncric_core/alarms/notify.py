"""Telling someone of alarms: e-mail, webhook or whatever else apprise knows, each alarm once at its begin and end."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from apprise import Apprise, NotifyBase, NotifyFormat, NotifyType

from ncric_core.errors import SettingsError
from ncric_core.settings import Settings
from ncric_core.store.alarms import (
    Alarm,
    Untold,
    end_alarm,
    enter_taken,
    enter_told,
    raise_alarm,
    untold_alarms,
)
from ncric_core.store.database import Connection
from ncric_core.store.locks import Lock, session_lock

__all__ = ["Told", "Way", "end_alarm", "raise_alarm", "tell", "ways"]

LONGEST: Final = 40  # lines of a message; `ncric alarms` has the rest

_BETWEEN_URLS: Final = re.compile(r"[\s,]+(?=[A-Za-z0-9]+://)")  # a comma within a URL (to=ann@x,lee@x) parts nothing

# What they log may hold a URL with its secrets; what matters of it is in Told.
for _name in ("apprise", "urllib3.connectionpool"):
    logging.getLogger(_name).addFilter(lambda record: record.name != "apprise" and record.levelno >= logging.WARNING)


@dataclass(frozen=True, slots=True)
class Way:
    """One URL of the settings: its number and scheme are its name, as nothing else of it may be shown."""

    name: str
    service: NotifyBase


@dataclass(frozen=True, slots=True)
class Told:
    """How many beginnings and ends of alarms were sent, and the ways that did not take theirs."""

    begun: int
    ended: int
    failed: tuple[str, ...]


def ways(settings: Settings) -> list[Way]:
    """The ways to tell someone. Raises SettingsError naming the number of a URL that cannot be used."""
    text = settings.notify_urls.get_secret_value().strip(" \t\r\n,") if settings.notify_urls else ""
    found = []
    for number, url in enumerate(_BETWEEN_URLS.split(text) if text else [], start=1):
        service = Apprise.instantiate(url, suppress_exceptions=True)
        if not isinstance(service, NotifyBase):
            raise SettingsError(f"NCRIC_NOTIFY_URLS: URL {number} is none that apprise knows, or lacks something")
        found.append(Way(f"{number} ({url.partition('://')[0].lower()})", service))
    return found


def tell(settings: Settings, connection: Connection) -> Told:
    """Sends one message of all alarms that began or ended and were not told, in transactions of its own.

    A way that fails is tried again at the next call, and the others do not hear it twice. What is over before anyone
    was told is not sent; with no URL set, alarms count as told. Raises SettingsError for a URL that cannot be used.
    """
    chosen = ways(settings)
    with session_lock(connection, Lock.TELL_ALARMS):
        return _tell(chosen, connection)


def _tell(chosen: Sequence[Way], connection: Connection) -> Told:
    with connection:
        untold = untold_alarms(connection)
    begin_failed: set[int] = set()
    end_failed: set[int] = set()
    begin_sent: set[int] = set()
    end_sent: set[int] = set()
    failed = []
    for way in chosen:
        begun = [one.alarm for one in untold if _begin_is_due(one, way)]
        ended = [one.alarm for one in untold if _end_is_due(one, way)]
        if not begun and not ended:
            continue
        begun_ids, ended_ids = {alarm.id for alarm in begun}, {alarm.id for alarm in ended}
        if _send(way, begun, ended):
            with connection:
                enter_taken(connection, way.name, begun=begun_ids, ended=ended_ids)
            begin_sent |= begun_ids
            end_sent |= ended_ids
        else:
            failed.append(way.name)
            begin_failed |= begun_ids
            end_failed |= ended_ids
    with connection:
        enter_told(
            connection,
            begun={one.alarm.id for one in untold if one.alarm.ended_at is None} - begin_failed,
            ended={one.alarm.id for one in untold if one.alarm.ended_at is not None} - end_failed,
        )
    return Told(len(begin_sent), len(end_sent), tuple(failed))


def _begin_is_due(one: Untold, way: Way) -> bool:
    return one.alarm.ended_at is None and not one.begin_told and way.name not in one.begin_ways


def _end_is_due(one: Untold, way: Way) -> bool:
    return one.alarm.ended_at is not None and way.name in one.begin_ways and way.name not in one.end_ways


def _send(way: Way, begun: Sequence[Alarm], ended: Sequence[Alarm]) -> bool:
    """Whether the way took the message. apprise itself turns whatever goes wrong into False."""
    one_way = Apprise()
    one_way.add(way.service)
    return bool(
        one_way.notify(
            title=title(begun, ended),
            body=body(begun, ended),
            notify_type=NotifyType.WARNING if begun else NotifyType.SUCCESS,
            body_format=NotifyFormat.TEXT,
        )
    )


def title(begun: Sequence[Alarm], ended: Sequence[Alarm]) -> str:
    """The subject of the message."""
    parts = [f"{len(begun)} alarm{'s' * (len(begun) != 1)}"] if begun else []
    parts += [f"{len(ended)} over"] if ended else []
    return f"NCRIC reads: {', '.join(parts)}"


def body(begun: Sequence[Alarm], ended: Sequence[Alarm]) -> str:
    """One line an alarm, those that began first."""
    lines = [f"ALARM: {alarm.message}" for alarm in begun]
    lines += [f"over: {alarm.message} (alarm of {alarm.began_at:%Y-%m-%d %H:%M} UTC)" for alarm in ended]
    more = [f"and {len(lines) - LONGEST:,} more: `ncric alarms --all`"] if len(lines) > LONGEST else []
    return "\n".join(lines[:LONGEST] + more)
