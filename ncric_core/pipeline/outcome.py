"""What a run was asked to do, and what came of it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

from ncric_core.deliveries import Feed
from ncric_core.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to integrate: feeds, a window (None: all that the feeds deliver), and whose reads."""

    feeds: tuple[Feed, ...]
    window: Window | None
    agencies: tuple[str, ...] = ()  # standardised names; none: all but `exclude`
    exclude: tuple[str, ...] = ()
    waited: timedelta = timedelta(0)  # rows that another job left are taken once they have waited this long
    dry_run: bool = False  # read and clean, but load nothing
    force: bool = False  # read and load again what the ledger has as done


@dataclass(slots=True)
class AgencyOutcome:
    """Rows of one agency in the deliveries that were read: found = loaded + already there + rejected + waiting."""

    found: int = 0
    loaded: int = 0
    already_there: int = 0
    rejected: int = 0
    waiting: int = 0  # left to another job, or failed


@dataclass(slots=True)
class Outcome:
    """What a run did. `agencies` is keyed by standardised name; rejects that name no agency are under ''.

    A file is a delivery: for a feed that does not arrive as files, an hour of it.
    """

    dry_run: bool = False
    files_listed: int = 0
    files_known: int = 0  # nothing of them was left to load, as the ledger says
    files_read: int = 0
    files_growing: int = 0  # may not be whole yet, and are left to the next run
    photos: int = 0
    bad_photos: int = 0
    corrections: int = 0  # of those already there: sent again with another plate, which is noted and not taken
    agencies: dict[str, AgencyOutcome] = field(default_factory=dict)
    rejects: Counter[str] = field(default_factory=Counter)  # by reason
    new_agencies: list[str] = field(default_factory=list)
    failed_agencies: dict[str, str] = field(default_factory=dict)  # name → why
    failed_files: dict[str, str] = field(default_factory=dict)  # key → why
    compared: dict[str, datetime] = field(default_factory=dict)  # datasource → when all it offers was listed
    files_without_reads: list[str] = field(default_factory=list)  # keys of files with content that gave no read
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether everything that was asked for was done."""
        return not self.failed_agencies and not self.failed_files

    @property
    def total(self) -> AgencyOutcome:
        """The sums over all agencies."""
        total = AgencyOutcome()
        for one in self.agencies.values():
            for name in AgencyOutcome.__slots__:
                setattr(total, name, getattr(total, name) + getattr(one, name))
        return total

    @property
    def corrected(self) -> str:
        """Tells of reads that were sent again with another plate; empty if there were none."""
        if not self.corrections:
            return ""
        return (
            f"{self.corrections:,} reads were sent again with another plate, which was not taken: the first stays. "
            "The table `corrections` has what was sent."
        )

    def count(self, name: str, what: str, rows: int) -> None:
        """Adds rows to a figure (`found`, `loaded` …) of an agency."""
        one = self.agencies.setdefault(name, AgencyOutcome())
        setattr(one, what, getattr(one, what) + rows)

    def count_frame(self, counts: pl.DataFrame, names: Mapping[int, str], what: str) -> None:
        """Adds to a figure of each agency. `counts` has agency (Int32) and len."""
        for agency, rows in counts.select("agency", "len").iter_rows():
            self.count(names[agency], what, rows)
