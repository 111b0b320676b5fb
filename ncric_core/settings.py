"""Every setting: name, type, default, environment variable (NCRIC_…, also read from `.env` in the working folder)."""

import getpass
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import ZoneInfo

import polars as pl
from platformdirs import user_data_path
from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ncric_core.errors import SettingsError
from ncric_core.flight.model import FLIGHTS
from ncric_core.urls import for_people

PREFIX = "NCRIC_"
MOST_LAG = 24 * 30  # hours


def _split(value: object) -> object:
    return [part for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _people(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _folders(prefixes: tuple[str, ...]) -> tuple[str, ...]:
    """Returns each prefix as a folder with a slash: without it, `ncric` would match `ncricscso/` too.

    `/` is the whole bucket. A folder inside another folder of the list is left out, so that its files are read once.
    """
    names = dict.fromkeys(prefix.strip().strip("/") for prefix in prefixes if prefix.strip())
    folders = [f"{name}/" if name else "" for name in names]
    return tuple(one for one in folders if not any(one != other and one.startswith(other) for other in folders))


@dataclass(frozen=True, slots=True)
class Lags:
    """Hours after which all reads of a feed have arrived: `usual`, except for the feeds in `by_feed`."""

    usual: int
    by_feed: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        return ",".join([str(self.usual), *(f"{feed}={hours}" for feed, hours in self.by_feed)])


def _lags(value: object) -> object:
    if not isinstance(value, str):
        return value
    parts = [part.strip() for part in value.split(",") if part.strip()]
    named = [part.partition("=") for part in parts if "=" in part]
    usual = [part for part in parts if "=" not in part]
    hours = [*usual, *(text.strip() for _, _, text in named)]
    if len(usual) != 1 or not all(text.isascii() and text.isdigit() and int(text) <= MOST_LAG for text in hours):
        raise ValueError(f"write whole hours up to {MOST_LAG}, and others by feed, as 2,FLOCK=36")
    return Lags(int(usual[0]), tuple((feed.strip().upper(), int(text)) for feed, _, text in named))


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
        pl.select(pl.lit(datetime(2000, 1, 1)).dt.replace_time_zone(name))  # noqa: DTZ001  # polars knows fewer
    except (KeyError, ValueError, OSError, pl.exceptions.PolarsError) as error:
        raise ValueError(f"{name!r} is no time zone: use a name like UTC or America/Los_Angeles") from error
    return name


def _default_data_dir() -> Path:
    """Returns the user's data folder; for root a system folder, as the embedded server's user cannot see /root."""
    return Path("/var/lib/ncric") if os.geteuid() == 0 else user_data_path("ncric", appauthor=False)


def _user() -> str:
    """Returns the user's name, or the user's number if there is no name for it, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


Prefixes = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_folders)]
People = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_people)]
Zone = Annotated[str, AfterValidator(_zone)]
Lag = Annotated[Lags, NoDecode, BeforeValidator(_lags)]
Folder = Annotated[Path, AfterValidator(Path.expanduser)]


def _as_prefect_names_it(name: str) -> AliasChoices:
    """Returns our variable's name and Prefect's own. If both are set, ours counts."""
    return AliasChoices(PREFIX + name, name)


class Settings(BaseSettings):
    """The settings. An empty variable counts as unset.

    Credentials for S3 are not settings: they come from the environment, a profile, a role or a prefect-aws block.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    data_dir: Folder = Field(
        default_factory=_default_data_dir,
        description="folder of the embedded PostgreSQL and of the default bucket",
    )
    database_url: SecretStr | None = Field(
        default=None, description="PostgreSQL 15 or later; unset: the embedded server under DATA_DIR"
    )
    bucket: str = Field(default="", description="a folder, or s3://bucket; unset: the folder `bucket` under DATA_DIR")
    s3_endpoint_url: str | None = Field(default=None, description="an S3 server other than AWS")
    aws_credentials_block: str | None = Field(
        default=None, description="name of a prefect-aws AwsCredentials block; unset: environment, profile or role"
    )
    boss4_prefix: Prefixes = Field(default=("boss4/", "ncric/"), description="folders of BOSS4, separated by commas")
    scso_prefix: Prefixes = Field(default=("scso/", "ncricscso/"), description="folders of SCSO, separated by commas")
    hotlist_prefix: Prefixes = Field(default=("hotlist/",), description="folders of the daily hotlist")
    boss4_timezone: Zone = Field(default="UTC", description="zone of the times in BOSS4's data and file names")
    scso_timezone: Zone = Field(default="UTC", description="zone of the times in SCSO's data and file names")
    chunk_size: int = Field(default=50_000, ge=1, description="reads in one transaction")
    keep_days: int = Field(default=365, ge=1, description="days; a read older than this on arrival is not loaded")
    fetch_threads: int = Field(default=8, ge=1, le=64, description="files fetched from the bucket at once")
    flights_dir: Folder = Field(default=FLIGHTS, description="folder of edm.yaml and the project's own flights")
    organization: str = Field(default="NCRIC", min_length=1, description="the organisation that owns the entity sets")
    user: str = Field(default_factory=_user, description="the name that the history of changes shows for this user")
    prefect_port: int = Field(default=4200, ge=1, le=65535, description="port of the Prefect server of `ncric up`")
    prefect_api_url: str | None = Field(
        default=None,
        validation_alias=_as_prefect_names_it("PREFECT_API_URL"),
        description="a separate Prefect server (also PREFECT_API_URL); unset: the server of `ncric up`",
    )
    prefect_api_key: SecretStr | None = Field(
        default=None,
        validation_alias=_as_prefect_names_it("PREFECT_API_KEY"),
        description="key for that server, if it needs one (also PREFECT_API_KEY)",
    )
    prefect_api_auth_string: SecretStr | None = Field(
        default=None,
        validation_alias=_as_prefect_names_it("PREFECT_API_AUTH_STRING"),
        description="user:password for that server, if it needs them (also PREFECT_API_AUTH_STRING)",
    )
    work_pool: str = Field(
        default="ncric",
        min_length=1,
        validation_alias=AliasChoices(PREFIX + "WORK_POOL", "PREFECT_DEPLOYMENTS_DEFAULT_WORK_POOL_NAME"),
        description="Prefect's work pool for all deployments (also PREFECT_DEPLOYMENTS_DEFAULT_WORK_POOL_NAME)",
    )
    console_address: str = Field(default="127.0.0.1", min_length=1, description="address that the console listens on")
    console_port: int = Field(default=8501, ge=1, le=65535, description="port of the console")
    console_url: str | None = Field(default=None, description="URL at which users reach the console: https://…")
    console_users: People = Field(
        default=(), description="analysts: a@b.org, @b.org (everyone there) or group:NAME, separated by commas"
    )
    console_operators: People = Field(
        default=(), description="who also sees rows as received, changes names, reruns jobs; as CONSOLE_USERS"
    )
    console_idle_minutes: float = Field(default=30, gt=0, description="minutes without activity until sign-out")
    console_sign_in_hours: float = Field(
        default=12, gt=0, le=24 * 30, description="hours until a person has to sign in again, however active"
    )
    oidc_metadata_url: str | None = Field(
        default=None, description="identity provider: …/.well-known/openid-configuration; unset: the console is local"
    )
    oidc_client_id: str | None = Field(default=None, description="the console's client id at the identity provider")
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="the console's secret at the identity provider"
    )
    oidc_groups_claim: str = Field(default="groups", min_length=1, description="claim that has a person's groups")
    oidc_trust_unverified_email: bool = Field(
        default=False,
        description="believe e-mail addresses of a provider that never says whether it has verified them: whoever can "
        "enter an address there comes in as its owner",
    )
    freshness_weeks: int = Field(
        default=8, ge=1, le=52, description="weeks from which the usual number of reads is learned"
    )
    freshness_min_weeks: int = Field(default=3, ge=1, description="weeks of reads needed before anything is judged")
    freshness_lag_hours: Lag = Field(
        default=Lags(2, (("FLOCK", 36),)),
        description="hours after which all reads have arrived; for single feeds: 2,FLOCK=36",
    )
    freshness_certainty: float = Field(
        default=15,
        ge=1,
        description="reads expected in a silence before it is an alarm (odds of a false one: e to the minus this)",
    )
    freshness_drop_share: float = Field(
        default=0.3,
        ge=0,
        lt=0.5,
        description="fewer than this share of the usual reads is a sharp drop; 0: only silence is judged",
    )
    freshness_drop_hours: int = Field(default=3, ge=1, le=48, description="hours that a drop lasts before an alarm")
    notify_urls: SecretStr | None = Field(
        default=None,
        description="where alarms are sent: apprise URLs (mailto://, json://, …), separated by blanks or commas",
    )

    @model_validator(mode="after")
    def _bucket_under_data_dir(self) -> Self:
        if not self.bucket:
            object.__setattr__(self, "bucket", str(self.data_dir / "bucket"))
        return self

    def environment(self) -> dict[str, str]:
        """Returns what was set as environment variables for a child process in any folder. They include secrets."""
        texts = {name: _variable(name, getattr(self, name)) for name in self.model_fields_set}
        return {PREFIX + name.upper(): text for name, text in texts.items() if text is not None}

    def shown(self) -> list[tuple[str, str, str]]:
        """Returns the environment variable, value (secrets masked) and description of each setting."""
        return [
            (PREFIX + name.upper(), _masked(getattr(self, name)), field.description or "")
            for name, field in type(self).model_fields.items()
        ]


def read_settings() -> Settings:
    """Reads the settings of this process. Raises SettingsError, which names each variable that cannot be used."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("; ".join(map(_fault, error.errors()))) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the file .env cannot be read: {error}") from None


def _fault(error: ErrorDetails) -> str:
    """Returns the variable and what is wrong with it, without its value (pydantic shows it), which may be a secret."""
    variable = PREFIX + ".".join(map(str, error["loc"])).upper()
    return f"{variable}: {error['msg'].removeprefix('Value error, ')}"


def _variable(name: str, value: object) -> str | None:
    match value:
        case None:
            return None
        case SecretStr():
            return value.get_secret_value()
        case tuple():
            return ",".join(one or "/" for one in value) or ","
        case Path():
            return str(value.absolute())
        case str() if name == "bucket" and not value.startswith("s3://"):
            return str(Path(value).expanduser().absolute())
        case _:
            return str(value)


def _masked(value: object) -> str:
    match value:
        case None:
            return ""
        case SecretStr():
            return "********"
        case tuple():
            return ",".join(map(str, value))
        case _:
            return for_people(str(value))
