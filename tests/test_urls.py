"""What people see of a URL: never its password."""

import pytest

from ncric_core.errors import ServiceError
from ncric_core.settings import Settings
from ncric_core.store.database import open_database
from ncric_core.urls import for_people, without_user
from tests.conftest import Command


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://127.0.0.1:4200/api", "http://127.0.0.1:4200/api"),
        ("https://ann:hunter2@s3.example/x", "https://***@s3.example/x"),
        ("https://hunter2@s3.example", "https://***@s3.example"),
        ("https://ann:hun/te?r@2@s3.example/x", "https://***@s3.example/x"),
        ("https://id.example/a?policy=p&token=hunter2", "https://id.example/a?policy=***&token=***"),
        ("cannot reach 'http://a:hunter2@b' or (http://c:hunter2@d)", "cannot reach 'http://***@b' or (http://***@d)"),
        ("a file of ann@example.org?", "a file of ann@example.org?"),
        ("s3://bucket", "s3://bucket"),
        ("", ""),
    ],
)
def test_a_url_is_shown_without_its_secrets(text: str, shown: str) -> None:
    assert for_people(text) == shown
    assert str(ServiceError(text)) == shown


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://h:1/api", ("http://h:1/api", None)),
        ("http://ann:p%40ss@h:1/api", ("http://h:1/api", "ann:p@ss")),
        ("http://ann:p@s/s@h/api", ("http://h/api", "ann:p@s/s")),
        ("http://[h", ("http://[h", None)),
        ("h/api", ("h/api", None)),
    ],
)
def test_a_user_is_taken_out_of_a_url(url: str, found: tuple[str, str | None]) -> None:
    assert without_user(url) == found


SECRETS = {
    "NCRIC_S3_ENDPOINT_URL": "http://ann:hunter2@127.0.0.1:1",
    "NCRIC_BUCKET": "s3://reads",
    "PREFECT_API_URL": "http://ann:hunter2@127.0.0.1:1/api",
    "NCRIC_OIDC_METADATA_URL": "https://ann:hunter2@id.example/.well-known/openid-configuration?key=hunter2",
    "NCRIC_CONSOLE_URL": "https://ann:hunter2@reads.example",
}


@pytest.mark.parametrize(
    "arguments",
    [
        ("settings",),
        ("status",),
        ("deploy",),
        ("files", "list", "boss4"),
        ("run", "boss4", "--start", "2022-10-11T08:00", "--end", "2022-10-11T09:00"),
    ],
)
def test_no_command_shows_the_password_of_a_url(
    arguments: tuple[str, ...], ncric: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    ran = ncric(*arguments)
    assert "127.0.0.1:1" in ran.out + ran.err
    assert "hunter2" not in ran.out + ran.err


def test_an_unescaped_password_does_not_become_part_of_the_hosts_name() -> None:
    with pytest.raises(Exception, match="NCRIC_DATABASE_URL has an @ in its password: write it as %40"):
        open_database(Settings(database_url="postgresql://ann:hunter@2@db/x", _env_file=None))
