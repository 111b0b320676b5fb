"""How the command begins: quickly, with its commands in groups, and with messages in plain words."""

import re
import subprocess
import sys

import pytest

from ncric_core.cli.app import OUTLINE
from tests.conftest import Command

HEAVY = {
    *("authlib", "boto3", "fastapi", "httpx", "numpy", "pandas", "polars", "prefect", "prefect_aws", "psycopg2"),
    *("pydantic_settings", "rapidfuzz", "sqlalchemy", "streamlit", "yaml"),
}
"""Modules that take longer to import than all that `ncric --help` needs."""

LIGHT = f"""
import sys
from ncric_core.cli import main
from ncric_core.cli.app import app
import typer
def asked(*arguments):
    sys.argv = ["ncric", *arguments]
    try:
        main()
    except SystemExit:
        pass
    else:
        raise AssertionError("it did not end")
    if loaded := {HEAVY} & sys.modules.keys():
        sys.exit(f"{{arguments}} imports {{loaded}}")
asked("--version")
asked("--help")
asked("nonsense")
if "pydantic" in sys.modules:  # as it is where a command's options are read
    sys.exit("pydantic is imported")
asked("files", "list", "--state", "nonsense")
for name, command in typer.main.get_command(app).commands.items():
    asked(name, "--help")
    for inner in getattr(command, "commands", ()):
        asked(name, inner, "--help")
print("nothing heavy", file=sys.stderr)
"""


def test_version_help_and_a_wrong_command_import_nothing_heavy() -> None:
    """Neither does the help of any command, those of flows and console among them."""
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "nothing heavy")
    assert "Launches a run of a deployment" in done.stdout


def test_commands_are_listed_in_groups_in_the_order_in_which_a_newcomer_needs_them(
    ncric: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    listed: dict[str, list[str]] = {}
    for line in ncric("--help").out.splitlines():
        if title := re.match(r"╭─ (.*?) ─", line):
            listed[title[1]] = []
        elif name := re.match(r"│ ([a-z]+)  ", line):
            listed[next(reversed(listed))].append(name[1])
    assert listed == {"Options": [], **{title: list(names) for title, names in OUTLINE.items()}}


def test_a_wrong_value_is_told_without_the_words_of_a_library(ncric: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    done = ncric("files", "list", "--state", "nonsense")
    assert done.status == 2
    assert "Invalid value for '--state': 'nonsense' is not one of 'new', 'begun'" in done.err
