"""Small photos and videos for tests, made here byte by byte: valid, distinct, and saying of themselves what is asked.

Real ones, with the oddities of real cameras, are in `programs.sample`.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Mapping
from datetime import UTC, datetime

import piexif

LONGEST_COMMENT = 65533
"""Bytes that one JPEG segment holds behind its length (ITU-T T.81 §B.1.1.4)."""

QUICKTIME_EPOCH = 2_082_844_800
"""Seconds from 1904, where QuickTime's clock starts, to 1970."""

TIMESCALE = 600
"""Units a second in the videos made here, as in Apple's."""

_serial = itertools.count(1)


def jpeg(
    *,
    taken: str | datetime | None = None,
    offset: str | None = None,
    gps: tuple[float, float] | None = None,
    make: str | None = None,
    model: str | None = None,
    orientation: int | None = None,
    content_id: str | None = None,
    width: int = 16,
    height: int = 8,
    pad: int = 0,
    seed: int | str | None = None,
) -> bytes:
    """A grey JPEG. No two are the same, unless both are given the same `seed`.

    `taken` is local time (`2024:05:17 10:11:12` or a datetime, whose offset is written where it has one), `gps`
    decimal degrees, `content_id` what pairs a live photo (Apple's maker note), `pad` bytes to be larger by, at least.
    """
    if isinstance(taken, datetime):
        if taken.utcoffset() is not None:
            offset = taken.isoformat()[-6:]
        taken = taken.strftime("%Y:%m:%d %H:%M:%S")
    first = {
        piexif.ImageIFD.Make: make,
        piexif.ImageIFD.Model: model,
        piexif.ImageIFD.Orientation: orientation,
    }
    exif = {
        piexif.ExifIFD.DateTimeOriginal: taken,
        piexif.ExifIFD.OffsetTimeOriginal: offset,
        piexif.ExifIFD.MakerNote: None if content_id is None else _apple_note(content_id),
    }
    described = {"0th": _given(first), "Exif": _given(exif), "GPS": {} if gps is None else _position(*gps)}
    segments = b""
    if any(described.values()):
        segments += _segment(0xE1, piexif.dump(described))  # type: ignore[attr-defined, no-untyped-call]
    for at in range(0, pad, LONGEST_COMMENT):
        segments += _segment(0xFE, b"\xa5" * min(LONGEST_COMMENT, pad - at))
    segments += _segment(0xFE, f"sample {next(_serial) if seed is None else seed}".encode())
    return b"\xff\xd8" + segments + _grey(width, height) + b"\xff\xd9"


def mov(
    *,
    taken: datetime | None = None,
    written: str | None = None,
    gps: str | None = None,
    content_id: str | None = None,
    duration: float = 2.0,
    width: int = 64,
    height: int = 48,
    pad: int = 0,
    seed: int | str | None = None,
) -> bytes:
    """A QuickTime movie with one video track and no pictures. No two are the same, unless both have the same `seed`.

    `taken` (aware) goes into the movie's header as UTC; `written` (`2024-05-17T10:11:12+0200`), `gps`
    (`+48.2082+016.3738/`, ISO 6709) and `content_id` into Apple's metadata keys. `duration` is seconds.
    """
    since_1904 = 0 if taken is None else int(taken.astimezone(UTC).timestamp()) + QUICKTIME_EPOCH
    length = round(duration * TIMESCALE)
    keys = {
        "com.apple.quicktime.creationdate": written,
        "com.apple.quicktime.location.ISO6709": gps,
        "com.apple.quicktime.content.identifier": content_id,
    }
    movie = _box(
        "mvhd",
        struct.pack(">5I", 0, since_1904, since_1904, TIMESCALE, length),
        struct.pack(">ih10x", 0x10000, 0x100),
        _MATRIX,
        bytes(24),
        struct.pack(">I", 2),
    )
    content = f"sample {next(_serial) if seed is None else seed}".encode() + b"\xa5" * pad
    return (
        _box("ftyp", b"qt  \0\0\0\0qt  ")
        + _box("mdat", content)
        + _box("moov", movie, _video_track(since_1904, length, width, height), _apple_keys(keys))
    )


def _given(tags: Mapping[int, object | None]) -> dict[int, object]:
    return {tag: value for tag, value in tags.items() if value is not None}


def _position(latitude: float, longitude: float) -> dict[int, object]:
    return {
        piexif.GPSIFD.GPSLatitudeRef: "N" if latitude >= 0 else "S",
        piexif.GPSIFD.GPSLatitude: _sexagesimal(latitude),
        piexif.GPSIFD.GPSLongitudeRef: "E" if longitude >= 0 else "W",
        piexif.GPSIFD.GPSLongitude: _sexagesimal(longitude),
    }


def _sexagesimal(degrees: float) -> tuple[tuple[int, int], ...]:
    parts = round(abs(degrees) * 3600 * 10000)
    return ((parts // 36_000_000, 1), (parts // 600_000 % 60, 1), (parts % 600_000, 10000))


def _apple_note(content_id: str) -> bytes:
    """Apple's maker note: a header of 14 bytes, then an IFD whose offsets count from the header's start."""
    text = content_id.encode() + b"\0"
    return b"Apple iOS\0\0\1MM" + struct.pack(">HHHII", 1, 0x11, 2, len(text), 32) + bytes(4) + text


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def _grey(width: int, height: int) -> bytes:
    """A baseline picture of one component, each block of which is two bits: no difference, end of block."""
    blocks = -(-width // 8) * -(-height // 8)
    whole, rest = divmod(2 * blocks, 8)
    scan = bytes(whole) + (bytes([0xFF >> rest]) if rest else b"")
    one_code = bytes([1, *[0] * 15, 0])
    return (
        _segment(0xDB, b"\0" + b"\1" * 64)
        + _segment(0xC0, struct.pack(">BHHB3B", 8, height, width, 1, 1, 0x11, 0))
        + _segment(0xC4, b"\x00" + one_code)
        + _segment(0xC4, b"\x10" + one_code)
        + _segment(0xDA, b"\1\1\0\0\x3f\0")
        + scan
    )


_MATRIX = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
"""No rotation: the identity, in fixed point (ISO/IEC 14496-12 §6.2.2)."""


def _box(kind: str, *payload: bytes) -> bytes:
    content = b"".join(payload)
    return struct.pack(">I", len(content) + 8) + kind.encode() + content


def _handler(of: str, kind: str) -> bytes:
    return _box("hdlr", bytes(4), of.encode() if of else bytes(4), kind.encode(), bytes(12), b"\0")


def _video_track(since_1904: int, length: int, width: int, height: int) -> bytes:
    header = _box(
        "tkhd",
        struct.pack(">6I", 7, since_1904, since_1904, 1, 0, length),
        bytes(16),
        _MATRIX,
        struct.pack(">2I", width << 16, height << 16),
    )
    picture = struct.pack(">6xH16xHHII4xH32xHh", 1, width, height, 72 << 16, 72 << 16, 1, 24, -1)
    tables = [
        _box("stsd", struct.pack(">2I", 0, 1), _box("avc1", picture)),
        *(_box(kind, bytes(8)) for kind in ("stts", "stsc", "stco")),
        _box("stsz", bytes(12)),
    ]
    media = _box(
        "mdia",
        _box("mdhd", struct.pack(">5I2H", 0, since_1904, since_1904, TIMESCALE, length, 0, 0)),
        _handler("mhlr", "vide"),
        _box("minf", _box("vmhd", struct.pack(">I8x", 1)), _box("stbl", *tables)),
    )
    return _box("trak", header, media)


def _apple_keys(values: dict[str, str | None]) -> bytes:
    given = {key: value for key, value in values.items() if value is not None}
    if not given:
        return b""
    keys = [_box("mdta", key.encode()) for key in given]
    items = [
        struct.pack(">II", len(value.encode()) + 24, number) + _box("data", struct.pack(">II", 1, 0), value.encode())
        for number, value in enumerate(given.values(), 1)
    ]
    return _box(
        "meta", _handler("", "mdta"), _box("keys", struct.pack(">II", 0, len(keys)), *keys), _box("ilst", *items)
    )
