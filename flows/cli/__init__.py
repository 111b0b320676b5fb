"""Commands of `ncric` that need Prefect (entry point group `ncric.commands`); importing this imports no prefect."""

from flows.cli import commands  # noqa: F401  # registers them
