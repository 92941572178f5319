"""The small request headers, each read into a value: Depth, Overwrite, Timeout, Prefer, client times, dates.

Must not know methods or resources: which header counts for what is the handler's to say. `environ` is WSGI's.
What only wishes for something (Prefer, X-OC-Mtime) is ignored where it makes no sense, since phone apps drop an upload
that is answered with 400; what commands something (Depth, Overwrite) is refused.
"""

from __future__ import annotations

import re
from base64 import b64encode
from calendar import timegm
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import formatdate
from enum import Enum
from functools import lru_cache
from typing import Any

from sumu_dav.dav.faults import BadRequest

MAX_LOCK_SECONDS = 3_600
"""The longest a lock lives without being refreshed: what a crashed client leaves behind is gone within the hour."""

DEFAULT_LOCK_SECONDS = 600
"""A lock's life where the client names none: what macOS asks for."""

EARLIEST_SECOND = -(2**31)
LATEST_SECOND = 15_032_385_535
"""The range of times that ext4 stores (1901-12-13 to 2446-05-10), and every newer file system too."""

REMEMBERED_DATES = 4_096
"""Dates that are kept written: writing one takes a sixth of a small download."""

_NANOSECONDS = 1_000_000_000
_TIME = re.compile(r"([+-]?)([0-9]{1,15})(?:\.([0-9]*))?")
_PREFERENCE = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*\"?([^\";,]*)\"?)?")
_CODED_URL = re.compile(r"\s*(?:<([^<>\s]+)>|([a-z]+:[^<>\s]+))\s*")

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CLOCK = r"(?P<hour>\d{2}):(?P<minute>\d{2}):(?P<second>\d{2})"
_DATES = (
    re.compile(
        rf"[A-Z][a-z]{{2}}, (?P<day>\d{{2}}) (?P<month>[A-Z][a-z]{{2}}) (?P<year>\d{{4}}) {_CLOCK} GMT", re.ASCII
    ),
    re.compile(rf"[A-Z][a-z]+, (?P<day>\d{{2}})-(?P<month>[A-Z][a-z]{{2}})-(?P<year>\d{{2}}) {_CLOCK} GMT", re.ASCII),
    re.compile(rf"[A-Z][a-z]{{2}} (?P<month>[A-Z][a-z]{{2}}) (?P<day>[ \d]\d) {_CLOCK} (?P<year>\d{{4}})", re.ASCII),
)


class Depth(Enum):
    """How far below the resource a request reaches (RFC 4918 §10.2)."""

    ZERO = "0"
    ONE = "1"
    INFINITY = "infinity"


@dataclass(frozen=True, slots=True)
class Prefer:
    """What the client would rather have (RFC 7240, RFC 8144): `return=minimal` and `depth-noroot`."""

    minimal: bool = False
    no_root: bool = False

    @property
    def applied(self) -> str:
        """The value of Preference-Applied (RFC 7240 §3) where each of them was honored; "" for none."""
        wishes = (("return=minimal", self.minimal), ("depth-noroot", self.no_root))
        return ", ".join(name for name, wished in wishes if wished)


def depth(environ: Mapping[str, Any], default: Depth) -> Depth:
    """The Depth header, `default` without one. Raises BadRequest for any other value."""
    sent = environ.get("HTTP_DEPTH")
    if sent is None:
        return default
    try:
        return Depth(sent.strip().lower())
    except ValueError:
        raise BadRequest(f"Depth is 0, 1 or infinity, not {sent[:40]!r}") from None


def overwrite(environ: Mapping[str, Any]) -> bool:
    """Whether a COPY or MOVE may replace its destination: yes, unless told (RFC 4918 §10.6). Raises BadRequest."""
    sent = environ.get("HTTP_OVERWRITE", "T").strip().upper()
    if sent not in ("T", "F"):
        raise BadRequest(f"Overwrite is T or F, not {sent[:40]!r}")
    return bool(sent == "T")


def lock_timeout(environ: Mapping[str, Any]) -> int:
    """The seconds that a lock is given, from the first time in the Timeout header that is understood (§10.7)."""
    for wish in environ.get("HTTP_TIMEOUT", "").split(","):
        wish = wish.strip().lower()
        if wish == "infinite":
            return MAX_LOCK_SECONDS
        kind, _, count = wish.partition("-")
        if kind == "second" and count.isascii() and count.isdigit():
            # Past ten digits only the bound matters, and int() is not asked to read a header's worth of them.
            seconds = MAX_LOCK_SECONDS if len(count) > 10 else int(count)
            return max(1, min(seconds, MAX_LOCK_SECONDS))
    return DEFAULT_LOCK_SECONDS


def lock_token(environ: Mapping[str, Any]) -> str:
    """The token of an UNLOCK (RFC 4918 §10.5), without its angle brackets, which npm's webdav leaves out.

    Raises BadRequest without one.
    """
    found = _CODED_URL.fullmatch(environ.get("HTTP_LOCK_TOKEN", ""))
    if found is None:
        raise BadRequest("the header Lock-Token must hold one token in angle brackets")
    return found[1] or found[2]


def prefer(environ: Mapping[str, Any]) -> Prefer:
    """The preferences that are known; the others are ignored, as RFC 7240 §2 wants. `Brief: t` is Windows' minimal."""
    minimal = environ.get("HTTP_BRIEF", "").strip().lower() == "t"
    no_root = False
    for preference in environ.get("HTTP_PREFER", "").split(","):
        found = _PREFERENCE.match(preference)
        if found is None:
            continue
        name, value = found[1].lower(), (found[2] or "").strip().lower()
        minimal = minimal or (name, value) == ("return", "minimal")
        no_root = no_root or name == "depth-noroot"
    return Prefer(minimal, no_root)


def modified_ns(environ: Mapping[str, Any]) -> int | None:
    """The client's modification time (X-OC-Mtime), nanoseconds since the epoch.

    Seconds as integer, decimal or negative. None for nonsense, and for a time that no file system keeps.
    """
    return parse_seconds(environ.get("HTTP_X_OC_MTIME", ""))


def created_ns(environ: Mapping[str, Any]) -> int | None:
    """The client's creation time (X-OC-Ctime), read as `modified_ns` is."""
    return parse_seconds(environ.get("HTTP_X_OC_CTIME", ""))


def parse_seconds(text: str) -> int | None:
    """Seconds since the epoch in decimal notation as nanoseconds; None for anything else, or out of range."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    sign, whole, fraction = found[1], found[2], found[3] or ""
    nanoseconds = int(whole) * _NANOSECONDS + int(fraction[:9].ljust(9, "0"))
    if sign == "-":
        nanoseconds = -nanoseconds
    if not EARLIEST_SECOND * _NANOSECONDS <= nanoseconds <= LATEST_SECOND * _NANOSECONDS:
        return None
    return nanoseconds


def favorite(environ: Mapping[str, Any]) -> bool | None:
    """Whether the upload is marked as a favourite (X-Favorite, as PhotoSync sends it); None where nothing is said."""
    return parse_flag(environ.get("HTTP_X_FAVORITE", ""))


def parse_flag(text: str) -> bool | None:
    """A flag as clients write it: 1, true, yes or 0, false, no in any case. None for anything else."""
    match text.strip().lower():
        case "1" | "true" | "yes":
            return True
        case "0" | "false" | "no":
            return False
    return None


def http_date(seconds: float) -> str:
    """The IMF-fixdate of a time in seconds since the epoch (RFC 9110 §5.6.7); a fraction is cut off."""
    return _http_date(int(seconds // 1))


@lru_cache(maxsize=REMEMBERED_DATES)
def _http_date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)


def repr_digest(sha256: str) -> str:
    """A Repr-Digest field (RFC 9530 §3)."""
    return f"sha-256=:{b64encode(bytes.fromhex(sha256)).decode('ascii')}:"


def parse_http_date(text: str) -> int | None:
    """Seconds since the epoch from a date in any of the three forms of RFC 9110 §5.6.7, None for anything else."""
    for form in _DATES:
        found = form.fullmatch(text.strip())
        if found is None or found["month"] not in _MONTHS:
            continue
        year = int(found["year"])
        if len(found["year"]) == 2:
            # POSIX's window: the RFC's own (50 years from now) needs a clock, and differs for no date in use.
            year += 1900 if year >= 69 else 2000
        second = min(int(found["second"]), 59)  # a leap second
        try:
            date = datetime(
                year,
                _MONTHS.index(found["month"]) + 1,
                int(found["day"]),
                int(found["hour"]),
                int(found["minute"]),
                second,
            )
        except ValueError:
            return None
        return timegm(date.timetuple())
    return None
