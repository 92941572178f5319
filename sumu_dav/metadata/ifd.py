"""Walking TIFF directories that nobody vouches for: every count, type and position is checked before a byte is read.

Specification: TIFF 6.0 section 2 (header, image file directories). It must not know what a tag means: that is
`exif` and `tiff`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from sumu_dav.metadata.bounded import MalformedError, Source

MAX_ENTRIES = 512
"""Entries of one directory: cameras write some 60."""

MAX_VALUE = 512 * 1024
"""Bytes of one value: maker notes are the largest that are wanted."""

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SRATIONAL, UTF8 = 1, 2, 3, 4, 5, 7, 10, 129
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 129: 1}

Order = Literal["little", "big"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One checked entry: `size` bytes of `count` values of the TIFF type `kind` lie at `offset` of the source."""

    tag: int
    kind: int
    count: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Directory:
    """The wanted entries of one directory by their tag (the first of equal ones)."""

    source: Source
    order: Order
    entries: dict[int, Entry]

    def raw(self, tag: int) -> bytes | None:
        """Return the value's bytes as stored, None where the tag is absent."""
        entry = self.entries.get(tag)
        return None if entry is None else self.source.read(entry.offset, entry.size)

    def number(self, tag: int) -> int | None:
        """Return the first value of an unsigned integer tag, None where it is absent or of another type."""
        numbers = self.numbers(tag)
        return numbers[0] if numbers else None

    def numbers(self, tag: int) -> tuple[int, ...]:
        """Return the values of an unsigned integer tag (at most 64), none where it is absent or of another type."""
        entry = self.entries.get(tag)
        if entry is None or entry.kind not in (BYTE, SHORT, LONG, 13):
            return ()
        width = _SIZES[entry.kind]
        raw = self.source.read(entry.offset, min(entry.count, 64) * width)
        return tuple(int.from_bytes(raw[i : i + width], self.order) for i in range(0, len(raw), width))


def header(source: Source) -> tuple[Order, int]:
    """Return the byte order and the position of the first directory; raise MalformedError where there is none."""
    head = source.read(0, 8)
    order: Order
    if head[:2] == b"II":
        order = "little"
    elif head[:2] == b"MM":
        order = "big"
    else:
        raise MalformedError("the TIFF header is missing")
    return order, int.from_bytes(head[4:], order)


def directory(source: Source, order: Order, offset: int, wanted: Collection[int], reasons: list[str]) -> Directory:
    """Read the directory at `offset`; entries that can't be are left out, and said in `reasons`.

    Raises MalformedError only where not even the number of entries is there.
    """
    count = int.from_bytes(source.read(offset, 2), order)
    there = min(count, (source.size - offset - 2) // 12)
    if there < count:
        reasons.append(f"a directory of {count} entries ends after {there}")
    elif count > MAX_ENTRIES:
        reasons.append(f"a directory has {count} entries, {MAX_ENTRIES} are read")
    there = min(there, MAX_ENTRIES)
    table = source.read(offset + 2, 12 * there)
    entries: dict[int, Entry] = {}
    for at in range(0, 12 * there, 12):
        tag = int.from_bytes(table[at : at + 2], order)
        if tag not in wanted or tag in entries:
            continue
        kind = int.from_bytes(table[at + 2 : at + 4], order)
        number = int.from_bytes(table[at + 4 : at + 8], order)
        size = _SIZES.get(kind, 0) * number
        if kind not in _SIZES:
            reasons.append(f"tag 0x{tag:04x} has the unknown type {kind}")
            continue
        if size > MAX_VALUE:
            reasons.append(f"tag 0x{tag:04x} claims {size} bytes")
            continue
        position = offset + 2 + at + 8 if size <= 4 else int.from_bytes(table[at + 8 : at + 12], order)
        if position + size > source.size:
            reasons.append(f"tag 0x{tag:04x} lies outside the block")
            continue
        entries[tag] = Entry(tag, kind, number, position, size)
    return Directory(source, order, entries)
