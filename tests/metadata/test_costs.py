"""Files made to be slow or large: what they once cost, or would without a bound, and the bound that holds.

Every file is made here; 1 s and 50 MB are the limits for any file at all.
"""

from __future__ import annotations

import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from sumu_dav.model import Facts

SECONDS = 1.0
BYTES = 50_000_000

XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"


def box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">L", len(content) + 8) + kind + content


def element(number: int, data: bytes) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big") + (len(data) | 1 << 56).to_bytes(8, "big") + data


def jpeg(*segments: tuple[int, bytes]) -> bytes:
    return b"\xff\xd8" + b"".join(bytes((0xFF, code)) + struct.pack(">H", len(d) + 2) + d for code, d in segments)


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">L", len(d)) + kind + d + bytes(4) for kind, d in chunks)


def xmp_chunk(packet: bytes) -> tuple[bytes, bytes]:
    return b"iTXt", b"XML:com.adobe.xmp\0\x01\0\0\0" + zlib.compress(packet, 9)


def heif(*tables: bytes) -> bytes:
    primary = box(b"pitm", bytes(4), struct.pack(">H", 1))
    exif = box(b"infe", b"\x02\0\0\0", struct.pack(">HH", 2, 0), b"Exif\0")
    info = box(b"iinf", bytes(4), struct.pack(">H", 1), exif)
    return box(b"ftyp", b"heic\0\0\0\0") + box(b"meta", bytes(4), primary, info, *tables)


def many_xmp_packets_in_a_png() -> bytes:
    return png(*[xmp_chunk(b"<a>" + b"<b/>" * 250_000 + b"</a>")] * 150)


def many_xmp_packets_in_a_jpeg() -> bytes:
    return jpeg(*[(0xE1, XMP_MARK + b"<a>" + b"<b/>" * 16_000 + b"</a>")] * 300)


def a_deep_xmp_packet() -> bytes:
    return png(xmp_chunk(b"<a>" * 340_000))


def an_xmp_packet_of_items() -> bytes:
    item = b'<b xmlns:i="http://ns.google.com/photos/1.0/container/item/" i:Length="1"/>'
    return png(xmp_chunk(b"<a>" + item * 13_000 + b"</a>"))


def many_exif_blocks_in_a_jpeg() -> bytes:
    entries = b"\x90\x03\0\x02\0\0\0\x20\0\0\0\x08" * 512
    block = b"Exif\0\0MM\0*\0\0\0\x08\x02\0" + entries + bytes(4)
    return jpeg(*[(0xE1, block)] * 900)


def many_iptc_blocks_in_a_jpeg() -> bytes:
    data = b"\x1c\x02\x05\0\0" * 2000
    return jpeg(*[(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">L", len(data)) + data)] * 900)


def a_movie_of_empty_boxes() -> bytes:
    return box(b"ftyp", b"isom\0\0\0\0") + box(b"moov", *[box(b"udta", box(b"free") * 1000)] * 150)


def a_movie_of_hollow_tracks() -> bytes:
    media = box(b"mdia", box(b"hdlr", bytes(8), b"soun", bytes(12)), box(b"free") * 1900)
    track = box(b"trak", box(b"tkhd", bytes(84)), media, box(b"free") * 1900)
    return box(b"ftyp", b"isom\0\0\0\0") + box(b"moov", track * 40)


def a_movie_of_metadata_lists() -> bytes:
    table = box(b"keys", bytes(4), struct.pack(">L", 2000), box(b"mdta", b"com.apple.quicktime.make") * 2000)
    items = box(b"ilst", box(struct.pack(">L", 1), box(b"data", bytes(8))) * 1000)
    return box(b"ftyp", b"qt  \0\0\0\0") + box(b"moov", box(b"meta", box(b"hdlr", bytes(24)), table, items) * 60)


def a_heic_of_owners() -> bytes:
    owners = box(b"ipma", bytes(4), struct.pack(">L", 60_000), b"\0\x02\0" * 60_000)
    return heif(box(b"iprp", box(b"ipco", box(b"ispe", bytes(12))), owners * 20))


def a_heic_of_references() -> bytes:
    reference = box(b"cdsc", struct.pack(">HH", 2, 1000), bytes(2000))
    return heif(box(b"iref", bytes(4), reference * 1900))


def a_heic_of_locations() -> bytes:
    return heif(box(b"iloc", b"\0\0\0\0\0\0", struct.pack(">H", 65_535), bytes(6 * 65_535)))


def a_matroska_of_hollow_tracks() -> bytes:
    track = element(0xAE, element(0x83, b"\x01") + element(0xE0, element(0xEC, b"") * 1000))
    return element(0x1A45DFA3, b"") + element(0x18538067, element(0x1654AE6B, track * 500))


def a_matroska_index_that_points_at_itself() -> bytes:
    seek = element(0x4DBB, element(0x53AB, b"\x16\x54\xae\x6b") + element(0x53AC, b"\0"))
    return element(0x1A45DFA3, b"") + element(0x18538067, element(0x114D9B74, seek * 1900))


def a_png_of_empty_chunks() -> bytes:
    return png(*[(b"IDAT", b"")] * 500_000)


def a_tiff_of_self_references() -> bytes:
    below = struct.pack(">HHLL", 0x14A, 4, 64, 200) + struct.pack(">HHLL", 0xFE, 4, 1, 1)
    first = b"MM\0*\0\0\0\x08\0\x02" + below
    return first.ljust(200, b"\0") + struct.pack(">L", 8) * 64


MADE = [
    many_xmp_packets_in_a_png,
    many_xmp_packets_in_a_jpeg,
    a_deep_xmp_packet,
    an_xmp_packet_of_items,
    many_exif_blocks_in_a_jpeg,
    many_iptc_blocks_in_a_jpeg,
    a_movie_of_empty_boxes,
    a_movie_of_hollow_tracks,
    a_movie_of_metadata_lists,
    a_heic_of_owners,
    a_heic_of_references,
    a_heic_of_locations,
    a_matroska_of_hollow_tracks,
    a_matroska_index_that_points_at_itself,
    a_png_of_empty_chunks,
    a_tiff_of_self_references,
]


@pytest.mark.parametrize("make", MADE, ids=lambda make: make.__name__)
def test_a_file_made_to_be_costly_costs_little(make: Callable[[], bytes], facts_of: Callable[[bytes], Facts]) -> None:
    data = make()
    started = time.process_time()
    facts = facts_of(data)
    seconds = time.process_time() - started
    tracemalloc.start()
    facts_of(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(f"{make.__name__}: {len(data)} bytes, {seconds:.3f} s, {peak / 1e6:.1f} MB, {facts.error}")
    assert seconds < SECONDS
    assert peak < BYTES
