"""MP4, MOV and 3GP: what the movie box says, found by seeking from box to box.

Specifications: ISO/IEC 14496-12 (mvhd, tkhd, hdlr, stsd), QuickTime File Format (user data, metadata keys),
3GPP TS 26.244 §8.5 (loci). It must not know how dates and places are chosen, and decodes no picture.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sumu_dav.metadata.bounded import BytesSource, MalformedError, Source
from sumu_dav.metadata.dates import Claim
from sumu_dav.metadata.findings import Findings, text_of
from sumu_dav.metadata.isobmff import MAX_BOXES, Box, boxes, content, find
from sumu_dav.metadata.places import NoPlaceError, Place, from_fixed_point, from_iso_6709

_MAX_META = 4 * 1024 * 1024
"""Bytes of the metadata list: cover pictures lie in it too."""

_MAX_VALUE = 1024
"""Bytes of a wanted value."""

_MAX_TRACKS = 64
"""Tracks of one movie: phones write up to 8."""

_EPOCH_1904 = datetime(1904, 1, 1, tzinfo=UTC)
_EPOCH_GAP = 2_082_844_800
"""Seconds from 1904 to 1970; a creation time below it was counted from 1970 by mistake."""

_KEY = "com.apple.quicktime."
_CREATION_DATE, _LOCATION, _CONTENT_ID = f"{_KEY}creationdate", f"{_KEY}location.ISO6709", f"{_KEY}content.identifier"
_MAKE, _MODEL = f"{_KEY}make", f"{_KEY}model"

_XYZ, _USER_MAKE, _USER_MODEL = b"\xa9xyz", b"\xa9mak", b"\xa9mod"

# The places of one movie as written, by where they stood: text, and the bytes of a `loci` box.
_Written = dict[str, str | bytes]

# tkhd matrix (a, b, c, d) without the fixed point: the rotations that cameras write, in degrees clockwise.
_ROTATIONS = {(1, 0, 0, 1): 0, (0, 1, -1, 0): 90, (-1, 0, 0, -1): 180, (0, -1, 1, 0): 270}


def read(source: Source, findings: Findings) -> None:
    """Read the movie box, wherever in the file it lies."""
    movie = find(source, 0, source.size, b"moov")
    if movie is None:
        raise MalformedError("the movie box is missing")
    places: _Written = {}
    tracks = 0
    try:
        for box in boxes(source, movie.start, movie.end):
            if box.kind == b"trak":
                tracks += 1
            if tracks <= _MAX_TRACKS:
                _read_part(source, box, findings, places)
    except MalformedError as error:
        findings.refuse(f"movie: {error}")
    _take_place(places, findings)


def _read_part(source: Source, box: Box, findings: Findings, places: _Written) -> None:
    """Read one box of the movie; a bad one loses only itself."""
    try:
        if box.kind == b"mvhd":
            _read_header(source, box, findings)
        elif box.kind == b"trak" and findings.rotation is None:
            _read_track(source, box, findings)
        elif box.kind == b"meta":
            _read_meta(source, box, findings, places)
        elif box.kind == b"udta":
            _read_user_data(source, box, findings, places)
    except MalformedError as error:
        findings.refuse(f"movie: {box.kind.decode('ascii')}: {error}")


def _read_header(source: Source, box: Box, findings: Findings) -> None:
    """Read mvhd (ISO/IEC 14496-12 §8.2.2): when it was made, and how long it is."""
    wide = source.read(box.start, 1) == b"\x01"
    size = 8 if wide else 4
    fields = source.read(box.start + 4, 3 * size + 4)
    created = int.from_bytes(fields[:size], "big")
    scale = int.from_bytes(fields[2 * size : 2 * size + 4], "big")
    duration = int.from_bytes(fields[2 * size + 4 :], "big")
    if created:
        findings.claims.append(Claim("container:utc", _moment(created)))
    if scale and duration and duration != (1 << 8 * size) - 1:
        findings.duration = duration / scale


def _moment(seconds: int) -> str:
    epoch = _EPOCH_1904 if seconds >= _EPOCH_GAP else _EPOCH_1904 + timedelta(seconds=_EPOCH_GAP)
    try:
        return (epoch + timedelta(seconds=seconds)).isoformat()
    except OverflowError:
        return f"{seconds} s after 1904"


def _read_track(source: Source, track: Box, findings: Findings) -> None:
    """Read size and rotation of a track if it is a video track; the first one counts."""
    parts = {box.kind: box for box in boxes(source, track.start, track.end)}
    media, header = parts.get(b"mdia"), parts.get(b"tkhd")
    if media is None or header is None:
        return
    inside = {box.kind: box for box in boxes(source, media.start, media.end)}
    handler = inside.get(b"hdlr")
    if handler is None or source.read(handler.start + 8, 4) != b"vide":
        return
    width, height = _read_track_header(source, header, findings)
    sample = _sample_size(source, inside.get(b"minf"))
    if sample is None:
        findings.refuse("movie: the video track has no sample description")
    findings.pixels(*(sample or (width, height)))


def _read_track_header(source: Source, header: Box, findings: Findings) -> tuple[int, int]:
    """Take the rotation of tkhd (ISO/IEC 14496-12 §8.3.2); return its width and height, which are for display."""
    wide = source.read(header.start, 1) == b"\x01"
    matrix_at = header.start + (52 if wide else 40)
    raw = source.read(matrix_at, 44)
    numbers = [int.from_bytes(raw[i : i + 4], "big", signed=True) for i in range(0, 44, 4)]
    a, b, _, c, d = (round(number / 65536) for number in numbers[:5])
    # A mirrored or oblique picture has no rotation that a number says.
    findings.rotation = _ROTATIONS.get((a, b, c, d))
    return numbers[9] >> 16, numbers[10] >> 16


def _sample_size(source: Source, info: Box | None) -> tuple[int, int] | None:
    """Return width and height of the first visual sample entry (ISO/IEC 14496-12 §12.1.3)."""
    table = find(source, info.start, info.end, b"stbl") if info else None
    description = find(source, table.start, table.end, b"stsd") if table else None
    if description is None:
        return None
    entry = next(boxes(source, description.start + 8, description.end), None)
    if entry is None or entry.size < 28:
        return None
    size = source.read(entry.start + 24, 4)
    width, height = int.from_bytes(size[:2], "big"), int.from_bytes(size[2:], "big")
    return (width, height) if width and height else None


def _read_user_data(source: Source, user_data: Box, findings: Findings, places: _Written) -> None:
    for box in boxes(source, user_data.start, user_data.end):
        if box.kind == b"meta":
            _read_meta(source, box, findings, places)
        elif box.kind == b"loci":
            places.setdefault("loci", content(source, box, _MAX_VALUE))
        elif box.kind in (_XYZ, _USER_MAKE, _USER_MODEL):
            # QuickTime's international text: a length, a language, then the text.
            raw = content(source, box, _MAX_VALUE)
            length = int.from_bytes(raw[:2], "big")
            value = text_of(raw[4 : 4 + length]) or ""
            if box.kind == _XYZ:
                places.setdefault("udta ©xyz", value)
            elif box.kind == _USER_MAKE:
                findings.make = findings.make or value or None
            else:
                findings.model = findings.model or value or None


def _read_meta(source: Source, meta: Box, findings: Findings, places: _Written) -> None:
    """Read a metadata list: by QuickTime keys, or by the four-letter names of iTunes."""
    # ISO gives `meta` a version and flags, QuickTime does not: then the first box is `hdlr` at once.
    plain = source.read(meta.start, 8)[4:] == b"hdlr"
    parts = {box.kind: box for box in boxes(source, meta.start + (0 if plain else 4), meta.end)}
    items = parts.get(b"ilst")
    if items is None:
        return
    names = _keys(content(source, parts[b"keys"], _MAX_META)) if b"keys" in parts else []
    if items.size > _MAX_META:
        raise MalformedError(f"a metadata list of {items.size} bytes")
    for item in boxes(source, items.start, items.end):
        index = int.from_bytes(item.kind, "big")
        name = names[index - 1] if 0 < index <= len(names) else ""
        if name in (_CREATION_DATE, _LOCATION, _CONTENT_ID, _MAKE, _MODEL) or item.kind == _XYZ:
            _take_value(name, _item_text(source, item), findings, places)


def _keys(table: bytes) -> list[str]:
    """Return the names of a `keys` box, in their order: items refer to them by number, from 1."""
    source = BytesSource(table)
    count = min(int.from_bytes(source.read(4, 4), "big"), MAX_BOXES)
    names: list[str] = []
    for box in boxes(source, 8, source.size):
        if len(names) == count:
            break
        names.append(source.read(box.start, min(box.size, 128)).decode("latin-1"))
    return names


def _item_text(source: Source, item: Box) -> str:
    """Return the text of an item's `data` box, behind its type and locale."""
    data = find(source, item.start, item.end, b"data")
    if data is None or data.size < 8:
        return ""
    return text_of(source.read(data.start + 8, min(data.size - 8, _MAX_VALUE))) or ""


def _take_value(name: str, value: str, findings: Findings, places: _Written) -> None:
    if not value:
        return
    if name == _CREATION_DATE:
        findings.claims.append(Claim("quicktime:creationdate", value))
    elif name == _LOCATION:
        places.setdefault("keys", value)
    elif name == _CONTENT_ID:
        findings.content_id = findings.content_id or value
    elif name == _MAKE:
        findings.make = findings.make or value
    elif name == _MODEL:
        findings.model = findings.model or value
    else:
        places.setdefault("ilst ©xyz", value)


def _take_place(places: _Written, findings: Findings) -> None:
    """Take the first place that is one: keys, then ©xyz of the user data, then of the list, then loci."""
    for origin in ("keys", "udta ©xyz", "ilst ©xyz", "loci"):
        written = places.get(origin)
        if not written:
            continue
        try:
            findings.place = _loci(written) if isinstance(written, bytes) else from_iso_6709(written)
        except (NoPlaceError, MalformedError) as error:
            findings.refuse(f"GPS: {origin}: {error}")
        else:
            return


def _loci(raw: bytes) -> Place:
    """Read the place of a `loci` box: flags, language, a name in UTF-8 or UTF-16, its role, then three numbers."""
    source = BytesSource(raw)
    name = raw[6:]
    if name[:2] in (b"\xfe\xff", b"\xff\xfe"):
        ends = (i for i in range(0, len(name) - 1, 2) if name[i : i + 2] == b"\0\0")
        end = next(ends, len(name)) + 2
    else:
        end = name.find(b"\0") + 1
        if not end:
            raise MalformedError("the name does not end")
    numbers = source.read(6 + end + 1, 12)
    return from_fixed_point(latitude=numbers[4:8], longitude=numbers[:4], altitude=numbers[8:])
