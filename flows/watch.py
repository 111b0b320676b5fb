"""Automations of the Prefect server that mark runs as crashed when their heartbeats stop, so that the next run can
start."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from prefect.automations import AutomationCore
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import StateType
from prefect.events import EventTrigger, Posture
from prefect.events.actions import ChangeFlowRunState
from prefect.exceptions import ObjectNotFound

from ncric_core.settings import read_settings

SILENT_FOR: Final = timedelta(seconds=90)
"""Three heartbeats (pyproject.toml, [tool.prefect.flows]). With the server's own delay a dead run is found within two
minutes."""

BEGINS_WITHIN: Final = {"process": timedelta(seconds=105)}
"""Time in which a run begins after a worker has taken it, by type of work pool. A process needs 10 s on a quiet machine
and a minute on a busy one."""
MACHINE_WITHIN: Final = timedelta(minutes=10)  # for other types, such as ECS, where a machine has to be found first

_RUNS: Final = "prefect.flow-run."
_HEARTBEAT: Final = f"{_RUNS}heartbeat"
_RUNNING: Final = f"{_RUNS}Running"
_TAKEN: Final = {f"{_RUNS}{state}" for state in ("Pending", "Submitting", "InfrastructurePending")}
_PUT_BACK: Final = {f"{_RUNS}{state}" for state in ("Scheduled", "Late", "AwaitingRetry", "AwaitingConcurrencySlot")}
_ENDS: Final = {f"{_RUNS}{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed", "Paused", "Suspended")}


def ensure_watch(silent_for: timedelta = SILENT_FOR, begins_within: timedelta | None = None) -> bool:
    """Creates or updates the server's automations that mark silent runs as crashed. Returns whether one was created.

    By default `begins_within` depends on the type of the settings' work pool. If only a run's process is killed, its
    worker reports it. If the worker is killed too, nobody reports it. Without the automations such a run, whether it
    had begun or not, would keep its slots in its deployment and its queue.
    """
    with get_client(sync_client=True) as client:
        within = begins_within or BEGINS_WITHIN.get(_pool_type(client), MACHINE_WITHIN)
        wanted = (
            _watch(
                "dead runs",
                after={_HEARTBEAT, _RUNNING},
                expect={_HEARTBEAT, *_PUT_BACK, *_ENDS},
                within=silent_for,
                message="The run's heartbeat stopped: its process and its worker are gone. What it had loaded is "
                "kept; the next run or files-catchup loads the rest.",
            ),
            _watch(
                "runs that never began",
                after=_TAKEN,
                expect={_RUNNING, _HEARTBEAT, *_PUT_BACK, *_ENDS},
                within=within,
                message=f"A worker took the run, which did not begin within {within.total_seconds():.0f} s: the "
                "worker is gone, or its machine could not be had. The next run or files-catchup loads what is due.",
            ),
        )
        made = [_ensure(client, one) for one in wanted]
    return any(made)


def _watch(
    name: str, *, after: Iterable[str], expect: Iterable[str], within: timedelta, message: str
) -> AutomationCore:
    return AutomationCore(
        name=name,
        description="Marks a run as crashed of which nothing is heard any more.",
        trigger=EventTrigger(
            after=set(after),
            expect=set(expect),
            match={"prefect.resource.id": "prefect.flow-run.*"},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=within,
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message=message)],
    )


def _ensure(client: SyncPrefectClient, wanted: AutomationCore) -> bool:
    there = client.read_automations_by_name(wanted.name)
    if there:
        client.update_automation(there[0].id, wanted)
    else:
        client.create_automation(wanted)
    return not there


def _pool_type(client: SyncPrefectClient) -> str:
    try:
        return client.read_work_pool(read_settings().work_pool).type
    except ObjectNotFound:  # the pool is not created yet
        return "process"
