"""Which password goes to which Prefect server. That the server of `ncric up` wants it is in tests/flows/test_up.py."""

import base64
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from ncric_core.errors import ServiceError
from ncric_core.jobs.prefect_access import access, client_environment, make_own_password, password_file
from ncric_core.settings import Settings

ELSEWHERE = "https://prefect.example/api"


def given(folder: Path, **changes: Any) -> Settings:
    return Settings(data_dir=folder, **changes, _env_file=None)


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(password.encode()).decode()


def test_the_password_of_our_own_server_is_made_once_for_us_alone(tmp_path: Path) -> None:
    settings = given(tmp_path)
    assert access(settings).authorization is None  # `ncric up` has not run here
    made = make_own_password(settings).get_secret_value()
    assert make_own_password(settings).get_secret_value() == made
    assert made.startswith("ncric:")
    assert len(made) > 30
    assert stat.S_IMODE(password_file(settings).stat().st_mode) == 0o600
    assert access(settings).authorization == basic(made)
    assert client_environment(settings)["PREFECT_API_AUTH_STRING"] == made


@pytest.mark.parametrize(
    ("changes", "authorization"),
    [
        ({"prefect_api_url": ELSEWHERE}, None),
        ({"prefect_api_url": ELSEWHERE, "prefect_api_key": "k"}, "Bearer k"),
        ({"prefect_api_url": ELSEWHERE, "prefect_api_auth_string": "ann:p"}, basic("ann:p")),
        ({"prefect_api_url": "https://ann:p%40@prefect.example/api"}, basic("ann:p@")),
    ],
)
def test_another_server_never_gets_our_own_password(
    changes: dict[str, Any], authorization: str | None, tmp_path: Path
) -> None:
    make_own_password(given(tmp_path))
    found = access(given(tmp_path, **changes))
    assert (found.url, found.authorization) == (ELSEWHERE, authorization)
    told = client_environment(given(tmp_path, **changes))
    assert told["PREFECT_API_URL"] == ELSEWHERE
    assert ("PREFECT_API_KEY" in told, "PREFECT_API_AUTH_STRING" in told) == (
        authorization == "Bearer k",
        authorization not in {None, "Bearer k"},
    )


def test_a_password_of_another_user_is_told(tmp_path: Path) -> None:
    password_file(given(tmp_path)).mkdir()  # root may read every file
    with pytest.raises(ServiceError, match=r"the password of Prefect in .* cannot be read .*be the user who runs"):
        access(given(tmp_path))


def test_a_strangers_server_does_not_learn_the_password(tmp_path: Path) -> None:
    make_own_password(given(tmp_path))
    with socket.socket() as server:
        if os.geteuid() != 0:
            return  # only root can make a socket of another user
        os.fchown(server.fileno(), 65534, -1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        with pytest.raises(ServiceError, match="a server of another user listens on port"):
            access(given(tmp_path, prefect_port=server.getsockname()[1]))
