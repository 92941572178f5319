"""Where something new may lie: asked before a body is read, and again at the moment of the change.

Reads only. What is refused here is refused whatever the bytes are.
"""

from __future__ import annotations

from collections.abc import Callable

from sumu_dav.archive.lookup import Lookup
from sumu_dav.archive.nodes import FolderNode, Node, Path
from sumu_dav.errors import Forbidden, IsCollection, ParentMissing
from sumu_dav.library import check_folder_name, check_name, is_false_favorites
from sumu_dav.model import FAVORITES

Guard = Callable[[Node | None], None]
"""Called with what lies at the path, at the moment of the change: raises where a condition or lock forbids it. It is
asked once before, too, where much is to be done for the change.

Where members of what lies there may not be replaced, it raises MembersFailed at last, when nothing else forbids the
change: COPY goes on without them.
"""


def check_new_folder(path: Path) -> None:
    """Refuse a path that no new collection may have. Raises NameRefused, Forbidden or IsCollection."""
    if path.inbox:
        raise Forbidden(str(path), "the inbox is flat: it holds no folders")
    if path.in_favorites:
        raise Forbidden(str(path), "the favourites album is flat: it holds no folders")
    check_path(path)
    check_folder_name(path.name)


def check_new_file(lookup: Lookup, path: Path) -> Node | None:
    """What lies where a file is to be stored. Raises NameRefused, Forbidden, IsCollection or ParentMissing."""
    check_path(path)
    node = lookup.find(path)
    if isinstance(node, FolderNode):
        raise IsCollection(str(path))
    if node is None and not path.is_loose and not path.in_favorites:
        require_parent(lookup, path)
    return node


def require_parent(lookup: Lookup, path: Path) -> None:
    """Raise ParentMissing where no collection holds the path."""
    if not isinstance(lookup.find(path.parent), FolderNode):
        raise ParentMissing(str(path))


def check_path(path: Path) -> None:
    """Refuse a path that nothing new may have. Raises NameRefused, Forbidden or IsCollection."""
    for folder in path.parts[:-1]:
        check_folder_name(folder)
    if path.parts:
        check_name(path.name)
    if path.parts and is_false_favorites(path.parts[0]):
        raise Forbidden(str(path), f"the favourites album is called {FAVORITES!r}, in small letters")
    if path.is_home:
        raise IsCollection(str(path))
    if path.in_favorites and len(path.parts) > 2:
        raise Forbidden(str(path), "the favourites album is flat: it holds no folders")
    if path.inbox and not path.is_loose:
        raise Forbidden(str(path), "the inbox is flat: it holds no folders")
