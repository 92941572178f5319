"""The way of an upload: from sealed bytes to a filed, recorded, perhaps favourite photo (DESIGN §1, "Upload").

A new file beside nothing else is published without an intent: its record follows its file, and a crash between
the two leaves a whole file that the next start records. Everything else is a draft.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock

from sumu_dav.archive.changes.pairs import Partner, find_partner, join, partner_of
from sumu_dav.archive.content import Content, same_moment
from sumu_dav.archive.draft import Desk, Draft, album_for, require_folder
from sumu_dav.archive.lookup import album_parts, hidden_place, photo_path, photo_place, visible_place
from sumu_dav.archive.nodes import Binding, FileNode, FolderNode, Node, Path
from sumu_dav.errors import AlreadyExists, Forbidden, IsCollection, NoSpace, ParentMissing, SumuError
from sumu_dav.library import Place, Side, Upload, check_folder_name, check_name, is_false_favorites, is_junk, stem
from sumu_dav.model import FAVORITES, Photo

Guard = Callable[[Node | None], None]
"""Called with what lies at the path, at the moment of the change: raises where a condition or lock forbids it."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an upload. `filed` is where the photo came to lie, where that is not the path itself."""

    created: bool
    path: Path
    sha256: str
    size: int
    filed: Path | None = None


def check_path(path: Path) -> None:
    """Refuse a path that no new resource may have. Raises NameRefused, Forbidden or IsCollection."""
    for part in path.parts:
        check_name(part)
    for folder in path.parts[:-1]:
        if not is_junk(folder):
            check_folder_name(folder)
    if path.parts and is_false_favorites(path.parts[0]):
        raise Forbidden(str(path), f"the favourites album is called {FAVORITES!r}, in small letters")
    if path.is_home:
        raise IsCollection(str(path))
    if path.in_favorites and len(path.parts) > 2:
        raise Forbidden(str(path), "the favourites album is flat: it holds no folders")
    if path.inbox and not path.is_loose:
        raise Forbidden(str(path), "the inbox is flat: it holds no folders")


class Receiving:
    """Stores uploads."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.lookup = desk.lookup
        self._names = Lock()
        self._pending: defaultdict[str, set[object]] = defaultdict(set)

    def check_target(self, path: Path) -> Node | None:
        """What lies at the path of an upload. Raises where none can be stored there, before its body is read."""
        check_path(path)
        node = self.lookup.find(path)
        if isinstance(node, FolderNode):
            raise IsCollection(str(path))
        if node is None and not path.is_loose and not path.in_favorites:
            parent = self.lookup.find(path.parent)
            if not isinstance(parent, FolderNode):
                raise ParentMissing(str(path))
        return node

    def store(
        self,
        path: Path,
        content: Content,
        *,
        favorite: bool = False,
        only_new: bool = False,
        guard: Guard | None = None,
    ) -> Receipt:
        """Publish the content at the path, durably. Raises the domain errors; nothing has changed then.

        With `only_new`, what is there already stays as it is.
        """
        self.desk.performer.check()
        if self._is_common(path, content, favorite):
            receipt = self._publish_beside(path, content, guard)
            if receipt is not None:
                return receipt
        with self.desk.turns.alone(path.user):
            node = self.check_target(path)
            if guard is not None:
                guard(node)
            if node is not None and only_new:
                return Receipt(False, path, content.sha256, content.size)
            draft = Draft(self.desk)
            try:
                receipt = self.draft_store(draft, path, content, node, favorite=favorite)
            except SumuError:
                draft.abandon()
                raise
            draft.commit()
            return receipt

    # The common case: a new photo, beside other uploads

    def _is_common(self, path: Path, content: Content, favorite: bool) -> bool:
        return (
            isinstance(content.source, Upload)
            and content.facts is not None
            and not favorite
            and not path.in_favorites
            and not self.lookup.hides(path)
        )

    def _publish_beside(self, path: Path, content: Content, guard: Guard | None) -> Receipt | None:
        """Publish a new photo beside other uploads; None where more than that is asked for."""
        assert isinstance(content.source, Upload)
        with self.desk.turns.beside(path.user), self._claim(path, content) as target:
            if target is None:
                return None
            if guard is not None:
                guard(None)
            place = photo_place(target)
            tree = self.lookup.tree
            tree_stat = None
            try:
                tree.make_folders(place.parent)
                tree_stat = content.source.publish(place)
                self.lookup.seen.originals.put(target.doc_id, tree_stat)
                self.lookup.catalog.change(put=[target])
            except AlreadyExists:
                return None
            except NoSpace:
                self.lookup.seen.originals.forget(target.doc_id)
                if tree_stat is not None:
                    tree.remove(place)
                raise
            finally:
                self.desk.performer.touched_photo(target)
        return Receipt(True, path, content.sha256, content.size, photo_path(target) if path.is_loose else None)

    @contextmanager
    def _claim(self, path: Path, content: Content) -> Iterator[Photo | None]:
        """A record whose names and bytes no other upload is at work on; None where the case is not a common one."""
        album = album_for(self.desk, content) if path.is_loose else path.album
        with self._names:
            pending = self._pending[path.user]
            target = self._common_target(path, content, album)
            marks: set[object] = set()
            if target is not None:
                # home and inbox show the same loose names: where the name was put makes no other of it
                marks = {content.sha256, path.parts, (album, target.name), _stem_mark(album, path.name)}
                if content.facts is not None and content.facts.content_id is not None:
                    marks.add(("live", content.facts.content_id))
                if marks & pending:
                    target, marks = None, set()
                pending |= marks
        try:
            yield target
        finally:
            with self._names:
                self._pending[path.user] -= marks

    def _common_target(self, path: Path, content: Content, album: str) -> Photo | None:
        if self.check_target(path) is not None or self.desk.performer.others.get(path.user, path.parts) is not None:
            return None
        if find_partner(self.lookup.catalog, path.user, album, path.name, content) is not None:
            return None
        if not path.is_loose:
            return self.desk.records.new(content, path.user, album, path.name)
        if self.lookup.catalog.with_hash(path.user, content.sha256):
            return None
        folder = Place(Side.VISIBLE, path.user, album_parts(album))
        require_folder(self.lookup, folder)
        free = Draft(self.desk).free_name(path.user, folder.parts, path.name)
        if free != path.name:
            return None
        return replace(self.desk.records.new(content, path.user, album, free), loose_names=(path.name,))

    # Every case, as part of a draft

    def draft_store(
        self, draft: Draft, path: Path, content: Content, node: Node | None, *, favorite: bool = False
    ) -> Receipt:
        """Add to the draft what stores the content at the path, where `node` lies now."""
        file = node if isinstance(node, FileNode) else None
        if content.size == 0 or self.lookup.hides(path):
            return self._hide(draft, path, content, file)
        content = self._with_kept_properties(draft, path, content)
        if file is not None and file.binding is Binding.PLACEHOLDER:
            draft.unlink(hidden_place(path))
            file = self.lookup.beneath(path)
        created = node is None
        if content.facts is None:
            self._store_other(draft, path, content, file)
            return Receipt(created, path, content.sha256, content.size)
        if path.in_favorites:
            photo = self._store_favorite(draft, path, content, file)
        elif path.is_loose and (file is None or file.binding is Binding.LOOSE):
            photo = self._store_loose(draft, path, content, file)
        else:
            photo = self._store_filed(draft, path, content, file)
        if favorite:
            photo = self.favor_with_partner(draft, photo)
        filed = photo_path(draft.current(photo))
        return Receipt(created, path, content.sha256, content.size, filed if filed.parts != path.parts else None)

    def favor_with_partner(self, draft: Draft, photo: Photo, name: str | None = None) -> Photo:
        """Set the flag of a photo, and of the other half of a live photo: the copies get one suffix."""
        partner = partner_of(draft, photo)
        also = () if partner is None or partner.favorite_name else (partner.name,)
        if name is None and not photo.is_favorite:
            name = draft.free_name(photo.user, (FAVORITES,), photo.name, also)
        photo = draft.favor(photo, name)
        if partner is not None and not partner.is_favorite:
            self._favor_beside(draft, photo, partner)
        return photo

    def _favor_beside(self, draft: Draft, favorite: Photo, half: Photo) -> None:
        """The copy of a live photo's other half gets the base name of the copy that is there."""
        wanted = stem(favorite.favorite_name or favorite.name) + half.name[len(stem(half.name)) :]
        draft.favor(half, draft.free_name(half.user, (FAVORITES,), wanted))

    def unfavor_with_partner(self, draft: Draft, photo: Photo) -> Photo:
        """Clear the flag of a photo, and of the other half of a live photo."""
        partner = partner_of(draft, photo)
        if partner is not None and partner.is_favorite:
            draft.unfavor(partner)
        return draft.unfavor(photo)

    def _with_kept_properties(self, draft: Draft, path: Path, content: Content) -> Content:
        if content.facts is None:
            return content
        kept = draft.drop_other(path.user, path.parts)
        if kept is None:
            return content
        return replace(content, properties={**kept.properties, **(content.properties or {})})

    def _hide(self, draft: Draft, path: Path, content: Content, file: FileNode | None) -> Receipt:
        place = hidden_place(path)
        lying = self.lookup.tree.stat(place)
        if lying is not None:
            self.keep_replaced(draft, path, place, lying.size)
        draft.folder(place.parent)
        draft.bring(content.source, place)
        kept = self.desk.performer.others.get(path.user, path.parts)
        if content.client_dated or kept is not None:
            dated = content.client_dated and content.size > 0
            draft.set_other(path.user, path.parts, kept.properties if kept else {}, client_dated=dated)
        return Receipt(file is None, path, content.sha256, content.size)

    def keep_replaced(self, draft: Draft, path: Path, place: Place, size: int) -> None:
        """What is no photo goes to the trash before it is overwritten. What is empty, junk or temporary is not kept,
        unless it is a photo that was given such a name."""
        kept = self.desk.performer.others.get(path.user, path.parts)
        photo = kept.photo if kept is not None else None
        if photo is not None or (size and not is_junk(path.name)):
            draft.discard_replaced(path, place, size, "overwritten", photo)

    def _store_other(self, draft: Draft, path: Path, content: Content, file: FileNode | None) -> None:
        place = visible_place(path)
        if file is not None and file.binding is not Binding.PLACEHOLDER:
            draft.discard_replaced(path, place, file.stat.size, "overwritten", file.photo)
            if file.photo is not None:
                draft.drop(file.photo)
        self._make_album(draft, place)
        draft.bring(content.source, place)

    def _make_album(self, draft: Draft, place: Place) -> None:
        """The folder is there but where a placeholder's hidden twin alone is, and for favourites' own."""
        if not self.lookup.tree.is_folder(place.parent):
            require_folder(self.lookup, place.parent)
            draft.folder(place.parent)

    def _store_filed(self, draft: Draft, path: Path, content: Content, file: FileNode | None) -> Photo:
        if file is not None and file.photo is not None:
            return self.replace_bytes(draft, file.photo, content)
        place = visible_place(path)
        if file is not None:
            draft.discard_replaced(path, place, file.stat.size, "overwritten")
        self._make_album(draft, place)
        return self._bring_new(draft, self.desk.records.new(content, path.user, path.album, path.name), content)

    def replace_bytes(self, draft: Draft, photo: Photo, content: Content) -> Photo:
        """Give a photo other bytes: its id, flag, names and properties stay, the old bytes go to the trash."""
        photo = draft.current(photo)
        place = photo_place(photo)
        old = self.lookup.tree.stat(place)
        if old is not None and not self._holds(photo, content):
            draft.discard_replaced(photo_path(photo), place, old.size, "overwritten", photo)
        fresh = draft.put(self.desk.records.refreshed(photo, content))
        draft.bring(content.source, place, photo=fresh)
        draft.copy_afresh(fresh)
        return self.pair_up(draft, fresh, content)

    def _store_loose(self, draft: Draft, path: Path, content: Content, file: FileNode | None) -> Photo:
        name = path.name
        known = self.lookup.catalog.with_hash(path.user, content.sha256)
        present = [photo for photo in known if self._holds(photo, content)]
        if file is not None and file.photo is not None:
            if file.photo in present:
                return self._touch(draft, file.photo, content)
            if not present and same_moment(file.photo, content):
                return self.replace_bytes(draft, file.photo, content)
            self._take_loose_name(draft, file.photo, name)
        if present:
            photo = draft.current(present[0])
            photo = draft.put(replace(photo, loose_names=(*photo.loose_names, name)))
            return self._touch(draft, photo, content)
        return self.file_away(draft, path.user, name, content, loose_names=(name,))

    def _holds(self, photo: Photo, content: Content) -> bool:
        """Whether the photo's file has these bytes, as far as its stat tells: a record alone is no reason to throw
        away what a client sent."""
        stat = self.lookup.tree.stat(photo_place(photo))
        return (
            photo.sha256 == content.sha256 and stat is not None and stat == self.lookup.seen.originals.get(photo.doc_id)
        )

    def _take_loose_name(self, draft: Draft, photo: Photo, name: str) -> None:
        photo = draft.current(photo)
        draft.put(replace(photo, loose_names=tuple(each for each in photo.loose_names if each != name)))

    def _touch(self, draft: Draft, photo: Photo, content: Content) -> Photo:
        """The bytes are there already: nothing is stored, and what a client set on the name passes to the record."""
        if isinstance(content.source, Place):
            draft.unlink(content.source)
        photo = draft.current(photo)
        if content.client_dated:
            photo = draft.date_photo(photo, content.mtime_ns)
        if content.properties:
            photo = draft.put(replace(photo, properties={**photo.properties, **content.properties}))
        return photo

    def file_away(
        self, draft: Draft, user: str, name: str, content: Content, *, loose_names: tuple[str, ...] = ()
    ) -> Photo:
        """File new bytes into the album of their month, or of the still that they belong to."""
        album = album_for(self.desk, content)
        partner = find_partner(self.lookup.catalog, user, album, name, content)
        if partner is not None and content.facts is not None and content.facts.is_video:
            album = partner.photo.album
        folder = Place(Side.VISIBLE, user, album_parts(album))
        require_folder(self.lookup, folder)
        draft.folder(folder)
        filed = draft.free_name(user, folder.parts, partner.matching_name(name, album) if partner else name)
        photo = self.desk.records.new(content, user, album, filed)
        return self._bring_new(draft, replace(photo, loose_names=loose_names), content, partner)

    def _bring_new(self, draft: Draft, photo: Photo, content: Content, partner: Partner | None = None) -> Photo:
        draft.put(photo)
        draft.bring(content.source, photo_place(photo), photo=photo)
        return self.pair_up(draft, photo, content, partner)

    def pair_up(self, draft: Draft, photo: Photo, content: Content, partner: Partner | None = None) -> Photo:
        """Make the photo and its other half, if that is there, one live photo with one flag."""
        if partner is None:
            partner = find_partner(self.lookup.catalog, photo.user, photo.album, photo.name, content)
        if partner is None or partner.photo.doc_id == photo.doc_id:
            return photo
        photo = join(draft, photo, partner)
        other = draft.current(partner.photo)
        if photo.is_favorite and not other.is_favorite:
            self._favor_beside(draft, photo, other)
        elif other.is_favorite and not photo.is_favorite:
            self._favor_beside(draft, other, photo)
        return draft.current(photo)

    def _store_favorite(self, draft: Draft, path: Path, content: Content, file: FileNode | None) -> Photo:
        """A PUT into the favourites album (DESIGN §1): an old photo's flag, an edit, or a new favourite."""
        user, name = path.user, path.name
        if file is not None and file.photo is not None:
            if self._holds(file.photo, content):
                return self._touch(draft, file.photo, content)
            if same_moment(file.photo, content):
                return self.replace_bytes(draft, file.photo, content)
            self.make_room(draft, file.photo, name)
        elif file is not None:
            draft.discard_replaced(path, visible_place(path), file.stat.size, "overwritten")
        same_bytes = self.lookup.catalog.with_hash(user, content.sha256)
        known = [photo for photo in same_bytes if not photo.is_favorite and self._holds(photo, content)]
        if known:
            return self.favor_with_partner(draft, self._touch(draft, known[0], content), name)
        photo = self.file_away(draft, user, name, content)
        return self.favor_with_partner(draft, photo, name)

    def make_room(self, draft: Draft, favorite: Photo, name: str) -> None:
        """A newcomer takes a copy's name: the copy that has it gets a suffix, so that no favourite is lost."""
        suffixed_name = draft.free_name(favorite.user, (FAVORITES,), name)
        draft.rename_copy(favorite, suffixed_name)


def _stem_mark(album: str, name: str) -> tuple[str, str, str]:
    return ("stem", album, name.rpartition(".")[0].casefold())
