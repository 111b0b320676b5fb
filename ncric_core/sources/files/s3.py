"""An S3 bucket: listed page by page, with its errors in words."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

from ncric_core.deliveries import Known
from ncric_core.errors import SourceError
from ncric_core.settings import Settings
from ncric_core.sources.files.stored import Leap, ObjectGone, StoredObject, anything, moment, nothing_known
from ncric_core.urls import without_user

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

GONE: Final = {"NoSuchKey", "404", "PreconditionFailed", "412"}
NO_BUCKET: Final = {"NoSuchBucket", "404"}
NOT_ALLOWED_IN: Final = {
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    "RequestTimeTooSkewed",
    "AllAccessDisabled",
}
"""Refusals that are of whoever asks, not of the object asked for."""
PASSING: Final = {
    "SlowDown",
    "InternalError",
    "RequestTimeout",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
}
ARCHIVED: Final = "InvalidObjectState"


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

    def list(self, prefix: str, leap: Leap = anything, known: Known = nothing_known) -> Iterator[StoredObject]:
        """Lists the objects (see `Bucket.list`). Each page begins where the last one ended, or further on."""
        paginator = self.client.get_paginator("list_objects_v2")
        behind: str | None = prefix[:-1]  # before all keys with the prefix
        try:
            while behind is not None:
                pages = paginator.paginate(Bucket=self.name, Prefix=prefix, StartAfter=behind)
                behind = None
                for page in pages:
                    last = None
                    for item in page.get("Contents", ()):
                        last, changed = item["Key"], item["LastModified"]
                        is_folder = last.endswith("/") and not item["Size"]  # an empty "folder/" marks a folder
                        if not is_folder and leap(last) is None and not known(last, changed):
                            yield _stored(last, item["Size"], changed, item["ETag"])
                    if page["IsTruncated"] and last is not None and (behind := leap(last)) is not None:
                        break
        except (ClientError, BotoCoreError) as error:
            raise self._failure(error) from error

    def find(self, key: str) -> StoredObject | None:
        """Returns the object with this key, or None."""
        try:
            head = self.client.head_object(Bucket=self.name, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                return None
            raise self._failure(error, key) from error
        except BotoCoreError as error:
            raise self._failure(error) from error
        return _stored(key, head["ContentLength"], head["LastModified"], head["ETag"])

    def open(self, listed: StoredObject) -> BinaryIO:
        """Opens the object, in the version listed (If-Match)."""
        try:
            answer = self.client.get_object(Bucket=self.name, Key=listed.key, IfMatch=f'"{listed.version}"')
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                raise ObjectGone(f"{listed.key} was deleted or replaced after it was listed") from error
            raise self._failure(error, listed.key) from error
        except BotoCoreError as error:
            raise self._failure(error) from error
        return cast(BinaryIO, answer["Body"])

    def _failure(self, error: ClientError | BotoCoreError, key: str | None = None) -> SourceError:
        """Returns the error in words, without the text of the answer, which may repeat secret keys of the request."""
        bucket = f"the bucket s3://{self.name}"
        if isinstance(error, BotoCoreError):
            advice = " (check NCRIC_S3_ENDPOINT_URL)" if isinstance(error, HTTPClientError | NoConnectionError) else ""
            return SourceError(f"{bucket} cannot be read: {' '.join(str(error).split())}{advice}", passing=True)
        code = error.response["Error"]["Code"]
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in PASSING or status >= 500:
            return SourceError(f"{key or bucket} cannot be read now: S3 answers {code}", passing=True)
        if code in NO_BUCKET:
            advice = "there is no such bucket: check NCRIC_BUCKET and NCRIC_S3_ENDPOINT_URL"
            return SourceError(f"{bucket} cannot be read: {advice}")
        if code == ARCHIVED:
            return SourceError(f"{key} cannot be read: it is archived: restore it in S3")
        what = bucket if key is None or code in NOT_ALLOWED_IN else key
        return SourceError(f"{what} cannot be read: refused with {code}: check the AWS credentials and their rights")


def _stored(key: str, size: int, modified: datetime, etag: str) -> StoredObject:
    last_modified = moment(modified.timestamp())
    shown = key.replace("\0", "\\x00")
    trouble = f"{shown} cannot be read: the books cannot hold the NUL in its name" if shown != key else None
    return StoredObject(shown, size, last_modified, etag.strip('"'), last_modified, trouble=trouble)


def clients(settings: Settings, *, attempts: Iterable[int]) -> "list[S3Client]":
    """Returns a client for each number of attempts.

    Credentials are found by AWS's own rules, or in the named prefect-aws block.
    """
    try:
        block = settings.aws_credentials_block
        session = _block_session(block) if block else boto3.Session()
        region = session.region_name or "us-west-2"  # some region must be named; S3 redirects to the right one
        # the library quotes the URL in its errors, and has no use for a user in it
        endpoint = settings.s3_endpoint_url and without_user(settings.s3_endpoint_url)[0]
        return [
            session.client(
                "s3",
                endpoint_url=endpoint,
                region_name=region,
                config=Config(
                    retries={"total_max_attempts": number, "mode": "standard"},
                    max_pool_connections=settings.fetch_threads + 2,
                    connect_timeout=5,
                    read_timeout=60,
                ),
            )
            for number in attempts
        ]
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
