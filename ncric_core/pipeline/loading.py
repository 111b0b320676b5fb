"""Loads chunks in a thread of its own while the next batch is read, and keeps a failure to the agency that has it."""

from collections import deque
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

import polars as pl
import psycopg2

from ncric_core.deliveries import Delivery
from ncric_core.errors import AgencyError
from ncric_core.store import ledger
from ncric_core.store.database import Database
from ncric_core.store.insert import make_ready
from ncric_core.store.interrupts import interrupt
from ncric_core.store.load import Chunk, Loaded, load_chunk
from ncric_core.store.refusals import in_words, of_server, without_values

MOST_WAITING: Final = 3  # chunks (and deliveries to be closed) that wait to be loaded

STAGE_ABOVE: Final = 0.2
"""If more than this share of a chunk's reads was there already, the next chunk is staged at once."""

Result = tuple[Chunk, Loaded | str]
"""A chunk and what became of it, or its error.

A shared chunk that could not be loaded comes back as one chunk for each of its agencies."""


class Loader:
    """Loads chunks over one connection, in the order given. `submit` and `finish` return results in that order."""

    def __init__(self, database: Database, *, force: bool) -> None:
        # Commits do not wait for the disk; `finish` does. If the server crashes, the last chunks are lost whole, with
        # their entries in the ledger, and the next run loads them.
        self._session = database.session({"synchronous_commit": "off"})
        self._force = force
        self._staged = force
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="load")
        self._pending: deque[Future[list[Result]]] = deque()

    def __enter__(self) -> Self:
        self._connection = self._session.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for future in self._pending:
            future.cancel()
        if error is not None and not isinstance(error, Exception):  # we are to end, and it may wait for a lock
            interrupt(self._connection)
        self._pool.shutdown()
        self._session.__exit__(kind, error, trace)

    def submit(self, chunk: Chunk) -> list[Result]:
        """Queues a chunk. Returns the results of the chunks that it had to wait for.

        Raises StoreError if the database is lost.
        """
        done = []
        while len(self._pending) >= MOST_WAITING:
            done += self._pending.popleft().result()
        ready = replace(chunk, ready=make_ready(chunk.reads, chunk.late))
        self._queue(lambda: self._load(ready))
        return done

    def finish(self) -> list[Result]:
        """Waits until all queued chunks are loaded and on the disk. Raises StoreError if the database is lost."""
        self._queue(self._flush)
        return [result for _ in range(len(self._pending)) for result in self._pending.popleft().result()]

    def close_files(self, found: Mapping[int, int]) -> None:
        """Enters deliveries (by id) as read to their end, with the rows found, after the chunks queued so far."""
        self._queue(lambda: ledger.close_files(self._connection, found))

    def close_names(self, delivery: Delivery, names: Collection[str]) -> None:
        """Marks received names of a delivery that came in parts as done; all of it has been loaded (`finish`)."""
        self._queue(lambda: ledger.close_names(self._connection, delivery, names))

    def _queue(self, work: Callable[[], list[Result] | None]) -> None:
        """Has the loading thread do some work, after all that was queued before."""

        def do() -> list[Result]:
            with in_words():
                return work() or []

        self._pending.append(self._pool.submit(do))

    def _flush(self) -> None:
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit TO on")
            cursor.execute("SELECT pg_current_xact_id()")  # a transaction that writes waits for all before it

    def _load(self, chunk: Chunk) -> list[Result]:
        try:
            loaded = load_chunk(self._connection, chunk, staged=self._staged, force=self._force)
        except (psycopg2.Error, UnicodeError, AgencyError) as error:
            if self._connection.closed or (isinstance(error, psycopg2.Error) and of_server(error)):
                raise  # which is no agency's fault
            agencies = chunk.pairs["agency"].unique().sort().to_list()
            if len(agencies) == 1:
                reason = _reason(error)
                ledger.note_failure(self._connection, chunk.pairs, reason)
                return [(chunk, reason)]
            return [
                result
                for agency in agencies
                for result in self._load(chunk.only(chunk.pairs.filter(pl.col("agency") == agency)))
            ]
        there = chunk.reads.height - loaded.inserted.height
        self._staged = there > STAGE_ABOVE * max(chunk.reads.height, 1)
        return [(chunk, loaded)]


def _reason(error: psycopg2.Error | UnicodeError | AgencyError) -> str:
    """Says why a chunk could not be loaded. It is kept in the ledger and in logs, so it has no values of reads."""
    match error:
        case psycopg2.Error():
            return without_values(error)
        case UnicodeError():
            return "a text cannot be written as UTF-8"
        case _:
            return str(error)
