"""Live properties: what is told of each resource, property by property (RFC 4918 §15, RFC 4331, ownCloud, Nextcloud,
Win32, and our own).

Must not know how an answer is put together.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import blake2b

from sumu_dav.archive.halves import other_half
from sumu_dav.archive.nodes import Binding, FileNode, FolderNode, Node, Path
from sumu_dav.dav.context import Context
from sumu_dav.dav.guards import bindings
from sumu_dav.dav.headers import http_date
from sumu_dav.dav.locks import Lock
from sumu_dav.dav.multistatus import SUPPORTED_LOCK, active_lock, element, text_element
from sumu_dav.model import Photo

DAV = "{DAV:}"
OC = "{http://owncloud.org/ns}"
NC = "{http://nextcloud.org/ns}"
SUMU = "{urn:sumu}"
WIN32 = "{urn:schemas-microsoft-com:}"

CHECKSUMS = OC + "checksums"
CREATION_TIME = NC + "creation_time"
"""Told by clients with an upload, and kept where dead properties are."""

_HASHED_IDS = 1 << 52
"""Ids that are no document id start here, and fit into what JavaScript and Java apps take for a number."""


@dataclass(frozen=True)
class View:
    """One resource as a caller sees it who may change it, or may not: nothing else of the caller shows."""

    context: Context
    node: Node
    writable: bool

    @property
    def file(self) -> FileNode | None:
        """The file; None for a collection."""
        return self.node if isinstance(self.node, FileNode) else None

    @property
    def photo(self) -> Photo | None:
        """The record; None for what is no photo."""
        file = self.file
        return file.photo if file is not None and file.is_photo else None

    @cached_property
    def dead(self) -> dict[str, str]:
        """The dead properties, as they are to be told."""
        return {name: xml for name, xml in self.kept.items() if name not in LIVE}

    @cached_property
    def kept(self) -> Mapping[str, str]:
        """What is kept where dead properties are."""
        return self.context.archive.properties.dead(self.node)


def file_id(node: Node) -> int:
    """A number that stays with a resource: a photo's own, or one that its name gives (loose names, copies, folders)."""
    if isinstance(node, FileNode) and node.binding is Binding.FILED and node.photo is not None:
        return node.photo.doc_id
    digest = blake2b("\0".join((str(node.path.inbox), node.path.user, *node.path.parts)).encode(), digest_size=6)
    return _HASHED_IDS | int.from_bytes(digest.digest(), "big")


def full_id(context: Context, number: int) -> str:
    """The id with the instance in it, as ownCloud and Nextcloud write it."""
    return f"{number:08d}oc{context.instance}"


def content_type(node: FileNode) -> str:
    """The media type: for a photo what its bytes say, else what the name says."""
    if node.is_photo and node.photo is not None and node.photo.media_type is not None:
        return node.photo.media_type
    return mimetypes.guess_type(node.path.name)[0] or "application/octet-stream"


def lock_discovery(context: Context, locks: Iterable[Lock]) -> str:
    """DAV:lockdiscovery (RFC 4918 §15.8)."""
    inner = "".join(
        active_lock(
            token=lock.token,
            root=lock.href,
            owner=lock.owner,
            shared=lock.shared,
            infinite=lock.infinite,
            seconds=context.locks.seconds_left(lock),
        )
        for lock in locks
    )
    return element(DAV + "lockdiscovery", inner)


def iso_utc(seconds: float) -> str:
    """An ISO 8601 time in UTC (RFC 4918 §15.1)."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def folder_modified(context: Context, path: Path) -> float:
    """When the members of a collection last came or went, in seconds since the epoch.

    One that lies nowhere yet (a home, its favorites) is as old as the account: clients refuse a folder of 1970.
    """
    modified = context.archive.folder_modified(path)
    created = None if modified else context.accounts.created(path.user)
    return modified if created is None else created.timestamp()


def _modified_seconds(view: View) -> float:
    """The modification time, seconds since the epoch."""
    if view.file is not None:
        return view.file.stat.mtime_ns / 1e9
    return folder_modified(view.context, view.node.path)


def _locks_of(view: View) -> list[Lock]:
    found: dict[str, Lock] = {}
    for path in bindings(view.node.path, view.photo):
        for lock in view.context.locks.covering(path):
            found[lock.token] = lock
    return list(found.values())


def _created(view: View) -> str:
    if view.photo is not None:
        moment = datetime.fromisoformat(view.photo.uploaded)
        return iso_utc(moment.timestamp())
    return iso_utc(_modified_seconds(view))


def _resource_type(view: View) -> str:
    inner = "<d:collection/>" if isinstance(view.node, FolderNode) else ""
    return element(DAV + "resourcetype", inner)


def _permissions(view: View) -> str:
    if not view.writable:
        return "SG"
    return "RGDNVW" if view.file is not None else "RGDNVCK"


def _checksums(view: View) -> str | None:
    photo = view.photo
    if view.file is None or photo is None or not view.context.archive.lookup.hash_is_known(view.file):
        return None
    ours = f"SHA256:{photo.sha256}"
    told = view.kept.get(CHECKSUMS)
    if told is not None and ours in told:
        return told
    return element(CHECKSUMS, text_element(OC + "checksum", ours))


def _etag(view: View) -> str:
    if view.file is not None:
        return view.context.archive.lookup.etag(view.file)
    return view.context.archive.collection_etag(view.node.path)


def _size(view: View) -> int:
    return view.file.stat.size if view.file is not None else view.context.archive.usage.size_of(view.node.path)


Reader = Callable[[View], str | None]


def _text(name: str, read: Callable[[View], object | None]) -> tuple[str, Reader]:
    def reader(view: View) -> str | None:
        value = read(view)
        return None if value is None else text_element(name, str(value))

    return name, reader


def _of_photo(name: str, field: str) -> tuple[str, Reader]:
    return _text(SUMU + name, lambda view: getattr(view.photo, field) if view.photo is not None else None)


def _files_only(read: Callable[[View], object]) -> Callable[[View], object | None]:
    return lambda view: read(view) if view.file is not None else None


def _photos_only(read: Callable[[Photo], object | None]) -> Callable[[View], object | None]:
    return lambda view: read(view.photo) if view.photo is not None else None


def _partner_id(view: View) -> object | None:
    photo = view.photo
    if photo is None or photo.live_photo_id is None:
        return None
    half = other_half(view.context.archive.catalog, photo)
    return half.doc_id if half is not None else None


LIVE: dict[str, Reader] = dict(
    [
        (DAV + "resourcetype", _resource_type),
        _text(DAV + "getcontentlength", _files_only(lambda view: view.file.stat.size if view.file else 0)),
        _text(DAV + "getcontenttype", _files_only(lambda view: content_type(view.file) if view.file else "")),
        _text(DAV + "getetag", _etag),
        _text(DAV + "getlastmodified", lambda view: http_date(_modified_seconds(view))),
        _text(DAV + "creationdate", _created),
        _text(DAV + "displayname", lambda view: view.node.path.name or view.node.path.user),
        (DAV + "supportedlock", lambda _view: SUPPORTED_LOCK),
        (DAV + "lockdiscovery", lambda view: lock_discovery(view.context, _locks_of(view))),
        _text(DAV + "quota-available-bytes", lambda view: view.context.archive.usage.available(view.node.path.user)),
        _text(DAV + "quota-used-bytes", lambda view: view.context.archive.usage.used(view.node.path.user)),
        _text(OC + "id", lambda view: full_id(view.context, file_id(view.node))),
        _text(OC + "fileid", lambda view: file_id(view.node)),
        _text(OC + "size", _size),
        _text(OC + "permissions", _permissions),
        _text(OC + "favorite", lambda view: int(view.photo.is_favorite) if view.photo else 0),
        (CHECKSUMS, _checksums),
        _text(OC + "owner-id", lambda view: view.node.path.user),
        _text(OC + "owner-display-name", lambda view: view.node.path.user),
        _text(NC + "upload_time", _photos_only(lambda photo: int(datetime.fromisoformat(photo.uploaded).timestamp()))),
        _text(NC + "has-preview", lambda _view: "false"),
        (
            NC + "metadata-photos-size",
            lambda view: (
                element(
                    NC + "metadata-photos-size",
                    text_element(NC + "width", str(view.photo.width))
                    + text_element(NC + "height", str(view.photo.height)),
                )
                if view.photo is not None and view.photo.width is not None
                else None
            ),
        ),
        _text(NC + "metadata-files-live-photo", _partner_id),
        _text(SUMU + "isFavorite", _photos_only(lambda photo: int(photo.is_favorite))),
        _of_photo("latitude", "latitude"),
        _of_photo("longitude", "longitude"),
        _of_photo("taken", "taken"),
        _of_photo("width", "width"),
        _of_photo("height", "height"),
        _of_photo("duration", "duration"),
        _text(
            SUMU + "camera",
            _photos_only(lambda photo: " ".join(each for each in (photo.make, photo.model) if each) or None),
        ),
        _of_photo("sha256", "sha256"),
        _of_photo("livePhotoId", "live_photo_id"),
    ]
)
"""Clark name to what writes the property, or None where the resource does not have it."""

NOT_IN_ALLPROP = frozenset(
    name
    for name in LIVE
    if not name.startswith(DAV) or name in (DAV + "quota-available-bytes", DAV + "quota-used-bytes")
)
"""RFC 4331 §3 keeps quota out of allprop; RFC 4918 §9.1 wants there only what it defines itself, and dead ones."""

WRITABLE = frozenset(
    (
        DAV + "getlastmodified",
        DAV + "lastmodified",
        OC + "favorite",
        SUMU + "isFavorite",
        WIN32 + "Win32LastModifiedTime",
    )
)
"""Properties whose change changes more than themselves."""


def names_of(view: View, readers: Mapping[str, Reader] = LIVE) -> list[str]:
    """The names of every property that the resource has."""
    return [name for name, read in readers.items() if read(view) is not None] + list(view.dead)


def everything(view: View, readers: Mapping[str, Reader] = LIVE) -> str:
    """The properties that allprop answers: those of RFC 4918, and the dead ones."""
    live = (read(view) for name, read in readers.items() if name not in NOT_IN_ALLPROP)
    return "".join(xml for xml in live if xml) + "".join(view.dead.values())


def some(view: View, names: Iterable[str], readers: Mapping[str, Reader] = LIVE) -> tuple[str, list[str]]:
    """The XML of the properties asked for, and the names of those that the resource does not have."""
    found: list[str] = []
    missing: list[str] = []
    for name in names:
        reader = readers.get(name)
        xml = reader(view) if reader is not None else None
        if xml is None:
            xml = view.dead.get(name)
        if xml is None:
            missing.append(name)
        else:
            found.append(xml)
    return "".join(found), missing
