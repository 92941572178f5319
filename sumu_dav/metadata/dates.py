"""The one rule for dates: which of the dates that a file claims is when it was taken, and at which offset from UTC.

Formats: EXIF 2.32 (JEITA CP-3451E) §4.6.4 "YYYY:MM:DD HH:MM:SS", ISO 8601 as XMP (ISO 16684-1 §8.2.1.1) and
QuickTime metadata write it. It must not know containers, files or where the catalogue keeps a date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo

ORDER = (
    "exif:DateTimeOriginal",
    "exif:DateTimeDigitized",
    "xmp:DateTimeOriginal",
    "photoshop:DateCreated",
    "xmp:CreateDate",
    "iptc:DateCreated",
    "quicktime:creationdate",
    "container:utc",
    "gps:utc",
)
"""Where a date may come from inside a file, best first."""

GPS = "gps:utc"
"""GPS date and time: a source of its own, and the measure of an offset that nobody wrote."""

_WRITTEN_BY_PEOPLE = ("exif:", "xmp:", "photoshop:", "iptc:")
"""Scans carry the date of the original: these sources reach back to 1900, clocks of devices to 1995."""

_EARLIEST_WRITTEN = datetime(1900, 1, 1)
_EARLIEST_CLOCK = datetime(1995, 1, 1)
_AHEAD = timedelta(days=1)
"""How far a date may lie in the future: clocks are wrong by a zone, seldom by more."""

_MAX_OFFSET = timedelta(hours=14)
"""The largest offset from UTC in use is +14:00 (Kiribati)."""

_STEP = timedelta(minutes=15)
"""Every offset in use is a multiple of this."""

_SLACK = timedelta(minutes=5)
"""A GPS fix may be this much older than the picture."""

_MAX_LENGTH = 64
"""Characters of a date: what is longer is none."""

_DATE = re.compile(
    r"(\d{4})[:\-/.](\d{1,2})[:\-/.](\d{1,2})"
    r"(?:[T ] *(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d*)?)? *(Z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)
_OFFSET = re.compile(r"([+-])(\d{1,2}):?(\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Claim:
    """A date as a file, a name or a client gives it: `source` of ORDER or another, `text`, and an offset beside it."""

    source: str
    text: str
    offset: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The date that won (aware where its offset is known, to the second), its source, and why others did not."""

    taken: datetime | None
    source: str | None
    refused: tuple[str, ...]


def choose(claims: Iterable[Claim], *, now: datetime, zone: tzinfo) -> Choice:
    """Return the first valid of `claims` by ORDER (unknown sources last), its offset inferred from GPS where none is.

    `now` is aware; `zone` is the server's and is used only to compare dates without an offset with `now`.
    """
    refused: list[str] = []
    ranked = sorted(claims, key=lambda claim: ORDER.index(claim.source) if claim.source in ORDER else len(ORDER))
    for claim in ranked:
        taken = _valid(claim, now, zone, refused)
        if taken is None:
            continue
        if taken.tzinfo is None:
            offset = _offset_by_gps(taken, ranked, now, zone)
            if offset is not None:
                aware = taken.replace(tzinfo=timezone(offset))
                return Choice(aware, f"{claim.source}, offset from GPS", tuple(refused))
        return Choice(taken, claim.source, tuple(refused))
    return Choice(None, None, tuple(refused))


def parse(text: str) -> datetime | None:
    """Read an EXIF or ISO 8601 date to the second; None where it is none. A day without a time is its midnight.

    An offset is kept only within 14 hours.
    """
    match = _DATE.fullmatch(text.strip())
    if match is None or len(text) > _MAX_LENGTH:
        return None
    year, month, day, hour, minute, second = (int(group or 0) for group in match.groups()[:6])
    try:
        local = datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None
    offset = parse_offset(match[7] or "")
    return local if offset is None else local.replace(tzinfo=timezone(offset))


def parse_offset(text: str) -> timedelta | None:
    """Read "Z" or "±HH:MM" within 14 hours; None for anything else."""
    text = text.strip()
    if text == "Z":
        return timedelta(0)
    match = _OFFSET.fullmatch(text)
    if match is None:
        return None
    size = timedelta(hours=int(match[2]), minutes=int(match[3]))
    if size > _MAX_OFFSET or int(match[3]) > 59:
        return None
    return -size if match[1] == "-" else size


def _valid(claim: Claim, now: datetime, zone: tzinfo, refused: list[str]) -> datetime | None:
    text = claim.text.split("\0", 1)[0].strip()[:_MAX_LENGTH]
    if not text.strip(" :"):
        # EXIF 2.32 §4.6.4 fills an unknown date with blanks: it is absent, not wrong.
        return None
    taken = parse(text)
    if taken is None:
        refused.append(f"{claim.source} {text!r} is not a date")
        return None
    if taken.tzinfo is None and claim.offset and claim.offset.strip(" :\0"):
        offset = parse_offset(claim.offset.split("\0", 1)[0])
        if offset is None:
            refused.append(f"{claim.source} has the offset {claim.offset[:_MAX_LENGTH]!r}, which is none")
        else:
            taken = taken.replace(tzinfo=timezone(offset))
    earliest = _EARLIEST_WRITTEN if claim.source.startswith(_WRITTEN_BY_PEOPLE) else _EARLIEST_CLOCK
    moment = taken if taken.tzinfo else taken.replace(tzinfo=zone)
    if taken.replace(tzinfo=None) < earliest or moment > now + _AHEAD:
        refused.append(f"{claim.source} {text!r} is out of range")
        return None
    return taken


def _offset_by_gps(local: datetime, claims: list[Claim], now: datetime, zone: tzinfo) -> timedelta | None:
    for claim in claims:
        if claim.source != GPS:
            continue
        fix = _valid(claim, now, zone, [])
        if fix is None or fix.tzinfo is None:
            continue
        difference = local.replace(tzinfo=UTC) - fix
        offset = round(difference / _STEP) * _STEP
        if abs(offset) <= _MAX_OFFSET and abs(difference - offset) <= _SLACK:
            return offset
    return None
