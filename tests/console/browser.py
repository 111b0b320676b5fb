"""Runs a real console and a real browser for tests: Debian's chromium, driven by playwright."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Browser, sync_playwright

from tests.flows.running_up import COMMAND, environment_of, free_port, until

CHROMIUM = "/usr/bin/chromium"


@contextmanager
def running_console(folder: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """Runs `ncric console` with these environment variables. Yields its address."""
    port = free_port()
    url = f"http://localhost:{port}"
    own = {"NCRIC_CONSOLE_PORT": str(port), "NCRIC_CONSOLE_URL": url}
    with (folder / "console.out").open("wb") as output:
        process = subprocess.Popen(
            [*COMMAND, "console"],
            env=environment_of(folder, free_port()) | own | dict(settings),
            stdout=output,
            stderr=output,
            cwd=folder,
        )
        try:
            until(lambda: _answers(f"{url}/_stcore/health") or process.poll() is not None)
            assert process.poll() is None, (folder / "console.out").read_text()
            yield url
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def running_provider(people: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """Runs a real OpenID provider with these people's claims. Yields its address. People sign in with their `sub`."""
    port = free_port()
    url = f"http://localhost:{port}"
    claims = [f"--user-claims={json.dumps(one)}" for one in people]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), *claims]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: _answers(f"{url}/.well-known/openid-configuration"))
            yield url
        finally:
            process.terminate()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.HTTPError:
        return False


@contextmanager
def chromium() -> Iterator[Browser]:
    """Starts the browser. Each of its contexts stands for another person."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()
