"""Tells people of alarms, once when they begin and once when they end, by e-mail, webhook or whatever apprise knows."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from apprise import Apprise, NotifyBase, NotifyFormat, NotifyType

from ncric_core.errors import SettingsError
from ncric_core.safe_text import line
from ncric_core.settings import Settings
from ncric_core.store.alarms import (
    Alarm,
    close_events,
    enter_delivered,
    untold_alarms,
)
from ncric_core.store.database import Connection
from ncric_core.store.locks import Lock, session_lock

LONGEST: Final = 40  # lines of a message; `ncric alarms --all` shows the rest

_BETWEEN_URLS: Final = re.compile(r"[\s,]+(?=[A-Za-z0-9]+://)")  # a comma within a URL (to=ann@x,lee@x) is kept

# Their log lines may contain a URL with its secrets. What went wrong is in `Told`.
for _name in ("apprise", "urllib3.connectionpool"):
    logging.getLogger(_name).addFilter(lambda record: record.name != "apprise" and record.levelno >= logging.WARNING)


@dataclass(frozen=True, slots=True)
class Way:
    """A URL of the settings. Its name is its number and scheme: the rest is secret."""

    name: str
    service: NotifyBase


@dataclass(frozen=True, slots=True)
class Told:
    """How many begins and ends of alarms were sent, and the names of the ways that failed."""

    begun: int
    ended: int
    failed: tuple[str, ...]


def ways(settings: Settings) -> list[Way]:
    """Reads the URLs of the settings. Raises SettingsError with the number of a URL that cannot be used."""
    text = settings.notify_urls.get_secret_value().strip(" \t\r\n,") if settings.notify_urls else ""
    found = []
    for number, url in enumerate(_BETWEEN_URLS.split(text) if text else [], start=1):
        service = Apprise.instantiate(url, suppress_exceptions=True)
        if not isinstance(service, NotifyBase):
            raise SettingsError(f"NCRIC_NOTIFY_URLS: URL {number} is none that apprise knows, or lacks something")
        found.append(Way(f"{number} ({url.partition('://')[0].lower()})", service))
    return found


def tell(settings: Settings, connection: Connection) -> Told:
    """Sends each way one message of the alarms that began or ended since the last one, in transactions of its own.

    A way that fails is tried again at the next call, without the others hearing it twice. An alarm that ended before
    anyone was told of it is not sent. With no URL set, alarms count as told. Raises SettingsError for a URL that cannot
    be used.
    """
    chosen = ways(settings)
    with session_lock(connection, Lock.TELL_ALARMS):
        return _tell(chosen, connection)


def _tell(chosen: Sequence[Way], connection: Connection) -> Told:
    with connection:
        untold = untold_alarms(connection)
    sent: set[Alarm] = set()
    unsent: set[Alarm] = set()
    failed = []
    for way in chosen:
        due = [one.alarm for one in untold if one.is_due(way.name)]
        if not due:
            continue
        if _send(way, due):
            with connection:
                enter_delivered(connection, due, way.name)
            sent.update(due)
        else:
            unsent.update(due)
            failed.append(way.name)
    with connection:
        close_events(connection, [one.alarm for one in untold if one.alarm not in unsent])
    begun = sum(alarm.event == "begin" for alarm in sent)
    return Told(begun, len(sent) - begun, tuple(failed))


def _send(way: Way, alarms: Sequence[Alarm]) -> bool:
    """Sends one message of these alarms' latest events. Returns whether it was taken: apprise raises nothing."""
    begun = [alarm for alarm in alarms if alarm.event == "begin"]
    ended = [alarm for alarm in alarms if alarm.event == "end"]
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
    """Writes the subject of a message."""
    parts = [f"{len(begun)} alarm{'s' * (len(begun) != 1)}"] if begun else []
    parts += [f"{len(ended)} over"] if ended else []
    return f"NCRIC reads: {', '.join(parts)}"


def body(begun: Sequence[Alarm], ended: Sequence[Alarm]) -> str:
    """Writes the text of a message: a line for each alarm, those that began first."""
    lines = [f"ALARM: {line(alarm.message)}" for alarm in begun]
    lines += [f"over: {line(alarm.message)} (alarm of {alarm.began_at:%Y-%m-%d %H:%M} UTC)" for alarm in ended]
    more = [f"and {len(lines) - LONGEST:,} more: `ncric alarms --all`"] if len(lines) > LONGEST else []
    return "\n".join(lines[:LONGEST] + more)
