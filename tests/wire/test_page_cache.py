"""What an upload leaves in the system's memory: large photos make room for what is being read."""

from __future__ import annotations

import ctypes
import mmap
import os
from pathlib import Path
from urllib.parse import unquote

import pytest

from support.samples import jpeg
from support.server import Server

LIBC = ctypes.CDLL(None, use_errno=True)
LARGE = 3_000_000
SMALL = 100_000


def pages_in_memory(path: Path) -> int:
    """How many of a file's pages are in the page cache, mincore(2); reading them in any way would bring more there."""
    size = path.stat().st_size
    resident = (ctypes.c_ubyte * (-(-size // mmap.PAGESIZE)))()
    with path.open("rb") as file, mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY) as mapping:
        first = ctypes.c_char.from_buffer(mapping)
        told = LIBC.mincore(ctypes.byref(first), ctypes.c_size_t(size), resident)
        del first
    assert told == 0, os.strerror(ctypes.get_errno())
    return sum(page & 1 for page in resident)


def needs_a_disk(folder: Path) -> None:
    """Skip on file systems whose files lie in memory, whatever is asked of them."""
    probe = folder / "probe"
    probe.write_bytes(bytes(SMALL))
    with probe.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if pages_in_memory(probe):
        pytest.skip("this file system keeps all files in memory")


def test_large_photos_leave_memory_and_small_ones_stay(server: Server, album: str, tmp_path: Path) -> None:
    needs_a_disk(tmp_path)
    alice = server.session()
    large, best, first, second, loose, small = (jpeg(pad=pad) for pad in (*[LARGE] * 5, SMALL))
    answers = [
        alice.put(f"{album}large.jpg", large),
        alice.put(f"{album}best.jpg", best, x_favorite="1"),
        alice.put(f"{album}changed.jpg", first),
        alice.put(f"{album}changed.jpg", second),
        alice.put("/alice/a loose one.jpg", loose),
        alice.put(f"{album}small.jpg", small),
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 204, 201, 201]

    folder = server.plex / album.strip("/")
    filed = server.plex / unquote(answers[4].headers["Content-Location"]).strip("/")
    for path in (*(folder / f"{name}.jpg" for name in ("large", "best", "changed")), filed):
        assert pages_in_memory(path) == 0, path
    assert pages_in_memory(server.plex / "alice" / "favorites" / "best.jpg") == 0
    assert pages_in_memory(folder / "small.jpg") >= SMALL // mmap.PAGESIZE

    for name, content in (("large", large), ("best", best), ("changed", second)):
        assert alice.get(f"{album}{name}.jpg").content == content


def test_what_came_in_chunks_leaves_memory_too(server: Server, album: str, tmp_path: Path) -> None:
    needs_a_disk(tmp_path)
    alice = server.session()
    upload, whole = "/remote.php/dav/uploads/alice/a-large-one/", jpeg(pad=4 * LARGE)
    assert alice.mkcol(upload).status_code == 201
    for number, start in enumerate(range(0, len(whole), LARGE), start=1):
        assert alice.put(f"{upload}{number:05}", whole[start : start + LARGE]).status_code == 201
    assert alice.move(f"{upload}.file", f"/remote.php/dav/files{album}whole.jpg").status_code == 201

    path = server.plex / album.strip("/") / "whole.jpg"
    assert pages_in_memory(path) < 4 * LARGE // mmap.PAGESIZE // 10, "its metadata was read, and little beside it"
    assert alice.get(f"{album}whole.jpg").content == whole
