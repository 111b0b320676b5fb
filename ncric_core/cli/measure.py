"""`ncric demo`, `ncric simulate`, `ncric bench`: runs the pipeline on simulated feeds, and measures it."""

import json
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ncric_core.cli.app import app, say, show, warn
from ncric_core.errors import SettingsError
from ncric_core.measure import DAY

if TYPE_CHECKING:
    from ncric_core.pipeline.outcome import Outcome
    from ncric_core.settings import Settings
    from ncric_core.store.database import Database

BENCHES: Final = "ncric.benches"

Seed = Annotated[int, typer.Option(help="The same seed makes the same day, another seed another day.")]
Images = Annotated[float, typer.Option(min=0, max=1, help="Share of the reads that come with photos.")]


@app.command()
def demo(
    reads: Annotated[int, typer.Option(min=1000, help="Number of rows in the day's files, roughly.")] = 100_000,
    seed: Seed = 1,
    images: Images = 0.02,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the store, to look around in it.")] = False,
) -> None:
    """Makes a day of feeds with the faults of real ones, runs the jobs of that day, and checks what came out.

    Runs in a scratch folder with its own PostgreSQL, and touches nothing else. Ends with status 1 if the books do not
    balance, or if the reads in the store are not those that the simulator says must come out.
    """
    from ncric_core.settings import Settings
    from ncric_core.store import embedded
    from ncric_core.store.database import open_database

    folder = Path(tempfile.mkdtemp(prefix="ncric-demo-"))
    settings = Settings(data_dir=folder, bucket=str(folder / "bucket"), database_url=None)
    database = open_database(settings)
    try:
        good = _demo(settings, database, reads, seed, images)
    finally:
        embedded.stop(folder)
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    if keep:
        say()
        say("The store is kept. Look around in it:")
        say(f"  export NCRIC_DATA_DIR={folder}")
        for command in (
            "ncric agencies unmapped",
            "ncric rejects list --reason cut_off --received",
            "ncric files list boss4 --start 2022-10-11T08:00 --end 2022-10-11T09:00",
            'ncric sql "SELECT plate, event_time, camera_name FROM reads ORDER BY event_time LIMIT 10"',
            "ncric run files-catchup",
        ):
            say(f"  {command}")
    else:
        say("The store is gone; `ncric demo --keep` keeps it to look around in.")
    if not good:
        raise typer.Exit(1)


def _demo(settings: "Settings", database: "Database", reads: int, seed: int, images: float) -> bool:
    from ncric_core.measure.demo import differences, make_feeds, run_day
    from ncric_core.store.names import unmapped_names
    from ncric_core.store.reconcile import reconcile
    from ncric_core.store.rejects import RejectFilter, count_reasons
    from ncric_core.store.schema.migrate import migrate

    migrate(database, organization=settings.organization, flights_dir=settings.flights_dir)
    warn(f"making the files of {DAY:%Y-%m-%d} …")
    made = make_feeds(settings, database, reads=reads, seed=seed, images=images)
    size = sum(path.stat().st_size for path in Path(settings.bucket).rglob("*") if path.is_file())
    say(
        f"{made.files.height:,} files, {size / 2**20:,.0f} MiB, of BOSS4 and SCSO for {DAY:%Y-%m-%d} UTC, "
        f"faults included"
    )
    begun, last = time.monotonic(), 0

    def tell(name: str, outcome: "Outcome") -> None:
        nonlocal last
        if time.monotonic() - begun - last >= 5:
            last = int(time.monotonic() - begun)
            warn(f"{name}: {outcome.total.loaded:,} reads loaded")

    done = run_day(settings, database, tell)
    seconds = time.monotonic() - begun
    with database.session() as connection:
        reasons, waiting = count_reasons(connection, RejectFilter()), unmapped_names(connection)
    with database.session() as connection:
        books = reconcile(connection)
    _show_day(done, [(reason, count) for reason, count, _ in reasons])
    say(f"{len(done)} jobs, {books.reads:,} reads in {seconds:.1f} s: {books.reads / seconds:,.0f} reads/s")
    if waiting:
        say()
        say("Names never seen before. Their reads are loaded under these names until somebody maps them to an agency:")
        rows = [(n.datasource, n.received, n.reads, " | ".join(n.suggestions)) for n in waiting]
        show(("feed", "received name", "reads", "suggestions"), rows, empty="")
    say()
    say(
        f"The books: {books.found:,} rows found = {books.loaded:,} loaded + {books.already_there:,} already there + "
        f"{books.rejected:,} rejected + {books.waiting:,} waiting: "
        f"{'they balance' if not books.differences else 'THEY DO NOT BALANCE'}"
    )
    wrong = differences(database, made)
    say(
        f"Against the truth of the simulator: {made.truth.height:,} reads expected, {wrong.missing.height:,} missing, "
        f"{wrong.unexpected.height:,} unexpected"
    )
    failed = [error for _, outcome in done for error in (outcome.failed_agencies | outcome.failed_files).values()]
    for error in failed:
        warn(f"ncric: {error}")
    return not books.differences and not books.waiting and wrong.none and not failed


def _show_day(done: list[tuple[str, "Outcome"]], rejects: list[tuple[str, int]]) -> None:
    """Prints the reads by agency over all jobs, and the rejects by reason."""
    loaded: Counter[str] = Counter()
    for _, outcome in done:
        for agency, one in outcome.agencies.items():
            loaded[agency] += one.loaded
    say()
    show(("agency", "reads"), [(name, count) for name, count in loaded.most_common() if count], empty="no reads")
    say()
    show(("rejects", "rows"), rejects, empty="no rejects")
    say()


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(help="The bucket to write to. It is created if it is missing.")],
    *,
    reads: Annotated[int, typer.Option(min=1, help="Number of rows in all files, roughly.")] = 100_000,
    start: Annotated[
        str, typer.Option(help="Start of the time in which the files arrive, ISO 8601.")
    ] = f"{DAY:%Y-%m-%dT%H:%MZ}",
    hours: Annotated[int, typer.Option(min=1, help="Hours in which the files arrive.")] = 24,
    seed: Seed = 1,
    images: Images = 0.0,
    faults: Annotated[
        bool, typer.Option("--faults/--no-faults", help="Damaged, repeated and late rows, as in real feeds.")
    ] = True,
) -> None:
    """Writes simulated files of BOSS4 and SCSO into a folder.

    Also writes their name table (names.csv) and the reads that must come out (truth.parquet).
    """
    from ncric_core.agencies import NameMapping, write_mappings
    from ncric_core.simulate.day import simulate as make_day
    from ncric_core.windows import parse_moment

    folder.mkdir(parents=True, exist_ok=True)
    made = make_day(
        folder, reads=reads, start=parse_moment(start), hours=hours, seed=seed, images=images, faults=faults
    )
    made.truth.write_parquet(folder / "truth.parquet")
    with (folder / "names.csv").open("w", encoding="utf-8", newline="") as stream:
        write_mappings((NameMapping(*one) for one in made.mappings), stream)
    say(f"{made.files.height:,} files in {folder}; {made.truth.height:,} reads must come out of them")


@app.command()
def bench(
    *,
    reads: Annotated[int, typer.Option(min=10_000, help="Number of reads in the files.")] = 200_000,
    images: Annotated[int, typer.Option(min=0, help="Number of these reads that have photos.")] = 0,
    filled: Annotated[int, typer.Option(min=0, help="Measure again with this many reads in the store; 0: do not.")] = 0,
    pairs: Annotated[int, typer.Option(min=1, help="Run the limit and the pipeline in turn, this often.")] = 5,
    listing: Annotated[
        int, typer.Option(min=0, help="Measure instead what runs cost beside this many older files (1000000, say).")
    ] = 0,
    console: Annotated[
        bool, typer.Option("--console", help="Measure the console, with --reads reads of ten weeks (5000000, say).")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")] = False,
) -> None:
    """Measures how fast the pipeline is on this machine.

    With --listing: what a run costs that finds nothing to do. With --console: how long people wait for the console.

    The pipeline is compared with the limit of the machine: COPY of the same rows straight into the same indexed table.
    Both are run in turn, several times, and the medians are printed. Runs in a scratch folder with its own PostgreSQL.
    """
    from ncric_core.measure.bench import bench as measure
    from ncric_core.measure.listing import bench_listing
    from ncric_core.measure.startup import help_seconds
    from ncric_core.store import embedded

    folder = Path(tempfile.mkdtemp(prefix="ncric-bench-"))
    try:
        if listing:
            found, bounds = bench_listing(folder, older=listing, note=warn).as_dict(), {}
        elif console:
            measured = _bench_of("console")(folder, reads=reads, note=warn)
            found = {name: round(seen, 3) for name, seen, _ in measured}
            bounds = {name: f"≤ {most:g}" for name, _, most in measured if most is not None}
        else:
            share = min(1.0, images / reads)
            found = measure(folder, reads=reads, images=share, filled=filled, pairs=pairs, note=warn).as_dict()
            found["help_seconds"] = round(help_seconds(), 3)
            bounds = {"help_seconds": "≤ 0.35"}
    finally:
        embedded.stop(folder)
        shutil.rmtree(folder, ignore_errors=True)
    if as_json:
        say(json.dumps(found))
    else:
        lines = [(name, f"{value:,}", bounds.get(name, "")) for name, value in found.items() if value is not None]
        show(("figure", "value", "wanted"), lines, empty="")


def _bench_of(name: str) -> Callable[..., Any]:
    """Returns the bench of a part outside ncric_core, which must not import it (entry point in pyproject.toml)."""
    for found in entry_points(group=BENCHES, name=name):
        return found.load()  # type: ignore[no-any-return]
    raise SettingsError(f"the {name} is not installed: `pip install -e .` in the project's folder")
