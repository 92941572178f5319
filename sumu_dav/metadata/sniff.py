"""Which container a file is, told by its first bytes and never by its name.

Signatures: ITU-T T.81 (JPEG), PNG 3rd edition §5.2, RFC 9649 (WebP), TIFF 6.0, GIF89a, ISO/IEC 14496-12 §4.3 (`ftyp`
brands, registered at mp4ra.org), RFC 8794 (EBML), and for what is only named, not read, the makers' own documents.
It must not read what lies behind the signature.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

HEAD = 400
"""Bytes that are enough to tell: the longest signature is the third packet of a transport stream."""

_PACKET = 188
"""Bytes of one packet of an MPEG transport stream (ISO/IEC 13818-1 §2.4.3.2)."""


class Reader(Enum):
    """The family of containers that one reader knows."""

    JPEG = auto()
    PNG = auto()
    WEBP = auto()
    GIF = auto()
    TIFF = auto()
    HEIF = auto()
    QUICKTIME = auto()
    MATROSKA = auto()
    NONE = auto()


@dataclass(frozen=True, slots=True)
class Kind:
    """What the first bytes tell: the media type (refined by some readers) and who reads on."""

    media_type: str
    is_video: bool
    reader: Reader


_BRANDS = {
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"heim": "image/heic",
    b"heis": "image/heic",
    b"hevc": "image/heic-sequence",
    b"hevx": "image/heic-sequence",
    b"mif1": "image/heif",
    b"msf1": "image/heif-sequence",
    b"crx ": "image/x-canon-cr3",
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"qt  ": "video/quicktime",
    b"M4V ": "video/x-m4v",
    b"M4VH": "video/x-m4v",
    b"M4VP": "video/x-m4v",
}

# QuickTime files from before `ftyp` begin with one of these (QuickTime File Format, "Movie files").
_BARE_ATOMS = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")

_SIGNATURES: tuple[tuple[int, bytes, Kind], ...] = (
    (0, b"\xff\xd8\xff", Kind("image/jpeg", False, Reader.JPEG)),
    (0, b"\x89PNG\r\n\x1a\n", Kind("image/png", False, Reader.PNG)),
    (0, b"GIF87a", Kind("image/gif", False, Reader.GIF)),
    (0, b"GIF89a", Kind("image/gif", False, Reader.GIF)),
    (8, b"WEBP", Kind("image/webp", False, Reader.WEBP)),
    (0, b"II*\0", Kind("image/tiff", False, Reader.TIFF)),
    (0, b"MM\0*", Kind("image/tiff", False, Reader.TIFF)),
    # Olympus and Panasonic put their own letters where TIFF has 42; what follows is TIFF.
    (0, b"IIRO", Kind("image/x-olympus-orf", False, Reader.TIFF)),
    (0, b"IIRS", Kind("image/x-olympus-orf", False, Reader.TIFF)),
    (0, b"MMOR", Kind("image/x-olympus-orf", False, Reader.TIFF)),
    (0, b"IIU\0", Kind("image/x-panasonic-rw2", False, Reader.TIFF)),
    (0, b"\x1a\x45\xdf\xa3", Kind("video/x-matroska", True, Reader.MATROSKA)),
    (8, b"AVI ", Kind("video/x-msvideo", True, Reader.NONE)),
    (0, b"FLV\x01", Kind("video/x-flv", True, Reader.NONE)),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Kind("video/x-ms-wmv", True, Reader.NONE)),
    (0, b"\0\0\x01\xba", Kind("video/mpeg", True, Reader.NONE)),
    (0, b"FUJIFILMCCD-RAW", Kind("image/x-fuji-raf", False, Reader.NONE)),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", Kind("image/jp2", False, Reader.NONE)),
)


def sniff(head: bytes) -> Kind | None:
    """Return the kind of the file that begins with `head` (up to HEAD bytes), None where nothing is recognised."""
    for offset, signature, kind in _SIGNATURES:
        if head[offset : offset + len(signature)] == signature and (offset == 0 or head[:4] == b"RIFF"):
            return kind
    if head[4:8] == b"ftyp":
        return _by_brand(head)
    if head[4:8] in _BARE_ATOMS:
        return Kind("video/quicktime", True, Reader.QUICKTIME)
    # "BM" alone begins too many texts: the two reserved fields behind the size are zero (Windows BITMAPFILEHEADER).
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return Kind("image/bmp", False, Reader.NONE)
    # A transport stream has no header, only a sync byte a packet, in AVCHD files behind a time code of 4 bytes.
    for start, step in ((0, _PACKET), (4, _PACKET + 4)):
        if head[start : start + 2 * step + 1 : step] == b"GGG":
            return Kind("video/mp2t", True, Reader.NONE)
    return None


def _by_brand(head: bytes) -> Kind:
    major = head[8:12]
    length = int.from_bytes(head[:4], "big")
    compatible = [head[i : i + 4] for i in range(16, min(length, len(head)), 4)]
    brands = [major] if major in _BRANDS else [brand for brand in compatible if brand in _BRANDS]
    media_type = _BRANDS[brands[0]] if brands else "video/mp4"
    if major[:3] == b"3gp":
        media_type = "video/3gpp"
    elif major[:3] == b"3g2":
        media_type = "video/3gpp2"
    still = media_type.startswith("image/")
    return Kind(media_type, not still, Reader.HEIF if still else Reader.QUICKTIME)
