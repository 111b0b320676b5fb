"""`ncric sql`: answers a question to the store, as a table, as CSV or as JSON."""

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ncric_core.cli.app import app, document, show
from ncric_core.safe_text import csv_line

if TYPE_CHECKING:
    from ncric_core.store.asking import Answer


class Format(StrEnum):
    """How `ncric sql` writes its answer."""

    csv = "csv"
    json = "json"
    table = "table"


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT. The view `reads` stays the same when tables change.")],
    form: Annotated[Format, typer.Option("--format", help="csv, json or table.")] = Format.table,
    longest: Annotated[int, typer.Option(min=1, max=1_000_000, help="Give up after this many seconds.")] = 600,
) -> None:
    """Asks the store, in a session that can only read. The values are as PostgreSQL writes them.

    `ncric sql "SELECT standardized_agency_name, count(*) FROM reads GROUP BY 1 ORDER BY 2 DESC"`
    """
    from ncric_core.settings import read_settings
    from ncric_core.store.asking import answer
    from ncric_core.store.schema.migrate import up_to_date

    with answer(up_to_date(read_settings()), query, longest=longest) as found:
        match form:
            case Format.table:
                show(found.columns, found.texts(), empty="no rows")
            case Format.csv:
                document(_csv(found))
            case Format.json:
                document(_json(found))


def _csv(found: "Answer") -> Iterator[str]:
    yield csv_line(found.columns)
    yield from map(csv_line, found.texts())


def _json(found: "Answer") -> Iterator[str]:
    yield "["
    between = ""
    for row in found.objects():
        yield between + row
        between = ",\n"
    yield "]\n"
