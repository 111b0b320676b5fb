"""The typer application, and what the commands share: settings, the open store, tables and progress.

Modules of commands are imported for every command, `--help` too. So they import nothing at their top but the standard
library, typer, and modules that do the same. A command's function imports what it needs in its first lines.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from ncric_core.safe_text import line

if TYPE_CHECKING:
    from ncric_core.pipeline.integrate import Progress as Report
    from ncric_core.pipeline.outcome import Outcome
    from ncric_core.settings import Settings
    from ncric_core.store.database import Connection


OUTLINE: Final = {
    "A day's work": ("run", "status", "alarms", "freshness", "rerun", "backfill", "flights"),
    "Names": ("agencies",),
    "Books": ("reconcile", "files", "rejects", "sql"),
    "The whole system": ("up", "console", "doctor", "settings", "migrate", "deploy"),
    "Measuring": ("demo", "simulate", "bench"),
}
"""The commands in `ncric --help`, in the order in which a newcomer needs them. Any others stand above these."""


class _Outlined(TyperGroup):
    """Lists the commands as in OUTLINE. Says what is wrong with a value without pydantic's words."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        for title, names in OUTLINE.items():
            for name in names:
                command = self.commands.pop(name, None)  # put back at the end: the dict's order is that of the help
                if isinstance(command, TyperCommand | TyperGroup):
                    command.rich_help_panel = title
                    self.commands[name] = command

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and not args[0].startswith("-"):
            self.resolve_command(ctx, args)  # refuses a wrong command before pydantic is imported for the options
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")
            raise


BLOCK: Final = 1_000  # rows that are printed at once

app = typer.Typer(
    name="ncric",
    cls=_Outlined,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="markdown",
    help="""Licence plate reads of a regional intelligence centre: from the files that agencies' vendors drop, into each
agency's entity set, with every read that arrived accounted for.

New here? `ncric demo` makes a day of feeds and runs the jobs of the day on them.

A day's work: `ncric run boss4 --start 2022-10-11T08:00 --end 2022-10-11T09:00`, then
`ncric run files-catchup` for whatever is left, `ncric reconcile` to see that the books balance,
`ncric agencies unmapped` for names to be mapped.

Settings are environment variables (NCRIC_…) or lines of a `.env`: `ncric settings` shows them all.""",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"ncric {version('ncric')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


@contextmanager
def connected() -> Iterator[tuple["Settings", "Connection"]]:
    """Yields the settings and a connection to their store, once its schema is up to date (see `up_to_date`)."""
    from ncric_core.settings import read_settings
    from ncric_core.store.schema.migrate import up_to_date

    settings = read_settings()
    with up_to_date(settings).session() as connection:
        yield settings, connection


def say(text: str = "") -> None:
    """Prints a line on stdout."""
    typer.echo(line(text))


def warn(text: str) -> None:
    """Prints a line on stderr."""
    typer.echo(line(text), err=True)


def document(parts: Iterable[str]) -> None:
    """Prints a document, such as CSV or JSON, on stdout: for a program as it is, in UTF-8; for a terminal in lines."""
    coming = iter(parts)
    while block := "".join(islice(coming, BLOCK)):
        if sys.stdout.isatty():
            typer.echo("\n".join(map(line, block.split("\n"))), nl=False)
        else:
            sys.stdout.flush()
            sys.stdout.buffer.write(block.encode())


def show(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Prints a table, or `empty` if it has no rows. Many rows are printed in blocks, as they come.

    A terminal gets a drawn table, anything else plain aligned lines. Numbers are grouped and right-aligned.
    """
    names = list(map(line, columns))
    widths, right = list(map(len, names)), [True] * len(names)
    coming, shown = iter(rows), 0
    while block := [[_cell(value) for value in row] for row in islice(coming, BLOCK)]:
        for place, column in enumerate(zip(*block, strict=True)):
            widths[place] = max(widths[place], *map(len, column))
            right[place] &= all(value.replace(",", "").lstrip("-").isdigit() for value in column if value)
        (_draw if sys.stdout.isatty() else _align)(names if not shown else None, block, widths, right)
        shown += len(block)
    if not shown:
        say(empty)


def _draw(names: Sequence[str] | None, block: Iterable[Sequence[str]], widths: list[int], right: list[bool]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0), show_header=names is not None)
    for name, width, numeric in zip(names or [""] * len(widths), widths, right, strict=True):
        table.add_column(Text(name), min_width=width, justify="right" if numeric else "left", overflow="fold")
    for row in block:
        table.add_row(*map(Text, row))
    Console().print(table)


def _align(names: Sequence[str] | None, block: Iterable[Sequence[str]], widths: list[int], right: list[bool]) -> None:
    for row in (names, *block) if names else block:
        cells = [
            text.rjust(width) if numeric else text.ljust(width)
            for text, width, numeric in zip(row, widths, right, strict=True)
        ]
        typer.echo("  ".join(cells).rstrip())


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"
        case _:
            return line(str(value))


@contextmanager
def progress(title: str) -> Iterator["Report"]:
    """Shows a run's progress on stderr: a moving bar on a terminal, else a plain line every ten seconds.

    Yields the function that a run reports its outcome so far to.
    """
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(title, total=None)
            yield lambda outcome: bar.update(task, description=f"{title}: {_so_far(outcome)}")
        return
    last = monotonic()

    def tell(outcome: "Outcome") -> None:
        nonlocal last
        if monotonic() - last >= 10:
            last = monotonic()
            warn(f"{title}: {_so_far(outcome)}")

    yield tell


def _so_far(outcome: "Outcome") -> str:
    total = outcome.total
    return f"{outcome.files_read:,} files read, {total.found:,} rows found, {total.loaded:,} reads loaded"


Start = Annotated[str | None, typer.Option(help="Start of the window, ISO 8601; without a zone: UTC.")]
End = Annotated[str | None, typer.Option(help="End of the window (exclusive).")]
