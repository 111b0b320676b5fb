"""`ncric console`: runs the console, alone or as a child of `ncric up`."""

import os
import sys
from pathlib import Path
from typing import Final

from ncric_core.cli.app import app

APP: Final = Path(__file__).with_name("server.py")

LOOK: Final = {
    "theme.light.primaryColor": "#2f6fb3",
    "theme.dark.primaryColor": "#6aa5e0",
    "theme.baseRadius": "6px",
}

PRIVATE: Final = {
    "browser.gatherUsageStats": "false",
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    "client.disableDataExport": True,  # it would write formulas; the pages' own downloads do not
    "server.fileWatcherType": "none",
    "server.headless": "true",
}
"""Streamlit's options: no telemetry, no traceback for users, no question at the start."""


@app.command()
def console() -> None:
    """Runs the console alone: counts, agency names, runs, files and rejects, at NCRIC_CONSOLE_ADDRESS and _PORT.

    Without an identity provider (NCRIC_OIDC_METADATA_URL) it listens on this machine only, and only the user who runs
    it may use it, as its administrator.
    """
    from console.auth import refuse_open, secrets_file
    from ncric_core.settings import read_settings
    from ncric_core.store.schema.migrate import up_to_date

    settings = read_settings()
    refuse_open(settings, settings.console_address)
    up_to_date(settings)  # fails here, not on the first page, if the database is down
    where = {"server.address": settings.console_address, "server.port": str(settings.console_port)}
    provider = secrets_file(settings)
    if provider is not None:
        where["secrets.files"] = str(provider)
    options = [f"--{name}={value}" for name, value in (LOOK | PRIVATE | where).items()]
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(APP), *options])  # noqa: S606  # no shell wanted
