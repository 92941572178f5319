"""What lies at a path: the two trees, the loose names and the favourites' copies seen as one name space.

Reads only. Nothing here changes a file or a record.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sumu_dav.model import FAVORITES, FileStat, Photo


@dataclass(frozen=True, slots=True)
class Path:
    """A path of a user's name space, parsed: no parts is the user's own collection.

    `inbox` tells `/-/inbox/<user>/…`, where the loose names alone are seen, from `/<user>/…`.
    """

    user: str
    parts: tuple[str, ...] = ()
    inbox: bool = False

    @property
    def name(self) -> str:
        """The last segment; "" for the user's own collection."""
        return self.parts[-1] if self.parts else ""

    @property
    def parent(self) -> Path:
        """The collection that holds it."""
        return Path(self.user, self.parts[:-1], self.inbox)

    def child(self, name: str) -> Path:
        """The member of that name."""
        return Path(self.user, (*self.parts, name), self.inbox)

    @property
    def album(self) -> str:
        """The album that the path's file lies in ("" for the user's own folder)."""
        return "/".join(self.parts[:-1])

    @property
    def is_home(self) -> bool:
        """The user's own collection, or the inbox."""
        return not self.parts

    @property
    def is_loose(self) -> bool:
        """Directly below the user: a media file put here is filed."""
        return len(self.parts) == 1

    @property
    def in_favorites(self) -> bool:
        """The favourites album or below it."""
        return bool(self.parts) and self.parts[0] == FAVORITES and not self.inbox

    def holds(self, other: Path) -> bool:
        """Whether `other` is this path or lies below it."""
        return self.user == other.user and self.parts == other.parts[: len(self.parts)]

    def __str__(self) -> str:
        return "/".join(("/-/inbox" if self.inbox else "", self.user, *self.parts))


class Binding(Enum):
    """How a name is bound to bytes."""

    FILED = "a photo, at its place in an album"
    LOOSE = "a photo, by a loose name"
    COPY = "a favourite's copy"
    OTHER = "a file of the visible tree without a record"
    HIDDEN = "a file that Plex must not see"
    PLACEHOLDER = "a name whose bytes have not come yet"

    __hash__ = object.__hash__  # Enum's own is written in Python


PHOTO_BINDINGS = frozenset({Binding.FILED, Binding.LOOSE, Binding.COPY})


@dataclass(frozen=True, slots=True)
class FileNode:
    """A file as WebDAV sees it. `photo` is its record; for a placeholder, the record of the photo it lies on."""

    path: Path
    binding: Binding
    stat: FileStat
    photo: Photo | None = None

    @property
    def is_photo(self) -> bool:
        """Whether the name shows a photo's bytes and properties."""
        return self.binding in PHOTO_BINDINGS


@dataclass(frozen=True, slots=True)
class FolderNode:
    """A collection as WebDAV sees it: a folder of the visible tree, of the hidden one, or of both."""

    path: Path
    visible: bool
    hidden: bool


Node = FileNode | FolderNode
