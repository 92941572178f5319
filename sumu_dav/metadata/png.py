"""PNG: size, EXIF and XMP from its chunks.

Specifications: PNG 3rd edition (W3C) §5.3 chunks, §11.3.3 text, §11.3.5.2 eXIf; XMP part 3 §1.1.5 (iTXt). Before eXIf
existed, ImageMagick wrote EXIF as hexadecimal text ("Raw profile type exif"). It must not know what EXIF and XMP mean,
and decodes no picture.
"""

from __future__ import annotations

import zlib

from sumu_dav.metadata import exif, xmp
from sumu_dav.metadata.bounded import MalformedError, Source
from sumu_dav.metadata.findings import Findings

_MAX_CHUNKS = 10_000
"""Chunks of one file: encoders write the picture in pieces of 8 KB, so that 80 MB are read to the end."""

_MAX_TEXT = 2 * exif.MAX_BLOCK + 4096
"""Bytes of one text chunk, compressed or not: hexadecimal doubles an EXIF block."""

_XMP_KEYWORD = b"XML:com.adobe.xmp"
_PROFILES = (b"Raw profile type exif", b"Raw profile type APP1")


def read(source: Source, findings: Findings) -> None:
    """Read the wanted chunks; EXIF and XMP may stand behind the picture, whose chunks are passed over."""
    at = 8
    for _ in range(_MAX_CHUNKS):
        if at + 8 > source.size:
            raise MalformedError("PNG: it ends without an end chunk")
        head = source.read(at, 8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind == b"IEND":
            return
        try:
            _read_chunk(kind, source, at + 8, length, findings)
        except MalformedError as error:
            findings.refuse(f"PNG: {error}")
        at += 12 + length


def _read_chunk(kind: bytes, source: Source, at: int, length: int, findings: Findings) -> None:
    if kind == b"IHDR":
        size = source.read(at, 8)
        findings.pixels(int.from_bytes(size[:4], "big"), int.from_bytes(size[4:], "big"))
    elif kind == b"eXIf":
        if length > exif.MAX_BLOCK:
            raise MalformedError(f"an EXIF chunk of {length} bytes")
        exif.read_block(exif.without_mark(source.read(at, length)), findings)
    elif kind in (b"iTXt", b"zTXt", b"tEXt"):
        keyword = source.read(at, min(length, 80)).split(b"\0", 1)[0]
        if keyword == _XMP_KEYWORD or keyword in _PROFILES:
            if length > _MAX_TEXT:
                raise MalformedError(f"a text chunk of {length} bytes")
            # Asked before it is inflated: a thousand small chunks would give gigabytes.
            if not findings.admits(f"PNG {keyword.decode('ascii')}"):
                return
            text = _text(kind, source.read(at, length))
            if keyword == _XMP_KEYWORD:
                xmp.read_packet(text, findings)
            else:
                exif.read_block(exif.without_mark(_raw_profile(text)), findings)


def _text(kind: bytes, chunk: bytes) -> bytes:
    """Return the text of a tEXt, zTXt or iTXt chunk, inflated."""
    _, _, rest = chunk.partition(b"\0")
    if kind == b"tEXt":
        return rest
    if kind == b"zTXt":
        return _inflate(rest[1:])
    compressed, rest = rest[:1], rest[2:]
    for _ in ("language tag", "translated keyword"):
        _, _, rest = rest.partition(b"\0")
    return _inflate(rest) if compressed == b"\x01" else rest


def _inflate(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _MAX_TEXT)
    except zlib.error as error:
        raise MalformedError(f"a text chunk: {error}") from error


def _raw_profile(text: bytes) -> bytes:
    """Return the bytes of a "Raw profile": its name, its length in bytes, and then hexadecimal digits in lines."""
    parts = text.split(maxsplit=2)
    try:
        return bytes.fromhex(parts[2].decode("ascii")) if len(parts) == 3 else b""
    except ValueError as error:
        raise MalformedError("a raw profile that is not hexadecimal") from error
