"""Makes text that others wrote safe for where it is shown: one function for each kind of place.

A received name may hold anything: a sequence that a terminal obeys, a newline that forges a line of a log, Markdown
that makes a browser fetch an image, a formula that a spreadsheet runs. The text stays readable, and nothing is lost.
"""

import re
from collections.abc import Iterable
from typing import Final

_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls, line ends of every kind, signs that turn the direction of writing, and bytes that are not UTF-8."""


def line(text: str) -> str:
    r"""Makes text one line for a terminal or a log: what would end or control it is written as `\n`, `\x1b`."""
    return _UNSEEN.sub(lambda sign: sign[0].encode("unicode_escape").decode(), text)


_MARKS: Final = re.compile(r"[\\`*\[\]<$~]|(?<![^\W_])_|_(?![^\W_])|:(?=[a-z:/])|&(?=[#a-z])", re.IGNORECASE)
_FIRST: Final = re.compile(r"^(\s*\d*)([#+\-.)>])")
"""What would make a heading, a list or a quotation."""
_NAMED: Final = re.compile(r":(?=//|\d*[a-z_/+-][\w/+-]*:)|\bwww(?=\.)", re.IGNORECASE)
"""What Streamlit and Prefect still replace after escapes are read: addresses, `:emoji:` and `:material/icon:`."""
_JOINER: Final = "\u2060"  # has no width, and breaks no line


def markdown(text: str) -> str:
    """Escapes text for Markdown, so that it is shown as it is: no link, image, formula, heading or new line."""
    apart = _NAMED.sub(lambda found: found[0] + _JOINER, line(text))
    return _FIRST.sub(r"\1\\\2", _MARKS.sub(r"\\\g<0>", apart))


_CALLS: Final = re.compile(
    r"\\.|(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)|(?P<call>[!\[$<]|:(?=[a-z]))", re.IGNORECASE | re.DOTALL
)
"""What is escaped already; code, which calls nothing; and what begins an image, link, formula, element or icon."""


def text_only(text: str) -> str:
    """Keeps of our sentences' Markdown what shapes text, such as code. Links, images and formulas stay as written.

    It is for errors and summaries, which quote what others wrote.
    """
    return _CALLS.sub(lambda found: f"\\{found[0]}" if found["call"] else found[0], text)


_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_FIGURE: Final = re.compile(r"[+-]\$?(?:[\d.,:eE+\- ]|years?|mons?|days?)+|-[Ii]nfinity")
"""Numbers and intervals as PostgreSQL writes them."""
_QUOTED: Final = re.compile(r'[",\r\n]')


def csv_line(values: Iterable[object]) -> str:
    """Writes a line of a CSV file, as COPY does: None is an empty field, an empty text is `""`.

    A text that a spreadsheet would take for a formula gets an apostrophe in front, which `from_csv` takes away.
    """
    return ",".join(map(_field, values)) + "\n"


def _field(value: object) -> str:
    if value is None:
        return ""
    text = str(value)
    if _FORMULA.match(text) and not _FIGURE.fullmatch(text):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"' if not text or _QUOTED.search(text) else text


def from_csv(text: str) -> str:
    """Reads a field that `csv_line` wrote."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
