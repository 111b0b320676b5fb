"""An S3 server for these tests, over HTTP."""

from collections.abc import Iterator
from functools import cache
from typing import Any
from uuid import uuid4

import boto3
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

from ncric_core.settings import Settings


@cache
def client_of(endpoint: str) -> Any:
    """Making one takes longer than any test of it. The first is made under `credentials`."""
    return boto3.Session().client("s3", endpoint_url=endpoint, region_name="us-west-2")


class S3:
    """A bucket on the server, which a test can change behind the pipeline's back."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.name = f"reads-{uuid4().hex}"
        self.client = client_of(endpoint)
        self.client.create_bucket(Bucket=self.name, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})

    def put(self, key: str, content: bytes = b"[]") -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=content)

    def put_many(self, keys: list[str]) -> None:
        """Puts many objects straight into the server's memory. Over HTTP it would take ten seconds."""
        for key in keys:
            s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object(self.name, key, b"[]")

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)

    def settings(self, **changes: Any) -> Settings:
        given = {"bucket": f"s3://{self.name}", "s3_endpoint_url": self.endpoint} | changes
        return Settings(_env_file=None, **given)


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Sets meaningless credentials, so that none of the machine's are used."""
    nowhere = tmp_path_factory.mktemp("aws")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTS")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(nowhere / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nowhere / "credentials"))


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_endpoint: str, credentials: None) -> S3:
    return S3(s3_endpoint)
