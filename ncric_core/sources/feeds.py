"""The table of the feeds that arrive as files: one row a source, and nothing else in the code knows them by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from ncric_core.agencies import FLOCK
from ncric_core.errors import SettingsError
from ncric_core.settings import Settings


@dataclass(frozen=True, slots=True)
class Feed:
    """A source of LPR files: its tag, the folders it arrives in, its zone, and what it adds to derived ids."""

    datasource: str
    prefixes: tuple[str, ...]
    zone: ZoneInfo
    id_suffix: str  # of cameras and agencies; a read's id always ends in _<datasource> (feeds.md, section 1)


def lpr_feeds(settings: Settings) -> dict[str, Feed]:
    """The LPR feeds by job name (`boss4`, `scso`)."""
    return {
        "boss4": Feed("BOSS4", settings.boss4_prefix, ZoneInfo(settings.boss4_timezone), ""),
        "scso": Feed("SCSO", settings.scso_prefix, ZoneInfo(settings.scso_timezone), "_SCSO"),
    }


def datasources(settings: Settings) -> list[str]:
    """The tags that name tables may use: those of the LPR feeds, and Flock's."""
    return [*(feed.datasource for feed in lpr_feeds(settings).values()), FLOCK]


def feed_named(job: str, feeds: dict[str, Feed]) -> Feed:
    """The feed of a job. Raises SettingsError if there is none of that name."""
    try:
        return feeds[job.lower()]
    except KeyError:
        raise SettingsError(f"there is no job {job!r}; the jobs are {_listed([*feeds, 'files-catchup'])}") from None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
