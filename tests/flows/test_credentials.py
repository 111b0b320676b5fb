"""S3 credentials from a prefect-aws block, with a real Prefect server and an S3 server over HTTP."""

import pytest
from moto.server import ThreadedMotoServer
from prefect_aws import AwsCredentials
from pydantic import SecretStr

from ncric_core.errors import SourceError
from ncric_core.settings import Settings
from ncric_core.sources.files.objects import open_bucket
from ncric_core.sources.files.s3 import clients


def test_a_block_gives_the_credentials_that_nothing_else_has(prefect: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    keys = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": SecretStr("wJalr")}
    AwsCredentials(**keys, region_name="us-west-1").save("ncric-s3", overwrite=True, _sync=True)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        settings = Settings(
            bucket="s3://reads",
            s3_endpoint_url=f"http://{host}:{port}",
            aws_credentials_block="ncric-s3",
            _env_file=None,
        )
        (client,) = clients(settings, attempts=[1])  # puts the object that the bucket has to list
        client.create_bucket(Bucket="reads", CreateBucketConfiguration={"LocationConstraint": "us-west-1"})
        client.put_object(Bucket="reads", Key="boss4/a.json", Body=b"[]")
        assert [one.key for one in open_bucket(settings).list("boss4/")] == ["boss4/a.json"]
    finally:
        server.stop()


def test_a_block_that_is_not_there_is_told(prefect: None) -> None:
    settings = Settings(bucket="s3://reads", aws_credentials_block="nowhere", _env_file=None)
    with pytest.raises(SourceError, match="the prefect-aws block 'nowhere'"):
        open_bucket(settings)
