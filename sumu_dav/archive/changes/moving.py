"""MOVE and COPY of one file: what becomes of its bytes, record, names and flag (DESIGN §1, "Favourites")."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sumu_dav.archive.changes.receive import Guard, Receiving
from sumu_dav.archive.content import Content, content_of
from sumu_dav.archive.draft import Desk, Draft, album_of, require_folder
from sumu_dav.archive.lookup import album_parts, hidden_place, photo_path, photo_place, visible_place
from sumu_dav.archive.nodes import Binding, FileNode, FolderNode, Node, Path
from sumu_dav.errors import AlreadyExists, Conflict, Forbidden, NotFound, SumuError
from sumu_dav.library import Place, Side
from sumu_dav.model import FAVORITES, Photo


@dataclass(frozen=True, slots=True)
class Moved:
    """What a COPY or MOVE did: whether the destination is new, and where a photo was filed, if elsewhere."""

    created: bool
    filed: Path | None = None


class Moving:
    """Copies and moves single files."""

    def __init__(self, desk: Desk, receiving: Receiving) -> None:
        self.desk = desk
        self.lookup = desk.lookup
        self.receiving = receiving

    def copy_file(self, source: Path, target: Path, *, overwrite: bool, guard: Guard | None = None) -> Moved:
        """COPY a file (RFC 4918 §9.8). Raises AlreadyExists where `overwrite` is false and the target is there."""
        return self._carry_out(source, target, overwrite, guard, moves=False)

    def move_file(self, source: Path, target: Path, *, overwrite: bool, guard: Guard | None = None) -> Moved:
        """MOVE a file (RFC 4918 §9.9). Raises AlreadyExists where `overwrite` is false and the target is there."""
        return self._carry_out(source, target, overwrite, guard, moves=True)

    def _carry_out(self, source: Path, target: Path, overwrite: bool, guard: Guard | None, *, moves: bool) -> Moved:
        if (source.user, source.parts) == (target.user, target.parts):
            raise Forbidden(str(source), "source and destination are the same")
        with self.desk.turns.alone(source.user, target.user):
            node = self.lookup.find_file(source)
            if node is None:
                raise NotFound(str(source))
            there = self.check_destination(target, overwrite=overwrite)
            existed = there is not None
            if guard is not None:
                guard(there)
            draft = Draft(self.desk)
            try:
                if isinstance(there, FolderNode):
                    self._clear_empty_folder(draft, there)
                    there = None
                moved = (
                    self.draft_move(draft, node, target, there)
                    if moves
                    else self._draft_copy(draft, node, target, there)
                )
            except SumuError:
                draft.abandon()
                raise
            draft.commit()
            return replace(moved, created=moved.created and not existed)

    def check_destination(self, target: Path, *, overwrite: bool) -> Node | None:
        """What lies at the target of a file. Raises where it can't go there."""
        node = self.lookup.find(target)
        if isinstance(node, FolderNode):
            if target.is_home or target.parts == (FAVORITES,):
                raise Forbidden(str(target), "this folder can't be replaced")
            if not overwrite:
                raise AlreadyExists(str(target))
            if self.lookup.children(target):
                raise Conflict(str(target), "a file can't replace a folder that has members; delete the folder first")
            return node
        self.receiving.check_target(target)
        if node is not None and not overwrite:
            raise AlreadyExists(str(target))
        return node

    def _clear_empty_folder(self, draft: Draft, node: FolderNode) -> None:
        draft.drop_other(node.path.user, node.path.parts)
        for place in (visible_place(node.path), hidden_place(node.path)):
            if self.lookup.tree.is_folder(place):
                draft.clear_way(place)

    # MOVE

    def draft_move(self, draft: Draft, node: FileNode, target: Path, there: Node | None) -> Moved:
        """Add to the draft what moves the file to the target, where `there` lies now."""
        if node.binding is Binding.PLACEHOLDER:
            beneath = self.lookup.beneath(node.path)
            if beneath is None:
                return self._move_hidden(draft, node, target, there)
            draft.unlink(hidden_place(node.path))
            node = beneath
        if node.photo is None or node.binding in (Binding.HIDDEN, Binding.OTHER):
            return self._move_hidden(draft, node, target, there)
        if target.in_favorites and not self.lookup.hides(target):
            return self._move_into_favorites(draft, node, target, there)
        if self._leaves_media(target):
            return self._move_to_other_name(draft, node, target, there)
        if node.binding is Binding.COPY:
            return self._move_copy_out(draft, node, target, there)
        if target.is_loose:
            return self._move_to_loose(draft, node, target, there)
        return self._move_to_album(draft, node.photo, node, target, there)

    def _leaves_media(self, target: Path) -> bool:
        return self.lookup.hides(target) or not self.lookup.is_media(target.name)

    def _move_hidden(self, draft: Draft, node: FileNode, target: Path, there: Node | None) -> Moved:
        """What is no photo: onto a media name it is published as a PUT would be, else it keeps what it is."""
        source = self.lookup.place_of(node)
        kept = draft.drop_other(node.path.user, node.path.parts)
        if node.stat.size == 0 or self._leaves_media(target):
            self._put_plain(draft, source, node.stat.size, target, there)
            if kept is not None:
                draft.set_other(target.user, target.parts, kept.properties, kept.photo, kept.client_dated)
            return Moved(there is None)
        if kept is not None and kept.photo is not None:
            return self._revive(draft, kept.photo, kept.properties, node, target, there)
        client_dated = kept is not None and kept.client_dated
        dated = client_dated or node.binding is not Binding.HIDDEN
        content = content_of(self.lookup.tree, self.desk.records, source, is_media=True, name=target.name, dated=dated)
        content = replace(content, properties=kept.properties if kept is not None else None, client_dated=client_dated)
        receipt = self.receiving.draft_store(draft, target, content, there)
        return Moved(receipt.created, receipt.filed)

    def _revive(
        self, draft: Draft, photo: Photo, properties: dict[str, str], node: FileNode, target: Path, there: Node | None
    ) -> Moved:
        """A photo that was given another kind of name comes back: with its id, flag, names and properties."""
        self._displace(draft, target, there)
        content = content_of(self.lookup.tree, self.desk.records, self.lookup.place_of(node), is_media=True)
        again = replace(
            photo,
            user=target.user,
            album=target.album,
            name=target.name,
            is_favorite=False,
            favorite_name=None,
            loose_names=self._still_free(photo, target),
            properties={**photo.properties, **properties},
        )
        if content.sha256 != photo.sha256:
            again = self.desk.records.refreshed(again, content)
        filed = target.is_loose or target.in_favorites
        if filed:
            album = album_of(self.desk, again)
            again = replace(again, album=album, name=draft.free_name(target.user, album_parts(album), target.name))
        folder = photo_place(again).parent
        require_folder(self.lookup, folder)
        draft.folder(folder)
        draft.put(again)
        draft.bring(content.source, photo_place(again), photo=again)
        if target.in_favorites:
            self.receiving.favor_with_partner(draft, again, target.name)
        elif photo.is_favorite and photo.user == target.user:
            wanted = draft.free_name(photo.user, (FAVORITES,), photo.favorite_name or again.name)
            self.receiving.favor_with_partner(draft, again, wanted)
        return Moved(there is None, photo_path(again) if filed else None)

    def _still_free(self, photo: Photo, target: Path) -> tuple[str, ...]:
        """The loose names that a photo comes back with: its own that nobody took meanwhile, and a loose target."""
        loose = self.lookup.catalog.loose
        kept = [name for name in photo.loose_names if photo.user == target.user and loose(photo.user, name) is None]
        if target.is_loose:
            kept = [*(name for name in kept if name != target.name), target.name]
        return tuple(kept)

    def _put_plain(self, draft: Draft, source: Place, size: int, target: Path, there: Node | None) -> None:
        hidden = size == 0 or self.lookup.hides(target)
        place = hidden_place(target) if hidden else visible_place(target)
        lying = self.lookup.tree.stat(hidden_place(target))
        if size:
            self._displace(draft, target, there)
        elif lying is not None:
            self.receiving.keep_replaced(draft, target, place, lying.size)
            draft.drop_other(target.user, target.parts)
        if not self.lookup.tree.is_folder(place.parent):
            draft.folder(place.parent)
        draft.bring(source, place)

    def _displace(self, draft: Draft, target: Path, there: Node | None) -> None:
        """What lies at the target goes to the trash, with its record; a name alone goes alone."""
        if not isinstance(there, FileNode):
            return
        if there.binding is Binding.PLACEHOLDER:
            draft.unlink(hidden_place(target))
            draft.drop_other(target.user, target.parts)
            beneath = self.lookup.beneath(target)
            if beneath is None:
                return
            there = beneath
        photo = there.photo
        if there.binding is Binding.LOOSE and photo is not None:
            current = draft.current(photo)
            draft.put(replace(current, loose_names=tuple(n for n in current.loose_names if n != target.name)))
        elif there.binding is Binding.COPY and photo is not None:
            self.receiving.make_room(draft, photo, target.name)
        elif photo is None:
            self.receiving.keep_replaced(draft, target, self.lookup.place_of(there), there.stat.size)
            draft.drop_other(target.user, target.parts)
        else:
            current = draft.current(photo)
            draft.discard_replaced(target, self.lookup.place_of(there), there.stat.size, "overwritten", current)
            if current.is_favorite:
                draft.unfavor(current)
            draft.drop(current)

    def _move_to_other_name(self, draft: Draft, node: FileNode, target: Path, there: Node | None) -> Moved:
        """A photo gets a name that is no media name: its record is kept aside until it moves back."""
        photo = node.photo
        assert photo is not None
        if node.binding is not Binding.FILED:
            clone = draft.clone(self.lookup.place_of(node), target.user)
            self._displace(draft, target, there)
            hidden = self.lookup.hides(target)
            place = hidden_place(target) if hidden else visible_place(target)
            draft.folder(place.parent)
            draft.bring(clone, place)
            self._drop_name(draft, node)
            return Moved(there is None)
        self._put_plain(draft, photo_place(photo), node.stat.size, target, there)
        kept = draft.current(photo)
        if kept.is_favorite:
            draft.unfavor(kept)
        draft.drop(kept)
        draft.set_other(target.user, target.parts, {}, kept)
        return Moved(there is None)

    def _drop_name(self, draft: Draft, node: FileNode) -> None:
        photo = draft.current(node.photo) if node.photo is not None else None
        if photo is None:
            return
        if node.binding is Binding.LOOSE:
            draft.put(replace(photo, loose_names=tuple(n for n in photo.loose_names if n != node.path.name)))
        elif node.binding is Binding.COPY:
            self.receiving.unfavor_with_partner(draft, photo)

    def _move_into_favorites(self, draft: Draft, node: FileNode, target: Path, there: Node | None) -> Moved:
        """The flag is set and the copy appears; the original stays. Inside the album it is a rename of the copy."""
        photo = node.photo
        assert photo is not None
        if not self.lookup.is_media(target.name):
            raise Forbidden(str(target), "a favourite keeps the extension of a photo or a video")
        if isinstance(there, FileNode) and there.photo is not None and there.photo.doc_id == photo.doc_id:
            return Moved(created=False)
        self._make_room_for(draft, target, there)
        if target.user != photo.user:
            photo = self._file_in_other_home(draft, photo, target, loose_names=())
        if photo.is_favorite:
            draft.rename_copy(photo, target.name)
        else:
            self.receiving.favor_with_partner(draft, photo, target.name)
        return Moved(there is None)

    def _make_room_for(self, draft: Draft, target: Path, there: Node | None) -> None:
        if isinstance(there, FileNode) and there.binding is Binding.COPY and there.photo is not None:
            self.receiving.make_room(draft, there.photo, target.name)
        else:
            self._displace(draft, target, there)

    def _move_copy_out(self, draft: Draft, node: FileNode, target: Path, there: Node | None) -> Moved:
        """A copy that leaves the favourites album stops being a favourite; its photo goes where the copy went."""
        photo = self.receiving.unfavor_with_partner(draft, node.photo) if node.photo else None
        assert photo is not None
        own = isinstance(there, FileNode) and there.photo is not None and there.photo.doc_id == photo.doc_id
        if own:
            return Moved(created=False)
        original = replace(node, path=photo_path(photo), binding=Binding.FILED)
        if target.is_loose:
            return self._move_to_loose(draft, original, target, there)
        return self._move_to_album(draft, photo, original, target, there)

    def _move_to_loose(self, draft: Draft, node: FileNode, target: Path, there: Node | None) -> Moved:
        """Directly below the user a photo is filed by its month, and the target becomes its loose name."""
        photo = draft.current(node.photo) if node.photo else None
        assert photo is not None
        own = isinstance(there, FileNode) and there.photo is not None and there.photo.doc_id == photo.doc_id
        if not own:
            self._displace(draft, target, there)
        if target.user != photo.user:
            photo = self._file_in_other_home(draft, photo, target, loose_names=(target.name,))
            return Moved(there is None, photo_path(photo))
        old = node.path.name if node.binding is Binding.LOOSE else None
        kept = tuple(name for name in photo.loose_names if name not in (old, target.name))
        photo = draft.put(replace(photo, loose_names=(*kept, target.name)))
        album = album_of(self.desk, photo)
        if node.binding is Binding.FILED and photo.album != album:
            folder = album_parts(album)
            require_folder(self.lookup, Place(Side.VISIBLE, photo.user, folder))
            draft.folder(Place(Side.VISIBLE, photo.user, folder))
            self._rebind(draft, photo, album, draft.free_name(photo.user, folder, photo.name))
        return Moved(there is None, photo_path(draft.current(photo)))

    def _file_in_other_home(self, draft: Draft, photo: Photo, target: Path, loose_names: tuple[str, ...]) -> Photo:
        """A photo that is given to another user is filed there by its month; its flag stays behind."""
        photo = draft.current(photo)
        if photo.is_favorite:
            photo = draft.unfavor(photo)
        album = album_of(self.desk, photo)
        folder = album_parts(album)
        require_folder(self.lookup, Place(Side.VISIBLE, target.user, folder))
        draft.folder(Place(Side.VISIBLE, target.user, folder))
        name = draft.free_name(target.user, folder, target.name)
        moved = replace(photo, user=target.user, album=album, name=name, loose_names=loose_names)
        draft.bring(photo_place(photo), photo_place(moved), photo=moved)
        return draft.put(moved)

    def _rebind(self, draft: Draft, photo: Photo, album: str, name: str) -> Photo:
        moved = replace(photo, album=album, name=name)
        draft.bring(photo_place(photo), photo_place(moved), photo=moved)
        return draft.put(moved)

    def _move_to_album(self, draft: Draft, photo: Photo, node: FileNode, target: Path, there: Node | None) -> Moved:
        """The record follows the file; a loose name that was moved is gone, the others stay."""
        photo = draft.current(photo)
        if node.binding is Binding.LOOSE:
            photo = draft.put(replace(photo, loose_names=tuple(n for n in photo.loose_names if n != node.path.name)))
        if photo_path(photo) == Path(target.user, target.parts):
            return Moved(created=False)
        self._displace(draft, target, there)
        if target.user != photo.user:
            if photo.is_favorite:
                photo = draft.unfavor(photo)
            photo = replace(photo, loose_names=())
        moved = replace(photo, user=target.user, album=target.album, name=target.name)
        if not self.lookup.tree.is_folder(photo_place(moved).parent):
            draft.folder(photo_place(moved).parent)
        draft.bring(photo_place(photo), photo_place(moved), photo=moved)
        draft.put(moved)
        return Moved(there is None)

    # COPY

    def _draft_copy(self, draft: Draft, node: FileNode, target: Path, there: Node | None) -> Moved:
        photo = node.photo if node.is_photo else None
        own = photo is not None and photo.user == target.user
        if own and node.binding is not Binding.COPY and target.in_favorites and not self.lookup.hides(target):
            return self._move_into_favorites(draft, node, target, there)
        return self.draft_twin(draft, node, target, there)

    def draft_twin(self, draft: Draft, node: FileNode, target: Path, there: Node | None) -> Moved:
        """Add to the draft what makes an independent copy of a file at the target."""
        photo = node.photo if node.is_photo else None
        source = self.lookup.place_of(node)
        clone = draft.clone(source, target.user)
        if self._leaves_media(target) or node.stat.size == 0:
            other = self.desk.performer.others.get(node.path.user, node.path.parts)
            self._put_plain(draft, clone, node.stat.size, target, there)
            properties = photo.properties if photo else other.properties if other else {}
            draft.set_other(target.user, target.parts, dict(properties))
            return Moved(there is None)
        content = replace(content_of(self.lookup.tree, self.desk.records, source, is_media=True), source=clone)
        if photo is None or target.is_loose or target.in_favorites:
            content = replace(content, properties=dict(photo.properties) if photo else None)
            return self._store_twin(draft, target, content, there)
        self._displace(draft, target, there)
        twin = draft.put(self.desk.records.twin(photo, target.user, target.album, target.name))
        if not self.lookup.tree.is_folder(photo_place(twin).parent):
            draft.folder(photo_place(twin).parent)
        draft.bring(clone, photo_place(twin), photo=twin)
        return Moved(there is None)

    def _store_twin(self, draft: Draft, target: Path, content: Content, there: Node | None) -> Moved:
        receipt = self.receiving.draft_store(draft, target, content, there)
        return Moved(receipt.created, receipt.filed)
