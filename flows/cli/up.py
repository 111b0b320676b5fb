"""`ncric up`: runs the whole system on this machine until Ctrl-C."""

import os
import socket
import sys
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import httpx
import psutil

import flows
from flows.cli.child import MARK
from flows.cli.deployments import DEPLOY, write_for_deploy
from flows.cli.running import Stopped, Up, leftovers, only_one, stoppable
from flows.prefect_versions import check_versions
from ncric_core.errors import ServiceError, SettingsError
from ncric_core.jobs.prefect_access import OWN_NAMES, client_environment, make_own_password, own_url, password_file
from ncric_core.jobs.prefect_api import prefect_api
from ncric_core.private import private_folder
from ncric_core.settings import Settings, read_settings
from ncric_core.simulate.day import FEEDS, camera_ids
from ncric_core.simulate.feed import Clock
from ncric_core.store.schema.migrate import up_to_date

ROOT: Final = Path(flows.__file__).resolve().parent.parent
"""The folder of prefect.yaml, to which its entry points are relative."""

NCRIC: Final = (sys.executable, "-c", "from ncric_core.cli import main; main()")
PREFECT: Final = (sys.executable, "-m", "prefect")
PREFECT_SERVER: Final = (sys.executable, "-m", "flows.prefect_server")

WORKER: Final = f"{socket.gethostname()}-up"

NOT_INHERITED: Final = (
    "PREFECT_API_",
    "PREFECT_CLIENT_CSRF_",
    "PREFECT_CLOUD_",
    "PREFECT_HOME",
    "PREFECT_PROFILE",
    "PREFECT_SERVER_API_",
    "PREFECT_SERVER_CORS_",
    "PREFECT_SERVER_CSRF_",
    "PREFECT_SERVER_DATABASE_",
    "PREFECT_SERVER_UI_",
    "PREFECT_UI_",
)
"""Variables that would send clients of our server to another one, open it, or have it keep its data elsewhere."""

PREFECT_SETTINGS: Final = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_CLI_PROMPT": "false",
    "PREFECT_CLI_COLORS": "false",
    "PREFECT_WORKER_QUERY_SECONDS": "1",
    "PREFECT_SERVER_DATABASE_TIMEOUT": "30",  # SQLite lets one write at a time
    "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "5",
}


def up(
    *,
    feeds: str | None,
    speed: float,
    reads: int,
    seed: int,
    history: int,
    silence: Collection[str],
    jobs: bool,
) -> None:
    """Runs the whole system until Ctrl-C. `flows/cli/commands.py` says what the options mean."""
    settings = read_settings()
    check(settings, feeds, silence, history)
    with only_one(private_folder(settings.data_dir)), stoppable(_with_own_server(settings)) as running:
        _clear_the_way(running.settings)
        begun = time.monotonic()
        try:
            _start(running)
            if feeds is not None:
                clock = _clock(speed)
                _start_feeds(running, clock, reads=reads, seed=seed, history=history, silence=silence, jobs=jobs)
            running.tell(f"ready in {time.monotonic() - begun:.0f} s; Ctrl-C ends everything")
            _addresses(running)
            running.watch()
        except Stopped:
            running.tell("stopping …")
        finally:
            running.stop()
        running.tell("stopped")


def check(settings: Settings, feeds: str | None, silence: Collection[str] = (), history: int = 0) -> None:
    """Raises ServiceError or SettingsError if the system cannot be started with these options."""
    check_versions()
    if not (ROOT / "prefect.yaml").is_file():
        raise ServiceError(f"there is no prefect.yaml in {ROOT}: install the project with `pip install -e`")
    if feeds not in {None, "demo"}:
        raise SettingsError(f"there are no feeds {feeds!r}: `--feeds demo` is all there is")
    if feeds and (settings.database_url is not None or settings.bucket.startswith("s3://")):
        raise SettingsError(
            "--feeds demo makes reads up: it writes only to a bucket that is a folder, and with the embedded database "
            "(unset NCRIC_DATABASE_URL, NCRIC_BUCKET)"
        )
    if silence and not feeds:
        raise SettingsError("--silence is for simulated cameras: it needs --feeds demo")
    if history and not feeds:
        raise SettingsError("--history is of simulated files: it needs --feeds demo")
    known = {camera for datasource in FEEDS for camera in camera_ids(datasource)} if silence else set()
    for camera in silence:
        if camera not in known:
            raise SettingsError(f"no simulated feed has a camera {camera!r}: BOSS4 has 1, 2, …, SCSO 1_SCSO, 2_SCSO, …")


def _with_own_server(settings: Settings) -> Up:
    own = with_own_server(settings)
    return Up(own, environment(own))


def with_own_server(settings: Settings) -> Settings:
    """Returns the settings with our own Prefect server, and its password, instead of the one that they may name."""
    own = {
        "prefect_api_url": own_url(settings),
        "prefect_api_key": None,
        "prefect_api_auth_string": make_own_password(settings),
    }
    return settings.model_copy(update=own)


def environment(settings: Settings) -> dict[str, str]:
    """Makes the environment of all children: this process's own, all settings, and our Prefect server.

    It holds secrets: only the machine's administrator and our own user can read the environment of a process. Everybody
    can read its command line, so nothing secret is there.
    """
    ours = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
    own = {
        MARK: str(settings.data_dir.resolve()),
        "NCRIC_DATA_DIR": str(settings.data_dir.resolve()),
        "PREFECT_HOME": str(settings.data_dir.resolve() / "prefect"),
        "PREFECT_DEPLOYMENTS_DEFAULT_WORK_POOL_NAME": settings.work_pool,
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",  # prefect and streamlit read files of the project, whatever the locale
    }
    clients = client_environment(settings)
    closed = _closed(settings, clients["PREFECT_API_AUTH_STRING"])
    return ours | settings.environment() | PREFECT_SETTINGS | clients | closed | own


def _closed(settings: Settings, password: str) -> dict[str, str]:
    """Returns the settings with which our Prefect server lets in nobody without the password, and no foreign page.

    Whoever may create a run may have a worker execute any command.
    """
    return {
        "PREFECT_SERVER_API_AUTH_STRING": password,
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": ",".join(
            f"http://{name}:{settings.prefect_port}" for name in OWN_NAMES
        ),
        "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
    }


def _clear_the_way(settings: Settings) -> None:
    """Makes the folders, ends leftovers of an `ncric up` that was killed, and checks the ports."""
    for name in ("logs", "prefect"):
        private_folder(settings.data_dir / name)
    if settings.bucket == str(settings.data_dir / "bucket"):
        private_folder(Path(settings.bucket))
    left = leftovers(settings.data_dir)
    for process in left:
        process.terminate()
    for process in psutil.wait_procs(left, timeout=20)[1]:
        process.kill()
    _check_port("127.0.0.1", settings.prefect_port, "Prefect", "NCRIC_PREFECT_PORT")
    _check_port(settings.console_address, settings.console_port, "the console", "NCRIC_CONSOLE_PORT")


def _check_port(address: str, port: int, whose: str, setting: str) -> None:
    """Raises ServiceError if the port cannot be listened on."""
    try:
        family = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except OSError as error:
        raise ServiceError(
            f"port {port} cannot be used for {whose} ({error.strerror}): end the program that has it, or set {setting} "
            f"to another"
        ) from None


def _start(running: Up) -> None:
    """Starts everything in order, each service when those that it needs are healthy."""
    settings = running.settings
    server = running.child(  # the slowest, so it starts together with the database
        "prefect-server",
        *PREFECT_SERVER,
        *("start", "--host", "127.0.0.1", "--port", str(settings.prefect_port)),
        folder=ROOT,
    )
    if settings.database_url is None:
        _start_database(running)
    else:
        up_to_date(settings)
        running.tell("PostgreSQL    ready (NCRIC_DATABASE_URL)")
    with prefect_api(settings) as api:
        running.wait(server, lambda: _answers(api.time))
        running.tell(f"Prefect       ready ({api.url})")
        made = api.ensure_pool()
        running.tell(f"work pool     {api.pool}{', made' if made else ''}")
        begun = datetime.now(UTC)
        worker = running.child(
            "worker",
            *PREFECT,
            *("worker", "start", "--pool", api.pool, "--type", "process", "--name", WORKER),
            folder=ROOT,
        )
        console = running.child("console", *NCRIC, "console", folder=ROOT)
        wanted = write_for_deploy(ROOT, api.deployments(), settings.data_dir / "prefect")
        deploy = running.child("deploy", *PREFECT, *DEPLOY, str(wanted), folder=ROOT)
        watch = running.child("watch", *NCRIC, "service", "watch", folder=ROOT)
        running.finish(deploy)
        running.tell(f"deployments   {len(api.deployments())}, as in {ROOT / 'prefect.yaml'}")
        running.finish(watch)
        running.tell("dead runs     are looked for")
        running.wait(worker, lambda: any(_polls(item, begun) for item in api.workers()))
        running.tell(f"worker        {WORKER} polls")
        running.wait(console, lambda: _console_answers(settings))
        running.tell(f"console       ready ({console_url(settings)})")


def _start_database(running: Up) -> None:
    ready = running.settings.data_dir / "database.ready"
    ready.unlink(missing_ok=True)
    database = running.child("postgresql", *NCRIC, "service", "database", str(ready), grace=30.0)
    running.children.reverse()  # it ends last, as the jobs need it
    running.wait(database, ready.exists)
    # Given a URL, jobs only connect. Without one, they might start or stop the embedded server.
    running.environment["NCRIC_DATABASE_URL"] = ready.read_text(encoding="utf-8")
    running.tell("PostgreSQL    ready (embedded)")


def _clock(speed: float) -> Clock:
    """Makes the clock of simulated time, which begins a day ago if it is faster than real time."""
    now = datetime.now(UTC)
    return Clock(start=now - timedelta(days=1) if speed > 1 else now, begun=now, speed=speed)


def _start_feeds(
    running: Up, clock: Clock, *, reads: int, seed: int, history: int, silence: Collection[str], jobs: bool
) -> None:
    options = {
        "start": clock.start.isoformat(),
        "begun": clock.begun.isoformat(),
        "speed": clock.speed,
        "reads": reads,
        "seed": seed,
        "history": history,
    }
    given = [f"--{name}={value}" for name, value in options.items()] + [f"--silence={camera}" for camera in silence]
    due = jobs and not clock.caught_up
    running.child("feeds", *NCRIC, "service", "feeds", *given, *(["--jobs"] if due else []))
    start = f"{clock.start:%Y-%m-%d %H:%M} UTC on"
    running.tell(
        f"demo feeds    from {start}, {clock.speed:g} times as fast as real time{', with its runs' if due else ''}"
    )
    if history:
        running.tell(f"history       of {history} days before is being loaded: see {running.logs / 'feeds.log'}")
    if silence:
        running.tell(f"silent        from {start}: {', '.join(silence)}")


def _addresses(running: Up) -> None:
    settings = running.settings
    running.tell(f"  console     {console_url(settings)}")
    running.tell(f"  Prefect     http://127.0.0.1:{settings.prefect_port}")
    running.tell(f"  password    for Prefect's page: the whole line in {password_file(settings)}")
    running.tell(f"  bucket      {settings.bucket}")
    running.tell(f"  logs        {running.logs}")


def console_url(settings: Settings) -> str:
    """Returns the URL of the console on this machine."""
    return settings.console_url or f"http://{settings.console_address}:{settings.console_port}"


def _console_answers(settings: Settings) -> bool:
    try:
        url = f"http://{settings.console_address}:{settings.console_port}/_stcore/health"
        return httpx.get(url, timeout=5).is_success
    except httpx.HTTPError:
        return False


def _answers(question: Callable[[], object]) -> bool:
    try:
        question()
    except ServiceError:
        return False
    return True


def _polls(worker: dict[str, str], begun: datetime) -> bool:
    return worker["name"] == WORKER and datetime.fromisoformat(worker["last_heartbeat_time"]) >= begun
