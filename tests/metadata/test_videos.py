"""Videos and HEIF pictures made box by box: what their readers take, and what they refuse."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sumu_dav.metadata import read
from sumu_dav.model import Facts

FactsOf = Callable[[bytes], Facts]

FTYP = b"\0\0\0\x14ftypisom\0\0\0\0isom"
SINCE_1904 = 2_082_844_800
MOMENT = int(datetime(2020, 11, 20, 14, 4, 36, tzinfo=UTC).timestamp())


def box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">L", len(content) + 8) + kind + content


def mvhd(created: int = MOMENT + SINCE_1904, duration: int = 2500, scale: int = 1000) -> bytes:
    return box(b"mvhd", bytes(4), struct.pack(">LLLL", created, 0, scale, duration), bytes(80))


def trak(
    matrix: tuple[int, int, int, int] = (1, 0, 0, 1), handler: bytes = b"vide", size: tuple[int, int] = (640, 480)
) -> bytes:
    a, b, c, d = (value * 65536 for value in matrix)
    header = box(
        b"tkhd", bytes(40), struct.pack(">9l", a, b, 0, c, d, 0, 0, 0, 1 << 30), struct.pack(">LL", 99 << 16, 9 << 16)
    )
    entry = box(b"avc1", bytes(24), struct.pack(">HH", *size), bytes(50))
    description = box(b"stsd", bytes(4), struct.pack(">L", 1), entry)
    media = box(b"mdia", box(b"hdlr", bytes(8), handler, bytes(12)), box(b"minf", box(b"stbl", description)))
    return box(b"trak", header, media)


def movie(*parts: bytes) -> bytes:
    return FTYP + box(b"mdat", bytes(100)) + box(b"moov", *parts)


def keys(values: dict[str, str]) -> bytes:
    names = b"".join(box(b"mdta", name.encode()) for name in values)
    table = box(b"keys", bytes(4), struct.pack(">L", len(values)), names)
    items = (
        box(struct.pack(">L", number), box(b"data", struct.pack(">LL", 1, 0), value.encode()))
        for number, value in enumerate(values.values(), 1)
    )
    return box(b"meta", box(b"hdlr", bytes(24)), table, box(b"ilst", *items))


def international(kind: bytes, text: str) -> bytes:
    return box(kind, struct.pack(">HH", len(text), 0x15C7), text.encode())


def test_date_duration_and_size_of_a_video(facts_of: FactsOf) -> None:
    facts = facts_of(movie(mvhd(), trak(handler=b"soun"), trak(), trak(size=(1, 1))))
    assert (facts.taken, facts.taken_from) == (datetime(2020, 11, 20, 14, 4, 36, tzinfo=UTC), "container:utc")
    assert (facts.duration, facts.width, facts.height, facts.rotation) == (2.5, 640, 480, 0)
    assert (facts.media_type, facts.is_video, facts.error) == ("video/mp4", True, None)


@pytest.mark.parametrize(
    ("created", "taken"),
    [
        (MOMENT, datetime(2020, 11, 20, 14, 4, 36, tzinfo=UTC)),
        (0, None),
        (SINCE_1904 - 1, None),
        (0xFFFFFFFF, None),
    ],
)
def test_a_creation_time_may_be_unix_time_absent_or_nonsense(
    facts_of: FactsOf, created: int, taken: datetime | None
) -> None:
    facts = facts_of(movie(mvhd(created)))
    assert facts.taken == taken
    assert (facts.error is None) == (taken is not None or created == 0)


def test_a_creation_time_of_64_bits_beyond_every_calendar_is_refused(facts_of: FactsOf) -> None:
    wide = box(b"mvhd", b"\x01\0\0\0", struct.pack(">QQLQ", 1 << 63, 0, 1000, 1500), bytes(80))
    facts = facts_of(movie(wide))
    assert (facts.taken, facts.duration) == (None, 1.5)
    assert facts.error == "container:utc '9223372036854775808 s after 1904' is not a date"


@pytest.mark.parametrize(("duration", "scale"), [(0xFFFFFFFF, 1000), (0, 1000), (5, 0)])
def test_an_unknown_duration_is_none(facts_of: FactsOf, duration: int, scale: int) -> None:
    assert facts_of(movie(mvhd(duration=duration, scale=scale))).duration is None


@pytest.mark.parametrize(
    ("matrix", "rotation"),
    [((1, 0, 0, 1), 0), ((0, 1, -1, 0), 90), ((-1, 0, 0, -1), 180), ((0, -1, 1, 0), 270), ((-1, 0, 0, 1), None)],
)
def test_the_matrix_tells_the_rotation(
    facts_of: FactsOf, matrix: tuple[int, int, int, int], rotation: int | None
) -> None:
    assert facts_of(movie(mvhd(), trak(matrix))).rotation == rotation


def test_apples_keys(facts_of: FactsOf) -> None:
    metadata = keys(
        {
            "com.apple.quicktime.software": "18.0",
            "com.apple.quicktime.creationdate": "2025-01-01T11:06:46+0900",
            "com.apple.quicktime.location.ISO6709": "+35.7143+139.7963+012.5/",
            "com.apple.quicktime.content.identifier": "71DCA213-5710-4A6C-BC6D-CE6306AEB8D8",
            "com.apple.quicktime.make": "Apple",
            "com.apple.quicktime.model": "iPhone 15 Plus",
        }
    )
    facts = facts_of(movie(mvhd(), metadata))
    assert (str(facts.taken), facts.taken_from) == ("2025-01-01 11:06:46+09:00", "quicktime:creationdate")
    assert (facts.latitude, facts.longitude, facts.altitude) == (35.7143, 139.7963, 12.5)
    assert facts.content_id == "71DCA213-5710-4A6C-BC6D-CE6306AEB8D8"
    assert (facts.make, facts.model) == ("Apple", "iPhone 15 Plus")


def test_places_are_taken_in_their_order_and_the_first_valid_one_wins(facts_of: FactsOf) -> None:
    name = b"caf\xc3\xa9\0"
    loci = box(b"loci", bytes(6), name, b"\0", struct.pack(">lll", 10 << 16, -20 << 16, 0))
    xyz = international(b"\xa9xyz", "+51.5335-000.1261/")
    in_keys = keys({"com.apple.quicktime.location.ISO6709": "+35.7143+139.7963/"})

    assert facts_of(movie(box(b"udta", loci, xyz), in_keys)).latitude == 35.7143
    assert facts_of(movie(box(b"udta", loci, xyz))).latitude == 51.5335
    assert facts_of(movie(box(b"udta", loci))).longitude == 10
    nowhere = facts_of(movie(box(b"udta", loci, international(b"\xa9xyz", "+00.0000+000.0000/"))))
    assert (nowhere.latitude, nowhere.error) == (-20, "GPS: udta ©xyz: the coordinates are 0, 0")


def test_a_loci_with_an_utf_16_name(facts_of: FactsOf) -> None:
    name = "\ufeffkøb".encode("utf-16-be") + b"\0\0"
    loci = box(b"loci", bytes(6), name, b"\0", struct.pack(">lll", 10 << 16, -20 << 16, 0))
    assert facts_of(movie(box(b"udta", loci))).latitude == -20


def test_user_data_that_ends_with_zeros(facts_of: FactsOf) -> None:
    facts = facts_of(movie(box(b"udta", international(b"\xa9mak", "Maker"), bytes(4)), mvhd()))
    assert (facts.make, facts.duration, facts.error) == ("Maker", 2.5, None)


def test_a_video_of_four_gigabytes_is_read_by_seeking(tmp_path: Path) -> None:
    size = 4 * 1024**3
    file = tmp_path / "long.mp4"
    with file.open("wb") as out:
        out.write(FTYP + struct.pack(">L4sQ", 1, b"mdat", size))
        out.seek(len(FTYP) + size)
        out.write(box(b"moov", mvhd(), trak()))
    fd = os.open(file, os.O_RDONLY)
    os.lseek(fd, 7, os.SEEK_SET)
    started = time.process_time()
    facts = read(fd, now=datetime(2026, 1, 1, tzinfo=UTC), zone=UTC)
    seconds = time.process_time() - started
    position = os.lseek(fd, 0, os.SEEK_CUR)
    os.close(fd)
    assert (facts.duration, facts.width) == (2.5, 640)
    assert seconds < 0.2
    assert position == 7


def test_a_movie_that_is_cut_off_gives_what_is_there(facts_of: FactsOf) -> None:
    facts = facts_of(movie(mvhd(), trak())[:-60])
    assert facts.duration == 2.5


def test_ten_thousand_boxes_are_too_many(facts_of: FactsOf) -> None:
    facts = facts_of(FTYP + box(b"free") * 10_000 + box(b"moov", mvhd()))
    assert (facts.duration, facts.error) == (None, "the movie box is missing")


# HEIF ----------------------------------------------------------------------------------------------------------------

TIFF = b"MM\0*\0\0\0\x08\0\x01\x01\x10\0\x02\0\0\0\x04Cam\0\0\0\0\0"
EXIF_ITEM = b"\0\0\0\x06Exif\0\0" + TIFF


def heif(item: bytes, *, in_idat: bool, turns: int | None = None, locations: bytes | None = None) -> bytes:
    """A HEIC whose primary item 1 is 640 x 480 pixels, and whose item 2 is EXIF that lies at the end or in `idat`."""
    entries = box(b"infe", b"\x02\0\0\0", struct.pack(">HH", 1, 0), b"hvc1\0") + box(
        b"infe", b"\x02\0\0\0", struct.pack(">HH", 2, 0), b"Exif\0"
    )
    properties = box(b"ispe", bytes(4), struct.pack(">LL", 640, 480))
    owned = [1]
    if turns is not None:
        properties += box(b"irot", bytes((turns,)))
        owned.append(2)
    association = box(b"ipma", bytes(4), struct.pack(">LHB", 1, 1, len(owned)), bytes(owned))

    def whole(offset: int) -> bytes:
        extent = struct.pack(">LL", offset, len(item))
        located = struct.pack(">HHHH", 2, int(in_idat), 0, 1) + extent
        meta = box(
            b"meta",
            bytes(4),
            box(b"pitm", bytes(4), struct.pack(">H", 1)),
            box(b"iinf", bytes(4), struct.pack(">H", 2), entries),
            locations or box(b"iloc", b"\x01\0\0\0\x44\0", struct.pack(">H", 1), located),
            box(b"iprp", box(b"ipco", properties), association),
            box(b"idat", item) if in_idat else b"",
        )
        return box(b"ftyp", b"heic\0\0\0\0mif1heic") + meta + (b"" if in_idat else box(b"mdat", item))

    return whole(0) if in_idat else whole(len(whole(0)) - len(item))


@pytest.mark.parametrize("in_idat", [False, True])
def test_a_heic_has_the_size_of_its_primary_item_and_its_exif(facts_of: FactsOf, in_idat: bool) -> None:
    facts = facts_of(heif(EXIF_ITEM, in_idat=in_idat))
    assert (facts.media_type, facts.width, facts.height, facts.model) == ("image/heic", 640, 480, "Cam")
    assert facts.error is None


@pytest.mark.parametrize(("turns", "orientation"), [(0, 1), (1, 8), (2, 3), (3, 6)])
def test_quarter_turns_are_an_orientation_where_exif_has_none(facts_of: FactsOf, turns: int, orientation: int) -> None:
    assert facts_of(heif(EXIF_ITEM, in_idat=False, turns=turns)).orientation == orientation


@pytest.mark.parametrize(
    ("locations", "reason"),
    [
        (struct.pack(">HHHHH", 1, 2, 0, 0, 65) + bytes(65 * 8), "an item in 65 pieces"),
        (struct.pack(">HHHHHLL", 1, 2, 0, 0, 1, 0, 5 << 20), "an item is larger than real ones"),
        (struct.pack(">HHHHHLL", 1, 2, 0, 0, 1, 1 << 30, 10), "an item lies outside the file"),
        (struct.pack(">H", 0), "an item lies nowhere"),
        (struct.pack(">H", 0xFFFF), "a table breaks off"),
    ],
)
def test_an_item_that_can_not_be_loses_only_itself(facts_of: FactsOf, locations: bytes, reason: str) -> None:
    facts = facts_of(heif(EXIF_ITEM, in_idat=False, locations=box(b"iloc", b"\x01\0\0\0\x44\0", locations)))
    assert (facts.width, facts.error) == (640, f"HEIF: items: {reason}")


def test_what_follows_the_last_box_of_a_heic_is_no_fault(facts_of: FactsOf) -> None:
    facts = facts_of(heif(EXIF_ITEM, in_idat=True) + b"\0\0\0\x02junk")
    assert (facts.model, facts.error) == ("Cam", None)


def test_a_heic_with_a_video_behind_it_is_a_motion_photo(facts_of: FactsOf) -> None:
    still = heif(EXIF_ITEM, in_idat=True)
    assert facts_of(still + box(b"mpvd", FTYP, bytes(50))).motion_photo
    assert not facts_of(still + box(b"mpvd", bytes(70))).motion_photo


# Matroska ------------------------------------------------------------------------------------------------------------


def element(number: int, data: bytes) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big") + (len(data) | 1 << 56).to_bytes(8, "big") + data


INFO = element(
    0x1549A966,
    element(0x2AD7B1, (1_000_000).to_bytes(3, "big"))
    + element(0x4489, struct.pack(">d", 2500.0))
    + element(0x4461, (600_000_000 * 10**9).to_bytes(8, "big", signed=True)),
)
TRACKS = element(
    0x1654AE6B,
    element(0xAE, element(0x83, b"\x02"))
    + element(0xAE, element(0x83, b"\x01") + element(0xE0, element(0xB0, b"\x02\x80") + element(0xBA, b"\x01\xe0"))),
)
CLUSTER = element(0x1F43B675, bytes(1000))


def matroska(*parts: bytes, doc_type: bytes = b"webm") -> bytes:
    return element(0x1A45DFA3, element(0x4282, doc_type)) + element(0x18538067, b"".join(parts))


def test_a_webm_before_its_clusters(facts_of: FactsOf) -> None:
    facts = facts_of(matroska(INFO, TRACKS, CLUSTER))
    assert (facts.media_type, facts.duration, facts.width, facts.height) == ("video/webm", 2.5, 640, 480)
    assert facts.taken == datetime(2020, 1, 6, 10, 40, tzinfo=UTC)


def test_a_matroska_whose_tracks_only_the_index_finds(facts_of: FactsOf) -> None:
    def index(position: int) -> bytes:
        seek = element(0x53AB, (0x1654AE6B).to_bytes(4, "big")) + element(0x53AC, position.to_bytes(4, "big"))
        return element(0x114D9B74, element(0x4DBB, seek))

    behind = len(index(0)) + len(INFO) + len(CLUSTER)
    facts = facts_of(matroska(index(behind), INFO, CLUSTER, TRACKS, doc_type=b"matroska"))
    assert (facts.media_type, facts.width) == ("video/x-matroska", 640)


@pytest.mark.parametrize("duration", [float("nan"), float("inf"), -1.0, 0.0])
def test_a_duration_that_is_no_length_is_none(facts_of: FactsOf, duration: float) -> None:
    info = element(0x1549A966, element(0x4489, struct.pack(">d", duration)))
    assert facts_of(matroska(info, TRACKS)).duration is None
