"""Which files a run reads: those of its window, those that came late, and only whole ones; what it says of others."""

import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import pytest

from ncric_core.deliveries import Delivery
from ncric_core.errors import SourceError
from ncric_core.files import find_files
from ncric_core.pipeline import listing
from ncric_core.sources.feeds import feeds
from ncric_core.sources.files import folder
from ncric_core.sources.files.stored import StoredObject
from ncric_core.store.database import Connection
from ncric_core.store.ledger import look_up
from ncric_core.windows import Window
from tests.conftest import FILE, Command, Store, read

LATE = "boss4/READS_maiveric-astrometrics_2019-10-11_08-13-35_2019-10-11_08-17-40_1.json"


def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Returns the list of keys that the ledger is asked for from now on."""
    keys: list[str] = []

    def noting(connection: Connection, page: list[Delivery]) -> object:
        keys.extend(one.key for one in page)
        return look_up(connection, page)

    monkeypatch.setattr(listing, "look_up", noting)
    return keys


def refuse(_: folder.Folder, listed: StoredObject) -> None:
    raise SourceError(f"{listed.key} cannot be read: Permission denied")


def set_back(store: Store, hours: int) -> None:
    """Makes the last comparison with the ledger that much older."""
    store.execute("UPDATE listings SET compared_at = compared_at - make_interval(hours => %s)", [hours])


def came(store: Store, keys: list[str], monkeypatch: pytest.MonkeyPatch, *, days: int) -> None:
    """Makes it seem that files came so many days ago. Nobody can set the time that says so."""
    changed = folder._changed
    inodes = {(store.folder / key).stat().st_ino for key in keys}

    def before(found: os.stat_result) -> datetime:
        return changed(found) - timedelta(days=days * (found.st_ino in inodes))

    monkeypatch.setattr(folder, "_changed", before)


def test_catchup_asks_the_ledger_only_for_what_is_new_and_once_a_day_for_all(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = [store.put(FILE.format(number), [read(number)]) for number in range(3)]
    came(store, old, monkeypatch, days=9)
    keys = asked(monkeypatch)
    assert store.run("files-catchup").files_read == 3
    assert sorted(keys) == old
    keys.clear()
    new = store.put(LATE, [read(7)])
    outcome = store.run("files-catchup")
    assert keys == [new]
    assert (outcome.files_listed, outcome.files_known, outcome.files_read) == (4, 3, 1)
    keys.clear()
    set_back(store, 25)
    outcome = store.run("files-catchup")
    assert sorted(keys) == sorted([*old, new])
    assert (outcome.files_listed, outcome.files_known) == (4, 4)


def test_catchup_takes_up_what_is_not_finished_however_old(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    old = [store.put(FILE.format(number), [read(number)]) for number in range(3)]
    came(store, old, monkeypatch, days=9)
    store.run("files-catchup")
    store.execute("UPDATE source_files SET found = NULL WHERE key = %s", [old[1]])
    store.execute("UPDATE loads SET done_at = NULL FROM source_files f WHERE f.id = file_id AND f.key = %s", [old[2]])
    keys = asked(monkeypatch)
    assert store.run("files-catchup").files_read == 2
    assert sorted(keys) == old[1:]
    assert store.books().differences == []


def test_comparison_counts_only_if_all_that_failed_is_in_the_books(store: Store) -> None:
    store.put(FILE.format(1), [read(1)])
    os.mkfifo(store.folder / "boss4/pipe.json")  # in the books as not read: each run takes it up
    (store.folder / "elsewhere").mkdir()
    (store.folder / "boss4/link").symlink_to(store.folder / "elsewhere")  # what it holds is not known
    assert len(store.run("files-catchup").failed_files) == 2
    assert store.rows("SELECT * FROM listings") == []
    (store.folder / "boss4/link").unlink()
    store.run("files-catchup", dry_run=True)
    assert store.rows("SELECT * FROM listings") == []
    store.run()
    assert store.rows("SELECT * FROM listings") == []
    store.run("files-catchup")
    assert store.rows("SELECT datasource FROM listings ORDER BY 1") == [("BOSS4",), ("SCSO",)]


@pytest.mark.parametrize("key", [LATE, "boss4/READS.json", "ncric/x/READS_20191011T081335_20191011T081740_1.json"])
def test_late_file_with_any_name_is_found_by_the_next_catchup(store: Store, key: str) -> None:
    store.put(FILE.format(1), [read(1)])
    store.run()
    store.run("files-catchup")
    store.put(key, [read(2)])
    assert store.run("files-catchup").total.found == 1


def test_file_that_is_still_growing_is_left_to_the_next_run(store: Store, ncric: Command) -> None:
    whole = store.put(FILE.format(1), [read(1)])
    growing = store.put(FILE.format(2), '[{"LPREventID":"2",')
    os.utime(store.folder / growing)
    parts = [store.put(FILE.format(3) + end, [read(3)]) for end in (".filepart", ".part", ".tmp", "~")]
    for job in ("boss4", "files-catchup"):
        outcome = store.run(job)
        assert (outcome.files_growing, outcome.ok) == (5, True)
    assert store.rows("SELECT key FROM source_files") == [(whole,)]
    assert "5 files may still be being written: the next run reads them" in ncric("run", "files-catchup").out
    store.put(growing, [read(2)])
    (store.folder / parts[0]).rename(store.folder / FILE.format(3))
    assert store.run("files-catchup").total.loaded == 2
    assert store.books().differences == []


def test_each_trouble_is_one_line_and_the_rest_is_loaded(store: Store, tmp_path: Path) -> None:
    good = store.put(FILE.format(1), [read(1)])
    other = store.put("scso/" + Path(good).name, [read(2)])
    folder = store.folder / "boss4"
    os.mkfifo(folder / "pipe.json")
    (folder / "latest").symlink_to(".")
    (tmp_path / "secret").write_text("[]", encoding="utf-8")
    (folder / "out.json").symlink_to(tmp_path / "secret")
    long = "boss4/" + "/".join(["é" * 120] * 9) + ".json"
    store.put(long, [read(3)])
    far = store.put("boss4/READS_99991231T230000_99991231T235959_1.json", [read(4, eventDate="9999-12-31")])
    os.utime(store.folder / far, (10**12, 10**12))
    (store.folder / "ncric").write_bytes(b"a file where a folder is due")
    outcome = store.run("files-catchup")
    assert sorted(outcome.failed_files.values()) == sorted(
        [
            "boss4/out.json is a link that leads out of the bucket",
            "boss4/pipe.json is no regular file",
            f"{long[:200]}… cannot be read: its name is too long for the books",
            f"the folder {store.folder}/ncric cannot be listed: Not a directory",
        ]
    )
    assert (outcome.total.loaded, outcome.rejects) == (2, {"future": 1})
    assert store.rows("SELECT key, found, note FROM source_files ORDER BY key") == [
        (far, 1, None),
        (good, 1, None),
        ("boss4/out.json", None, "boss4/out.json is a link that leads out of the bucket"),
        ("boss4/pipe.json", None, "boss4/pipe.json is no regular file"),
        (other, 1, None),
    ]
    assert store.books().differences == []


def test_file_that_could_not_be_read_is_in_the_books_and_read_when_it_can_be(
    store: Store, ncric: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = store.put(FILE.format(1), [read(1)])

    with monkeypatch.context() as patched:
        patched.setattr(folder.Folder, "open", refuse)
        assert store.run().failed_files == {key: f"{key} cannot be read: Permission denied"}
    assert f"{key} cannot be read: Permission denied" in ncric("files", "show", key).out
    assert store.run("files-catchup").total.loaded == 1
    assert store.rows("SELECT found, note FROM source_files") == [(1, None)]


def test_file_that_was_read_once_keeps_its_books_when_it_cannot_be_read_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(FILE.format(1), [read(1)])
    store.run()
    before = store.everything()

    monkeypatch.setattr(folder.Folder, "open", refuse)
    assert not store.run(force=True).ok
    assert store.everything() == before


def test_files_of_a_window_that_its_names_do_not_tell_are_not_called_gone(store: Store) -> None:
    odd = store.put("boss4/READS_20191011T080000.json", [read(1)])
    now = datetime.now(UTC)
    fits = store.put(f"boss4/READS_{now:%Y%m%dT%H%M%S}_{now:%Y%m%dT%H%M%S}.json", [read(2)])
    lost = store.put(f"boss4/READS_{now:%Y%m%dT%H%M%S}_{now:%Y%m%dT%H%M%S}_2.json", [read(3)])
    store.run("files-catchup")
    (store.folder / lost).unlink()
    window = Window(now - timedelta(hours=1), now + timedelta(hours=1))
    with store.database.session() as connection:
        found = find_files(feeds(store.settings).values(), connection, window=window)
        assert {one.file.key: str(one.state) for one in found} == {odd: "done", fits: "done", lost: "gone"}


def test_files_in_a_folder_that_cannot_be_listed_are_not_called_gone(store: Store, ncric: Command) -> None:
    key = store.put(FILE.format(1), [read(1)])
    store.run()
    (store.folder / "boss4").rename(store.folder / "away")
    (store.folder / "boss4").write_bytes(b"")
    told = ncric("files", "list", "boss4")
    assert key not in told.out
    assert "boss4 cannot be listed: Not a directory" in told.err


def test_object_that_comes_short_is_failed_and_read_whole_by_the_next_run(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = store.put(FILE.format(1), [read(number) for number in range(10)])
    other = store.put(FILE.format(2), [read(10)])
    whole = (store.folder / key).read_bytes()
    opened = folder.Folder.open

    def half(bucket: folder.Folder, listed: StoredObject) -> BinaryIO:
        return io.BytesIO(whole[: len(whole) // 2]) if listed.key == key else opened(bucket, listed)

    with monkeypatch.context() as patched:
        patched.setattr(folder.Folder, "open", half)
        outcome = store.run()
    why = f"{key} cannot be read: {len(whole) // 2} read, but total bytes expected is {len(whole)}."
    assert (outcome.failed_files, outcome.total.loaded) == ({key: why}, 1)
    assert store.rows("SELECT key, found, note FROM source_files ORDER BY key") == [(key, None, why), (other, 1, None)]
    assert store.run().total.loaded == 10
    assert (store.books().loaded, store.books().rejected, store.books().differences) == (11, 0, [])
