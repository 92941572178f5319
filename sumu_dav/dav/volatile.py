"""Properties that change without a change of the resource: locks run out, quotas fill. A kept response leaves them out.

A member on which a lock shows is written anew for each answer; quotas are one value for a whole listing, and are put
where a mark stands. Knows nothing of how responses are kept.
"""

from __future__ import annotations

from collections.abc import Iterator

from sumu_dav.archive.nodes import FolderNode, Path
from sumu_dav.dav.bodies import PropfindKind
from sumu_dav.dav.context import Context
from sumu_dav.dav.guards import bindings, lock_path, path_at, photo_of
from sumu_dav.dav.live import DAV, LIVE, OC, Reader
from sumu_dav.dav.locks import Lock
from sumu_dav.dav.multistatus import element
from sumu_dav.dav.writer import Form

_LOCKS = DAV + "lockdiscovery"
_AVAILABLE = DAV + "quota-available-bytes"
_USED = DAV + "quota-used-bytes"

# XML has no NUL, so no value can hold these.
_AVAILABLE_MARK = "\0available\0"
_USED_MARK = "\0used\0"


def _always(xml: str) -> Reader:
    return lambda _view: xml


LASTING: dict[str, Reader] = {
    **LIVE,
    _LOCKS: _always(element(_LOCKS)),
    _AVAILABLE: _always(element(_AVAILABLE, _AVAILABLE_MARK)),
    _USED: _always(element(_USED, _USED_MARK)),
}
"""The live properties as they may be kept: as if nothing were locked, and with marks for the quotas."""


def _names(form: Form) -> tuple[str, ...]:
    return (*form.asked.names, *form.asked.include)


def tells_locks(form: Form) -> bool:
    """Whether responses in this form show locks."""
    return form.asked.kind is PropfindKind.ALL or _LOCKS in _names(form)


def tells_quota(form: Form) -> bool:
    """Whether responses in this form show quotas."""
    return _AVAILABLE in _names(form) or _USED in _names(form)


def tells_folder_sizes(form: Form) -> bool:
    """Whether responses in this form show what folders hold."""
    return OC + "size" in _names(form)


def with_quota(context: Context, user: str, responses: bytes) -> bytes:
    """Put the user's quota where the marks stand."""
    for mark, read in ((_AVAILABLE_MARK, context.archive.usage.available), (_USED_MARK, context.archive.usage.used)):
        if mark.encode() in responses:
            responses = responses.replace(mark.encode(), str(read(user)).encode())
    return responses


def locks_of(context: Context, user: str) -> list[Lock]:
    """Every lock in a user's tree, by either of its roots."""
    found: list[Lock] = []
    for root in (lock_path(Path(user)), lock_path(Path(user, (), True))):
        found += context.locks.covering(root)
        found += context.locks.below(root)
    return found


def locked_members(context: Context, path: Path) -> frozenset[str] | None:
    """The names in a collection on which a lock shows; None where one covers a whole collection, and so perhaps all.

    A lock shows under each name of what it is on: a loose name's in the album too.
    """
    names: set[str] = set()
    for lock in locks_of(context, path.user):
        root = path_at(lock.path)
        node = context.archive.lookup.find(root)
        if isinstance(node, FolderNode) and lock.infinite:
            return None
        names.update(_names_in(lock_path(path), bindings(root, photo_of(node))))
    return frozenset(names)


def _names_in(collection: tuple[str, ...], paths: list[tuple[str, ...]]) -> Iterator[str]:
    return (path[-1] for path in paths if path[:-1] == collection)
