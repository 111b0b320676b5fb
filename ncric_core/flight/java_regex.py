"""Regular expressions as Java reads them, rewritten for polars (Rust), or refused where they would mean other things.

What Rust refuses by itself is not looked for here: look-around, back-references, `\\G`, `\\Z`, `\\R`, `\\X`, `\\Q`.
"""

import re
from typing import Final

_LINE_ENDS: Final = r"\n\r\x{85}\x{2028}\x{2029}"
_CLASSES: Final = {
    "d": "0-9",
    "w": "a-zA-Z_0-9",
    "s": r" \t\n\x0B\f\r",
    "v": r"\n\x0B\f\r\x{85}\x{2028}\x{2029}",
    "h": r" \t\x{A0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}",
}
"""The classes that Rust takes for others: in Java \\d, \\w and \\s are ASCII, and \\v is a class."""

_END: Final = rf"(?:\r\n|[{_LINE_ENDS}])?\z"  # in Java, $ also stands before the line end that is the last
_PART: Final = re.compile(
    r"\\(?:[pP](?:\{[^}]*\}|.)|x\{[^}]*\}|[bB]\{[^}]*\}|.)"  # an escape
    r"|\(\?[^:=!<>)]*[:)]"  # flags
    r"|(?:[*+?]|\{[^}]*\})[?+*{]?"  # a quantifier, with what makes it lazy or possessive
    r"|.",
    re.DOTALL,
)
_IN_CLASS: Final = re.compile(r"\\(?:[pP](?:\{[^}]*\}|.)|x\{[^}]*\}|.)|&&|--|~~|\[:|\[\^?\]?|.", re.DOTALL)
_CATEGORY: Final = re.compile(r"\\[pP](?:[A-Z]|\{[A-Z][a-z]?\})")
_QUANTIFIER: Final = re.compile(r"(?:[*+?]|\{\d+(?:,\d*)?\})\??")
_FLAGS: Final = re.compile(r"\(\?(?:i|-i)?[:)]")
_FIRST_FLAGS: Final = re.compile(r"\(\?(?:s|is|si)\)")


def rust_pattern(java: str) -> str:
    """Rewrites a pattern. Raises ValueError with the part that Rust would read as another thing."""
    rust, at, depth = [], 0, 0
    first = _FIRST_FLAGS.match(java)
    while at < len(java):
        found = (_IN_CLASS if depth else _PART).match(java, at)
        part = found.group() if found else java[at:]
        at += len(part)
        if part[0] == "\\":
            rust.append(_escape(part, within=bool(depth)))
        elif part[0] == "[":
            if not depth:  # looked at again, as it is within a class
                part = (_IN_CLASS.match(java, at - 1) or [part])[0]
                at += len(part) - 1
            if part == "[:" or part.endswith("]"):
                raise ValueError(f"{part} is no class in Java")
            depth += 1
            rust.append(part)
        elif depth:
            if part in {"--", "~~", "&&"}:
                raise ValueError(f"{part} in a class differs from Java's")
            depth -= part == "]"
            rust.append(part)
        else:
            rust.append(_outside(part, at - len(part), first))
    return "".join(rust)


def _escape(part: str, *, within: bool) -> str:
    kind = part[1:2]
    if kind and kind.lower() in _CLASSES and kind != "p":
        members = _CLASSES[kind.lower()]
        return f"[^{members}]" if kind.isupper() else members if within else f"[{members}]"
    if kind in {"p", "P"} and not _CATEGORY.fullmatch(part):
        raise ValueError(f"{part} is another class in Java; categories such as \\p{{Lu}} are the same")
    if kind in {"<", ">"}:
        return kind  # in Rust, where a word begins or ends
    if part[1:3] in {"b{", "B{"}:
        raise ValueError(f"{part} differs from Java's")
    if kind and not kind.isalnum():
        return part if kind.isascii() and kind.isprintable() and kind != " " else kind
    return part


def _outside(part: str, at: int, first: re.Match[str] | None) -> str:
    """Rewrites a part that is neither an escape nor in a class. `first` are flags with which . takes line ends too."""
    if part == ".":
        return "." if first else rf"[^{_LINE_ENDS}]"
    if part == "$":
        return _END
    if part[0] in "*+?{" and not _QUANTIFIER.fullmatch(part):
        raise ValueError(f"the quantifier {part} differs from Java's")
    if part.startswith("(?") and not (_FLAGS.fullmatch(part) or (first and at == 0)):
        raise ValueError(f"{part} differs from Java's; the flags are (?i) and, at the beginning, (?s)")
    return part
