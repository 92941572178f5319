"""MKCOL, and COPY, MOVE and DELETE of whole collections: both trees, every record below, all or nothing."""

from __future__ import annotations

from dataclasses import replace

from sumu_dav.archive.changes.moving import Moved, Moving
from sumu_dav.archive.changes.receive import Guard, check_path
from sumu_dav.archive.draft import Desk, Draft, require_folder
from sumu_dav.archive.lookup import hidden_place, photo_place, visible_place
from sumu_dav.archive.nodes import Binding, FileNode, FolderNode, Node, Path
from sumu_dav.errors import AlreadyExists, Forbidden, NotFound, ParentMissing, SumuError
from sumu_dav.library import Place, check_folder_name, is_junk
from sumu_dav.model import FAVORITES, Photo


class Folders:
    """Makes, copies, moves and deletes; collections whole."""

    def __init__(self, desk: Desk, moving: Moving) -> None:
        self.desk = desk
        self.lookup = desk.lookup
        self.moving = moving

    def make(self, path: Path, guard: Guard | None = None) -> None:
        """MKCOL (RFC 4918 §9.3). Raises AlreadyExists, ParentMissing, Forbidden or NameRefused."""
        if path.is_home or path.parts == (FAVORITES,):
            raise AlreadyExists(str(path))
        self._check_new_folder(path)
        with self.desk.turns.alone(path.user):
            node = self.lookup.find(path)
            if node is not None:
                raise AlreadyExists(str(path))
            self._require_parent(path)
            if guard is not None:
                guard(None)
            draft = Draft(self.desk)
            draft.folder(self._place_for_new(path))
            draft.commit()

    def _check_new_folder(self, path: Path) -> None:
        if path.inbox:
            raise Forbidden(str(path), "the inbox is flat: it holds no folders")
        if path.in_favorites:
            raise Forbidden(str(path), "the favourites album is flat: it holds no folders")
        check_path(path)
        if not is_junk(path.name):
            check_folder_name(path.name)

    def _require_parent(self, path: Path) -> None:
        if not isinstance(self.lookup.find(path.parent), FolderNode):
            raise ParentMissing(str(path))

    def _place_for_new(self, path: Path) -> Place:
        hidden = any(is_junk(part) for part in path.parts)
        place = hidden_place(path) if hidden else visible_place(path)
        require_folder(self.lookup, place)
        return place

    # DELETE

    def delete(self, path: Path, guard: Guard | None = None, *, why: str = "deleted") -> None:
        """DELETE a file or a whole collection, into the trash (DESIGN §1). Raises NotFound or Forbidden."""
        if path.is_home:
            raise Forbidden(str(path), "a user's own folder can't be deleted")
        with self.desk.turns.alone(path.user):
            node = self.lookup.find(path)
            if node is None:
                raise NotFound(str(path))
            if guard is not None:
                guard(node)
            draft = Draft(self.desk)
            try:
                self.draft_delete(draft, node, why)
            except SumuError:
                draft.abandon()
                raise
            draft.commit()

    def draft_delete(self, draft: Draft, node: Node, why: str) -> None:
        """Add to the draft what deletes the node."""
        if isinstance(node, FileNode):
            self._delete_file(draft, node, why)
        elif node.path.parts == (FAVORITES,):
            self._clear_favorites(draft, node, why)
        else:
            self._delete_folder(draft, node, why)

    def _delete_file(self, draft: Draft, node: FileNode, why: str) -> None:
        path, place = node.path, self.lookup.place_of(node)
        if node.binding is Binding.PLACEHOLDER:
            draft.drop_other(path.user, path.parts)
            draft.unlink(place)
            beneath = self.lookup.beneath(path)
            if beneath is not None:
                self._delete_file(draft, beneath, why)
        elif node.binding is Binding.LOOSE and node.photo is not None:
            photo = draft.current(node.photo)
            draft.put(replace(photo, loose_names=tuple(n for n in photo.loose_names if n != path.name)))
        elif node.binding is Binding.COPY and node.photo is not None:
            self.moving.receiving.unfavor_with_partner(draft, node.photo)
        elif node.binding is Binding.FILED and node.photo is not None:
            self._delete_photo(draft, draft.current(node.photo), why)
        else:
            kept = self.desk.performer.others.get(path.user, path.parts)
            aside = kept.photo if kept is not None else None
            if aside is None and (node.stat.size == 0 or is_junk(path.name)):
                draft.unlink(place)
            else:
                draft.discard(path, place, node.stat.size, why, aside)
            draft.drop_other(path.user, path.parts)

    def _delete_photo(self, draft: Draft, photo: Photo, why: str) -> None:
        path, place = Path(photo.user, photo_place(photo).parts), photo_place(photo)
        draft.discard(path, place, photo.size, why, photo)
        if photo.is_favorite:
            draft.unfavor(photo)
        draft.drop(photo)

    def _clear_favorites(self, draft: Draft, node: FolderNode, why: str) -> None:
        """Every flag is cleared, by one entry in the trash; what else lies there is deleted for itself."""
        photos = list(self.lookup.catalog.favorites(node.path.user).values())
        if photos:
            draft.note_cleared(node.path.user, photos)
        for photo in photos:
            draft.unfavor(photo)
        for child in self.lookup.children(node.path):
            if isinstance(child, FileNode) and child.binding is not Binding.COPY:
                self._delete_file(draft, child, why)

    def _delete_folder(self, draft: Draft, node: FolderNode, why: str) -> None:
        folders = [node.path]
        for child in self.lookup.below(node.path):
            if isinstance(child, FileNode):
                self._delete_file(draft, child, why)
            else:
                folders.append(child.path)
        for path in reversed(folders):
            draft.drop_other(path.user, path.parts)
            draft.rmdir(hidden_place(path))
            draft.rmdir(visible_place(path))

    # COPY and MOVE

    def move(self, source: Path, target: Path, *, overwrite: bool, guard: Guard | None = None) -> Moved:
        """MOVE a collection with all that is in it, by one plan: after a crash at any step it is whole."""
        self._check_pair(source, target)
        if source.is_home or source.parts == (FAVORITES,):
            raise Forbidden(str(source), "this folder belongs to the account and can't be moved")
        with self.desk.turns.alone(source.user, target.user):
            node, there = self._look(source, target, overwrite)
            if guard is not None:
                guard(there)
            draft = Draft(self.desk)
            try:
                if there is not None:
                    self.draft_delete(draft, there, "overwritten")
                    draft.commit()
                    draft = Draft(self.desk)
                if any(is_junk(part) for part in (*source.parts, *target.parts)):
                    self._move_members(draft, node, target)
                else:
                    self._move_whole(draft, node, target)
            except SumuError:
                draft.abandon()
                raise
            draft.commit()
            return Moved(there is None)

    def _check_pair(self, source: Path, target: Path) -> None:
        if source == target:
            raise Forbidden(str(source), "source and destination are the same")
        if source.holds(target):
            raise Forbidden(str(target), "a folder can't go into itself")
        if target.holds(source):
            raise Forbidden(str(target), "a folder can't replace one that it lies in")
        if target.is_home or target.parts == (FAVORITES,):
            raise Forbidden(str(target), "this folder belongs to the account and can't be replaced")
        self._check_new_folder(target)

    def _look(self, source: Path, target: Path, overwrite: bool) -> tuple[FolderNode, Node | None]:
        node, there = self.lookup.find(source), self.lookup.find(target)
        if not isinstance(node, FolderNode):
            raise NotFound(str(source))
        self._require_parent(target)
        if there is not None and not overwrite:
            raise AlreadyExists(str(target))
        return node, there

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
            if photo.user != target.user and photo.is_favorite:
                photo = draft.unfavor(photo)
            rest = photo_place(photo).parts[depth:-1]
            moved = replace(photo, user=target.user, album="/".join((*target.parts, *rest)))
            draft.put(moved if photo.user == target.user else replace(moved, loose_names=()))
        for other in self.desk.performer.others.below(source.user, source.parts):
            rest = tuple(other.path.split("/"))[depth:]
            draft.put_other(replace(other, user=target.user, path="/".join((*target.parts, *rest))))

    def _move_members(self, draft: Draft, node: FolderNode, target: Path) -> None:
        """Between hidden and visible names each member changes its kind, so each is moved for itself."""
        depth = len(node.path.parts)
        draft.folder(self._place_for_new(target))
        folders = [node.path]
        for child in self.lookup.below(node.path):
            to = Path(target.user, (*target.parts, *child.path.parts[depth:]))
            if isinstance(child, FileNode):
                self.moving.draft_move(draft, child, to, None)
            else:
                folders.append(child.path)
                draft.folder(self._place_for_new(to))
        for path in reversed(folders):
            other = draft.drop_other(path.user, path.parts)
            if other is not None:
                draft.set_other(target.user, (*target.parts, *path.parts[depth:]), other.properties)
            draft.rmdir(hidden_place(path))
            draft.rmdir(visible_place(path))

    def copy(
        self, source: Path, target: Path, *, overwrite: bool, members: bool = True, guard: Guard | None = None
    ) -> Moved:
        """COPY a collection (RFC 4918 §9.8.3), without its members where `members` is false (Depth: 0)."""
        self._check_pair(source, target)
        if source.is_home:
            raise Forbidden(str(source), "a user's own folder can't be copied")
        with self.desk.turns.alone(source.user, target.user):
            node, there = self._look(source, target, overwrite)
            if guard is not None:
                guard(there)
            draft = Draft(self.desk)
            try:
                if there is not None:
                    self.draft_delete(draft, there, "overwritten")
                    draft.commit()
                    draft = Draft(self.desk)
                self._copy_folder(draft, node, target, members)
            except SumuError:
                draft.abandon()
                raise
            draft.commit()
            return Moved(there is None)

    def _copy_folder(self, draft: Draft, node: FolderNode, target: Path, members: bool) -> None:
        depth = len(node.path.parts)
        nodes: list[Node] = [node, *(self.lookup.below(node.path) if members else ())]
        for child in nodes:
            to = Path(target.user, (*target.parts, *child.path.parts[depth:]))
            if isinstance(child, FolderNode):
                draft.folder(self._place_for_new(to))
                other = self.desk.performer.others.get(child.path.user, child.path.parts)
                if other is not None:
                    draft.set_other(to.user, to.parts, dict(other.properties))
            elif child.binding is not Binding.PLACEHOLDER:
                self.moving.draft_twin(draft, child, to, None)
