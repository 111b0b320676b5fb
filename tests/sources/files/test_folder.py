"""A folder as a bucket."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ncric_core.errors import SourceError
from ncric_core.settings import Settings
from ncric_core.sources.files import folder
from ncric_core.sources.files.folder import Folder
from ncric_core.sources.files.objects import open_bucket
from ncric_core.sources.files.stored import ObjectGone, StoredObject


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


def troubles(root: Path, prefix: str = "boss4/") -> dict[str, str | None]:
    return {listed.key: listed.trouble for listed in Folder(root).list(prefix)}


def test_what_is_no_file_is_listed_with_its_trouble(tmp_path: Path) -> None:
    put(tmp_path, "boss4/a.json")
    put(tmp_path, "elsewhere/b.json")
    os.mkfifo(tmp_path / "boss4/pipe.json")
    (tmp_path / "boss4/elsewhere").symlink_to("../elsewhere")
    (tmp_path / "boss4/link.json").symlink_to("a.json")
    (tmp_path / "boss4/latest").symlink_to(".")
    (tmp_path / "boss4/loop.json").symlink_to("loop.json")
    assert troubles(tmp_path) == {
        "boss4/a.json": None,
        "boss4/elsewhere": "boss4/elsewhere is a link to another folder",
        "boss4/link.json": None,
        "boss4/loop.json": "boss4/loop.json cannot be read: it is a link to itself",
        "boss4/pipe.json": "boss4/pipe.json is no regular file",
    }
    assert Folder(tmp_path).find("boss4/pipe.json") is None
    assert Folder(tmp_path).find("boss4/link.json") is not None


def test_link_that_leads_out_of_the_bucket_is_never_read(tmp_path: Path) -> None:
    put(tmp_path, "secret/x.json")
    put(tmp_path, "bucket/boss4/a.json")
    root = tmp_path / "bucket"
    (root / "boss4/x.json").symlink_to(tmp_path / "secret/x.json")
    (root / "boss4/out").symlink_to(tmp_path / "secret")
    told = troubles(root)
    assert told == {
        "boss4/a.json": None,
        "boss4/out": "boss4/out is a link that leads out of the bucket",
        "boss4/x.json": "boss4/x.json is a link that leads out of the bucket",
    }
    bucket = Folder(root)
    for key in ("boss4/x.json", "boss4/out/x.json"):
        assert bucket.find(key) is None
        with pytest.raises(ObjectGone):
            bucket.open(StoredObject(key, 2, datetime.now(UTC), "2-0"))


def test_folder_that_cannot_be_listed_is_told_and_the_others_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("boss4/1.json", "boss4/locked/a.json", "boss4/open/b.json"):
        put(tmp_path, key)
    scandir = os.scandir

    def refuse(path: Path) -> Any:  # a folder without rights is open to whoever runs tests as root
        if "locked" in str(path):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert troubles(tmp_path) == {
        "boss4/1.json": None,
        "boss4/locked/": f"the folder {tmp_path}/boss4/locked cannot be listed: Permission denied",
        "boss4/open/b.json": None,
    }


@pytest.mark.parametrize("seconds", [-(10**10), 10**10, 10**11])
def test_file_time_that_cannot_be_true_is_that_of_its_arrival(tmp_path: Path, seconds: int) -> None:
    put(tmp_path, "boss4/x.json")
    os.utime(tmp_path / "boss4/x.json", (seconds, seconds))
    listed = only(tmp_path)
    assert abs((datetime.now(UTC) - listed.last_modified).total_seconds()) < 3600
    assert contents(Folder(tmp_path), listed) == b"[]"


def test_deeply_nested_folders_are_listed(tmp_path: Path) -> None:
    put(tmp_path, "boss4/" + "d/" * 400 + "x.json")
    assert keys(tmp_path, "boss4/") == ["boss4/" + "d/" * 400 + "x.json"]


def test_large_folder_is_listed_a_few_names_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "AT_ONCE", 10)
    names = [f"boss4/{number:03}.json" for number in range(95)]
    for key in names:
        put(tmp_path, key)
    found = keys(tmp_path, "boss4/")
    assert sorted(found) == names
    assert all(found[first : first + 10] == sorted(found[first : first + 10]) for first in range(0, 95, 10))


def test_file_is_growing_while_it_was_modified_in_the_last_seconds(tmp_path: Path) -> None:
    put(tmp_path, "boss4/x.json")
    assert only(tmp_path).growing
    for seconds in (-60, 60, 10**9):  # a clock that is ahead must not hold a file back for ever
        moment = datetime.now(UTC).timestamp() + seconds
        os.utime(tmp_path / "boss4/x.json", (moment, moment))
        assert not only(tmp_path).growing


def test_file_whose_name_is_not_utf8_is_found_without_listing(tmp_path: Path) -> None:
    os.makedirs(os.fsencode(tmp_path) + b"/boss4/caf\xe9")  # noqa: PTH103
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/boss4/caf\xe9/x\xff.json")).write_bytes(b"[1]")
    bucket = Folder(tmp_path)
    found = bucket.find("boss4/caf\\xe9/x\\xff.json")
    assert found == only(tmp_path)
    assert found is not None
    assert contents(bucket, found) == b"[1]"


def test_names_that_have_one_key_are_each_read_as_listed(tmp_path: Path) -> None:
    put(tmp_path, "boss4/x\\xff.json", b"as text")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/boss4/x\xff.json")).write_bytes(b"not UTF-8")
    bucket = Folder(tmp_path)
    assert sorted(contents(bucket, listed) for listed in bucket.list("boss4/")) == [b"as text", b"not UTF-8"]


def test_known_files_are_left_out_by_when_they_came(tmp_path: Path) -> None:
    put(tmp_path, "boss4/a.json")
    put(tmp_path, "boss4/b.json")
    os.utime(tmp_path / "boss4/b.json", (1, 1))  # moved here with its old time: it came now all the same
    asked: list[tuple[str, bool]] = []

    def known(key: str, changed: datetime) -> bool:
        asked.append((key, abs((datetime.now(UTC) - changed).total_seconds()) < 3600))
        return key == "boss4/a.json"

    assert [one.key for one in Folder(tmp_path).list("boss4/", known=known)] == ["boss4/b.json"]
    assert asked == [("boss4/a.json", True), ("boss4/b.json", True)]


def test_a_feeds_folder_that_is_a_link_out_of_the_bucket_is_told_as_that(tmp_path: Path) -> None:
    bucket, elsewhere = tmp_path / "bucket", tmp_path / "elsewhere"
    bucket.mkdir()
    elsewhere.mkdir()
    (elsewhere / "1.json").write_text("[]", encoding="utf-8")
    (bucket / "boss4").symlink_to(elsewhere)
    (bucket / "inside").mkdir()
    (bucket / "scso").symlink_to(bucket / "inside")
    with pytest.raises(SourceError, match=r"boss4/? is a link that leads out of the bucket: mount it there"):
        list(Folder(bucket).list("boss4/"))
    assert list(Folder(bucket).list("scso/")) == []
