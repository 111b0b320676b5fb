"""Agencies' names: which spellings are one name, which agency a new name may mean, and name tables as CSV files."""

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

from rapidfuzz import fuzz

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


# ---- suggestions

MOST_SUGGESTIONS: Final = 3
NEAR: Final = (
    72.0  # of 100; below it two names are of different agencies (tests/test_agencies.py has cases on both sides)
)
OTHER_PLACE: Final = 80.0  # of 100; below it two places differ, however similar the rest of the names is

_KINDS: Final = (
    ("sheriff", re.compile(r"\bsheriff(?:s|'s)?(?: (?:office|ofc|dept|department))?\b|(?<=\w )so$")),
    ("dps", re.compile(r"\b(?:dept|department) of public safety\b|\bpublic safety(?: (?:dept|department))?\b|\bdps\b")),
    ("police", re.compile(r"\bpolice(?: (?:dept|department|dep))?\b|\bpd\b|\bp d\b|\b(?:dept|department) of police\b")),
)
_IDLE: Final = re.compile(r"\b(?:city|town|of|and|the|ca|calif|california|dept|department|office|usa?)\b")
_COUNTY: Final = re.compile(r"\b(?:county|cnty|co)\b")
_KIND_LETTERS: Final = {"police": "pd", "sheriff": "so", "dps": "dps"}
_NEVER_ALIKE: Final = {frozenset({"sheriff", "police"}), frozenset({"sheriff", "dps"})}


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of a name: the place, the kind of agency ('' if not given), and whether it is a county's."""

    place: str
    kind: str
    county: bool
    acronyms: frozenset[str]
    compact: str


def suggest(received: str, known: Sequence[str]) -> list[str]:
    """Returns the known agencies that a received name may mean: the best first, at most three, none if none is near.

    Names are compared by place (a ratio of edit distance), by kind of agency (police, sheriff, public safety) in any
    spelling, and by initials ("California Highway Patrol" is CHP).
    """
    given = _parts(received)
    scored = [(_score(given, _parts(name)), name) for name in known]
    near = sorted(((score, name) for score, name in scored if score >= NEAR), key=lambda one: (-one[0], one[1]))
    return [name for _, name in near[:MOST_SUGGESTIONS]]


@cache
def _parts(name: str) -> _Parts:
    plain = unicodedata.normalize("NFKD", name).casefold().translate(_QUOTES)
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    words = " ".join(re.sub(r"[^a-z0-9']+", " ", plain).split())
    kind, rest = "", words
    for found, pattern in _KINDS:
        if pattern.search(rest):
            kind, rest = kind or found, pattern.sub(" ", rest)
    county = bool(_COUNTY.search(rest))
    place = " ".join(_COUNTY.sub(" ", _IDLE.sub(" ", rest)).replace("'", "").split())
    return _Parts(place, kind, county, _acronyms(words, place, kind), words.replace(" ", "").replace("'", ""))


def _acronyms(words: str, place: str, kind: str) -> frozenset[str]:
    """Returns a name's possible acronyms: CHP for California Highway Patrol, SFPD for San Francisco PD."""
    whole, of_place = ("".join(word[0] for word in text.split()) for text in (words, place))
    return frozenset(short for short in (whole, of_place + _KIND_LETTERS.get(kind, "")) if len(short) > 2)


def _score(given: _Parts, known: _Parts) -> float:
    """Returns how near two names are, of 100."""
    if given.compact == known.compact:
        return 100.0
    if given.compact in known.acronyms or known.compact in given.acronyms:
        return 85.0
    if not given.place or not known.place:
        return 0.0
    score = _place_score(given.place, known.place)
    if score < OTHER_PLACE:
        return 0.0
    kinds = frozenset(
        {given.kind or ("sheriff" if given.county else ""), known.kind or ("sheriff" if known.county else "")}
    )
    if len(kinds) == 2:
        score -= 24.0 if kinds in _NEVER_ALIKE else 10.0
    return score


def _place_score(given: str, known: str) -> float:
    """Returns how near two places are: 100 if they are equal, less for misspellings, 85 if one is part of the other."""
    whole = max(
        fuzz.ratio(given, known),
        fuzz.token_sort_ratio(given, known),
        fuzz.ratio(given.replace(" ", ""), known.replace(" ", "")),
    )
    shorter, longer = sorted((given, known), key=len)
    part = 85.0 if set(shorter.split()) <= set(longer.split()) and len(shorter) > 3 else 0.0
    return max(whole, part)


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
