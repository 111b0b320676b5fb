"""Launches the runs that are due in simulated time, which passes faster than real time (`ncric up --feeds demo`)."""

import asyncio
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from prefect.server.schemas.schedules import SCHEDULE_TYPES
from pydantic import TypeAdapter

from flows.cli.deployments import DEMO_PAUSE
from flows.schedule import plain
from ncric_core.cli.app import say
from ncric_core.errors import ServiceError
from ncric_core.jobs.launch import deployment_named
from ncric_core.jobs.prefect_api import ENDED, Item, PrefectApi, prefect_api
from ncric_core.jobs.state import is_paused
from ncric_core.settings import Settings
from ncric_core.simulate.feed import Clock

FRESHNESS: Final = "freshness"
"""The one schedule that is paused meanwhile. Simulated time is behind, so by real time every feed would be late."""

TAG: Final = "simulated time"
LAUNCH_EVERY: Final = 1.0  # seconds, and how late runs are launched: files from before their time are written by then


@dataclass(slots=True)
class DueRuns:
    """The runs that Prefect's own schedules do not create, because their times have passed already."""

    api: PrefectApi
    clock: Clock
    since: datetime
    waiting: list[tuple[datetime, Item]] = field(default_factory=list)
    caught_up: bool = False  # with real time: from now on the schedules create the runs
    over: bool = False

    def launch(self) -> None:
        """Launches the runs that have become due since the last call, each with the time at which it was due.

        The runs of a deployment are launched one after the other. Calling it again launches nothing twice. When
        simulated time has caught up and all runs are launched, the schedules take over.

        Runs wait here, not at the server: there, each run that waits for its deployment's one slot asks for it every
        five seconds, and a hundred may wait when a day passes in minutes.
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
        """Adds the runs that have become due to those that wait."""
        caught_up = self.clock.caught_up
        until = self.clock.now() - timedelta(seconds=0 if caught_up else LAUNCH_EVERY * self.clock.speed)
        if until > self.since:
            self.waiting += due_between(self.api.deployments(), self.since, until)
            self.since, self.caught_up = until, caught_up

    def _launch_first(self) -> None:
        """Launches, of each deployment without such a run under way, the run that has waited longest."""
        under_way = {run["deployment_id"] for run in self.api.tagged(TAG, ended=False)}
        for one in list(self.waiting):
            due, deployment = one
            if deployment["id"] not in under_way:
                key = f"simulated {self.clock.begun.isoformat()} {deployment['id']} {due.isoformat()}"
                run = self.api.start(deployment["id"], {}, [TAG], due=due, key=key)
                self.waiting.remove(one)
                if run["state_type"] not in ENDED:  # else it was launched before, with the same key, and has ended
                    under_way.add(deployment["id"])

    def close(self) -> None:
        """Resumes the schedule that the demo has paused, unless a person has done it."""
        one = deployment_named(self.api, FRESHNESS)
        if DEMO_PAUSE in one["tags"]:
            self.api.pause(one["id"], paused=False, tags=[tag for tag in one["tags"] if tag != DEMO_PAUSE])
        self.over = True


@contextmanager
def due_runs(settings: Settings, clock: Clock) -> Iterator[None]:
    """Launches the runs of simulated time in a thread. However it ends, the schedules go on after it.

    If the process is killed, the next `ncric up` resumes what it had paused. Raises ServiceError if Prefect cannot be
    reached.
    """
    with prefect_api(settings) as api:
        runs, ended = DueRuns(api, clock, clock.start), threading.Event()
        one = deployment_named(api, FRESHNESS)
        if not is_paused(one):
            api.pause(one["id"], paused=True, tags=[*one["tags"], DEMO_PAUSE])
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
    """Lists the times in [since, until), UTC, at which schedules of these deployments are due, the earliest first.
    Deployments that a person has paused are left out."""
    found = []
    for one in deployments:
        if not is_paused(one) or DEMO_PAUSE in one["tags"]:
            for item in one["schedules"]:
                found += [(due, one) for due in _times(item["schedule"], since, until)]
    return sorted(found, key=lambda pair: (pair[0], pair[1]["name"]))


def _times(schedule: Item, since: datetime, until: datetime) -> list[datetime]:
    """Lists the times of a schedule, as Prefect itself works them out."""
    read = TypeAdapter(SCHEDULE_TYPES).validate_python(schedule)
    return [plain(time) for time in asyncio.run(read.get_dates(start=since, end=until)) if time < until]
