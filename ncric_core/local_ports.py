"""Which users of this machine are behind a local TCP port: whose server listens there, who has connected to it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

TABLES: Final = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
"""Linux's connections. Other systems have no such tables: nothing is found there."""

ESTABLISHED: Final = "01"
LISTENING: Final = "0A"


def listening_users(port: int) -> set[int]:
    """Returns the users whose servers listen on a port."""
    return {user for local, _, state, user in _connections(_tables()) if state == LISTENING and local == port}


def connected_users(client: int, server: int) -> set[int]:
    """Returns the users whose connections lead from the port `client` to the port `server`."""
    return users_of(_tables(), client, server)


def users_of(tables: Iterable[str], client: int, server: int) -> set[int]:
    """Returns the users of the connections from one port to another, according to these tables.

    Only connections that are open count: those that their process has closed count as root's in the tables.
    """
    return {
        user
        for local, remote, state, user in _connections(tables)
        if state == ESTABLISHED and (local, remote) == (client, server)
    }


def _tables() -> list[str]:
    return [table.read_text(encoding="ascii") for table in TABLES if table.exists()]


def _connections(tables: Iterable[str]) -> Iterator[tuple[int, int, str, int]]:
    """Yields local port, remote port, state and user of each connection."""
    for table in tables:
        for line in table.splitlines()[1:]:
            _, local, remote, state, _, _, _, user, *_ = line.split()
            yield _port(local), _port(remote), state, int(user)


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
