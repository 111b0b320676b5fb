"""Signing in through a real OpenID provider: people on the lists see the pages, all others only the page to sign in."""

import subprocess
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from console.auth import (
    CALLBACK,
    is_idle,
    is_loopback,
    is_over,
    is_too_old,
    name_of,
    role_of,
    secrets_file,
    sign_in_of,
)
from console.queries.sign_ins import enter_sign_out, has_signed_out
from ncric_core.errors import SettingsError
from ncric_core.settings import Settings
from ncric_core.store import embedded
from tests.conftest import Store
from tests.console.browser import running_console, running_provider
from tests.flows.running_up import COMMAND, environment_of, free_port

PAGES = ("", "reads", "names", "runs", "files", "files?file=boss4/x.json", "nonsense")

PEOPLE: list[dict[str, object]] = [
    {"sub": "olga", "email": "Olga@ncric.test", "email_verified": True},
    {"sub": "anna", "email": "anna@ncric.test", "email_verified": True},
    {"sub": "zoe", "email": "zoe@elsewhere.test", "email_verified": True},
    {"sub": "mallory", "email": "mallory@ncric.test", "email_verified": False},
    {"sub": "gary", "email": "olga@ncric.test", "groups": ["readers"]},
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_provider(PEOPLE) as provider:
        settings = {
            "NCRIC_OIDC_METADATA_URL": f"{provider}/.well-known/openid-configuration",
            "NCRIC_OIDC_CLIENT_ID": "console",
            "NCRIC_OIDC_CLIENT_SECRET": "secret of the console",
            "NCRIC_CONSOLE_USERS": "@ncric.test,group:readers",
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


def sign_in(page: Page, address: str, person: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_placeholder("sub").fill(person)
    page.get_by_role("button", name="Authorize").click()


def test_who_is_not_signed_in_sees_the_way_in_only_whatever_the_address(page: Page, address: str) -> None:
    for path in PAGES:
        page.goto(f"{address}/{path}", wait_until="commit")
        expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=30_000)
        expect(page.get_by_test_id("stSidebar")).to_have_count(0)
        expect(page.get_by_test_id("stMetric")).to_have_count(0)


@pytest.mark.parametrize(
    ("person", "caption"),
    [
        ("olga", "Olga@ncric.test, operator"),
        ("anna", "anna@ncric.test, analyst"),
        ("gary", "sub gary (olga@ncric.test, not verified), analyst"),
    ],
)
def test_who_may_come_in_sees_the_pages_and_can_leave(page: Page, address: str, person: str, caption: str) -> None:
    sign_in(page, address, person)
    expect(page.get_by_text(caption)).to_be_visible(timeout=30_000)
    expect(page.get_by_role("link", name="Agency names")).to_be_visible()
    for path, title in (("reads", "Reads"), ("files", "Files and rejects")):
        page.goto(f"{address}/{path}")
        expect(page.get_by_text(caption)).to_be_visible(timeout=30_000)
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible(timeout=30_000)
        expect(page.get_by_text("Page not found")).to_have_count(0)
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="End session").click()  # at the provider
    expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=30_000)


@pytest.mark.parametrize("person", ["zoe", "mallory"])
def test_who_is_not_on_the_list_or_not_verified_sees_no_page(page: Page, address: str, person: str) -> None:
    sign_in(page, address, person)
    expect(page.get_by_text("may not use this console")).to_be_visible(timeout=30_000)
    page.goto(f"{address}/reads")
    expect(page.get_by_text("may not use this console")).to_be_visible(timeout=30_000)
    expect(page.get_by_test_id("stSidebar")).to_have_count(0)


def test_a_cookie_copied_before_sign_out_is_of_no_use_after_it(page: Page, browser: Browser, address: str) -> None:
    sign_in(page, address, "olga")
    expect(page.get_by_text("Olga@ncric.test, operator")).to_be_visible(timeout=30_000)
    copied = [one for one in page.context.cookies() if one["name"].startswith("_streamlit")]
    kept = [one["expires"] - time.time() for one in copied if one["name"].startswith("_streamlit_user")]
    assert kept
    assert max(kept) <= 12 * 3600
    thief = browser.new_context()
    thief.add_cookies(copied)  # type: ignore[arg-type]  # they are as playwright gave them
    other = thief.new_page()
    other.goto(address)
    expect(other.get_by_text("Olga@ncric.test, operator")).to_be_visible(timeout=30_000)

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="End session")).to_be_visible(timeout=30_000)
    expect(other.get_by_role("button", name="End session")).to_be_visible(timeout=60_000)  # by itself: it was open
    for path in ("", "reads", "files"):
        thief.add_cookies(copied)  # type: ignore[arg-type]
        other.goto(f"{address}/{path}", wait_until="commit")
        expect(other.get_by_role("button", name="End session")).to_be_visible(timeout=30_000)
    thief.close()

    sign_in(page, address, "olga")  # as another sign-in
    expect(page.get_by_text("Olga@ncric.test, operator")).to_be_visible(timeout=30_000)


@pytest.mark.parametrize("path", ["", "reads", "auth/login", "auth/logout", "oauth2callback", "_stcore/health", "no/x"])
def test_no_answer_may_be_framed(address: str, path: str) -> None:
    answer = httpx.get(f"{address}/{path}")
    assert answer.headers.get_list("X-Frame-Options") == ["DENY"]
    assert answer.headers.get_list("Content-Security-Policy") == ["frame-ancestors 'none'"]


@pytest.mark.slow
def test_a_console_that_ends_leaves_no_embedded_server(tmp_path: Path) -> None:
    with running_console(tmp_path, {}):
        assert embedded.runs(tmp_path)
    assert not embedded.runs(tmp_path)


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
        ({"email": "ann@a.org", "email_verified": True}, "ncric_operator"),
        ({"email": "ANN@A.org", "email_verified": "true"}, "ncric_operator"),
        ({"email": "bob@b.org", "email_verified": True}, "ncric_analyst"),
        ({"email": "bob@bb.org", "email_verified": True}, None),
        ({"email": "bob@sub.b.org", "email_verified": True}, None),
        ({"email": "b.org", "email_verified": True}, None),
        ({"sub": "x"}, None),
        ({"sub": "x", "groups": ["readers"]}, "ncric_analyst"),
        ({"sub": "x", "groups": "admins"}, "ncric_operator"),
        ({"sub": "x", "groups": ["Readers", "group:readers"]}, None),
        ({"email": "group:readers", "email_verified": True}, None),
        ({"sub": "ann@a.org"}, None),
    ],
)
def test_who_may_do_what(claims: dict[str, Any], role: str | None) -> None:
    settings = Settings(console_users=("@b.org", "group:readers"), console_operators=("ann@a.org", "group:admins"))
    assert role_of(claims, settings) == role


@pytest.mark.parametrize("said", [None, False, 0, 1, "", "false", "True", "yes", [], [True], {"a": 1}])
def test_only_true_verifies_an_address(said: object) -> None:
    settings = Settings(console_operators=("ann@a.org",))
    assert role_of({"email": "ann@a.org", "email_verified": said}, settings) is None


def test_a_provider_that_never_says_is_believed_only_by_a_setting() -> None:
    given: dict[str, Any] = {"console_operators": ("ann@a.org",)}
    believing = Settings(oidc_trust_unverified_email=True, **given)
    assert role_of({"email": "ann@a.org"}, Settings(**given)) is None
    assert role_of({"email": "ann@a.org"}, believing) == "ncric_operator"
    for said in (False, "false", 0):
        assert role_of({"email": "ann@a.org", "email_verified": said}, believing) is None


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"sub": "7", "email": "Ann@a.org", "email_verified": True}, "Ann@a.org"),
        ({"sub": "7", "email": "ann@a.org"}, "sub 7 (ann@a.org, not verified)"),
        ({"sub": "7", "email": "ann@a.org", "email_verified": "false"}, "sub 7 (ann@a.org, not verified)"),
        ({"sub": "ann@a.org"}, "sub ann@a.org"),
    ],
)
def test_nobody_is_logged_under_an_address_that_may_be_anothers(claims: dict[str, Any], name: str) -> None:
    assert name_of(claims, Settings()) == name


def test_nobody_may_come_in_where_no_list_is_set() -> None:
    assert role_of({"email": "ann@a.org", "email_verified": True}, Settings()) is None


def test_half_an_hour_without_a_sign_of_life_is_idle() -> None:
    assert not is_idle(1000.0, Settings(), 1000.0 + 30 * 60)
    assert is_idle(1000.0, Settings(), 1000.0 + 30 * 60 + 1)


def test_a_sign_in_lasts_half_a_day_however_active() -> None:
    assert not is_too_old(1000.0, Settings(), 1000.0 + 12 * 3600)
    assert is_too_old(1000.0, Settings(), 1000.0 + 12 * 3600 + 1)


def test_a_sign_in_is_over_for_each_copy_of_its_claims_and_for_no_other(console: Store) -> None:
    settings = Settings(database_url=console.settings.database_url)
    claims = {"iss": "https://id.test", "sub": "7", "iat": int(time.time()), "nonce": "a"}
    other = claims | {"nonce": "b"}
    assert not is_over(claims, settings)
    with console.database.transaction() as connection:
        connection.cursor().execute("INSERT INTO signed_out VALUES ('of long ago', now() - interval '32 days')")
        for _ in range(2):  # pressed twice
            enter_sign_out(connection, sign_in_of(claims))
        assert not has_signed_out(connection, "of long ago")
    assert is_over(dict(claims), settings)
    assert not is_over(other, settings)
    assert is_over(other | {"iat": time.time() - 12 * 3600 - 1}, settings)
    assert is_over({"sub": "7", "nonce": "c"}, settings)  # nothing says when it began
    assert "nonce" not in str(console.rows("SELECT * FROM signed_out"))


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
