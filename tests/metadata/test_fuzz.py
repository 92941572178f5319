"""Broken files, thousands of them: no exception, none over 1 s, none over 50 MB.

Every file of the shared media set is cut, flipped, given lengths that can't be, and stuffed into itself. The seed is
fixed; SUMU_FUZZ_SEED and SUMU_FUZZ_MUTANTS change it for a longer search.
"""

from __future__ import annotations

import json
import os
import random
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sumu_dav.metadata import choose_taken, read

MEDIA = Path(__file__).resolve().parents[3] / "shared" / "media"
MANIFEST = MEDIA / "manifest.json"
PATHS: list[str] = [f["path"] for f in json.loads(MANIFEST.read_text())["files"]] if MANIFEST.exists() else []
pytestmark = pytest.mark.skipif(not PATHS, reason="the shared media set is not beside the checkout")

SEED = os.environ.get("SUMU_FUZZ_SEED", "2026")
# 96 files make 5,760 mutants.
MUTANTS_A_FILE = int(os.environ.get("SUMU_FUZZ_MUTANTS", "60"))

SECONDS = 1.0
BYTES = 50_000_000

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ZONE = ZoneInfo("America/St_Johns")

# Lengths and counts that break readers, in each width.
EXTREMES = [
    value.to_bytes(width, order)
    for width in (1, 2, 4, 8)
    for order in ("big", "little")
    for value in {0, 1, 2, 7, 0x7F, 0x80, (1 << 8 * width) - 1, (1 << 8 * width - 1), (1 << 8 * width - 1) - 1}
]
# Where containers keep their lengths: before (boxes, PNG) or behind (RIFF, JPEG segments, IPTC) these.
LANDMARKS = (
    *(
        b"moov",
        b"mvhd",
        b"trak",
        b"tkhd",
        b"mdia",
        b"stbl",
        b"stsd",
        b"udta",
        b"meta",
        b"keys",
        b"ilst",
        b"data",
        b"loci",
    ),
    *(b"pitm", b"iinf", b"infe", b"iloc", b"iref", b"iprp", b"ipco", b"ipma", b"ispe", b"idat", b"mpvd", b"\xa9xyz"),
    *(b"Exif\0\0", b"II*\0", b"MM\0*", b"Apple iOS", b"8BIM", b"\x1c\x02", b"http://ns.adobe.com/xap", b"Item:Length"),
    *(
        b"IHDR",
        b"eXIf",
        b"iTXt",
        b"zTXt",
        b"VP8X",
        b"EXIF",
        b"XMP ",
        b"\x1a\x45\xdf\xa3",
        b"\x18\x53\x80\x67",
        b"\xff\xe1",
    ),
)
# An IFD that holds itself, boxes and elements that hold nothing but their like.
NESTED = (
    b"".join((8 * (500 - i)).to_bytes(4, "big") + b"moov" for i in range(500)),
    b"".join((8 * (500 - i)).to_bytes(4, "big") + b"meta" for i in range(500)),
    b"MM\0*\0\0\0\x08" + b"\0\x03" + b"\x87\x69\0\x04\0\0\0\x01\0\0\0\x08" * 3 + b"\0\0\0\x08",
    b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff" * 300,
)


def mutants(original: bytes, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    landmarks = [at for mark in LANDMARKS for at in occurrences(original, mark)]
    for number in range(MUTANTS_A_FILE):
        kind = rng.choice(("cut", "flip", "extreme", "extreme", "length", "length", "nest", "splice", "drop"))
        data = bytearray(original)
        at = place_in(data, landmarks, rng)
        if kind == "cut":
            del data[at:]
        elif kind == "flip":
            for _ in range(rng.randint(1, 12)):
                if data:
                    data[place_in(data, landmarks, rng)] ^= 1 << rng.randrange(8)
        elif kind in ("extreme", "length"):
            if kind == "length" and landmarks:
                at = max(0, rng.choice(landmarks) + rng.choice((-8, -4, -2, 0, 2, 4, 6, 8, 10, 12, 14)))
            value = rng.choice(EXTREMES)
            data[at : at + len(value)] = value
        elif kind == "nest":
            data[at:at] = rng.choice(NESTED)
        elif kind == "splice":
            start = place_in(data, landmarks, rng)
            data[at:at] = data[start : start + rng.randint(1, 4096)]
        else:
            del data[at : at + rng.randint(1, 64)]
        yield f"{kind} {number} at {at}", bytes(data)


def occurrences(data: bytes, mark: bytes) -> Iterator[int]:
    at = data.find(mark)
    for _ in range(20):
        if at < 0:
            return
        yield at
        at = data.find(mark, at + 1)


def place_in(data: bytearray, landmarks: list[int], rng: random.Random) -> int:
    """Pick a position, mostly where metadata lie: at the front, near the end, or near a landmark."""
    where = rng.choice(("front", "front", "landmark", "landmark", "end", "anywhere"))
    if where == "landmark" and landmarks:
        at = rng.choice(landmarks) + rng.randint(-16, 256)
    elif where == "end":
        at = len(data) - rng.randint(1, 8192)
    elif where == "anywhere":
        at = rng.randrange(len(data) or 1)
    else:
        at = rng.randrange(2048)
    return max(0, min(at, len(data) - 1))


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.parametrize("path", PATHS)
def test_mutants_are_harmless(path: str, traced: None, tmp_path: Path) -> None:
    print(f"seed {SEED}:{path}")
    rng = random.Random(f"{SEED}:{path}")
    file = tmp_path / "mutant"
    file.touch()
    fd = os.open(file, os.O_RDWR)
    try:
        for description, mutant in mutants((MEDIA / path).read_bytes(), rng):
            os.ftruncate(fd, 0)
            os.pwrite(fd, mutant, 0)
            assert_harmless(fd, description)
    finally:
        os.close(fd)


def assert_harmless(fd: int, description: str) -> None:
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    started = time.process_time()
    facts = read(fd, now=NOW, zone=ZONE)
    taken = choose_taken(facts, "IMG_0001.JPG", None, now=NOW, zone=ZONE)
    seconds = time.process_time() - started
    peak = tracemalloc.get_traced_memory()[1] - before

    assert seconds < SECONDS, description
    assert peak < BYTES, description
    assert taken.local.year >= 1900, description
    # What leaves the reader goes into a JSON file and back.
    assert json.loads(json.dumps([facts.latitude, facts.duration, facts.make, facts.error], allow_nan=False))
    assert facts.error is None or facts.error.isprintable(), description
