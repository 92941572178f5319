"""Bytes that came in and what they say of themselves, before they have a place; and the records made of them."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from io import FileIO
from typing import Any

from sumu_dav.errors import NotFound
from sumu_dav.library import Place, Tree, Upload
from sumu_dav.metadata import READER_VERSION, Taken, choose_taken, read
from sumu_dav.model import Facts, Photo

NOT_FROM_THE_FILE = ("name:", "client", "upload", "filename")
"""How `takenFrom` starts where not the file itself, but its name or a clock told the date."""


_BLOCK = 1 << 20
"""Bytes hashed at once: few enough that whoever wants the work to end waits for a moment alone."""


def nobody_waits() -> None:
    """Do nothing: between two blocks that nobody wants to be the last."""


@dataclass(frozen=True, slots=True)
class Content:
    """Whole, sealed bytes. `source` holds them: an upload without a name, or a file that is to be moved.

    `facts` and `taken` are None for what is no media file. `client_dated` tells that the client sent the modification
    time `mtime_ns` (nanoseconds since the epoch).
    """

    source: Upload | Place
    size: int
    sha256: str
    mtime_ns: int
    facts: Facts | None = None
    taken: Taken | None = None
    properties: dict[str, str] | None = None
    client_dated: bool = False

    @property
    def says_when(self) -> str | None:
        """The date taken, where the file itself tells it."""
        if self.taken is None or not from_the_file(self.taken.source):
            return None
        return self.taken.text


def from_the_file(source: str | None) -> bool:
    """Whether a date's source is the file itself, not its name or a clock."""
    return source is not None and not source.startswith(NOT_FROM_THE_FILE)


def same_moment(photo: Photo, content: Content) -> bool:
    """Whether both were taken at the same time, or neither says when: then the one is an edit of the other."""
    known = photo.taken if from_the_file(photo.taken_from) else None
    return known == content.says_when


def iso(moment_ns: int) -> str:
    """A file time (nanoseconds since the epoch) as ISO 8601 in UTC, to the microsecond."""
    seconds, rest = divmod(moment_ns, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000).isoformat()


class Records:
    """Makes the records of photos."""

    def __init__(self, new_doc_id: Callable[[], int], clock: Callable[[], datetime], zone: tzinfo) -> None:
        self._new_doc_id = new_doc_id
        self.clock = clock
        self.zone = zone

    def now(self) -> datetime:
        """This moment, with the server's time zone."""
        return self.clock().astimezone(self.zone)

    def read(self, fd: int, name: str, client_mtime_ns: int | None) -> tuple[Facts, Taken]:
        """What the open file says of itself, and when it was taken."""
        now = self.now()
        facts = read(fd, now=now, zone=self.zone)
        client_time = datetime.fromtimestamp(client_mtime_ns / 1e9, UTC) if client_mtime_ns is not None else None
        return facts, choose_taken(facts, name, client_time, now=now, zone=self.zone)

    def new(self, content: Content, user: str, album: str, name: str) -> Photo:
        """The record of a photo that was not there before."""
        return Photo(
            doc_id=self._new_doc_id(),
            id=str(uuid.uuid4()),
            user=user,
            album=album,
            name=name,
            uploaded=self.now().isoformat(timespec="seconds"),
            properties=dict(content.properties or {}),
            is_live_photo=content.facts is not None and content.facts.motion_photo,
            **_said_by(content),
        )

    def twin(self, photo: Photo, user: str, album: str, name: str) -> Photo:
        """The record of an independent copy: new id, no flag, no loose names; dead properties kept."""
        return replace(
            photo,
            doc_id=self._new_doc_id(),
            id=str(uuid.uuid4()),
            user=user,
            album=album,
            name=name,
            uploaded=self.now().isoformat(timespec="seconds"),
            is_favorite=False,
            favorite_name=None,
            loose_names=(),
        )

    def refreshed(self, photo: Photo, content: Content) -> Photo:
        """The record after its bytes were replaced: what people set stays, what the file says is new."""
        facts = content.facts or Facts()
        return replace(
            photo,
            properties={**photo.properties, **(content.properties or {})},
            is_live_photo=facts.motion_photo or (facts.content_id is not None and photo.is_live_photo),
            **_said_by(content),
        )


def _said_by(content: Content) -> dict[str, Any]:
    """The fields of a record that its bytes alone decide."""
    facts, taken = content.facts or Facts(), content.taken
    return {
        "size": content.size,
        "sha256": content.sha256,
        "modified": iso(content.mtime_ns),
        "latitude": facts.latitude,
        "longitude": facts.longitude,
        "altitude": facts.altitude,
        "taken": taken.text if taken else None,
        "taken_from": taken.source if taken else None,
        "is_video": facts.is_video,
        "live_photo_id": facts.content_id,
        "media_type": facts.media_type,
        "width": facts.width,
        "height": facts.height,
        "duration": facts.duration,
        "orientation": facts.orientation,
        "make": facts.make,
        "model": facts.model,
        "metadata_error": facts.error,
        "metadata_version": READER_VERSION,
    }


def content_of(
    tree: Tree,
    records: Records,
    place: Place,
    *,
    is_media: bool,
    name: str | None = None,
    dated: bool = True,
    between: Callable[[], object] = nobody_waits,
) -> Content:
    """The content of a file that lies in a tree already, hashed and read in place. Raises NotFound.

    `name` is the one that it is to have, where that is another one. Where it is not `dated`, its modification time
    means nothing, and the date taken is set. `between` is called before each block is read; it may raise.
    """
    fd = tree.open_file(place)
    with open(fd, "rb", buffering=0) as file:
        stat = os.fstat(fd)
        sha256 = _digest(file, between)
        mtime_ns = stat.st_mtime_ns
        facts, taken = records.read(fd, name or place.name, mtime_ns if dated else None) if is_media else (None, None)
    if taken is not None and not dated:
        mtime_ns = tree.set_times(place, taken_ns(taken)).mtime_ns
    return Content(place, stat.st_size, sha256, mtime_ns, facts, taken)


def sha256_of(tree: Tree, place: Place, between: Callable[[], object] = nobody_waits) -> str | None:
    """The SHA-256 of the bytes that lie there now, in hexadecimal digits; None where there is no file.

    `between` is called before each block is read; it may raise.
    """
    try:
        with open(tree.open_file(place), "rb", buffering=0) as file:
            return _digest(file, between)
    except NotFound:
        return None


def _digest(file: FileIO, between: Callable[[], object]) -> str:
    digest = hashlib.sha256()
    block = memoryview(bytearray(_BLOCK))
    between()
    while size := file.readinto(block):
        digest.update(block[:size])
        between()
    return digest.hexdigest()


def taken_ns(taken: Taken) -> int:
    """The moment a photo was taken as a file time (nanoseconds since the epoch)."""
    return int(taken.timestamp * 1_000_000) * 1000
