"""When a photo was taken, all told: the file, then its name, then the client's time, then the upload.

It must not read files: it works on the facts that were read. What it returns goes into the record as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from sumu_dav.metadata.dates import Claim, choose
from sumu_dav.metadata.names import date_in_name
from sumu_dav.model import Facts

ASSUMED = ", offset assumed"
"""How a source ends whose offset from UTC is not known: the server's time zone is taken for it."""

UPLOAD = "upload"
"""The source where nothing tells when a photo was taken."""

CLIENT = "client:mtime"
"""The source where only the client's modification time tells it."""


@dataclass(frozen=True, slots=True)
class Taken:
    """When a photo was taken, to the second.

    `text` is ISO 8601, with the offset where it is known (a source that gives UTC alone stays in UTC), without one
    where it is assumed. `local` is the wall clock that decides the album, naive. `timestamp` is the moment in seconds
    since 1970. `refused` says which dates outside the file were not believed (those inside are in Facts.error).
    """

    text: str
    source: str
    local: datetime
    timestamp: float
    refused: tuple[str, ...] = ()


def choose_taken(facts: Facts, name: str, client_time: datetime | None, *, now: datetime, zone: tzinfo) -> Taken:
    """Return when the photo of these facts was taken.

    `name` is the file's name as the client gave it, `client_time` (aware) the modification time that the client sent,
    `now` (aware) the time of the upload; `zone` is the server's time zone.
    """
    if facts.taken is not None:
        return _told(facts.taken, facts.taken_from or "", zone, ())
    refused: list[str] = []
    in_name = date_in_name(name)
    by_client = None if client_time is None else Claim(CLIENT, _utc(client_time).isoformat())
    for claim in (in_name, by_client):
        if claim is None:
            continue
        choice = choose([claim], now=now, zone=zone)
        refused.extend(choice.refused)
        if choice.taken is not None:
            return _told(choice.taken, claim.source, zone, tuple(refused))
    return _told(_utc(now), UPLOAD, zone, tuple(refused))


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def _told(taken: datetime, source: str, zone: tzinfo, refused: tuple[str, ...]) -> Taken:
    if taken.tzinfo is None:
        moment, local, source = taken.replace(tzinfo=zone), taken, source + ASSUMED
    else:
        moment = taken
        # A wall clock was written with its offset; UTC alone tells a moment, and the server's zone its wall clock.
        local = (taken.astimezone(zone) if _is_utc_alone(source) else taken).replace(tzinfo=None)
    return Taken(taken.isoformat(timespec="seconds"), source, local, moment.timestamp(), refused)


def _is_utc_alone(source: str) -> bool:
    return source in ("container:utc", "gps:utc", "name:pixel-utc", CLIENT, UPLOAD)
