"""A file being written: its rows as text, and what must come out of each."""

from dataclasses import dataclass, field
from datetime import datetime

from ncric_core.vocabulary import Reason

Truth = tuple[str, datetime, str | None, str, str | None, str, str, float | None, float | None]
"""Read id, event time (UTC), plate, datasource, camera id, received name, standardised name, latitude, longitude."""

READ_ID, EVENT_TIME, PLATE, SOURCE, CAMERA, RECEIVED, STANDARD, LATITUDE, LONGITUDE = range(9)


@dataclass(slots=True)
class Row:
    """A row's text, and what must come out of it: a read (`truth`) or a reject (`reason`)."""

    text: str
    truth: Truth | None
    reason: Reason | None = None

    def become(self, place: int, value: object) -> None:
        """Changes one value of the truth; does nothing for a reject."""
        if self.truth is not None:
            self.truth = (*self.truth[:place], value, *self.truth[place + 1 :])  # type: ignore[assignment]

    def refuse(self, reason: Reason) -> None:
        """Makes the row a reject."""
        self.truth, self.reason = None, reason


@dataclass(slots=True)
class Draft:
    """A file: its key, its window, its rows, and its bytes where they are not simply the rows."""

    key: str
    start: datetime
    end: datetime
    rows: list[Row] = field(default_factory=list)
    content: bytes | None = None  # instead of the rows

    def written(self) -> bytes:
        """Returns the bytes of the file: `content`, else the rows as a tab-indented JSON array."""
        if self.content is not None:
            return self.content
        return ("[\n" + ",\n".join(row.text for row in self.rows) + "\n]\n").encode()
