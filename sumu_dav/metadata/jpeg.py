"""JPEG: the segments before the picture, and whether a video follows it.

Specifications: ITU-T T.81 annex B (markers), EXIF 2.32 §4.5.4 (APP1), ISO 16684-3 §1.1.3 (XMP in APP1), Adobe's
"Photoshop File Formats" (APP13). It must not know what EXIF, XMP or IPTC mean, and decodes no picture.
"""

from __future__ import annotations

from sumu_dav.metadata import exif, iptc, xmp
from sumu_dav.metadata.bounded import MalformedError, Source
from sumu_dav.metadata.findings import Findings
from sumu_dav.metadata.motion import check_video

_MAX_SEGMENTS = 1000
"""Segments before the picture: an ICC profile and a large gain map take some dozens."""

_SOI, _EOI, _SOS, _TEM = 0xD8, 0xD9, 0xDA, 0x01
_APP1, _APP13 = 0xE1, 0xED
# T.81 table B.1: start of frame, without DHT (C4), JPG (C8) and DAC (CC).
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({_SOI, _TEM, *range(0xD0, 0xD8)})

_EXIF_MARK = b"Exif\0"
_XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
_PHOTOSHOP_MARK = b"Photoshop 3.0\0"


def read(source: Source, findings: Findings) -> None:
    """Read the segments up to the picture, then look where XMP says that a video begins."""
    packet = xmp.Packet()
    try:
        at = 2
        for _ in range(_MAX_SEGMENTS):
            mark, code = source.read(at, 2)
            if mark != 0xFF:
                raise MalformedError(f"no marker at {at}")
            if code == 0xFF:
                # T.81 §B.1.1.2: any number of fill bytes may precede a marker.
                at += 1
                continue
            if code in (_SOS, _EOI):
                break
            at += 2
            if code in _ALONE:
                continue
            length = int.from_bytes(source.read(at, 2), "big")
            if length < 2:
                raise MalformedError(f"a segment of {length} bytes")
            packet = _read_segment(code, source, at + 2, length - 2, findings) or packet
            at += length
    except MalformedError as error:
        findings.refuse(f"JPEG: {error}")
    if packet.video_from_end is not None:
        check_video(source, packet.video_from_end, findings)


def _read_segment(code: int, source: Source, at: int, length: int, findings: Findings) -> xmp.Packet | None:
    """Read one segment; return the packet if it is the first to tell of a video."""
    if code in _FRAMES:
        frame = source.read(at, 5)
        findings.pixels(int.from_bytes(frame[3:5], "big"), int.from_bytes(frame[1:3], "big"))
    elif code == _APP1:
        data = source.read(at, length)
        if data.startswith(_EXIF_MARK):
            exif.read_block(exif.without_mark(data), findings)
        elif data.startswith(_XMP_MARK):
            packet = xmp.read_packet(data[len(_XMP_MARK) :], findings)
            return packet if packet.video_from_end is not None else None
    elif code == _APP13:
        data = source.read(at, length)
        if data.startswith(_PHOTOSHOP_MARK):
            iptc.read_resources(data[len(_PHOTOSHOP_MARK) :], findings)
    return None
