"""What a person does in the store: under their name, in their role, within a time, and logged in `activity`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal

from psycopg2 import errors
from psycopg2.extras import Json

from ncric_core.errors import StoreError
from ncric_core.store.database import Connection, Database, rows

Role = Literal["ncric_analyst", "ncric_operator", "none"]
"""A role of the database; "none" is PostgreSQL's word for the role that the connection was made with."""

OWNER: Final = "none"
"""The store's owner: who sits at the command line and has the database's password."""

LONGEST: Final = "30s"
"""A page's question that takes longer is cancelled, so that no page holds up the load."""

SEEN: Final = "rows_seen"
"""In `activity`: a person looked at rows as received."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person: the name that the history keeps, and the role of the database that their questions run in."""

    name: str
    role: Role

    @property
    def is_operator(self) -> bool:
        """Whether they see rows as received and may change names, run jobs again and replay rejects."""
        return self.role == "ncric_operator"


@contextmanager
def asked_by(
    database: Database, person: Person, *, longest: str | None = LONGEST, readonly: bool = False
) -> Iterator[Connection]:
    """A transaction in the role and under the name of a person.

    A statement that takes longer than `longest` is cancelled; None leaves that to the server. Raises StoreError in
    plain words for whatever the database refuses.
    """
    settings = _settings(person, longest) | ({"transaction_read_only": "on"} if readonly else {})
    with database.session(settings) as connection, _in_words(person, longest), connection:
        yield connection


@contextmanager
def session_of(database: Database, person: Person) -> Iterator[Connection]:
    """A connection in the role and under the name of a person, for functions that end their own transactions.

    Raises StoreError.
    """
    with database.session(_settings(person, LONGEST)) as connection, _in_words(person, LONGEST):
        yield connection


def _settings(person: Person, longest: str | None) -> dict[str, str]:
    """Returns the settings that bind a transaction to a person; the role is last, as it may not set the others."""
    limit = {} if longest is None else {"statement_timeout": longest}
    return {"ncric.user": person.name, **limit, "role": person.role}


@contextmanager
def _in_words(person: Person, longest: str | None) -> Iterator[None]:
    """Raises StoreError for what a person can do something about; the session knows the rest."""
    try:
        yield
    except errors.InsufficientPrivilege:
        if person.role == OWNER:
            raise
        raise StoreError("you may not do or see this: ask an administrator for the operator role") from None
    except errors.QueryCanceled:
        if longest is None:
            raise
        raise StoreError(f"the database took longer than {longest}: ask for a shorter time, or try again") from None


@contextmanager
def changing(
    database: Database, person: Person, what: str, subject: str, *, before: object = None, after: object = None
) -> Iterator[Connection]:
    """A transaction in which a person changes something, as the store's owner, after its entry in `activity`.

    The entry is made in the person's own role: whoever may not make it is refused before anything changes. A change
    that fails leaves no entry. Raises StoreError.
    """
    with asked_by(database, person) as connection, connection.cursor() as cursor:
        note(connection, what, subject, before=before, after=after)
        cursor.execute("SET LOCAL ROLE NONE")  # a change may need the owner: a new agency gets its views
        yield connection


def note(connection: Connection, what: str, subject: str, *, before: object = None, after: object = None) -> None:
    """Enters in `activity` what a person changes or looks at, in their transaction. The database refuses analysts."""
    rows(
        connection,
        """
        INSERT INTO activity (what, subject, before, after) VALUES (%(what)s, %(subject)s, %(before)s, %(after)s)
        RETURNING id
        """,
        {
            "what": what,
            "subject": subject,
            "before": None if before is None else Json(before),
            "after": None if after is None else Json(after),
        },
    )
