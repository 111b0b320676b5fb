"""Files as they may be encoded: gzip under any name, UTF-16 and UTF-32 with or without a mark, each cut anywhere."""

import gzip
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ncric_core.encodings import decoded
from ncric_core.sources.files import lpr_json
from ncric_core.sources.files.lpr_json import ParsedReads, parse_file, parse_parts, parse_with_care, row_at
from tests.conftest import examples
from tests.sources.files.lpr_files import as_file, ids, read, reasons, rows
from tests.sources.files.test_lpr_fast import meaning

READS = [read(1, agencyName="Trademark™ Sheriff’s Office"), read(2, LPRCameraName="∢∢ “a”"), read(3)]
CONTENT = as_file(READS)
WIDE = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-16", "utf-32"]


def small(data: bytes) -> ParsedReads:
    parsed = parse_file(data)
    assert parsed is not None
    return parsed


def in_parts(data: bytes, size: int = 50) -> Iterator[ParsedReads]:
    return parse_parts((data[start : start + size] for start in range(0, len(data), size)), 2)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", *WIDE])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_file_is_read_in_any_encoding(encoding: str, packed: bool) -> None:
    data = CONTENT.decode().encode(encoding)
    data = gzip.compress(data) if packed else data
    assert rows(small(data)) == rows(small(CONTENT))
    assert ids(parse_with_care(data)) == ["1", "2", "3"]
    assert [row for part in in_parts(data) for row in ids(part)] == ["1", "2", "3"]
    assert '"LPREventID": "3"' in str(row_at([data], 2))


@given(st.data())
@settings(max_examples=examples(150), deadline=None)
def test_wide_file_cut_anywhere_gives_what_its_whole_characters_give(data: st.DataObject) -> None:
    """Half of a character (™ is 22 21, “ ∢” is 22 22: quotes) is no character."""
    encoding = data.draw(st.sampled_from(WIDE[:4]))
    width = int(encoding[4:6]) // 8
    cut = data.draw(st.integers(width, len(CONTENT.decode()) * width))
    whole = CONTENT.decode().encode(encoding)[:cut]
    expected = CONTENT.decode()[: cut // width].encode()
    assert meaning(small(whole)) == meaning(parse_with_care(expected))


@pytest.mark.parametrize("cut", [2, 9, 10, 100, -9, -8, -1])
def test_cut_gzip_gives_what_it_holds(cut: int) -> None:
    whole = gzip.compress(CONTENT)
    held = "".join(decoded([whole[:cut]])).encode()
    assert CONTENT.startswith(held)
    assert len(held) > (2_000 if cut < 0 else -1)
    assert meaning(small(whole[:cut])) == meaning(parse_with_care(held))
    assert [row for part in in_parts(whole[:cut]) for row in ids(part)] == ids(parse_with_care(held))


def test_gzip_of_several_members_is_read_and_what_follows_is_ignored() -> None:
    two = gzip.compress(CONTENT[:1500]) + gzip.compress(CONTENT[1500:])
    for data in (two, two + b"\0" * 512, two + b"\x1f"):
        assert ids(small(data)) == ["1", "2", "3"]
        for size in (1, 7, len(data)):
            assert [row for part in in_parts(data, size) for row in ids(part)] == ["1", "2", "3"]


def test_damaged_gzip_says_so_in_a_reject_and_keeps_what_came_before() -> None:
    data = bytearray(gzip.compress(as_file([read(number) for number in range(4000)]), compresslevel=1))
    data[-8:-4] = b"\xff" * 4  # the check sum
    parsed = small(bytes(data))
    assert ids(parsed)[:2] == ["0", "1"]
    assert reasons(parsed) == [(parsed.reads.height, "not_json")]
    assert "damaged gzip data" in parsed.rejects[-1].detail
    assert small(b"\x1f\x8b nothing of this kind").found == 1
    assert row_at([b"\x1f\x8b nothing of this kind"], 0) is None


def test_packed_file_that_is_large_is_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lpr_json, "LARGEST_WHOLE", 5000)
    assert parse_file(gzip.compress(as_file([read(number) for number in range(9)]))) is None


def test_gzip_that_unpacks_without_end_takes_little_memory() -> None:
    bomb = gzip.compress(b" " * 2**27 + CONTENT)
    assert len(bomb) < 200_000
    tracemalloc.start()
    assert parse_file(bomb) is None
    assert [row for part in parse_parts([bomb], 10) for row in ids(part)] == ["1", "2", "3"]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 * 2**20
