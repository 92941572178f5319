"""Matroska and WebM: date, duration and size, from the elements before the first cluster or where the index points.

Specifications: RFC 8794 (EBML), RFC 9559 (Matroska) §5.1.2 Info, §5.1.4 Tracks, §6.3 SeekHead. It must not know how
dates are chosen, and decodes no picture.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from sumu_dav.metadata.bounded import MalformedError, Source
from sumu_dav.metadata.dates import Claim
from sumu_dav.metadata.findings import Findings

_MAX_ELEMENTS = 2000
"""Elements of one level that are looked at."""

_EBML, _DOC_TYPE, _SEGMENT = 0x1A45DFA3, 0x4282, 0x18538067
_SEEK_HEAD, _SEEK, _SEEK_ID, _SEEK_POSITION = 0x114D9B74, 0x4DBB, 0x53AB, 0x53AC
_INFO, _SCALE, _DURATION, _DATE = 0x1549A966, 0x2AD7B1, 0x4489, 0x4461
_TRACKS, _TRACK, _TRACK_TYPE, _VIDEO, _WIDTH, _HEIGHT = 0x1654AE6B, 0xAE, 0x83, 0xE0, 0xB0, 0xBA
_CLUSTER = 0x1F43B675

_VIDEO_TRACK = 1
_DEFAULT_SCALE = 1_000_000
"""Nanoseconds of a tick where TimestampScale is absent (RFC 9559 §5.1.2.9)."""

_EPOCH = datetime(2001, 1, 1, tzinfo=UTC)
"""DateUTC counts nanoseconds from here (RFC 8794 §7.6)."""


@dataclass(frozen=True, slots=True)
class _Element:
    """An EBML element: its ID, where its data begin, and where they end (within what holds it)."""

    id: int
    start: int
    end: int


def read(source: Source, findings: Findings) -> None:
    """Read DocType, Info and Tracks; the clusters, which are the film, are never touched."""
    segment: _Element | None = None
    for element in _elements(source, 0, source.size):
        if element.id == _EBML:
            doc_type = next((e for e in _elements(source, element.start, element.end) if e.id == _DOC_TYPE), None)
            if doc_type is not None and _raw(source, doc_type, 16).rstrip(b"\0") == b"webm":
                findings.media_type = "video/webm"
        elif element.id == _SEGMENT:
            segment = element
            break
    if segment is None:
        raise MalformedError("Matroska: the segment is missing")
    found = _find_parts(source, segment, findings)
    for part, read_part in ((_INFO, _read_info), (_TRACKS, _read_tracks)):
        if part not in found:
            continue
        try:
            read_part(source, found[part], findings)
        except MalformedError as error:
            findings.refuse(f"Matroska: {error}")


def _find_parts(source: Source, segment: _Element, findings: Findings) -> dict[int, _Element]:
    """Return Info and Tracks: those before the first cluster, else those that the SeekHead points to."""
    found: dict[int, _Element] = {}
    try:
        for element in _elements(source, segment.start, segment.end):
            if element.id == _CLUSTER:
                break
            found.setdefault(element.id, element)
        index = found.get(_SEEK_HEAD)
        missing = {_INFO, _TRACKS} - found.keys()
        if index is None or not missing:
            return found
        for wanted, position in _seek_positions(source, index):
            if wanted in missing:
                at = segment.start + position
                found.update((e.id, e) for e in islice(_elements(source, at, segment.end), 1) if e.id == wanted)
    except MalformedError as error:
        findings.refuse(f"Matroska: {error}")
    return found


def _seek_positions(source: Source, index: _Element) -> Iterator[tuple[int, int]]:
    for seek in _elements(source, index.start, index.end):
        parts = {element.id: element for element in _elements(source, seek.start, seek.end)}
        if seek.id == _SEEK and _SEEK_ID in parts and _SEEK_POSITION in parts:
            yield _number(source, parts[_SEEK_ID]), _number(source, parts[_SEEK_POSITION])


def _read_info(source: Source, info: _Element, findings: Findings) -> None:
    scale, duration = _DEFAULT_SCALE, 0.0
    for element in _elements(source, info.start, info.end):
        if element.id == _SCALE:
            scale = _number(source, element)
        elif element.id == _DURATION:
            duration = _float(source, element)
        elif element.id == _DATE:
            nanoseconds = int.from_bytes(_raw(source, element, 8), "big", signed=True)
            # 64 bits of nanoseconds reach from 1708 to 2293: no date overflows.
            moment = _EPOCH + timedelta(seconds=nanoseconds // 1_000_000_000)
            findings.claims.append(Claim("container:utc", moment.isoformat()))
    seconds = duration * scale / 1e9
    if math.isfinite(seconds) and seconds > 0:
        findings.duration = seconds


def _read_tracks(source: Source, tracks: _Element, findings: Findings) -> None:
    """Take the size of the first video track."""
    for track in _elements(source, tracks.start, tracks.end):
        if track.id != _TRACK:
            continue
        parts = {element.id: element for element in _elements(source, track.start, track.end)}
        kind, video = parts.get(_TRACK_TYPE), parts.get(_VIDEO)
        if kind is None or video is None or _number(source, kind) != _VIDEO_TRACK:
            continue
        size = {element.id: element for element in _elements(source, video.start, video.end)}
        if _WIDTH in size and _HEIGHT in size:
            findings.pixels(_number(source, size[_WIDTH]), _number(source, size[_HEIGHT]))
        return


def _elements(source: Source, start: int, end: int) -> Iterator[_Element]:
    """Yield the elements between two positions; one of unknown size or that runs over ends with what holds it."""
    at = start
    for _ in range(_MAX_ELEMENTS):
        if at + 2 > end:
            return
        head = source.read(at, min(12, end - at))
        id_length = _vint_length(head[0], 4)
        size_length = _vint_length(head[id_length], 8) if id_length < len(head) else 0
        if not size_length or id_length + size_length > len(head):
            raise MalformedError(f"no element at {at}")
        data = at + id_length + size_length
        size = int.from_bytes(head[id_length : id_length + size_length], "big") & ((1 << 7 * size_length) - 1)
        unknown = size == (1 << 7 * size_length) - 1
        until = end if unknown else min(data + size, end)
        yield _Element(int.from_bytes(head[:id_length], "big"), data, until)
        at = until


def _vint_length(first: int, longest: int) -> int:
    """Return the length that the first byte of a variable-size integer announces (RFC 8794 §4)."""
    length = 9 - first.bit_length()
    if length > longest:
        raise MalformedError(f"a number of more than {longest} bytes")
    return length


def _raw(source: Source, element: _Element, longest: int) -> bytes:
    if element.end - element.start > longest:
        raise MalformedError(f"element 0x{element.id:x} has {element.end - element.start} bytes")
    return source.read(element.start, element.end - element.start)


def _number(source: Source, element: _Element) -> int:
    return int.from_bytes(_raw(source, element, 8), "big")


def _float(source: Source, element: _Element) -> float:
    raw = _raw(source, element, 8)
    if len(raw) == 4:
        return float(struct.unpack(">f", raw)[0])
    if len(raw) == 8:
        return float(struct.unpack(">d", raw)[0])
    return 0.0
