"""MOVE of what is no photo, and of a photo to a name that makes it none, added to a draft (DESIGN §1, "The name
space").

A photo's record is kept aside with such a name, and comes back with it.
"""

from __future__ import annotations

from dataclasses import replace

from sumu_dav.archive.changes.arriving import Moved, displace, leaves_media, put_plain
from sumu_dav.archive.changes.favorites import favor, unfavor, unfavor_alone
from sumu_dav.archive.changes.storing import store
from sumu_dav.archive.content import content_of
from sumu_dav.archive.draft import Draft
from sumu_dav.archive.lookup import album_parts, hidden_place, photo_path, photo_place, visible_place
from sumu_dav.archive.nodes import Binding, FileNode, Node, Path
from sumu_dav.model import FAVORITES, Photo


def move_plain(draft: Draft, node: FileNode, target: Path, there: Node | None) -> Moved:
    """What is no photo: onto a media name it is published as a PUT would be, else it keeps what it is."""
    lookup = draft.lookup
    source = lookup.place_of(node)
    kept = draft.drop_other(node.path)
    if node.stat.size == 0 or leaves_media(lookup, target):
        put_plain(draft, source, node.stat.size, target, there)
        if kept is not None:
            draft.set_other(target, kept.properties, kept.photo, kept.client_dated)
        return Moved(there is None)
    if kept is not None and kept.photo is not None:
        return _revive(draft, kept.photo, kept.properties, node, target, there)
    client_dated = kept is not None and kept.client_dated
    dated = client_dated or node.binding is not Binding.HIDDEN
    content = content_of(lookup.tree, draft.desk.records, source, is_media=True, name=target.name, dated=dated)
    content = replace(content, properties=kept.properties if kept is not None else None, client_dated=client_dated)
    receipt = store(draft, target, content, there)
    return Moved(receipt.created, receipt.filed)


def move_to_plain_name(draft: Draft, node: FileNode, photo: Photo, target: Path, there: Node | None) -> Moved:
    """A photo gets a name that is no media name: its record is kept aside until it moves back.

    A loose name or a favourite's copy leaves a copy of the bytes there, since the photo itself stays.
    """
    if node.binding is Binding.FILED:
        put_plain(draft, photo_place(photo), node.stat.size, target, there)
        kept = draft.current(photo)  # as a favourite, where it is one
        draft.drop(unfavor_alone(draft, kept))
        draft.set_other(target, {}, kept)
        return Moved(there is None)
    clone = draft.clone(draft.lookup.place_of(node), target.user)
    displace(draft, target, there)
    place = hidden_place(target) if draft.lookup.hides(target) else visible_place(target)
    draft.folder(place.parent)
    draft.bring(clone, place)
    if node.binding is Binding.LOOSE:
        draft.drop_loose_name(photo, node.path.name)
    else:
        unfavor(draft, photo)
    return Moved(there is None)


def _revive(
    draft: Draft, photo: Photo, properties: dict[str, str], node: FileNode, target: Path, there: Node | None
) -> Moved:
    """A photo that was given another kind of name comes back: with its id, flag, names and properties."""
    displace(draft, target, there)
    records = draft.desk.records
    content = content_of(draft.lookup.tree, records, draft.lookup.place_of(node), is_media=True)
    again = replace(
        photo,
        user=target.user,
        album=target.album,
        name=target.name,
        is_favorite=False,
        favorite_name=None,
        loose_names=_still_free(draft, photo, target),
        properties={**photo.properties, **properties},
    )
    if content.sha256 != photo.sha256:
        again = records.refreshed(again, content)
    filed = target.is_loose or target.in_favorites
    if filed:
        album = draft.desk.album_of(again)
        again = replace(again, album=album, name=draft.free_name(target.user, album_parts(album), target.name))
    draft.require_folder(photo_place(again).parent)
    draft.put(again)
    draft.bring(content.source, photo_place(again), photo=again)
    if target.in_favorites:
        favor(draft, again, target.name)
    elif photo.is_favorite and photo.user == target.user:
        wanted = draft.free_name(photo.user, (FAVORITES,), photo.favorite_name or again.name)
        favor(draft, again, wanted)
    return Moved(there is None, photo_path(again) if filed else None)


def _still_free(draft: Draft, photo: Photo, target: Path) -> tuple[str, ...]:
    """The loose names that a photo comes back with: its own that nobody took meanwhile, and a loose target."""

    def is_free(name: str) -> bool:
        found = draft.lookup.catalog.loose(photo.user, name)
        return found is None or found.doc_id in draft.dropped

    kept = [name for name in photo.loose_names if photo.user == target.user and is_free(name)]
    if target.is_loose:
        kept = [*(name for name in kept if name != target.name), target.name]
    return tuple(kept)
