"""How a record file is laid out, byte by byte, and how its lines are told apart (docs/storage-format.md).

    {"media": {
    "1": {…},
    "2": {…}
    }}

Each record has a line of its own.  What is written in one go (a batch) begins behind a plain `,\\n`; inside a batch a
blank stands between comma and line end, so that a reader can tell where the last batch began: it alone may be torn.
Pure: bytes in, values out.  Knows nothing of files, journals or what a record means.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

CLOSING = b"\n}}\n"
_BETWEEN_BATCHES = b",\n"
_WITHIN_BATCH = b", \n"

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode

_LENGTH_BITS = 28
"""A place is one integer, offset above length: a pair would cost three times the memory. 28 bits are 256 MB a line."""

MAX_LINE = (1 << _LENGTH_BITS) - 1


def header(table: str) -> bytes:
    """The first line, without its line end."""
    return b"{%s: {" % json.dumps(table, ensure_ascii=False).encode()


def empty(table: str) -> bytes:
    """A file that holds no record."""
    return header(table) + CLOSING


def encode_line(key: int, fields: Mapping[str, object]) -> bytes:
    """One record's line, without comma and line end. `ValueError` for what JSON or UTF-8 can't say."""
    line = f'"{key}": {_encode(fields)}'.encode()
    if len(line) > MAX_LINE:
        raise ValueError(f"record {key} is longer than {MAX_LINE} bytes")
    return line


def batch(lines: Iterable[bytes], *, after_a_line: bool) -> bytes:
    """What one write puts where the closing was, without the new closing."""
    return (_BETWEEN_BATCHES if after_a_line else b"\n") + _WITHIN_BATCH.join(lines)


def line_starts(lines: Sequence[bytes], *, after_a_line: bool) -> list[int]:
    """Where in `batch(lines)` each line begins, in bytes."""
    starts = []
    position = len(_BETWEEN_BATCHES) if after_a_line else 1
    for line in lines:
        starts.append(position)
        position += len(line) + len(_WITHIN_BATCH)
    return starts


def pack(offset: int, length: int) -> int:
    """A line's place in the file as one integer."""
    return offset << _LENGTH_BITS | length


def unpack(place: int) -> tuple[int, int]:
    """The offset and the length in bytes that `pack` put together."""
    return place >> _LENGTH_BITS, place & MAX_LINE


def key_of(line: bytes) -> int | None:
    """The id that a line begins with; None where it begins with none, as a blanked line does."""
    end = line.find(b'": ', 1)
    if end < 0 or line[:1] != b'"':
        return None
    digits = line[1:end]
    if not digits.isdigit() or digits[:1] == b"0" or len(digits) > 18:
        return None
    return int(digits)
