"""Who is in front of the console, and what they may do."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Literal

from ncric_core.settings import Settings

Role = Literal["ncric_analyst", "ncric_operator"]

LOCAL: Final = "local administrator"


@dataclass(frozen=True, slots=True)
class User:
    """A signed-in person: the name that the history keeps, and the role of the database that their questions run in."""

    name: str
    role: Role

    @property
    def is_operator(self) -> bool:
        """Whether they see rows as received and may change names, run jobs again and replay rejects."""
        return self.role == "ncric_operator"


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def signed_in(settings: Settings) -> User:
    """Who asks. Without a provider of identities the console listens on loopback only (`ncric console` sees to it), and
    who reaches it is this machine's user."""
    return User(f"{settings.user} ({LOCAL})", "ncric_operator")
