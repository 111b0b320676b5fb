"""Faults that pydantic finds in edm.yaml, in a flight and in the parameters of its transforms, in plain words."""

import re
from collections.abc import Iterable
from pathlib import Path
from reprlib import Repr
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_NEEDED: Final = {
    "string_type": "a text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "too_short": "a list of one or more",
    "dict_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
}
"""pydantic's name of a fault → what is needed instead."""


LONGEST: Final = 300  # characters of a line: whatever is quoted in it may be of any length
MOST: Final = 20  # lines

_SHORT: Final = Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 100


def lines(faults: Iterable[str]) -> str:
    """A line for each of the first faults, each of a length that can be read, and how many more there are."""
    every = [" ".join(fault.split()) for fault in faults]
    shown = [fault if len(fault) <= LONGEST else f"{fault[:LONGEST]} …" for fault in every[:MOST]]
    return "\n".join(shown + [f"and {len(every) - MOST} more"] * (len(every) > MOST))


def quoted(given: object) -> str:
    """A value as it was given, cut short. The cost does not depend on its size, which aliases can make endless."""
    return f"{_SHORT.repr(given):.200}"


def file_faults(path: Path, error: ValidationError) -> list[str]:
    """A line for each fault of a file: the file, the place in it, and what is wrong there."""
    found = []
    for fault in error.errors():
        place = " → ".join(map(str, fault["loc"])) or "the whole file"
        found.append(f"{path}: {place}: {in_words(fault)}")
    return found


def in_words(fault: ErrorDetails) -> str:
    """What is wrong with one value."""
    match fault["type"]:
        case "value_error":  # raised by a validator of ours
            return str(fault["ctx"]["error"])
        case "extra_forbidden":
            return "unknown key"
        case "missing":
            return "missing"
        case "literal_error":
            words = re.findall("'([^']*)'", fault["ctx"]["expected"])
            return needed(f"one of {', '.join(words)}", fault["input"])
        case kind if kind in _NEEDED:
            return needed(_NEEDED[kind], fault["input"])
        case _:
            return fault["msg"]


def needed(what: str, given: object) -> str:
    """Says what a value must be, and what it is."""
    return f"{what} is needed, not {quoted(given)}"
