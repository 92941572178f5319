"""MOVE and COPY of one file: which kind of move it is, and the turn in which it is carried out."""

from __future__ import annotations

from dataclasses import replace

from sumu_dav.archive.changes.arriving import Moved, leaves_media
from sumu_dav.archive.changes.photo_moves import move_copy_out, move_into_favorites, move_to_album, move_to_loose
from sumu_dav.archive.changes.plain_moves import move_plain, move_to_plain_name
from sumu_dav.archive.changes.targets import Guard, check_new_file
from sumu_dav.archive.changes.twins import copy_node
from sumu_dav.archive.clones import Ahead
from sumu_dav.archive.desk import Desk
from sumu_dav.archive.draft import Draft
from sumu_dav.archive.lookup import hidden_place, visible_place
from sumu_dav.archive.nodes import Binding, FileNode, FolderNode, Node, Path
from sumu_dav.errors import AlreadyExists, Conflict, Forbidden, NotFound
from sumu_dav.model import FAVORITES


class Moving:
    """Copies and moves single files."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lookup = desk.lookup

    def copy_file(self, source: Path, target: Path, *, overwrite: bool, guard: Guard | None = None) -> Moved:
        """COPY a file (RFC 4918 §9.8). Raises AlreadyExists where `overwrite` is false and the target is there."""
        with Ahead(self._desk) as ahead:
            node, _ = self._look(source, target, overwrite, guard)
            if not (target.in_favorites and node.photo is not None and node.photo.is_favorite):
                ahead.make(self._lookup.place_of(node), target.user)
            with self._desk.turns.alone(source.user, target.user):
                node, there = self._look(source, target, overwrite, guard)
                with Draft(self._desk, ahead) as draft:
                    moved = _copy_node(draft, node, target, self._clear_empty_folder(draft, there))
        return replace(moved, created=moved.created and there is None)

    def move_file(
        self,
        source: Path,
        target: Path,
        *,
        overwrite: bool,
        guard: Guard | None = None,
        mtime_ns: int | None = None,
    ) -> Moved:
        """MOVE a file (RFC 4918 §9.9), with a modification time that its client gives it (nanoseconds since the epoch).

        Raises AlreadyExists where `overwrite` is false and the target is there.
        """
        with self._desk.turns.alone(source.user, target.user):
            node, there = self._look(source, target, overwrite, guard)
            with Draft(self._desk) as draft:
                moved = move_node(draft, node, target, self._clear_empty_folder(draft, there))
                if mtime_ns is not None:
                    _date(draft, node, target, mtime_ns)
        return replace(moved, created=moved.created and there is None)

    def _look(self, source: Path, target: Path, overwrite: bool, guard: Guard | None) -> tuple[FileNode, Node | None]:
        """The file that goes, and what lies where it goes to."""
        if (source.user, source.parts) == (target.user, target.parts):
            raise Forbidden(str(source), "source and destination are the same")
        node = self._lookup.find_file(source)
        if node is None:
            raise NotFound(str(source))
        there = self._check_destination(target, overwrite=overwrite)
        if guard is not None:
            guard(there)
        return node, there

    def _check_destination(self, target: Path, *, overwrite: bool) -> Node | None:
        """What lies at the target of a file. Raises where it can't go there."""
        node = self._lookup.find(target)
        if isinstance(node, FolderNode):
            if target.is_home or target.parts == (FAVORITES,):
                raise Forbidden(str(target), "this folder can't be replaced")
            if not overwrite:
                raise AlreadyExists(str(target))
            if self._lookup.children(target):
                raise Conflict(str(target), "a file can't replace a folder that has members; delete the folder first")
            return node
        check_new_file(self._lookup, target)
        if node is not None and not overwrite:
            raise AlreadyExists(str(target))
        return node

    def _clear_empty_folder(self, draft: Draft, there: Node | None) -> Node | None:
        """What lies at the target when an empty folder has gone from it."""
        if not isinstance(there, FolderNode):
            return there
        draft.drop_other(there.path)
        for place in (visible_place(there.path), hidden_place(there.path)):
            if self._lookup.tree.is_folder(place):
                draft.clear_way(place)
        return None


def move_node(draft: Draft, node: FileNode, target: Path, there: Node | None) -> Moved:
    """Add to the draft what moves a file to the target, where `there` lies now."""
    if node.binding is Binding.PLACEHOLDER:
        beneath = draft.lookup.beneath(node.path)
        if beneath is None:
            return move_plain(draft, node, target, there)
        draft.unlink(hidden_place(node.path))
        node = beneath
    photo = node.photo
    if photo is None or not node.is_photo:
        return move_plain(draft, node, target, there)
    if target.in_favorites and not draft.lookup.hides(target):
        return move_into_favorites(draft, photo, target, there)
    if leaves_media(draft.lookup, target):
        return move_to_plain_name(draft, node, photo, target, there)
    if node.binding is Binding.COPY:
        return move_copy_out(draft, photo, target, there)
    if target.is_loose:
        return move_to_loose(draft, photo, node.binding, node.path.name, target, there)
    if node.binding is Binding.LOOSE:
        photo = draft.drop_loose_name(photo, node.path.name)
    return move_to_album(draft, photo, target, there)


def _date(draft: Draft, node: FileNode, target: Path, mtime_ns: int) -> None:
    """Add to the draft what dates the file that it moves to the target."""
    photo = draft.photo_at(target)
    if photo is None and node.is_photo and not leaves_media(draft.lookup, target):
        photo = node.photo
    if photo is not None:
        draft.date_photo(photo, mtime_ns)
    elif draft.brings(visible_place(target)):
        draft.date(visible_place(target), mtime_ns)
    elif draft.brings(hidden_place(target)):
        draft.date(hidden_place(target), mtime_ns)
        if draft.lookup.hides(target):
            draft.note_client_dated(target)


def _copy_node(draft: Draft, node: FileNode, target: Path, there: Node | None) -> Moved:
    """Into the favourites album of its own user a photo is not copied: its flag is set."""
    photo = node.photo if node.is_photo else None
    flags = photo is not None and photo.user == target.user and node.binding is not Binding.COPY
    if photo is not None and flags and target.in_favorites and not draft.lookup.hides(target):
        return move_into_favorites(draft, photo, target, there)
    return copy_node(draft, node, target, there)
