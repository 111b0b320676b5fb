"""The questions of the tab "Files": the ledger's files as frames, in pages of PAGE rows."""

from typing import Any, Final

import polars as pl

from ncric_core.store.database import Connection
from ncric_core.store.files import FileFilter, find_entries, loads_of

PAGE: Final = 100  # rows of a table that are sent to the browser at once

UTC_TIME: Final = pl.Datetime("us", "UTC")

FILES_SCHEMA: Final = pl.Schema(
    {
        "file_id": pl.Int64(),
        "key": pl.String(),
        "window_start": UTC_TIME,
        "window_end": UTC_TIME,
        "state": pl.String(),
        "found": pl.Int64(),
        "loaded": pl.Int64(),
        "already_there": pl.Int64(),
        "rejected": pl.Int64(),
        "waiting": pl.Int64(),
        "photos": pl.Int64(),
    }
)

LOADS_SCHEMA: Final = pl.Schema(
    {
        "received_name": pl.String(),
        "agency": pl.String(),
        "found": pl.Int64(),
        "loaded": pl.Int64(),
        "already_there": pl.Int64(),
        "waiting": pl.Int64(),
        "error": pl.String(),
    }
)


def files(connection: Connection, chosen: FileFilter, page: int) -> pl.DataFrame:
    """Returns a page of the chosen files with their books, the newest first: FILES_SCHEMA."""
    entries = [
        (
            one.file_id,
            one.file.key,
            one.file.window_start,
            one.file.window_end,
            one.state,
            one.found,
            one.loaded,
            one.already_there,
            one.rejected,
            one.waiting,
            one.photos,
        )
        for one in find_entries(connection, chosen, **paged({}, page))
    ]
    return pl.DataFrame(entries, schema=FILES_SCHEMA, orient="row")


def loads(connection: Connection, file_id: int) -> pl.DataFrame:
    """Returns what became of a file's rows under each received name: LOADS_SCHEMA."""
    return pl.DataFrame(loads_of(connection, file_id), schema=LOADS_SCHEMA, orient="row")


def paged(given: dict[str, Any], page: int) -> dict[str, Any]:
    """Adds the parameters of a page (the first is 0) to those of a query."""
    return given | {"limit": PAGE, "offset": page * PAGE}
