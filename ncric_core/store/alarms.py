"""Alarms: raised once, ended once, and the book of who was told."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ncric_core.store.database import Connection, rows


@dataclass(frozen=True, slots=True)
class Alarm:
    """What is or was not as it should be. `ended_at` is None while it lasts."""

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


@dataclass(frozen=True, slots=True)
class Untold:
    """An alarm whose beginning or end not every way took yet, and the ways that did."""

    alarm: Alarm
    begin_told: bool
    begin_ways: frozenset[str]
    end_ways: frozenset[str]


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

_UNTOLD: Final = (
    _COLUMNS
    + """, told_begin_at IS NOT NULL, begin_ways, end_ways
FROM alarms
WHERE told_end_at IS NULL AND (told_begin_at IS NULL OR ended_at IS NOT NULL)
ORDER BY id
"""
)

_BEGIN_TAKEN: Final = """
UPDATE alarms SET begin_ways = array_append(begin_ways, %(way)s::text)
WHERE id = ANY (%(ids)s) AND %(way)s <> ALL (begin_ways)
"""
_END_TAKEN: Final = """
UPDATE alarms SET end_ways = array_append(end_ways, %(way)s::text)
WHERE id = ANY (%(ids)s) AND %(way)s <> ALL (end_ways)
"""
_BEGIN_TOLD: Final = "UPDATE alarms SET told_begin_at = now() WHERE id = ANY (%(ids)s) AND told_begin_at IS NULL"
_END_TOLD: Final = "UPDATE alarms SET told_end_at = now() WHERE id = ANY (%(ids)s) AND told_end_at IS NULL"


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
    """Raises an alarm in the caller's transaction; None if the same one (kind, scope, subject) lasts already."""
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
    """Ends an alarm in the caller's transaction; None if there is none that lasts."""
    ended = rows(connection, _END, {"kind": kind, "scope": scope, "subject": subject, "at": at})
    return Alarm(*ended[0]) if ended else None


def change_alarm(
    connection: Connection, alarm: int, kind: str, message: str, *, expected: float | None, seen: int | None
) -> None:
    """Says of an alarm, in the caller's transaction, what it is by now; who was told of it is not told again."""
    given = {"id": alarm, "kind": kind, "message": message, "expected": expected, "seen": seen}
    with connection.cursor() as cursor:
        cursor.execute(_CHANGE, given)


def open_alarms(connection: Connection, kinds: Sequence[str] | None = None) -> list[Alarm]:
    """The alarms that last, oldest first; of these kinds only."""
    return [Alarm(*one) for one in rows(connection, _OPEN, {"kinds": None if kinds is None else [*kinds]})]


def latest_alarms(connection: Connection, *, limit: int) -> list[Alarm]:
    """The latest alarms, ended or not, newest first."""
    return [Alarm(*one) for one in rows(connection, _ALL, {"limit": limit})]


def changed_after(connection: Connection, kinds: Sequence[str], moment: datetime) -> bool:
    """Whether an alarm of these kinds began or ended after a moment, as far as that is past."""
    return bool(rows(connection, _CHANGED_AFTER, {"kinds": [*kinds], "moment": moment})[0][0])


def untold_alarms(connection: Connection) -> list[Untold]:
    """The alarms whose beginning or end is not told yet, oldest first."""
    return [
        Untold(Alarm(*alarm), begin_told, frozenset(begin_ways), frozenset(end_ways))
        for *alarm, begin_told, begin_ways, end_ways in rows(connection, _UNTOLD)
    ]


def enter_taken(connection: Connection, way: str, *, begun: Collection[int], ended: Collection[int]) -> None:
    """Enters that a way took the message of these alarms' beginnings and ends."""
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN_TAKEN, {"way": way, "ids": [*begun]})
        cursor.execute(_END_TAKEN, {"way": way, "ids": [*ended]})


def enter_told(connection: Connection, *, begun: Collection[int], ended: Collection[int]) -> None:
    """Enters that nobody is left to be told of these alarms' beginnings and ends."""
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN_TOLD, {"ids": [*begun]})
        cursor.execute(_END_TOLD, {"ids": [*ended]})
