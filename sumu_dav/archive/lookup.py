"""Finds what lies at a path, and what a collection holds.

Reads only: one stat or one scan of each tree, and the catalogue's indexes.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from sumu_dav.archive.hidden_names import HiddenNames
from sumu_dav.archive.nodes import Binding, FileNode, FolderNode, Node, Path
from sumu_dav.archive.versions import Versions
from sumu_dav.catalog import Catalog, SeenFile
from sumu_dav.errors import NameRefused, NotFound
from sumu_dav.library import Entry, Place, Side, Tree, any_junk, is_junk, is_media
from sumu_dav.model import FAVORITES, FileStat, Photo


def visible_place(path: Path) -> Place:
    """Where a path's file or folder lies in the tree that Plex indexes."""
    return Place(Side.VISIBLE, path.user, path.parts)


def hidden_place(path: Path) -> Place:
    """Where a path's file or folder lies in the tree that Plex never sees."""
    return Place(Side.HIDDEN, path.user, path.parts)


def place_for_new(path: Path) -> Place:
    """Where a new folder of this path is to lie. Raises NameRefused where no tree can hold it."""
    return hidden_place(path) if any_junk(path.parts) else visible_place(path)


def photo_place(photo: Photo) -> Place:
    """Where a photo's own file lies."""
    return Place(Side.VISIBLE, photo.user, (*album_parts(photo.album), photo.name))


def copy_place(photo: Photo) -> Place | None:
    """Where a favourite's copy lies; None for what is no favourite."""
    if photo.favorite_name is None:
        return None
    return Place(Side.VISIBLE, photo.user, (FAVORITES, photo.favorite_name))


def photo_path(photo: Photo) -> Path:
    """The filed path of a photo."""
    return Path(photo.user, (*album_parts(photo.album), photo.name))


def album_parts(album: str) -> tuple[str, ...]:
    """An album's name as path segments; "" is the user's own folder."""
    return tuple(album.split("/")) if album else ()


def bindings_of(photo: Photo) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every name of a photo: its collection (path below the user), and the name in it."""
    yield album_parts(photo.album), photo.name
    for name in photo.loose_names:
        yield (), name
    if photo.favorite_name is not None:
        yield (FAVORITES,), photo.favorite_name


def hash_etag(sha256: str) -> str:
    """The entity tag of bytes with this SHA-256 (hexadecimal digits)."""
    return f'"{sha256[:40]}"'


@dataclass(frozen=True, slots=True)
class Seen:
    """The stats beside the catalogue: of the photos' own files, and of the favourites' copies."""

    originals: SeenFile
    copies: SeenFile


class Lookup:
    """The name space of every user."""

    def __init__(
        self, tree: Tree, catalog: Catalog, seen: Seen, extensions: frozenset[str], versions: Versions
    ) -> None:
        self.tree = tree
        self._hidden_names = HiddenNames(tree, versions)
        self.catalog = catalog
        self.seen = seen
        self.extensions = extensions

    def is_media(self, name: str) -> bool:
        """Whether the name's extension says that it is a photo or a video."""
        return is_media(name, self.extensions)

    def hides(self, path: Path) -> bool:
        """Whether a file of this path belongs into the hidden tree whatever its bytes are."""
        return any_junk(path.parts) or (path.is_loose and not self.is_media(path.name))

    def place_of(self, node: FileNode) -> Place:
        """Where the bytes of a file lie."""
        if node.binding in (Binding.HIDDEN, Binding.PLACEHOLDER):
            return hidden_place(node.path)
        if node.binding is Binding.LOOSE and node.photo is not None:
            return photo_place(node.photo)
        return visible_place(node.path)

    def find(self, path: Path) -> Node | None:
        """What lies at the path, or None."""
        if path.is_home:
            return FolderNode(path, visible=True, hidden=True)
        hidden_folder = visible_folder = False
        if self._hidden_names.may_hide(path):
            hidden, hidden_folder = self.tree.look(hidden_place(path))
            if hidden is not None:
                return self._hidden_node(path, hidden)
        if not path.inbox:
            visible, visible_folder = self.tree.look(visible_place(path))
            if visible is not None:
                return self._visible_node(path, visible)
        loose = self._loose_node(path)
        if loose is not None or path.inbox:
            return loose
        if visible_folder or hidden_folder or path.parts == (FAVORITES,):
            return FolderNode(path, visible=visible_folder, hidden=hidden_folder)
        return None

    def is_plain(self, path: Path) -> bool:
        """Whether the visible tree alone decides what lies at the path: it is free where a file can get its name."""
        return len(path.parts) > 1 and not path.inbox and not self._hidden_names.may_hide(path)

    def beneath(self, path: Path) -> FileNode | None:
        """The visible or loose file of that name, whether or not a placeholder lies on top of it."""
        if not path.inbox:
            visible = self.tree.stat(visible_place(path))
            if visible is not None:
                return self._visible_node(path, visible)
        return self._loose_node(path)

    def _loose_node(self, path: Path) -> FileNode | None:
        photo = self.catalog.loose(path.user, path.name) if path.is_loose else None
        stat = self.tree.stat(photo_place(photo)) if photo is not None else None
        return FileNode(path, Binding.LOOSE, stat, photo) if stat is not None else None

    def find_open(self, path: Path) -> tuple[FileNode, int] | FolderNode | None:
        """What lies at the path, a file opened: the node, and a descriptor that is the caller's to close."""
        # The common case first, with as few calls to the system as can be: what is opened needs no stat before.
        if self.is_plain(path):
            with suppress(NotFound):
                fd, stat = self.tree.open_with_stat(visible_place(path))
                return self._visible_node(path, stat), fd
        node = self.find(path)
        return self.open(node) if isinstance(node, FileNode) else node

    def open(self, node: FileNode) -> tuple[FileNode, int]:
        """Open what lies at a file's path now: the node as it is of the opened bytes, and a descriptor, the caller's to
        close. Raises NotFound where it went away meanwhile.

        What was replaced since the node was found has another record by now: a tag of the old one would lie.
        """
        fd, stat = self.tree.open_with_stat(self.place_of(node))
        if stat == node.stat:
            return node, fd
        photo = self.catalog.by_doc(node.photo.doc_id) if node.photo is not None else None
        return replace(node, stat=stat, photo=photo), fd

    def find_file(self, path: Path) -> FileNode | None:
        """The file at the path; None for nothing and for a collection."""
        node = self.find(path)
        return node if isinstance(node, FileNode) else None

    def exists(self, path: Path) -> bool:
        """Whether anything lies at the path."""
        return self.find(path) is not None

    def children(self, path: Path) -> list[Node]:
        """The members of a collection, in no order. A missing collection has none."""
        return list(self.walk(path))

    def walk(self, path: Path) -> Iterator[Node]:
        """The same one by one: what is held meanwhile is what lies hidden there and, of the home, the names."""
        hidden = {entry.name: entry for entry in self.tree.scan(hidden_place(path))}
        if path.inbox:
            hidden = {name: entry for name, entry in hidden.items() if not entry.is_folder}
        else:
            yield from self._visible_children(path, hidden)
        if path.is_home:
            yield from self._loose_children(path, hidden)
        for entry in hidden.values():
            yield self._hidden_child(path.child(entry.name), entry, visible=False)

    def member(self, path: Path, name: str) -> Node | None:
        """One member of a collection, None where `walk` would not show one of that name."""
        try:
            node = self.find(path.child(name))
        except NameRefused:
            return None
        if path.is_home and is_junk(name) and not self.tree.has(hidden_place(path.child(name))):
            return None
        return node

    def member_names(self, path: Path) -> set[str]:
        """The names that members of a collection may have: all names on disk, without looking what is there."""
        names = set(self.tree.names(hidden_place(path)))
        if not path.inbox:
            names.update(self.tree.names(visible_place(path)))
        if path.is_home:
            names.update(self.catalog.loose_names(path.user))
            if not path.inbox:
                names.add(FAVORITES)
        return names

    def _visible_children(self, path: Path, hidden: dict[str, Entry]) -> Iterator[Node]:
        has_favorites = not path.is_home
        for entry in self.tree.walk(visible_place(path)):
            if path.is_home and is_junk(entry.name):
                continue
            has_favorites = has_favorites or entry.name == FAVORITES
            child, over = path.child(entry.name), hidden.pop(entry.name, None)
            if over is not None:
                yield self._hidden_child(child, over, visible=entry.is_folder)
            elif entry.is_folder:
                yield FolderNode(child, visible=True, hidden=False)
            else:
                yield self._visible_node(child, entry.stat)
        if not has_favorites and FAVORITES not in hidden:
            yield FolderNode(path.child(FAVORITES), visible=False, hidden=False)

    def _hidden_child(self, path: Path, entry: Entry, *, visible: bool) -> Node:
        if entry.is_folder:
            return FolderNode(path, visible=visible, hidden=True)
        return self._hidden_node(path, entry.stat)

    def below(self, path: Path) -> Iterable[Node]:
        """Every node below a collection, parents before their members."""
        for node in self.children(path):
            yield node
            if isinstance(node, FolderNode):
                yield from self.below(node.path)

    def etag(self, node: FileNode) -> str:
        """The strong entity tag of a file, quoted (RFC 9110 §8.8.3): its SHA-256 while its stat is the recorded one."""
        if self.hash_is_known(node) and node.photo is not None:
            return hash_etag(node.photo.sha256)
        stat = node.stat
        return f'"{stat.inode:x}-{stat.size:x}-{stat.mtime_ns:x}-{stat.ctime_ns:x}"'

    def hash_is_known(self, node: FileNode) -> bool:
        """Whether the record's SHA-256 is that of the bytes now on disk, as far as their stat can tell."""
        if not node.is_photo or node.photo is None:
            return False
        seen = self.seen.copies if node.binding is Binding.COPY else self.seen.originals
        return seen.get(node.photo.doc_id) == node.stat

    def _hidden_node(self, path: Path, stat: FileStat) -> FileNode:
        if stat.size or any_junk(path.parts):
            return FileNode(path, Binding.HIDDEN, stat)
        beneath = self.beneath(path)
        return FileNode(path, Binding.PLACEHOLDER, stat, beneath.photo if beneath else None)

    def _visible_node(self, path: Path, stat: FileStat) -> FileNode:
        if path.parts[0] == FAVORITES and len(path.parts) == 2:
            favorite = self.catalog.favorite(path.user, path.name)
            if favorite is not None:
                return FileNode(path, Binding.COPY, stat, favorite)
        photo = self.catalog.at(path.user, path.album, path.name)
        return FileNode(path, Binding.OTHER if photo is None else Binding.FILED, stat, photo)

    def _loose_children(self, path: Path, hidden: Container[str]) -> Iterator[FileNode]:
        """The loose names under which no file lies."""
        taken = set() if path.inbox else set(self.tree.names(visible_place(path)))
        albums: dict[str, dict[str, FileStat]] = {}
        for name, photo in self.catalog.loose_names(path.user).items():
            if name in hidden or (name in taken and self.tree.has(visible_place(path.child(name)))):
                continue
            if photo.album not in albums:
                folder = Place(Side.VISIBLE, photo.user, album_parts(photo.album))
                albums[photo.album] = {e.name: e.stat for e in self.tree.walk(folder) if not e.is_folder}
            stat = albums[photo.album].get(photo.name)
            if stat is not None:
                yield FileNode(path.child(name), Binding.LOOSE, stat, photo)
