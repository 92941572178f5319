"""HEIC, HEIF and AVIF: the primary picture's size and rotation, and the EXIF and XMP items that describe it.

Specifications: ISO/IEC 14496-12 §8.11 (meta, pitm, iinf, iloc, iref), ISO/IEC 23008-12 §6.5 (ispe, irot) and annex A
(Exif item), Google's "Motion Photo format 1.0" (mpvd). It must not know what EXIF and XMP mean, and decodes no picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from sumu_dav.metadata import exif, xmp
from sumu_dav.metadata.bounded import MalformedError, Source
from sumu_dav.metadata.findings import Findings
from sumu_dav.metadata.isobmff import Box, boxes, content
from sumu_dav.metadata.motion import check_video

_MAX_TABLES = 4 * 1024 * 1024
"""Bytes of the tables of one file, all told; 800 tiles take some 40 KB."""

_MAX_ITEM = 4 * 1024 * 1024
"""Bytes of one EXIF or XMP item."""

_MAX_ITEMS = 4096
"""Items that the tables may list."""

_MAX_ASSOCIATIONS = 4
"""Tables that say which item has which properties: there may be one of each version and width of number."""

_MAX_DESCRIBED = 64
"""Items that one item may describe, as far as they are looked at: real ones describe one."""

_MAX_REFERENCE = 4 + 2 + 4 * _MAX_DESCRIBED
"""Bytes of one reference that are looked at."""

_MAX_EXTENTS = 64
"""Pieces of one item."""

# irot counts quarter turns against the clock; these are the EXIF orientations that show the same.
_ORIENTATIONS = (1, 8, 3, 6)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an item lies: in the file, or in the `idat` box; (offset, length) of its pieces."""

    in_idat: bool
    extents: tuple[tuple[int, int], ...]


class _Cursor:
    """A table read from front to back."""

    def __init__(self, table: bytes) -> None:
        self._table = table
        self._at = 0

    def number(self, size: int) -> int:
        """Take the next `size` bytes as an unsigned number; 0 bytes are 0."""
        at = self._at
        self.skip(size)
        return int.from_bytes(self._table[at : self._at], "big")

    def skip(self, size: int) -> None:
        """Pass over `size` bytes; raise MalformedError where they are not all there."""
        self._at += size
        if self._at > len(self._table):
            raise MalformedError("a table breaks off")


def read(source: Source, findings: Findings) -> None:
    """Read the tables of the file's meta box and the items of its primary picture, and look for a video behind it."""
    top: dict[bytes, Box] = {}
    # What some phones append behind the last box is no box, and no fault of the picture.
    with suppress(MalformedError):
        for box in boxes(source, 0, source.size):
            top.setdefault(box.kind, box)
    if b"meta" not in top:
        raise MalformedError("HEIF: the meta box is missing")
    tables = {box.kind: box for box in boxes(source, top[b"meta"].start + 4, top[b"meta"].end)}
    if sum(box.size for kind, box in tables.items() if kind != b"idat") > _MAX_TABLES:
        raise MalformedError("HEIF: the tables are larger than real ones")
    primary = _primary(source, tables)
    _read_properties(source, tables, primary, findings)
    packet = _read_items(source, tables, primary, findings)
    video = top.get(b"mpvd")
    if video is not None:
        check_video(source, source.size - video.start, findings)
    elif packet.video_from_end is not None:
        check_video(source, packet.video_from_end, findings)


def _primary(source: Source, tables: Mapping[bytes, Box]) -> int:
    if b"pitm" not in tables:
        raise MalformedError("HEIF: the primary item is missing")
    table = _Cursor(content(source, tables[b"pitm"], _MAX_TABLES))
    version = table.number(4) >> 24
    return table.number(2 if version == 0 else 4)


def _read_properties(source: Source, tables: Mapping[bytes, Box], primary: int, findings: Findings) -> None:
    """Take size and rotation of the primary item (ISO/IEC 23008-12 §9.3: ipco lists properties, ipma who has which)."""
    if b"iprp" not in tables:
        findings.refuse("HEIF: the item properties are missing")
        return
    try:
        parts = list(boxes(source, tables[b"iprp"].start, tables[b"iprp"].end))
        lists = [box for box in parts if box.kind == b"ipco"]
        properties = list(boxes(source, lists[0].start, lists[0].end)) if lists else []
        tables_of_owners = [box for box in parts if box.kind == b"ipma"][:_MAX_ASSOCIATIONS]
        owned = [index for box in tables_of_owners for index in _associations(source, box, primary)]
        for index in owned:
            if not 0 < index <= len(properties):
                continue
            box = properties[index - 1]
            if box.kind == b"ispe":
                size = source.read(box.start + 4, 8)
                findings.pixels(int.from_bytes(size[:4], "big"), int.from_bytes(size[4:], "big"))
            elif box.kind == b"irot":
                findings.orientation = _ORIENTATIONS[source.read(box.start, 1)[0] & 3]
    except MalformedError as error:
        findings.refuse(f"HEIF: item properties: {error}")


def _associations(source: Source, box: Box, item: int) -> list[int]:
    """Return the property numbers (from 1) that an `ipma` box gives to `item`."""
    table = _Cursor(content(source, box, _MAX_TABLES))
    head = table.number(4)
    id_size = 2 if head >> 24 == 0 else 4
    index_size, index_mask = (2, 0x7FFF) if head & 1 else (1, 0x7F)
    for _ in range(min(table.number(4), _MAX_ITEMS)):
        owner = table.number(id_size)
        count = table.number(1)
        if owner == item:
            return [table.number(index_size) & index_mask for _ in range(count)]
        table.skip(count * index_size)
    return []


def _read_items(source: Source, tables: Mapping[bytes, Box], primary: int, findings: Findings) -> xmp.Packet:
    """Read the EXIF and XMP items that describe the primary item, or the only ones there are."""
    packet = xmp.Packet()
    try:
        kinds = _kinds(source, tables)
        about_primary = _describing(source, tables, primary)
        chosen: dict[bytes, int] = {}
        for item, kind in kinds.items():
            if kind not in chosen or (item in about_primary and chosen[kind] not in about_primary):
                chosen[kind] = item
        if not chosen:
            return packet
        places = _locations(source, tables, frozenset(chosen.values()))
        for kind, item in chosen.items():
            data = _item(source, tables, places.get(item))
            if kind == b"Exif":
                # Annex A.2.1: the distance from here to the TIFF header stands first. It is taken at its word, as
                # ExifTool does: a header elsewhere is a block that this picture does not vouch for.
                exif.read_block(data[4 + int.from_bytes(data[:4], "big") :], findings)
            else:
                packet = xmp.read_packet(data, findings)
    except MalformedError as error:
        findings.refuse(f"HEIF: items: {error}")
    return packet


def _kinds(source: Source, tables: Mapping[bytes, Box]) -> dict[int, bytes]:
    """Return the numbers of the EXIF items and of those that are XMP packets."""
    kinds: dict[int, bytes] = {}
    info = tables.get(b"iinf")
    if info is None:
        return kinds
    start = info.start + (6 if source.read(info.start, 1) == b"\0" else 8)
    for box in boxes(source, start, info.end):
        entry = source.read(box.start, min(box.size, 64))
        id_size = 2 if entry[:1] == b"\x02" else 4
        item = int.from_bytes(entry[4 : 4 + id_size], "big")
        kind, text = entry[6 + id_size : 10 + id_size], entry[10 + id_size :]
        if kind == b"Exif" or (kind == b"mime" and text.split(b"\0")[1:2] == [b"application/rdf+xml"]):
            kinds[item] = kind
    return kinds


def _describing(source: Source, tables: Mapping[bytes, Box], primary: int) -> frozenset[int]:
    """Return the items that are a content description (`cdsc`) of the primary one: a gain map has its own."""
    references = tables.get(b"iref")
    if references is None:
        return frozenset()
    id_size = 2 if source.read(references.start, 1) == b"\0" else 4
    describing = set()
    for box in boxes(source, references.start + 4, references.end):
        if box.kind != b"cdsc":
            continue
        table = _Cursor(source.read(box.start, min(box.size, _MAX_REFERENCE)))
        item = table.number(id_size)
        described = [table.number(id_size) for _ in range(min(table.number(2), _MAX_DESCRIBED))]
        if primary in described:
            describing.add(item)
    return frozenset(describing)


def _locations(source: Source, tables: Mapping[bytes, Box], wanted: frozenset[int]) -> dict[int, _Place]:
    """Return where the wanted items lie, from the `iloc` box (ISO/IEC 14496-12 §8.11.3)."""
    if b"iloc" not in tables:
        raise MalformedError("the item locations are missing")
    table = _Cursor(content(source, tables[b"iloc"], _MAX_TABLES))
    version = table.number(4) >> 24
    sizes = table.number(2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    has_method = version in (1, 2)
    index_size = sizes & 15 if has_method else 0
    id_size = 2 if version < 2 else 4
    # An item's number, its construction method, and a data reference that is always this file, taken in one go.
    head_size = id_size + (4 if has_method else 2)
    places: dict[int, _Place] = {}
    for _ in range(min(table.number(id_size), _MAX_ITEMS)):
        head = table.number(head_size)
        item = head >> 8 * (head_size - id_size)
        method = head >> 16 & 15 if has_method else 0
        base = table.number(base_size)
        count = table.number(2)
        if item not in wanted:
            table.skip(count * (index_size + offset_size + length_size))
            continue
        if count > _MAX_EXTENTS:
            raise MalformedError(f"an item in {count} pieces")
        extents = []
        for _ in range(count):
            table.skip(index_size)
            offset = table.number(offset_size)
            extents.append((base + offset, table.number(length_size)))
        places[item] = _Place(method == 1, tuple(extents))
    return places


def _item(source: Source, tables: Mapping[bytes, Box], place: _Place | None) -> bytes:
    if place is None:
        raise MalformedError("an item lies nowhere")
    if sum(length for _, length in place.extents) > _MAX_ITEM:
        raise MalformedError("an item is larger than real ones")
    base, end = 0, source.size
    if place.in_idat:
        if b"idat" not in tables:
            raise MalformedError("the item data are missing")
        base, end = tables[b"idat"].start, tables[b"idat"].end
    pieces = []
    for offset, length in place.extents:
        if base + offset + length > end:
            raise MalformedError("an item lies outside the file")
        pieces.append(source.read(base + offset, length))
    return b"".join(pieces)
