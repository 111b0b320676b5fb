"""The demo's day, faster than real time: the runs that are due in it are launched as simulated time passes."""

import asyncio
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from prefect.server.schemas.schedules import SCHEDULE_TYPES
from pydantic import TypeAdapter

from flows.schedule import plain
from ncric_core.cli.app import say
from ncric_core.errors import ServiceError
from ncric_core.jobs.launch import deployment_named
from ncric_core.jobs.prefect_api import ENDED, Item, PrefectApi, prefect_api
from ncric_core.jobs.state import is_paused
from ncric_core.settings import Settings
from ncric_core.simulate.feed import Clock

FRESHNESS: Final = "freshness"
"""The one schedule that rests meanwhile: in real time, every feed is as late as the simulated day is behind."""

TAG: Final = "simulated time"
LAUNCH_EVERY: Final = 1.0  # seconds; by then the files that are to be there when a run begins are written


@dataclass(slots=True)
class DueRuns:
    """The runs that Prefect's own schedules do not make, as their times have passed already."""

    api: PrefectApi
    clock: Clock
    since: datetime
    waiting: list[tuple[datetime, Item]] = field(default_factory=list)
    caught_up: bool = False  # what becomes due now, the schedules do
    over: bool = False

    def launch(self) -> None:
        """Launches what has become due since the last time, each with the time that it was due at, of each deployment
        one after the other. The schedules take over when simulated time has caught up, and all are launched. To do it
        again launches nothing twice.

        They wait here, not at the server: each that waits for its deployment's one slot there asks for it every five
        seconds, and of a day's runs in minutes a hundred can wait.
        """
        if self.over:
            return
        try:
            if not self.caught_up:
                self._look()
            self._launch_first()
            if self.caught_up and not self.waiting:
                self.close()
                say("simulated time has caught up: the schedules take over")
        except ServiceError as error:
            say(f"due runs are launched later: {error}")

    def _look(self) -> None:
        """Finds what has become due."""
        caught_up = self.clock.caught_up
        until = self.clock.now() - timedelta(seconds=0 if caught_up else LAUNCH_EVERY * self.clock.speed)
        if until > self.since:
            self.waiting += due_between(self.api.deployments(), self.since, until)
            self.since, self.caught_up = until, caught_up

    def _launch_first(self) -> None:
        """Of each deployment of which no such run is under way, the one that has waited longest."""
        under_way = {run["deployment_id"] for run in self.api.tagged(TAG, ended=False)}
        for one in list(self.waiting):
            due, deployment = one
            if deployment["id"] not in under_way:
                key = f"simulated {self.clock.begun.isoformat()} {deployment['id']} {due.isoformat()}"
                run = self.api.start(deployment["id"], {}, [TAG], due=due, key=key)
                self.waiting.remove(one)
                if run["state_type"] not in ENDED:  # by the same key it is the run that was launched before
                    under_way.add(deployment["id"])

    def close(self) -> None:
        """Hands over to the schedules."""
        self.api.pause(deployment_named(self.api, FRESHNESS)["id"], paused=False)
        self.over = True


@contextmanager
def due_runs(settings: Settings, clock: Clock) -> Iterator[None]:
    """Launches the runs of simulated time, in a thread. The schedules take over at its end, however it ends. Raises
    ServiceError if Prefect cannot be reached."""
    with prefect_api(settings) as api:
        runs, ended = DueRuns(api, clock, clock.start), threading.Event()
        api.pause(deployment_named(api, FRESHNESS)["id"], paused=True)
        thread = threading.Thread(target=_keep_launching, args=(runs, ended), name="due runs")
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            if not runs.over:
                runs.close()


def _keep_launching(runs: DueRuns, ended: threading.Event) -> None:
    while not runs.over and not ended.wait(LAUNCH_EVERY):
        runs.launch()


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
