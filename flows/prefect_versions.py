"""The versions that the patches of `flows.prefect_server` were made for. Imports no prefect, which takes seconds."""

from importlib.metadata import version
from typing import Final

from ncric_core.errors import ServiceError

PATCHED: Final = {"prefect": "3.8.8", "aiosqlite": "0.22.1"}
"""Change these only with the patches: read what the patches replace in the new versions, and run
tests/flows/test_prefect_server.py."""

MEND: Final = "run `pip install -c constraints.txt -e .` in the project's folder"


def other_versions() -> list[str]:
    """Names packages of other versions than the patches were made for: `prefect 3.8.9 instead of 3.8.8`."""
    return [
        f"{name} {installed} instead of {made_for}"
        for name, made_for in PATCHED.items()
        if (installed := version(name)) != made_for
    ]


def check_versions() -> None:
    """Raises ServiceError if the patches were made for other versions than those installed."""
    if others := other_versions():
        raise ServiceError(
            f"the Prefect server of `ncric up` does not start with {', '.join(others)}, for which it is patched: {MEND}"
        )
