"""Brings the deployments of prefect.yaml, their single source, to a Prefect server, and compares them with it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from ncric_core.errors import SettingsError
from ncric_core.jobs.prefect_api import Item
from ncric_core.jobs.state import is_paused

RULES: Final = ("cron", "interval", "rrule")

DEPLOY: Final = ("--no-prompt", "deploy", "--all", "--prefect-file")
"""Arguments of `prefect`. The file of `write_for_deploy` follows."""

DEMO_PAUSE: Final = "paused by the demo"
"""The tag of a deployment that `ncric up --feeds demo` has paused. Such a pause ends with the demo."""


def write_for_deploy(folder: Path, there: Iterable[Item], at: Path) -> Path:
    """Writes prefect.yaml as it is to be deployed: what a person has paused on the server stays paused.

    Prefect itself resumes every deployment for which the file does not say that it is paused. The pause of a demo, even
    of one that was killed, ends here. Returns the file, in the folder `at`. Raises SettingsError if prefect.yaml cannot
    be read.
    """
    content = _content(folder)
    paused = {one["name"] for one in there if is_paused(one) and DEMO_PAUSE not in one["tags"]}
    for one in content["deployments"]:
        one["paused"] = one["name"] in paused
    file = at / "deploy.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return file


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule of a deployment."""

    rule: str
    zone: str
    active: bool

    def __str__(self) -> str:
        return f"{self.rule} {self.zone}{'' if self.active else ' (paused)'}"


@dataclass(frozen=True, slots=True)
class Deployment:
    """The parts of a deployment that decide what runs when."""

    name: str
    schedules: frozenset[Schedule]
    parameters: Mapping[str, Any]
    concurrency: tuple[int, str] | None  # how many runs at once, and the strategy for one more


def wanted(folder: Path) -> list[Deployment]:
    """Reads the deployments of prefect.yaml. Raises SettingsError if it cannot be read."""
    return [_wanted(item) for item in _content(folder)["deployments"]]


def _content(folder: Path) -> dict[str, Any]:
    path = folder / "prefect.yaml"
    try:
        content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        list(map(_wanted, content["deployments"]))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(f"{path} cannot be read as deployments: {' '.join(str(error).split())}") from None
    return content


def _wanted(item: Mapping[str, Any]) -> Deployment:
    given = item.get("schedules") or ([item["schedule"]] if item.get("schedule") else [])
    return Deployment(
        item["name"],
        frozenset(_schedule(one, active=one.get("active", True)) for one in given),
        item.get("parameters") or {},
        _concurrency(item.get("concurrency_limit")),
    )


def on_server(item: Mapping[str, Any]) -> Deployment:
    """Reads a deployment as the REST API returns it."""
    limit = item.get("global_concurrency_limit") or {}
    options = item.get("concurrency_options") or {}
    return Deployment(
        item["name"],
        frozenset(_schedule(one["schedule"], active=one["active"]) for one in item["schedules"]),
        item.get("parameters") or {},
        _concurrency({"limit": limit.get("limit"), **options}),
    )


def _schedule(given: Mapping[str, Any], *, active: bool) -> Schedule:
    rule = next((f"{kind} {given[kind]}" for kind in RULES if given.get(kind) is not None), "none")
    return Schedule(rule.removeprefix("cron "), given.get("timezone") or "UTC", active)


def _concurrency(given: object) -> tuple[int, str] | None:
    match given:
        case {"limit": int(limit), **options}:
            return limit, str(options.get("collision_strategy") or "ENQUEUE")
        case int():
            return given, "ENQUEUE"
        case _:
            return None


def differences(ours: list[Deployment], theirs: list[Deployment]) -> Iterator[str]:
    """Describes each difference in a line: missing on the server, not in prefect.yaml, or not the same."""
    there = {one.name: one for one in theirs}
    for one in ours:
        if one.name not in there:
            yield f"{one.name} is missing on the server"
        else:
            yield from (f"{one.name}: {text}" for text in _differing(one, there[one.name]))
    for name in sorted(there.keys() - {one.name for one in ours}):
        yield f"{name} is on the server and not in prefect.yaml"


def _differing(ours: Deployment, theirs: Deployment) -> Iterator[str]:
    if ours.schedules != theirs.schedules:
        yield f"schedule {_listed(theirs.schedules)} instead of {_listed(ours.schedules)}"
    for name in sorted(ours.parameters.keys() | theirs.parameters.keys()):
        if ours.parameters.get(name) != theirs.parameters.get(name):
            yield f"parameter {name} is {theirs.parameters.get(name)!r} instead of {ours.parameters.get(name)!r}"
    if ours.concurrency != theirs.concurrency:
        yield f"concurrency {_limit(theirs)} instead of {_limit(ours)}"


def _listed(schedules: frozenset[Schedule]) -> str:
    return ", ".join(sorted(map(str, schedules))) or "none"


def _limit(deployment: Deployment) -> str:
    return "without limit" if deployment.concurrency is None else "{} {}".format(*deployment.concurrency)
