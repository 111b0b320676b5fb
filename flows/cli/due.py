"""The demo's day, faster than real time: the runs that are due in it are launched as simulated time passes."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from prefect.server.schemas.schedules import SCHEDULE_TYPES
from pydantic import TypeAdapter

from flows.schedule import plain
from ncric_core.cli.app import say
from ncric_core.errors import ServiceError
from ncric_core.job_state import is_paused
from ncric_core.launch import deployment_named
from ncric_core.prefect_api import Item, PrefectApi, prefect_api
from ncric_core.settings import Settings
from ncric_core.simulate.feed import Clock

FRESHNESS: Final = "freshness"
"""The one schedule that rests meanwhile: in real time, every feed is as late as the simulated day is behind."""

TAGS: Final = ("simulated time",)


@dataclass(slots=True)
class DueRuns:
    """The runs that Prefect's own schedules do not make, as their times have passed already."""

    api: PrefectApi
    clock: Clock
    since: datetime
    over: bool = False

    def launch(self) -> None:
        """Launches what has become due since the last time, each with the time that it was due at; nothing any more
        once simulated time has caught up: from then on the schedules do it. To do it again launches nothing twice."""
        if self.over:
            return
        now, caught_up = self.clock.now(), self.clock.caught_up
        try:
            for due, deployment in due_between(self.api.deployments(), self.since, now):
                key = f"simulated {self.clock.begun.isoformat()} {deployment['id']} {due.isoformat()}"
                self.api.start(deployment["id"], {}, TAGS, due=due, key=key)
            self.since = now
            if caught_up:
                self.close()
                say("simulated time has caught up: the schedules take over")
        except ServiceError as error:
            say(f"due runs are launched later: {error}")

    def close(self) -> None:
        """Hands over to the schedules."""
        self.api.pause(deployment_named(self.api, FRESHNESS)["id"], paused=False)
        self.over = True


@contextmanager
def due_runs(settings: Settings, clock: Clock) -> Iterator[DueRuns]:
    """What launches the runs of simulated time. The schedules take over at its end, however it ends. Raises
    ServiceError if Prefect cannot be reached."""
    with prefect_api(settings) as api:
        runs = DueRuns(api, clock, clock.start)
        api.pause(deployment_named(api, FRESHNESS)["id"], paused=True)
        try:
            yield runs
        finally:
            if not runs.over:
                runs.close()


def due_between(deployments: Iterable[Item], since: datetime, until: datetime) -> list[tuple[datetime, Item]]:
    """The times in [since, until), UTC, at which the schedules of these deployments are due, the earliest first. Those
    of a deployment that a person has paused are not."""
    found = []
    for one in deployments:
        if one["name"] == FRESHNESS or not is_paused(one):
            for item in one["schedules"]:
                found += [(due, one) for due in _times(item["schedule"], since, until)]
    return sorted(found, key=lambda pair: (pair[0], pair[1]["name"]))


def _times(schedule: Item, since: datetime, until: datetime) -> list[datetime]:
    """The times of a schedule as Prefect itself reads it."""
    read = TypeAdapter(SCHEDULE_TYPES).validate_python(schedule)
    return [plain(time) for time in asyncio.run(read.get_dates(start=since, end=until)) if time < until]
