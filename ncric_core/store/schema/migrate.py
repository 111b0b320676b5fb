"""Brings an empty or older database up to date: the SQL files in order, then the model of edm.yaml, then the agencies
that every store begins with."""

from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Final

import psycopg2

from ncric_core import agencies as names
from ncric_core.errors import StoreError
from ncric_core.flight.model import model_in
from ncric_core.settings import Settings
from ncric_core.store.agencies import ensure_agencies
from ncric_core.store.database import Connection, Database, open_database, rows
from ncric_core.store.locks import Lock, lock_transaction
from ncric_core.store.schema.edm import FORMS, apply_model

_BOOK: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name       text PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS schema_model (sha256 text NOT NULL);
"""


def migrate(database: Database, *, organization: str, flights_dir: Path) -> list[str]:
    """Applies what is not applied yet, all of it or nothing. Returns the names of what was done.

    Raises StoreError if the database is newer than this program or refuses, FlightError if edm.yaml is wrong.
    """
    done = []
    try:
        with database.transaction() as connection, connection.cursor() as cursor:
            lock_transaction(connection, Lock.MIGRATE)
            cursor.execute(_BOOK)
            for name, text in pending(connection):
                cursor.execute(text)
                cursor.execute("INSERT INTO schema_migrations (name) VALUES (%(name)s)", {"name": name})
                done.append(name)
            if model_stamp(flights_dir, organization) not in {
                stamp for (stamp,) in rows(connection, "TABLE schema_model")
            }:
                done += _apply(connection, organization, flights_dir)
    except psycopg2.Error as error:
        raise StoreError(f"the database refuses the migration: {str(error).strip().splitlines()[0]}") from error
    return done


def up_to_date(settings: Settings) -> Database:
    """Opens the database of the settings, with the present schema. The embedded one is migrated if need be.

    Raises StoreError if another one is not up to date.
    """
    database = open_database(settings)
    if not is_current(database, organization=settings.organization, flights_dir=settings.flights_dir):
        if not database.embedded:
            raise StoreError("the database is not up to date: run `ncric migrate`")
        migrate(database, organization=settings.organization, flights_dir=settings.flights_dir)
    return database


def _apply(connection: Connection, organization: str, flights_dir: Path) -> list[str]:
    done = []
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO organizations (name) VALUES (%(name)s) ON CONFLICT DO NOTHING", {"name": organization}
        )
        done += apply_model(connection, model_in(flights_dir), organization)
        done += ensure_agencies(connection, names.seed_agencies(), unmapped=False)
        cursor.execute("TRUNCATE schema_model")
        cursor.execute("INSERT INTO schema_model VALUES (%(stamp)s)", {"stamp": model_stamp(flights_dir, organization)})
    return done


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
    folder = files("ncric_core.store.schema") / "migrations"
    known = {item.name: item.read_text() for item in folder.iterdir() if item.name.endswith(".sql")}
    applied = {name for (name,) in rows(connection, "SELECT name FROM schema_migrations")}
    if foreign := sorted(applied - known.keys()):
        raise StoreError(f"the database is newer than this program (it has {foreign[-1]}): install the newer version")
    return [(name, known[name]) for name in sorted(known.keys() - applied)]


def model_stamp(flights_dir: Path, organization: str) -> str:
    """Returns a hash of what `_apply` makes things from. The database keeps the one that was applied last."""
    content = [(flights_dir / "edm.yaml").read_text(), organization, *names.seed_agencies(), *FORMS]
    return sha256("\n".join(content).encode()).hexdigest()
