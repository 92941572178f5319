"""TIFF and what is built on it: DNG and most raw formats of cameras.

Specifications: TIFF 6.0, DNG 1.6 (DNGVersion, SubIFDs), TIFF/EP (ISO 12234-2), XMP part 3 §1.1.2 (tag 700), IPTC in
tag 33723. It must not know what EXIF, XMP or IPTC mean, and decodes no picture.
"""

from __future__ import annotations

from sumu_dav.metadata import exif, ifd, iptc, xmp
from sumu_dav.metadata.bounded import MalformedError, Source
from sumu_dav.metadata.findings import Findings

_SUBFILE_TYPE, _WIDTH, _HEIGHT, _SUB_IFDS = 0x00FE, 0x0100, 0x0101, 0x014A
_XMP, _IPTC, _DNG_VERSION = 700, 33723, 0xC612
_MAIN_TAGS = exif.MAIN_TAGS | {_SUBFILE_TYPE, _WIDTH, _HEIGHT, _SUB_IFDS, _XMP, _IPTC, _DNG_VERSION}
_PICTURE_TAGS = frozenset({_SUBFILE_TYPE, _WIDTH, _HEIGHT})

_REDUCED = 1
"""Bit of NewSubfileType: a smaller version of another picture of the file."""

_MAX_SUB_IFDS = 16
"""Pictures in one raw file: the sensor's, previews and masks."""


def read(source: Source, findings: Findings) -> None:
    """Read the first directory, the EXIF and GPS ones, and the size of the picture at full resolution."""
    order, first = ifd.header(source)
    reasons: list[str] = []
    main = ifd.directory(source, order, first, _MAIN_TAGS, reasons)
    if main.entries.keys() & {_DNG_VERSION}:
        findings.media_type = "image/x-adobe-dng"
    elif source.read(8, 2) == b"CR":
        findings.media_type = "image/x-canon-cr2"
    exif.read_directories(main, findings, reasons)
    packet = main.raw(_XMP)
    if packet is not None:
        xmp.read_packet(packet, findings)
    datasets = main.raw(_IPTC)
    if datasets is not None:
        iptc.read_datasets(datasets, findings)
    picture = _full_resolution(main, findings)
    width, height = picture.number(_WIDTH), picture.number(_HEIGHT)
    if width is not None and height is not None:
        findings.pixels(width, height)


def _full_resolution(main: ifd.Directory, findings: Findings) -> ifd.Directory:
    """Return the directory of the picture itself: DNG puts a preview first, and the sensor's picture below it."""
    if (main.number(_SUBFILE_TYPE) or 0) & _REDUCED:
        for offset in main.numbers(_SUB_IFDS)[:_MAX_SUB_IFDS]:
            try:
                below = ifd.directory(main.source, main.order, offset, _PICTURE_TAGS, [])
            except MalformedError as error:
                findings.refuse(f"TIFF: a picture below the first: {error}")
                continue
            if below.number(_SUBFILE_TYPE) == 0:
                return below
    return main
