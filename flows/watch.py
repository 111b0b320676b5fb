"""Runs that died with their worker: found by their heartbeat, and marked as crashed so that the next one can start."""

from datetime import timedelta
from typing import Final

from prefect.automations import AutomationCore
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.events import EventTrigger, Posture
from prefect.events.actions import ChangeFlowRunState

NAME: Final = "dead runs"
SILENT_FOR: Final = timedelta(seconds=90)
"""Three heartbeats (pyproject.toml, [tool.prefect.flows]); with the server's own delay a dead run is known within two
minutes."""

_HEARTBEAT: Final = "prefect.flow-run.heartbeat"
_ENDS: Final = ("Completed", "Failed", "Cancelled", "Crashed", "Paused", "Suspended", "AwaitingRetry")


def ensure_watch() -> bool:
    """Makes or renews the server's automation that marks a run as crashed whose heartbeat has stopped; gives whether it
    was made new.

    A run whose process is killed is reported by its worker; where both are killed nobody would, and its deployment's
    one slot would stay taken.
    """
    wanted = AutomationCore(
        name=NAME,
        description="Marks a run as crashed whose heartbeat has stopped: its process and its worker are gone.",
        trigger=EventTrigger(
            after={_HEARTBEAT},
            expect={_HEARTBEAT, *(f"prefect.flow-run.{state}" for state in _ENDS)},
            match={"prefect.resource.id": "prefect.flow-run.*"},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=SILENT_FOR,
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                message="The run's heartbeat stopped: its process and its worker are gone. What it had loaded is kept; "
                "the next run or files-catchup loads the rest.",
            )
        ],
    )
    with get_client(sync_client=True) as client:
        there = client.read_automations_by_name(NAME)
        if there:
            client.update_automation(there[0].id, wanted)
        else:
            client.create_automation(wanted)
    return not there
