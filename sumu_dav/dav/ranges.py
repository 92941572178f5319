"""Byte ranges (RFC 9110 §14): which spans of a resource are sent, and what frames several of them.

Does no I/O: a plan is offsets and lengths in bytes, and whoever holds the file sends them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from sumu_dav.dav.faults import RangeNotSatisfiable

MAX_RANGES = 32
"""More ranges than that are no reader of a file, but an attack on it (RFC 9110 §17.15): they get it whole."""

_SET = re.compile(r"\s*bytes\s*=(.*)", re.IGNORECASE | re.ASCII | re.DOTALL)
_ONE = re.compile(r"([0-9]*)\s*-\s*([0-9]*)", re.ASCII)
_ENDLESS = 10**18


class Span(NamedTuple):
    """`length` bytes from `offset` on."""

    offset: int
    length: int


def plan(header: str | None, size: int) -> tuple[Span, ...] | None:
    """The spans to send of a resource of `size` bytes; None: send it whole, with 200.

    Spans that overlap or touch are sent as one, in the place of the first. A header that is malformed, of another
    unit or asks for more than MAX_RANGES is ignored (RFC 9110 §14.2).

    Raises RangeNotSatisfiable where no range lies in the resource.
    """
    found = _SET.fullmatch(header) if header is not None else None
    if found is None:
        return None
    wanted = [item.strip() for item in found[1].split(",") if item.strip()]
    if not wanted or len(wanted) > MAX_RANGES:
        return None
    spans: list[Span] = []
    for item in wanted:
        edges = _edges(item)
        if edges is None:
            return None
        first, last = edges
        if first is None:
            if size == 0 and last:
                return None  # §14.1.2: a suffix of nothing is the whole of it, and no Content-Range can say so
            first, last = max(0, size - last), (size - 1 if last else -1)
        last = min(last, size - 1)
        if first <= last:
            spans = _joined(spans, Span(first, last - first + 1))
    if not spans:
        raise RangeNotSatisfiable(size)
    return tuple(spans)


def content_range(span: Span, size: int) -> str:
    """The Content-Range of one span (RFC 9110 §14.4)."""
    return f"bytes {span.offset}-{span.offset + span.length - 1}/{size}"


def unsatisfied_range(size: int) -> str:
    """The Content-Range of a 416."""
    return f"bytes */{size}"


@dataclass(frozen=True, slots=True)
class Multipart:
    """A `multipart/byteranges` body (RFC 9110 §14.6). `boundary` must be one that is not in the file: random."""

    spans: tuple[Span, ...]
    size: int
    media_type: str
    boundary: str

    @property
    def content_type(self) -> str:
        """The Content-Type of the answer."""
        return f"multipart/byteranges; boundary={self.boundary}"

    @property
    def length(self) -> int:
        """The Content-Length of the answer: all the pieces."""
        return sum(piece.length if isinstance(piece, Span) else len(piece) for piece in self.pieces())

    def pieces(self) -> Iterator[bytes | Span]:
        """What to send, in turn: bytes as they are, or a span of the file."""
        for number, span in enumerate(self.spans):
            line_end = "\r\n" if number else ""
            yield (
                f"{line_end}--{self.boundary}\r\n"
                f"Content-Type: {self.media_type}\r\n"
                f"Content-Range: {content_range(span, self.size)}\r\n\r\n"
            ).encode("latin-1")
            yield span
        yield f"\r\n--{self.boundary}--\r\n".encode("latin-1")


def _edges(item: str) -> tuple[int | None, int] | None:
    """First and last byte asked for, or (None, length) of a suffix; None for what is no range."""
    found = _ONE.fullmatch(item)
    if found is None or not (found[1] or found[2]):
        return None
    last = _number(found[2]) if found[2] else _ENDLESS
    if not found[1]:
        return None, last
    first = _number(found[1])
    return (first, last) if first <= last else None


def _number(digits: str) -> int:
    """The number, or one beyond every file where it has more digits than int() is meant to read."""
    return int(digits) if len(digits) <= 18 else _ENDLESS


def _joined(spans: list[Span], new: Span) -> list[Span]:
    """The spans with `new`, which swallows those that it overlaps or touches and takes the place of the first."""
    start, end = new.offset, new.offset + new.length
    place = len(spans)
    kept: list[Span] = []
    for span in spans:
        if span.offset <= end and start <= span.offset + span.length:
            start, end = min(start, span.offset), max(end, span.offset + span.length)
            place = min(place, len(kept))
        else:
            kept.append(span)
    kept.insert(place, Span(start, end - start))
    return kept
