"""Folders and files that only their user may read."""

import stat
from pathlib import Path

import pytest

from ncric_core.private import let_group_pass, private_folder, private_text
from ncric_core.store import embedded


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("before", [None, 0o755, 0o777, 0o750, 0o700, 0o710])
def test_a_folder_is_its_users_alone_also_if_it_is_there(before: int | None, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "data"
    if before is not None:
        folder.mkdir(parents=True)
        folder.chmod(before)
    assert private_folder(folder) == folder
    assert mode(folder) == (0o710 if before == 0o710 else 0o700)  # 710: as the embedded server needs it for root


def test_a_folder_that_all_users_share_stays_so(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    private_folder(tmp_path)
    assert mode(tmp_path) == 0o1777


def test_a_text_is_made_once_for_its_user_alone(tmp_path: Path) -> None:
    file = tmp_path / "password"
    assert private_text(file, lambda: "first") == "first"
    assert mode(file) == 0o600
    file.chmod(0o644)
    assert private_text(file, lambda: "second") == "first"
    assert mode(file) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_the_folders_above_are_passed_and_not_read(tmp_path: Path) -> None:
    for name, given in (("closed", 0o700), ("closed/open", 0o755), ("closed/open/inner", 0o700)):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(given)
    let_group_pass(tmp_path / "closed" / "open" / "inner" / "store")
    assert mode(tmp_path / "closed") == 0o710
    assert mode(tmp_path / "closed" / "open") == 0o755
    assert mode(tmp_path / "closed" / "open" / "inner") == 0o710


def test_the_embedded_server_opens_no_folder_to_others(server: str) -> None:
    cluster = Path(server.partition("host=")[2])
    assert cluster.parent.stat().st_mode & 0o067 == 0
    assert mode(cluster) == 0o700
    assert embedded.runs(cluster.parent)
