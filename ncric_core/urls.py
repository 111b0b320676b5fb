"""URLs for people: without user names, passwords and tokens."""

import re
from typing import Final
from urllib.parse import unquote

_URL: Final = re.compile(
    r"""(?P<scheme>\b[a-zA-Z][\w+.-]*://)(?P<user>[^\s"'<>]*@)?(?P<place>[^\s"'<>?]*)(?P<query>\?[^\s"'<>]*)?"""
)
"""A URL in a text. A password may hold `/`, `?` and `@`: the user reaches to the last `@`."""


def for_people(text: str) -> str:
    """Masks what may be secret in each URL of a text: user and password, and the values of its query.

    Text without a URL stays as it is. So does a URL that holds nothing of the kind.
    """
    return _URL.sub(_masked, text)


def _masked(found: re.Match[str]) -> str:
    user = "***@" if found["user"] else ""
    query = re.sub(r"=[^&]*", "=***", found["query"] or "")
    return f"{found['scheme']}{user}{found['place']}{query}"


def without_user(url: str) -> tuple[str, str | None]:
    """Returns a URL without its user and password, and these as `user:password`; None if it has none."""
    found = _URL.match(url)
    if found is None or not found["user"]:
        return url, None
    return url.replace(found["user"], "", 1), unquote(found["user"].removesuffix("@"))
