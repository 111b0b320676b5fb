"""The table of feeds, one row per feed. The pipeline knows no feed by name."""

from collections.abc import Callable, Mapping
from functools import cache
from zoneinfo import ZoneInfo

from ncric_core.agencies import FLOCK
from ncric_core.deliveries import Feed
from ncric_core.errors import SettingsError
from ncric_core.settings import Settings
from ncric_core.sources.files.feed import FileFeed
from ncric_core.sources.files.objects import open_bucket
from ncric_core.sources.files.stored import Bucket


def feeds(settings: Settings, bucket: Callable[[], Bucket] | None = None) -> dict[str, Feed]:
    """Returns the feeds, keyed by the name of their job (`boss4`, `scso`).

    `bucket` opens the bucket of feeds that arrive as files; by default the bucket of the settings. It is called once,
    when a feed first needs its files.
    """
    opened = cache(bucket or (lambda: open_bucket(settings)))
    rows = [
        ("boss4", "BOSS4", settings.boss4_prefix, settings.boss4_timezone, ""),
        ("scso", "SCSO", settings.scso_prefix, settings.scso_timezone, "_SCSO"),
    ]
    return {
        job: FileFeed(
            job=job,
            datasource=datasource,
            prefixes=prefixes,
            zone=ZoneInfo(zone),
            id_suffix=id_suffix,
            keep_days=settings.keep_days,
            batch_size=settings.chunk_size,
            threads=settings.fetch_threads,
            place=settings.bucket,
            bucket=opened,
        )
        for job, datasource, prefixes, zone, id_suffix in rows
    }


def datasources(settings: Settings) -> list[str]:
    """Returns the tags that name tables may use: those of the feeds, and Flock's."""
    return list(dict.fromkeys([*(feed.datasource for feed in feeds(settings).values()), FLOCK]))


def feed_named(job: str, there: Mapping[str, Feed]) -> Feed:
    """Returns the feed of a job. Raises SettingsError if there is no such job."""
    try:
        return there[job.lower()]
    except KeyError:
        raise SettingsError(f"there is no job {job!r}; the jobs are {', '.join([*there, 'files-catchup'])}") from None
