"""Reads → chunks by agency: a large agency has its own, small ones share one."""

from collections.abc import Collection
from typing import Final

import polars as pl

SHARE: Final = 0.5  # of a chunk; an agency with more reads than this in a batch gets chunks of its own


def split_by_agency(reads: pl.DataFrame, chunk_size: int, apart: Collection[int] = ()) -> list[pl.DataFrame]:
    """Splits reads (columns agency, file_id) into chunks of about `chunk_size`; their order is kept.

    The reads of one agency in one delivery stay together, so a chunk may be larger. Agencies in `apart`, which have
    failed in this run, never share a chunk.
    """
    sizes = reads.group_by("agency", "file_id").len()
    large = pl.col("len").sum().over("agency") > SHARE * chunk_size
    alone = large | pl.col("agency").is_in(list(apart))
    sizes = sizes.with_columns(alone=alone).sort("alone", "agency", "file_id")
    numbers, number, filled, group = [], 0, 0, None
    for agency, size, by_itself in sizes.select("agency", "len", "alone").iter_rows():
        this = agency if by_itself else None
        if filled and (filled + size > chunk_size or this != group):
            number, filled = number + 1, 0
        group, filled = this, filled + size
        numbers.append(number)
    if number == 0:
        return [reads] if reads.height else []
    numbered = sizes.drop("len", "alone").with_columns(chunk=pl.Series(numbers, dtype=pl.UInt32))
    joined = reads.join(numbered, on=["agency", "file_id"], maintain_order="left")
    parts = joined.partition_by("chunk", maintain_order=True)
    return [part.drop("chunk") for part in sorted(parts, key=lambda part: part["chunk"][0])]
