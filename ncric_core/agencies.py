"""Agencies' names: which spellings are one name, what a received name may be, and name tables as CSV files."""

import csv
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Final, TextIO

from ncric_core.errors import AgencyError
from ncric_core.safe_text import csv_line, from_csv

FLOCK: Final = "FLOCK"
NO_AGENCY: Final = "No Agency Given"

ENTITY_SET_PREFIX: Final = "NCRICVehicleRecords"
LONGEST_NAME: Final = 200  # characters, as for any text that is kept (ncric_core.pipeline.clean)
LARGEST_NETWORK: Final = 2**63 - 1  # bigint
LONGEST_IDENTIFIER: Final = 63  # bytes of a name in PostgreSQL (NAMEDATALEN - 1)

_QUOTES: Final = dict.fromkeys(map(ord, "’‘‛‚❛❜ʼʻʽʹˈˊˋ`′‵ꞌ՚׳"), "'")
_SPACED: Final = re.compile(" [\u0300\u0301\u0313\u0314]+")
"""What NFKC makes of an accent that stands alone, as of U+00B4 in Sheriff´s: a blank and a mark above it."""


@dataclass(frozen=True, slots=True)
class NameMapping:
    """A received name of a datasource (for Flock a network id, in digits), and the agency that it stands for."""

    received: str
    standardized: str
    datasource: str


KEY_RULE: Final = "2"
"""The number of name_key's rule. Raise it when the rule changes, so that `ncric migrate` makes stored keys anew."""


def name_key(name: str) -> str:
    """Returns a key that is equal for spellings of one name.

    Spellings are one name if they differ only in case, blanks, kinds of apostrophe or Unicode forms.
    """
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    text = _SPACED.sub("'", text).translate(_QUOTES)
    kept = (sign for sign in text if unicodedata.category(sign)[0] not in "ZC")
    return unicodedata.normalize("NFKC", "".join(kept))


def received_key(datasource: str, received: str) -> str:
    """Returns a key that is equal for spellings of one received name. Flock's network 07 is network 7."""
    key = name_key(received)
    return (key.lstrip("0") or "0") if datasource == FLOCK and _is_number(key) else key


def network_number(datasource: str, received: str) -> int | None:
    """Returns the number of the Flock network that a received name stands for, or None if it stands for none."""
    key = received_key(datasource, received)
    return int(key) if datasource == FLOCK and _is_number(key) else None


def _is_number(key: str) -> bool:
    return key.isascii() and key.isdigit()


def one_line(name: str) -> str:
    """Returns a name as it is kept: on one line, with single blanks, without signs that nobody sees (Unicode's C)."""
    seen = (sign for sign in name if sign.isspace() or unicodedata.category(sign)[0] != "C")
    return " ".join("".join(seen).split())


def as_kept(mapping: NameMapping) -> NameMapping:
    """Returns a mapping in the one form that the name tables have. Raises AgencyError if a name of it cannot be kept.

    This is the rule for every way into the name tables: the commands, CSV files and the console. A name has 1 to 200
    characters on one line. The number of a Flock network has plain digits, without zeros before it.
    """
    datasource = mapping.datasource.strip().upper()
    standardized = _kept(mapping.standardized, "an agency's name")
    received = _kept(mapping.received, "a received name")
    number = network_number(datasource, received)
    if number is not None and number > LARGEST_NETWORK:
        raise AgencyError(f"{received} cannot be the number of a Flock network: it is too large")
    return NameMapping(received if number is None else str(number), standardized, datasource)


def _kept(name: str, what: str) -> str:
    kept = one_line(name)
    if not name_key(kept) or len(kept) > LONGEST_NAME:
        shown = kept if len(kept) <= LONGEST_NAME else f"{kept[:40]}…"
        raise AgencyError(f"{shown!r} cannot be {what}: it must have 1 to {LONGEST_NAME} characters")
    return kept


def each_once(mappings: Iterable[NameMapping]) -> list[NameMapping]:
    """Returns mappings as they are kept, one for each received name. Raises AgencyError if a name has two agencies."""
    kept: dict[tuple[str, str], NameMapping] = {}
    for given in mappings:
        one = as_kept(given)
        first = kept.setdefault((one.datasource, received_key(one.datasource, one.received)), one)
        if name_key(first.standardized) != name_key(one.standardized):
            raise AgencyError(
                f"{one.datasource} {given.received!r} is mapped to two agencies, {first.standardized!r} and "
                f"{one.standardized!r}: give it one"
            )
    return list(kept.values())


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
            found = [(reader.line_num, {key: _value(row.get(key)) for key in _COLUMNS}) for row in reader]
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


def _value(field: str | None) -> str:
    return from_csv(field or "").strip()


_COLUMNS: Final = (_NAME, _STANDARD, _SOURCE, _NETWORK)


def _checked(path: Path, found: Sequence[tuple[int, dict[str, str]]], datasources: set[str]) -> list[NameMapping]:
    faults: list[str] = []
    mappings: dict[tuple[str, str], NameMapping] = {}
    for line, row in found:
        if not any(row.values()):
            continue
        source = row[_SOURCE].upper()
        received = row[_NETWORK] if source == FLOCK and row[_NETWORK] else row[_NAME]
        if source not in datasources:
            known_sources = ", ".join(sorted(datasources))
            faults.append(f"{path}, line {line}: {_SOURCE} {row[_SOURCE]!r} is none of {known_sources}")
            continue
        try:
            mapping = as_kept(NameMapping(received, row[_STANDARD], source))
        except AgencyError as error:
            faults.append(f"{path}, line {line}: {error}")
            continue
        known = mappings.setdefault((source, received_key(source, received)), mapping)
        if name_key(known.standardized) != name_key(mapping.standardized):
            faults.append(f"{path}, line {line}: {received!r} is mapped to {known.standardized!r} in an earlier line")
    if faults:
        more = [f"and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else []
        raise AgencyError("\n".join(faults[:MOST_FAULTS] + more))
    return list(mappings.values())


def write_mappings(mappings: Iterable[NameMapping], stream: TextIO) -> None:
    """Writes mappings in the form that `read_mappings` reads. Has the column ol.id only if there are network ids."""
    given = list(mappings)
    by_network = [mapping.datasource == FLOCK and mapping.received.isdigit() for mapping in given]
    stream.write(csv_line(_COLUMNS if any(by_network) else _COLUMNS[:3]))
    for mapping, network in zip(given, by_network, strict=True):
        row = [None if network else mapping.received, mapping.standardized, mapping.datasource]
        stream.write(csv_line([*row, mapping.received if network else None] if any(by_network) else row))
