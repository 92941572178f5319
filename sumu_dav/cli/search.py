"""`search`: photos by album, time, place and words, read from the catalogue beside a running server or without one."""

from __future__ import annotations

import argparse
import math
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from sumu_dav.catalog import open_catalog
from sumu_dav.cli.output import add_json_option, print_list
from sumu_dav.dav.wiring import archive_options
from sumu_dav.settings import Settings

COLUMNS = ("taken", "isFavorite", "latitude", "longitude", "path")
"""What the table shows; `--json` gives every field."""

WORDS_IN = ("name", "album", "make", "model")
"""The fields that `--text` looks in."""

EARTH_KM = 6371.0088
"""The mean radius of the Earth (IUGG), which `--near` takes for a sphere: at most 0.6 % wrong."""

PAGER_OPTIONS = "FRSX"
"""For `less`, where the environment says nothing else: no waiting at the end of one page, no wrapped lines."""

_DAY = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Near:
    """A circle on the sphere: degrees and kilometres."""

    latitude: float
    longitude: float
    km: float


@dataclass(frozen=True, slots=True)
class Span:
    """The time that a year, month, day or moment takes up; naive on wall clocks, else between two moments."""

    start: datetime
    end: datetime


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser("search", help="find photos")
    parser.add_argument("--user", metavar="U", help="of this user")
    parser.add_argument("--album", metavar="A", help="in this album, and in those below it")
    parser.add_argument("--favorite", action="store_true", help="favorites alone")
    parser.add_argument("--video", action="store_true", help="videos alone")
    when = "2020, 2020-03, 2020-03-14 or 2020-03-14T15:09, with an offset or without"
    parser.add_argument("--since", metavar="D", type=span, help=f"taken then or later: {when}")
    parser.add_argument("--until", metavar="D", type=span, help="taken then or earlier; a year is meant to its end")
    parser.add_argument("--near", metavar="LAT,LON,KM", type=near, help="taken within so many kilometres of a place")
    parser.add_argument("--text", metavar="T", help="with these letters in name, album, make or model")
    add_json_option(parser)
    parser.set_defaults(run=_search)


def span(text: str) -> Span:
    """The time that a date means. Raises ValueError."""
    match = _DAY.fullmatch(text)
    if match is None:
        moment = datetime.fromisoformat(text)
        precise = text.count(":") > 1
        return Span(moment, moment + (timedelta(seconds=1) if precise else timedelta(minutes=1)))
    year, month, day = (int(part) if part else None for part in match.groups())
    start = datetime(year or 0, month or 1, day or 1)
    if day:
        return Span(start, start + timedelta(days=1))
    if month:
        return Span(start, (start + timedelta(days=31)).replace(day=1))
    return Span(start, start.replace(year=start.year + 1))


def near(text: str) -> Near:
    """A place and a distance. Raises ValueError."""
    latitude, longitude, km = (float(part) for part in text.split(","))
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180 and 0 <= km < math.inf):
        raise ValueError(text)
    return Near(latitude, longitude, km)


def _search(arguments: argparse.Namespace, settings: Settings) -> int:
    zone = archive_options(settings).zone
    tests = list(_tests(arguments, zone))
    records = open_catalog(str(settings.state)).table("media").all()
    found = [record for record in records if all(test(record) for test in tests)]
    found.sort(key=lambda record: _order(record, zone))
    rows = ({**record, "path": _path(settings, record)} for record in found)
    if arguments.json:
        print_list(rows, COLUMNS, as_json=True)
    else:
        with _paged():
            print_list(rows, COLUMNS, as_json=False)
    return 0


def _path(settings: Settings, record: Record) -> str:
    return os.path.join(settings.plex, record["user"], record["album"], record["name"])


def _tests(arguments: argparse.Namespace, zone: tzinfo) -> Iterator[Callable[[Record], bool]]:
    if arguments.user is not None:
        user = _folded(arguments.user)
        yield lambda record: _folded(record["user"]) == user
    if arguments.album is not None:
        album = _folded(arguments.album.strip("/"))
        yield lambda record: _is_in(_folded(record["album"]), album)
    if arguments.favorite:
        yield lambda record: bool(record.get("isFavorite"))
    if arguments.video:
        yield lambda record: bool(record.get("isVideo"))
    if arguments.since is not None:
        since: Span = arguments.since
        yield lambda record: _taken_by(record, since.start, zone, lambda taken, limit: taken >= limit)
    if arguments.until is not None:
        until: Span = arguments.until
        yield lambda record: _taken_by(record, until.end, zone, lambda taken, limit: taken < limit)
    if arguments.near is not None:
        place: Near = arguments.near
        yield lambda record: _is_near(record, place)
    if arguments.text is not None:
        text = _folded(arguments.text)
        yield lambda record: any(text in _folded(record.get(field) or "") for field in WORDS_IN)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _is_in(album: str, wanted: str) -> bool:
    return album == wanted or album.startswith(wanted + "/")


def _taken_by(record: Record, limit: datetime, zone: tzinfo, compare: Callable[[datetime, datetime], bool]) -> bool:
    """Wall clock against a date without an offset, as people remember; moment against one with an offset."""
    if record.get("taken") is None:
        return False
    taken = datetime.fromisoformat(record["taken"])
    if limit.tzinfo is not None:
        return compare(taken if taken.tzinfo else taken.replace(tzinfo=zone), limit)
    return compare(_wall_clock(taken, zone), limit)


def _wall_clock(taken: datetime, zone: tzinfo) -> datetime:
    """What a clock on the wall showed: in the server's zone where UTC alone is known."""
    if taken.utcoffset() == timedelta(0):
        taken = taken.astimezone(zone)
    return taken.replace(tzinfo=None)


def _order(record: Record, zone: tzinfo) -> tuple[datetime, str, str, str]:
    text = record.get("taken") or record["modified"]
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return moment.astimezone(UTC), record["user"], record["album"], record["name"]


def _is_near(record: Record, place: Near) -> bool:
    latitude, longitude = record.get("latitude"), record.get("longitude")
    if latitude is None or longitude is None:
        return False
    return distance_km(latitude, longitude, place.latitude, place.longitude) <= place.km


def distance_km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """The length of the great circle between two places in degrees (haversine formula), in kilometres."""
    up, across = math.radians(other_latitude - latitude), math.radians(other_longitude - longitude)
    level = math.cos(math.radians(latitude)) * math.cos(math.radians(other_latitude))
    chord = math.sin(up / 2) ** 2 + level * math.sin(across / 2) ** 2
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(chord)))


@contextmanager
def _paged() -> Iterator[None]:
    """What is printed goes through the pager of the user's choice, in a terminal."""
    if not sys.stdout.isatty():
        yield
        return
    environment = {**os.environ, "LESS": os.environ.get("LESS", PAGER_OPTIONS)}
    try:
        pager = subprocess.Popen(  # noqa: S602  as git and man do: the user's own environment names the program
            os.environ.get("PAGER") or "less", shell=True, stdin=subprocess.PIPE, text=True, env=environment
        )
    except OSError:
        yield
        return
    assert pager.stdin is not None
    try:
        with pager.stdin, redirect_stdout(pager.stdin):
            yield
    except BrokenPipeError:  # who has seen enough closes the pager
        pass
    finally:
        pager.wait()
