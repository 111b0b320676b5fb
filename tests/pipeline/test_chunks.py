"""Chunks: none is too large, large and failing agencies have their own, and no read is lost."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ncric_core.pipeline.chunks import split_by_agency


def frame(*reads: tuple[int, int]) -> pl.DataFrame:
    """Returns one read for each pair of agency and file."""
    schema = {"agency": pl.Int32, "file_id": pl.Int64}
    return pl.DataFrame(list(reads), schema=schema, orient="row").with_row_index("read")


def agencies(chunks: list[pl.DataFrame]) -> list[list[int]]:
    return [chunk["agency"].unique().sort().to_list() for chunk in chunks]


def test_small_agencies_share_a_chunk_in_the_order_of_the_reads() -> None:
    reads = frame((2, 1), (1, 1), (2, 2), (1, 1))
    (chunk,) = split_by_agency(reads, 100)
    assert chunk.equals(reads)


def test_large_agency_has_chunks_of_its_own() -> None:
    chunks = split_by_agency(frame(*[(1, 1)] * 2, *[(2, 1)] * 6, *[(3, 1)] * 2), 10)
    assert agencies(chunks) == [[1, 3], [2]]


def test_agency_with_half_a_chunk_still_shares() -> None:
    assert agencies(split_by_agency(frame(*[(1, 1)] * 5, *[(2, 1)] * 5), 10)) == [[1, 2]]


def test_agency_that_failed_shares_no_chunk() -> None:
    chunks = split_by_agency(frame((1, 1), (2, 1), (3, 1), (4, 1)), 100, apart={2, 4, 99})
    assert agencies(chunks) == [[1, 3], [2], [4]]


def test_agency_larger_than_a_chunk_is_split_between_files() -> None:
    chunks = split_by_agency(frame(*[(1, file) for file in (1, 2, 3) for _ in range(4)]), 8)
    assert [chunk["file_id"].unique().sort().to_list() for chunk in chunks] == [[1, 2], [3]]


def test_file_of_more_reads_than_a_chunk_is_not_split() -> None:
    assert [chunk.height for chunk in split_by_agency(frame(*[(1, 1)] * 25, (1, 2)), 10)] == [25, 1]


def test_no_reads_make_no_chunk() -> None:
    assert split_by_agency(frame(), 10) == []


def test_chunks_have_the_columns_of_the_reads() -> None:
    reads = frame((1, 1), (2, 1), (3, 1))
    assert [chunk.schema for chunk in split_by_agency(reads, 1)] == [reads.schema] * 3


@pytest.mark.parametrize("apart", [(), {1}, {1, 2, 3}])
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 6)), max_size=60), st.integers(1, 20))
@settings(deadline=None)
def test_every_read_is_in_one_chunk(apart: set[int], reads: list[tuple[int, int]], chunk_size: int) -> None:
    whole = frame(*reads)
    chunks = split_by_agency(whole, chunk_size, apart)
    numbers = [number for chunk in chunks for number in chunk["read"]]
    assert sorted(numbers) == whole["read"].to_list()
    pairs = [pair for chunk in chunks for pair in chunk.select("agency", "file_id").unique().rows()]
    assert len(pairs) == len(set(pairs))  # a file's reads of an agency are never in two chunks
    for chunk in chunks:
        assert chunk["read"].is_sorted()
        assert chunk.height <= chunk_size or chunk.select("agency", "file_id").n_unique() == 1
        together = set(chunk["agency"])
        totals = whole.filter(pl.col("agency").is_in(together)).group_by("agency").len()["len"]
        if len(together) > 1:
            assert not together & set(apart)
            assert max(totals) <= chunk_size / 2
