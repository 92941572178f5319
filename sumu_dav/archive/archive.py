"""The archive: every use case by one verb. It alone touches the trees and the catalogue together."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from sumu_dav.archive import condition
from sumu_dav.archive.changes.arriving import Moved
from sumu_dav.archive.changes.chunks import Chunks
from sumu_dav.archive.changes.folders import Folders
from sumu_dav.archive.changes.moving import Moving
from sumu_dav.archive.changes.properties import Properties
from sumu_dav.archive.changes.receive import Receiving
from sumu_dav.archive.changes.targets import Guard
from sumu_dav.archive.desk import Desk
from sumu_dav.archive.lookup import hidden_place, visible_place
from sumu_dav.archive.nodes import FileNode, FolderNode, Node, Path
from sumu_dav.archive.outside.listening import Watch
from sumu_dav.archive.outside.reconcile import Reconciler
from sumu_dav.archive.outside.watching import Watcher
from sumu_dav.archive.trash.housekeeping import Housekeeping, Patience
from sumu_dav.archive.trash.restoring import Restoring
from sumu_dav.archive.trash.trashing import Trashing
from sumu_dav.archive.usage import Usage
from sumu_dav.errors import NotFound
from sumu_dav.library import FolderStat


class Archive:
    """A family's photos: what lies where, and the changes that may be made to it. Safe for threads."""

    def __init__(
        self,
        desk: Desk,
        trashing: Trashing,
        usage: Usage,
        patience: Patience,
        watch: Watch,
        release: Callable[[], None],
    ) -> None:
        self.desk = desk
        self.lookup = desk.lookup
        self.tree = desk.lookup.tree
        self.catalog = desk.lookup.catalog
        self.trash = desk.performer.trash
        self.receiving = Receiving(desk)
        self.chunks = Chunks(self.tree, desk.performer.transit)
        self.moving = Moving(desk)
        self.folders = Folders(desk)
        self.properties = Properties(desk)
        self.usage = usage
        self.trashing = trashing
        self.restoring = Restoring(desk, trashing)
        self.housekeeping = Housekeeping(desk, trashing, self.chunks, patience)
        self.versions = desk.performer.versions
        self.watcher = Watcher(desk, self.reconciler(), watch)
        self._release = release

    @property
    def suspended(self) -> str | None:
        """Why nothing can be written any more, after a failed sync; None while all is well."""
        return self.desk.performer.suspended

    def collection_etag(self, path: Path) -> str:
        """The entity tag of a collection: another one after every change below it, and after every restart."""
        return self.versions.etag(path.user, path.parts)

    def move(
        self,
        source: Path,
        target: Path,
        *,
        overwrite: bool,
        guard: Guard | None = None,
        mtime_ns: int | None = None,
    ) -> Moved:
        """MOVE a file or a collection; a file with a modification time that its client gives it (nanoseconds)."""
        node = self.lookup.find(source)
        if node is None:
            raise NotFound(str(source))
        with ExitStack() as until_moved:
            if source.user != target.user:
                until_moved.callback(self.usage.copying(target.user, self._size_of(node)))
            if isinstance(node, FileNode):
                return self.moving.move_file(source, target, overwrite=overwrite, guard=guard, mtime_ns=mtime_ns)
            return self.folders.move(source, target, overwrite=overwrite, guard=guard)

    def copy(
        self, source: Path, target: Path, *, overwrite: bool, members: bool = True, guard: Guard | None = None
    ) -> Moved:
        """COPY a file or a collection, the latter without its members where `members` is false."""
        node = self.lookup.find(source)
        if node is None:
            raise NotFound(str(source))
        if isinstance(node, FolderNode):
            if members:
                self.usage.reserve(target.user, self._size_of(node))  # before the first of many files is copied
            return self.folders.copy(source, target, overwrite=overwrite, members=members, guard=guard)
        return self.moving.copy_file(source, target, overwrite=overwrite, guard=guard)

    def _size_of(self, node: Node) -> int:
        return node.stat.size if isinstance(node, FileNode) else self.usage.size_of(node.path)

    def folder_stats(self, path: Path) -> tuple[FolderStat | None, FolderStat | None]:
        """What tells that names came or went in a collection: its folders in the visible and in the hidden tree."""
        return self.tree.folder_stat(visible_place(path)), self.tree.folder_stat(hidden_place(path))

    def folder_modified(self, path: Path) -> float:
        """When the members of a collection last came or went, in seconds since the epoch."""
        stat = self.tree.folder_stat(visible_place(path)) or self.tree.folder_stat(hidden_place(path))
        return stat.mtime_ns / 1e9 if stat is not None else 0.0

    def problems(self, min_free: int) -> list[str]:
        """What keeps the archive from doing its work, in words; `min_free` is bytes."""
        return condition.problems(self, min_free)

    def reconciler(self) -> Reconciler:
        """A way to bring records up to date with what other programs did, for one thread."""
        return Reconciler(self.desk)

    def start(self) -> None:
        """Begin the work that goes on beside the requests."""
        self.housekeeping.start()
        self.watcher.start()

    def close(self) -> None:
        """Write what waits, and let others have the state."""
        self.watcher.stop()
        self.housekeeping.stop()
        performer = self.desk.performer
        for store in (self.catalog, self.lookup.seen.originals, self.lookup.seen.copies, performer.others, self.trash):
            store.close()
        self.tree.close()
        self._release()
