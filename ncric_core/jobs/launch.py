"""Launches the runs that a person asks for: a job again for a window (rerun), or a long window in slices (backfill)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from ncric_core.errors import SettingsError
from ncric_core.jobs.named import run_name
from ncric_core.jobs.prefect_api import ENDED, Item, PrefectApi
from ncric_core.windows import Window, slices

BACKFILL: Final = "backfill"  # the deployment that runs a backfill's slices; it has no schedule
TAG: Final = "backfill: "  # the beginning of a backfill's tag
RERUN_TAGS: Final = ("rerun",)


def deployment_named(api: PrefectApi, name: str) -> Item:
    """Returns the deployment with this name. Raises SettingsError, which lists the existing names, if there is none."""
    there = api.deployments()
    for one in there:
        if one["name"] == name:
            return one
    names = ", ".join(one["name"] for one in there) or "none; `ncric deploy` creates them"
    raise SettingsError(f"there is no deployment {name!r}: there are {names}")


def takes_window(deployment: Item) -> bool:
    """Returns whether a person can choose the window that a deployment's run covers."""
    return "feed" in _parameters(deployment)


def takes_dry_run(deployment: Item) -> bool:
    """Returns whether a deployment's runs can be told to load nothing."""
    return "dry_run" in _parameters(deployment)


def _parameters(deployment: Item) -> Collection[str]:
    schema: Item = deployment.get("parameter_openapi_schema") or {}
    return dict(schema.get("properties", {}))


def rerun_parameters(
    deployment: Item,
    window: Window | None,
    *,
    agencies: Sequence[str] = (),
    exclude: Sequence[str] = (),
    dry_run: bool = False,
    force: bool = False,
) -> dict[str, Any]:
    """Returns the parameters with which a run of a deployment covers the chosen window.

    `agencies` replaces the deployment's own agencies; `exclude` is added to those that it leaves out already. Raises
    SettingsError if the deployment takes no window, if it needs one, or if it takes only certain agencies and some are
    to be left out.
    """
    name, own = deployment["name"], deployment["parameters"]
    if name == BACKFILL:
        raise SettingsError("a backfill has slices: launch it with `ncric backfill`")
    if not takes_window(deployment):
        if window or agencies or exclude or force:
            raise SettingsError(f"{name} runs as it is: leave out window, agencies and --force")
        if dry_run and not takes_dry_run(deployment):
            raise SettingsError(f"{name} has no dry run")
        return {"dry_run": dry_run} if takes_dry_run(deployment) else {}
    if window is None:
        raise SettingsError(f"{name} needs a window: give --start and --end, as 2022-10-11T08:00 (UTC)")
    _check_agencies(agencies, exclude)
    chosen: dict[str, Any] = {}
    if agencies:
        chosen = {"agencies": list(agencies), "exclude": []}
    elif exclude:
        if own.get("agencies"):
            raise SettingsError(f"{name} takes only {', '.join(own['agencies'])}: nobody can be left out of it")
        chosen = {"exclude": [*own.get("exclude", []), *exclude]}
    return {"dry_run": dry_run, **_window_parameters(window), "force": force, **chosen}


def _check_agencies(agencies: Sequence[str], exclude: Sequence[str]) -> None:
    if agencies and exclude:
        raise SettingsError("choose the agencies to take, or those to leave out, not both")


@dataclass(frozen=True, slots=True)
class Backfill:
    """A long window of a feed, to be loaded in slices of `hours` hours, each slice by its own run.

    Raises SettingsError if agencies are both chosen and left out.
    """

    feed: str
    whole: Window
    hours: int
    agencies: Sequence[str] = ()
    exclude: Sequence[str] = ()
    dry_run: bool = False

    def __post_init__(self) -> None:
        _check_agencies(self.agencies, self.exclude)

    @property
    def title(self) -> str:
        """The backfill's name for people."""
        return run_name(self.feed, self.whole, self.agencies, self.exclude, dry_run=self.dry_run)

    @property
    def tag(self) -> str:
        """The tag by which its runs are found, so that the same backfill launched again continues where it stopped."""
        return f"{TAG}{self.title}, {self.hours} h"

    @property
    def parts(self) -> list[Window]:
        """The slices, in order of time."""
        return slices(self.whole, timedelta(hours=self.hours))

    def launch(self, api: PrefectApi, at_once: int) -> list[Item]:
        """Launches the slices, of which at most `at_once` run at the same time. Returns their runs.

        Slices that are loaded, waiting or running are left alone. Failed, crashed or cancelled ones are launched again.
        """
        deployment, runs = deployment_named(api, BACKFILL), dict(Begun.of(self.tag, api.tagged(self.tag)).runs)
        api.limit_queue(deployment["work_queue_name"], at_once)
        chosen = {"agencies": list(self.agencies), "exclude": list(self.exclude), "dry_run": self.dry_run}
        for part in self.parts:
            given = {"feed": self.feed, **_window_parameters(part), **chosen}
            earlier = runs.get(given["start"])
            if earlier is None or has_ended_badly(earlier):
                name = run_name(self.feed, part, self.agencies, self.exclude, dry_run=self.dry_run)
                runs[given["start"]] = api.start(deployment["id"], given, [BACKFILL, self.tag], name)
        return list(runs.values())

    def stop(self, api: PrefectApi) -> int:
        """Cancels the runs that have not ended. Returns how many they are."""
        return Begun.of(self.tag, api.tagged(self.tag)).stop(api)


@dataclass(frozen=True, slots=True)
class Begun:
    """A backfill that was launched. `runs` has the latest run of each slice, by the slice's start (ISO 8601)."""

    tag: str
    runs: Mapping[str, Item]

    @classmethod
    def of(cls, tag: str, runs: Sequence[Item]) -> "Begun":
        """Returns the backfill with this tag and these runs, which are in order of time."""
        return cls(tag, {run["parameters"]["start"]: run for run in runs})

    @property
    def title(self) -> str:
        """The backfill's name for people, with the length of its slices."""
        return self.tag.removeprefix(TAG)

    @property
    def loaded(self) -> int:
        """The number of slices that are loaded."""
        return sum(run["state_type"] == "COMPLETED" for run in self.runs.values())

    @property
    def bad(self) -> int:
        """The number of slices whose last run failed, crashed or was cancelled."""
        return sum(map(has_ended_badly, self.runs.values()))

    @property
    def left(self) -> int:
        """The number of slices that are waiting or running."""
        return len(self.runs) - self.loaded - self.bad

    def stop(self, api: PrefectApi) -> int:
        """Cancels the runs that are waiting or running. Returns how many they are."""
        left = [run for run in self.runs.values() if run["state_type"] not in ENDED]
        for run in left:
            api.cancel(run)
        return len(left)

    def go_on(self, api: PrefectApi) -> int:
        """Launches again the slices whose last run ended badly. Returns how many they are."""
        bad = [run for run in self.runs.values() if has_ended_badly(run)]
        for run in bad:
            api.start(run["deployment_id"], run["parameters"], run["tags"], run["name"])
        return len(bad)


def begun_backfills(api: PrefectApi, since: datetime) -> list[Begun]:
    """Returns the backfills with runs that were due after `since`, the latest first."""
    runs: dict[str, list[Item]] = {}
    for run in api.tagged(BACKFILL, since):
        for tag in run["tags"]:
            if tag.startswith(TAG):
                runs.setdefault(tag, []).append(run)
    return [Begun.of(tag, its) for tag, its in reversed(runs.items())]


def has_ended_badly(run: Item) -> bool:
    """Returns whether a run failed, crashed or was cancelled."""
    return run["state_type"] in ENDED - {"COMPLETED"}


def _window_parameters(part: Window) -> dict[str, Any]:
    return {"covers": None, "start": part.start.isoformat(), "end": part.end.isoformat()}
