"""What an EXIF block says: camera, orientation, dates, place, and Apple's live photo identifier.

Specifications: EXIF 2.32 (JEITA CP-3451E) §4.6; Apple's maker note as ExifTool documents it (tag 0x0011,
"MediaGroupUUID"). piexif decodes the values, but only from a small block that is laid out here out of entries that
passed `ifd`: on a block as it came, one flipped byte of a count makes it allocate gigabytes.
It must not know in which container the block lay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import piexif

from sumu_dav.metadata import ifd
from sumu_dav.metadata.bounded import BytesSource, MalformedError, Part
from sumu_dav.metadata.dates import GPS, Claim
from sumu_dav.metadata.findings import Findings, text_of
from sumu_dav.metadata.places import NoPlaceError, degrees, place, ratio

MAX_BLOCK = 1024 * 1024
"""Bytes of one EXIF block: a JPEG segment holds 64 KB, PNG and HEIF write more with a large maker note."""

_MAX_TEXT = 256
"""Bytes of a text value that are handed on: a date has 20, a camera's name 40."""

_MAX_NUMBERS = 16
"""Values of a numeric tag that are handed on: a coordinate has 3."""

_MAKE, _MODEL, _ORIENTATION = 0x010F, 0x0110, 0x0112
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_ORIGINAL, _DIGITIZED = 0x9003, 0x9004
_OFFSET, _OFFSET_ORIGINAL, _OFFSET_DIGITIZED = 0x9010, 0x9011, 0x9012
_MAKER_NOTE = 0x927C
_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE, _ALTITUDE_REF, _ALTITUDE, _TIME, _DATE = 1, 2, 3, 4, 5, 6, 7, 0x1D

_TEXTS = frozenset({_MAKE, _MODEL, _ORIGINAL, _DIGITIZED, _OFFSET, _OFFSET_ORIGINAL, _OFFSET_DIGITIZED})
_GPS_TEXTS = frozenset({_LATITUDE_REF, _LONGITUDE_REF, _DATE})
# TIFF/EP (ISO 12234-2) and some editors write the dates into the first directory.
MAIN_TAGS = frozenset({_MAKE, _MODEL, _ORIENTATION, _EXIF_IFD, _GPS_IFD, _ORIGINAL, _DIGITIZED})
_EXIF_TAGS = frozenset({_ORIGINAL, _DIGITIZED, _OFFSET, _OFFSET_ORIGINAL, _OFFSET_DIGITIZED, _MAKER_NOTE})
_GPS_TAGS = frozenset({*_GPS_TEXTS, _LATITUDE, _LONGITUDE, _ALTITUDE_REF, _ALTITUDE, _TIME})

_APPLE = b"Apple iOS\0\0\x01MM"
_APPLE_CONTENT_ID = 0x0011

_Values = Mapping[int, object]
_decode: Callable[[bytes], dict[str, _Values]] = piexif.load  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class _Field:
    """One value ready to be laid out: `raw` holds `count` values of the TIFF type `kind`."""

    tag: int
    kind: int
    count: int
    raw: bytes


def read_block(block: bytes, findings: Findings) -> None:
    """Read an EXIF block: a TIFF header and what follows it."""
    if not findings.admits("EXIF"):
        return
    try:
        if len(block) > MAX_BLOCK:
            raise MalformedError(f"the block has {len(block)} bytes")
        source = BytesSource(block)
        order, first = ifd.header(source)
        reasons: list[str] = []
        main = ifd.directory(source, order, first, MAIN_TAGS, reasons)
    except MalformedError as error:
        findings.refuse(f"EXIF: {error}")
        return
    read_directories(main, findings, reasons)


def without_mark(block: bytes) -> bytes:
    """Return the block behind the "Exif\\0\\0" that JPEG puts before it, and some writers of PNG and WebP."""
    return block[6:] if block[:4] == b"Exif" else block


def read_directories(main: ifd.Directory, findings: Findings, reasons: list[str]) -> None:
    """Read the first directory (walked with MAIN_TAGS) and the EXIF and GPS ones that it points to.

    `reasons` is what its walk refused; what is refused here is added to the findings with it.
    """
    exif = _pointed(main, _EXIF_IFD, _EXIF_TAGS, reasons)
    gps = _pointed(main, _GPS_IFD, _GPS_TAGS, reasons)
    if exif is not None and _MAKER_NOTE in exif.entries:
        _read_maker_note(exif, findings, reasons)
    main_fields = _fields(main, frozenset({_MAKE, _MODEL}), reasons)
    orientation = main.number(_ORIENTATION)
    exif_fields = _fields(exif, _TEXTS, reasons)
    for tag in (_ORIGINAL, _DIGITIZED):
        if tag not in exif_fields:
            exif_fields.update(_fields(main, frozenset({tag}), reasons))
    values = _decode(_lay_out(main.order, main_fields, exif_fields, _fields(gps, _GPS_TAGS, reasons, _GPS_TEXTS)))
    _take_camera(values["0th"], orientation, findings)
    _take_dates(values["Exif"], findings)
    if values["GPS"]:
        _take_place(values["GPS"], findings)
        _take_gps_time(values["GPS"], findings)
    for reason in reasons:
        findings.refuse(f"EXIF: {reason}")


def _pointed(main: ifd.Directory, tag: int, wanted: frozenset[int], reasons: list[str]) -> ifd.Directory | None:
    offset = main.number(tag)
    if offset is None:
        return None
    try:
        return ifd.directory(main.source, main.order, offset, wanted, reasons)
    except MalformedError as error:
        reasons.append(f"the directory of tag 0x{tag:04x}: {error}")
        return None


def _fields(
    found: ifd.Directory | None, tags: frozenset[int], reasons: list[str], texts: frozenset[int] = _TEXTS
) -> dict[int, _Field]:
    """Return the entries of `tags` that piexif may see: short ones, of the type that the specification gives."""
    fields: dict[int, _Field] = {}
    for tag in tags:
        entry = found.entries.get(tag) if found is not None else None
        if found is None or entry is None:
            continue
        if tag in texts:
            if entry.kind not in (ifd.BYTE, ifd.ASCII, ifd.UNDEFINED, ifd.UTF8):
                reasons.append(f"tag 0x{tag:04x} is no text")
                continue
            # piexif drops the last byte of a text, taking it for the NUL that not every writer puts there.
            raw = found.source.read(entry.offset, min(entry.size, _MAX_TEXT)) + b"\0"
            fields[tag] = _Field(tag, ifd.ASCII, len(raw), raw)
        elif entry.kind not in (ifd.BYTE, ifd.SHORT, ifd.LONG, ifd.RATIONAL, ifd.SRATIONAL):
            reasons.append(f"tag 0x{tag:04x} is no number")
        elif 0 < entry.count <= _MAX_NUMBERS:
            fields[tag] = _Field(tag, entry.kind, entry.count, found.source.read(entry.offset, entry.size))
    return fields


def _lay_out(order: ifd.Order, main: dict[int, _Field], exif: dict[int, _Field], gps: dict[int, _Field]) -> bytes:
    """Return a TIFF block of three directories, one after the other, each followed by its values."""
    start = 8
    pointers = 2
    exif_at = start + _size(main) + 12 * pointers
    gps_at = exif_at + _size(exif)
    main = {
        **main,
        _EXIF_IFD: _Field(_EXIF_IFD, ifd.LONG, 1, exif_at.to_bytes(4, order)),
        _GPS_IFD: _Field(_GPS_IFD, ifd.LONG, 1, gps_at.to_bytes(4, order)),
    }
    mark = b"II*\0" if order == "little" else b"MM\0*"
    directories = (_directory(order, at, fields) for at, fields in ((start, main), (exif_at, exif), (gps_at, gps)))
    return mark + start.to_bytes(4, order) + b"".join(directories)


def _size(fields: Mapping[int, _Field]) -> int:
    return 2 + 12 * len(fields) + 4 + sum(len(field.raw) for field in fields.values() if len(field.raw) > 4)


def _directory(order: ifd.Order, at: int, fields: Mapping[int, _Field]) -> bytes:
    values = b""
    values_at = at + 2 + 12 * len(fields) + 4
    table = len(fields).to_bytes(2, order)
    for field in fields.values():
        if len(field.raw) > 4:
            inline = (values_at + len(values)).to_bytes(4, order)
            values += field.raw
        else:
            inline = field.raw.ljust(4, b"\0")
        table += field.tag.to_bytes(2, order) + field.kind.to_bytes(2, order) + field.count.to_bytes(4, order) + inline
    return table + bytes(4) + values


def _take_camera(values: _Values, orientation: int | None, findings: Findings) -> None:
    findings.make = findings.make or text_of(_text(values, _MAKE).encode("latin-1"))
    findings.model = findings.model or text_of(_text(values, _MODEL).encode("latin-1"))
    if orientation is not None and findings.orientation is None:
        if 1 <= orientation <= 8:
            findings.orientation = orientation
        elif orientation != 0:
            findings.refuse(f"EXIF: the orientation {orientation} is not 1 to 8")


def _take_dates(values: _Values, findings: Findings) -> None:
    for source, date, offset in (
        ("exif:DateTimeOriginal", _ORIGINAL, _OFFSET_ORIGINAL),
        ("exif:DateTimeDigitized", _DIGITIZED, _OFFSET_DIGITIZED),
    ):
        if date in values:
            # Blanks stand for an offset that is unknown (EXIF 2.32 §4.6.4).
            own = _text(values, offset).strip(" :")
            findings.claims.append(Claim(source, _text(values, date), own or _text(values, _OFFSET)))


def _take_place(values: _Values, findings: Findings) -> None:
    if findings.place is not None or not (_LATITUDE in values or _LONGITUDE in values):
        return
    try:
        latitude = degrees(values.get(_LATITUDE), _text(values, _LATITUDE_REF), "N", "S")
        longitude = degrees(values.get(_LONGITUDE), _text(values, _LONGITUDE_REF), "E", "W")
        findings.place = place(latitude, longitude, _altitude(values))
    except NoPlaceError as error:
        findings.refuse(f"GPS: {error}")


def _altitude(values: _Values) -> float | None:
    metres = ratio(values.get(_ALTITUDE))
    # GPSAltitudeRef 1 is "below sea level"; it is a byte, and 0 where it is absent.
    return -metres if metres is not None and values.get(_ALTITUDE_REF) == 1 else metres


def _take_gps_time(values: _Values, findings: Findings) -> None:
    date, time = _text(values, _DATE).split("\0", 1)[0].strip(), values.get(_TIME)
    if not date or not isinstance(time, tuple) or len(time) != 3:
        return
    parts = [ratio(part) for part in time]
    if any(part is None or not 0 <= part < 60 for part in parts):
        findings.refuse("GPS: the time is none")
        return
    hour, minute, second = (int(part or 0) for part in parts)
    findings.claims.append(Claim(GPS, f"{date} {hour:02}:{minute:02}:{second:02}Z"))


def _text(values: _Values, tag: int) -> str:
    raw = values.get(tag, b"")
    return raw.split(b"\0", 1)[0].decode("latin-1") if isinstance(raw, bytes) else ""


def _read_maker_note(exif: ifd.Directory, findings: Findings, reasons: list[str]) -> None:
    entry = exif.entries[_MAKER_NOTE]
    if entry.size < len(_APPLE) or exif.source.read(entry.offset, len(_APPLE)) != _APPLE:
        return
    try:
        note = Part(exif.source, entry.offset, entry.size)
        found = ifd.directory(note, "big", len(_APPLE), {_APPLE_CONTENT_ID}, reasons)
        raw = found.raw(_APPLE_CONTENT_ID)
    except MalformedError as error:
        reasons.append(f"Apple's maker note: {error}")
        return
    if raw is not None and findings.content_id is None:
        findings.content_id = text_of(raw[:_MAX_TEXT])
