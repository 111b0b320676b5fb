"""Folders and files that only their user may read: what arrived, logs, passwords."""

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

ONLY_OWNER: Final = 0o700
OTHERS: Final = 0o077  # every right of group and others
PASS: Final = stat.S_IXGRP
"""Our group's right to pass through. If we are root, the embedded server needs it: a process of another user in it."""


def private_folder(folder: Path) -> Path:
    """Makes a folder that only its user may enter. Takes the rights of others to a folder of ours that is there.

    Folders of other users are left as they are. So are those that a machine's users share, such as /tmp.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=ONLY_OWNER)
    found = folder.stat()
    if found.st_mode & OTHERS & ~PASS and found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX:
        folder.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)
    return folder


def let_group_pass(path: Path) -> None:
    """Lets our group pass through the folders above a path, and read none of them. Other rights stay as they are."""
    for folder in path.parents:
        found = folder.stat()
        passable = stat.S_IXOTH | (PASS if found.st_gid == os.getegid() else 0)
        if not found.st_mode & passable:
            folder.chmod(stat.S_IMODE(found.st_mode) | (PASS if passable & PASS else stat.S_IXOTH))


def private_text(file: Path, make: Callable[[], str]) -> str:
    """Returns the text of a file that only its user may read. Makes the file, whole or not at all, if it is missing."""
    if not file.exists():
        number, made = tempfile.mkstemp(dir=file.parent)  # only we may read it
        with os.fdopen(number, "w", encoding="utf-8") as unfinished:
            unfinished.write(make())
        Path(made).replace(file)
    file.chmod(0o600)
    return file.read_text(encoding="utf-8")
