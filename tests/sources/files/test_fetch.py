"""Fetching ahead: in order and in bounded memory; a file that cannot be read does not affect the others."""

import io
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest
from botocore.exceptions import IncompleteReadError, ReadTimeoutError
from urllib3.exceptions import ProtocolError

from ncric_core.deliveries import Known
from ncric_core.errors import SourceError
from ncric_core.sources.files import fetch
from ncric_core.sources.files.fetch import fetched, pieces
from ncric_core.sources.files.folder import Folder
from ncric_core.sources.files.objects import open_bucket
from ncric_core.sources.files.stored import Leap, ObjectGone, StoredObject, anything, nothing_known
from tests.sources.files.conftest import S3

NOW = datetime(2022, 10, 11, tzinfo=UTC)


class Stream(io.BytesIO):
    """A stream of bytes, or one that raises an error when it is read."""

    def __init__(self, content: bytes | Exception) -> None:
        super().__init__(content if isinstance(content, bytes) else b"")
        self.error = content if isinstance(content, Exception) else None

    def read(self, size: int | None = -1, /) -> bytes:
        if self.error is not None:
            raise self.error
        return super().read(size)


class Bucket:
    """Objects in memory. `tries` has the content or error of each opening of a key; the last one is repeated."""

    def __init__(self, **tries: list[bytes | Exception]) -> None:
        self.tries = tries
        self.opened: list[str] = []
        self.lock = threading.Lock()

    def list(self, prefix: str, leap: Leap = anything, known: Known = nothing_known) -> Iterator[StoredObject]:
        raise NotImplementedError

    def find(self, key: str) -> StoredObject | None:
        raise NotImplementedError

    def open(self, listed: StoredObject) -> BinaryIO:
        with self.lock:
            number = self.opened.count(listed.key)
            self.opened.append(listed.key)
        tries = self.tries.get(listed.key, [listed.key.encode().ljust(listed.size)])
        content = tries[min(number, len(tries) - 1)]
        if isinstance(content, SourceError):
            raise content
        return cast(BinaryIO, Stream(content))


def listed(key: str, size: int | None = None) -> StoredObject:
    return StoredObject(key, len(key) if size is None else size, NOW, "v")


def fetch_all(bucket: Bucket, *keys: str, threads: int = 4) -> list[tuple[str, Any]]:
    return list(fetched(bucket, ((key, listed(key)) for key in keys), bytes, threads))


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_files_come_in_the_order_asked_for(threads: int) -> None:
    keys = [f"f{number}" for number in range(100)]
    assert fetch_all(Bucket(), *keys, threads=threads) == [(key, key.encode()) for key in keys]


def test_no_files_give_nothing() -> None:
    assert fetch_all(Bucket()) == []


def test_file_that_cannot_be_read_is_told_and_the_others_come() -> None:
    gone = ObjectGone("b was deleted after it was listed")
    assert fetch_all(Bucket(b=[gone]), "a", "b", "c") == [("a", b"a"), ("b", gone), ("c", b"c")]


def broken_off() -> list[Exception]:
    return [
        ProtocolError("Connection broken"),
        IncompleteReadError(actual_bytes=1, expected_bytes=2),
        ReadTimeoutError(endpoint_url="http://x"),
        ConnectionResetError("reset"),
    ]


@pytest.mark.parametrize("error", broken_off(), ids=lambda error: type(error).__name__)
def test_connection_that_breaks_off_is_tried_again(error: Exception) -> None:
    bucket = Bucket(a=[error, error, b"w"])
    assert fetch_all(bucket, "a") == [("a", b"w")]
    assert bucket.opened == ["a", "a", "a"]


@pytest.mark.parametrize("error", broken_off(), ids=lambda error: type(error).__name__)
def test_connection_that_always_breaks_off_is_an_error_of_the_file(error: Exception) -> None:
    bucket = Bucket(a=[error])
    (name, result), after = fetch_all(bucket, "a", "b")
    assert (name, after) == ("a", ("b", b"b"))
    assert isinstance(result, SourceError)
    assert str(result) == f"a cannot be read: {' '.join(str(error).split())}"
    assert bucket.opened.count("a") == fetch.ATTEMPTS


def test_object_that_came_short_is_tried_again_and_then_failed() -> None:
    bucket = Bucket(a=[b"half", b"a whole file"], b=[b"half"])
    files = [("a", listed("a", 12)), ("b", listed("b", 12))]
    (first, (name, result)) = fetched(bucket, files, bytes, 2)
    assert first == ("a", b"a whole file")
    assert name == "b"
    assert str(result) == "b cannot be read: 4 read, but total bytes expected is 12."
    assert bucket.opened.count("b") == fetch.ATTEMPTS


def test_large_object_that_came_short_is_failed_after_its_last_piece() -> None:
    came = pieces(Bucket(a=[b"half"]), listed("a", 12))
    assert next(came) == b"half"
    with pytest.raises(SourceError, match=r"^a cannot be read to its end: 4 read, but total bytes expected is 12.$"):
        next(came)


def test_file_listed_with_its_trouble_is_not_opened() -> None:
    bucket = Bucket()
    pipe = StoredObject("pipe", 0, NOW, "v", trouble="pipe is no regular file")
    ((_, result),) = fetched(bucket, [("pipe", pipe)], bytes, 1)
    assert (str(result), bucket.opened) == ("pipe is no regular file", [])


def test_missing_object_is_not_asked_for_again() -> None:
    bucket = Bucket(a=[ObjectGone("gone")])
    fetch_all(bucket, "a")
    assert bucket.opened == ["a"]


def test_large_file_is_left_to_be_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "LARGE", 1)
    bucket = Bucket()
    files = [(key, listed(key)) for key in ("a", "large", "b")]
    assert list(fetched(bucket, files, bytes, 2)) == [("a", b"a"), ("large", None), ("b", b"b")]
    assert "large" not in bucket.opened


def test_no_more_is_fetched_ahead_than_memory_is_meant_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "BYTES_AHEAD", 100)
    bucket = Bucket()
    taken = 0

    def files() -> Iterator[tuple[int, StoredObject]]:
        nonlocal taken
        for number in range(50):
            taken += 1
            yield number, listed(f"f{number}", 30)

    for number, _ in fetched(bucket, files(), bytes, 8):
        assert taken - number <= 5  # three of 30 bytes wait, one is handed out, one does not fit yet


def test_file_larger_than_what_may_wait_comes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "BYTES_AHEAD", 10)
    files = [(key, listed(key, 1000)) for key in "abc"]
    assert [name for name, _ in fetched(Bucket(), files, bytes, 2)] == ["a", "b", "c"]


def test_no_more_small_files_wait_than_threads_can_use() -> None:
    taken: list[int] = []

    def files() -> Iterator[tuple[int, StoredObject]]:
        for number in range(1000):
            taken.append(number)
            yield number, listed(f"f{number}")

    stream = fetched(Bucket(), files(), bytes, 2)
    next(stream)
    assert len(taken) <= 4 * 2 + 1
    stream.close()


def test_run_that_stops_early_fetches_nothing_more() -> None:
    let_go = threading.Event()

    class Slow(Bucket):
        def open(self, listed: StoredObject) -> BinaryIO:
            if listed.key != "f0":
                let_go.wait(10)
            return super().open(listed)

    bucket = Slow()
    stream = fetched(bucket, ((number, listed(f"f{number}")) for number in range(8)), bytes, 1)
    assert next(stream) == (0, b"f0")
    threading.Timer(0.2, let_go.set).start()
    stream.close()
    assert len(bucket.opened) <= 2


def test_pieces_are_the_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "PIECE", 10)
    (tmp_path / "x").write_bytes(bytes(range(95)))
    folder = Folder(tmp_path)
    (stored,) = folder.list("")
    found = list(pieces(folder, stored))
    assert [len(piece) for piece in found] == [10] * 9 + [5]
    assert b"".join(found) == bytes(range(95))


@pytest.mark.parametrize("error", broken_off(), ids=lambda error: type(error).__name__)
def test_large_file_that_breaks_off_is_an_error_in_words(error: Exception) -> None:
    with pytest.raises(SourceError) as caught:
        list(pieces(Bucket(a=[error]), listed("a")))
    assert str(caught.value) == f"a cannot be read to its end: {' '.join(str(error).split())}"


def test_large_file_that_is_gone_is_an_error() -> None:
    with pytest.raises(ObjectGone):
        list(pieces(Bucket(a=[ObjectGone("gone")]), listed("a")))


def test_files_of_an_s3_bucket_are_fetched_whole_and_in_pieces(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "LARGE", 50_000)
    monkeypatch.setattr(fetch, "PIECE", 16_384)
    for number in range(20):
        s3.put(f"boss4/{number:02}", bytes([number]) * 1000 * (60 if number == 7 else 1))
    bucket = open_bucket(s3.settings())
    files = list(bucket.list("boss4/"))
    s3.delete("boss4/05")
    results = list(fetched(bucket, ((file.key, file) for file in files), bytes, 4))
    assert [name for name, _ in results] == [file.key for file in files]
    for number, (_, content) in enumerate(results):
        match number:
            case 5:
                assert isinstance(content, ObjectGone)
            case 7:
                assert content is None
                assert b"".join(pieces(bucket, files[7])) == b"\7" * 60_000
            case _:
                assert content == bytes([number]) * 1000
