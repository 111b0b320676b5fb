"""Settings: from the environment and .env, checked, and shown without secrets."""

import getpass
import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ncric_core.errors import SettingsError
from ncric_core.flight.model import FLIGHTS
from ncric_core.settings import Settings, read_settings


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No setting of the machine, and a working directory without a .env."""
    for name in os.environ:
        if name.upper().startswith("NCRIC_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fault(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_defaults_need_nothing_set() -> None:
    settings = read_settings()
    assert settings.database_url is None
    assert settings.boss4_prefix == ("boss4/", "ncric/")
    assert settings.scso_prefix == ("scso/", "ncricscso/")
    assert settings.hotlist_prefix == ("hotlist/",)
    assert (settings.boss4_timezone, settings.scso_timezone) == ("UTC", "UTC")
    assert (settings.chunk_size, settings.keep_days, settings.fetch_threads) == (50_000, 365, 8)
    assert settings.flights_dir == FLIGHTS
    assert settings.bucket == str(settings.data_dir / "bucket")
    assert settings.user == getpass.getuser()


def test_default_folder_is_the_users_own_and_for_root_one_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert Settings().data_dir == Path("/var/lib/ncric")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/home/x/.local/share")
    assert Settings().data_dir == Path("/home/x/.local/share/ncric")


@pytest.mark.parametrize(
    ("given", "folders"),
    [
        ("boss4", ("boss4/",)),
        ("boss4/", ("boss4/",)),
        ("/boss4//", ("boss4/",)),
        (" boss4 , ncric/ ,, ", ("boss4/", "ncric/")),
        ("ncric,ncricscso", ("ncric/", "ncricscso/")),
        ("in/boss4/2022,in/boss4/2023", ("in/boss4/2022/", "in/boss4/2023/")),
        ("boss4,boss4/", ("boss4/",)),
        ("boss4/2022,boss4", ("boss4/",)),
        ("/", ("",)),
        ("/,boss4", ("",)),
        ("é ’", ("é ’/",)),
    ],
)
def test_prefixes_are_folders_separated_by_commas(given: str, folders: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCRIC_BOSS4_PREFIX", given)
    assert read_settings().boss4_prefix == folders


def test_prefixes_may_be_given_as_a_list() -> None:
    assert Settings(boss4_prefix=["a", "b/"]).boss4_prefix == ("a/", "b/")


def test_feed_without_folders_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCRIC_SCSO_PREFIX", ",")
    assert read_settings().scso_prefix == ()


def test_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, _, _ in Settings().shown():
        monkeypatch.setenv(name, "")
    assert read_settings() == Settings(_env_file=None)
    assert read_settings().database_url is None


def test_env_file_is_read_and_the_environment_goes_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text(
        "NCRIC_KEEP_DAYS=30\nNCRIC_USER='Ann ’Lee'\nNCRIC_OTHER=1\nAWS_PROFILE=x\nKEEP_DAYS=2\n"
    )
    assert (read_settings().keep_days, read_settings().user) == (30, "Ann ’Lee")
    monkeypatch.setenv("NCRIC_KEEP_DAYS", "60")
    assert read_settings().keep_days == 60


@pytest.mark.parametrize("content", [b"NCRIC_USER=\xff\n", None])
def test_env_file_that_cannot_be_read_is_told(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_bytes(content or b"")
    if content is None:
        monkeypatch.setattr("builtins.open", _refuse)
    assert fault(monkeypatch).startswith("the file .env cannot be read: ")


def _refuse(*_: Any, **__: Any) -> None:
    raise PermissionError(13, "Permission denied", ".env")


def test_home_is_known_in_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setenv("NCRIC_DATA_DIR", "~/ncric")
    assert read_settings().data_dir == Path("/home/ann/ncric")
    assert read_settings().bucket == "/home/ann/ncric/bucket"


def test_bucket_that_is_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCRIC_BUCKET", "s3://reads")
    assert read_settings().bucket == "s3://reads"


@pytest.mark.parametrize("zone", ["UTC", "US/Pacific", "America/Los_Angeles", "Etc/GMT+8"])
def test_zone_is_taken_by_name(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCRIC_BOSS4_TIMEZONE", zone)
    assert read_settings().boss4_timezone == zone


@pytest.mark.parametrize(
    "zone",
    ["Mars/Olympus", "Pacific", "utc ", "America", "../etc/passwd", "/etc/localtime", "Factory", "UTC+8", "-07:00"],
)
def test_zone_that_is_none_is_told_with_its_variable(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fault(monkeypatch, NCRIC_SCSO_TIMEZONE=zone) == (
        f"NCRIC_SCSO_TIMEZONE: {zone!r} is no time zone: use a name like UTC or America/Los_Angeles"
    )


def test_every_wrong_variable_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    message = fault(monkeypatch, NCRIC_CHUNK_SIZE="many", NCRIC_KEEP_DAYS="0", NCRIC_FETCH_THREADS="65")
    assert message.split("; ") == [
        "NCRIC_CHUNK_SIZE: Input should be a valid integer, unable to parse string as an integer",
        "NCRIC_KEEP_DAYS: Input should be greater than or equal to 1",
        "NCRIC_FETCH_THREADS: Input should be less than or equal to 64",
    ]


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCRIC_DATABASE_URL", "postgresql://ann:hunter2@db/ncric")
    settings = read_settings()
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgresql://ann:hunter2@db/ncric"
    assert "hunter2" not in f"{settings} {settings!r} {settings.shown()}"
    assert {name: value for name, value, _ in settings.shown()}["NCRIC_DATABASE_URL"] == "********"


def test_every_setting_is_shown_with_its_variable_and_description(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCRIC_BOSS4_PREFIX", "a,b")
    shown = read_settings().shown()
    values = {name: value for name, value, _ in shown}
    assert values["NCRIC_BOSS4_PREFIX"] == "a/,b/"
    assert values["NCRIC_DATABASE_URL"] == values["NCRIC_S3_ENDPOINT_URL"] == ""
    assert values["NCRIC_KEEP_DAYS"] == "365"
    assert all(description for _, _, description in shown)
    assert len(shown) == len(Settings.model_fields)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().keep_days = 1  # type: ignore[misc]


def test_user_without_a_name_is_known_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_name() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(getpass, "getuser", no_name)
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    assert read_settings().user == "uid 4711"


def test_a_child_process_is_told_what_was_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "NCRIC_DATA_DIR=data\nNCRIC_BUCKET=b\nNCRIC_BOSS4_PREFIX=/\nNCRIC_SCSO_PREFIX=,\nNCRIC_DATABASE_URL=postgresql://a:b@c/d"
    (tmp_path / ".env").write_text(text + "\n")
    told = read_settings().environment()
    assert told == {
        "NCRIC_DATA_DIR": str(tmp_path / "data"),
        "NCRIC_BUCKET": str(tmp_path / "b"),
        "NCRIC_BOSS4_PREFIX": "/",
        "NCRIC_SCSO_PREFIX": ",",
        "NCRIC_DATABASE_URL": "postgresql://a:b@c/d",
    }
    before = read_settings()
    (tmp_path / ".env").unlink()
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    after = read_settings()
    assert (after.boss4_prefix, after.scso_prefix, after.database_url) == (("",), (), before.database_url)


def test_prefects_own_variables_are_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect/api")
    monkeypatch.setenv("PREFECT_API_KEY", "hunter2")
    assert read_settings().prefect_api_url == "http://prefect/api"
    assert "hunter2" not in f"{read_settings()!r} {read_settings().shown()}"
    monkeypatch.setenv("NCRIC_PREFECT_API_URL", "http://ours/api")
    assert read_settings().prefect_api_url == "http://ours/api"
