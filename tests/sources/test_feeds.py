"""The table of feeds: made from the settings, looked up by name."""

from zoneinfo import ZoneInfo

import pytest

from ncric_core.errors import SettingsError
from ncric_core.settings import Settings
from ncric_core.sources.feeds import datasources, feed_named, feeds
from ncric_core.sources.files.feed import FileFeed
from ncric_core.sources.files.objects import open_bucket

SETTINGS = Settings(_env_file=None, boss4_prefix="boss4,ncric", scso_prefix="scso", boss4_timezone="US/Pacific")


def test_feeds_are_made_of_the_settings() -> None:
    assert feeds(SETTINGS) == {
        "boss4": feed_of("boss4", "BOSS4", ("boss4/", "ncric/"), "US/Pacific", ""),
        "scso": feed_of("scso", "SCSO", ("scso/",), "UTC", "_SCSO"),
    }


def feed_of(job: str, datasource: str, prefixes: tuple[str, ...], zone: str, id_suffix: str) -> FileFeed:
    return FileFeed(
        job=job,
        datasource=datasource,
        prefixes=prefixes,
        zone=ZoneInfo(zone),
        id_suffix=id_suffix,
        keep_days=365,
        batch_size=50_000,
        threads=8,
        place=SETTINGS.bucket,
        bucket=lambda: open_bucket(SETTINGS),
    )


def test_feed_is_named_in_any_case() -> None:
    there = feeds(SETTINGS)
    assert feed_named("BOSS4", there) is there["boss4"]
    assert feed_named("scso", there) is there["scso"]


@pytest.mark.parametrize("name", ["boss", "", "flock", "files-catchup"])
def test_feed_of_no_such_name_is_refused_with_the_names_there_are(name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        feed_named(name, feeds(SETTINGS))
    assert str(caught.value) == f"there is no job {name!r}; the jobs are boss4, scso, files-catchup"


def test_datasources_are_those_that_name_tables_may_use() -> None:
    assert datasources(SETTINGS) == ["BOSS4", "SCSO", "FLOCK"]
