"""The one rule for places: decimal degrees from EXIF GPS values, ISO 6709 text, and 3GPP `loci` numbers.

Specifications: EXIF 2.32 §4.6.6 (GPS IFD), ISO 6709:2008 annex H (`±DD.D±DDD.D±AAA/`), 3GPP TS 26.244 §8.5 (`loci`).
It must not know containers. A value out of range is refused, never wrapped.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_ISO_6709 = re.compile(
    r"([+-])(\d{1,6}(?:\.\d{1,12})?)([+-])(\d{1,7}(?:\.\d{1,12})?)(?:([+-]\d{1,6}(?:\.\d{1,12})?))?", re.ASCII
)


class NoPlaceError(Exception):
    """What was written is no place on earth. The text is the reason."""


@dataclass(frozen=True, slots=True)
class Place:
    """Decimal degrees (south and west negative) and metres above sea level."""

    latitude: float
    longitude: float
    altitude: float | None = None


def place(latitude: float, longitude: float, altitude: float | None = None) -> Place:
    """Return the checked place; raise NoPlaceError out of range and at exactly 0, 0 (a receiver without a fix)."""
    if not (math.isfinite(latitude) and math.isfinite(longitude)):
        raise NoPlaceError("the coordinates are not finite")
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise NoPlaceError(f"the coordinates {latitude:.6f}, {longitude:.6f} are out of range")
    if latitude == 0 and longitude == 0:
        raise NoPlaceError("the coordinates are 0, 0")
    return Place(latitude, longitude, altitude if altitude is not None and math.isfinite(altitude) else None)


def degrees(parts: object, reference: str, positive: str, negative: str) -> float:
    """Return decimal degrees of EXIF rationals (degrees, minutes, seconds); raise NoPlaceError without a clear sign.

    `reference` is the letter beside them, which must be `positive` or `negative` in either case.
    """
    letter = reference.strip().upper()
    if letter not in (positive, negative):
        raise NoPlaceError(f"the reference {reference[:8]!r} is neither {positive} nor {negative}")
    if not isinstance(parts, tuple) or not parts:
        raise NoPlaceError("the coordinates are empty")
    rationals = (parts,) if isinstance(parts[0], int) else parts
    values = [ratio(part) for part in rationals[:3]]
    total = 0.0
    for value, unit in zip(values, (1, 60, 3600), strict=False):
        if value is None:
            raise NoPlaceError("the coordinates divide by zero")
        if value < 0:
            raise NoPlaceError("the coordinates are negative beside a reference")
        total += value / unit
    return -total if letter == negative else total


def ratio(value: object) -> float | None:
    """Return numerator / denominator of a pair, None for a zero denominator or what is no pair."""
    match value:
        case (int() as numerator, int() as denominator) if denominator != 0:
            return numerator / denominator
        case _:
            return None


def from_iso_6709(text: str) -> Place:
    """Read `±DD.D±DDD.D±AAA/`, also with minutes (`±DDMM.M±DDDMM.M`) and seconds; raise NoPlaceError otherwise."""
    # The altitude's unit and the reference system ("CRSWGS_84/") follow; only the numbers in front are read.
    match = _ISO_6709.match(text.strip()[:64])
    if match is None:
        raise NoPlaceError(f"{text[:40]!r} is not ISO 6709")
    latitude = _sexagesimal(match[2], 2, text)
    longitude = _sexagesimal(match[4], 3, text)
    return place(
        -latitude if match[1] == "-" else latitude,
        -longitude if match[3] == "-" else longitude,
        float(match[5]) if match[5] else None,
    )


def _sexagesimal(number: str, degree_digits: int, text: str) -> float:
    whole, point, fraction = number.partition(".")
    extra = len(whole) - degree_digits
    if extra <= 0:
        return float(number)
    if extra not in (2, 4):
        raise NoPlaceError(f"{text[:40]!r} is not ISO 6709")
    parts = [whole[:degree_digits], *(whole[i : i + 2] for i in range(degree_digits, len(whole), 2))]
    parts[-1] += point + fraction
    whole_degrees, *smaller = (float(part) for part in parts)
    if any(value >= 60 for value in smaller):
        raise NoPlaceError(f"{text[:40]!r} has 60 minutes or seconds")
    return whole_degrees + sum(value / unit for value, unit in zip(smaller, (60, 3600), strict=False))


def from_fixed_point(latitude: bytes, longitude: bytes, altitude: bytes) -> Place:
    """Read the signed 16.16 numbers (4 bytes each) of a `loci` box; raise NoPlaceError where they are no place."""
    north, east, up = (int.from_bytes(raw, "big", signed=True) / 65536 for raw in (latitude, longitude, altitude))
    return place(north, east, up)
