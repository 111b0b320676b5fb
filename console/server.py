"""The console as an ASGI application: Streamlit's own, behind what keeps strangers out and other sites from framing it.

`streamlit run` finds `app` here by its class, which is public in Streamlit 1.67. Nothing of Streamlit is patched.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.own_user import local_only
from ncric_core.settings import read_settings
from ncric_core.store import embedded

UNFRAMED: Final = {"X-Frame-Options": "DENY", "Content-Security-Policy": "frame-ancestors 'none'"}
SIGN_IN_COOKIES: Final = b"_streamlit_user"  # this one, its parts and its tokens


class Guard:
    """Forbids framing in each answer, and lets the browser keep the cookies of a sign-in no longer than it may last.

    Streamlit keeps them for 30 days, and sends them without TLS too; it has no options for either.
    """

    def __init__(self, app: ASGIApp, seconds: int, *, tls: bool) -> None:
        self._app = app
        self._lasting = f"Max-Age={seconds}{'; Secure' if tls else ''}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [(name, self._shortened(name, value)) for name, value in message["headers"]]
                MutableHeaders(scope=message).update(UNFRAMED)
            await send(message)

        await self._app(scope, receive, guarded)

    def _shortened(self, name: bytes, value: bytes) -> bytes:
        if name.lower() == b"set-cookie" and value.startswith(SIGN_IN_COOKIES):
            return re.sub(rb"Max-Age=[1-9]\d*", self._lasting, value)  # 0 deletes a cookie
        return value


_settings = read_settings()


@asynccontextmanager
async def _serving(_: st.App) -> AsyncIterator[None]:
    """Holds the embedded server. uvicorn ends the process by the signal that it got, so that no exit handler runs."""
    if _settings.database_url is not None:
        yield
        return
    embedded.start(_settings.data_dir)
    yield
    embedded.stop(_settings.data_dir)


app = st.App(
    Path(__file__).with_name("app.py"),
    lifespan=_serving,
    middleware=[
        *local_only(_settings),
        Middleware(
            Guard,
            seconds=round(_settings.console_sign_in_hours * 3600),
            tls=(_settings.console_url or "").startswith("https:"),
        ),
    ],
)
