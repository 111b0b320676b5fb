"""The command `ncric`."""

import os
import signal
import sys
from importlib.metadata import entry_points
from io import TextIOWrapper
from typing import Final

# Every command is registered by importing its module.
from ncric_core.cli import agencies, alarms, books, flights, jobs, measure, sql  # noqa: F401
from ncric_core.cli.app import app, warn
from ncric_core.errors import NcricError

COMMANDS: Final = "ncric.commands"
"""Entry points of modules outside ncric_core that add commands (pyproject.toml); ncric_core must not import them."""


def main() -> None:
    """Runs the command line. An expected failure is one line on stderr and exit status 1."""
    _end_in_order(signal.SIGTERM, signal.SIGHUP)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # signs that the terminal lacks are written as \u2019
            stream.reconfigure(errors="backslashreplace")
    try:
        " ".join(sys.argv).encode()
    except UnicodeEncodeError:
        warn("ncric: an argument is not UTF-8")
        sys.exit(1)
    try:
        for module in entry_points(group=COMMANDS):
            module.load()
        app(prog_name="ncric")  # whatever way it was started
    except NcricError as error:
        first, *others = str(error).split("\n")
        warn(f"ncric: {first}")
        for fault in others:
            warn(f"  {fault}")
        sys.exit(1)
    except KeyboardInterrupt:
        warn("ncric: stopped; what was loaded is kept, run it again for the rest")
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output, such as `head`, has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _end_in_order(*numbers: signal.Signals) -> None:
    """Has signals exit the process in order, so that the embedded server is released. `nohup` stays as it is."""
    for number in numbers:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda got, _: sys.exit(128 + got))
