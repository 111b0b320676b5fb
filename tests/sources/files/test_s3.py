"""An S3 bucket, over HTTP, on the tests' own server."""

import socket
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from ncric_core.errors import SourceError
from ncric_core.sources.files.objects import open_bucket
from ncric_core.sources.files.s3 import S3Bucket
from ncric_core.sources.files.stored import Bucket, ObjectGone, StoredObject
from tests.sources.files.conftest import S3


def only(bucket: Bucket, prefix: str = "boss4/") -> StoredObject:
    (listed,) = bucket.list(prefix)
    return listed


def contents(bucket: Bucket, listed: StoredObject) -> bytes:
    with bucket.open(listed) as stream:
        return stream.read()


def failure(s3: S3, **changes: Any) -> str:
    with pytest.raises(SourceError) as caught:
        open_bucket(s3.settings(**changes))
    message = str(caught.value)
    assert "very-secret" not in message
    assert "AKIATESTS" not in message
    return message


def test_objects_of_a_folder_are_listed_in_order(s3: S3) -> None:
    names = ["boss4/b.json", "boss4/a/2.json", "boss4/a/1.json", "boss4/é ’+%20&.json", "boss4/<x>.json"]
    for key in [*names, "scso/x.json", "boss45.json"]:
        s3.put(key)
    bucket = open_bucket(s3.settings())
    assert [listed.key for listed in bucket.list("boss4/")] == sorted(names)
    assert [listed.key for listed in bucket.list("ncric/")] == []
    assert [listed.key for listed in bucket.list("")] == sorted([*names, "scso/x.json", "boss45.json"])
    for listed in bucket.list("boss4/"):
        assert contents(bucket, listed) == b"[]"


def test_object_is_listed_with_its_size_and_time_and_fetched(s3: S3) -> None:
    s3.put("boss4/x.json", b"\xef\xbb\xbf[]\r\n")
    bucket = open_bucket(s3.settings())
    listed = only(bucket)
    assert listed.size == 7
    assert listed.last_modified.tzinfo is UTC
    assert abs(listed.last_modified - datetime.now(UTC)) < timedelta(minutes=5)
    assert listed.version
    assert '"' not in listed.version
    assert contents(bucket, listed) == b"\xef\xbb\xbf[]\r\n"
    assert bucket.find("boss4/x.json") == listed
    assert bucket.find("boss4/y.json") is None


def test_object_that_marks_a_folder_is_no_file_and_an_empty_file_is(s3: S3) -> None:
    s3.put("boss4/", b"")
    s3.put("boss4/empty.json", b"")
    bucket = open_bucket(s3.settings())
    assert contents(bucket, only(bucket)) == b""


def test_more_objects_than_one_answer_holds_are_all_listed(s3: S3) -> None:
    names = [f"boss4/{number:04}.json" for number in range(1003)]
    s3.put_many(names)
    assert [listed.key for listed in open_bucket(s3.settings()).list("boss4/")] == names


def test_object_deleted_after_it_was_listed_is_gone(s3: S3) -> None:
    s3.put("boss4/x.json")
    bucket = open_bucket(s3.settings())
    listed = only(bucket)
    s3.delete("boss4/x.json")
    with pytest.raises(ObjectGone, match=r"^boss4/x.json was deleted or replaced after it was listed$"):
        bucket.open(listed)


def test_object_replaced_after_it_was_listed_is_gone_and_listed_anew(s3: S3) -> None:
    s3.put("boss4/x.json", b"first")
    bucket = open_bucket(s3.settings())
    listed = only(bucket)
    s3.put("boss4/x.json", b"other")
    with pytest.raises(ObjectGone, match=r"^boss4/x.json was deleted or replaced after it was listed$"):
        bucket.open(listed)
    assert only(bucket).version != listed.version
    assert contents(bucket, only(bucket)) == b"other"


def test_object_put_again_unchanged_is_the_same(s3: S3) -> None:
    s3.put("boss4/x.json", b"first")
    bucket = open_bucket(s3.settings())
    listed = only(bucket)
    s3.put("boss4/x.json", b"first")
    assert only(bucket).version == listed.version
    assert contents(bucket, listed) == b"first"


def test_missing_bucket_is_told_with_what_to_check(s3: S3) -> None:
    assert failure(s3, bucket="s3://no-such-bucket") == (
        "the bucket s3://no-such-bucket cannot be read: "
        "there is no such bucket: check NCRIC_BUCKET and NCRIC_S3_ENDPOINT_URL"
    )


@pytest.mark.parametrize("name", ["s3://", "s3:///", "s3://Not A Bucket", "s3://reads/boss4"])
def test_name_that_is_no_buckets_is_told_in_one_line(name: str, s3: S3) -> None:
    message = failure(s3, bucket=name)
    assert message.startswith(f"the bucket s3://{name.removeprefix('s3://').strip('/')} cannot be read: ")
    assert "\n" not in message


def test_slash_behind_the_buckets_name_does_not_matter(s3: S3) -> None:
    s3.put("boss4/x.json")
    assert only(open_bucket(s3.settings(bucket=f"s3://{s3.name}/"))).key == "boss4/x.json"


def test_endpoint_where_nobody_listens_fails_at_once(s3: S3) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    begun = time.monotonic()
    message = failure(s3, s3_endpoint_url=nobody)
    assert time.monotonic() - begun < 10
    assert message.startswith(
        f'the bucket s3://{s3.name} cannot be read: Could not connect to the endpoint URL: "{nobody}/'
    )
    assert message.endswith("(check NCRIC_S3_ENDPOINT_URL)")


def test_endpoint_that_is_no_url_is_told(s3: S3) -> None:
    assert failure(s3, s3_endpoint_url="nonsense") == "no S3 client can be made: Invalid endpoint: nonsense"


def test_missing_credentials_are_told(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert failure(s3) == f"the bucket s3://{s3.name} cannot be read: Unable to locate credentials"


class Refusing:
    """A client that answers everything with an error."""

    def __init__(self, code: str, status: int = 403) -> None:
        self.code, self.status = code, status

    def __getattr__(self, _: str) -> Any:
        def refuse(*_: Any, **__: Any) -> None:
            error: Any = {"Code": self.code, "Message": "AKIATESTS does not exist", "AWSAccessKeyId": "AKIATESTS"}
            answer: Any = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": self.status}}
            raise ClientError(answer, "ListObjectsV2")

        return refuse


def refused(code: str, status: int = 403) -> list[SourceError]:
    """Returns the errors of looking at a bucket, finding an object and opening it."""
    bucket = S3Bucket("reads", Refusing(code, status))  # type: ignore[arg-type]
    listed = StoredObject("boss4/x.json", 1, datetime.now(UTC), "v")
    errors = []
    for call in (bucket.check, lambda: bucket.find("boss4/x.json"), lambda: bucket.open(listed)):
        with pytest.raises(SourceError) as caught:
            call()
        errors.append(caught.value)
    return errors


def test_refusal_is_told_by_its_code_without_the_answer() -> None:
    for error in refused("InvalidAccessKeyId"):
        assert not error.passing
        assert str(error) == (
            "the bucket s3://reads cannot be read: "
            "refused with InvalidAccessKeyId: check the AWS credentials and their rights"
        )


@pytest.mark.parametrize("code", ["AccessDenied", "KMS.DisabledException", "KMS.NotFoundException"])
def test_object_that_is_refused_is_told_with_its_name(code: str) -> None:
    whole, *of_object = refused(code)
    assert str(whole).startswith(f"the bucket s3://reads cannot be read: refused with {code}")
    for error in of_object:
        assert str(error) == (
            f"boss4/x.json cannot be read: refused with {code}: check the AWS credentials and their rights"
        )


def test_object_in_an_archive_is_told_with_what_to_do() -> None:
    assert str(refused("InvalidObjectState")[2]) == "boss4/x.json cannot be read: it is archived: restore it in S3"


@pytest.mark.parametrize(
    ("code", "status"),
    [("SlowDown", 503), ("InternalError", 500), ("RequestTimeout", 400), ("ServiceUnavailable", 503), ("502", 502)],
)
def test_failure_of_s3_itself_passes(code: str, status: int) -> None:
    whole, found, opened = refused(code, status)
    assert whole.passing
    assert found.passing
    assert opened.passing
    assert str(whole) == f"the bucket s3://reads cannot be read now: S3 answers {code}"
    assert str(opened) == f"boss4/x.json cannot be read now: S3 answers {code}"


def test_one_session_serves_the_check_and_the_reading(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    class Session(boto3.Session):
        def __init__(self) -> None:
            made.append(self)
            super().__init__()

    monkeypatch.setattr(boto3, "Session", Session)
    open_bucket(s3.settings())
    assert len(made) == 1


def test_bucket_deleted_while_it_is_read_is_an_error_in_words(s3: S3) -> None:
    s3.put("boss4/x.json")
    bucket = open_bucket(s3.settings())
    listed = only(bucket)
    s3.delete("boss4/x.json")
    s3.client.delete_bucket(Bucket=s3.name)
    with pytest.raises(SourceError, match="there is no such bucket"):
        list(bucket.list("boss4/"))
    with pytest.raises(SourceError, match="there is no such bucket"):
        bucket.open(listed)


def test_nul_in_a_key_is_told_in_a_form_that_the_books_can_hold(s3: S3) -> None:
    s3.put("boss4/a.json")
    s3.put_many(["boss4/b\0c.json"])
    good, bad = open_bucket(s3.settings()).list("boss4/")
    assert (good.key, good.trouble) == ("boss4/a.json", None)
    assert (bad.key, bad.version != "") == ("boss4/b\\x00c.json", True)
    assert bad.trouble == "boss4/b\\x00c.json cannot be read: the books cannot hold the NUL in its name"
