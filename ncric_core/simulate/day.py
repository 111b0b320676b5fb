"""Writes files of BOSS4 and SCSO as they arrive over some hours, and says what must come out of them."""

import base64
import io
import json
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Final

import polars as pl
from PIL import Image, ImageDraw

from ncric_core.simulate import faults as fault
from ncric_core.simulate.drafts import Draft, Row
from ncric_core.simulate.world import Camera, cameras, names

FEEDS: Final = {"BOSS4": 0.8, "SCSO": 0.2}  # share of the reads
ROWS_OF_A_FILE: Final = 500  # feeds.md, section 1
FILES_AT_LEAST: Final = 60  # per feed, so that every fault has a file
DELAY: Final = 240  # seconds at most from a read to the end of its file's window
RETURNING: Final = 0.4  # share of the reads whose vehicle was at the neighbouring camera before

NEVER_SILENT: Final[Mapping[str, datetime]] = MappingProxyType({})

TRUTH: Final = pl.Schema(
    {
        "vehicle_record_id": pl.String(),
        "event_time": pl.Datetime("us", "UTC"),
        "plate": pl.String(),
        "datasource": pl.String(),
        "camera_id": pl.String(),
        "agency_name": pl.String(),
        "standardized_agency_name": pl.String(),
        "latitude": pl.Float64(),
        "longitude": pl.Float64(),
    }
)
FILES: Final = pl.Schema(
    {"key": pl.String(), "datasource": pl.String(), "found": pl.Int64(), "rejected": pl.Int64(), "repeated": pl.Int64()}
)


@dataclass(frozen=True, slots=True)
class Simulated:
    """What was written, and what must come out of it.

    `truth` (schema TRUTH) has every read once. `files` (schema FILES) counts the rows of each file: found, rejected,
    and repeated (the read has already been in this file or an earlier one). `rejects` counts the rejects by reason.
    `mappings` is the name table that goes with the files (received name, standardised name, datasource).
    """

    truth: pl.DataFrame
    files: pl.DataFrame
    rejects: Counter[str]
    mappings: list[tuple[str, str, str]]


def simulate(
    folder: Path,
    *,
    reads: int,
    start: datetime,
    hours: float = 24,
    seed: int = 1,
    images: float = 0.0,
    faults: bool = True,
) -> Simulated:
    """Writes about `reads` rows that arrive within `hours` from `start` (UTC).

    `images` is the share of reads that have photos. The same seed writes the same bytes.
    """
    truths: list[pl.DataFrame] = []
    files: list[tuple[str, str, int, int, int]] = []
    rejects: Counter[str] = Counter()
    for datasource, share in FEEDS.items():
        seen: set[object] = set()
        chance = Random(f"{seed} {datasource}")
        rows = round(reads * share)
        for draft in drafts(datasource, rows, start=start, hours=hours, chance=chance, images=images, damaged=faults):
            write(folder, draft)
            fresh = []
            for row in draft.rows:
                if row.truth is None:
                    rejects[row.reason or ""] += 1
                elif not faults or (key := fault.read_key(row)) not in seen:
                    fresh.append(row.truth)
                    if faults:
                        seen.add(key)
            bad = sum(row.truth is None for row in draft.rows)
            files.append((draft.key, datasource, len(draft.rows), bad, len(draft.rows) - bad - len(fresh)))
            truths.append(pl.DataFrame(fresh, schema=TRUTH, orient="row"))
    mappings = [one for datasource in FEEDS for one in names(datasource)]
    return Simulated(pl.concat(truths), pl.DataFrame(files, schema=FILES, orient="row"), rejects, mappings)


def write(folder: Path, draft: Draft) -> None:
    """Puts a file into the bucket in one step, with the end of its window as its modification time."""
    path, unfinished = folder / draft.key, folder / f".{Path(draft.key).name}.unfinished"
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished.write_bytes(draft.written())
    moment = draft.end.timestamp()
    os.utime(unfinished, (moment, moment))
    unfinished.rename(path)


def drafts(
    datasource: str,
    reads: int,
    *,
    start: datetime,
    hours: float,
    chance: Random,
    images: float,
    damaged: bool,
    places: Random | None = None,
    passed: Callable[[float], float] = float,
    silent_from: Mapping[str, datetime] = NEVER_SILENT,
) -> Iterator[Draft]:
    """Yields the files of a feed in order of arrival, each made when it is asked for.

    `places` makes the cameras, so that every day has the same ones; without it `chance` makes them. `passed` returns
    the share of the time that has passed when a given share of the reads has come. A camera in `silent_from` sends
    nothing from its time on; the reads of other cameras do not change.
    """
    rows_of_file = max(fault.SMALLEST_FILE, min(ROWS_OF_A_FILE, reads // FILES_AT_LEAST)) if damaged else ROWS_OF_A_FILE
    count = max(1, -(-reads // rows_of_file))
    whole = timedelta(hours=hours)
    traffic = _Traffic(datasource, chance, images, places or chance)
    first: Draft | None = None
    for number in range(count):
        begin, end = (start + whole * passed(share / count) for share in (number, number + 1))
        end = min(end, start + whole - timedelta(seconds=1)).replace(microsecond=0)
        draft = Draft(_key(datasource, number, begin, end, chance, odd=damaged and number % 29 == 5), begin, end)
        taken = traffic.rows(min(rows_of_file, reads - number * rows_of_file), end)
        draft.rows = [row for row in taken if _is_sent(row, silent_from)]
        if damaged and first is not None and number % 7 == 6:
            draft.rows += [Row(row.text, row.truth) for row in first.rows[:3]]  # sent again, hours later
        if damaged and number % 2 and len(draft.rows) >= fault.SMALLEST_FILE:
            fault.ALL[number // 2 % len(fault.ALL)](draft)
        elif first is None:
            first = draft
        yield draft


def _is_sent(row: Row, silent_from: Mapping[str, datetime]) -> bool:
    """Returns whether the camera that took this row was still sending at that time."""
    if row.truth is None:
        return True
    _, moment, _, _, camera, *_ = row.truth
    return camera is None or camera not in silent_from or moment < silent_from[camera]


def camera_ids(datasource: str) -> list[str]:
    """Returns the ids of a feed's cameras as they are in the store. They do not depend on chance."""
    return [camera.id + _camera_suffix(datasource) for camera in cameras(datasource, Random())]


def _camera_suffix(datasource: str) -> str:
    return "" if datasource == "BOSS4" else f"_{datasource}"


def _key(datasource: str, number: int, start: datetime, end: datetime, chance: Random, *, odd: bool) -> str:
    """Returns a file's key: in either spelling of the window, in the older folder too, or (`odd`) without a window."""
    unique = chance.randrange(10**9)
    if odd:
        return f"{datasource.lower()}/export-{start:%Y%m%d}-{number}.json"
    if datasource == "SCSO":
        return f"scso/READS_OpenLattice_{start:%Y%m%dT%H%M%S}_{end:%Y%m%dT%H%M%S}_{unique}.json"
    if number % 11 == 3:
        return f"ncric/READS_OpenLattice_{start:%Y%m%dT%H%M%S}_{end:%Y%m%dT%H%M%S}_{unique}.json"
    return f"boss4/READS_maiveric-astrometrics_{start:%Y-%m-%d_%H-%M-%S}_{end:%Y-%m-%d_%H-%M-%S}_{unique}.json"


class _Traffic:
    """Vehicles that pass cameras. Some of them were at the neighbouring camera shortly before."""

    def __init__(self, datasource: str, chance: Random, images: float, places: Random) -> None:
        self.datasource = datasource
        self.chance = chance
        self.images = images
        self.cameras = cameras(datasource, places)
        self.weights = list(accumulate(camera.weight for camera in self.cameras))
        self.passed: list[deque[str]] = [deque(maxlen=8) for _ in self.cameras]
        self.next_id = chance.randrange(10**8, 10**9)
        self.photos = [_photo(chance, small=True) for _ in range(8)], [_photo(chance, small=False) for _ in range(8)]
        self.names = {camera.received: json.dumps(camera.received, ensure_ascii=False) for camera in self.cameras}
        self.places = [camera.place.decimal for camera in self.cameras]

    def rows(self, count: int, end: datetime) -> list[Row]:
        """Returns the rows of a file, in the order in which the reads were taken."""
        random, suffix, camera_suffix = self.chance.random, f"_{self.datasource}", _camera_suffix(self.datasource)
        chosen = self.chance.choices(range(len(self.cameras)), cum_weights=self.weights, k=count)
        moments = sorted((int(random() * DELAY) for _ in range(count)), reverse=True)
        found = []
        for number, seconds in zip(chosen, moments, strict=True):
            camera, moment = self.cameras[number], end - timedelta(seconds=seconds)
            plate = self._plate(number)
            self.next_id += 1
            latitude, longitude = self.places[number]
            truth = (
                f"{self.next_id}{suffix}", moment, plate, self.datasource, camera.id + camera_suffix,
                camera.received, camera.standard, latitude, longitude,
            )  # fmt: skip
            found.append(Row(self._text(camera, plate, str(moment)), truth))
        return found

    def _plate(self, camera: int) -> str:
        random = self.chance.random
        neighbours = self.passed[camera - 1]
        if neighbours and random() < RETURNING:
            plate = neighbours.popleft()
        else:
            first, rest = divmod(int(random() * 72_000_000), 8_000_000)
            letters, digits = divmod(rest, 1000)
            plate = f"{first + 1}{_letters(letters)}{digits:03}"
        self.passed[camera].append(plate)
        return plate

    def _text(self, camera: Camera, plate: str, moment: str) -> str:
        small = large = "null"
        if self.images and self.chance.random() < self.images:
            small, large = self.chance.choice(self.photos[0]), self.chance.choice(self.photos[1])
        return (
            f'\t{{\n\t\t"LPREventID": "{self.next_id}",\n'
            f'\t\t"eventDate": "{moment[:10]}",\n\t\t"eventTime": "{moment[11:19]}",\n'
            f'\t\t"agencyName": {self.names[camera.received]},\n\t\t"VehicleLicensePlateID": "{plate}",\n{camera.text}'
            f'\t\t"images": '
            f'{{\n\t\t\t"LPRVehiclePlatePhoto": {small},\n\t\t\t"LPRAdditionalPhoto": {large}\n\t\t}}\n\t}}'
        )


_LETTERS: Final = "ABCDEFGHJKLMNPRSTVWX"


def _letters(number: int) -> str:
    return _LETTERS[number % 20] + _LETTERS[number // 20 % 20] + _LETTERS[number // 400]


def _photo(chance: Random, *, small: bool) -> str:
    """Returns a real JPEG as JSON text: a plate patch if `small`, else an overview. Noise gives it a realistic size."""
    size = (120, 60) if small else (640, 400)
    image = Image.new("RGB", size, (90, 95, 100))
    draw = ImageDraw.Draw(image)
    for _ in range(20 if small else 1500):
        x, y = chance.randrange(size[0]), chance.randrange(size[1])
        draw.rectangle((x, y, x + 6, y + 4), fill=tuple(chance.randrange(256) for _ in range(3)))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return json.dumps(base64.b64encode(buffer.getvalue()).decode())
