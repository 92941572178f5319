"""COPY of a collection: what is copied of it, and what can't be, added to a draft (RFC 4918 §9.8.3, §9.8.5).

A member that can't be read, or may not have its name at the target, is left out with all that is below it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection

from sumu_dav.archive.changes.targets import check_new_folder, check_path
from sumu_dav.archive.changes.twins import copy_node
from sumu_dav.archive.clones import Ahead
from sumu_dav.archive.draft import Draft
from sumu_dav.archive.failures import OF_A_MEMBER, Failure
from sumu_dav.archive.lookup import Lookup, place_for_new
from sumu_dav.archive.nodes import Binding, FileNode, FolderNode, Node, Path
from sumu_dav.errors import Conflict


def copy_files_ahead(lookup: Lookup, ahead: Ahead, source: Path, user: str) -> None:
    """Copy the files of a collection before its turn. What can't be copied is told of by the draft."""
    with contextlib.suppress(*OF_A_MEMBER):
        for child in lookup.children(source):
            if isinstance(child, FolderNode):
                copy_files_ahead(lookup, ahead, child.path, user)
            elif child.binding is not Binding.PLACEHOLDER:
                with contextlib.suppress(*OF_A_MEMBER):
                    ahead.make(lookup.place_of(child), user)


class CopiedTree:
    """One collection being copied. `failures` are the members that are left out."""

    def __init__(self, draft: Draft, ahead: Ahead, kept: Collection[Path]) -> None:
        """`kept` are paths at or below the target where what lies there stays, with the collections that hold it."""
        self.failures: list[Failure] = []
        self._draft = draft
        self._lookup = draft.lookup
        self._ahead = ahead
        self._kept = kept

    def add(self, node: FolderNode, target: Path, *, members: bool) -> None:
        """Add the copy to the draft. Raises what is wrong with the collection itself."""
        self._add_folder(node, target, self._lookup.children(node.path) if members else [])

    def _add_folder(self, node: FolderNode, to: Path, children: Collection[Node]) -> None:
        self._draft.require_folder(place_for_new(to))
        other = self._draft.other(node.path)
        self._draft.set_other(to, other.properties if other is not None else {})
        for child in children:
            target = to.child(child.path.name)
            if target not in self._kept:
                self._add_member(child, target)

    def _add_member(self, node: Node, to: Path) -> None:
        is_folder = isinstance(node, FolderNode)
        try:
            self._check_target(to, is_folder=is_folder)
        except OF_A_MEMBER as error:
            self.failures.append(Failure(to, is_folder, error))
            return
        try:
            if isinstance(node, FolderNode):
                children = self._lookup.children(node.path)
            elif node.binding is Binding.PLACEHOLDER or not self._ahead.make(self._lookup.place_of(node), to.user):
                return
        except OF_A_MEMBER as error:
            self.failures.append(Failure(node.path, is_folder, error))
            return
        if isinstance(node, FileNode):
            copy_node(self._draft, node, to, None)
        else:
            self._add_folder(node, to, children)

    def _check_target(self, to: Path, *, is_folder: bool) -> None:
        if is_folder:
            check_new_folder(to)
        else:
            check_path(to)
            if any(to.holds(kept) for kept in self._kept):
                raise Conflict(str(to), "a folder of this name has a member that can't be replaced")
        place_for_new(to)  # which no tree holds where it is too deep
