"""The table of feeds: from settings, and by name."""

from zoneinfo import ZoneInfo

import pytest

from ncric_core.errors import SettingsError
from ncric_core.settings import Settings
from ncric_core.sources.feeds import Feed, datasources, feed_named, lpr_feeds

SETTINGS = Settings(_env_file=None, boss4_prefix="boss4,ncric", scso_prefix="scso", boss4_timezone="US/Pacific")


def test_feeds_are_made_of_the_settings() -> None:
    assert lpr_feeds(SETTINGS) == {
        "boss4": Feed("BOSS4", ("boss4/", "ncric/"), ZoneInfo("US/Pacific"), ""),
        "scso": Feed("SCSO", ("scso/",), ZoneInfo("UTC"), "_SCSO"),
    }


def test_feed_is_named_in_any_case() -> None:
    feeds = lpr_feeds(SETTINGS)
    assert feed_named("BOSS4", feeds) is feeds["boss4"]
    assert feed_named("scso", feeds) is feeds["scso"]


@pytest.mark.parametrize("name", ["boss", "", "flock", "files-catchup"])
def test_feed_of_no_such_name_is_refused_with_the_names_there_are(name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        feed_named(name, lpr_feeds(SETTINGS))
    assert str(caught.value) == f"there is no job {name!r}; the jobs are boss4, scso, files-catchup"


def test_datasources_are_those_that_name_tables_may_use() -> None:
    assert datasources(SETTINGS) == ["BOSS4", "SCSO", "FLOCK"]
