"""The store that `ncric bench --console` measures on: ten weeks of simulated feeds, loaded by the pipeline itself."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from ncric_core.agencies import NameMapping
from ncric_core.alarms.freshness import judge
from ncric_core.jobs.named import CATCHUP, SCHEDULE_ZONE, job_named
from ncric_core.pipeline.integrate import integrate
from ncric_core.pipeline.outcome import Outcome
from ncric_core.settings import Settings
from ncric_core.simulate.day import FEEDS
from ncric_core.simulate.feed import Clock, feed
from ncric_core.simulate.world import names
from ncric_core.store.counts import sum_up_days
from ncric_core.store.database import Database
from ncric_core.store.names import set_mappings
from ncric_core.store.schema.migrate import migrate

DAYS: Final = 70
SILENT: Final = ("7", "40", "3_SCSO")  # cameras that fall silent two days before the end
LEFT_OUT: Final = " CA PD"  # names with this end are not mapped: the inbox is as full as when a vendor renames agencies


def make_store(
    settings: Settings, database: Database, *, reads: int, end: datetime, note: Callable[[str], None]
) -> int:
    """Fills an empty store with about `reads` reads of the DAYS days before `end`. Returns how many were loaded."""
    migrate(database, organization=settings.organization, flights_dir=settings.flights_dir)
    with database.session() as connection:
        known = [one for source in FEEDS for one in names(source) if not one[0].endswith(LEFT_OUT)]
        set_mappings(connection, [NameMapping(*one) for one in known])
    note(f"writing the files of about {reads:,} reads, {DAYS} days")
    start = end - timedelta(days=DAYS)
    over = Clock(start, start, real_time=lambda: end)  # by this clock it is the end already, so `feed` does not wait
    silent_from = dict.fromkeys(SILENT, end - timedelta(days=2))
    for _ in feed(Path(settings.bucket), over, reads=reads // DAYS, seed=1, silent_from=silent_from, end=end):
        pass
    note("loading them")
    outcome: Outcome = integrate(job_named(CATCHUP, settings, None), settings, database)
    with database.session() as connection:
        for hours in range(48, 0, -6):
            judge(connection, settings, end - timedelta(hours=hours))
        sum_up_days(connection, end.astimezone(SCHEDULE_ZONE).date())  # as the job `freshness` does
        connection.autocommit = True
        connection.cursor().execute("VACUUM ANALYZE")  # as autovacuum does in a real store
    return outcome.total.loaded
