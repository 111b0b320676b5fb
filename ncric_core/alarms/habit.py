"""Learns how many reads are usual in these hours of the week, and finds feeds, agencies and cameras far below that.

- The last hours, in spans of one hour to two days, are compared with the same hours of earlier weeks on Pacific clocks.
- The habit is the median of those weeks. A week in which the whole feed was far below its own median was an outage and
  is left out.
- Missing reads count only if chance does not explain them. If reads came as a Poisson process with that habit, the
  probability of so few would be at most e^-(expected - seen + seen ln(seen / expected)), by Chernoff's bound; of none,
  e^-expected. So a camera with 200 reads an hour is judged after a few hours, one with two reads a day perhaps never.
- A camera that was silent in more than a third of the weeks, such as a patrol car, is not judged.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from ncric_core.settings import Settings

PACIFIC: Final = ZoneInfo("America/Los_Angeles")
SPANS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 36, 48)
"""Lengths, in hours, of the spans that are judged. Each ends with the last full hour whose reads have all arrived."""
SCOPES: Final = {"feed": 1, "agency": 2, "camera": 3}
"""What is judged, wholes before parts, and how many hours its silence must last. There are many parts, so that some are
silent for an hour by chance."""
COMPARED_HOURS: Final = pl.Schema([("hour", pl.Datetime("us", "UTC")), ("week", pl.Int32()), ("band", pl.Int32())])

BACK: Final = 0.5  # of the expected reads end an alarm. Well above the share that begins one, so that none flaps
OUTAGE: Final = 0.5  # of the feed's median; a week below it was an outage of the feed
QUIET_WEEKS: Final = 1 / 3  # of the weeks; a subject that was quiet in more of them is not judged

_KEY: Final = ["scope", "datasource", "agency", "camera_id"]
_NO_AGENCY: Final = 0  # the agency in the row of a whole feed, whose camera_id is ''


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A feed, an agency's feed or a camera that is below its habit.

    `kind` is silent, drop, or None: too little to end an alarm, not little enough to begin one. `expected` and `seen`
    are reads in the last `hours`.
    """

    scope: str
    datasource: str
    agency: int
    camera_id: str
    kind: str | None
    hours: int
    expected: float
    seen: int

    @property
    def subject(self) -> str:
        """The subject of its alarms, such as BOSS4, BOSS4/17 or BOSS4/17/84."""
        return "/".join([self.datasource, str(self.agency), self.camera_id][: 1 + list(SCOPES).index(self.scope)])

    @property
    def wholes(self) -> tuple[tuple[str, str], ...]:
        """Scope and subject of the feed and the agency that contain it."""
        feed, agency = ("feed", self.datasource), ("agency", f"{self.datasource}/{self.agency}")
        return {"feed": (), "agency": (feed,), "camera": (feed, agency)}[self.scope]


def last_full_hour(as_of: datetime, lag_hours: int) -> datetime:
    """Returns the end of the last full hour whose reads have all arrived: `lag_hours` before `as_of`."""
    settled = as_of.astimezone(UTC) - timedelta(hours=lag_hours)
    return settled.replace(minute=0, second=0, microsecond=0)


def compared_hours(end: datetime, weeks: int) -> pl.DataFrame:
    """Lists the hours to judge (week 0) and, for each, the same hour on Pacific clocks in each earlier week.

    Returns COMPARED_HOURS: hour, week, band (the position in SPANS of the shortest span that contains the hour).
    """
    found: list[tuple[datetime, int, int]] = []
    for back in range(1, SPANS[-1] + 1):
        hour = end - timedelta(hours=back)
        band = next(index for index, span in enumerate(SPANS) if back <= span)
        found.append((hour, 0, band))
        on_clock = hour.astimezone(PACIFIC)
        found += [((on_clock - timedelta(weeks=week)).astimezone(UTC), week, band) for week in range(1, weeks + 1)]
    return pl.DataFrame(found, COMPARED_HOURS, orient="row")


def shortfalls(reads: pl.DataFrame, settings: Settings) -> list[Shortfall]:
    """Finds who is below its habit, wholes before parts, from the reads (READS_IN_HOURS) of `compared_hours`."""
    spans = _judged(habits(reads, settings), settings)
    shortest = spans.filter("evident").sort("hours").group_by(_KEY).first()
    below = shortest.filter(pl.col("seen") < BACK * pl.col("expected"))
    worst = (
        spans.filter(pl.col("kind").is_not_null())
        .sort(pl.col("kind") == "silent", "hours")
        .group_by(_KEY, maintain_order=True)
        .last()
    )
    values = ["kind", "hours", "expected", "seen"]
    found = (
        below.select(*_KEY, *values)
        .join(worst.select(*_KEY, *values), on=_KEY, how="left", suffix="_worst")
        .select(*_KEY, *(pl.coalesce(f"{name}_worst", name).alias(name) for name in values))
        .sort(pl.col("scope").replace_strict(list(SCOPES), range(len(SCOPES))), *_KEY[1:])
    )
    return [Shortfall(**row) for row in found.iter_rows(named=True)]


def habits(reads: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Works out the usual and the seen reads of feeds, agencies and cameras in each span, from the reads
    (READS_IN_HOURS) of `compared_hours`.

    Returns scope, datasource, agency (Int32), camera_id, hours (Int64), expected (Float64), weeks (from how many it is
    learnt), quiet (the share of them with next to no reads), seen (Int64).
    """
    return _with_habit(_by_span(_with_wholes(reads), settings.freshness_weeks), settings)


def _with_wholes(reads: pl.DataFrame) -> pl.DataFrame:
    """Adds rows with the sums of each agency and each feed to those of the cameras, and the column scope."""
    columns = [*_KEY, "week", "band", "reads"]
    feeds = reads.group_by("datasource", "week", "band").agg(pl.col("reads").sum())
    agencies = reads.group_by("datasource", "agency", "week", "band").agg(pl.col("reads").sum())
    no_agency, no_camera = pl.lit(_NO_AGENCY, pl.Int32).alias("agency"), pl.lit("").alias("camera_id")
    return pl.concat(
        [
            feeds.with_columns(no_agency, no_camera, scope=pl.lit("feed")).select(columns),
            agencies.with_columns(no_camera, scope=pl.lit("agency")).select(columns),
            reads.filter(pl.col("camera_id") != "").with_columns(scope=pl.lit("camera")).select(columns),
        ]
    )


def _by_span(reads: pl.DataFrame, weeks: int) -> pl.DataFrame:
    """Sums up reads by subject, week (from the subject's first on) and span. Returns the key, week, hours, reads."""
    in_span = {str(span): pl.col("reads").filter(pl.col("band") <= band).sum() for band, span in enumerate(SPANS)}
    sums = reads.group_by(*_KEY, "week").agg(**in_span)
    first = reads.filter(pl.col("reads") > 0).group_by(_KEY).agg(first=pl.col("week").max())
    every_week = first.join(pl.DataFrame({"week": pl.int_range(weeks + 1, dtype=pl.Int32, eager=True)}), how="cross")
    known = every_week.filter(pl.col("week") <= pl.col("first")).drop("first")
    return (
        known.join(sums, on=[*_KEY, "week"], how="left")
        .unpivot(index=[*_KEY, "week"], variable_name="hours", value_name="reads")
        .with_columns(pl.col("hours").cast(pl.Int64), pl.col("reads").fill_null(0))
    )


def _with_habit(reads: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Compares this week with the habit, by subject and span. Returns the key, hours, expected, weeks, quiet, seen."""
    earlier = reads.filter(pl.col("week") > 0)
    feeds = earlier.filter(pl.col("scope") == "feed")
    sound = feeds.filter(pl.col("reads") >= OUTAGE * pl.col("reads").median().over("datasource", "hours"))
    quiet = pl.col("reads") < settings.freshness_drop_share * pl.col("reads").median()
    habit = (
        earlier.join(sound, on=["datasource", "week", "hours"], how="semi")
        .group_by(*_KEY, "hours")
        .agg(expected=pl.col("reads").median(), weeks=pl.len(), quiet=(quiet | (pl.col("reads") == 0)).mean())
    )
    now = reads.filter(pl.col("week") == 0).select(*_KEY, "hours", seen="reads")
    return habit.join(now, on=[*_KEY, "hours"])


def _judged(spans: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Adds the columns evident (whether chance would not explain silence) and kind (silent, drop, null).

    A part is judged only by spans in which its agency and its feed are not down as well: otherwise it has no trouble of
    its own.
    """
    seen, expected = pl.col("seen"), pl.col("expected")
    least_hours = pl.col("scope").replace_strict(SCOPES, return_dtype=pl.Int64)
    spans = spans.with_columns(
        evident=(expected >= settings.freshness_certainty)
        & (pl.col("weeks") >= settings.freshness_min_weeks)
        & (pl.col("hours") >= least_hours),
        down=(seen == 0) | (seen < settings.freshness_drop_share * expected),
        evidence=pl.when(seen == 0).then(expected).otherwise(expected - seen + seen * (seen / expected).log()),
    )
    feeds = spans.filter(pl.col("scope") == "feed").select("datasource", "hours", feed_down="down")
    agencies = spans.filter(pl.col("scope") == "agency").select("datasource", "agency", "hours", agency_down="down")
    own = (
        (pl.col("scope") == "feed")
        | (pl.col("feed_down").not_() & ((pl.col("scope") == "agency") | pl.col("agency_down").not_()))
    ).fill_null(value=True)
    wrong = (
        pl.col("evident")
        & pl.col("down")
        & own
        & (pl.col("evidence") >= settings.freshness_certainty)
        & (pl.col("quiet") <= QUIET_WEEKS)
    )
    kind = (
        pl.when(wrong & (seen == 0))
        .then(pl.lit("silent"))
        .when(wrong & (pl.col("hours") >= settings.freshness_drop_hours))
        .then(pl.lit("drop"))
    )
    return (
        spans.join(feeds, on=["datasource", "hours"], how="left")
        .join(agencies, on=["datasource", "agency", "hours"], how="left")
        .with_columns(kind=kind)
    )
