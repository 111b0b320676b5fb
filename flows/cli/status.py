"""`ncric status`: shows what runs, what ran last and runs next, and how far behind each feed is."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Final

import typer

from ncric_core.cli.app import say, show
from ncric_core.errors import ServiceError, StoreError
from ncric_core.jobs.prefect_api import PrefectApi, moment, prefect_api
from ncric_core.jobs.state import JobState, job_state
from ncric_core.settings import Settings, read_settings
from ncric_core.sources.feeds import feeds
from ncric_core.store import embedded
from ncric_core.store.alarms import Alarm, open_alarms
from ncric_core.store.database import Connection, open_database, rows

_NEWEST: Final = "SELECT datasource, max(last_seen) FROM received_names WHERE reads > 0 GROUP BY datasource"


@dataclass(frozen=True, slots=True)
class Service:
    """A service that the jobs need."""

    name: str
    up: bool
    detail: str


@dataclass(frozen=True, slots=True)
class FeedState:
    """The newest read of a feed, and how long ago it was."""

    datasource: str
    newest_read: datetime | None
    lag_seconds: float | None


@dataclass(slots=True)
class Status:
    """Everything that `ncric status` shows."""

    at: datetime
    services: list[Service] = field(default_factory=list)
    jobs: list[JobState] = field(default_factory=list)
    feeds: list[FeedState] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)

    @property
    def up(self) -> bool:
        return all(service.up for service in self.services)


def status(*, as_json: bool) -> None:
    """Shows what `read_status` finds. Ends with status 1 if a service is down."""
    found = read_status(read_settings(), datetime.now(UTC))
    if as_json:
        say(json.dumps({"up": found.up, **asdict(found)}, default=_json))
    else:
        _show(found)
    if not found.up:
        raise typer.Exit(1)


def read_status(settings: Settings, now: datetime) -> Status:
    """Asks every service. One that is down is shown as down; nothing is started."""
    found = Status(now)
    try:
        with _database(settings) as connection:
            newest = dict(rows(connection, _NEWEST))
            found.feeds = [_feed(feed.datasource, newest, now) for feed in feeds(settings).values()]
            found.alarms = open_alarms(connection)
            found.services.append(Service("PostgreSQL", up=True, detail=_version(connection)))
    except StoreError as error:
        found.services.append(Service("PostgreSQL", up=False, detail=str(error)))
    try:
        with prefect_api(settings) as api:
            api.time()
            found.services.append(Service("Prefect", up=True, detail=api.url))
            found.services.append(worker_service(api, now))
            found.jobs = [job_state(api, item, now) for item in api.deployments()]
    except ServiceError as error:
        found.services.append(Service("Prefect", up=False, detail=str(error)))
    return found


@contextmanager
def _database(settings: Settings) -> Iterator[Connection]:
    """Connects to the database. Raises StoreError, also if the embedded server does not run: it is not started."""
    if settings.database_url is None and not embedded.runs(settings.data_dir):
        raise StoreError(f"the embedded PostgreSQL under {settings.data_dir} does not run: `ncric up` starts it")
    with open_database(settings).session() as connection:
        if rows(connection, "SELECT to_regclass('alarms') IS NULL")[0][0]:
            raise StoreError("the database is not up to date: run `ncric migrate`")
        yield connection


def _version(connection: Connection) -> str:
    return f"{connection.server_version // 10000}.{connection.server_version % 10000}"


def worker_service(api: PrefectApi, now: datetime) -> Service:
    """Describes the workers that poll the pool."""
    workers = api.workers()
    online = [item for item in workers if item["status"] == "ONLINE"]
    beats = {item["name"]: moment(item["last_heartbeat_time"]) for item in online or workers}
    told = ", ".join(
        f"{name} (heartbeat {_ago((now - beat).total_seconds())})" for name, beat in beats.items() if beat is not None
    )
    if online:
        return Service("workers", up=True, detail=told)
    detail = f"none polls the work pool {api.pool}: `ncric up` runs one" + (f"; last: {told}" if told else "")
    return Service("workers", up=False, detail=detail)


def _feed(datasource: str, newest: dict[str, datetime], now: datetime) -> FeedState:
    read = newest.get(datasource)
    return FeedState(datasource, read, None if read is None else round((now - read).total_seconds()))


def _show(found: Status) -> None:
    services = [(one.name, "up" if one.up else "DOWN", one.detail) for one in found.services]
    show(("service", "", "where"), services, empty="")
    if found.jobs:
        say()
        columns = ("deployment", "last run", "state", "took", "next run", "")
        show(columns, [_line(job) for job in found.jobs], empty="")
    if found.feeds:
        say()
        feeds = [
            (one.datasource, one.newest_read or "none yet", "" if one.lag_seconds is None else _span(one.lag_seconds))
            for one in found.feeds
        ]
        show(("feed", "newest read", "lag"), feeds, empty="")
    if found.alarms:
        say()
        show(("alarm", "since", "message"), [(one.kind, one.began_at, one.message) for one in found.alarms], empty="")


def _line(job: JobState) -> tuple[object, ...]:
    took = None if job.last_seconds is None else _span(job.last_seconds)
    note = "paused" if job.paused else "LATE" if job.late else ""
    following = job.next_start or ("none" if job.scheduled else "by hand")
    return job.name, job.last_start or "never", job.last_state, took, following, note


def _span(seconds: float) -> str:
    """Writes a length of time in its two largest units: `4 s`, `3 min 20 s`, `5 h 12 min`, `2 d 3 h`."""
    whole = max(0, round(seconds))
    for size, name, part, smaller in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            return f"{whole // size} {name} {whole % size // part} {smaller}"
    return f"{whole} s"


def _ago(seconds: float) -> str:
    return f"{_span(seconds)} ago"


def _json(value: object) -> str:
    """Writes times, the only values here that JSON has no type for."""
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)
