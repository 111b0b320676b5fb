"""Every setting: name, type, default, environment variable (NCRIC_…, also from a `.env` in the working directory)."""

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

PREFIX = "NCRIC_"
MOST_LAG = 24 * 30  # hours


def _split(value: object) -> object:
    return [part for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _people(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _folders(prefixes: tuple[str, ...]) -> tuple[str, ...]:
    """Each prefix as a folder: without the slash, `ncric` would take `ncricscso/` too. `/` is the whole bucket.

    A folder within another of them is left out, as its files would be read twice.
    """
    names = dict.fromkeys(prefix.strip().strip("/") for prefix in prefixes if prefix.strip())
    folders = [f"{name}/" if name else "" for name in names]
    return tuple(one for one in folders if not any(one != other and one.startswith(other) for other in folders))


@dataclass(frozen=True, slots=True)
class Lags:
    """Hours after which a feed's reads are all there: of most feeds, and of those that take another time."""

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
    """The user's own data folder; for root a system one: the embedded server does not run as root nor see /root."""
    return Path("/var/lib/ncric") if os.geteuid() == 0 else user_data_path("ncric", appauthor=False)


def _user() -> str:
    """The user's name, or number where it has no name, as in some containers."""
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
    """Ours goes before Prefect's own variable."""
    return AliasChoices(PREFIX + name, name)


class Settings(BaseSettings):
    """What can be set; a variable that is empty counts as unset.

    Credentials of S3 are not here: they come from the environment, a profile, a role or a block.
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
    scso_prefix: Prefixes = Field(default=("scso/", "ncricscso/"), description="folders of SCSO")
    hotlist_prefix: Prefixes = Field(default=("hotlist/",), description="folders of the daily hotlist")
    boss4_timezone: Zone = Field(default="UTC", description="zone of the times in BOSS4's data and file names")
    scso_timezone: Zone = Field(default="UTC", description="zone of the times in SCSO's data and file names")
    chunk_size: int = Field(default=50_000, ge=1, description="reads in one transaction")
    keep_days: int = Field(default=365, ge=1, description="reads older than this when their file came are not loaded")
    fetch_threads: int = Field(default=8, ge=1, le=64, description="files fetched from the bucket at once")
    flights_dir: Folder = Field(default=FLIGHTS, description="folder of edm.yaml and the project's own flights")
    organization: str = Field(default="NCRIC", min_length=1, description="the organisation that owns the data sets")
    user: str = Field(default_factory=_user, description="who is named in the history of changes")
    prefect_port: int = Field(default=4200, ge=1, le=65535, description="port of the Prefect server of `ncric up`")
    prefect_api_url: str | None = Field(
        default=None,
        validation_alias=_as_prefect_names_it("PREFECT_API_URL"),
        description="a Prefect server of its own (also PREFECT_API_URL); unset: the one of `ncric up`",
    )
    prefect_api_key: SecretStr | None = Field(
        default=None,
        validation_alias=_as_prefect_names_it("PREFECT_API_KEY"),
        description="key of that server, if it wants one (also PREFECT_API_KEY)",
    )
    prefect_api_auth_string: SecretStr | None = Field(
        default=None,
        validation_alias=_as_prefect_names_it("PREFECT_API_AUTH_STRING"),
        description="user:password of that server, if it wants them (also PREFECT_API_AUTH_STRING)",
    )
    work_pool: str = Field(
        default="ncric",
        min_length=1,
        validation_alias=AliasChoices(PREFIX + "WORK_POOL", "PREFECT_DEPLOYMENTS_DEFAULT_WORK_POOL_NAME"),
        description="Prefect's work pool of all deployments (also PREFECT_DEPLOYMENTS_DEFAULT_WORK_POOL_NAME)",
    )
    console_address: str = Field(default="127.0.0.1", min_length=1, description="where the console listens")
    console_port: int = Field(default=8501, ge=1, le=65535, description="port of the console")
    console_url: str | None = Field(default=None, description="the console as its users reach it: https://…")
    console_users: People = Field(
        default=(), description="who may come in as an analyst: a@b.org, @b.org (all of it), group:NAME; commas between"
    )
    console_operators: People = Field(
        default=(), description="who may also see rows as received, change names, run jobs again: as CONSOLE_USERS"
    )
    console_idle_minutes: float = Field(default=30, gt=0, description="minutes without a sign of life until sign-out")
    oidc_metadata_url: str | None = Field(
        default=None, description="OpenID provider: …/.well-known/openid-configuration; unset: the console is local"
    )
    oidc_client_id: str | None = Field(default=None, description="the console's name at that provider")
    oidc_client_secret: SecretStr | None = Field(default=None, description="its secret there")
    oidc_groups_claim: str = Field(default="groups", min_length=1, description="claim that has a person's groups")
    freshness_weeks: int = Field(
        default=8, ge=1, le=52, description="weeks that the usual number of reads is learned from"
    )
    freshness_min_weeks: int = Field(default=3, ge=1, description="weeks that must be known before anything is judged")
    freshness_lag_hours: Lag = Field(
        default=Lags(2, (("FLOCK", 36),)),
        description="hours after which reads are all there; others by feed: 2,FLOCK=36",
    )
    freshness_certainty: float = Field(
        default=15,
        ge=1,
        description="reads that must have been due before silence is no chance (chance: e to the minus this)",
    )
    freshness_drop_share: float = Field(
        default=0.3,
        ge=0,
        lt=0.5,
        description="a drop is sharp below this share of what is usual; 0: only silence is judged",
    )
    freshness_drop_hours: int = Field(default=3, ge=1, le=48, description="hours that a drop must have lasted")
    notify_urls: SecretStr | None = Field(
        default=None,
        description="who is told of alarms: URLs of apprise (mailto://, json://, …), separated by blanks or commas",
    )

    @model_validator(mode="after")
    def _bucket_under_data_dir(self) -> Self:
        if not self.bucket:
            object.__setattr__(self, "bucket", str(self.data_dir / "bucket"))
        return self

    def environment(self) -> dict[str, str]:
        """What was set, as the variables that tell it to a child process, wherever that one runs. Has secrets."""
        texts = {name: _variable(name, getattr(self, name)) for name in self.model_fields_set}
        return {PREFIX + name.upper(): text for name, text in texts.items() if text is not None}

    def shown(self) -> list[tuple[str, str, str]]:
        """Environment variable, value (secrets masked) and description of each setting."""
        return [
            (PREFIX + name.upper(), _masked(getattr(self, name)), field.description or "")
            for name, field in type(self).model_fields.items()
        ]


def read_settings() -> Settings:
    """The settings of this process. Raises SettingsError naming each variable that cannot be used."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("; ".join(map(_fault, error.errors()))) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the file .env cannot be read: {error}") from None


def _fault(error: ErrorDetails) -> str:
    """The variable and what is wrong with it; never its value as pydantic would show it, which may be a secret."""
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
            return str(value)
