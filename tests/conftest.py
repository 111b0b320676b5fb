"""Fixtures for all tests: one embedded PostgreSQL for all, and a migrated database and an empty bucket for each."""

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import hypothesis
import psycopg2
import pytest

from ncric_core.agencies import NameMapping
from ncric_core.cli import main
from ncric_core.flight.model import FLIGHTS, model_in
from ncric_core.pipeline.integrate import integrate
from ncric_core.pipeline.outcome import Job, Outcome
from ncric_core.settings import Settings
from ncric_core.sources.feeds import feeds
from ncric_core.store import embedded
from ncric_core.store.database import Database, open_database, rows
from ncric_core.store.names import set_mappings
from ncric_core.store.reconcile import Balance, reconcile
from ncric_core.store.schema.migrate import migrate
from ncric_core.windows import Window

# A test must not reach the store, or tell the people, of whoever runs it.
for variable in [name for name in os.environ if name.startswith(("NCRIC_", "PREFECT_")) and name != "NCRIC_NO_SKIPS"]:
    del os.environ[variable]
os.environ.update(AWS_ACCESS_KEY_ID="tests", AWS_SECRET_ACCESS_KEY="tests", AWS_EC2_METADATA_DISABLED="true")

# How long an example takes says how busy the machine is: no test is timed (figures are `ncric bench`'s).
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.register_profile("fast", deadline=None, max_examples=20)  # `make fast`
hypothesis.settings.load_profile("untimed")


def examples(full: int) -> int:
    """The number of examples for a test that wants another number than the profile's: a fifth of it in `make fast`."""
    return full // 5 if hypothesis.settings.get_current_profile_name() == "fast" else full


HOUR = Window(datetime(2022, 10, 11, 8, tzinfo=UTC), datetime(2022, 10, 11, 9, tzinfo=UTC))
"""The window that tests' files lie in, unless they say otherwise."""

MODEL = model_in(FLIGHTS)


SLOW = {"prefect", "whole", "s3_endpoint"}
"""Fixtures that start a Prefect server, `ncric up` or an S3 server: tests that use one are marked `slow`."""


@pytest.hookimpl(tryfirst=True)  # before xdist looks for groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks tests by their fixtures, and groups them for several processes (`-n 2`): a group stays in one process.

    What is dear to start has one group for all its tests; otherwise a file is a group. The longest groups come first,
    so that no process is left with one at the end. Tests of the flows and those that use a Prefect server come last:
    the server leaves threads behind that draw random numbers, which hypothesis takes for a fault of the test.
    """
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if "browser" in fixtures:
            item.add_marker("browser")
        if fixtures & SLOW:
            item.add_marker("slow")
        item.add_marker(pytest.mark.xdist_group(_group(item, fixtures)))
    items.sort(key=_when)


def _group(item: pytest.Item, fixtures: set[str]) -> str:
    if "whole" in fixtures:
        return "whole"
    if item.path.name == "test_up.py":
        return "up"
    return "prefect" if "prefect" in fixtures or item.path.parent.name == "flows" else item.nodeid.partition("::")[0]


def _when(item: pytest.Item) -> int:
    (group,) = (mark.args[0] for mark in item.iter_markers("xdist_group"))
    return {"whole": 0, "up": 1, "prefect": 3}.get(group, 2)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failure: a check that did not run has not passed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("NCRIC_NO_SKIPS") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


MEMORY = Path("/dev/shm")  # noqa: S108  # the folder of it below is made by mkdtemp
ROOM = 4 * 2**30  # bytes; containers have 64 MB of it


def in_memory() -> Path | None:
    """A folder in memory, if there is room: making a database there costs a tenth."""
    return MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM else None


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of the embedded server, without a database's name."""
    folder = Path(tempfile.mkdtemp(prefix="ncric-tests-", dir=in_memory()))
    url = embedded.start(folder)
    yield url
    embedded.stop(folder)
    shutil.rmtree(folder)


def _ask(url: str, statement: str) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def _named(url: str, name: str) -> str:
    return url.replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="session")
def template(server: str) -> str:
    """The name of a migrated database that others are copied from."""
    _ask(server, "CREATE DATABASE migrated")
    settings = Settings(database_url=_named(server, "migrated"), _env_file=None)
    database = open_database(settings)
    migrate(database, organization=settings.organization, flights_dir=settings.flights_dir)
    database.close()  # nobody may be connected to a database that is copied
    return "migrated"


@pytest.fixture(scope="session")
def prefect() -> Iterator[None]:
    """A real Prefect server, which this process's settings of Prefect name."""
    from prefect.testing.utilities import prefect_test_harness  # noqa: PLC0415  # takes seconds

    with prefect_test_harness(server_startup_timeout=120):
        yield


@dataclass
class Store:
    """The store of one test: its database and its bucket."""

    settings: Settings
    database: Database
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The variables that name this store to a command or a flow."""
        url = self.settings.database_url
        assert url is not None
        return {
            "NCRIC_DATABASE_URL": url.get_secret_value(),
            "NCRIC_BUCKET": str(self.folder),
            "NCRIC_DATA_DIR": str(self.settings.data_dir),
            "NCRIC_USER": self.settings.user,
        }

    def set_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Makes this process use the store, as `environment` names it."""
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)

    def put(self, key: str, content: str | bytes | Sequence[Any]) -> str:
        """Puts a file into the bucket, as if a minute ago; a list is written as JSON."""
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, str | bytes):
            content = json.dumps(content, indent="\t")
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        ago = time.time_ns() - 60 * 10**9  # what was written in the last seconds is left to the next run
        os.utime(path, ns=(ago, ago))
        return key

    def run(self, job: str = "boss4", *, window: Window | None = HOUR, **options: Any) -> Outcome:
        there = feeds(self.settings)
        chosen = tuple(there.values()) if job == "files-catchup" else (there[job],)
        work = Job(feeds=chosen, window=None if job == "files-catchup" else window, **options)
        return integrate(work, self.settings, self.database)

    def rows(self, query: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        with self.database.transaction() as connection:
            return list(rows(connection, query, parameters))

    def execute(self, statement: str, parameters: Any = None) -> None:
        with self.database.transaction() as connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters)

    def map(self, *mappings: tuple[str, str, str]) -> list[str]:
        with self.database.session() as connection:
            return set_mappings(connection, [NameMapping(*one) for one in mappings])

    def books(self) -> Balance:
        with self.database.session() as connection:
            return reconcile(connection)

    def with_settings(self, **changes: Any) -> "Store":
        return replace(self, settings=self.settings.model_copy(update=changes))

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Returns everything that a run may change, but for what differs from run to run (ids, times of loading)."""
        return {name: sorted(self.rows(query), key=repr) for name, query in EVERYTHING.items()}


EVERYTHING = {
    "reads": """
        SELECT r.id, r.event_time, r.plate, r.plate_normalized, r.latitude, r.longitude, r.camera_id, r.camera_name,
               r.agency_id, r.agency_name, r.datasource, r.vehicle_model, a.name, f.key
        FROM vehicle_records r JOIN agencies a ON a.id = r.agency LEFT JOIN source_files f ON f.id = r.file_id
    """,
    "counts": "SELECT a.name, c.datasource, c.camera_id, c.hour, c.reads FROM read_counts c JOIN agencies a ON "
    "a.id = c.agency",
    "names": "SELECT n.datasource, n.agency_name, a.name, n.reads, n.first_seen, n.last_seen FROM "
    "received_names n JOIN agencies a ON a.id = n.agency",
    "files": "SELECT key, found, photos, bad_photos, note, superseded FROM source_files",
    "loads": """
        SELECT f.key, l.agency_name, a.name, l.found, l.loaded, l.already_there, l.waiting, l.error
        FROM loads l JOIN source_files f ON f.id = l.file_id JOIN agencies a ON a.id = l.agency
    """,
    "rejects": "SELECT f.key, r.position, r.reason, r.detail, r.received, r.agency_name FROM rejects r JOIN "
    "source_files f ON f.id = r.file_id",
    "cameras": "SELECT id, ol_name, ol_datasource FROM ol_imagesource",
    "agencies": "SELECT name, unmapped FROM agencies",
    "links": "SELECT source_id, target_set, target_id FROM ol_collectedby",
}


class Databases:
    """Makes migrated databases for tests. While a test runs, the next one is made and the last one is dropped."""

    def __init__(self, server: str, template: str) -> None:
        self.server, self.template = server, template
        self.aside = ThreadPoolExecutor(1)
        self.next = self.aside.submit(self._make)
        self.drops: list[Future[None]] = []

    def _make(self) -> str:
        name = f"test_{uuid4().hex}"
        _ask(self.server, f"CREATE DATABASE {name} TEMPLATE {self.template} STRATEGY FILE_COPY")
        return name

    def take(self) -> str:
        """Returns the name of a database that no other test has."""
        made, self.next = self.next, self.aside.submit(self._make)
        return made.result()  # one that could not be made fails one test, not all after it

    def drop(self, name: str) -> None:
        self.drops.append(self.aside.submit(_ask, self.server, f"DROP DATABASE {name} WITH (FORCE)"))

    def close(self) -> None:
        """Raises what went wrong aside."""
        self.aside.shutdown()
        futures: list[Future[Any]] = [self.next, *self.drops]
        for done in futures:
            done.result()


@pytest.fixture(scope="session")
def databases(server: str, template: str) -> Iterator[Databases]:
    made = Databases(server, template)
    yield made
    made.close()


def fresh_store(databases: Databases, folder: Path) -> Iterator[Store]:
    """A migrated database of its own, with a folder as its bucket."""
    name = databases.take()
    settings = Settings(
        database_url=_named(databases.server, name),
        bucket=str(folder),
        data_dir=folder.parent,
        user="tester",
        _env_file=None,
    )
    yield Store(settings, open_database(settings), folder)
    databases.drop(name)


@pytest.fixture
def store(databases: Databases, tmp_path: Path) -> Iterator[Store]:
    folder = tmp_path / "bucket"
    folder.mkdir()
    yield from fresh_store(databases, folder)


@pytest.fixture
def clean_store(databases: Databases, store: Store) -> Iterator[Store]:
    """A second, empty store on the same bucket: what a clean run makes of it."""
    yield from fresh_store(databases, store.folder)


@dataclass
class Ran:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str


Command = Callable[..., Ran]
"""`ncric` with these arguments."""


@pytest.fixture
def ncric(store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """Runs the command line as a person would, against the test's store."""
    monkeypatch.chdir(tmp_path)
    store.set_environment(monkeypatch)

    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["ncric", *arguments])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        printed = capsys.readouterr()
        assert "Traceback" not in printed.out + printed.err
        return Ran(status, printed.out, printed.err)

    return run


def read(number: int, **changes: Any) -> dict[str, Any]:
    """A read as BOSS4 sends it, at 08:00:<number> of the tests' hour; leaves may be changed, or left out with `...`."""
    leaves = {
        "LPREventID": str(number),
        "eventDate": "2022-10-11",
        "eventTime": f"08:{number // 60 % 60:02}:{number % 60:02}",
        "agencyName": "ATHERTON POLICE DEPARTMENT",
        "agencyAcronym": "APD",
        "agencyOriNumber": "CA0410100",
        "VehicleLicensePlateID": f"7ABC{number:03}",
        "LPRCameraID": "84",
        "LPRCameraName": "EB_AutoMall_from_Grimmer",
        "LatitudeDegreeValue": 37,
        "LatitudeMinuteValue": 30,
        "LatitudeSecondValue": 36.0,
        "LongitudeDegreeValue": -121,
        "LongitudeMinuteValue": 57,
        "LongitudeSecondValue": 0.0,
        "LPRVehiclePlatePhoto": None,
        "LPRAdditionalPhoto": None,
    } | changes
    kept = {leaf: value for leaf, value in leaves.items() if value is not ...}
    top = {leaf: kept.pop(leaf) for leaf in ("LPREventID", "eventDate", "eventTime", "agencyName") if leaf in kept}
    return top | {"detail": {"camera": kept}}


FILE = "boss4/READS_x_2022-10-11_08-10-00_2022-10-11_08-15-00_{}.json"
"""A file of the tests' hour."""
