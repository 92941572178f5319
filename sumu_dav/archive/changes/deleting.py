"""DELETE of a file or a collection, into the trash: what it adds to a draft, whatever name the file was found by.

COPY and MOVE delete so what they replace.
"""

from __future__ import annotations

from collections.abc import Collection

from sumu_dav.archive.changes.favorites import unfavor, unfavor_alone
from sumu_dav.archive.draft import Draft
from sumu_dav.archive.failures import OF_A_MEMBER, Failure, MembersFailed
from sumu_dav.archive.lookup import Lookup, hidden_place, photo_path, photo_place, visible_place
from sumu_dav.archive.nodes import Binding, FileNode, FolderNode, Node
from sumu_dav.errors import Forbidden
from sumu_dav.library import Place, is_junk
from sumu_dav.model import FAVORITES, Photo


def delete_node(draft: Draft, node: Node, why: str) -> None:
    """Add to the draft what deletes the node. Raises MembersFailed."""
    if isinstance(node, FileNode):
        _delete_file(draft, node, why)
    elif node.path.parts == (FAVORITES,):
        _clear_favorites(draft, node, why)
    else:
        _delete_folder(draft, node, why)


def _delete_file(draft: Draft, node: FileNode, why: str) -> None:
    path, place = node.path, draft.lookup.place_of(node)
    if node.binding is Binding.PLACEHOLDER:
        draft.drop_other(path)
        draft.unlink(place)
        beneath = draft.lookup.beneath(path)
        if beneath is not None:
            _delete_file(draft, beneath, why)
    elif node.binding is Binding.LOOSE and node.photo is not None:
        draft.drop_loose_name(node.photo, path.name)
    elif node.binding is Binding.COPY and node.photo is not None:
        unfavor(draft, node.photo)
    elif node.binding is Binding.FILED and node.photo is not None:
        _delete_photo(draft, draft.current(node.photo), why)
    else:
        kept = draft.other(path)
        aside = kept.photo if kept is not None else None
        if aside is None and (node.stat.size == 0 or is_junk(path.name)):
            draft.unlink(place)
        else:
            draft.discard(path, place, node.stat.size, why, aside)
        draft.drop_other(path)


def _delete_photo(draft: Draft, photo: Photo, why: str) -> None:
    draft.discard(photo_path(photo), photo_place(photo), photo.size, why, photo)
    draft.drop(unfavor_alone(draft, photo))


def _clear_favorites(draft: Draft, node: FolderNode, why: str) -> None:
    """Every flag is cleared, by one entry in the trash; what else lies there is deleted for itself."""
    photos = list(draft.lookup.catalog.favorites(node.path.user).values())
    if photos:
        draft.note_cleared(node.path.user, photos)
    for photo in photos:
        unfavor_alone(draft, photo)
    for child in draft.lookup.children(node.path):
        if isinstance(child, FileNode) and child.binding is not Binding.COPY:
            _delete_file(draft, child, why)


def _delete_folder(draft: Draft, node: FolderNode, why: str) -> None:
    """All of it, or nothing: raises MembersFailed for what can't be taken out of its folder (RFC 4918 §9.6.1)."""
    failures: list[Failure] = []
    _delete_members(draft, node, draft.lookup.children(node.path), why, failures)
    if failures:
        raise MembersFailed(tuple(failures))


def _delete_members(
    draft: Draft, folder: FolderNode, members: Collection[Node], why: str, failures: list[Failure]
) -> None:
    lookup = draft.lookup
    places = (hidden_place(folder.path), visible_place(folder.path))
    closed = {place for place in places if lookup.tree.is_folder(place) and not lookup.tree.takes_names(place)}
    for member in members:
        is_folder = isinstance(member, FolderNode)
        try:
            if closed and not closed.isdisjoint(_folders_of(lookup, member)):
                raise Forbidden(str(member.path), "the disk does not let the server take it out of its folder")
            below = lookup.children(member.path) if is_folder else []
        except OF_A_MEMBER as error:
            failures.append(Failure(member.path, is_folder, error))
            continue
        if isinstance(member, FolderNode):
            _delete_members(draft, member, below, why, failures)
        else:
            _delete_file(draft, member, why)
    draft.drop_other(folder.path)
    for place in places:
        draft.rmdir(place)


def _folders_of(lookup: Lookup, node: Node) -> list[Place]:
    """The folders on disk that hold what lies at a path: of one tree, or of both."""
    if isinstance(node, FileNode):
        return [lookup.place_of(node).parent]
    above = node.path.parent
    return [*([visible_place(above)] if node.visible else []), *([hidden_place(above)] if node.hidden else [])]
