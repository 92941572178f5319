"""Stills made byte by byte: what each container's reader takes, and what it refuses."""

from __future__ import annotations

import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from sumu_dav.model import Facts

FactsOf = Callable[[bytes], Facts]

ASCII, SHORT, LONG, UNDEFINED = 2, 3, 4, 7


def ifd(at: int, *entries: tuple[int, int, bytes]) -> bytes:
    """Lay out a big-endian directory at `at`: (tag, type, value bytes), each value behind the table if it is long."""
    sizes = {ASCII: 1, SHORT: 2, LONG: 4, UNDEFINED: 1}
    table, values = struct.pack(">H", len(entries)), b""
    for tag, kind, value in entries:
        count = len(value) // sizes[kind]
        if len(value) > 4:
            inline = struct.pack(">L", at + 6 + 12 * len(entries) + len(values))
            values += value
        else:
            inline = value.ljust(4, b"\0")
        table += struct.pack(">HHL", tag, kind, count) + inline
    return table + bytes(4) + values


def exif(*entries: tuple[int, int, bytes], main: tuple[tuple[int, int, bytes], ...] = ()) -> bytes:
    """A TIFF block whose EXIF directory has `entries`."""
    length = len(ifd(8, *main, (0x8769, LONG, bytes(4))))
    first = ifd(8, *main, (0x8769, LONG, struct.pack(">L", 8 + length)))
    return b"MM\0*\0\0\0\x08" + first + ifd(8 + length, *entries)


def segment(code: int, data: bytes) -> bytes:
    return bytes((0xFF, code)) + struct.pack(">H", len(data) + 2) + data


FRAME = segment(0xC0, b"\x08" + struct.pack(">HH", 480, 640) + bytes(10))


def jpeg(*segments: bytes) -> bytes:
    return b"\xff\xd8" + b"".join(segments) + FRAME + b"\xff\xda\0\x02picture\xff\xd9"


def exif_segment(block: bytes) -> bytes:
    return segment(0xE1, b"Exif\0\0" + block)


def xmp(body: str) -> bytes:
    return (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
        'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" '
        'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" '
        'xmlns:Container="http://ns.google.com/photos/1.0/container/" '
        'xmlns:Item="http://ns.google.com/photos/1.0/container/item/" '
        f'{body}</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def xmp_segment(body: str) -> bytes:
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp(body))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))


def png(*chunks: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">LL", 640, 480) + bytes(5))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


ORIGINAL = (0x9003, ASCII, b"2021:07:10 20:39:25\0")
MAKE = (0x010F, ASCII, b"Maker\0")


def test_the_content_tells_the_container_not_the_name(facts_of: FactsOf) -> None:
    assert facts_of(jpeg()).media_type == "image/jpeg"
    assert facts_of(b"").error == "the file is empty"
    assert facts_of(b"no picture at all").error == "the content is of no known kind"
    assert facts_of(b"BM\x3a\0\0\0" + bytes(60)).media_type == "image/bmp"
    assert facts_of(b"BMW drives past").media_type is None
    assert facts_of(b"IIRO" + exif()[4:]).media_type == "image/x-olympus-orf"
    assert not facts_of(b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom").is_video
    assert facts_of(b"G" + bytes(187) + b"G" + bytes(187) + b"G" + bytes(187)).is_video


def test_exif_in_a_jpeg(facts_of: FactsOf) -> None:
    facts = facts_of(jpeg(exif_segment(exif(ORIGINAL, main=(MAKE, (0x0112, SHORT, b"\0\x06"))))))
    assert (facts.width, facts.height, facts.orientation, facts.make) == (640, 480, 6, "Maker")
    assert str(facts.taken) == "2021-07-10 20:39:25"
    assert facts.error is None


def test_a_text_without_its_nul_keeps_its_last_character(facts_of: FactsOf) -> None:
    facts = facts_of(jpeg(exif_segment(exif((0x9003, ASCII, b"2021:07:10 20:39:25")))))
    assert str(facts.taken) == "2021-07-10 20:39:25"


def test_a_bad_tag_loses_only_itself(facts_of: FactsOf) -> None:
    facts = facts_of(jpeg(exif_segment(exif(ORIGINAL, (0x9011, LONG, bytes(4))))))
    assert str(facts.taken) == "2021-07-10 20:39:25"
    assert facts.error == "EXIF: tag 0x9011 is no text"


def test_modify_date_is_never_when_it_was_taken(facts_of: FactsOf) -> None:
    facts = facts_of(jpeg(exif_segment(exif(main=((0x0132, ASCII, b"2021:07:10 20:39:25\0"),)))))
    assert facts.taken is None


def test_a_count_of_fifty_million_costs_nothing(facts_of: FactsOf) -> None:
    entry = struct.pack(">HHLL", 0x9003, ASCII, 50_000_000, 8)
    block = (
        b"MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHLL", 0x8769, LONG, 1, 26) + bytes(4) + b"\0\x01" + entry + bytes(4)
    )
    tracemalloc.start()
    facts = facts_of(jpeg(exif_segment(block)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert facts.error == "EXIF: tag 0x9003 claims 50000000 bytes"
    assert peak < 1_000_000


def test_a_directory_that_points_to_itself_ends(facts_of: FactsOf) -> None:
    block = b"MM\0*\0\0\0\x08" + ifd(8, (0x8769, LONG, struct.pack(">L", 8)), (0x8825, LONG, struct.pack(">L", 8)))
    assert facts_of(jpeg(exif_segment(block))).taken is None


def test_apples_maker_note_gives_the_live_photo_identifier(facts_of: FactsOf) -> None:
    identifier = b"E905E6C6-C747-4805-942F-9904A0281F02"
    note = b"Apple iOS\0\0\x01MM" + ifd(14, (0x0011, ASCII, identifier + b"\0"))
    assert facts_of(jpeg(exif_segment(exif((0x927C, UNDEFINED, note))))).content_id == identifier.decode()
    broken = note.replace(struct.pack(">L", len(identifier) + 1), b"\x7f\xff\xff\xff")
    assert facts_of(jpeg(exif_segment(exif((0x927C, UNDEFINED, broken))))).content_id is None


@pytest.mark.parametrize(
    ("body", "source"),
    [
        ('exif:DateTimeOriginal="2021-07-10T20:39:25" xmp:CreateDate="2001-01-01T01:01:01"/>', "xmp:DateTimeOriginal"),
        (
            "><photoshop:DateCreated>2021-07-10T20:39:25</photoshop:DateCreated></rdf:Description>",
            "photoshop:DateCreated",
        ),
        ("><xmp:CreateDate>2021-07-10T20:39:25</xmp:CreateDate></rdf:Description>", "xmp:CreateDate"),
        ('exif:GPSTimeStamp="2021-07-10T20:39:25"/>', "gps:utc"),
    ],
)
def test_dates_in_xmp_as_attributes_and_as_elements(facts_of: FactsOf, body: str, source: str) -> None:
    facts = facts_of(jpeg(xmp_segment(body)))
    assert facts.taken_from == source
    assert facts.taken is not None
    assert str(facts.taken.replace(tzinfo=None)) == "2021-07-10 20:39:25"


def test_xmp_that_breaks_off_gives_what_stood_before(facts_of: FactsOf) -> None:
    broken = xmp('xmp:CreateDate="2021-07-10T20:39:25"/>')[:-30]
    facts = facts_of(jpeg(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + broken)))
    assert facts.taken_from == "xmp:CreateDate"
    assert facts.error is not None
    assert facts.error.startswith("XMP: ")


@pytest.mark.parametrize(
    "packet",
    [
        b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><a>&c;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    ],
)
def test_xmp_with_a_document_type_is_refused(facts_of: FactsOf, packet: bytes) -> None:
    facts = facts_of(jpeg(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)))
    assert facts.error == "XMP: it declares a document type"


def test_xmp_in_an_unknown_encoding_is_refused(facts_of: FactsOf) -> None:
    packet = b'<?xml version="1.0" encoding="utf-7"?><a/>'
    facts = facts_of(jpeg(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)))
    assert facts.error is not None
    assert facts.error.startswith("XMP: ")


ITEMS = (
    "><Container:Directory><rdf:Seq>"
    '<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="Primary" Item:Length="0"/></rdf:li>'
    '<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="MotionPhoto" Item:Length="{length}"/></rdf:li>'
    "</rdf:Seq></Container:Directory></rdf:Description>"
)
ITEMS_AS_ELEMENTS = (
    "><Container:Directory><rdf:Seq><rdf:li><Container:Item>"
    "<Item:Semantic>MotionPhoto</Item:Semantic><Item:Length>{length}</Item:Length>"
    "</Container:Item></rdf:li></rdf:Seq></Container:Directory></rdf:Description>"
)
VIDEO = b"\0\0\0\x10ftypmp42\0\0\0\0"


@pytest.mark.parametrize("body", [ITEMS, ITEMS_AS_ELEMENTS, 'GCamera:MicroVideoOffset="{length}"/>'])
def test_a_motion_photo_is_one_where_its_video_is_there(facts_of: FactsOf, body: str) -> None:
    announced = jpeg(xmp_segment(body.format(length=len(VIDEO))))
    assert facts_of(announced + VIDEO).motion_photo
    without = facts_of(announced)
    assert not without.motion_photo
    assert without.error == "motion photo: no video begins 16 bytes before the end"


def test_a_gain_map_makes_an_ultra_hdr_picture(facts_of: FactsOf) -> None:
    assert facts_of(jpeg(xmp_segment('hdrgm:Version="1.0"/>'))).ultra_hdr
    assert not facts_of(jpeg(xmp_segment('xmp:CreateDate="2021-07-10"/>'))).ultra_hdr


def test_iptc_gives_a_date_with_its_time_and_nothing_without_its_day(facts_of: FactsOf) -> None:
    def with_datasets(*datasets: tuple[int, bytes]) -> Facts:
        data = b"".join(b"\x1c\x02" + bytes((number,)) + struct.pack(">H", len(v)) + v for number, v in datasets)
        resource = b"8BIM\x04\x04\0\0" + struct.pack(">L", len(data)) + data
        return facts_of(jpeg(segment(0xED, b"Photoshop 3.0\0" + resource)))

    both = with_datasets((55, b"20210710"), (60, b"203925+0200"))
    assert (str(both.taken), both.taken_from) == ("2021-07-10 20:39:25+02:00", "iptc:DateCreated")
    assert str(with_datasets((55, b"20210710")).taken) == "2021-07-10 00:00:00"
    assert with_datasets((60, b"203925+0200")).taken is None


def test_exif_in_a_png_also_behind_the_picture(facts_of: FactsOf) -> None:
    facts = facts_of(png(chunk(b"IDAT", bytes(9000)), chunk(b"eXIf", exif(ORIGINAL))))
    assert (facts.width, facts.height, str(facts.taken)) == (640, 480, "2021-07-10 20:39:25")


def test_exif_as_hexadecimal_text_in_a_png(facts_of: FactsOf) -> None:
    block = b"Exif\0\0" + exif(ORIGINAL)
    text = b"\nexif\n%8d\n" % len(block) + block.hex().encode()
    profile = chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text))
    assert str(facts_of(png(profile)).taken) == "2021-07-10 20:39:25"


def test_a_zip_bomb_in_a_png_stays_small(facts_of: FactsOf) -> None:
    bomb = zlib.compress(bytes(200_000_000), 9)
    tracemalloc.start()
    facts = facts_of(png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\x01\0\0\0" + bomb)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert facts.width == 640
    assert peak < 20_000_000


def test_the_sizes_of_a_webp(facts_of: FactsOf) -> None:
    def webp(kind: bytes, data: bytes) -> bytes:
        body = b"WEBP" + kind + struct.pack("<L", len(data)) + data
        return b"RIFF" + struct.pack("<L", len(body)) + body

    lossy = facts_of(webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 640 | 0x4000, 480)))
    lossless = facts_of(webp(b"VP8L", b"\x2f" + struct.pack("<L", 639 | 479 << 14)))
    extended = facts_of(webp(b"VP8X", bytes(4) + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")))
    assert {(f.width, f.height) for f in (lossy, lossless, extended)} == {(640, 480)}


def test_a_dng_has_the_size_of_its_full_picture(facts_of: FactsOf) -> None:
    def picture(at: int, subfile: int, width: int, *more: tuple[int, int, bytes]) -> bytes:
        numbers = ((0xFE, subfile), (0x100, width), (0x101, width))
        return ifd(at, *((tag, LONG, struct.pack(">L", number)) for tag, number in numbers), *more)

    version, below = (0xC612, UNDEFINED, b"\x01\x06\0\0"), (0x14A, LONG, struct.pack(">L", 200))
    main = picture(8, 1, 160, version, below)
    facts = facts_of((b"MM\0*\0\0\0\x08" + main).ljust(200, b"\0") + picture(200, 0, 4000))
    assert (facts.media_type, facts.width) == ("image/x-adobe-dng", 4000)


def test_endless_fill_bytes_end(facts_of: FactsOf) -> None:
    started = time.process_time()
    facts_of(b"\xff\xd8" + b"\xff" * 1_000_000)
    assert time.process_time() - started < 1
