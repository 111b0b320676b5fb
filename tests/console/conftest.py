"""Fixtures: a store and a Prefect server for the console in this process, and a browser on the whole of `ncric up`."""

from collections.abc import Iterator

import pytest
import streamlit as st
from playwright.sync_api import Browser, Page, expect
from prefect.settings import PREFECT_API_URL

from ncric_core.jobs.prefect_api import PrefectApi, prefect_api
from ncric_core.settings import Settings
from tests.conftest import Store
from tests.console.browser import chromium
from tests.console.whole import WAIT
from tests.flows.running_up import RunningUp, running_up


@pytest.fixture
def console(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Has the console in this process use the test's store, with empty caches. Returns the store."""
    store.set_environment(monkeypatch)
    st.cache_data.clear()
    st.cache_resource.clear()
    yield store
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def api(prefect: None, console: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[PrefectApi]:
    """Has the console ask a real Prefect server without deployments. Returns its API."""
    url = PREFECT_API_URL.value()
    monkeypatch.setenv("NCRIC_PREFECT_API_URL", url)
    with prefect_api(Settings(prefect_api_url=url, _env_file=None)) as found:
        clear(found)
        yield found
        clear(found)


def clear(api: PrefectApi) -> None:
    for one in api.deployments():
        api.ask("DELETE", f"/deployments/{one['id']}")


@pytest.fixture(scope="package")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUp]:
    """Runs `ncric up`, once for all tests with a browser."""
    expect.set_options(timeout=WAIT)
    with running_up(tmp_path_factory.mktemp("whole")) as running:
        yield running


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Starts chromium, once for all tests."""
    with chromium() as found:
        yield found


@pytest.fixture
def person(browser: Browser, whole: RunningUp) -> Iterator[Page]:
    """Opens the console of `ncric up` as a person."""
    yield from _person(browser, whole)


@pytest.fixture
def colleague(browser: Browser, whole: RunningUp) -> Iterator[Page]:
    """Opens the console of `ncric up` as another person."""
    yield from _person(browser, whole)


def _person(browser: Browser, whole: RunningUp) -> Iterator[Page]:
    context = browser.new_context(base_url=f"http://127.0.0.1:{whole.environment['NCRIC_CONSOLE_PORT']}")
    context.set_default_timeout(WAIT)
    yield context.new_page()
    context.close()
