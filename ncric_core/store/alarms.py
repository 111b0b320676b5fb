"""Alarms: raising and ending them, and recording who was told."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ncric_core.store.database import Connection, rows


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that is wrong, or was. `ended_at` is None while it lasts."""

    id: int
    kind: str
    scope: str
    subject: str
    datasource: str | None
    agency: int | None
    camera_id: str | None
    expected: float | None
    seen: int | None
    message: str
    began_at: datetime
    ended_at: datetime | None

    @property
    def event(self) -> str:
        """The latest event: `begin` or `end`."""
        return "begin" if self.ended_at is None else "end"


@dataclass(frozen=True, slots=True)
class Untold:
    """An alarm whose latest event is not closed, and the ways that have delivered its begin and its end."""

    alarm: Alarm
    begin_ways: frozenset[str]
    end_ways: frozenset[str]

    def is_due(self, way: str) -> bool:
        """Whether a way has to deliver the latest event. An end is due only where the begin was delivered."""
        if self.alarm.event == "begin":
            return way not in self.begin_ways
        return way in self.begin_ways and way not in self.end_ways


_COLUMNS: Final = """
SELECT id, kind, scope, subject, datasource, agency, camera_id, expected, seen, message, began_at, ended_at
"""

_RAISE: Final = """
INSERT INTO alarms (kind, scope, subject, datasource, agency, camera_id, expected, seen, message, began_at)
VALUES (%(kind)s, %(scope)s, %(subject)s, %(datasource)s, %(agency)s, %(camera_id)s, %(expected)s, %(seen)s,
        %(message)s, %(at)s)
ON CONFLICT (kind, scope, subject) WHERE ended_at IS NULL DO NOTHING
RETURNING id, kind, scope, subject, datasource, agency, camera_id, expected, seen, message, began_at, ended_at
"""

_END: Final = """
UPDATE alarms SET ended_at = greatest(%(at)s, began_at)
WHERE kind = %(kind)s AND scope = %(scope)s AND subject = %(subject)s AND ended_at IS NULL
RETURNING id, kind, scope, subject, datasource, agency, camera_id, expected, seen, message, began_at, ended_at
"""

_CHANGE: Final = """
UPDATE alarms SET kind = %(kind)s, message = %(message)s, expected = %(expected)s, seen = %(seen)s WHERE id = %(id)s
"""

_OPEN: Final = (
    _COLUMNS
    + """
FROM alarms
WHERE ended_at IS NULL AND (%(kinds)s::text[] IS NULL OR kind = ANY (%(kinds)s))
ORDER BY began_at, id
"""
)

_CHANGED_AFTER: Final = """
SELECT EXISTS (
  SELECT FROM alarms, LATERAL (VALUES (began_at), (ended_at)) AS changes (at)
  WHERE kind = ANY (%(kinds)s) AND at > %(moment)s AND at <= now()
)
"""

_ALL: Final = _COLUMNS + "FROM alarms ORDER BY began_at DESC, id DESC LIMIT %(limit)s"

# An alarm's latest event is its end if it has ended, else its begin. A delivery without a way closes an event.
_UNTOLD: Final = """
SELECT id, kind, scope, subject, datasource, agency, camera_id, expected, seen, message, began_at, ended_at,
       ARRAY(SELECT way FROM alarm_deliveries WHERE alarm = id AND event = 'begin' AND way IS NOT NULL),
       ARRAY(SELECT way FROM alarm_deliveries WHERE alarm = id AND event = 'end' AND way IS NOT NULL)
FROM alarms
WHERE NOT EXISTS (
  SELECT FROM alarm_deliveries
  WHERE alarm = id AND event = CASE WHEN ended_at IS NULL THEN 'begin' ELSE 'end' END AND way IS NULL
)
ORDER BY id
"""

_DELIVERED: Final = """
INSERT INTO alarm_deliveries (alarm, event, way)
SELECT alarm, event, %(way)s FROM unnest(%(alarms)s::bigint[], %(events)s::text[]) AS told (alarm, event)
ON CONFLICT DO NOTHING
"""


def raise_alarm(
    connection: Connection,
    kind: str,
    scope: str,
    subject: str,
    message: str,
    *,
    at: datetime,
    datasource: str | None = None,
    agency: int | None = None,
    camera_id: str | None = None,
    expected: float | None = None,
    seen: int | None = None,
) -> Alarm | None:
    """Raises an alarm in the caller's transaction. Returns None if the same (kind, scope, subject) lasts already."""
    given = {
        "kind": kind,
        "scope": scope,
        "subject": subject,
        "message": message,
        "at": at,
        "datasource": datasource,
        "agency": agency,
        "camera_id": camera_id,
        "expected": expected,
        "seen": seen,
    }
    made = rows(connection, _RAISE, given)
    return Alarm(*made[0]) if made else None


def end_alarm(connection: Connection, kind: str, scope: str, subject: str, *, at: datetime) -> Alarm | None:
    """Ends an alarm in the caller's transaction. Returns None if there is no such alarm that lasts."""
    ended = rows(connection, _END, {"kind": kind, "scope": scope, "subject": subject, "at": at})
    return Alarm(*ended[0]) if ended else None


def change_alarm(
    connection: Connection, alarm: int, kind: str, message: str, *, expected: float | None, seen: int | None
) -> None:
    """Changes what an alarm says, in the caller's transaction. Nobody is told again."""
    given = {"id": alarm, "kind": kind, "message": message, "expected": expected, "seen": seen}
    with connection.cursor() as cursor:
        cursor.execute(_CHANGE, given)


def open_alarms(connection: Connection, kinds: Sequence[str] | None = None) -> list[Alarm]:
    """Gives the alarms that last, oldest first; with `kinds`, only those of these kinds."""
    return [Alarm(*one) for one in rows(connection, _OPEN, {"kinds": None if kinds is None else [*kinds]})]


def latest_alarms(connection: Connection, *, limit: int) -> list[Alarm]:
    """Gives the latest alarms, ended or not, newest first."""
    return [Alarm(*one) for one in rows(connection, _ALL, {"limit": limit})]


def changed_after(connection: Connection, kinds: Sequence[str], moment: datetime) -> bool:
    """Whether an alarm of these kinds began or ended after `moment`. Times in the future do not count."""
    return bool(rows(connection, _CHANGED_AFTER, {"kinds": [*kinds], "moment": moment})[0][0])


def untold_alarms(connection: Connection) -> list[Untold]:
    """Finds the alarms whose latest event is not closed, in the order in which they were raised."""
    return [
        Untold(Alarm(*alarm), frozenset(begin_ways), frozenset(end_ways))
        for *alarm, begin_ways, end_ways in rows(connection, _UNTOLD)
    ]


def enter_delivered(connection: Connection, alarms: Collection[Alarm], way: str) -> None:
    """Records, in the caller's transaction, that a way has delivered these alarms' latest events."""
    _enter(connection, alarms, way)


def close_events(connection: Connection, alarms: Collection[Alarm]) -> None:
    """Records, in the caller's transaction, that nobody is left to be told of these alarms' latest events."""
    _enter(connection, alarms, None)


def _enter(connection: Connection, alarms: Collection[Alarm], way: str | None) -> None:
    given = {"way": way, "alarms": [alarm.id for alarm in alarms], "events": [alarm.event for alarm in alarms]}
    with connection.cursor() as cursor:
        cursor.execute(_DELIVERED, given)
