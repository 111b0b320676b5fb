"""Decodes files as they arrive: plain or gzip; UTF-8, UTF-16 or UTF-32; with or without a byte-order mark; cut off."""

import codecs
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

GZIP: Final = b"\x1f\x8b"
"""The first bytes of a gzip file."""

_WINDOW: Final = 31  # zlib's number for the gzip format
_UNPACKED: Final = 2**20  # bytes unpacked at a time, however much a few bytes stand for

_HEAD: Final = 256  # bytes that show a file's encoding
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16's, which it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ZEROS: Final = {"0101": "utf-16-le", "1010": "utf-16-be", "0111": "utf-32-le", "1110": "utf-32-be"}
"""Which of four bytes in a row are zero where most characters are ASCII."""

UTF_8: Final = "utf-8-sig"

STRAY: Final = "ncric-cp1252"
"""The error handler for bytes that are not UTF-8."""


def decoded(pieces: Iterable[bytes]) -> Iterator[str]:
    """Decodes a file piece by piece, and drops its byte-order mark. Raises zlib.error where gzip data are damaged.

    Stray bytes in UTF-8 are read as Windows-1252. A character that was cut at the end of UTF-16 or UTF-32 is dropped:
    what is left of it could pass for a quote.
    """
    packed, pieces = _with_head(pieces)
    head, pieces = _with_head(gunzipped(pieces)) if packed.startswith(GZIP) else (packed, pieces)
    encoding = encoding_of(head)
    reader = codecs.getincrementaldecoder(encoding)(STRAY if encoding == UTF_8 else "replace")
    for piece in pieces:
        yield reader.decode(piece)
    if encoding == UTF_8:
        yield reader.decode(b"", final=True)


def gunzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Unpacks gzip data piece by piece, in bounded memory, as far as they go. Ignores what follows that is not gzip.

    Raises zlib.error where the data are damaged.
    """
    waiting, member = b"", zlib.decompressobj(_WINDOW)
    for piece in pieces:
        waiting += piece
        while waiting:
            if member.eof:
                if GZIP.startswith(waiting):
                    break  # the next piece tells
                if not waiting.startswith(GZIP):
                    return
                member = zlib.decompressobj(_WINDOW)
            yield member.decompress(waiting, _UNPACKED)
            waiting = member.unused_data if member.eof else member.unconsumed_tail
    yield member.flush()


def unpacked(data: bytes, most: int) -> bytes | None:
    """Returns the content of a gzip file, as far as it goes; None if that is more than `most` bytes."""
    found, size = [], 0
    for piece in gunzipped([data]):
        found.append(piece)
        size += len(piece)
        if size > most:
            return None
    return b"".join(found)


def _with_head(pieces: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Returns the first bytes of a file, and all of its pieces."""
    rest, head = iter(pieces), b""
    for piece in rest:
        head = head + piece if head else piece
        if len(head) >= _HEAD:
            break
    return head, chain([head], rest)


def encoding_of(head: bytes) -> str:
    """Returns a file's encoding, UTF-8 or another, from its mark, else from the places of its zero bytes."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    places = [head[start:_HEAD:4] or head[start % 2 : _HEAD : 4] for start in range(4)]  # a file may be two bytes long
    zeros = "".join("1" if 2 * place.count(0) > len(place) else "0" for place in places)
    return _ZEROS.get(zeros, UTF_8)


def _cp1252(error: UnicodeError) -> tuple[str, int]:
    """Decodes a stray byte as Windows-1252; U+FFFD if it means nothing there either."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    stray = error.object[error.start : error.end]
    return stray.decode("cp1252", errors="replace"), error.end


codecs.register_error(STRAY, _cp1252)
