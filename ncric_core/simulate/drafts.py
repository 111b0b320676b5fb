"""A file being written: its rows as text, and what must come out of each."""

from dataclasses import dataclass, field
from datetime import datetime

Truth = tuple[str, datetime, str | None, str, str | None, str, str, float | None, float | None]
"""Read id, event time (UTC), plate, datasource, camera id, received name, standardised name, latitude, longitude."""

READ_ID, EVENT_TIME, PLATE, SOURCE, CAMERA, RECEIVED, STANDARD, LATITUDE, LONGITUDE = range(9)


@dataclass(slots=True)
class Row:
    """A row's text, and the read that it is or the reason why it is none."""

    text: str
    truth: Truth | None
    reason: str | None = None

    def become(self, place: int, value: object) -> None:
        """Changes one value of what must come out."""
        if self.truth is not None:
            self.truth = (*self.truth[:place], value, *self.truth[place + 1 :])  # type: ignore[assignment]

    def refuse(self, reason: str) -> None:
        """This row is no read."""
        self.truth, self.reason = None, reason


@dataclass(slots=True)
class Draft:
    """A file: where it goes, when it arrived, its rows, and its bytes where they are not just the rows."""

    key: str
    start: datetime
    end: datetime
    rows: list[Row] = field(default_factory=list)
    content: bytes | None = None  # instead of the rows

    def written(self) -> bytes:
        """The bytes of the file: a tab-indented JSON array."""
        if self.content is not None:
            return self.content
        return ("[\n" + ",\n".join(row.text for row in self.rows) + "\n]\n").encode()
