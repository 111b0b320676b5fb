"""Keeps other users of this machine out of a console without an identity provider: all its visitors are operators."""

import os
import sys
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ncric_core.jobs.prefect_access import OWN_NAMES
from ncric_core.local_ports import connected_users
from ncric_core.settings import Settings

REFUSED: Final = (
    "Only the user who runs this console may use it. For others it needs an identity provider (NCRIC_OIDC_…).\n"
)


def local_only(settings: Settings) -> list[Middleware]:
    """Returns what stands before a console without an identity provider: nothing else asks its visitors who they are.

    A page of another name may be a foreign one whose name was made to point here (DNS rebinding), in the browser of the
    console's own user.
    """
    if settings.oidc_metadata_url is not None:
        return []
    names = {*OWN_NAMES, settings.console_address, urlsplit(settings.console_url or "").hostname or "localhost"}
    return [Middleware(OwnUserOnly), Middleware(TrustedHostMiddleware, allowed_hosts=sorted(names), www_redirect=False)]


class OwnUserOnly:
    """Answers 403 to whoever is neither this process's user nor root, and to whatever comes through a proxy."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, if it comes from our own user."""
        if scope["type"] == "lifespan" or _is_own(scope):
            await self._app(scope, receive, send)
        else:
            await PlainTextResponse(REFUSED, status_code=403)(scope, receive, send)


def _is_own(scope: Scope) -> bool:
    if "x-forwarded-for" in Headers(scope=scope):  # a proxy's users are not known, and the header may name any port
        return False
    if sys.platform != "linux":  # no table says whose a connection is
        return True
    users = connected_users(scope["client"][1], scope["server"][1])
    return bool(users) and users <= {os.geteuid(), 0}
