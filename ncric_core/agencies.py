"""Agencies' names: which spellings are one name, and name tables as CSV files."""

import csv
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Final, TextIO

from ncric_core.errors import AgencyError

FLOCK: Final = "FLOCK"
NO_AGENCY: Final = "No Agency Given"

ENTITY_SET_PREFIX: Final = "NCRICVehicleRecords"
LONGEST_IDENTIFIER: Final = 63  # bytes of a name in PostgreSQL (NAMEDATALEN - 1)

_QUOTES: Final = dict.fromkeys(map(ord, "’‘‛ʼʻ´`′＇ꞌ"), "'")


@dataclass(frozen=True, slots=True)
class NameMapping:
    """A received name of a datasource (for Flock a network id, in digits), and the agency that it stands for."""

    received: str
    standardized: str
    datasource: str


def name_key(name: str) -> str:
    """Returns a key that is equal for spellings of one name.

    Spellings are one name if they differ only in case, blanks, kinds of apostrophe or Unicode forms.
    """
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).translate(_QUOTES)
    kept = (sign for sign in text if unicodedata.category(sign)[0] not in "ZC")
    return unicodedata.normalize("NFKC", "".join(kept))


def entity_set_name(agency: str) -> str:
    """Returns the name of an agency's entity set: NCRICVehicleRecordsAthertonPD (feeds.md, section 4)."""
    return ENTITY_SET_PREFIX + "".join(agency.split())


def view_name(entity_set: str) -> str:
    """Returns the name of an entity set's view: its own name, or if that is over 63 bytes, a cut one with a hash."""
    encoded = entity_set.encode()
    if len(encoded) <= LONGEST_IDENTIFIER:
        return entity_set
    mark = "_" + sha256(encoded).hexdigest()[:8]
    return encoded[: LONGEST_IDENTIFIER - len(mark)].decode(errors="ignore") + mark


@cache
def seed_agencies() -> tuple[str, ...]:
    """Returns the agencies known at the start."""
    lines = (files("ncric_core") / "agencies.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip())


# ---- name tables as CSV

_NAME, _NETWORK, _STANDARD, _SOURCE = "ol.name", "ol.id", "standardized_agency_name", "ol.datasource"
MOST_FAULTS: Final = 20  # reported for one file


def read_mappings(path: Path, datasources: Collection[str]) -> list[NameMapping]:
    """Reads the mappings of a CSV file.

    The columns are ol.name, standardized_agency_name, ol.datasource, and ol.id for Flock's network ids. Raises
    AgencyError with a line for each fault: a missing column or value, an unknown datasource, or a name mapped to two
    agencies.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            found = [(reader.line_num, {key: (row.get(key) or "").strip() for key in _COLUMNS}) for row in reader]
            columns = set(reader.fieldnames or ())
    except OSError as error:
        raise AgencyError(f"{path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise AgencyError(f"{path} is not a CSV file in UTF-8: {error}") from None
    if absent := [name for name in (_STANDARD, _SOURCE) if name not in columns]:
        raise AgencyError(
            f"{path}: column {' and '.join(absent)} is missing; the columns are {', '.join(_COLUMNS[:3])}"
        )
    return _checked(path, found, {source.upper() for source in datasources})


_COLUMNS: Final = (_NAME, _STANDARD, _SOURCE, _NETWORK)


def _checked(path: Path, found: Sequence[tuple[int, dict[str, str]]], datasources: set[str]) -> list[NameMapping]:
    faults: list[str] = []
    mappings: dict[tuple[str, str], NameMapping] = {}
    for line, row in found:
        if not any(row.values()):
            continue
        source = row[_SOURCE].upper()
        received = row[_NETWORK] if source == FLOCK and row[_NETWORK] else row[_NAME]
        mapping = NameMapping(received, row[_STANDARD], source)
        known = mappings.setdefault((source, name_key(received)), mapping)
        if not name_key(received):
            faults.append(f"{path}, line {line}: {_NAME} is blank")
        elif not name_key(row[_STANDARD]):
            faults.append(f"{path}, line {line}: {_STANDARD} is blank")
        elif source not in datasources:
            faults.append(
                f"{path}, line {line}: {_SOURCE} {row[_SOURCE]!r} is none of {', '.join(sorted(datasources))}"
            )
        elif name_key(known.standardized) != name_key(mapping.standardized):
            faults.append(f"{path}, line {line}: {received!r} is mapped to {known.standardized!r} in an earlier line")
    if faults:
        more = [f"and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else []
        raise AgencyError("\n".join(faults[:MOST_FAULTS] + more))
    return list(mappings.values())


def write_mappings(mappings: Iterable[NameMapping], stream: TextIO) -> None:
    """Writes mappings in the form that `read_mappings` reads. Has the column ol.id only if there are network ids."""
    given = list(mappings)
    by_network = [mapping.datasource == FLOCK and mapping.received.isdigit() for mapping in given]
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_COLUMNS if any(by_network) else _COLUMNS[:3])
    for mapping, network in zip(given, by_network, strict=True):
        row = ["" if network else mapping.received, mapping.standardized, mapping.datasource]
        writer.writerow([*row, mapping.received if network else ""] if any(by_network) else row)
