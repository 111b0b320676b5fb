"""Finds out which objects in damaged JSON are whole. Looks at no character more than twice, however deep they nest."""

import re
from dataclasses import dataclass
from typing import Final

from ncric_core.sources.files.leaves import ID

DEEPEST: Final = 900  # levels; Python's decoder gives up at about a thousand

_STRING: Final = r'"(?:[^"\\]++|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*+"'
_NUMBER: Final = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?"
_NEXT: Final = re.compile(
    rf"[ \t\n\r]*+(?:(?P<string>{_STRING})(?P<colon>[ \t\n\r]*+:)?"
    rf"|(?P<other>{_NUMBER}|true|false|null|NaN|-?Infinity)|(?P<mark>[{{}}\[\],]))"
)
_ID_KEY: Final = f'"{ID}"'
_FITS: Final = {
    "{": {"": ("key", "}"), "key": ("value", "{", "["), "value": (",", "}"), ",": ("key",)},
    "[": {"": ("value", "{", "[", "]"), "value": (",", "]"), ",": ("value", "{", "[")},
}
"""What may follow within an object or a list: on its beginning, a key, a value or a comma."""


@dataclass(slots=True)
class _Level:
    """An object or a list that is open. `height` is the number of levels in it, `has_id` whether it has a read's id."""

    start: int
    opening: str
    height: int = 1
    has_id: bool = False


class WholeObjects:
    """The objects of a text that are whole, as Python's JSON decoder reads them. Nothing is looked for unless asked.

    A look at one object tells of all the objects that it goes through. Those that are still open where the text is no
    JSON are broken there too, so none of them is looked at again. Only an object in what the first look took for a
    string needs another look; there the two take each other's strings for structure, so a third cannot be needed.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._has_id: dict[int, bool | None] = {}  # place of an object → whether it has a read's id; None: it is broken

    def is_known_as_broken(self, start: int) -> bool:
        """Returns whether the object that begins at `start` was looked at, and is broken."""
        return self._has_id.get(start, False) is None

    def is_read(self, start: int) -> bool:
        """Returns whether the object that begins at `start` is whole, and has a read's id at any depth."""
        if start not in self._has_id:
            self._look(start)
        return self._has_id[start] is True

    def _look(self, start: int) -> None:
        """Goes through the object that begins at `start`, up to its end or to the first place that is no JSON."""
        levels = [_Level(start, "{")]
        before, is_id, at = "", False, start + 1
        while levels and (token := _NEXT.match(self._text, at)):
            kind = token["mark"] or ("key" if token["colon"] else "value")
            if kind not in _FITS[levels[-1].opening][before]:
                break
            at, before = token.end(), kind
            if kind in "{[":
                levels.append(_Level(at - 1, kind))
                before = ""
            elif kind in "}]":
                self._close(levels)
                before = "value"
            elif is_id and kind == "value":
                levels[-1].has_id = True
            is_id = kind == "key" and token["string"] == _ID_KEY
        for level in levels:
            self._has_id[level.start] = None

    def _close(self, levels: list[_Level]) -> None:
        level = levels.pop()
        if level.opening == "{":
            self._has_id[level.start] = None if level.height > DEEPEST else level.has_id
        if levels:
            levels[-1].height = max(levels[-1].height, level.height + 1)
            levels[-1].has_id |= level.has_id
