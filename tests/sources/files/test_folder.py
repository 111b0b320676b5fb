"""A folder as a bucket."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ncric_core.errors import SourceError
from ncric_core.settings import Settings
from ncric_core.sources.files.objects import Folder, ObjectGone, StoredObject, open_bucket


def put(root: Path, key: str, content: bytes = b"[]") -> None:
    (root / key).parent.mkdir(parents=True, exist_ok=True)
    (root / key).write_bytes(content)


def keys(root: Path, prefix: str) -> list[str]:
    return [listed.key for listed in Folder(root).list(prefix)]


def only(root: Path, prefix: str = "boss4/") -> StoredObject:
    (listed,) = Folder(root).list(prefix)
    return listed


def contents(bucket: Folder, listed: StoredObject) -> bytes:
    with bucket.open(listed) as stream:
        return stream.read()


def test_files_of_a_folder_and_of_those_in_it_are_listed_as_s3_lists_them(tmp_path: Path) -> None:
    names = [
        "boss4/b.json",
        "boss4/a/2.json",
        "boss4/a/1.json",
        "boss4/a.json",
        "boss4/a-b",
        "boss4/é ’.json",
        "boss4/.part",
    ]
    for key in [*names, "scso/x.json", "boss45.json"]:
        put(tmp_path, key)
    assert keys(tmp_path, "boss4/") == sorted(names)
    assert keys(tmp_path, "boss4/a/") == ["boss4/a/1.json", "boss4/a/2.json"]
    assert keys(tmp_path, "") == sorted([*names, "scso/x.json", "boss45.json"])


def test_file_whose_name_is_not_utf8_has_a_key_that_is(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path / "boss4")
    os.makedirs(folder + b"/caf\xe9")  # noqa: PTH103  # pathlib takes no names in bytes
    Path(os.fsdecode(folder + b"/caf\xe9/x\xff.json")).write_bytes(b"[1]")
    bucket = Folder(tmp_path)
    (listed,) = bucket.list("boss4/")
    assert listed.key == "boss4/caf\\xe9/x\\xff.json"
    assert contents(bucket, listed) == b"[1]"


def test_folder_that_is_missing_or_empty_has_no_files(tmp_path: Path) -> None:
    (tmp_path / "scso").mkdir()
    assert keys(tmp_path, "boss4/") == []
    assert keys(tmp_path, "scso/") == []


def test_file_is_listed_with_its_size_and_time(tmp_path: Path) -> None:
    put(tmp_path, "boss4/x.json", b"12345")
    os.utime(tmp_path / "boss4/x.json", ns=(0, 1_665_475_200_123_456_789))
    listed = only(tmp_path)
    assert (listed.key, listed.size) == ("boss4/x.json", 5)
    assert listed.last_modified.replace(microsecond=0) == datetime(2022, 10, 11, 8, tzinfo=UTC)
    assert listed.last_modified.tzinfo is UTC
    assert listed.version == "5-1665475200123456789"


def test_version_changes_with_the_content(tmp_path: Path) -> None:
    put(tmp_path, "boss4/x.json", b"12345")
    before = only(tmp_path)
    assert only(tmp_path) == before
    os.utime(tmp_path / "boss4/x.json", ns=(0, 1))
    assert only(tmp_path).version != before.version


def test_file_is_opened_as_it_was_listed(tmp_path: Path) -> None:
    put(tmp_path, "boss4/a/x.json", b"\xef\xbb\xbf[]\r\n")
    assert contents(Folder(tmp_path), only(tmp_path)) == b"\xef\xbb\xbf[]\r\n"


def test_file_deleted_after_it_was_listed_is_gone(tmp_path: Path) -> None:
    put(tmp_path, "boss4/x.json")
    listed = only(tmp_path)
    (tmp_path / "boss4/x.json").unlink()
    with pytest.raises(ObjectGone, match=r"^boss4/x.json was deleted after it was listed$"):
        Folder(tmp_path).open(listed)


@pytest.mark.parametrize("content", [b"other", b"longer than before"])
def test_file_replaced_after_it_was_listed_is_gone_and_listed_anew(content: bytes, tmp_path: Path) -> None:
    put(tmp_path, "boss4/x.json", b"first")
    os.utime(tmp_path / "boss4/x.json", ns=(0, 1))
    listed = only(tmp_path)
    put(tmp_path, "boss4/x.json.new", content)
    (tmp_path / "boss4/x.json.new").replace(tmp_path / "boss4/x.json")
    with pytest.raises(ObjectGone, match=r"^boss4/x.json was replaced after it was listed$"):
        Folder(tmp_path).open(listed)
    assert contents(Folder(tmp_path), only(tmp_path)) == content


def test_file_deleted_while_the_folder_is_listed_is_left_out(tmp_path: Path) -> None:
    for key in ("boss4/1.json", "boss4/2.json", "boss4/3.json"):
        put(tmp_path, key)
    listing = Folder(tmp_path).list("boss4/")
    assert next(listing).key == "boss4/1.json"
    (tmp_path / "boss4/2.json").unlink()
    assert [listed.key for listed in listing] == ["boss4/3.json"]


def test_folder_deleted_while_its_parent_is_listed_is_left_out(tmp_path: Path) -> None:
    for key in ("boss4/1.json", "boss4/2/a.json", "boss4/3.json"):
        put(tmp_path, key)
    listing = Folder(tmp_path).list("boss4/")
    next(listing)
    (tmp_path / "boss4/2/a.json").unlink()
    (tmp_path / "boss4/2").rmdir()
    assert [listed.key for listed in listing] == ["boss4/3.json"]


def test_link_to_nowhere_is_left_out(tmp_path: Path) -> None:
    put(tmp_path, "boss4/1.json")
    (tmp_path / "boss4/0.json").symlink_to(tmp_path / "nowhere")
    assert keys(tmp_path, "boss4/") == ["boss4/1.json"]


def test_folder_that_is_a_file_cannot_be_listed(tmp_path: Path) -> None:
    put(tmp_path, "boss4")
    with pytest.raises(SourceError, match=r"boss4/? cannot be listed: Not a directory$"):
        keys(tmp_path, "boss4/")


def test_file_that_may_not_be_read_is_an_error_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "boss4/x.json")
    listed = only(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(SourceError, match=r"^boss4/x.json cannot be read: Permission denied$") as caught:
        Folder(tmp_path).open(listed)
    assert not isinstance(caught.value, ObjectGone)


def test_file_is_found_by_its_key(tmp_path: Path) -> None:
    put(tmp_path, "boss4/a/x.json", b"12345")
    assert Folder(tmp_path).find("boss4/a/x.json") == only(tmp_path)
    for key in ("boss4/a", "boss4/y.json", "boss4/a/x.json/z", "", "boss4/\0", "x" * 5000):
        assert Folder(tmp_path).find(key) is None


def test_no_file_outside_of_the_bucket_is_found(tmp_path: Path) -> None:
    put(tmp_path, "bucket/x.json")
    put(tmp_path, "secret.txt")
    for key in ("../secret.txt", "a/../../secret.txt", str(tmp_path / "secret.txt")):
        assert Folder(tmp_path / "bucket").find(key) is None


def test_bucket_of_the_settings_may_be_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "bucket/boss4/x.json")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in (str(tmp_path / "bucket"), "~/bucket"):
        bucket = open_bucket(Settings(_env_file=None, bucket=name))
        assert [listed.key for listed in bucket.list("boss4/")] == ["boss4/x.json"]


def test_bucket_that_is_no_folder_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        open_bucket(Settings(_env_file=None, bucket=str(tmp_path / "none")))
    assert str(caught.value) == (
        f"the bucket {tmp_path}/none is no folder: create it, or set NCRIC_BUCKET to a folder or s3://bucket"
    )
