"""Who uses the console, and what they may do.

With an identity provider (NCRIC_OIDC_METADATA_URL) people sign in there, by OpenID Connect. NCRIC_CONSOLE_USERS and
NCRIC_CONSOLE_OPERATORS say which of them may come in. Without a provider the console listens on loopback only, and
everybody who reaches it counts as this machine's user.
"""

import secrets
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, Literal

import streamlit as st

from ncric_core.errors import SettingsError
from ncric_core.private import private_folder
from ncric_core.settings import Settings
from ncric_core.store.person import Person, Role

LOCAL: Final = "local administrator"
GROUP: Final = "group:"
CALLBACK: Final = "/oauth2callback"  # where Streamlit expects the provider's answer


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody who may not come in: not signed in, not on the lists, or idle for too long."""

    why: Literal["not_signed_in", "not_allowed", "idle"]
    name: str = ""


def signed_in(settings: Settings) -> Person | Stranger:
    """Returns the person who is signed in, or the stranger. The call counts as a sign of life.

    Raises SettingsError if the console has no identity provider and other machines could reach it.
    """
    if settings.oidc_metadata_url is None:
        refuse_open(settings, st.get_option("server.address") or "0.0.0.0")  # noqa: S104  # unset: all addresses
        return Person(f"{settings.user} ({LOCAL})", "ncric_operator")
    if not st.user.is_logged_in:
        return Stranger("not_signed_in")
    claims = st.user.to_dict()
    name, role = str(claims.get("email") or claims.get("sub")), role_of(claims, settings)
    if role is None:
        return Stranger("not_allowed", name)
    if not _is_awake(claims, settings, time.time()):
        return Stranger("idle", name)
    return Person(name, role)


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

    An e-mail address that the provider marks as not verified is ignored.
    """
    email = "" if claims.get("email_verified") is False else str(claims.get("email") or "").lower()
    groups = claims.get(settings.oidc_groups_claim) or []
    groups = {groups} if isinstance(groups, str) else set(map(str, groups))
    if _is_among(settings.console_operators, email, groups):
        return "ncric_operator"
    return "ncric_analyst" if _is_among(settings.console_users, email, groups) else None


def _is_among(who: Collection[str], email: str, groups: Collection[str]) -> bool:
    """Tells whether a list of e-mail addresses, domains (@…) and groups (group:…) names this person."""
    for one in who:
        if one.startswith(GROUP):
            if one.removeprefix(GROUP) in groups:
                return True
        elif email and (email == one.lower() or (one.startswith("@") and email.endswith(one.lower()))):
            return True
    return False


@st.cache_resource
def _last_seen() -> dict[tuple[str, str], float]:
    """Holds the time of the last sign of life of each sign-in, by subject and time of issue.

    It is empty after a restart of the server, while cookies live on. Then the time of the sign-in counts.
    """
    return {}


def _is_awake(claims: Mapping[str, Any], settings: Settings, now: float) -> bool:
    """Tells whether the last sign of life is at most NCRIC_CONSOLE_IDLE_MINUTES old. If so, records a new one."""
    key = (str(claims.get("sub")), str(claims.get("iat")))
    if is_idle(_last_seen().get(key, float(claims.get("iat") or 0)), settings, now):
        return False
    _last_seen()[key] = now
    return True


def is_idle(last: float, settings: Settings, now: float) -> bool:
    """Tells whether somebody who was last seen at a time has been away for too long. Times: seconds since 1970."""
    return now - last > settings.console_idle_minutes * 60


def end_if_idle(settings: Settings) -> None:
    """Runs the page again if its user has been away for too long, so that it signs them out. No sign of life itself."""
    if settings.oidc_metadata_url is None or not st.user.is_logged_in:
        return
    claims = st.user.to_dict()
    last = _last_seen().get((str(claims.get("sub")), str(claims.get("iat"))), 0.0)
    if is_idle(last, settings, time.time()):
        st.rerun()


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
        "cookie_secret": _cookie_secret(folder),
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


def _cookie_secret(folder: Path) -> str:
    """Returns the secret that signs the cookies. It is made once, so that a restart signs nobody out."""
    file = folder / "cookie.secret"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(48), encoding="utf-8")
    return file.read_text(encoding="utf-8")


def _toml(text: str) -> str:
    """Writes a text as a TOML string."""
    return '"' + "".join(f"\\u{ord(c):04x}" if c in '"\\' or ord(c) < 32 or ord(c) == 127 else c for c in text) + '"'
