"""A window's files are found by their names: at the window's cost, and the same ones as by a look at everything."""

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ncric_core.deliveries import DatedFeed, Feed
from ncric_core.settings import Settings
from ncric_core.sources.feeds import feeds
from ncric_core.sources.files.folder import Folder
from ncric_core.sources.files.names import LONGEST, WindowLeap
from ncric_core.sources.files.objects import open_bucket
from ncric_core.sources.files.s3 import S3Bucket
from ncric_core.sources.files.stored import Bucket
from ncric_core.windows import Window
from tests.conftest import examples
from tests.sources.files.conftest import S3

HOUR = timedelta(hours=1)
EIGHT = datetime(2022, 10, 11, 8, tzinfo=UTC)
WINDOW = Window(EIGHT, EIGHT + HOUR)
STEMS = ("READS_OpenLattice_", "READS_maiveric-astrometrics_", "READS_7_", "", "a/READS_", "a-20221011/x ", "é’")
SPELLINGS = ("%Y%m%dT%H%M%S", "%Y-%m-%d_%H-%M-%S", "%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S")
OLD = datetime(2021, 5, 1, tzinfo=UTC)


class Pages:
    """An S3 client that has these keys in its one bucket, and answers with so many at a time. Counts the answers."""

    def __init__(self, keys: Sequence[str], size: int) -> None:
        self.keys, self.size, self.answers = sorted(keys), size, 0

    def get_paginator(self, _: str) -> "Pages":
        return self

    def paginate(self, *, Bucket: str, Prefix: str, StartAfter: str) -> Iterator[dict[str, Any]]:  # noqa: ARG002, N803
        left = [key for key in self.keys if key > StartAfter and key.startswith(Prefix)]
        while True:
            self.answers += 1
            page, left = left[: self.size], left[self.size :]
            contents = [{"Key": key, "Size": 2, "LastModified": OLD, "ETag": '"v"'} for key in page]
            yield {"Contents": contents, "IsTruncated": bool(left)}
            if not left:
                return


def feed(bucket: Bucket, zone: str = "UTC") -> Feed:
    return feeds(Settings(_env_file=None, boss4_timezone=zone), lambda: bucket)["boss4"]


def keys(feed: Feed, window: Window | None) -> list[str]:
    return [one.key for one in feed.deliveries(window)]


def name(stem: str, spelling: str, start: datetime, end: datetime, number: int = 0) -> str:
    return f"boss4/{stem}{start.strftime(spelling)}_{end.strftime(spelling)}_{number}.json"


@st.composite
def named(draw: st.DrawFn) -> str:
    """Returns a name of a stem, in any spelling, that starts within three days of the window."""
    start = EIGHT + timedelta(seconds=draw(st.integers(-3 * 86400, 3 * 86400)))
    end = start + timedelta(seconds=draw(st.integers(0, 6 * 3600)))
    stem, spelling = draw(st.sampled_from(STEMS)), draw(st.sampled_from(SPELLINGS))
    return name(stem, spelling, start, end, draw(st.integers(0, 3)))


ODD = st.sampled_from(["READS.json", "x/READS 2.json", "READS_20229911T080000_x.json", "~a", "2022", "READS_x_1066"])
ZONES = st.sampled_from(["UTC", "America/Los_Angeles"])
WINDOWS = st.builds(
    lambda start, hours: Window(EIGHT + start * HOUR, EIGHT + (start + hours) * HOUR),
    st.integers(-72, 72),
    st.sampled_from([1, 2, 24, 100]),
)


@given(st.sets(named() | ODD.map("boss4/".__add__), max_size=30), WINDOWS, ZONES, st.integers(1, 4))
def test_the_quick_listing_of_a_window_is_what_the_full_one_has_of_it(
    names: set[str], window: Window, zone: str, page: int
) -> None:
    bucket = S3Bucket("reads", Pages(list(names), page))  # type: ignore[arg-type]
    everything = list(feed(bucket, zone).deliveries(None))
    assert [one.key for one in everything] == sorted(names)
    wanted = [one.key for one in everything if one.window_end in window]
    assert keys(feed(bucket, zone), window) == wanted
    here = feed(bucket, zone)
    assert isinstance(here, DatedFeed)
    left = [one.key for one in here.unknown(lambda key, changed: key in wanted and changed == OLD)]
    assert sorted([*left, *wanted]) == sorted(names)


@settings(max_examples=examples(25))
@given(st.sets(named(), max_size=12), WINDOWS)
def test_a_folder_and_s3_have_the_same_files_of_a_window(names: set[str], window: Window) -> None:
    with TemporaryDirectory() as scratch:
        for one in names:
            path = Path(scratch, one)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"[]")
            os.utime(path, (OLD.timestamp(), OLD.timestamp()))
        of_folder = keys(feed(Folder(Path(scratch))), window)
    assert of_folder == keys(feed(S3Bucket("reads", Pages(list(names), 3))), window)  # type: ignore[arg-type]


def test_former_names_and_several_stems_cost_a_few_requests_however_many_files_there_are() -> None:
    starts = [EIGHT - number * timedelta(minutes=5) for number in range(-100, 5_000)]
    names = [
        name(stem, spelling, start, start + timedelta(minutes=4), number)
        for stem, spelling in (("READS_OpenLattice_", SPELLINGS[0]), ("READS_maiveric-astrometrics_", SPELLINGS[1]))
        for number, start in enumerate(starts)
    ]
    client = Pages([*names, "boss4/READS.json", "boss4/zzz.json"], 1000)
    found = keys(feed(S3Bucket("reads", client)), WINDOW)  # type: ignore[arg-type]
    assert len(found) == 2 * 12
    assert client.answers <= 5
    client.answers = 0
    keys(feed(S3Bucket("reads", client)), None)  # type: ignore[arg-type]
    assert client.answers == 12  # of both prefixes


def test_leaps_never_cost_more_answers_than_listing_everything() -> None:
    starts = [EIGHT - timedelta(days=number) for number in range(200)]
    names = [name(f"{number:03}_", SPELLINGS[0], start, start) for number, start in enumerate(starts)]
    quick, full = Pages(names, 10), Pages(names, 10)
    keys(feed(S3Bucket("reads", quick)), WINDOW)  # type: ignore[arg-type]
    keys(feed(S3Bucket("reads", full)), None)  # type: ignore[arg-type]
    assert quick.answers <= full.answers


def test_two_spellings_under_one_stem_hide_nothing_of_each_other() -> None:
    times = [EIGHT + days * timedelta(days=1) + timedelta(minutes=7) for days in range(-400, 400, 7)]
    times.append(EIGHT + timedelta(minutes=7))
    names = [name("READS_", spelling, one, one + timedelta(minutes=4)) for one in times for spelling in SPELLINGS]
    bucket = S3Bucket("reads", Pages(names, 2))  # type: ignore[arg-type]
    assert keys(feed(bucket), WINDOW) == sorted(one for one in names if "2022-10-11" in one or "20221011" in one)


@pytest.mark.parametrize("end", [datetime(2022, 11, 6, 9, 10, tzinfo=UTC), datetime(2022, 3, 13, 10, 30, tzinfo=UTC)])
def test_a_change_of_clocks_hides_no_file(end: datetime) -> None:
    pacific = ZoneInfo("America/Los_Angeles")
    window = Window(end - HOUR, end)
    leap = WindowLeap(window, pacific)
    for minutes in range(60):
        start = (end - timedelta(minutes=minutes + 1)).astimezone(pacific)
        assert leap(name("READS_", SPELLINGS[0], start, start)) is None


@pytest.mark.parametrize("window", [Window(datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))])
def test_a_window_of_all_times_is_no_error(window: Window) -> None:
    leap = WindowLeap(window, ZoneInfo("America/Los_Angeles"))
    assert leap("boss4/READS_20221011T080000_20221011T080500.json") is None


def test_a_file_that_holds_many_hours_is_left_to_the_full_listing() -> None:
    long = name("READS_", SPELLINGS[0], WINDOW.start - LONGEST - 24 * HOUR, WINDOW.start)
    bucket = S3Bucket("reads", Pages([long], 3))  # type: ignore[arg-type]
    assert keys(feed(bucket), WINDOW) == []
    assert keys(feed(bucket), None) == [long]


def test_a_window_in_s3_is_listed_over_http_with_few_requests(s3: S3) -> None:
    starts = [EIGHT - number * timedelta(minutes=30) for number in range(-10, 1100)]
    stems = ("READS_OpenLattice_", "READS_maiveric-astrometrics_")
    names = [name(stem, SPELLINGS[0], one, one + timedelta(minutes=4)) for stem in stems for one in starts]
    s3.put_many(["boss4/READS.json", *names])
    bucket = open_bucket(s3.settings())
    assert isinstance(bucket, S3Bucket)
    behind: list[str] = []
    bucket.client.meta.events.register(
        "provide-client-params.s3.ListObjectsV2", lambda params, **_: behind.append(params["StartAfter"])
    )
    assert keys(feed(bucket), WINDOW) == sorted(one for one in names if "_20221011T08" in one)
    assert behind == [
        "boss4",
        "boss4/READS_OpenLattice_20221011 01",
        "boss4/READS_maiveric-astrometrics_20221011 01",
        "ncric",
    ]
