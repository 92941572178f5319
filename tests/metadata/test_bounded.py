"""The bounded readers: exactly the bytes that are there, or a reason; and never more than a file may cost."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumu_dav.metadata import bounded, ifd, isobmff
from sumu_dav.metadata.bounded import BytesSource, FileSource, MalformedError, Part
from sumu_dav.model import Facts

DATA = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def fd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    file: Path = tmp_path_factory.mktemp("bounded") / "file"
    file.write_bytes(DATA)
    descriptor = os.open(file, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@given(st.lists(st.tuples(st.integers(-10, len(DATA) + 10), st.integers(-10, len(DATA) + 10)), max_size=20))
def test_every_source_gives_exactly_what_was_asked_or_refuses(fd: int, wanted: list[tuple[int, int]]) -> None:
    wrapped = Part(BytesSource(b"before" + DATA + b"behind"), 6, len(DATA))
    for source in (FileSource(fd), BytesSource(DATA), wrapped):
        for offset, length in wanted:
            if offset >= 0 and length >= 0 and offset + length <= len(DATA):
                assert source.read(offset, length) == DATA[offset : offset + length]
            else:
                with pytest.raises(MalformedError):
                    source.read(offset, length)


def test_a_file_that_wants_more_reading_than_a_real_one_is_refused(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "MAX_READS", 3)
    source = FileSource(fd)
    for at in (0, 5000, 0):
        source.read(at, 1)
    with pytest.raises(MalformedError, match="more reading than a real one"):
        source.read(5000, 1)


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(DATA)
    descriptor = os.open(file, os.O_RDWR)
    source = FileSource(descriptor)
    os.ftruncate(descriptor, 10)
    with pytest.raises(MalformedError, match="became shorter"):
        source.read(0, 20)
    os.close(descriptor)


@given(st.binary(max_size=300), st.integers(0, 310), st.sampled_from(["big", "little"]))
def test_a_directory_of_any_bytes_gives_only_values_that_are_there(
    data: bytes, offset: int, order: Literal["big", "little"]
) -> None:
    reasons: list[str] = []
    try:
        found = ifd.directory(BytesSource(data), order, offset, range(0x10000), reasons)
    except MalformedError:
        return
    for tag in found.entries:
        raw = found.raw(tag)
        assert raw is not None
        assert len(raw) <= len(data)
        found.numbers(tag)


@given(st.binary(max_size=300))
def test_boxes_of_any_bytes_lie_inside_one_after_the_other(data: bytes) -> None:
    end = 0
    try:
        for box in isobmff.boxes(BytesSource(data), 0, len(data)):
            assert end < box.start
            assert box.end <= len(data)
            end = box.start - 1
    except MalformedError:
        return


SIGNATURES = (
    b"\xff\xd8\xff\xe1\0\x40Exif\0\0MM\0*\0\0\0\x08",
    b"\x89PNG\r\n\x1a\n",
    b"RIFF\0\0\0\0WEBP",
    b"II*\0\x08\0\0\0",
    b"GIF89a",
    b"\0\0\0\x10ftypheic\0\0\0\0\0\0\x01\0meta\0\0\0\0",
    b"\0\0\0\x10ftypqt  \0\0\0\0\0\0\x01\0moov",
    b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\xff",
)


@given(st.sampled_from(SIGNATURES), st.binary(max_size=400))
def test_any_bytes_behind_a_signature_are_harmless(
    facts_of: Callable[[bytes], Facts], signature: bytes, rest: bytes
) -> None:
    facts = facts_of(signature + rest)
    assert facts.media_type is not None
