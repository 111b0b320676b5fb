"""Who is in front of the console, and what they may do.

With a provider of identities (NCRIC_OIDC_METADATA_URL) people sign in there, by OpenID Connect; NCRIC_CONSOLE_USERS and
NCRIC_CONSOLE_OPERATORS say who of them may come in. Without one the console listens on loopback only, and whoever
reaches it is this machine's user.
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
from ncric_core.settings import Settings
from ncric_core.store.person import Person, Role

LOCAL: Final = "local administrator"
GROUP: Final = "group:"
CALLBACK: Final = "/oauth2callback"  # where streamlit takes the provider's answer


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody who may not come in: not signed in, signed in as one who is not on the list, or away for too long."""

    why: Literal["not_signed_in", "not_allowed", "idle"]
    name: str = ""


def signed_in(settings: Settings) -> Person | Stranger:
    """Who asks. Counts as a sign of life. Raises SettingsError if others could reach a console that asks nobody."""
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
    """Raises SettingsError if a console without a provider of identities could be reached from elsewhere."""
    if settings.oidc_metadata_url is None and not is_loopback(address):
        raise SettingsError(
            f"the console would listen on {address}, where others can reach it, and would ask nobody who they are: set "
            f"NCRIC_OIDC_METADATA_URL, or leave NCRIC_CONSOLE_ADDRESS at 127.0.0.1"
        )


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def role_of(claims: Mapping[str, Any], settings: Settings) -> Role | None:
    """What a person may do whom the provider says this of; None: they may not come in.

    An e-mail address that the provider has not verified is nobody's.
    """
    email = "" if claims.get("email_verified") is False else str(claims.get("email") or "").lower()
    groups = claims.get(settings.oidc_groups_claim) or []
    groups = {groups} if isinstance(groups, str) else set(map(str, groups))
    if _is_among(settings.console_operators, email, groups):
        return "ncric_operator"
    return "ncric_analyst" if _is_among(settings.console_users, email, groups) else None


def _is_among(who: Collection[str], email: str, groups: Collection[str]) -> bool:
    """Whether a list of addresses, domains (@…) and groups (group:…) has this person."""
    for one in who:
        if one.startswith(GROUP):
            if one.removeprefix(GROUP) in groups:
                return True
        elif email and (email == one.lower() or (one.startswith("@") and email.endswith(one.lower()))):
            return True
    return False


@st.cache_resource
def _last_seen() -> dict[tuple[str, str], float]:
    """When each sign-in gave its last sign of life. A cookie outlives browser and server; this does not, and then the
    time of the sign-in counts."""
    return {}


def _is_awake(claims: Mapping[str, Any], settings: Settings, now: float) -> bool:
    """Whether the last sign of life is less than NCRIC_CONSOLE_IDLE_MINUTES old; then this is the next."""
    key = (str(claims.get("sub")), str(claims.get("iat")))
    if is_idle(_last_seen().get(key, float(claims.get("iat") or 0)), settings, now):
        return False
    _last_seen()[key] = now
    return True


def is_idle(last: float, settings: Settings, now: float) -> bool:
    """Whether somebody last seen then (seconds since 1970) has been away for too long."""
    return now - last > settings.console_idle_minutes * 60


def end_if_idle(settings: Settings) -> None:
    """Runs the page again, which then signs out, once its user has been away for too long. No sign of life itself."""
    if settings.oidc_metadata_url is None or not st.user.is_logged_in:
        return
    claims = st.user.to_dict()
    last = _last_seen().get((str(claims.get("sub")), str(claims.get("iat"))), 0.0)
    if is_idle(last, settings, time.time()):
        st.rerun()


def secrets_file(settings: Settings) -> Path | None:
    """Writes what streamlit needs to know of the provider to a file that only we can read; None without a provider.

    Raises SettingsError if something is missing.
    """
    if settings.oidc_metadata_url is None:
        return None
    if settings.oidc_client_id is None or settings.oidc_client_secret is None or settings.console_url is None:
        raise SettingsError(
            "signing in needs NCRIC_OIDC_CLIENT_ID, NCRIC_OIDC_CLIENT_SECRET and NCRIC_CONSOLE_URL besides "
            "NCRIC_OIDC_METADATA_URL"
        )
    folder = settings.data_dir / "console"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    entries = {
        "redirect_uri": settings.console_url.rstrip("/") + CALLBACK,
        "cookie_secret": _cookie_secret(folder),
        "client_id": settings.oidc_client_id,
        "client_secret": settings.oidc_client_secret.get_secret_value(),
        "server_metadata_url": settings.oidc_metadata_url,
    }
    file = folder / "secrets.toml"
    file.touch(mode=0o600)
    file.write_text("[auth]\n" + "".join(f"{name} = {_toml(value)}\n" for name, value in entries.items()))
    return file


def _cookie_secret(folder: Path) -> str:
    """Signs the cookies; made once, so that a restart signs nobody out."""
    file = folder / "cookie.secret"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(48))
    return file.read_text()


def _toml(text: str) -> str:
    """A text as a TOML string."""
    return '"' + "".join(f"\\u{ord(c):04x}" if c in '"\\' or ord(c) < 32 or ord(c) == 127 else c for c in text) + '"'
