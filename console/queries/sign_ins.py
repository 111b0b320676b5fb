"""The questions about sign-ins: which of them their people have ended."""

from typing import Final

from ncric_core.store.database import Connection, rows

_ENTER: Final = """
WITH forgotten AS (
    DELETE FROM signed_out WHERE at < now() - interval '31 days'  -- no sign-in may be that old
)
INSERT INTO signed_out (sign_in) VALUES (%(sign_in)s)
ON CONFLICT DO NOTHING
RETURNING sign_in
"""


def enter_sign_out(connection: Connection, sign_in: str) -> None:
    """Keeps that a sign-in, named by its hash, was ended by its person."""
    rows(connection, _ENTER, {"sign_in": sign_in})


def has_signed_out(connection: Connection, sign_in: str) -> bool:
    """Tells whether a sign-in, named by its hash, was ended by its person."""
    return bool(rows(connection, "SELECT FROM signed_out WHERE sign_in = %(sign_in)s", {"sign_in": sign_in}))
