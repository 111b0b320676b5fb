"""Brings an empty or older database up to date: the SQL files in order, then the model of edm.yaml, then the agencies
that every store begins with."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Final

from ncric_core import agencies as names
from ncric_core.errors import StoreError
from ncric_core.flight.model import model_in
from ncric_core.settings import Settings
from ncric_core.store.agencies import ensure_agencies
from ncric_core.store.database import Connection, Database, open_database, rows
from ncric_core.store.locks import Lock, lock_transaction
from ncric_core.store.refusals import in_words
from ncric_core.store.rekey import rekey
from ncric_core.store.schema.edm import FORMS, apply_model

_BOOK: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name       text PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE schema_migrations ADD COLUMN IF NOT EXISTS sha256 text;  -- of the file, as it was applied
CREATE TABLE IF NOT EXISTS schema_model (sha256 text NOT NULL);
"""

TOLD: Final = "ncric: "  # begins a warning of a migration; the word before it is in the server's language
MOST_NAMED: Final = 5  # of the things of one kind that were made

_READABLE: Final = """
DO $$
DECLARE
    one regclass;
BEGIN
    FOR one IN
        SELECT oid
        FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v') AND NOT relispartition
          AND pg_has_role(relowner, 'USAGE')
    LOOP
        EXECUTE format('GRANT SELECT ON %s TO ncric_reader', one);
    END LOOP;
END $$
"""
"""Lets `ncric sql` read every table and view of ours (see 0012_reader.sql)."""


@dataclass(slots=True)
class Migrated:
    """What a migration did: the migrations that it applied, what it made of edm.yaml, the names whose keys it made
    anew, and the agencies that it made.

    In `warnings`, migrations say what they had to decide about rows that were there.
    """

    migrations: list[str] = field(default_factory=list)
    model: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    agencies: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Tells it, in a few lines; no lines if nothing was done."""
        kinds = (
            ("migrations applied", self.migrations),
            ("of edm.yaml", self.model),
            ("names with a new key", self.keys),
            ("agencies made", self.agencies),
        )
        return [f"{kind}: {_listed(names)}" for kind, names in kinds if names] + self.warnings


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:MOST_NAMED])} and {more} more"


def migrate(database: Database, *, organization: str, flights_dir: Path) -> Migrated:
    """Applies what is not applied yet, all of it or nothing. Returns what was done.

    Raises StoreError if the database is newer than this program or refuses, or if a migration was changed after it was
    applied, FlightError if edm.yaml is wrong.
    """
    done = Migrated()
    refused = in_words("the database refuses the migration")
    with database.session() as connection, refused, connection, connection.cursor() as cursor:
        lock_transaction(connection, Lock.MIGRATE)
        cursor.execute("SET LOCAL client_min_messages = warning")
        cursor.execute(_BOOK)
        left = pending(connection)
        _refuse_changed(connection)
        for name, text in left:
            cursor.execute(text)
            cursor.execute(
                "INSERT INTO schema_migrations (name, sha256) VALUES (%(name)s, %(sha256)s)",
                {"name": name, "sha256": _hash(text)},
            )
            done.migrations.append(name)
        if model_stamp(flights_dir, organization) not in {stamp for (stamp,) in rows(connection, "TABLE schema_model")}:
            _apply(connection, organization, flights_dir, done)
        cursor.execute(_READABLE)
        told = [notice.partition(TOLD) for notice in connection.notices]
        done.warnings = [names.one_line(text) for _, by_us, text in told if by_us]
    return done


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _refuse_changed(connection: Connection) -> None:
    """Raises StoreError if a migration is not as it was when it was applied.

    Stores that were migrated before hashes were kept get those of the present files: nobody knows what was applied.
    """
    known = _files()
    applied = rows(connection, "SELECT name, sha256 FROM schema_migrations ORDER BY name")
    for name, kept in applied:
        if kept is None:
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE schema_migrations SET sha256 = %(sha256)s WHERE name = %(name)s",
                    {"name": name, "sha256": _hash(known[name])},
                )
        elif kept != _hash(known[name]):
            raise StoreError(
                f"{name} was changed after it was applied to this database, and nothing was done: put the file back as "
                "it was (install this version again, or one that has it), and make the change in a new migration"
            )


def up_to_date(settings: Settings) -> Database:
    """Opens the database of the settings, with the present schema. The embedded one is migrated if need be.

    What that migration decided about rows that were there is logged. Raises StoreError if another database is not up to
    date.
    """
    database = open_database(settings)
    if not is_current(database, organization=settings.organization, flights_dir=settings.flights_dir):
        if not database.embedded:
            raise StoreError("the database is not up to date: run `ncric migrate`")
        done = migrate(database, organization=settings.organization, flights_dir=settings.flights_dir)
        for warning in done.warnings:
            logging.getLogger(__name__).warning("%s", warning)
    return database


def _apply(connection: Connection, organization: str, flights_dir: Path, done: Migrated) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO organizations (name) VALUES (%(name)s) ON CONFLICT DO NOTHING", {"name": organization}
        )
        done.model += apply_model(connection, model_in(flights_dir), organization)
        done.keys += rekey(connection)
        done.agencies += ensure_agencies(connection, names.seed_agencies(), unmapped=False)
        cursor.execute("TRUNCATE schema_model")
        cursor.execute("INSERT INTO schema_model VALUES (%(stamp)s)", {"stamp": model_stamp(flights_dir, organization)})


def is_current(database: Database, *, organization: str, flights_dir: Path) -> bool:
    """Whether nothing is left to migrate. Raises StoreError if the database is newer than this program."""
    with database.transaction() as connection:
        if rows(connection, "SELECT to_regclass('schema_model') IS NULL")[0][0] or pending(connection):
            return False
        stamps = {stamp for (stamp,) in rows(connection, "TABLE schema_model")}
        return model_stamp(flights_dir, organization) in stamps


def pending(connection: Connection) -> list[tuple[str, str]]:
    """Name and text of the migrations that are not applied yet, in order.

    Raises StoreError if a migration was applied that this program does not have.
    """
    known = _files()
    applied = {name for (name,) in rows(connection, "SELECT name FROM schema_migrations")}
    if foreign := sorted(applied - known.keys()):
        raise StoreError(f"the database is newer than this program (it has {foreign[-1]}): install the newer version")
    return [(name, known[name]) for name in sorted(known.keys() - applied)]


def _files() -> dict[str, str]:
    """Returns the text of each migration by its name."""
    folder = files("ncric_core.store.schema") / "migrations"
    return {item.name: item.read_text(encoding="utf-8") for item in folder.iterdir() if item.name.endswith(".sql")}


def model_stamp(flights_dir: Path, organization: str) -> str:
    """Returns a hash of what `_apply` makes things from. The database keeps the one that was applied last."""
    edm = (flights_dir / "edm.yaml").read_text(encoding="utf-8")
    content = [edm, organization, *names.seed_agencies(), names.KEY_RULE, *FORMS]
    return sha256("\n".join(content).encode()).hexdigest()
