"""`ncric doctor`: checks everything that the jobs need, and says how to mend what is wrong."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Timer
from typing import Final

import psycopg2
import typer

from flows.cli.deployments import differences, on_server, wanted
from flows.cli.status import worker_service
from flows.cli.up import ROOT
from flows.prefect_versions import MEND, PATCHED, other_versions
from ncric_core.cli.app import say
from ncric_core.errors import NcricError, StoreError
from ncric_core.jobs.prefect_access import own_url
from ncric_core.jobs.prefect_api import PrefectApi, prefect_api
from ncric_core.settings import Settings, read_settings
from ncric_core.sources.feeds import feeds
from ncric_core.store.database import Database, open_database, rows
from ncric_core.store.interrupts import interrupt
from ncric_core.store.schema.migrate import is_current, pending

SKEW: Final = timedelta(seconds=5)  # between two clocks; so little does no harm, as windows come from scheduled times
DISK_FREE: Final = 5 * 2**30  # bytes
DISK_FREE_SHARE: Final = 0.05
AT_ONCE: Final = 3  # transactions of a run: of its books, of its loads, and of a lock
SERVED_WITHIN: Final = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check. `mend` says how to mend a problem, and is None if there is none."""

    about: str
    text: str
    mend: str | None = None


def doctor() -> None:
    """Makes all checks and shows what they found. Ends with status 1 if there is a problem."""
    problems = 0
    for finding in check_all():
        problems += finding.mend is not None
        say(f"{'ok     ' if finding.mend is None else 'PROBLEM'}  {finding.about:<12} {finding.text}")
        if finding.mend:
            say(f"{'':22}→ {finding.mend}")
    if problems:
        say(f"{problems} to mend")
        raise typer.Exit(1)


def check_all() -> Iterator[Finding]:
    """Makes all checks in order. Leaves out a check if another one that it needs has failed."""
    try:
        settings = read_settings()
    except NcricError as error:
        yield Finding(
            "settings", str(error), "correct these variables, or the lines of .env; `ncric settings` shows all"
        )
        return
    yield Finding("settings", f"read; data folder {settings.data_dir}")
    yield disk(settings)
    yield from _database(settings)
    yield from guarded("bucket", "check NCRIC_BUCKET, the folder or the rights on it", lambda: _bucket(settings))
    if settings.prefect_api_url in {None, own_url(settings)}:
        yield patches()
    mend = "`ncric up` starts one here; PREFECT_API_URL names another"
    yield from guarded("Prefect", mend, lambda: _prefect(settings))


def guarded(about: str, mend: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Makes a check. An NcricError becomes a problem."""
    try:
        yield from check()
    except NcricError as error:
        yield Finding(about, " ".join(str(error).split()), mend)


def disk(settings: Settings) -> Finding:
    """Checks the free space of the data folder, or of where it will be made."""
    place = next(folder for folder in (settings.data_dir, *settings.data_dir.absolute().parents) if folder.exists())
    usage = shutil.disk_usage(place)
    text = f"{usage.free / 2**30:,.1f} GiB free of {usage.total / 2**30:,.1f} at {place}"
    if usage.free < DISK_FREE or usage.free < DISK_FREE_SHARE * usage.total:
        return Finding("disk", text, "make room, or move NCRIC_DATA_DIR to a larger disk")
    return Finding("disk", text)


def _database(settings: Settings) -> Iterator[Finding]:
    kind = "embedded" if settings.database_url is None else "NCRIC_DATABASE_URL"
    mend = (
        "see the server's log in DATA_DIR/postgres"
        if settings.database_url is None
        else "check NCRIC_DATABASE_URL, that the server runs, and that it lets us in; a pooler between must keep "
        "transactions whole (PgBouncer: pool_mode = transaction or session)"
    )

    def check() -> Iterator[Finding]:
        database = open_database(settings)
        with database.session() as connection:
            ((version, clock, pid),) = rows(
                connection, "SELECT current_setting('server_version'), clock_timestamp(), pg_backend_pid()"
            )
            now = datetime.now(UTC)
            pooled = connection.info.backend_pid != pid  # a pooler gives its clients numbers of its own
        yield Finding("database", f"PostgreSQL {version} ({kind}{', through a pooler' if pooled else ''})")
        if pooled:
            yield pooler(database)
        yield skew("database", clock, now)
        yield schema(settings, database)

    yield from guarded("database", mend, check)


def pooler(database: Database) -> Finding:
    """Checks that a pooler has as many connections to the server for us as one run needs at the same time."""
    with ExitStack() as open_ones:
        for number in range(AT_ONCE):
            connection = open_ones.enter_context(database.session())
            patience = Timer(SERVED_WITHIN, interrupt, [connection])
            patience.start()
            try:
                rows(connection, "SELECT 1")  # begins a transaction
            except psycopg2.Error:
                return Finding(
                    "pooler",
                    f"serves {number} of the {AT_ONCE} transactions that a run has at the same time",
                    "give it more connections to the server (PgBouncer: default_pool_size, 20 by default)",
                )
            finally:
                patience.cancel()
    return Finding("pooler", f"serves {AT_ONCE} transactions at the same time, as a run needs them")


def schema(settings: Settings, database: Database) -> Finding:
    """Checks that the database has the schema that this program expects."""
    try:
        if is_current(database, organization=settings.organization, flights_dir=settings.flights_dir):
            with database.session() as connection:
                ((newest,),) = rows(connection, "SELECT max(name) FROM schema_migrations")
            return Finding("schema", f"up to date ({newest})")
        with database.session() as connection:
            empty = rows(connection, "SELECT to_regclass('schema_migrations') IS NULL")[0][0]
            left = [] if empty else [name for name, _ in pending(connection)]
    except StoreError as error:
        return Finding("schema", str(error), "install the version that made it, or a newer one")
    what = "the database is empty" if empty else f"not applied: {', '.join(left) or 'the model of edm.yaml'}"
    return Finding("schema", what, "run `ncric migrate`")


def skew(about: str, theirs: datetime, ours: datetime) -> Finding:
    """Compares another machine's clock with ours."""
    apart = (theirs - ours).total_seconds()
    if abs(apart) > SKEW.total_seconds():
        return Finding("clock", f"the clock of the {about} is {apart:+,.0f} s from ours", "let both follow NTP")
    return Finding("clock", f"agrees with that of the {about}")


def _bucket(settings: Settings) -> Iterator[Finding]:
    for feed in feeds(settings).values():
        yield Finding("bucket", f"{feed.job} {feed.check()}")


def patches() -> Finding:
    """Checks that the Prefect server of `ncric up` is of the versions that its patches were made for."""
    if others := other_versions():
        return Finding("versions", f"the Prefect server of `ncric up` does not start with {', '.join(others)}", MEND)
    made_for = ", ".join(f"{name} {version}" for name, version in PATCHED.items())
    return Finding("versions", f"{made_for}, as the Prefect server of `ncric up` needs them")


def _prefect(settings: Settings) -> Iterator[Finding]:
    with prefect_api(settings) as api:
        yield from _server(api)


def _server(api: PrefectApi) -> Iterator[Finding]:
    now = datetime.now(UTC)
    theirs = api.time()
    yield Finding("Prefect", f"answers at {api.url}")
    yield skew("Prefect server", theirs, now)
    yield openness(api)
    yield telemetry(api)
    worker = worker_service(api, now)
    mend = None if worker.up else "run `ncric up`, or `prefect worker start --pool ncric` where the jobs are to run"
    yield Finding("worker", worker.detail, mend)
    ours = wanted(ROOT)
    lines = list(differences(ours, [on_server(item) for item in api.deployments()]))
    for line in lines:
        mend = "run `ncric deploy`"
        extra = "delete it (`prefect deployment delete`), or write it into prefect.yaml"
        yield Finding("deployments", line, extra if line.endswith("not in prefect.yaml") else mend)
    if not lines:
        yield Finding("deployments", f"{len(ours)}, as in {Path(ROOT) / 'prefect.yaml'}")


def openness(api: PrefectApi) -> Finding:
    """Checks that the Prefect server lets in nobody without a password, and no foreign page with a person's.

    Whoever may create a run may have a worker execute any command.
    """
    given = (api.server_settings().get("server") or {}).get("api") or {}
    faults = [
        (
            "it lets in whoever reaches it, without a password",
            "PREFECT_SERVER_API_AUTH_STRING=user:password",
            api.is_open(),
        ),
        (
            "it takes requests from every page that is open in a browser (CORS)",
            "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS=https://its.own.address",
            "*" in str(given.get("cors_allowed_origins")),
        ),
        (
            "it takes changes from a foreign page (CSRF)",
            "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED=true",
            given.get("csrf_protection_enabled") is False,
        ),
    ]
    found = [(text, mend) for text, mend, is_so in faults if is_so]
    if found:
        mend = f"start it with {' '.join(one for _, one in found)}"
        return Finding("access", "the Prefect server is open: " + "; ".join(text for text, _ in found), mend)
    return Finding("access", "the Prefect server wants a password, and no foreign page reaches it")


def telemetry(api: PrefectApi) -> Finding:
    """Checks that the Prefect server sends no usage data."""
    sends = (api.server_settings().get("server") or {}).get("analytics_enabled", False)
    if sends:
        mend = "start it with PREFECT_SERVER_ANALYTICS_ENABLED=false and DO_NOT_TRACK=1"
        return Finding("telemetry", "the Prefect server sends usage data to its makers", mend)
    return Finding("telemetry", "the Prefect server sends none")
