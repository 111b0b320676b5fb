"""How we are let in to a Prefect server: by password or key, and with a CSRF token for whatever changes something."""

import base64
import os
import secrets
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Final
from uuid import uuid4

import httpx
from pydantic import SecretStr

from ncric_core.errors import ServiceError
from ncric_core.local_ports import listening_users
from ncric_core.private import private_text
from ncric_core.settings import Settings
from ncric_core.urls import without_user

CLIENT: Final = str(uuid4())
"""This process. A server keeps one CSRF token for each client."""

OWN_NAMES: Final = ("127.0.0.1", "localhost")
"""The names by which the server of `ncric up` is reached. A page of another name may be a foreign one whose name was
made to point here (DNS rebinding)."""

CHANGES: Final = {"POST", "PUT", "PATCH", "DELETE"}
"""Methods for which a server may want a CSRF token. Questions with a filter are POSTs too."""


class Access(httpx.Auth):
    """Signs requests to one server. Threads and clients of a process share the server's CSRF token."""

    requires_response_body = True

    _tokens: Final[dict[str, str]] = {}  # by URL; empty: the server hands out none
    _lock: Final = threading.Lock()

    def __init__(self, url: str, authorization: str | None) -> None:
        self.url = url
        self.authorization = authorization

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Adds the password or key, and the token to a change. Asks for another token if the server refuses it."""
        self._sign(request)
        if request.method not in CHANGES:
            yield request
            return
        token = yield from self._token(None)
        answer = yield self._with_token(request, token)
        if answer.status_code == httpx.codes.FORBIDDEN:  # a token lasts for an hour
            token = yield from self._token(token)
            yield self._with_token(request, token)

    def _token(self, refused: str | None) -> Generator[httpx.Request, httpx.Response, str]:
        """Returns the token, which is another one than that which was refused."""
        with self._lock:
            if self._tokens.get(self.url) in {None, refused}:
                asked = httpx.Request("GET", f"{self.url}/csrf-token", params={"client": CLIENT})
                self._sign(asked)
                answer = yield asked
                self._tokens[self.url] = answer.json()["token"] if answer.is_success else ""
            return self._tokens[self.url]

    def _sign(self, request: httpx.Request) -> None:
        if self.authorization is not None:
            request.headers["Authorization"] = self.authorization

    def _with_token(self, request: httpx.Request, token: str) -> httpx.Request:
        if token:
            request.headers.update({"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": CLIENT})
        return request


def access(settings: Settings) -> Access:
    """Returns the way in to the Prefect server of the settings, else to the server that `ncric up` runs.

    Raises ServiceError if the password of `ncric up` belongs to another user.
    """
    url, password = server(settings)
    if password is not None:
        return Access(url, "Basic " + base64.b64encode(password.encode()).decode())
    if settings.prefect_api_key is not None:
        return Access(url, f"Bearer {settings.prefect_api_key.get_secret_value()}")
    return Access(url, None)


def server(settings: Settings) -> tuple[str, str | None]:
    """Returns the API's URL of the Prefect server, without a password, and `user:password` if it wants one."""
    url, password = without_user((settings.prefect_api_url or own_url(settings)).rstrip("/"))
    if settings.prefect_api_auth_string is not None:
        password = settings.prefect_api_auth_string.get_secret_value()
    elif password is None and settings.prefect_api_key is None and url == own_url(settings):
        password = own_password(settings)
    return url, password


def client_environment(settings: Settings) -> dict[str, str]:
    """Returns the variables that let Prefect's own client in to the server of the settings. They include secrets."""
    url, password = server(settings)
    told = {"PREFECT_API_URL": url}
    if password is not None:
        told["PREFECT_API_AUTH_STRING"] = password
    if settings.prefect_api_key is not None:
        told["PREFECT_API_KEY"] = settings.prefect_api_key.get_secret_value()
    return told


def own_url(settings: Settings) -> str:
    """Returns the API's URL of the server that `ncric up` runs."""
    return f"http://127.0.0.1:{settings.prefect_port}/api"


def password_file(settings: Settings) -> Path:
    """Returns the file with the password of the server that `ncric up` runs: `user:password`, as its page wants it."""
    return settings.data_dir / "prefect.password"


def make_own_password(settings: Settings) -> SecretStr:
    """Returns the password of the server that `ncric up` runs. It is made at the first start."""
    return SecretStr(private_text(password_file(settings), lambda: f"ncric:{secrets.token_urlsafe(24)}"))


def own_password(settings: Settings) -> str | None:
    """Returns the password of the server that `ncric up` runs. None: `ncric up` has not run here yet.

    Raises ServiceError if another user runs `ncric up`, or another user's server listens in its place: it would learn
    the password.
    """
    file, port = password_file(settings), settings.prefect_port
    if not listening_users(port) <= {os.geteuid(), 0}:
        raise ServiceError(f"a server of another user listens on port {port}: end it, or set NCRIC_PREFECT_PORT")
    try:
        return file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ServiceError(
            f"the password of Prefect in {file} cannot be read ({error.strerror}): be the user who runs `ncric up`"
        ) from None
