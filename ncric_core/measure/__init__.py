"""Measures the pipeline: the demo compares it with the truth, the bench with the limits of this machine."""

from datetime import UTC, datetime
from typing import Final

DAY: Final = datetime(2022, 10, 11, tzinfo=UTC)
"""The simulated day of the demo."""
