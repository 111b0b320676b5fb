"""`ncric bench --console`: makes a store of ten weeks, and measures on it what people wait for."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from console.bench import browser as in_browser
from console.bench.browser import Figure
from console.bench.pages import choices, settings_in_the_environment, time_pages
from console.bench.store import make_store
from console.queries import names as name_questions
from console.queries import reads as read_questions
from ncric_core.agencies import NameMapping
from ncric_core.flight.model import model_in
from ncric_core.settings import Settings
from ncric_core.store.database import Database, open_database, rows
from ncric_core.store.names import set_mappings
from ncric_core.store.restandardize import restandardize

REPEATS: Final = 24
QUERY_WITHIN: Final = 150  # milliseconds, at the 95th percentile
MOVED: Final = 1_000_000
MOVED_WITHIN: Final = 60  # seconds


def bench(
    folder: Path, *, reads: int, note: Callable[[str], None], browser: bool = True, repeats: int = REPEATS
) -> list[Figure]:
    """Makes a store in an empty folder and measures the console on it. The caller stops the embedded server.

    Returns the sizes of the store; milliseconds of each statement of the pages (p95); seconds in a browser, on a whole
    `ncric up`; and seconds to move a million reads, with milliseconds of the pages' statements meanwhile.

    Raises SettingsError if a browser is wanted and something that it needs is not installed.
    """
    if browser:
        in_browser.check()
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    settings = Settings(
        data_dir=folder,
        bucket=str(folder / "bucket"),
        database_url=None,
        prefect_port=in_browser.free_port(),
        console_port=in_browser.free_port(),
    )
    database = open_database(settings)
    loaded = make_store(settings, database, reads=reads, end=end, note=note)
    found: list[Figure] = [("reads", loaded, None), *_sizes(database)]
    with settings_in_the_environment(settings.environment()):
        note(f"the statements of the pages, {repeats} times each")
        found += _statements(database, end, repeats)
    if browser:
        found += in_browser.measure(settings, note)
    note("moving reads to another agency")
    return found + _moving(settings, database)


def _sizes(database: Database) -> list[Figure]:
    counted = {
        "agencies": "SELECT count(*) FROM agencies",
        "cameras": "SELECT count(DISTINCT (datasource, camera_id)) FROM read_counts",
        "files": "SELECT count(*) FROM source_files",
        "entries of the ledger": "SELECT count(*) FROM loads",
    }
    with database.transaction() as connection:
        return [(name, rows(connection, query)[0][0], None) for name, query in counted.items()]


def _statements(database: Database, end: datetime, repeats: int) -> list[Figure]:
    with database.transaction() as connection:
        agency, key = rows(
            connection,
            """
            SELECT l.agency, f.key
            FROM loads l
            JOIN source_files f ON f.id = l.file_id
            WHERE f.datasource = 'BOSS4'
            GROUP BY l.agency, f.key, f.window_end
            ORDER BY sum(l.found) DESC
            LIMIT 1
            """,
        )[0]
    chosen = choices(f"BOSS4/{agency}", key, "maiveric", (end - timedelta(days=2)).date())
    timed = time_pages(database, chosen, end, repeats)
    return [(f"p95 ms  {one.name}", one.p95, QUERY_WITHIN) for one in timed]


def _moving(settings: Settings, database: Database) -> list[Figure]:
    """Maps the names with the most reads to another agency, and moves their reads."""
    model = model_in(settings.flights_dir)
    with database.session() as connection:
        names = rows(connection, "SELECT datasource, agency_name, reads FROM received_names ORDER BY reads DESC")
        chosen, total = [], 0
        for datasource, name, reads in names:
            if total < MOVED:
                chosen.append(NameMapping(name, "Agency of the bench", datasource))
                total += reads
        set_mappings(connection, chosen)
        with _questions_meanwhile(settings, database) as asked:
            begun = time.monotonic()
            moved: dict[Any, int] = {}
            for move, reads in restandardize(connection, model):
                moved[move] = reads
            seconds = time.monotonic() - begun
    count = sum(moved.values())
    return [
        ("reads moved", count, None),
        ("s for 1,000,000 of them", seconds * MOVED / max(count, 1), MOVED_WITHIN),
        ("p95 ms  of the pages meanwhile", sorted(asked)[int(0.95 * (len(asked) - 1))], None),
    ]


class _questions_meanwhile:  # noqa: N801  # a context manager, used as a function
    """Asks the questions of the first pages twice a second, in a thread, and lists their milliseconds."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings, self.database = settings, database
        self.asked: list[float] = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._ask)

    def __enter__(self) -> list[float]:
        self.thread.start()
        return self.asked

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()

    def _ask(self) -> None:
        questions: tuple[Callable[[Any], object], ...] = (
            read_questions.senders,
            lambda connection: read_questions.glance(connection, self.settings, datetime.now(UTC)),
            name_questions.reads_to_move,
            name_questions.mappings,
        )
        with self.database.session() as connection:
            while not self.ended.wait(0.5) or not self.asked:
                for question in questions:
                    begun = time.perf_counter()
                    with connection:
                        question(connection)
                    self.asked.append(1000 * (time.perf_counter() - begun))
