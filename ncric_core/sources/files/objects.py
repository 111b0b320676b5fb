"""The object store: an S3 bucket or a folder, with the same methods."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

from ncric_core.errors import SourceError
from ncric_core.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

GONE = {"NoSuchKey", "404", "PreconditionFailed", "412"}


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as listed. `version` changes when its content does (ETag, or size and modification time)."""

    key: str
    size: int
    last_modified: datetime
    version: str


class ObjectGone(SourceError):  # noqa: N818  # the bucket changed; nothing went wrong
    """The object was deleted or replaced between listing and fetching."""


class Bucket(Protocol):
    """A store of objects. Every method raises SourceError if the store cannot be read."""

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Yields the objects under a folder (`boss4/`), in order of key; none if there is no such folder."""

    def find(self, key: str) -> StoredObject | None:
        """Returns the object with this key, or None."""

    def open(self, listed: StoredObject) -> BinaryIO:
        """Opens the object's bytes as a stream. Raises ObjectGone if it was deleted or replaced since it was listed."""


def open_bucket(settings: Settings) -> Bucket:
    """Opens the bucket of the settings. Raises SourceError if it is missing, or if S3 refuses access."""
    if settings.bucket.startswith("s3://"):
        name = settings.bucket.removeprefix("s3://").strip("/")
        S3Bucket(name, _client(settings, attempts=2)).check()  # few attempts: a wrong setting is reported soon
        return S3Bucket(name, _client(settings, attempts=6))
    folder = Path(settings.bucket).expanduser()
    if not folder.is_dir():
        raise SourceError(
            f"the bucket {folder} is no folder: create it, or set NCRIC_BUCKET to a folder or s3://bucket"
        )
    return Folder(folder)


class Folder:
    """A folder as a bucket: an object's key is its path below the folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._odd: dict[str, str] = {}  # files listed whose names are not UTF-8: readable key → real name

    def list(self, prefix: str) -> Iterator[StoredObject]:
        yield from self._walk(prefix)

    def _walk(self, prefix: str) -> Iterator[StoredObject]:
        try:
            with os.scandir(self.root / prefix) as entries:
                found = sorted(entries, key=lambda entry: entry.name + "/" * entry.is_dir())
        except FileNotFoundError:
            return
        except OSError as error:
            raise SourceError(f"the folder {self.root / prefix} cannot be listed: {error.strerror}") from error
        for entry in found:
            key = prefix + entry.name
            if entry.is_dir():
                yield from self._walk(key + "/")
                continue
            try:
                stat = entry.stat()
            except OSError:  # deleted since it was listed, or a link to nowhere: there is nothing to fetch
                continue
            readable = os.fsencode(key).decode(errors="backslashreplace")
            if readable != key:
                self._odd[readable] = key
            yield _stored(readable, stat)

    def find(self, key: str) -> StoredObject | None:
        path = self.root / key
        if ".." in path.parts or not path.is_relative_to(self.root):
            return None
        try:
            return _stored(key, path.stat()) if path.is_file() else None
        except (OSError, ValueError):  # deleted just now, or not a valid file name
            return None

    def open(self, listed: StoredObject) -> BinaryIO:
        try:
            stream = (self.root / self._odd.get(listed.key, listed.key)).open("rb")
        except FileNotFoundError as error:
            raise ObjectGone(f"{listed.key} was deleted after it was listed") from error
        except OSError as error:
            raise SourceError(f"{listed.key} cannot be read: {error.strerror}") from error
        if _stored(listed.key, os.fstat(stream.fileno())).version != listed.version:
            stream.close()
            raise ObjectGone(f"{listed.key} was replaced after it was listed")
        return stream


def _stored(key: str, stat: os.stat_result) -> StoredObject:
    modified = datetime.fromtimestamp(stat.st_mtime, UTC)
    return StoredObject(key, stat.st_size, modified, f"{stat.st_size}-{stat.st_mtime_ns}")


class S3Bucket:
    """An S3 bucket. It is listed page by page; an object is fetched only in the version listed (If-Match)."""

    def __init__(self, name: str, client: "S3Client") -> None:
        self.name = name
        self.client = client

    def check(self) -> None:
        """Raises SourceError if the bucket cannot be listed."""
        try:
            self.client.list_objects_v2(Bucket=self.name, MaxKeys=1)
        except (ClientError, BotoCoreError) as error:
            raise self._failure(error) from error

    def list(self, prefix: str) -> Iterator[StoredObject]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        try:
            for page in pages:
                for item in page.get("Contents", ()):
                    if item["Size"] or not item["Key"].endswith("/"):  # an empty object "folder/" marks a folder
                        etag = item["ETag"].strip('"')
                        yield StoredObject(item["Key"], item["Size"], item["LastModified"].astimezone(UTC), etag)
        except (ClientError, BotoCoreError) as error:
            raise self._failure(error) from error

    def find(self, key: str) -> StoredObject | None:
        try:
            head = self.client.head_object(Bucket=self.name, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                return None
            raise self._failure(error) from error
        except BotoCoreError as error:
            raise self._failure(error) from error
        return StoredObject(key, head["ContentLength"], head["LastModified"].astimezone(UTC), head["ETag"].strip('"'))

    def open(self, listed: StoredObject) -> BinaryIO:
        try:
            answer = self.client.get_object(Bucket=self.name, Key=listed.key, IfMatch=f'"{listed.version}"')
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                raise ObjectGone(f"{listed.key} was deleted or replaced after it was listed") from error
            raise self._failure(error) from error
        except BotoCoreError as error:
            raise self._failure(error) from error
        return cast(BinaryIO, answer["Body"])

    def _failure(self, error: ClientError | BotoCoreError) -> SourceError:
        """Returns the error in words, without the text of the answer, which may repeat secret keys of the request."""
        if isinstance(error, ClientError):
            code = error.response["Error"]["Code"]
            advice = {
                "NoSuchBucket": "there is no such bucket: check NCRIC_BUCKET and NCRIC_S3_ENDPOINT_URL",
                "404": "there is no such bucket: check NCRIC_BUCKET and NCRIC_S3_ENDPOINT_URL",
            }.get(code, f"refused with {code}: check the AWS credentials and their rights")
            return SourceError(f"the bucket s3://{self.name} cannot be read: {advice}")
        advice = " (check NCRIC_S3_ENDPOINT_URL)" if isinstance(error, HTTPClientError | NoConnectionError) else ""
        why = " ".join(str(error).split())
        return SourceError(f"the bucket s3://{self.name} cannot be read: {why}{advice}", passing=True)


def _client(settings: Settings, *, attempts: int) -> "S3Client":
    """Returns a client with retries. Credentials are found by AWS's own rules, or in the named prefect-aws block."""
    config = Config(
        retries={"total_max_attempts": attempts, "mode": "standard"},
        max_pool_connections=settings.fetch_threads + 2,
        connect_timeout=5,
        read_timeout=60,
    )
    try:
        block = settings.aws_credentials_block
        session = _block_session(block) if block else boto3.Session()
        region = session.region_name or "us-west-2"  # some region must be named; S3 redirects to the right one
        return session.client("s3", endpoint_url=settings.s3_endpoint_url, config=config, region_name=region)
    except (BotoCoreError, ValueError) as error:
        raise SourceError(f"no S3 client can be made: {error}") from error


def _block_session(name: str) -> boto3.Session:
    """Returns the session of a prefect-aws block. The import is in here because it imports Prefect as well."""
    from prefect_aws import AwsCredentials  # noqa: PLC0415

    try:
        session: boto3.Session = AwsCredentials.load(name, _sync=True).get_boto3_session()
    except ValueError as error:
        raise SourceError(f"the prefect-aws block {name!r} (NCRIC_AWS_CREDENTIALS_BLOCK) cannot be loaded") from error
    return session
