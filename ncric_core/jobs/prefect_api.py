"""A client of Prefect's REST API, for commands, flows and the console. Importing prefect itself takes seconds."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from uuid import uuid4

import httpx
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_chain, wait_fixed

from ncric_core.errors import ServiceError
from ncric_core.jobs.prefect_access import access
from ncric_core.settings import Settings

PAUSES: Final = (0.5, 1, 2, 4)
"""Seconds before a busy server is asked again. With SQLite it is busy whenever two clients write at once."""

BUSY: Final = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE)

PAGE: Final = 200  # the most items that Prefect returns at once

ENDED: Final = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})
"""The types of the states that a run does not leave by itself."""

Item = dict[str, Any]


def _may_pass(error: BaseException) -> bool:
    """Whether to ask again after an error: no answer came in time, or the server says that it is busy."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in BUSY
    return isinstance(error, httpx.TimeoutException)


@dataclass(frozen=True, slots=True)
class PrefectApi:
    """A Prefect server. Every method raises ServiceError if the server cannot be reached or refuses."""

    url: str
    client: httpx.Client
    pool: str

    def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> httpx.Response:
        """Sends a request and returns its answer, even if that is 404. Asks again while the server is busy."""
        try:
            return self._request(method, path, body)
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            if status == httpx.codes.UNAUTHORIZED:
                raise ServiceError(
                    f"Prefect at {self.url} wants another password: set PREFECT_API_AUTH_STRING (user:password) or "
                    f"PREFECT_API_KEY"
                ) from None
            raise ServiceError(f"Prefect at {self.url} answers {status} to {method} {path}") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ServiceError(
                f"Prefect cannot be reached at {self.url} ({type(error).__name__}): start it with `ncric up`, or set "
                f"PREFECT_API_URL"
            ) from None

    @retry(
        retry=retry_if_exception(_may_pass),
        wait=wait_chain(*map(wait_fixed, PAUSES)),
        stop=stop_after_attempt(len(PAUSES) + 1),
        reraise=True,
    )
    def _request(self, method: str, path: str, body: Mapping[str, object] | None) -> httpx.Response:
        answer = self.client.request(method, f"{self.url}{path}", json=body)
        if answer.is_error and answer.status_code != httpx.codes.NOT_FOUND:
            answer.raise_for_status()
        return answer

    def time(self) -> datetime:
        """Returns the time of the server's clock. Raises ServiceError if the server is not healthy."""
        answer = self.ask("GET", "/health")
        if answer.status_code == httpx.codes.NOT_FOUND or answer.json() is not True:
            raise ServiceError(f"the server at {self.url} is not a healthy Prefect server")
        return parsedate_to_datetime(answer.headers["Date"]) if "Date" in answer.headers else datetime.now(UTC)

    def server_settings(self) -> Item:
        """Returns the server's settings, nested by section; empty if the server does not show them."""
        answer = self.ask("GET", "/admin/settings")
        return {} if answer.status_code == httpx.codes.NOT_FOUND else dict(answer.json())

    def is_open(self) -> bool:
        """Returns whether the server answers whoever reaches it, without a password or key."""
        try:
            return not httpx.get(f"{self.url}/admin/version", timeout=30).is_error
        except httpx.HTTPError:
            return False  # it answered a moment ago: the next question tells what is wrong

    def ensure_pool(self, kind: str = "process") -> bool:
        """Makes the work pool if it is missing. Returns whether it was. A worker fills in the pool's job template."""
        if self.ask("GET", f"/work_pools/{self.pool}").status_code != httpx.codes.NOT_FOUND:
            return False
        self.ask("POST", "/work_pools/", {"name": self.pool, "type": kind, "base_job_template": {}})
        return True

    def workers(self) -> list[Item]:
        """Returns the workers of the pool: name, status (ONLINE, OFFLINE), last_heartbeat_time."""
        answer = self.ask("POST", f"/work_pools/{self.pool}/workers/filter", {"limit": PAGE})
        return [] if answer.status_code == httpx.codes.NOT_FOUND else list(answer.json())

    def deployments(self) -> list[Item]:
        """Returns all deployments, in order of name."""
        return self._all("/deployments/filter", {"sort": "NAME_ASC"})

    def latest_runs(self, deployment: str, most: int = 20) -> list[Item]:
        """Returns the runs that began last, the newest first."""
        return self._runs(deployment, "START_TIME_DESC", {"start_time": {"is_null_": False}}, most)

    def last_run(self, deployment: str) -> Item | None:
        """Returns the run that began last."""
        return next(iter(self.latest_runs(deployment, 1)), None)

    def next_run(self, deployment: str) -> Item | None:
        """Returns the run that is to begin next. It may be late already."""
        waiting = {"state": {"type": {"any_": ["SCHEDULED"]}}}
        return next(iter(self._runs(deployment, "EXPECTED_START_TIME_ASC", waiting, 1)), None)

    def run(self, run_id: str) -> Item | None:
        """Returns a run by its id; None if the server does not know it."""
        answer = self.ask("GET", f"/flow_runs/{run_id}")
        return None if answer.is_error else dict(answer.json())

    def runs(self, deployments: Sequence[str], since: datetime, until: datetime | None = None) -> list[Item]:
        """Returns the runs of these deployments that were to begin in [since, until), the newest first.

        Without `until`, they include the runs that are scheduled for the future.
        """
        times = {"after_": since.isoformat()} | ({} if until is None else {"before_": until.isoformat()})
        found = self._all(
            "/flow_runs/filter",
            {
                "deployments": {"id": {"any_": list(deployments)}},
                "flow_runs": {"expected_start_time": times},
                "sort": "EXPECTED_START_TIME_DESC",
            },
        )
        return list({run["id"]: run for run in found}.values())  # a new run moves others to the next page: seen twice

    def logs(self, run: str, most: int = 500) -> list[Item]:
        """Returns the last lines of a run's log, the newest last: level, message, timestamp, name."""
        body = {"logs": {"flow_run_id": {"any_": [run]}}, "sort": "TIMESTAMP_DESC"}
        return self._all("/logs/filter", body, most)[::-1]

    def artifacts(self, run: str) -> list[Item]:
        """Returns a run's artifacts, the newest first: key, type (markdown, table, progress), description, data."""
        body = {"artifacts": {"flow_run_id": {"any_": [run]}}, "sort": "CREATED_DESC"}
        return self._all("/artifacts/filter", body)

    def progress(self, run: str) -> float | None:
        """Returns a run's progress in percent; None if it reports none."""
        told = (one["data"] for one in self.artifacts(run) if one["type"] == "progress")
        return next(map(float, told), None)

    def start(
        self,
        deployment: str,
        parameters: Mapping[str, object],
        tags: Sequence[str],
        name: str | None = None,
        *,
        due: datetime | None = None,
        key: str | None = None,
    ) -> Item:
        """Launches a run of a deployment, and returns it.

        `parameters` replace the deployment's own parameters of the same names. `name` is the run's name until its flow
        sets one; without it, Prefect makes one up. The run is scheduled for `due`, or for now. A second call with the
        same `key` returns the same run.
        """
        at = {} if due is None else {"state_details": {"scheduled_time": due.isoformat()}}
        body = ({"name": name} if name else {}) | {
            "parameters": parameters,
            "tags": list(tags),
            "state": {"type": "SCHEDULED", **at},
            "idempotency_key": key or str(uuid4()),  # a request repeated after a time-out makes no second run
        }
        return dict(self.ask("POST", f"/deployments/{deployment}/create_flow_run", body).json())

    def tagged(self, tag: str, since: datetime | None = None, *, ended: bool = True) -> list[Item]:
        """Returns the runs with a tag, in order of their expected start.

        With `since`, only runs expected to start after it. With `ended` false, only runs that have not ended.
        """
        which: Item = {"tags": {"all_": [tag]}}
        if since is not None:
            which["expected_start_time"] = {"after_": since.isoformat()}
        if not ended:
            which["state"] = {"type": {"not_any_": sorted(ENDED)}}
        return self._all("/flow_runs/filter", {"flow_runs": which, "sort": "EXPECTED_START_TIME_ASC"})

    def cancel(self, run: Item) -> None:
        """Cancels a run. A run that has not begun is cancelled at once; a running one is ended by its worker."""
        kind = "CANCELLING" if run["state_type"] == "RUNNING" else "CANCELLED"
        self.ask("POST", f"/flow_runs/{run['id']}/set_state", {"state": {"type": kind}, "force": False})

    def retry(self, run: Item) -> None:
        """Runs an ended run of a deployment once more, as the same run with the same parameters.

        Raises ServiceError if the run has not ended, or Prefect refuses.
        """
        if run["state_type"] not in ENDED:
            raise ServiceError(f"the run {run['name']} has not ended: it is {run['state_name']}")
        state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retried by a person"}
        done = self.ask("POST", f"/flow_runs/{run['id']}/set_state", {"state": state, "force": False})
        if done.status_code == httpx.codes.NOT_FOUND:
            raise ServiceError(f"there is no run {run['name']} any more")
        answer = done.json()
        if answer["status"] != "ACCEPT":
            why = (answer.get("details") or {}).get("reason") or answer["status"]
            raise ServiceError(f"the run {run['name']} cannot be retried: {why}")

    def pause(self, deployment: str, paused: bool, tags: Sequence[str] | None = None) -> None:
        """Pauses a deployment's schedule, or resumes it. Tags replace the deployment's own in the same step.

        A pause removes the runs that were scheduled. Runs that are late or running stay, and a person can start others.
        Raises ServiceError if there is no such deployment.
        """
        change = {"paused": paused} | ({} if tags is None else {"tags": list(tags)})
        if self.ask("PATCH", f"/deployments/{deployment}", change).status_code == httpx.codes.NOT_FOUND:
            raise ServiceError("there is no such deployment: `ncric deploy` creates it")

    def limit_queue(self, name: str, runs: int) -> None:
        """Limits how many runs of one of the pool's queues run at once."""
        self.ask("PATCH", f"/work_pools/{self.pool}/queues/{name}", {"concurrency_limit": runs})

    def page_of(self, run: Item) -> str:
        """Returns the URL of a run's page in Prefect."""
        return f"{self.url.removesuffix('/api')}/runs/flow-run/{run['id']}"

    def _runs(self, deployment: str, order: str, which: Mapping[str, object], most: int) -> list[Item]:
        body = {"deployments": {"id": {"any_": [deployment]}}, "flow_runs": which, "sort": order, "limit": most}
        return list(self.ask("POST", "/flow_runs/filter", body).json())

    def _all(self, path: str, body: Mapping[str, object], most: int | None = None) -> list[Item]:
        """Returns the items that a filter finds, at most `most`. Asks for them page by page."""
        found: list[Item] = []
        while most is None or len(found) < most:
            limit = PAGE if most is None else min(PAGE, most - len(found))
            page = self.ask("POST", path, {**body, "limit": limit, "offset": len(found)}).json()
            found += page
            if len(page) < limit:
                break
        return found


@contextmanager
def prefect_api(settings: Settings) -> Iterator[PrefectApi]:
    """Yields a client of the Prefect server of the settings, else of the server that `ncric up` runs."""
    entry = access(settings)
    with httpx.Client(auth=entry, timeout=30) as client:
        yield PrefectApi(entry.url, client, settings.work_pool)


def moment(text: str | None) -> datetime | None:
    """Parses a time as Prefect writes it. Returns it in UTC."""
    return None if text is None else datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
