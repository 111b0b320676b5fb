"""A feed whose reads arrive as files: finds its files in the bucket, and reads them into batches."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from ncric_core.deliveries import CLEAN, REJECTED, Batch, Contents, Delivery, Known, Received
from ncric_core.errors import SourceError
from ncric_core.sources.files.clean import clean
from ncric_core.sources.files.fetch import fetched, pieces
from ncric_core.sources.files.lpr_json import (
    ParsedReads,
    arrival_window,
    parse,
    parse_file,
    parse_parts,
    raw_frame,
    row_at,
)
from ncric_core.sources.files.names import UNFINISHED, WindowLeap
from ncric_core.sources.files.stored import Bucket, Leap, ObjectGone, StoredObject, anything, nothing_known
from ncric_core.windows import Window

LONGEST_NAME: Final = 2_000  # bytes; an index of PostgreSQL holds 2,704
SMALLEST_BATCH: Final = 5_000  # reads; below this polars and the database spend their time on overhead


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFeed:
    """A feed of LPR files (see `deliveries.Feed`): where its files are, and how its data are read."""

    job: str
    datasource: str
    prefixes: tuple[str, ...]  # folders in the bucket
    zone: ZoneInfo  # of the times in data and file names
    id_suffix: str  # of cameras and agencies; a read's id always ends in _<datasource> (feeds.md, section 1)
    keep_days: int  # a read that was older than this when its file arrived is rejected
    batch_size: int  # rows in a batch once the run is under way
    threads: int  # files fetched at once
    place: str  # the bucket's name, for people
    bucket: Callable[[], Bucket] = field(compare=False, repr=False)

    def check(self) -> str:
        """Reads one byte of the feed's first file. Returns in words whether the feed's folders can be read."""
        bucket = self.bucket()
        files = (listed for prefix in self.prefixes for listed in bucket.list(prefix))
        first = next((listed for listed in files if listed.trouble is None), None)
        if first is not None:
            with bucket.open(first) as stream:
                stream.read(1)
        where = ", ".join(self.prefixes) or "switched off"
        return f"({where}) {'has no files yet' if first is None else 'can be read'}: {self.place}"

    def deliveries(self, window: Window | None) -> Iterator[Delivery]:
        """Yields the files in the feed's folders whose window ends in `window`; all of them if it is None.

        A window's files are found by their names (see WindowLeap). A folder that cannot be listed is yielded with its
        trouble.
        """
        leap = anything if window is None else WindowLeap(window, self.zone)
        for delivery in self._listed(leap, nothing_known):
            if window is None or delivery.window_end in window or not delivery.version:
                yield delivery

    def unknown(self, known: Known) -> Iterator[Delivery]:
        """Yields all files but those that are `known` (see `deliveries.DatedFeed`)."""
        return self._listed(anything, known)

    def _listed(self, leap: Leap, known: Known) -> Iterator[Delivery]:
        bucket = self.bucket()
        for prefix in self.prefixes:
            try:
                yield from map(self._delivery, bucket.list(prefix, leap, known))
            except SourceError as error:
                if error.passing:
                    raise
                yield self._delivery(StoredObject(prefix, 0, datetime.now(UTC), "", trouble=str(error)))

    def find(self, key: str) -> Delivery | None:
        """Returns the file with this key, or None if it is not in one of the feed's folders."""
        listed = self.bucket().find(key) if key.startswith(self.prefixes) else None
        return None if listed is None else self._delivery(listed)

    def _delivery(self, listed: StoredObject) -> Delivery:
        start, end = arrival_window(listed.key, listed.last_modified, self.zone)
        version, trouble = listed.version, listed.trouble
        if len(listed.key.encode()) > LONGEST_NAME:
            version, trouble = "", f"{listed.key[:200]}… cannot be read: its name is too long for the books"
        growing = listed.growing or listed.key.endswith(UNFINISHED)
        return Delivery(
            self.datasource,
            listed.key,
            version,
            listed.size,
            listed.last_modified,
            start,
            end,
            growing,
            trouble,
        )

    def read(self, deliveries: Iterable[Delivery], *, idle: bool = False) -> Iterator[Batch]:
        """Fetches and parses files ahead of the caller, and yields them in batches. A large file comes in parts."""
        largest = max(self.batch_size, SMALLEST_BATCH)
        enough = SMALLEST_BATCH if idle else largest
        files: list[tuple[Delivery, ParsedReads]] = []
        rows = 0
        files_asked = ((one, _stored(one)) for one in deliveries)
        for delivery, content in fetched(self.bucket(), files_asked, parse_file, self.threads):
            if files and (content is None or rows >= enough):
                yield self._batch(files)
                files, rows, enough = [], 0, min(2 * enough, largest)
            match content:
                case None:
                    yield from self._parts(delivery, largest)
                case SourceError():
                    yield _failed(delivery, content)
                case _:
                    files.append((delivery, content))
                    rows += content.found
        if files:
            yield self._batch(files)

    def _batch(self, files: Sequence[tuple[Delivery, ParsedReads]]) -> Batch:
        contents = [Contents(one, parsed.found, parsed.photos, parsed.bad_photos) for one, parsed in files]
        return Batch(contents, *self._cleaned([one for one, _ in files], [parsed for _, parsed in files]))

    def _parts(self, delivery: Delivery, rows: int) -> Iterator[Batch]:
        """Yields a large file in batches of about `rows` rows."""
        found = photos = bad_photos = 0
        try:
            parts = parse_parts(pieces(self.bucket(), _stored(delivery)), rows)
            part: ParsedReads | None = next(parts)
            while part is not None:
                following = next(parts, None)
                found, photos, bad_photos = found + part.found, photos + part.photos, bad_photos + part.bad_photos
                contents = Contents(delivery, found, photos, bad_photos, complete=following is None)
                yield Batch([contents], *self._cleaned([delivery], [part]), part=True)
                part = following
        except SourceError as error:
            yield _failed(delivery, error)

    def _cleaned(
        self, deliveries: Sequence[Delivery], parsed: Sequence[ParsedReads]
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Returns the clean reads (schema CLEAN) and all rejects (schema REJECTED) of files."""
        reads, rejected = self._clean(parsed, [one.window_end for one in deliveries])
        unparsed = [
            (number, reject.position, reject.reason, reject.detail, reject.received, reject.agency_name)
            for number, one in enumerate(parsed)
            for reject in one.rejects
        ]
        return reads, pl.concat([rejected, pl.DataFrame(unparsed, schema=REJECTED, orient="row")])

    def _clean(self, parsed: Sequence[ParsedReads], arrived: Sequence[datetime]) -> tuple[pl.DataFrame, pl.DataFrame]:
        return clean(
            raw_frame(parsed),
            arrived,
            datasource=self.datasource,
            id_suffix=self.id_suffix,
            zone=self.zone.key,
            keep_days=self.keep_days,
        )

    def reread(self, rows: Sequence[Received]) -> tuple[pl.DataFrame, list[tuple[int, str]]]:
        """Parses and cleans rejects again (see `deliveries.Feed.reread`)."""
        parsed: list[ParsedReads] = []
        still: list[tuple[int, str]] = []
        for number, row in enumerate(rows):
            content = parse(row.text.encode())
            if content.reads.height == 1 and not content.rejects:
                reads = content.reads.with_columns(position=pl.lit(row.position, dtype=pl.Int64))
                parsed.append(replace(content, reads=reads))
                continue
            # a text that now parses to several reads, or to none, cannot take the position of one row
            parsed.append(replace(content, reads=content.reads.clear()))
            still.append((number, content.rejects[0].reason if content.rejects else row.reason))
        reads, bad = self._clean(parsed, [row.window_end for row in rows])
        return reads, still + bad.select("file", "reason").rows()

    def row(self, delivery: Delivery, position: int) -> str | None:
        """Returns a row of a file as received, without photos; None if the file has fewer rows."""
        return row_at(pieces(self.bucket(), _stored(delivery)), position)


def _stored(delivery: Delivery) -> StoredObject:
    return StoredObject(delivery.key, delivery.size, delivery.last_modified, delivery.version, trouble=delivery.trouble)


def _failed(delivery: Delivery, error: SourceError) -> Batch:
    unread = [delivery] if delivery.version and not isinstance(error, ObjectGone) else []
    return Batch([], CLEAN.to_frame(), REJECTED.to_frame(), failed={delivery.key: str(error)}, unread=unread)
