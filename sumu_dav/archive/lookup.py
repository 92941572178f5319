"""Finds what lies at a path, and what a collection holds.

Reads only: one stat or one scan of each tree, and the catalogue's indexes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sumu_dav.archive.nodes import Binding, FileNode, FolderNode, Node, Path
from sumu_dav.catalog import Catalog, SeenFile
from sumu_dav.library import Place, Side, Tree, is_junk, is_media
from sumu_dav.model import FAVORITES, FileStat, Photo


def visible_place(path: Path) -> Place:
    """Where a path's file or folder lies in the tree that Plex indexes."""
    return Place(Side.VISIBLE, path.user, path.parts)


def hidden_place(path: Path) -> Place:
    """Where a path's file or folder lies in the tree that Plex never sees."""
    return Place(Side.HIDDEN, path.user, path.parts)


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


@dataclass(frozen=True, slots=True)
class Seen:
    """The stats beside the catalogue: of the photos' own files, and of the favourites' copies."""

    originals: SeenFile
    copies: SeenFile


class Lookup:
    """The name space of every user."""

    def __init__(self, tree: Tree, catalog: Catalog, seen: Seen, extensions: frozenset[str]) -> None:
        self.tree = tree
        self.catalog = catalog
        self.seen = seen
        self.extensions = extensions

    def is_media(self, name: str) -> bool:
        """Whether the name's extension says that it is a photo or a video."""
        return is_media(name, self.extensions)

    def hides(self, path: Path) -> bool:
        """Whether a file of this path belongs into the hidden tree whatever its bytes are."""
        if any(is_junk(part) for part in path.parts):
            return True
        return path.is_loose and not self.is_media(path.name)

    def place_of(self, node: FileNode) -> Place:
        """Where the bytes of a file lie."""
        if node.binding in (Binding.HIDDEN, Binding.PLACEHOLDER):
            return hidden_place(node.path)
        if node.binding is Binding.OTHER or node.photo is None:
            return visible_place(node.path)
        if node.binding is Binding.COPY:
            return visible_place(Path(node.path.user, node.path.parts))
        return photo_place(node.photo)

    def find(self, path: Path) -> Node | None:
        """What lies at the path, or None."""
        if path.is_home:
            return FolderNode(path, visible=True, hidden=True)
        hidden = self.tree.stat(hidden_place(path))
        if hidden is not None:
            return self._hidden_node(path, hidden)
        beneath = self.beneath(path)
        if beneath is not None:
            return beneath
        if path.inbox:
            return None
        visible_folder = self.tree.is_folder(visible_place(path))
        hidden_folder = self.tree.is_folder(hidden_place(path))
        if visible_folder or hidden_folder or path.parts == (FAVORITES,):
            return FolderNode(path, visible=visible_folder, hidden=hidden_folder)
        return None

    def beneath(self, path: Path) -> FileNode | None:
        """The visible or loose file of that name, whether or not a placeholder lies on top of it."""
        if not path.inbox:
            visible = self.tree.stat(visible_place(path))
            if visible is not None:
                return self._visible_node(path, visible)
        if path.is_loose:
            photo = self.catalog.loose(path.user, path.name)
            if photo is not None:
                stat = self.tree.stat(photo_place(photo))
                if stat is not None:
                    return FileNode(path, Binding.LOOSE, stat, photo)
        return None

    def find_file(self, path: Path) -> FileNode | None:
        """The file at the path; None for nothing and for a collection."""
        node = self.find(path)
        return node if isinstance(node, FileNode) else None

    def exists(self, path: Path) -> bool:
        """Whether anything lies at the path."""
        return self.find(path) is not None

    def children(self, path: Path) -> list[Node]:
        """The members of a collection, in no order. A missing collection has none."""
        nodes: dict[str, Node] = {}
        if not path.inbox:
            for entry in self.tree.scan(visible_place(path)):
                if path.is_home and is_junk(entry.name):
                    continue
                child = path.child(entry.name)
                nodes[entry.name] = (
                    FolderNode(child, visible=True, hidden=False)
                    if entry.is_folder
                    else self._visible_node(child, entry.stat)
                )
            if path.is_home and FAVORITES not in nodes:
                nodes[FAVORITES] = FolderNode(path.child(FAVORITES), visible=False, hidden=False)
        if path.is_home:
            for node in self._loose_children(path):
                nodes.setdefault(node.path.name, node)
        for entry in self.tree.scan(hidden_place(path)):
            child = path.child(entry.name)
            if not entry.is_folder:
                nodes[entry.name] = self._hidden_node(child, entry.stat)
            elif not path.inbox:
                known = nodes.get(entry.name)
                visible = isinstance(known, FolderNode) and known.visible
                nodes[entry.name] = FolderNode(child, visible=visible, hidden=True)
        return list(nodes.values())

    def below(self, path: Path) -> Iterable[Node]:
        """Every node below a collection, parents before their members."""
        for node in self.children(path):
            yield node
            if isinstance(node, FolderNode):
                yield from self.below(node.path)

    def etag(self, node: FileNode) -> str:
        """The strong entity tag of a file, quoted (RFC 9110 §8.8.3): of its SHA-256 while its stat is the recorded one."""
        if self.hash_is_known(node) and node.photo is not None:
            return f'"{node.photo.sha256[:40]}"'
        stat = node.stat
        return f'"{stat.inode:x}-{stat.size:x}-{stat.mtime_ns:x}-{stat.ctime_ns:x}"'

    def hash_is_known(self, node: FileNode) -> bool:
        """Whether the record's SHA-256 is that of the bytes now on disk, as far as their stat can tell."""
        if not node.is_photo or node.photo is None:
            return False
        seen = self.seen.copies if node.binding is Binding.COPY else self.seen.originals
        return seen.get(node.photo.doc_id) == node.stat

    def _hidden_node(self, path: Path, stat: FileStat) -> FileNode:
        if stat.size or any(is_junk(part) for part in path.parts):
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

    def _loose_children(self, path: Path) -> Iterable[FileNode]:
        albums: dict[str, dict[str, FileStat]] = {}
        for name, photo in self.catalog.loose_names(path.user).items():
            if photo.album not in albums:
                folder = Place(Side.VISIBLE, photo.user, album_parts(photo.album))
                albums[photo.album] = {e.name: e.stat for e in self.tree.scan(folder) if not e.is_folder}
            stat = albums[photo.album].get(photo.name)
            if stat is not None:
                yield FileNode(path.child(name), Binding.LOOSE, stat, photo)
