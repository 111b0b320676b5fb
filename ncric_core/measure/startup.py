"""Measures how long the command `ncric` takes to begin: what everybody waits for with every command."""

import subprocess
import sys
import time
from statistics import median
from typing import Final

HELP: Final = (sys.executable, "-c", "from ncric_core.cli import main; main()", "--help")
TIMES: Final = 5


def help_seconds() -> float:
    """Returns the seconds that `ncric --help` takes in a process of its own: the median of a few times."""
    taken = []
    for _ in range(TIMES):
        begun = time.monotonic()
        subprocess.run(HELP, check=True, stdout=subprocess.DEVNULL)
        taken.append(time.monotonic() - begun)
    return median(taken)
