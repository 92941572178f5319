"""What an XMP packet says: dates, the parts of a motion photo, and whether a gain map makes it an HDR picture.

Specifications: ISO 16684-1 (XMP), Google's "Motion Photo format 1.0" (Container:Directory) and its older MicroVideo,
Adobe's "Gain map specification 1.0" (hdrgm:Version). Read as a stream of events by expat; a document type
declaration, which real packets don't have and entity attacks need, ends the reading.
It must not know in which container the packet lay, nor how long the file is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.parsers import expat

from sumu_dav.metadata.dates import GPS, Claim, parse
from sumu_dav.metadata.findings import Findings

MAX_PACKET = 1024 * 1024
"""Bytes of one packet: JPEG holds 64 KB, motion photos with maker notes some 20 KB."""

_MAX_TEXT = 256
"""Characters of one value that are kept."""

_MAX_DEPTH = 64
"""Levels of elements: real packets have a dozen, and expat keeps more than 100 bytes for each that is open."""

_MAX_ITEMS = 64
"""Parts of a container that are kept: real ones have 2 to 4."""

_EXIF = "http://ns.adobe.com/exif/1.0/"
_XMP = "http://ns.adobe.com/xap/1.0/"
_PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
_CAMERA = "http://ns.google.com/photos/1.0/camera/"
_CONTAINER = "http://ns.google.com/photos/1.0/container/"
_ITEM = "http://ns.google.com/photos/1.0/container/item/"
_GAIN_MAP = "http://ns.adobe.com/hdr-gain-map/1.0/"

_DATES = {
    f"{_EXIF} DateTimeOriginal": "xmp:DateTimeOriginal",
    f"{_PHOTOSHOP} DateCreated": "photoshop:DateCreated",
    f"{_XMP} CreateDate": "xmp:CreateDate",
}
_GPS_TIME = f"{_EXIF} GPSTimeStamp"
_MICRO_VIDEO_OFFSET = f"{_CAMERA} MicroVideoOffset"
_GAIN_MAP_VERSION = f"{_GAIN_MAP} Version"
_SINGLE = frozenset({*_DATES, _GPS_TIME, _MICRO_VIDEO_OFFSET, _GAIN_MAP_VERSION})
_OF_ITEM = {f"{_ITEM} {name}": name for name in ("Semantic", "Length", "Padding", "Mime")}
_WANTED = _SINGLE | _OF_ITEM.keys()


@dataclass(frozen=True, slots=True)
class Packet:
    """The part of a packet that its container has to check: how many bytes before the end a video should begin."""

    video_from_end: int | None = None


class _RefusedError(Exception):
    """The packet is not read on. The text is the reason."""


@dataclass(slots=True)
class _Gathered:
    """What the events of one packet brought: single values, and the items of the container in their order."""

    values: dict[str, str] = field(default_factory=dict)
    items: list[dict[str, str]] = field(default_factory=list)
    open_name: str | None = None
    open_text: str = ""
    depth: int = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise _RefusedError(f"it has more than {_MAX_DEPTH} levels")
        if name == f"{_CONTAINER} Item" or not _OF_ITEM.keys().isdisjoint(attributes):
            self._open_item()
        # Editors write thousands of attributes of their own history: most elements have none that is wanted.
        if not _WANTED.isdisjoint(attributes):
            for key, value in attributes.items():
                self._take(key, value)
        self.open_name, self.open_text = (name if name in _WANTED else None), ""

    def text(self, text: str) -> None:
        if self.open_name is not None and len(self.open_text) < _MAX_TEXT:
            self.open_text += text

    def end(self, name: str) -> None:
        self.depth -= 1
        if name == self.open_name:
            self._take(name, self.open_text)
        self.open_name = None

    def _open_item(self) -> None:
        if len(self.items) == _MAX_ITEMS:
            raise _RefusedError(f"its container has more than {_MAX_ITEMS} parts")
        self.items.append({})

    def _take(self, name: str, value: str) -> None:
        if name in _SINGLE:
            self.values.setdefault(name, value.strip()[:_MAX_TEXT])
        elif name in _OF_ITEM and self.items:
            self.items[-1][_OF_ITEM[name]] = value.strip()[:_MAX_TEXT]


def read_packet(packet: bytes, findings: Findings) -> Packet:
    """Add the dates and the gain map of a packet to the findings; return what its container has to check.

    A packet that breaks off gives what stood before the break.
    """
    if not findings.admits("XMP"):
        return Packet()
    if len(packet) > MAX_PACKET:
        findings.refuse(f"XMP: the packet has {len(packet)} bytes")
        return Packet()
    gathered = _Gathered()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = gathered.start
    parser.EndElementHandler = gathered.end
    parser.CharacterDataHandler = gathered.text
    parser.StartDoctypeDeclHandler = _refuse_declaration
    try:
        parser.Parse(packet.strip(b"\0 \t\r\n"), True)
    except expat.ExpatError as error:
        findings.refuse(f"XMP: {error}")
    except (_RefusedError, ValueError) as error:
        # Python's expat raises ValueError for an encoding that is declared and not one byte a character.
        findings.refuse(f"XMP: {error}")
    _take_dates(gathered.values, findings)
    findings.ultra_hdr = findings.ultra_hdr or _GAIN_MAP_VERSION in gathered.values
    return Packet(_video_from_end(gathered))


def _refuse_declaration(*_: object) -> None:
    raise _RefusedError("it declares a document type")


def _take_dates(values: dict[str, str], findings: Findings) -> None:
    for name, source in _DATES.items():
        if name in values:
            findings.claims.append(Claim(source, values[name]))
    if _GPS_TIME in values:
        moment = parse(values[_GPS_TIME])
        # exif:GPSTimeStamp is UTC whether it says so or not (EXIF 2.32 §4.6.6, GPSTimeStamp).
        ending = "" if moment is None or moment.tzinfo else "Z"
        findings.claims.append(Claim(GPS, values[_GPS_TIME] + ending))


def _video_from_end(gathered: _Gathered) -> int | None:
    """Return where the video begins, in bytes before the end of the file, None where the packet names none."""
    for index, item in enumerate(gathered.items):
        if item.get("Semantic") == "MotionPhoto":
            return _sum_of_lengths(gathered.items[index:])
    offset = gathered.values.get(_MICRO_VIDEO_OFFSET, "")
    return _positive(offset) or None


def _sum_of_lengths(items: Sequence[dict[str, str]]) -> int | None:
    """Return the bytes of the video and of what follows it: the items lie one after the other up to the end."""
    return sum(_positive(item.get("Length", "")) + _positive(item.get("Padding", "")) for item in items) or None


def _positive(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else 0
