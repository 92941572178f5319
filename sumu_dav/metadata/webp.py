"""WebP: size, EXIF and XMP from its RIFF chunks.

Specifications: RFC 9649 §2 (container), RFC 6386 §9.1 (VP8 frame header), RFC 9649 §3.4 (VP8L header). It must not
know what EXIF and XMP mean, and decodes no picture.
"""

from __future__ import annotations

from sumu_dav.metadata import exif, xmp
from sumu_dav.metadata.bounded import MalformedError, Source
from sumu_dav.metadata.findings import Findings

_MAX_CHUNKS = 2000
"""Chunks of one file: an animation has one or two a frame."""

_VP8_START = b"\x9d\x01\x2a"
_VP8L_SIGNATURE = 0x2F


def read(source: Source, findings: Findings) -> None:
    """Read the wanted chunks; metadata stands behind the picture, whose chunks are passed over."""
    at = 12
    for _ in range(_MAX_CHUNKS):
        if at + 8 > source.size:
            return
        head = source.read(at, 8)
        length = int.from_bytes(head[4:], "little")
        try:
            _read_chunk(head[:4], source, at + 8, length, findings)
        except MalformedError as error:
            findings.refuse(f"WebP: {error}")
        # RFC 9649 §2.3: a chunk of odd length is padded with one byte.
        at += 8 + length + (length & 1)


def _read_chunk(kind: bytes, source: Source, at: int, length: int, findings: Findings) -> None:
    if kind == b"VP8X":
        canvas = source.read(at + 4, 6)
        findings.pixels(int.from_bytes(canvas[:3], "little") + 1, int.from_bytes(canvas[3:], "little") + 1)
    elif kind == b"VP8 " and findings.width is None:
        frame = source.read(at, 10)
        if frame[3:6] != _VP8_START:
            raise MalformedError("a VP8 frame without its start code")
        # The two upper bits of either number are a scale for display.
        width, height = int.from_bytes(frame[6:8], "little"), int.from_bytes(frame[8:], "little")
        findings.pixels(width & 0x3FFF, height & 0x3FFF)
    elif kind == b"VP8L" and findings.width is None:
        frame = source.read(at, 5)
        if frame[0] != _VP8L_SIGNATURE:
            raise MalformedError("a VP8L picture without its signature")
        bits = int.from_bytes(frame[1:], "little")
        findings.pixels((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    elif kind == b"EXIF":
        if length > exif.MAX_BLOCK:
            raise MalformedError(f"an EXIF chunk of {length} bytes")
        exif.read_block(exif.without_mark(source.read(at, length)), findings)
    elif kind == b"XMP ":
        if length > xmp.MAX_PACKET:
            raise MalformedError(f"an XMP chunk of {length} bytes")
        xmp.read_packet(source.read(at, length), findings)
