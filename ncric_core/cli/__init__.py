"""The command `ncric`."""

import os
import signal
import sys
from importlib.metadata import entry_points
from typing import Final

# Every command is registered by importing its module.
from ncric_core.cli import agencies, alarms, books, flights, jobs, measure  # noqa: F401
from ncric_core.cli.app import app
from ncric_core.errors import NcricError

COMMANDS: Final = "ncric.commands"
"""Entry points of modules outside ncric_core that add commands (pyproject.toml); ncric_core must not import them."""


def main() -> None:
    """Runs the command line. An expected failure is one line on stderr and exit status 1."""
    _end_in_order(signal.SIGTERM, signal.SIGHUP)
    try:
        for module in entry_points(group=COMMANDS):
            module.load()
        app(prog_name="ncric")  # whatever way it was started
    except NcricError as error:
        print(f"ncric: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    except KeyboardInterrupt:
        print("ncric: stopped; what was loaded is kept, run it again for the rest", file=sys.stderr)  # noqa: T201
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output, such as `head`, has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _end_in_order(*numbers: signal.Signals) -> None:
    """Has signals exit the process in order, so that the embedded server is released. `nohup` stays as it is."""
    for number in numbers:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda got, _: sys.exit(128 + got))
