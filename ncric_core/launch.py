"""Runs that a person starts, by a command or on a page: a job once more for a window, and a long window in slices."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from ncric_core.errors import SettingsError
from ncric_core.jobs import CATCHUP, run_name
from ncric_core.prefect_api import ENDED, Item, PrefectApi
from ncric_core.windows import Window, slices

BACKFILL: Final = "backfill"  # the deployment of its slices, which has no schedule
RERUN_TAGS: Final = ("rerun",)


def deployment_named(api: PrefectApi, name: str) -> Item:
    """The deployment of a name. Raises SettingsError with the names that there are."""
    there = api.deployments()
    for one in there:
        if one["name"] == name:
            return one
    names = ", ".join(one["name"] for one in there) or "none; `ncric deploy` brings them"
    raise SettingsError(f"there is no deployment {name!r}: there are {names}")


def rerun_parameters(
    deployment: str, window: Window | None, *, agencies: Sequence[str] = (), dry_run: bool = False, force: bool = False
) -> dict[str, Any]:
    """What a run of a deployment is given to cover a window of a person's choice; agencies go before its own.

    Raises SettingsError where the deployment takes no window, or needs one.
    """
    if deployment == CATCHUP:
        if window or agencies or force:
            raise SettingsError(f"{CATCHUP} takes the whole bucket: leave out window, agencies and --force")
        return {"dry_run": dry_run}
    if window is None:
        raise SettingsError(f"{deployment} needs a window: give --start and --end, as 2022-10-11T08:00 (UTC)")
    chosen: dict[str, Any] = {"agencies": list(agencies), "exclude": []} if agencies else {}
    return {"dry_run": dry_run, **_window_parameters(window), "force": force, **chosen}


@dataclass(frozen=True, slots=True)
class Backfill:
    """A long window of a feed, to be loaded in slices of so many hours, each a run of its own."""

    feed: str
    whole: Window
    hours: int
    agencies: Sequence[str] = ()
    exclude: Sequence[str] = ()

    @property
    def title(self) -> str:
        """What it is called."""
        return run_name(self.feed, self.whole, self.agencies, self.exclude, dry_run=False)

    @property
    def tag(self) -> str:
        """What its runs are found by, so that the same backfill asked for again goes on where it was."""
        return f"backfill: {self.title}, {self.hours} h"

    @property
    def parts(self) -> list[Window]:
        """Its slices, in order of time."""
        return slices(self.whole, timedelta(hours=self.hours))

    def runs(self, api: PrefectApi) -> dict[str, Item]:
        """Its runs by the start of their slices; of several of a slice, the latest."""
        return {run["parameters"]["start"]: run for run in api.tagged(self.tag)}

    def launch(self, api: PrefectApi, at_once: int) -> list[Item]:
        """Has the slices run, at most so many at once; gives their runs. Slices that were loaded, wait or run are left
        alone, failed and cancelled ones are launched again."""
        deployment, runs = deployment_named(api, BACKFILL), self.runs(api)
        api.limit_queue(deployment["work_queue_name"], at_once)
        chosen = {"agencies": list(self.agencies), "exclude": list(self.exclude)}
        for part in self.parts:
            given = {"feed": self.feed, **_window_parameters(part), **chosen}
            earlier = runs.get(given["start"])
            if earlier is None or earlier["state_type"] in ENDED - {"COMPLETED"}:
                runs[given["start"]] = api.start(deployment["id"], given, tags=[BACKFILL, self.tag])
        return list(runs.values())

    def stop(self, api: PrefectApi) -> int:
        """Cancels what is left of it; gives how many runs."""
        left = [run for run in self.runs(api).values() if run["state_type"] not in ENDED]
        for run in left:
            api.cancel(run)
        return len(left)


def _window_parameters(part: Window) -> dict[str, Any]:
    return {"covers": None, "start": part.start.isoformat(), "end": part.end.isoformat()}
