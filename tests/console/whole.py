"""Helpers of the tests on the whole of `ncric up`: they put and load files, and count reads."""

import json
import os
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import Locator, Page

from tests.flows.running_up import RunningUp
from tests.sources.files.lpr_files import as_file, read

WAIT = 60_000  # ms, on a busy machine


def load(whole: RunningUp, name: str, agency: str, reads: int) -> None:
    """Loads reads of this moment under a received name."""
    now = datetime.now(UTC)
    at = {"eventDate": f"{now:%Y-%m-%d}", "eventTime": f"{now:%H:%M:%S}"}
    put(whole, name, [read(n, LPREventID=f"{name}{n}", agencyName=agency, **at) for n in range(reads)])
    done = whole.ncric("run", "files-catchup")
    assert done.returncode == 0, done.stderr


def button(page: Page, name: str) -> Locator:
    """Finds a page's main button, whose label ends with its key."""
    return page.get_by_role("button", name=re.compile(f"^{name}\\b"))


def put(whole: RunningUp, name: str, reads: Sequence[Any], at: datetime | None = None) -> None:
    """Puts a file of BOSS4 into the bucket. It arrives now, or at a given time."""
    end = at or datetime.now(UTC)
    window = f"{end - timedelta(minutes=5):%Y-%m-%d_%H-%M-%S}_{end:%Y-%m-%d_%H-%M-%S}"
    file = whole.folder / "bucket" / "boss4" / f"{name}_{window}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(as_file(reads))
    before = time.time() - 60  # what was written in the last seconds is left to the next run
    os.utime(file, (before, before))


def by_agency(whole: RunningUp, received: str) -> dict[str, int]:
    query = f"SELECT standardized_agency_name a, count(*) n FROM reads WHERE agency_name = '{received}' GROUP BY 1"  # noqa: S608
    found = json.loads(whole.ncric("sql", query, "--format", "json").stdout)
    return {one["a"]: one["n"] for one in found}
