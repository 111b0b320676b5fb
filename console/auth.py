"""Who uses the console, and what they may do.

With an identity provider (NCRIC_OIDC_METADATA_URL) people sign in there, by OpenID Connect. NCRIC_CONSOLE_USERS and
NCRIC_CONSOLE_OPERATORS say which of them may come in. Streamlit keeps the provider's claims in a signed cookie, which
would work for 30 days, wherever it is. So each run of a page asks here whether the sign-in is over. Without a provider
the console listens on loopback only, and everybody who reaches it counts as this machine's user.
"""

import json
import secrets
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, Literal

import streamlit as st

from console.look import in_words
from console.queries import asked_by, sign_ins
from ncric_core.errors import SettingsError
from ncric_core.private import private_folder, private_text
from ncric_core.settings import Settings
from ncric_core.store.person import OWNER, Person, Role

LOCAL: Final = "local administrator"
GROUP: Final = "group:"
CALLBACK: Final = "/oauth2callback"  # where Streamlit expects the provider's answer


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody who may not come in: not signed in, not on the lists, or with a sign-in that is over."""

    why: Literal["not_signed_in", "not_allowed", "over"]
    name: str = ""


def signed_in(settings: Settings) -> Person | Stranger:
    """Returns the person who is signed in, or the stranger. The call counts as a sign of life.

    Raises SettingsError if the console has no identity provider and other machines could reach it, StoreError if the
    store cannot say whether the sign-in is over.
    """
    if settings.oidc_metadata_url is None:
        refuse_open(settings, st.get_option("server.address") or "0.0.0.0")  # noqa: S104  # unset: all addresses
        return Person(f"{settings.user} ({LOCAL})", "ncric_operator")
    if not st.user.is_logged_in:
        return Stranger("not_signed_in")
    claims = st.user.to_dict()
    if is_over(claims, settings):
        return Stranger("over")
    name, role = name_of(claims, settings), role_of(claims, settings)
    if role is None:
        return Stranger("not_allowed", name)
    _last_seen()[sign_in_of(claims)] = time.time()
    return Person(name, role)


def sign_out(settings: Settings) -> None:
    """Ends the sign-in for every copy of its cookie, and sends the browser to the provider to sign out there too.

    If the store cannot keep that, the page says so, and nobody believes to be signed out.
    """
    with in_words():
        with asked_by(_console(settings)) as connection:
            sign_ins.enter_sign_out(connection, sign_in_of(st.user.to_dict()))
        st.logout()


def refuse_open(settings: Settings, address: str) -> None:
    """Raises SettingsError if the console has no identity provider and other machines could reach it."""
    if settings.oidc_metadata_url is None and not is_loopback(address):
        raise SettingsError(
            f"the console would listen on {address}, where others can reach it, and would ask nobody who they are: set "
            f"NCRIC_OIDC_METADATA_URL, or leave NCRIC_CONSOLE_ADDRESS at 127.0.0.1"
        )


def is_loopback(address: str) -> bool:
    """Tells whether only this machine can reach a server at an address."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def role_of(claims: Mapping[str, Any], settings: Settings) -> Role | None:
    """Returns the role of a person, from what the identity provider claims of them. None: they may not come in.

    An e-mail address that is not verified is ignored.
    """
    email = verified_email(claims, settings).lower()
    groups = claims.get(settings.oidc_groups_claim) or []
    groups = {groups} if isinstance(groups, str) else set(map(str, groups))
    if _is_among(settings.console_operators, email, groups):
        return "ncric_operator"
    return "ncric_analyst" if _is_among(settings.console_users, email, groups) else None


def verified_email(claims: Mapping[str, Any], settings: Settings) -> str:
    """Returns a person's e-mail address, or an empty text unless the provider says that it is theirs.

    Providers say so with `true` or the text "true". A provider that says nothing is believed only if the settings allow
    it.
    """
    said = claims.get("email_verified")
    verified = said is True or said == "true" or (said is None and settings.oidc_trust_unverified_email)
    return str(claims.get("email") or "") if verified else ""


def name_of(claims: Mapping[str, Any], settings: Settings) -> str:
    """Returns the name of a person for the log: the verified e-mail address, or else the provider's number for them.

    An address that is not verified is shown as such, because anybody could have given it.
    """
    said = claims.get("email")
    return verified_email(claims, settings) or f"sub {claims.get('sub')}" + (f" ({said}, not verified)" if said else "")


def _is_among(who: Collection[str], email: str, groups: Collection[str]) -> bool:
    """Tells whether a list of e-mail addresses, domains (@…) and groups (group:…) names this person."""
    for one in who:
        if one.startswith(GROUP):
            if one.removeprefix(GROUP) in groups:
                return True
        elif email and (email == one.lower() or (one.startswith("@") and email.endswith(one.lower()))):
            return True
    return False


def sign_in_of(claims: Mapping[str, Any]) -> str:
    """Names a sign-in by a hash, from which nobody can make its cookie. The nonce is of this sign-in alone."""
    return sha256(json.dumps([claims.get(name) for name in ("iss", "sub", "iat", "nonce")]).encode()).hexdigest()


@st.cache_resource
def _last_seen() -> dict[str, float]:
    """Holds the time of the last sign of life of each sign-in, by its hash.

    It is empty after a restart of the server, while cookies live on. Then the time of the sign-in counts.
    """
    return {}


def is_over(claims: Mapping[str, Any], settings: Settings) -> bool:
    """Tells whether a sign-in is too old, idle for too long, or was ended by its person. Raises StoreError."""
    sign_in, began, now = sign_in_of(claims), float(claims.get("iat") or 0), time.time()
    if is_too_old(began, settings, now) or is_idle(_last_seen().get(sign_in, began), settings, now):
        return True
    with asked_by(_console(settings)) as connection:
        return sign_ins.has_signed_out(connection, sign_in)


def is_too_old(began: float, settings: Settings, now: float) -> bool:
    """Tells whether a sign-in has reached NCRIC_CONSOLE_SIGN_IN_HOURS. Times: seconds since 1970."""
    return now - began > settings.console_sign_in_hours * 3600


def is_idle(last: float, settings: Settings, now: float) -> bool:
    """Tells whether somebody who was last seen at a time has been away for too long. Times: seconds since 1970."""
    return now - last > settings.console_idle_minutes * 60


def end_if_over(settings: Settings) -> None:
    """Runs the page again if its sign-in is over by now, so that it closes. No sign of life itself."""
    if settings.oidc_metadata_url is not None and st.user.is_logged_in and is_over(st.user.to_dict(), settings):
        st.rerun()


def _console(settings: Settings) -> Person:
    """Names the console itself, which asks about sign-ins before it knows whose they are."""
    return Person(settings.user, OWNER)


def secrets_file(settings: Settings) -> Path | None:
    """Writes Streamlit's settings for the identity provider to a file that only this user can read.

    Returns the file, or None without a provider. Raises SettingsError if a setting is missing.
    """
    if settings.oidc_metadata_url is None:
        return None
    if settings.oidc_client_id is None or settings.oidc_client_secret is None or settings.console_url is None:
        raise SettingsError(
            "signing in needs NCRIC_OIDC_CLIENT_ID, NCRIC_OIDC_CLIENT_SECRET and NCRIC_CONSOLE_URL besides "
            "NCRIC_OIDC_METADATA_URL"
        )
    private_folder(settings.data_dir)
    folder = private_folder(settings.data_dir / "console")
    entries = {
        "redirect_uri": settings.console_url.rstrip("/") + CALLBACK,
        # made once, so that a restart signs nobody out
        "cookie_secret": private_text(folder / "cookie.secret", lambda: secrets.token_urlsafe(48)),
        "client_id": settings.oidc_client_id,
        "client_secret": settings.oidc_client_secret.get_secret_value(),
        "server_metadata_url": settings.oidc_metadata_url,
    }
    file = folder / "secrets.toml"
    file.touch(mode=0o600)
    file.write_text(
        "[auth]\n" + "".join(f"{name} = {_toml(value)}\n" for name, value in entries.items()), encoding="utf-8"
    )
    return file


def _toml(text: str) -> str:
    """Writes a text as a TOML string."""
    return '"' + "".join(f"\\u{ord(c):04x}" if c in '"\\' or ord(c) < 32 or ord(c) == 127 else c for c in text) + '"'
