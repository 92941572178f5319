"""The values that every layer speaks of: photos, what files say of themselves, accounts.

Nothing here touches a disk, a socket or a clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

FAVORITES = "favorites"
"""The name of the album that holds the copies of a user's favourites (compared without regard to case)."""


@dataclass(frozen=True, slots=True)
class FileStat:
    """What tells an unchanged file: all four are equal (times in nanoseconds, size in bytes)."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What a media file says of itself. What it does not say is None, never 0 or "".

    `taken` is the local time as written; it has a tzinfo where the offset is known (written, inferred from GPS,
    or UTC), and none where it must be assumed.  Degrees are decimal (south and west negative), altitude is
    metres, duration seconds, width and height stored pixels before `orientation` (EXIF 1 to 8, of a still) or
    `rotation` (degrees clockwise: 0, 90, 180, 270, of a video) is applied.
    """

    media_type: str | None = None
    is_video: bool = False
    taken: datetime | None = None
    taken_from: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    altitude: float | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    orientation: int | None = None
    rotation: int | None = None
    make: str | None = None
    model: str | None = None
    content_id: str | None = None
    motion_photo: bool = False
    ultra_hdr: bool = False
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Photo:
    """One record of the catalogue: a photo or a video of one user.

    `doc_id` is the TinyDB document id (a positive integer, never used again). Times are ISO 8601 strings.
    `album` is the folder's path below the user, "/"-separated, "" for the user's own folder. `properties` holds dead
    WebDAV properties: Clark name ("{namespace}local") to serialised XML. The path is derived, never stored.
    `extra` keeps the fields that someone else put into the record and that this version does not know.
    """

    doc_id: int
    id: str
    user: str
    album: str
    name: str
    size: int
    sha256: str
    modified: str
    uploaded: str
    is_favorite: bool = False
    favorite_name: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    altitude: float | None = None
    taken: str | None = None
    taken_from: str | None = None
    is_video: bool = False
    is_live_photo: bool = False
    live_photo_id: str | None = None
    media_type: str | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    orientation: int | None = None
    make: str | None = None
    model: str | None = None
    loose_names: tuple[str, ...] = ()
    metadata_error: str | None = None
    metadata_version: int = 0
    properties: dict[str, str] = field(default_factory=dict)
    extra: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may log in. `quota` is bytes, None for no limit; `shared_with` may read this account's tree."""

    name: str
    admin: bool = False
    quota: int | None = None
    shared_with: tuple[str, ...] = ()
