"""Times the console in a browser (chromium), on a whole `ncric up` with an OpenID provider."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx

from ncric_core.errors import ServiceError, SettingsError
from ncric_core.settings import Settings

CHROMIUM: Final = "/usr/bin/chromium"
PAGES: Final = ("Reads", "Agency names", "Runs", "Files and rejects")
TIMES: Final = 6
SESSIONS: Final = 20
FOR_SECONDS: Final = 30
PATIENCE: Final = 120  # seconds
SIGN_IN_WITHIN, SWITCH_WITHIN = 2.0, 1.0  # seconds

DRAWN: Final = """title => {
    const app = document.querySelector('[data-testid="stApp"]');
    const heading = document.querySelector('h1');
    return app && app.dataset.testScriptState === 'notRunning' && heading && heading.innerText === title
        && !document.querySelector('[data-testid="stSkeleton"]') && !document.querySelector('[data-stale="true"]');
}"""
"""JavaScript that tells whether the page with a title is complete: its script has ended, and nothing is left of the
page before."""

Figure = tuple[str, float, float | None]
"""What was measured, its value, and the highest value allowed (None: any)."""


def check() -> None:
    """Raises SettingsError if a package or chromium is not installed."""
    missing = [name for name in ("playwright", "oidc_provider_mock") if find_spec(name) is None]
    if missing or not Path(CHROMIUM).exists():
        raise SettingsError(
            "the bench of the console needs a browser and an OpenID provider: `pip install -e '.[test]'` and Debian's "
            f"chromium (`apt install chromium`); missing: {', '.join(missing) or CHROMIUM}"
        )


def measure(settings: Settings, note: Callable[[str], None]) -> list[Figure]:
    """Measures the seconds from sign-in to the first page, from page to page, and with many people at once."""
    note("`ncric up`, for the browser")
    with _provider(settings.data_dir) as provider, _up(settings, provider) as console:
        note(f"signing in and switching pages; then {SESSIONS} people for {FOR_SECONDS} s")
        return asyncio.run(_measure(console))


@contextmanager
def _provider(folder: Path) -> Iterator[str]:
    port = free_port()
    claims = json.dumps({"sub": "anna", "email": "anna@ncric.test", "email_verified": True})
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "oidc_provider_mock",
        "--port",
        str(port),
        f"--user-claims={claims}",
    ]
    url = f"http://localhost:{port}/.well-known/openid-configuration"
    with _running(command, folder / "provider.log", lambda: httpx.get(url, timeout=5).is_success):
        yield url


@contextmanager
def _up(settings: Settings, provider: str) -> Iterator[str]:
    url = f"http://localhost:{settings.console_port}"
    own = {
        "NCRIC_OIDC_METADATA_URL": provider,
        "NCRIC_OIDC_CLIENT_ID": "console",
        "NCRIC_OIDC_CLIENT_SECRET": "secret of the bench",
        "NCRIC_CONSOLE_URL": url,
        "NCRIC_CONSOLE_USERS": "@ncric.test",
    }
    log = settings.data_dir / "up.log"
    command = [sys.executable, "-c", "from ncric_core.cli import main; main()", "up"]
    with _running(command, log, lambda: "ready in" in log.read_text(encoding="utf-8"), settings.environment() | own):
        yield url


@contextmanager
def _running(
    command: list[str], log: Path, ready: Callable[[], bool], environment: dict[str, str] | None = None
) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | (environment or {}))
        try:
            deadline = time.monotonic() + PATIENCE
            while not _holds(ready):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise ServiceError(
                        f"{' '.join(command[-2:])} is not ready: {log.read_text(encoding='utf-8')[-500:]}"
                    )
                time.sleep(0.2)
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _holds(ready: Callable[[], bool]) -> bool:
    try:
        return ready()
    except httpx.HTTPError:
        return False


async def _measure(console: str) -> list[Figure]:
    from playwright.async_api import async_playwright  # noqa: PLC0415  # of the extra `test`

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        signing, switching = [], []
        for number in range(TIMES + 1):
            page, seconds = await _signed_in(browser, console)
            if number:  # the first one only fills the caches of the new server
                signing.append(seconds)
                switching += [await _switch(page, title) for title in (*PAGES[1:], PAGES[0])]
            await page.context.close()
        pages = [(await _signed_in(browser, console))[0] for _ in range(SESSIONS)]
        at_once = await asyncio.gather(*(_work(page, number) for number, page in enumerate(pages)))
        await browser.close()
    errors = sum(wrong for _, wrong in at_once)
    crowded = sorted(one for seconds, _ in at_once for one in seconds)
    return [
        ("s  sign-in to first page, slowest", max(signing), SIGN_IN_WITHIN),
        ("s  page switch, p95", sorted(switching)[int(0.95 * (len(switching) - 1))], SWITCH_WITHIN),
        (f"pages opened by {SESSIONS} at once", len(crowded), None),
        (f"errors with {SESSIONS} at once", errors, 0),
        (f"s  page switch with {SESSIONS} at once, p50", crowded[len(crowded) // 2], None),
    ]


async def _signed_in(browser: Any, console: str) -> tuple[Any, float]:
    """Signs in a new person. Returns their page, and the seconds from consent at the provider to the first page."""
    page = await (await browser.new_context(viewport={"width": 1400, "height": 1000})).new_page()
    page.set_default_timeout(PATIENCE * 1000)
    await page.goto(console)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_placeholder("sub").fill("anna")
    begun = time.perf_counter()
    await page.get_by_role("button", name="Authorize").click()
    await page.wait_for_function(DRAWN, arg=PAGES[0])
    return page, time.perf_counter() - begun


async def _switch(page: Any, title: str) -> float:
    begun = time.perf_counter()
    await page.get_by_role("link", name=title, exact=True).click()
    await page.wait_for_function(DRAWN, arg=title)
    return time.perf_counter() - begun


async def _work(page: Any, number: int) -> tuple[list[float], int]:
    """Switches pages at random for FOR_SECONDS, as one of many people.

    Returns the seconds of each switch, and the number of errors shown.
    """
    chance, end = Random(number), time.monotonic() + FOR_SECONDS  # noqa: S311  # who looks at what
    seconds, wrong, here = [], 0, PAGES[0]
    while time.monotonic() < end:
        here = chance.choice([title for title in PAGES if title != here])
        seconds.append(await _switch(page, here))
        wrong += await page.locator('[data-testid="stException"], [data-testid="stAlertContentError"]').count()
        await asyncio.sleep(chance.uniform(0.5, 2))
    return seconds, wrong


def free_port() -> int:
    """Returns a port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
