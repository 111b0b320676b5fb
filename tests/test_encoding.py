"""Files are read and written in UTF-8, whatever the locale: jobs run in another one than a person's shell."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Store

ROOT = Path(__file__).parents[1]
IN_LOCALE = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C", "PYTHONIOENCODING": "iso-8859-5"}


def in_locales_encoding(tree: ast.AST) -> Iterator[int]:
    """Yields the lines that open text without saying its encoding. Ruff's PLW1514 sees only what is plainly a Path."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or any(one.arg == "encoding" for one in node.keywords):
            continue
        named = {one.arg: one.value for one in node.keywords}
        match node.func:
            case ast.Attribute(attr="read_text" | "write_text"):
                yield node.lineno
            case ast.Attribute(attr="open") | ast.Name(id="open"):
                modes = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
                if any(mode.strip("+") in {"r", "w", "a", "x"} for mode in modes):
                    yield node.lineno
            case _ if "text" in named:
                yield node.lineno


@pytest.mark.parametrize("folder", ["ncric_core", "flows", "console"])
def test_whoever_opens_text_says_its_encoding(folder: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line in in_locales_encoding(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert wrong == []


@pytest.mark.slow
def test_a_job_in_another_locale_finds_the_same_schema_and_prints_every_name(store: Store, tmp_path: Path) -> None:
    store.map(("PENA", "Peña PD", "BOSS4"))
    done = subprocess.run(
        [sys.executable, "-c", "from ncric_core.cli import main; main()", "agencies", "list"],
        env=os.environ | store.environment | IN_LOCALE,
        cwd=tmp_path,
        capture_output=True,
        encoding="iso-8859-5",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Pe\\xf1a PD" in done.stdout
