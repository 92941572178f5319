"""What clients write about a resource: dead properties, the modification time, the favourite's flag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sumu_dav.archive.changes.favorites import favor, unfavor
from sumu_dav.archive.changes.targets import Guard
from sumu_dav.archive.clones import Ahead
from sumu_dav.archive.desk import Desk
from sumu_dav.archive.draft import Draft
from sumu_dav.archive.lookup import photo_place
from sumu_dav.archive.nodes import Binding, FileNode, Node, Path
from sumu_dav.archive.stores import Other
from sumu_dav.errors import Forbidden, NotFound, TooManyProperties

MAX_DEAD_BYTES = 128 * 1024
"""The dead properties of one resource, names and values: they are kept in one line of the catalogue, which no quota
counts. Twice what one property may be."""


@dataclass(frozen=True, slots=True)
class PropertyChange:
    """What one PROPPATCH changes, all or nothing: a dead property's value None removes it; `mtime_ns` is nanoseconds
    since the epoch; `favorite` None leaves the flag."""

    dead: Mapping[str, str | None] = field(default_factory=dict)
    favorite: bool | None = None
    mtime_ns: int | None = None


class Properties:
    """Reads and changes what belongs to a resource beside its bytes."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def dead(self, node: Node) -> Mapping[str, str]:
        """The dead properties of a resource: Clark name to serialised XML."""
        if isinstance(node, FileNode) and node.is_photo and node.photo is not None:
            return node.photo.properties
        other = self.kept(node.path)
        return other.properties if other else {}

    def kept(self, path: Path) -> Other | None:
        """What is kept of a path beside the catalogue; another value whenever it changed."""
        return self.desk.performer.others.get(path.user, path.parts)

    def change(self, path: Path, change: PropertyChange, guard: Guard | None = None) -> None:
        """Change durably. Raises NotFound, Forbidden, NoSpace, TooManyProperties; nothing has changed then."""
        with Ahead(self.desk) as ahead:
            if change.favorite:
                node = self._found(path, guard)
                if isinstance(node, FileNode) and node.is_photo and node.photo and not node.photo.is_favorite:
                    ahead.make(photo_place(node.photo), path.user)
            with self.desk.turns.alone(path.user):
                node = self._found(path, guard)
                with Draft(self.desk, ahead) as draft:
                    self._draft_change(draft, node, change)

    def _found(self, path: Path, guard: Guard | None) -> Node:
        node = self.desk.lookup.find(path)
        if node is None:
            raise NotFound(str(path))
        if guard is not None:
            guard(node)
        return node

    def _draft_change(self, draft: Draft, node: Node, change: PropertyChange) -> None:
        photo = node.photo if isinstance(node, FileNode) and node.is_photo else None
        if change.favorite is not None:
            if photo is None:
                raise Forbidden(str(node.path), "only a photo or a video can be a favourite")
            if change.favorite:
                favor(draft, photo)
            else:
                unfavor(draft, photo)
        if change.mtime_ns is not None and isinstance(node, FileNode):
            self._set_times(draft, node, change.mtime_ns)
        dated = change.mtime_ns is not None and isinstance(node, FileNode) and node.binding is Binding.HIDDEN
        if not change.dead and not dated:
            return
        merged = dict(self.dead(node))
        for name, value in change.dead.items():
            if value is None:
                merged.pop(name, None)
            else:
                merged[name] = value
        if any(change.dead.values()) and _size(merged) > MAX_DEAD_BYTES:
            raise TooManyProperties(str(node.path), MAX_DEAD_BYTES)
        if photo is not None:
            draft.put(replace(draft.current(photo), properties=merged))
        else:
            other = self.kept(node.path)
            dated = dated or (other is not None and other.client_dated)
            draft.set_other(node.path, merged, other.photo if other else None, dated)

    def _set_times(self, draft: Draft, node: FileNode, mtime_ns: int) -> None:
        if node.is_photo and node.photo is not None:
            draft.date_photo(node.photo, mtime_ns)
        else:
            draft.date(self.desk.lookup.place_of(node), mtime_ns)


def _size(properties: Mapping[str, str]) -> int:
    return sum(len(name.encode()) + len(value.encode()) for name, value in properties.items())
