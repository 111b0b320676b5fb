"""Fetches files from the bucket, a few at a time, ahead of the pipeline and in bounded memory."""

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from botocore.exceptions import BotoCoreError, IncompleteReadError
from tenacity import retry, retry_if_exception_type, stop_after_attempt
from urllib3.exceptions import HTTPError

from ncric_core.errors import SourceError
from ncric_core.sources.files.stored import Bucket, StoredObject

Named = TypeVar("Named")
Content = TypeVar("Content")

LARGE: Final = 32 * 2**20  # bytes; a larger file is read in pieces, never whole
BYTES_AHEAD: Final = 48 * 2**20  # bytes of the files that are fetched and parsed ahead of the caller
PIECE: Final = 4 * 2**20
READING: Final = threading.BoundedSemaphore(os.cpu_count() or 1)
"""Lets as many files be parsed at a time as there are processors. Fetching mostly waits, so it has more threads.
Parsing keeps a processor busy: with more threads than processors, a run took a sixth longer."""
ATTEMPTS: Final = 3
BROKEN_OFF: Final = (HTTPError, BotoCoreError, OSError)  # what is raised when a connection ends in the middle of a file


def fetched(
    bucket: Bucket, files: Iterable[tuple[Named, StoredObject]], read: Callable[[bytes], Content], threads: int
) -> Generator[tuple[Named, Content | SourceError | None], None, None]:
    """Yields each file, in order, with what `read` returns for its bytes.

    A file that could not be fetched comes with its SourceError. A file larger than LARGE comes with None; read it with
    `pieces`.
    """
    waiting: deque[tuple[Named, int, Future[Content | SourceError | None]]] = deque()
    ahead = 0
    pool = ThreadPoolExecutor(threads, thread_name_prefix="fetch")
    try:
        for name, file in files:
            size = file.size if file.size <= LARGE else 0
            while waiting and (ahead + size > BYTES_AHEAD or len(waiting) >= 4 * threads):
                first, done, future = waiting.popleft()
                ahead -= done
                yield first, future.result()
            waiting.append((name, size, pool.submit(_fetch, bucket, file, read)))
            ahead += size
        while waiting:
            first, _, future = waiting.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(cancel_futures=True)  # a run that stops early waits only for the files already being fetched


def _fetch(bucket: Bucket, file: StoredObject, read: Callable[[bytes], Content]) -> Content | SourceError | None:
    if file.trouble is not None:
        return SourceError(file.trouble)
    if file.size > LARGE:
        return None
    try:
        content = _whole(bucket, file)
    except SourceError as error:
        return error
    except BROKEN_OFF as error:
        return SourceError(f"{file.key} cannot be read: {' '.join(str(error).split())}")
    with READING:
        return read(content)


@retry(retry=retry_if_exception_type(BROKEN_OFF), stop=stop_after_attempt(ATTEMPTS), reraise=True)
def _whole(bucket: Bucket, file: StoredObject) -> bytes:
    """Reads a whole file, again if it breaks off or comes short. Raises one of BROKEN_OFF if it does each time."""
    with bucket.open(file) as stream:
        content = stream.read()
    _check_size(file, len(content))
    return content


def pieces(bucket: Bucket, file: StoredObject) -> Iterator[bytes]:
    """Yields the bytes of a large file, piece by piece. Raises SourceError if it cannot be read to its end."""
    received = 0
    try:
        with bucket.open(file) as stream:
            while piece := stream.read(PIECE):
                received += len(piece)
                yield piece
        _check_size(file, received)
    except BROKEN_OFF as error:
        raise SourceError(f"{file.key} cannot be read to its end: {' '.join(str(error).split())}") from error


def _check_size(file: StoredObject, received: int) -> None:
    """Raises one of BROKEN_OFF if a file came short, although nothing broke off: the rest would be lost for good."""
    if received != file.size:
        raise IncompleteReadError(actual_bytes=received, expected_bytes=file.size)
