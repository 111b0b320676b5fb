"""Commands of `ncric` that need Prefect (entry point group `ncric.commands`); importing them imports no prefect."""

from flows.cli import doctor, runs, services, status, up  # noqa: F401
