"""Times every statement that the pages send to the database. The real pages run, with choices that people make."""

import math
import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from time import perf_counter
from typing import Any, ClassVar, Final
from unittest.mock import patch

import streamlit as st
from streamlit import config
from streamlit.logger import set_log_level
from streamlit.testing.v1 import AppTest

from console import queries
from console.queries.runs import files_of
from ncric_core.errors import NcricError
from ncric_core.store import person
from ncric_core.store.database import Connection, Cursor, Database
from ncric_core.store.person import Person, Role
from ncric_core.windows import Window

ROLES: Final[tuple[Role, Role]] = ("ncric_analyst", "ncric_operator")
PATIENCE: Final = 120.0  # seconds for a page

Choice = tuple[str, dict[str, str]]
"""A page (a folder of `console`), and the parameters of its address."""


@dataclass(frozen=True, slots=True)
class Timed:
    """The timings of a statement, named after the function that sends it.

    `p50` and `p95` are percentiles in milliseconds; `times` says how often it was sent.
    """

    name: str
    p50: float
    p95: float
    times: int


class _Cursor(Cursor):
    seconds: ClassVar[defaultdict[str, list[float]]] = defaultdict(list)

    def execute(self, query: Any, vars: Any = None) -> None:  # psycopg2's own names
        self._begin()
        begun = perf_counter()
        super().execute(query, vars)
        if (name := _asker()) is not None:
            self.seconds[name].append(perf_counter() - begun)


def _asker() -> str | None:
    """Names the function that sends a statement: the nearest caller outside the modules that all statements go through.

    Returns None for what the pool asks a connection before it lends it.
    """
    frame = sys._getframe(2)  # as logging and warnings find their callers
    passed = (__name__, "ncric_core.store.database", person.__name__, queries.__name__)
    while frame.f_back is not None:
        module = frame.f_globals.get("__name__", "")
        if module in passed and frame.f_code.co_name == "session":
            return None
        ours = module.startswith(("console.", "ncric_core.")) and module not in passed
        if ours and not frame.f_code.co_name.startswith("<"):  # a comprehension is part of its function
            return f"{module.removeprefix('console.queries.').removeprefix('ncric_core.')}.{frame.f_code.co_name}"
        frame = frame.f_back
    return None


@dataclass(frozen=True, slots=True)
class _TimedDatabase(Database):
    def connect(self) -> Connection:
        connection = Database.connect(self)
        connection.cursor_factory = _Cursor
        return connection


def choices(agency: str, file: str, part_of_a_name: str, day: date) -> list[Choice]:
    """Lists what people look at: pages with their parts and periods, one agency, one file, and a search."""
    reads: list[Choice] = [("reads", {"period": period}) for period in ("day", "week", "month", "year")]
    reads += [("reads", {"period": period, "agency": agency}) for period in ("week", "year")]
    reads.append(("reads", {"period": "week", "end": day.isoformat()}))  # all 24 hours of `day` meet their habit
    reads.append(("reads", {"period": "year", "by": "Map of cameras"}))
    names: list[Choice] = [("names", {"part": part}) for part in ("Inbox", "Name table", "History")]
    runs: list[Choice] = [("runs", {"part": part}) for part in ("Calendar",)]
    files: list[Choice] = [
        ("files", {"arrived": period}) for period in ("Last day", "Last week", "Last month", "Any time")
    ]
    files += [
        ("files", {"arrived": "Any time", "search": part_of_a_name}),
        ("files", {"arrived": "Any time", "state": "waiting"}),
        ("files", {"file": file}),
        ("files", {"tab": "Rejects"}),
        ("files", {"tab": "Rejects", "reason": "cut_off"}),
        ("files", {"tab": "Rejects", "search": part_of_a_name}),
        ("files", {"tab": "Alarms"}),
    ]
    return reads + names + runs + files


def time_pages(database: Database, chosen: Sequence[Choice], end: datetime, repeats: int) -> list[Timed]:
    """Runs the pages `repeats` times with cold caches, as analyst and as operator in turn.

    Returns the slowest statement first. Raises NcricError if a page ends in an error.
    """
    _Cursor.seconds.clear()
    # Streamlit warns once a page that it has no server. Which of these two a logger obeys depends on when it is made.
    config.set_option("logger.level", "error")
    set_log_level("ERROR")
    timed = _TimedDatabase(database.dsn, database.user, database.embedded)
    with patch.object(queries, "database", lambda: timed):
        for number in range(repeats):
            for page, parameters in chosen:
                _open(page, parameters, ROLES[number % 2])
            for days in (1, 31):  # the question before a launch: the page asks it only where Prefect runs
                with queries.asked_by(Person("bench", ROLES[number % 2])) as connection:
                    files_of(connection, "BOSS4", Window(end - timedelta(days=days), end), [], [])
    found = [_summed(name, sorted(seconds)) for name, seconds in _Cursor.seconds.items()]
    return sorted(found, key=lambda one: -one.p95)


def _open(page: str, parameters: dict[str, str], role: Role) -> None:
    st.cache_data.clear()
    app = AppTest.from_function(_script, kwargs={"page": page, "role": role}, default_timeout=PATIENCE)
    app.query_params.update(parameters)
    app.run()
    if app.exception:
        raise NcricError(f"page {page} with {parameters} ends in an error: {app.exception[0].message}")


def _script(page, role):  # type: ignore[no-untyped-def]  # AppTest runs its source, without this module's names
    import importlib  # noqa: PLC0415

    from ncric_core.store.person import Person  # noqa: PLC0415

    importlib.import_module(f"console.{page}.page").page(Person("bench", role))


def _summed(name: str, seconds: Sequence[float]) -> Timed:
    def at(share: float) -> float:
        return 1000 * seconds[min(len(seconds) - 1, math.ceil(share * len(seconds)) - 1)]

    return Timed(name, at(0.5), at(0.95), len(seconds))


@contextmanager
def settings_in_the_environment(values: dict[str, str]) -> Iterator[None]:
    """Sets environment variables for a while, because the pages read their settings there. Clears cached resources."""
    with patch.dict(os.environ, values):
        st.cache_resource.clear()
        yield
    st.cache_resource.clear()
