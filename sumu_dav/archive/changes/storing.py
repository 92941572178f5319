"""What storing content at a path adds to a draft, in every case (DESIGN §1, "Upload", "Loose uploads", "Favourites").

Bytes are whole and sealed; the user's only turn is held, and what lies at the path was looked up within it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sumu_dav.archive.changes.favorites import copy_afresh, favor, make_room
from sumu_dav.archive.changes.live_photos import pair_up
from sumu_dav.archive.changes.pairs import Partner, find_partner
from sumu_dav.archive.content import Content, same_moment
from sumu_dav.archive.draft import Draft
from sumu_dav.archive.lookup import album_parts, hidden_place, photo_path, photo_place, visible_place
from sumu_dav.archive.nodes import Binding, FileNode, Node, Path
from sumu_dav.library import Place, Side, is_junk
from sumu_dav.model import Photo


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an upload. `filed` is where the photo came to lie, where that is not the path itself; `node` what
    lies at the path now, where that is known."""

    created: bool
    path: Path
    sha256: str
    size: int
    filed: Path | None = None
    node: FileNode | None = None


def store(draft: Draft, path: Path, content: Content, node: Node | None, *, favorite: bool = False) -> Receipt:
    """Store the content at the path, where `node` lies now."""
    file = node if isinstance(node, FileNode) else None
    if content.size == 0 or draft.lookup.hides(path):
        return _hide(draft, path, content, file)
    content = _with_kept_properties(draft, path, content)
    if file is not None and file.binding is Binding.PLACEHOLDER:
        draft.unlink(hidden_place(path))
        file = draft.lookup.beneath(path)
    created = node is None
    if content.facts is None:
        _store_other(draft, path, content, file)
        return Receipt(created, path, content.sha256, content.size)
    if path.in_favorites:
        photo = _store_favorite(draft, path, content, file)
    elif path.is_loose and (file is None or file.binding is Binding.LOOSE):
        photo = _store_loose(draft, path, content, file)
    else:
        photo = _store_filed(draft, path, content, file)
    if favorite:
        photo = favor(draft, photo)
    filed = photo_path(draft.current(photo))
    return Receipt(created, path, content.sha256, content.size, filed if filed.parts != path.parts else None)


def replace_bytes(draft: Draft, photo: Photo, content: Content) -> Photo:
    """Give a photo other bytes: its id, flag, names and properties stay, the old bytes go to the trash."""
    photo = draft.current(photo)
    place = photo_place(photo)
    old = draft.lookup.tree.stat(place)
    if old is not None and not _holds(draft, photo, content):
        draft.discard_replaced(photo_path(photo), place, old.size, "overwritten", photo)
    fresh = draft.desk.records.refreshed(photo, content)
    draft.bring(content.source, place, photo=fresh)
    return pair_up(draft, copy_afresh(draft, fresh), content)


def file_away(draft: Draft, user: str, name: str, content: Content, *, loose_names: tuple[str, ...] = ()) -> Photo:
    """File new bytes into the album of their month, or of the still that they belong to."""
    album = draft.desk.album_for(content)
    partner = find_partner(draft.lookup.catalog, user, album, name, content, draft.dropped)
    if partner is not None and content.facts is not None and content.facts.is_video:
        album = partner.photo.album
    folder = Place(Side.VISIBLE, user, album_parts(album))
    draft.require_folder(folder)
    filed = draft.free_name(user, folder.parts, partner.matching_name(name, album) if partner else name)
    photo = draft.desk.records.new(content, user, album, filed)
    return _bring_new(draft, replace(photo, loose_names=loose_names), content, partner)


def keep_replaced(draft: Draft, path: Path, place: Place, size: int) -> None:
    """What is no photo goes to the trash before it is overwritten. What is empty, junk or temporary is not kept,
    unless it is a photo that was given such a name."""
    kept = draft.other(path)
    photo = kept.photo if kept is not None else None
    if photo is not None or (size and not is_junk(path.name)):
        draft.discard_replaced(path, place, size, "overwritten", photo)


def _with_kept_properties(draft: Draft, path: Path, content: Content) -> Content:
    if content.facts is None:
        return content
    kept = draft.drop_other(path)
    if kept is None:
        return content
    return replace(content, properties={**kept.properties, **(content.properties or {})})


def _holds(draft: Draft, photo: Photo, content: Content) -> bool:
    """Whether the photo's file has these bytes, as far as its stat tells: a record alone is no reason to throw away
    what a client sent."""
    stat = draft.lookup.tree.stat(photo_place(photo))
    known = draft.lookup.seen.originals.get(photo.doc_id)
    return photo.sha256 == content.sha256 and stat is not None and stat == known


# What is no photo


def _hide(draft: Draft, path: Path, content: Content, file: FileNode | None) -> Receipt:
    place = hidden_place(path)
    lying = draft.stat(place)
    if lying is not None:
        keep_replaced(draft, path, place, lying.size)
    draft.folder(place.parent)
    draft.bring(content.source, place)
    kept = draft.other(path)
    if content.client_dated or kept is not None:
        dated = content.client_dated and content.size > 0
        draft.set_other(path, kept.properties if kept else {}, client_dated=dated)
    return Receipt(file is None, path, content.sha256, content.size)


def _store_other(draft: Draft, path: Path, content: Content, file: FileNode | None) -> None:
    place = visible_place(path)
    if file is not None and file.binding is not Binding.PLACEHOLDER:
        draft.discard_replaced(path, place, file.stat.size, "overwritten", file.photo)
        if file.photo is not None:
            draft.drop(file.photo)
    draft.require_folder(place.parent)
    draft.bring(content.source, place)


# Photos


def _store_filed(draft: Draft, path: Path, content: Content, file: FileNode | None) -> Photo:
    if file is not None and file.photo is not None:
        return replace_bytes(draft, file.photo, content)
    place = visible_place(path)
    if file is not None:
        draft.discard_replaced(path, place, file.stat.size, "overwritten")
    draft.require_folder(place.parent)
    return _bring_new(draft, draft.desk.records.new(content, path.user, path.album, path.name), content)


def _store_loose(draft: Draft, path: Path, content: Content, file: FileNode | None) -> Photo:
    name = path.name
    known = draft.lookup.catalog.with_hash(path.user, content.sha256)
    present = [photo for photo in known if _holds(draft, photo, content)]
    if file is not None and file.photo is not None:
        if file.photo in present:
            return _touch(draft, file.photo, content)
        if not present and same_moment(file.photo, content):
            return replace_bytes(draft, file.photo, content)
        draft.drop_loose_name(file.photo, name)
    if present:
        photo = draft.current(present[0])
        photo = draft.put(replace(photo, loose_names=(*photo.loose_names, name)))
        return _touch(draft, photo, content)
    return file_away(draft, path.user, name, content, loose_names=(name,))


def _store_favorite(draft: Draft, path: Path, content: Content, file: FileNode | None) -> Photo:
    """A PUT into the favourites album: an old photo's flag, an edit, or a new favourite."""
    user, name = path.user, path.name
    if file is not None and file.photo is not None:
        if _holds(draft, file.photo, content):
            return _touch(draft, file.photo, content)
        if same_moment(file.photo, content):
            return replace_bytes(draft, file.photo, content)
        make_room(draft, file.photo, name)
    elif file is not None:
        draft.discard_replaced(path, visible_place(path), file.stat.size, "overwritten")
    same_bytes = draft.lookup.catalog.with_hash(user, content.sha256)
    known = [photo for photo in same_bytes if not photo.is_favorite and _holds(draft, photo, content)]
    photo = _touch(draft, known[0], content) if known else file_away(draft, user, name, content)
    return favor(draft, photo, name)


def _touch(draft: Draft, photo: Photo, content: Content) -> Photo:
    """The bytes are there already: nothing is stored, and what a client set on the name passes to the record."""
    if isinstance(content.source, Place):
        draft.unlink(content.source)
    photo = draft.current(photo)
    if content.client_dated:
        photo = draft.date_photo(photo, content.mtime_ns)
    if content.properties:
        photo = draft.put(replace(photo, properties={**photo.properties, **content.properties}))
    return photo


def _bring_new(draft: Draft, photo: Photo, content: Content, partner: Partner | None = None) -> Photo:
    draft.put(photo)
    draft.bring(content.source, photo_place(photo), photo=photo)
    return pair_up(draft, photo, content, partner)
