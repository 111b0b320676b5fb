"""Signing in through a real OpenID provider: people on the lists see the pages, all others only the page to sign in."""

import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from console.auth import CALLBACK, is_idle, is_loopback, role_of, secrets_file
from ncric_core.errors import SettingsError
from ncric_core.settings import Settings
from tests.console.browser import running_console, running_provider
from tests.flows.running_up import COMMAND, environment_of, free_port

PAGES = ("", "reads", "names", "runs", "files", "files?file=boss4/x.json", "nonsense")

PEOPLE = [
    {"sub": "olga", "email": "Olga@ncric.test", "email_verified": True},
    {"sub": "anna", "email": "anna@ncric.test", "email_verified": True},
    {"sub": "zoe", "email": "zoe@elsewhere.test", "email_verified": True},
    {"sub": "mallory", "email": "mallory@ncric.test", "email_verified": False},
]


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_provider(PEOPLE) as provider:
        settings = {
            "NCRIC_OIDC_METADATA_URL": f"{provider}/.well-known/openid-configuration",
            "NCRIC_OIDC_CLIENT_ID": "console",
            "NCRIC_OIDC_CLIENT_SECRET": "secret of the console",
            "NCRIC_CONSOLE_USERS": "@ncric.test",
            "NCRIC_CONSOLE_OPERATORS": "olga@ncric.test",
        }
        with running_console(tmp_path_factory.mktemp("console"), settings) as url:
            yield url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


def sign_in(page: Page, console: str, person: str) -> None:
    page.goto(console)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_placeholder("sub").fill(person)
    page.get_by_role("button", name="Authorize").click()


def test_who_is_not_signed_in_sees_the_way_in_only_whatever_the_address(page: Page, console: str) -> None:
    for path in PAGES:
        page.goto(f"{console}/{path}", wait_until="commit")
        expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=30_000)
        expect(page.get_by_test_id("stSidebar")).to_have_count(0)
        expect(page.get_by_test_id("stMetric")).to_have_count(0)


@pytest.mark.parametrize(
    ("person", "caption"), [("olga", "Olga@ncric.test, operator"), ("anna", "anna@ncric.test, analyst")]
)
def test_who_may_come_in_sees_the_pages_and_can_leave(page: Page, console: str, person: str, caption: str) -> None:
    sign_in(page, console, person)
    expect(page.get_by_text(caption)).to_be_visible(timeout=30_000)
    expect(page.get_by_role("link", name="Agency names")).to_be_visible()
    for path, title in (("reads", "Reads"), ("files", "Files and rejects")):
        page.goto(f"{console}/{path}")
        expect(page.get_by_text(caption)).to_be_visible(timeout=30_000)
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible(timeout=30_000)
        expect(page.get_by_text("Page not found")).to_have_count(0)
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="End session").click()  # at the provider
    expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=30_000)


@pytest.mark.parametrize("person", ["zoe", "mallory"])
def test_who_is_not_on_the_list_or_not_verified_sees_no_page(page: Page, console: str, person: str) -> None:
    sign_in(page, console, person)
    expect(page.get_by_text("may not use this console")).to_be_visible(timeout=30_000)
    page.goto(f"{console}/reads")
    expect(page.get_by_text("may not use this console")).to_be_visible(timeout=30_000)
    expect(page.get_by_test_id("stSidebar")).to_have_count(0)


@pytest.mark.slow
def test_console_that_asks_nobody_listens_on_this_machine_only(tmp_path: Path) -> None:
    environment = environment_of(tmp_path, free_port()) | {"NCRIC_CONSOLE_ADDRESS": "0.0.0.0"}  # noqa: S104
    done = subprocess.run(
        [*COMMAND, "console"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "would listen on 0.0.0.0" in done.stderr


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({"email": "ann@a.org"}, "ncric_operator"),
        ({"email": "ANN@A.org", "email_verified": True}, "ncric_operator"),
        ({"email": "ann@a.org", "email_verified": False}, None),
        ({"email": "bob@b.org"}, "ncric_analyst"),
        ({"email": "bob@bb.org"}, None),
        ({"email": "bob@sub.b.org"}, None),
        ({"email": "b.org"}, None),
        ({"sub": "x"}, None),
        ({"sub": "x", "groups": ["readers"]}, "ncric_analyst"),
        ({"sub": "x", "groups": "admins"}, "ncric_operator"),
        ({"sub": "x", "groups": ["Readers", "group:readers"]}, None),
        ({"email": "group:readers"}, None),
    ],
)
def test_who_may_do_what(claims: dict[str, Any], role: str | None) -> None:
    settings = Settings(console_users=("@b.org", "group:readers"), console_operators=("ann@a.org", "group:admins"))
    assert role_of(claims, settings) == role


def test_nobody_may_come_in_where_no_list_is_set() -> None:
    assert role_of({"email": "ann@a.org", "email_verified": True}, Settings()) is None


def test_half_an_hour_without_a_sign_of_life_is_idle() -> None:
    assert not is_idle(1000.0, Settings(), 1000.0 + 30 * 60)
    assert is_idle(1000.0, Settings(), 1000.0 + 30 * 60 + 1)


def test_loopback_is_what_only_this_machine_reaches() -> None:
    assert [is_loopback(one) for one in ("127.0.0.1", "127.8.8.8", "::1", "localhost")] == [True] * 4
    assert [is_loopback(one) for one in ("0.0.0.0", "::", "10.0.0.1", "example.org", "")] == [False] * 5  # noqa: S104


def test_secrets_are_in_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "oidc_metadata_url": "https://id.test/x",
        "oidc_client_id": "c",
        "oidc_client_secret": 'a"b\\c',
    }
    settings = Settings(data_dir=tmp_path, console_url="https://reads.test/", **given)
    file = secrets_file(settings)
    assert file is not None
    assert file.stat().st_mode & 0o777 == 0o600
    section = tomllib.loads(file.read_text())["auth"]
    assert section["client_secret"] == 'a"b\\c'
    assert section["redirect_uri"] == "https://reads.test" + CALLBACK
    again = secrets_file(settings)
    assert again is not None
    assert tomllib.loads(again.read_text())["auth"] == section


def test_provider_without_a_client_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="NCRIC_OIDC_CLIENT_SECRET"):
        secrets_file(Settings(data_dir=tmp_path, oidc_metadata_url="https://id.test/x"))
