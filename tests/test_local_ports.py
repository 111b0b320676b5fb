"""Whose the ends of local connections are."""

import os
import socket

import pytest

from ncric_core.local_ports import connected_users, listening_users, users_of

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2135 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1145 1 0 100 0 0 10 0
   1: 0100007F:C001 0100007F:2135 01 00000000:00000000 00:00000000 00000000  1001        0 1146 1 0 20 4 30 10 -1
   2: 0100007F:2135 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 1147 1 0 20 4 30 10 -1
   3: 0100007F:C002 0100007F:2135 04 00000000:00000000 00:00000000 00000000     0        0 0 1 0 20 4 30 10 -1
"""


@pytest.mark.parametrize(("client", "users"), [(0xC001, {1001}), (0xC002, set()), (0xC003, set())])
def test_a_connection_is_of_the_user_at_its_other_end(client: int, users: set[int]) -> None:
    assert users_of([TABLE], client, 0x2135) == users


def test_the_users_of_this_machine_are_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        port = server.getsockname()[1]
        assert listening_users(port) == {os.geteuid()}
        assert connected_users(client.getsockname()[1], port) == {os.geteuid()}
    assert listening_users(port) == set()
