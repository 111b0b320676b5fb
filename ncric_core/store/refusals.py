"""What the database refuses, in words. Values are left out: they are data about people."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg2

from ncric_core.errors import StoreError

MESSAGES_WITH_VALUES: Final = ("21", "22", "23", "44")
"""Classes of SQLSTATE whose messages may quote a value. All others speak of names, files and the server."""

_LOST: Final = {"57P01", "57P02", "57P03", "57P05", "25P03"}
"""The server, or an administrator, has ended the connection."""

_DISK_FULL: Final = "53100"
_READ_ONLY: Final = "25006"
_CANCELLED: Final = "57014"

_PLACE: Final = re.compile(r"COPY \w+, line \d+(?:, column \w+)?")
"""The part of COPY's context that has no value."""


@contextmanager
def in_words(what: str = "the database refuses") -> Iterator[None]:
    """Raises what the database refuses as StoreError: the one place that knows whether it may pass."""
    try:
        yield
    except psycopg2.Error as error:
        if is_fault_of_program(error):
            raise
        # With the place where it happened, but without the cause: a traceback would bring the values back.
        raise _refusal(error, what).with_traceback(error.__traceback__) from None


def _refusal(error: psycopg2.Error, what: str) -> StoreError:
    """Returns an error of the database in words. Tells whether it may pass, so that a job is worth another try."""
    if is_lost(error):
        cause = error.__context__  # a rollback on a lost connection fails too, and knows no reason
        while isinstance(cause, psycopg2.Error) and is_lost(cause):
            error, cause = cause, cause.__context__
        return StoreError(f"the connection to the database was lost: {first_line(error)}", passing=True)
    passing = of_server(error) or (error.pgcode or "")[:2] in {"40", "55", "57"}
    return StoreError(f"{what}: {without_values(error)}", passing=passing)


def is_lost(error: psycopg2.Error) -> bool:
    """Whether the connection is gone. An error without SQLSTATE is not the server's, but of the way to it."""
    if is_fault_of_program(error):
        return False
    return error.pgcode is None or error.pgcode[:2] == "08" or error.pgcode in _LOST


def of_server(error: psycopg2.Error) -> bool:
    """Whether the server or the way to it is in trouble, whatever was asked: lost, full, read-only, shutting down."""
    state = error.pgcode or ""
    return is_lost(error) or state == _READ_ONLY or (state[:2] in {"53", "57", "58"} and state != _CANCELLED)


def is_fault_of_program(error: psycopg2.Error) -> bool:
    """Whether psycopg2 was used wrongly, as with a value that it cannot adapt."""
    return error.pgcode is None and isinstance(error, (psycopg2.ProgrammingError, psycopg2.NotSupportedError))


def without_values(error: psycopg2.Error) -> str:
    """Describes an error by its SQLSTATE, what it is about and, where it cannot quote a value, the server's message."""
    state = error.pgcode or ""
    names = [
        f"{kind} {name}"
        for kind in ("table", "column", "constraint")
        if (name := getattr(error.diag, f"{kind}_name")) is not None
    ]
    place = _PLACE.match(error.diag.context or "")
    about = ", ".join([f"SQLSTATE {state}", *names, *([place[0]] if place else [])])
    return f"{_what(error, state)} ({about})"


def _what(error: psycopg2.Error, state: str) -> str:
    if state[:2] in MESSAGES_WITH_VALUES:
        return re.sub("(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()  # CheckViolation: check violation
    message = " ".join((error.diag.message_primary or first_line(error)).split())
    if state == _DISK_FULL:
        return f"the disk of the database is full, make room there: {message}"
    if state == _READ_ONLY and error.cursor is not None and _takes_no_writes(error.cursor.connection):
        return f"{message}; the server takes no writes, NCRIC_DATABASE_URL must name the primary"
    return message


def _takes_no_writes(connection: psycopg2.extensions.connection) -> bool:
    said = map(connection.info.parameter_status, ("in_hot_standby", "default_transaction_read_only"))
    return not connection.closed and "on" in said


def first_line(error: Exception) -> str:
    """The first line of an error's message; its type's name where it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
