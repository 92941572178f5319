"""The kinds of values that a setting may have: each takes what the YAML file or the command line holds, and checks it.

Knows nothing of which settings there are, of files, or of the environment. What a kind refuses it refuses with
`KindError`; the message (key, what was found, what is allowed) is composed by the caller, from `Kind.allowed`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

T = TypeVar("T")

Network = IPv4Network | IPv6Network

SIZE_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
"""Bytes in each unit: powers of 1024, as `df -h` and `du -h` count."""

ALBUM_DIRECTIVES = frozenset("YyGmBbdjUWVaAuH%")
"""The strftime directives that make sense in an album's name and can't bring a slash into it."""

LONGEST_NAME = 255
"""Bytes of the longest file name that Linux file systems take."""


class KindError(ValueError):
    """The value is not of the kind."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """How one sort of value is read (`parse` raises `KindError`), and what it may be, in words for the message."""

    parse: Callable[[Any], T]
    allowed: str
    secret: bool = False

    def or_none(self) -> Kind[T | None]:
        """The same, where an empty value means that nothing is set."""
        return Kind(
            parse=lambda value: None if value is None else self.parse(value),
            allowed=f"{self.allowed}, or nothing",
            secret=self.secret,
        )

    def hidden(self) -> Kind[T]:
        """The same, for values that no message may repeat."""
        return replace(self, secret=True)


def parse_size(value: object) -> int:
    """Bytes of `50G`, `1.5T`, `500M`, `64K` or a plain number (units are powers of 1024). Raises `KindError`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", str(value).strip(), re.IGNORECASE)
    if isinstance(value, bool) or match is None:
        raise KindError
    return int(Decimal(match[1]) * SIZE_UNITS[match[2].upper()])


def size() -> Kind[int]:
    """A number of bytes."""
    return Kind(parse_size, "a size such as 500M, 50G or a number of bytes")


def text() -> Kind[str]:
    """Some characters on one line."""

    def parse(value: Any) -> str:
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise KindError
        return value.strip()

    return Kind(parse, "a text")


def flag() -> Kind[bool]:
    """True or false."""

    def parse(value: Any) -> bool:
        if not isinstance(value, bool):
            raise KindError
        return value

    return Kind(parse, "true or false")


def integer(least: int, most: int) -> Kind[int]:
    """A whole number within bounds (both included); the command line's digits are taken too."""

    def parse(value: Any) -> int:
        if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise KindError
        return value

    return Kind(parse, f"a whole number from {least} to {most}")


def number(least: float, most: float, unit: str) -> Kind[float]:
    """A number of some unit within bounds (both included)."""

    def parse(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise KindError
        return float(value)

    return Kind(parse, f"a number of {unit} from {least:g} to {most:g}")


def choice(*names: str) -> Kind[str]:
    """One of a few words. YAML 1.1 reads a bare `off` as false, which is taken back."""

    def parse(value: Any) -> str:
        if value is False and "off" in names:
            return "off"
        if not isinstance(value, str) or value not in names:
            raise KindError
        return value

    return Kind(parse, " or ".join(names))


def path() -> Kind[Path]:
    """A file or folder, not made absolute yet; `~` is the home of whoever runs the program."""

    def parse(value: Any) -> Path:
        if not isinstance(value, str | os.PathLike) or not os.fspath(value).strip() or "\0" in os.fspath(value):
            raise KindError
        return Path(os.path.expanduser(value))

    return Kind(parse, "a path")


def web_address() -> Kind[str]:
    """The root of a web server; always ends with a slash."""

    def parse(value: Any) -> str:
        try:
            parts = urlsplit(value if isinstance(value, str) else "")
            well_formed = bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError as error:
            raise KindError from error
        if not well_formed or parts.scheme not in ("http", "https") or parts.path not in ("", "/"):
            raise KindError
        if parts.query or parts.fragment or parts.username is not None or re.search(r"[^!-~]", value):
            raise KindError
        return f"{parts.scheme}://{parts.netloc}/"

    return Kind(parse, "an address such as https://photos.example.org/, without a path")


def origin() -> Kind[str]:
    """An origin as the `Origin` header has it (RFC 6454 §6.1): no slash at its end."""
    address = web_address()
    return Kind(lambda value: address.parse(value).rstrip("/"), "an origin such as https://photos.example.org")


def network() -> Kind[Network]:
    """An address, or a range of them in CIDR form (RFC 4632)."""

    def parse(value: Any) -> Network:
        try:
            return ip_network(value if isinstance(value, str) else "", strict=False)
        except ValueError as error:
            raise KindError from error

    return Kind(parse, "an address or range such as 127.0.0.1 or 10.0.0.0/8")


def time_zone() -> Kind[ZoneInfo]:
    """A zone of the IANA database."""

    def parse(value: Any) -> ZoneInfo:
        try:
            return ZoneInfo(value if isinstance(value, str) else "")
        except (KeyError, ValueError, OSError) as error:  # unknown, malformed, or the name of a folder of the database
            raise KindError from error

    return Kind(parse, "the name of a time zone such as Europe/Berlin")


def extension() -> Kind[str]:
    """A file name's extension, in lower case and without its dot."""

    def parse(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"\.?[0-9A-Za-z]{1,16}", value):
            raise KindError
        return value.removeprefix(".").lower()

    return Kind(parse, "an extension such as jpg")


def album_pattern() -> Kind[str]:
    """An strftime pattern that names an album at any date: no empty, dotted or endless name comes of it."""

    def parse(value: Any) -> str:
        if not isinstance(value, str) or not set(re.findall(r"%(.?)", value, re.DOTALL)) <= ALBUM_DIRECTIVES:
            raise KindError
        # The longest month and the shortest day show what a name can become.
        for day in (datetime(2026, 9, 30), datetime(2026, 5, 1)):
            for name in day.strftime(value).split("/"):
                if not name or name.startswith(".") or "\\" in name or not name.isprintable() or name != name.strip():
                    raise KindError
                if len(name.encode()) > LONGEST_NAME or name.casefold() == "favorites":
                    raise KindError
        return value

    return Kind(parse, 'an strftime pattern of an album such as "%y-%m" or "%Y/%m", no part empty or led by a dot')


def several(kind: Kind[T], *, least: int = 0) -> Kind[tuple[T, ...]]:
    """A list of values of one kind, at least so many."""

    def parse(value: Any) -> tuple[T, ...]:
        if isinstance(value, str) or not isinstance(value, Sequence) or len(value) < least:
            raise KindError
        return tuple(kind.parse(item) for item in value)

    return Kind(parse, f"a list, each {kind.allowed}")


def path_pairs() -> Kind[tuple[tuple[str, str], ...]]:
    """Folders here, and where another machine sees them; both absolute, the longest first so that it wins."""

    def parse(value: Any) -> tuple[tuple[str, str], ...]:
        if not isinstance(value, dict):
            raise KindError
        pairs = []
        for here, there in value.items():
            if not isinstance(here, str) or not isinstance(there, str) or not here.startswith("/") or not there:
                raise KindError
            pairs.append((here.rstrip("/") or "/", there.rstrip("/") or "/"))
        return tuple(sorted(pairs, key=lambda pair: -len(pair[0])))

    return Kind(parse, "a block of lines such as /srv/photos: /data/photos")
