"""Which agency a name never seen before may mean."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from rapidfuzz import fuzz

MOST_SUGGESTIONS: Final = 3
NEAR: Final = 72.0  # of 100; below it two names are of different agencies (tests/test_suggestions.py has cases)
OTHER_PLACE: Final = 80.0  # of 100; below it two places differ, however similar the rest of the names is

SAME, ABBREVIATED, INITIALS, PART = 100.0, 95.0, 85.0, 85.0
"""How near two names are that are equal, equal but for initials, one the other's initials, one a part of the other."""

UNSAID_POLICE, UNSAID_OTHER = 4.0, 12.0  # off if a name says no kind: that means the police rather than any other
KIND_UNKNOWN, KIND_DIFFERS, NEVER_ALIKE, COUNTY_UNSAID = 10.0, 10.0, 24.0, 2.0  # off in the other cases

_NOTES: Final = re.compile(r"\([^)]*\)")
_KINDS: Final = (
    ("sheriff", re.compile(r"\bsheriff(?: ?s)?(?: (?:office|ofc|dept|department))?\b|(?<=\w )s[od]$")),
    ("dps", re.compile(r"\b(?:dept|department) of public safety\b|\bpublic safety(?: (?:dept|department))?\b|\bdps\b")),
    ("police", re.compile(r"\bpolice(?: (?:dept|department|dep))?\b|\bp ?d\b|\b(?:dept|department) of police\b")),
)
_STATE: Final = re.compile(r"\b(?:ca|calif|california|usa?)\b")
_IDLE: Final = re.compile(r"\b(?:city|town|of|and|the|dept|department|office)\b")
_COUNTY: Final = re.compile(r"\b(?:county|cnty|co)\b")
_DIRECTION: Final = re.compile(r"^(?:n|no|s|so|e|w)(?= \w+ \w)")  # SO SAN FRANCISCO
_DIRECTIONS: Final = {"n": "north", "no": "north", "s": "south", "so": "south", "e": "east", "w": "west"}
_SMALL: Final = frozenset({"of", "and", "the"})  # words that have no letter among initials
_KIND_LETTERS: Final = {"police": "pd", "sheriff": "so", "dps": "dps"}


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of a name. `kind` is that of the agency, '' if the name says none."""

    words: tuple[str, ...]
    place: tuple[str, ...]
    kind: str
    county: bool
    acronyms: frozenset[str]


def suggest(received: str, known: Sequence[str]) -> list[str]:
    """Returns the known agencies that a received name may mean: the best first, at most three, none if none is near.

    The rules:

    1. Case, accents, punctuation, notes in brackets and the state do not count: "Vallejo CA PD (Flex)" is Vallejo PD.
    2. A name is a place and a kind of agency: police, sheriff or public safety, each in any spelling. A county's
       agency is its sheriff, unless the name says another.
    3. Places are compared by edit distance, so that a misspelling is near. A place that is a part of another is less
       near ("Central Marin" and "Central Marin Police Authority").
    4. Words may be written as initials: "Central Marin PA" is the Police Authority, "SF PD" is San Francisco PD. So may
       a whole name: CHP, SFPD.
    5. Another kind is less near, and a police department and a sheriff are hardly ever one agency.
    6. A place without a kind means its police department, if it has one.
    """
    given = _parts(received)
    scored = [(_score(given, _parts(name)), name) for name in known]
    near = sorted(((score, name) for score, name in scored if score >= NEAR), key=lambda one: (-one[0], one[1]))
    return [name for _, name in near[:MOST_SUGGESTIONS]]


@cache
def _parts(name: str) -> _Parts:
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", name).casefold() if not unicodedata.combining(sign))
    words = _words(_NOTES.sub(" ", plain)) or _words(plain)
    words = _DIRECTION.sub(lambda found: _DIRECTIONS[found[0]], words)
    rest = " ".join(_STATE.sub(" ", words).split())
    kind = ""
    for found, pattern in _KINDS:
        if pattern.search(rest):
            kind, rest = kind or found, pattern.sub(" ", rest)
    county = bool(_COUNTY.search(rest))
    place = tuple(_COUNTY.sub(" ", _IDLE.sub(" ", rest)).split())
    own = tuple(word for word in words.split() if word not in _SMALL)
    initials, of_place = ("".join(word[0] for word in text) for text in (own, place))
    acronyms = frozenset(one for one in (initials, of_place + _KIND_LETTERS.get(kind, "")) if len(one) > 2)
    return _Parts(own, place, kind or ("sheriff" if county else ""), county, acronyms)


def _words(plain: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9]+", " ", plain).split())


def _score(given: _Parts, known: _Parts) -> float:
    """Returns how near two names are, of 100."""
    one, other = "".join(given.words), "".join(known.words)
    if not one or not other:
        return 0.0
    if one == other:
        return SAME
    by_initials = INITIALS if one in known.acronyms or other in given.acronyms else 0.0
    by_place = _place_score(given.place, known.place) if given.place and known.place else 0.0
    if by_place < OTHER_PLACE:
        by_place = 0.0
    return max(_abbreviated(given.words, known.words), by_initials, by_place - _kinds_apart(given, known))


def _abbreviated(given: tuple[str, ...], known: tuple[str, ...]) -> float:
    """Returns how near names are of which one abbreviates the other; 0 if none does."""
    short, long = sorted((given, known), key=len)
    if not _abbreviates(short, long):
        return 0.0
    return ABBREVIATED if len(short) > 1 else INITIALS


def _abbreviates(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    """Returns whether names are the same, but for runs of words that `short` writes as their initials."""
    if not short or not long:
        return short == long
    first, run = short[0], len(short[0])
    if first == long[0]:
        return _abbreviates(short[1:], long[1:])
    initials = "".join(word[0] for word in long[:run])
    return run > 1 and first == initials and _abbreviates(short[1:], long[run:])


def _place_score(given: tuple[str, ...], known: tuple[str, ...]) -> float:
    """Returns how near two places are."""
    one, other = " ".join(given), " ".join(known)
    whole = max(
        _abbreviated(given, known),
        fuzz.ratio(one, other),
        fuzz.token_sort_ratio(one, other),
        fuzz.ratio("".join(given), "".join(known)),
    )
    shorter, longer = sorted((given, known), key=lambda words: len("".join(words)))
    part = PART if set(shorter) <= set(longer) and len("".join(shorter)) > 3 else 0.0
    return max(whole, part)


def _kinds_apart(given: _Parts, known: _Parts) -> float:
    """Returns what is taken off because of the kinds of two agencies of one place."""
    if given.kind == known.kind:
        return 0.0 if given.county == known.county else COUNTY_UNSAID
    if not known.kind:
        return KIND_UNKNOWN
    if not given.kind:
        return UNSAID_POLICE if known.kind == "police" else UNSAID_OTHER
    return NEVER_ALIKE if "sheriff" in {given.kind, known.kind} else KIND_DIFFERS
