"""MKCOL, and COPY, MOVE and DELETE of whole collections: both trees and every record below, by one plan.

What a COPY or MOVE replaces goes to the trash by the same plan: after a crash both are done, or neither.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sumu_dav.archive.changes.arriving import Moved
from sumu_dav.archive.changes.copied_trees import CopiedTree, copy_files_ahead
from sumu_dav.archive.changes.deleting import delete_node
from sumu_dav.archive.changes.favorites import unfavor_alone
from sumu_dav.archive.changes.moving import move_node
from sumu_dav.archive.changes.targets import Guard, check_new_folder, require_parent
from sumu_dav.archive.clones import Ahead
from sumu_dav.archive.desk import Desk
from sumu_dav.archive.draft import Draft
from sumu_dav.archive.failures import OF_A_MEMBER, Failure, MembersFailed
from sumu_dav.archive.lookup import hidden_place, photo_place, place_for_new, visible_place
from sumu_dav.archive.nodes import FileNode, FolderNode, Node, Path
from sumu_dav.errors import AlreadyExists, Forbidden, NotFound
from sumu_dav.library import any_junk
from sumu_dav.model import FAVORITES


class Folders:
    """Makes, copies, moves and deletes; collections whole."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.lookup = desk.lookup

    def make(self, path: Path, guard: Guard | None = None) -> None:
        """MKCOL (RFC 4918 §9.3). Raises AlreadyExists, ParentMissing, Forbidden or NameRefused."""
        if path.is_home or path.parts == (FAVORITES,):
            raise AlreadyExists(str(path))
        check_new_folder(path)
        with self.desk.turns.alone(path.user):
            node = self.lookup.find(path)
            if node is not None:
                raise AlreadyExists(str(path))
            require_parent(self.lookup, path)
            if guard is not None:
                guard(None)
            with Draft(self.desk) as draft:
                draft.require_folder(place_for_new(path))

    # DELETE

    def delete(self, path: Path, guard: Guard | None = None, *, why: str = "deleted") -> None:
        """DELETE a file or a whole collection, into the trash. Raises NotFound, Forbidden or MembersFailed."""
        if path.is_home:
            raise Forbidden(str(path), "a user's own folder can't be deleted")
        with self.desk.turns.alone(path.user):
            node = self.lookup.find(path)
            if node is None:
                raise NotFound(str(path))
            if guard is not None:
                guard(node)
            with Draft(self.desk) as draft:
                delete_node(draft, node, why)

    # COPY and MOVE

    def move(self, source: Path, target: Path, *, overwrite: bool, guard: Guard | None = None) -> Moved:
        """MOVE a collection with all that is in it, by one plan: after a crash at any step it is whole."""
        self._check_pair(source, target)
        if source.is_home or source.parts == (FAVORITES,):
            raise Forbidden(str(source), "this folder belongs to the account and can't be moved")
        with self.desk.turns.alone(source.user, target.user):
            node, there = self._look(source, target, overwrite, guard)
            with Draft(self.desk) as draft:
                self._make_way(draft, there)
                if any_junk((*source.parts, *target.parts)):
                    self._move_members(draft, node, target)
                else:
                    self._move_whole(draft, node, target)
        return Moved(there is None)

    def copy(
        self, source: Path, target: Path, *, overwrite: bool, members: bool = True, guard: Guard | None = None
    ) -> Moved:
        """COPY a collection (RFC 4918 §9.8.3), without its members where `members` is false (Depth: 0)."""
        self._check_pair(source, target)
        if source.is_home:
            raise Forbidden(str(source), "a user's own folder can't be copied")
        with Ahead(self.desk) as ahead:
            if members:
                self._look_for_copy(source, target, overwrite, guard)
                copy_files_ahead(self.lookup, ahead, source, target.user)
            with self.desk.turns.alone(source.user, target.user):
                node, there, staying = self._look_for_copy(source, target, overwrite, guard)
                with Draft(self.desk, ahead) as draft:
                    kept = {failure.path for failure in staying}
                    self._make_way(draft, there, kept)
                    copied = CopiedTree(draft, ahead, kept)
                    copied.add(node, target, members=members)
        return Moved(there is None, failures=(*staying, *copied.failures))

    def _look_for_copy(
        self, source: Path, target: Path, overwrite: bool, guard: Guard | None
    ) -> tuple[FolderNode, Node | None, tuple[Failure, ...]]:
        """The same as `_look`, and the members of what lies at the target that may not be replaced."""
        staying: list[Failure] = []

        def tolerant(there: Node | None) -> None:
            try:
                if guard is not None:
                    guard(there)
            except MembersFailed as error:
                staying.extend(error.failures)

        node, there = self._look(source, target, overwrite, tolerant)
        return node, there, tuple(staying)

    def _check_pair(self, source: Path, target: Path) -> None:
        if source == target:
            raise Forbidden(str(source), "source and destination are the same")
        if source.holds(target):
            raise Forbidden(str(target), "a folder can't go into itself")
        if target.holds(source):
            raise Forbidden(str(target), "a folder can't replace one that it lies in")
        if target.is_home or target.parts == (FAVORITES,):
            raise Forbidden(str(target), "this folder belongs to the account and can't be replaced")
        check_new_folder(target)

    def _look(self, source: Path, target: Path, overwrite: bool, guard: Guard | None) -> tuple[FolderNode, Node | None]:
        """The collection that goes, and what lies where it goes to."""
        node, there = self.lookup.find(source), self.lookup.find(target)
        if not isinstance(node, FolderNode):
            raise NotFound(str(source))
        require_parent(self.lookup, target)
        if there is not None and not overwrite:
            raise AlreadyExists(str(target))
        if guard is not None:
            guard(there)
        return node, there

    def _make_way(self, draft: Draft, there: Node | None, kept: Collection[Path] = ()) -> None:
        """What lies at the target is deleted (RFC 4918 §9.8.4, §9.9.3), but for the paths that are kept."""
        if there is None or there.path in kept:
            return
        if any(there.path.holds(path) for path in kept):
            for child in self.lookup.children(there.path):
                self._make_way(draft, child, kept)
        else:
            delete_node(draft, there, "overwritten")
            draft.clear(there.path)

    def _move_whole(self, draft: Draft, node: FolderNode, target: Path) -> None:
        source = node.path
        for place, to in (
            (visible_place(source), visible_place(target)),
            (hidden_place(source), hidden_place(target)),
        ):
            if self.lookup.tree.is_folder(place):
                draft.folder(to.parent)
                draft.move_folder(place, to)
        depth = len(source.parts)
        for photo in self.lookup.catalog.below(source.user, "/".join(source.parts)):
            if photo.user != target.user:
                photo = unfavor_alone(draft, photo)
            rest = photo_place(photo).parts[depth:-1]
            moved = replace(photo, user=target.user, album="/".join((*target.parts, *rest)))
            draft.put(moved if photo.user == target.user else replace(moved, loose_names=()))
        for other in self.desk.performer.others.below(source.user, source.parts):
            rest = tuple(other.path.split("/"))[depth:]
            draft.put_other(replace(other, user=target.user, path="/".join((*target.parts, *rest))))

    def _move_members(self, draft: Draft, node: FolderNode, target: Path) -> None:
        """Between hidden and visible names each member changes its kind, so each is moved for itself."""
        depth = len(node.path.parts)
        draft.require_folder(place_for_new(target))
        folders = [node.path]
        failures: list[Failure] = []
        for child in self.lookup.below(node.path):
            to = Path(target.user, (*target.parts, *child.path.parts[depth:]))
            if isinstance(child, FileNode):
                try:
                    move_node(draft, child, to, None)
                except OF_A_MEMBER as error:
                    failures.append(Failure(child.path, False, error))
            else:
                folders.append(child.path)
                draft.require_folder(place_for_new(to))
        if failures:
            raise MembersFailed(tuple(failures))
        for path in reversed(folders):
            other = draft.drop_other(path)
            if other is not None:
                draft.set_other(Path(target.user, (*target.parts, *path.parts[depth:])), other.properties)
            draft.rmdir(hidden_place(path))
            draft.rmdir(visible_place(path))
