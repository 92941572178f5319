"""COPY of one file: an independent one at the target, added to a draft (RFC 4918 §9.8; DESIGN §1, "Favourites")."""

from __future__ import annotations

from dataclasses import replace

from sumu_dav.archive.changes.arriving import Moved, displace, leaves_media, put_plain
from sumu_dav.archive.changes.storing import store
from sumu_dav.archive.content import content_of
from sumu_dav.archive.draft import Draft
from sumu_dav.archive.lookup import photo_place
from sumu_dav.archive.nodes import FileNode, Node, Path


def copy_node(draft: Draft, node: FileNode, target: Path, there: Node | None) -> Moved:
    """Copy a file to the target, where `there` lies now: a photo with a new id, no flag and no loose names."""
    photo = node.photo if node.is_photo else None
    lookup, records = draft.lookup, draft.desk.records
    source = lookup.place_of(node)
    clone = draft.clone(source, target.user)
    if leaves_media(lookup, target) or node.stat.size == 0:
        other = draft.other(node.path)
        put_plain(draft, clone, node.stat.size, target, there)
        draft.set_other(target, photo.properties if photo else other.properties if other else {})
        return Moved(there is None)
    if photo is None or target.is_loose or target.in_favorites:
        content = content_of(lookup.tree, records, clone, is_media=True, name=source.name)
        content = replace(content, properties=dict(photo.properties) if photo else None)
        receipt = store(draft, target, content, there)
        return Moved(receipt.created, receipt.filed)
    displace(draft, target, there)
    twin = records.twin(photo, target.user, target.album, target.name)
    if not lookup.hash_is_known(node):
        # another program may have changed the file since it was recorded
        content = content_of(lookup.tree, records, clone, is_media=True, name=source.name)
        twin = twin if content.sha256 == twin.sha256 else records.refreshed(twin, content)
    draft.put(twin)
    draft.require_folder(photo_place(twin).parent)
    draft.bring(clone, photo_place(twin), photo=twin)
    return Moved(there is None)
