"""The archive: every use case by one verb. It alone touches the trees and the catalogue together."""

from __future__ import annotations

from collections.abc import Callable

from sumu_dav.archive.draft import Desk
from sumu_dav.archive.folders import Folders
from sumu_dav.archive.moving import Moved, Moving
from sumu_dav.archive.nodes import FileNode, FolderNode, Path
from sumu_dav.archive.properties import Properties
from sumu_dav.archive.receive import Guard, Receiving
from sumu_dav.errors import NotFound


class Archive:
    """A family's photos: what lies where, and the changes that may be made to it. Safe for threads."""

    def __init__(self, desk: Desk, placeholder_seconds: float, release: Callable[[], None]) -> None:
        self.desk = desk
        self.lookup = desk.lookup
        self.tree = desk.lookup.tree
        self.catalog = desk.lookup.catalog
        self.trash = desk.performer.trash
        self.receiving = Receiving(desk)
        self.moving = Moving(desk, self.receiving)
        self.folders = Folders(desk, self.moving)
        self.properties = Properties(desk, self.receiving)
        self._placeholder_seconds = placeholder_seconds
        self._release = release

    @property
    def suspended(self) -> str | None:
        """Why nothing can be written any more, after a failed sync; None while all is well."""
        return self.tree.suspended or self.catalog.suspended

    def move(self, source: Path, target: Path, *, overwrite: bool, guard: Guard | None = None) -> Moved:
        """MOVE a file or a collection."""
        node = self.lookup.find(source)
        if node is None:
            raise NotFound(str(source))
        if isinstance(node, FileNode):
            return self.moving.move_file(source, target, overwrite=overwrite, guard=guard)
        return self.folders.move(source, target, overwrite=overwrite, guard=guard)

    def copy(
        self, source: Path, target: Path, *, overwrite: bool, members: bool = True, guard: Guard | None = None
    ) -> Moved:
        """COPY a file or a collection, the latter without its members where `members` is false."""
        node = self.lookup.find(source)
        if node is None:
            raise NotFound(str(source))
        if isinstance(node, FolderNode):
            return self.folders.copy(source, target, overwrite=overwrite, members=members, guard=guard)
        return self.moving.copy_file(source, target, overwrite=overwrite, guard=guard)

    def close(self) -> None:
        """Write what waits, and let others have the state."""
        performer = self.desk.performer
        for store in (self.catalog, self.lookup.seen.originals, self.lookup.seen.copies, performer.others, self.trash):
            store.close()
        self.tree.close()
        self._release()
