"""Boxes of ISO media files, as HEIF pictures and QuickTime videos share them.

Specification: ISO/IEC 14496-12 §4.2 (box headers). It must not know what any box but its header means. Nothing here
recurses: a caller goes down as far as the specification does, so that nested boxes cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sumu_dav.metadata.bounded import MalformedError, Source

MAX_BOXES = 2000
"""Boxes of one level: a HEIC of 200 megapixels has some 800 items, a fragmented video two a fragment."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its four-letter kind, where its content begins, and where it ends (within what holds it)."""

    kind: bytes
    start: int
    end: int

    @property
    def size(self) -> int:
        """Bytes of the content."""
        return self.end - self.start


def boxes(source: Source, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes between two positions, in their order, without reading their content.

    A box that runs over the end is yielded as far as it is there, and ends the walk: files are cut off more often
    than made up. A size of 0 is "to the end of the file" at the top level (§4.2.2), and below it the four zero bytes
    that close QuickTime's user data. Raises MalformedError for a box shorter than its own header.
    """
    at = start
    for _ in range(MAX_BOXES):
        if at + 8 > end:
            return
        head = source.read(at, 8)
        size, kind, header = int.from_bytes(head[:4], "big"), head[4:], 8
        if size == 1:
            if at + 16 > end:
                return
            size, header = int.from_bytes(source.read(at + 8, 8), "big"), 16
        elif size == 0:
            if end != source.size or start != 0:
                return
            size = end - at
        if size < header:
            raise MalformedError(f"a box {kind!r} of {size} bytes")
        yield Box(kind, at + header, min(at + size, end))
        at += size


def find(source: Source, start: int, end: int, kind: bytes) -> Box | None:
    """Return the first box of `kind` between two positions."""
    return next((box for box in boxes(source, start, end) if box.kind == kind), None)


def content(source: Source, box: Box, limit: int) -> bytes:
    """Return the content of a box; raise MalformedError where it has more than `limit` bytes."""
    if box.size > limit:
        raise MalformedError(f"a box {box.kind!r} of {box.size} bytes")
    return source.read(box.start, box.size)
