"""Damaged files cost in proportion to their length, however deep: counted in characters that are looked at."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from ncric_core.sources.files import salvage, whole
from ncric_core.sources.files.lpr_json import parse_with_care
from tests.sources.files.lpr_files import ids, read

SEEN = 0


class _Counting:
    """A pattern that counts the characters it looks at. An empty look costs one."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.pattern = pattern

    def match(self, text: str, at: int = 0) -> re.Match[str] | None:
        return _counted(self.pattern.match(text, at))

    def search(self, text: str, at: int = 0) -> re.Match[str] | None:
        found = _counted(self.pattern.search(text, at))
        _count((found.start() if found else len(text)) - at)
        return found

    def fullmatch(self, text: str) -> re.Match[str] | None:
        return _counted(self.pattern.fullmatch(text))

    def finditer(self, text: str, at: int = 0, end: int | None = None) -> Iterator[re.Match[str]]:
        last = at
        for found in self.pattern.finditer(text, at, len(text) if end is None else end):
            _count(found.end() - last)
            last = found.end()
            yield found
        _count((len(text) if end is None else end) - last)


class _CountingDecoder(json.JSONDecoder):
    def raw_decode(self, text: str, at: int = 0) -> tuple[Any, int]:
        try:
            value, end = salvage_decoder.raw_decode(text, at)
        except RecursionError:
            _count(min(len(text) - at, 20_000))
            raise
        except json.JSONDecodeError as error:
            _count(error.pos - at)
            raise
        _count(end - at)
        return value, end


salvage_decoder = salvage.decoder


def _count(characters: int) -> None:
    global SEEN  # noqa: PLW0603
    SEEN += max(characters, 1)


def _counted(found: re.Match[str] | None) -> re.Match[str] | None:
    _count(len(found.group()) if found else 1)
    return found


@pytest.fixture
def _counting(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (salvage, whole):
        for name, one in vars(module).copy().items():
            if isinstance(one, re.Pattern):
                monkeypatch.setattr(module, name, _Counting(one))
    monkeypatch.setattr(salvage, "decoder", _CountingDecoder())


def looked_at(text: str) -> int:
    global SEEN  # noqa: PLW0603
    SEEN = 0
    parse_with_care(text.encode())
    return SEEN


ONE = json.dumps(read(1, LPRVehiclePlatePhoto="", LPRAdditionalPhoto=""))


@pytest.mark.usefixtures("_counting")
@pytest.mark.parametrize(
    "repeated",
    [
        pytest.param('{"LPREventID":1,"a":', id="objects that are values"),
        pytest.param('{"LPREventID":1,"a":[', id="objects in lists"),
        pytest.param('{"a":', id="objects without an id"),
        pytest.param('{"a":[', id="lists without an id"),
        pytest.param('[{"LPREventID":1},', id="lists of wholes"),
        pytest.param('{"w":{"LPREventID":2},"n":', id="a whole one in each"),
        pytest.param('{"w":[{"LPREventID":2},', id="a whole one in each list"),
        pytest.param('{"LPREventID":1,"a":{"LPREventID":2}x', id="a stray sign behind a whole one"),
        pytest.param('{"LPREventID":1,"a":{"LPREventID":2}}x', id="a stray sign behind each"),
        pytest.param('{"a" 1}', id="closed, but broken"),
        pytest.param("x {} ", id="stray signs between empty ones"),
        pytest.param('"\\', id="escaped quotes"),
        pytest.param("\\", id="backslashes"),
        pytest.param('{"a\\"', id="strings within strings"),
        pytest.param('{"a":"{\\"LPREventID\\":1,', id="objects in strings"),
        pytest.param('{"LPREventID":"', id="quotes that are never closed"),
        pytest.param('{"":"{"":"', id="strings and structure changed about"),
        pytest.param("{", id="braces"),
        pytest.param("}", id="closing braces"),
        pytest.param('"', id="quotes"),
        pytest.param(':"a"', id="texts and colons"),
        pytest.param(ONE[:-1] + ",", id="reads that are never closed"),
        pytest.param(ONE + '"', id="reads with a quote between"),
    ],
)
@pytest.mark.parametrize("end", ["", ONE, "x" + ONE + "x" + ONE], ids=["cut", "a read", "two reads"])
def test_twice_the_length_costs_twice_as_much(repeated: str, end: str) -> None:
    times = max(4, 1500 // len(repeated))
    once, twice = looked_at(repeated * times + end), looked_at(repeated * times * 2 + end)
    assert twice < 2.5 * once
    assert twice < 40 * len(repeated * times * 2 + end)


@pytest.mark.usefixtures("_counting")
@pytest.mark.parametrize("opening", ['{"LPREventID":1,"a":', '{"LPREventID":1,"a":[', '{"a":'])
def test_deep_nesting_that_is_closed_costs_in_proportion(opening: str) -> None:
    closing = "]}" if opening.endswith("[") else "}"
    once, twice = (looked_at(opening * depth + "1" + closing * depth) for depth in (2000, 4000))
    assert twice < 2.5 * once


def test_the_read_behind_eight_thousand_levels_is_read() -> None:
    assert ids(parse_with_care(('{"LPREventID":1,"a":' * 8000 + "\n" + ONE).encode()))[-1] == "1"
