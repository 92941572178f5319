"""Conditions and locks, asked before a change and once more at the moment of the change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sumu_dav.archive.changes.targets import Guard
from sumu_dav.archive.failures import Failure, MembersFailed
from sumu_dav.archive.lookup import photo_path
from sumu_dav.archive.nodes import FileNode, FolderNode, Node, Path
from sumu_dav.dav.access import reading
from sumu_dav.dav.conditions import Outcome, State, precondition
from sumu_dav.dav.context import Context
from sumu_dav.dav.faults import Locked, PreconditionFailed
from sumu_dav.dav.if_header import Observed
from sumu_dav.dav.request import Request
from sumu_dav.dav.target import Space, Target
from sumu_dav.errors import SumuError
from sumu_dav.model import FAVORITES, Photo

LockPath = tuple[str, ...]


def lock_path(path: Path) -> LockPath:
    """The key of a path's locks: the same as `Target.path`."""
    return ("-", "inbox", path.user, *path.parts) if path.inbox else (path.user, *path.parts)


def path_at(name: LockPath) -> Path:
    """The path whose locks have this key: the way back from `lock_path`."""
    return Path(name[2], name[3:], inbox=True) if name[0] == "-" else Path(name[0], name[1:])


def photo_of(node: Node | None) -> Photo | None:
    """The record of the photo that a name shows, or that a placeholder lies on."""
    return node.photo if isinstance(node, FileNode) else None


def bindings(path: Path, photo: Photo | None) -> list[LockPath]:
    """Every name of what lies at the path: a write through one needs the tokens of the locks on each."""
    paths = [lock_path(path)]
    if path.is_loose:
        paths.append(lock_path(Path(path.user, path.parts, not path.inbox)))
    if photo is not None:
        paths.append(lock_path(photo_path(photo)))
        for name in photo.loose_names:
            paths += [lock_path(Path(photo.user, (name,), inbox)) for inbox in (False, True)]
        if photo.favorite_name is not None:
            paths.append((photo.user, FAVORITES, photo.favorite_name))
    return list(dict.fromkeys(paths))


def names_going(context: Context, node: Node) -> list[LockPath]:
    """The names that may be gone with a node: its own, and every name of each photo in it."""
    if isinstance(node, FileNode):
        return bindings(node.path, node.photo)
    names = [lock_path(node.path), *(lock.path for lock in context.locks.below(lock_path(node.path)))]
    for name, photo in photos_in(context, node.path):
        names += bindings(path_at(name), photo)
    return names


def forget_gone(context: Context, names: Iterable[LockPath]) -> None:
    """Drop the locks at and below those names that nothing bears any more (RFC 4918 §7.6, §9.6.1)."""
    for name in names:
        if (context.locks.covering(name) or context.locks.below(name)) and not context.archive.lookup.exists(
            path_at(name)
        ):
            context.locks.forget_below(name)


def state_of(context: Context, node: Node | None) -> State:
    """What preconditions are held against."""
    if node is None:
        return State(exists=False)
    if isinstance(node, FileNode):
        return State(True, context.archive.lookup.etag(node), node.stat.mtime_ns // 1_000_000_000)
    return State(True, context.archive.collection_etag(node.path))


def check_if(request: Request) -> None:
    """Evaluate the If header (RFC 4918 §10.4). Raises PreconditionFailed."""
    header = request.if_header
    if header is None:
        return

    def observe(target: Target) -> Observed:
        if target.space not in (Space.USER, Space.INBOX):
            return Observed(None, ())
        try:
            path = reading(request.context.accounts, request.login.account, target)
        except SumuError:
            return Observed(None, ())
        node = request.context.archive.lookup.find(path)
        tokens: set[str] = set()
        for each in bindings(path, photo_of(node)):
            tokens |= request.context.locks.tokens(each)
        return Observed(state_of(request.context, node).etag, tokens)

    if not header.holds(request.target, observe):
        raise PreconditionFailed("If")


def check_conditions(request: Request, node: Node | None) -> None:
    """Evaluate the preconditions of RFC 9110 §13 for a method that changes something. Raises PreconditionFailed."""
    if precondition(request.method, request.environ, state_of(request.context, node)) is not Outcome.PROCEED:
        raise PreconditionFailed("a condition")


def check_locks(request: Request, paths: Iterable[LockPath]) -> None:
    """Raise Locked where a lock on one of the paths is not opened by a token of the caller's."""
    for path in paths:
        request.context.locks.check_write(path, request.tokens, request.caller)


def failure_at(context: Context, name: LockPath, error: SumuError) -> Failure:
    """What is wrong with the member whose locks have this key."""
    path = path_at(name)
    return Failure(path, isinstance(context.archive.lookup.find(path), FolderNode), error)


def check_members(request: Request, folder: FolderNode) -> None:
    """Raise MembersFailed where a lock on something below a collection is not opened by a token of the caller's: on
    its URL there, or on another name of a photo that would go with it."""
    context = request.context
    if not context.locks.has_any:
        return
    path = folder.path
    closed = context.locks.closed_below(lock_path(path), request.tokens, request.caller)
    for member, photo in photos_in(context, path):
        try:
            check_locks(request, bindings(path_at(member), photo))
        except Locked as error:
            closed.setdefault(member, error)
    failures = [
        failure_at(context, member, error)
        for member, error in closed.items()
        if not any(member[:length] in closed for length in range(len(member)))  # told with what holds it
    ]
    if failures:
        raise MembersFailed(tuple(failures))


def photos_in(context: Context, path: Path) -> Iterator[tuple[LockPath, Photo]]:
    """The photos in a collection that have other names elsewhere."""
    catalog = context.archive.catalog
    if path.parts == (FAVORITES,):
        for name, photo in catalog.favorites(path.user).items():
            yield (path.user, FAVORITES, name), photo
    for photo in catalog.below(path.user, "/".join(path.parts)):
        if photo.loose_names or photo.favorite_name is not None:
            yield lock_path(photo_path(photo)), photo


def write_guard(
    request: Request, path: Path, *, conditions: bool = True, whole_tree: bool = False, leaves: bool = False
) -> Guard:
    """What must hold for `path` to be changed: locks on it by any name, on its collection where it comes or goes
    (RFC 4918 §7.4), and the request's conditions.

    `whole_tree` asks for the locks below it, too, and raises MembersFailed for these, last of all; `leaves` tells that
    nothing will be there afterwards.
    """

    def guard(node: Node | None) -> None:
        if conditions:
            check_conditions(request, node)
        check_locks(request, bindings(path, photo_of(node)))
        if (node is None or leaves) and not path.is_home:
            check_locks(request, [lock_path(path.parent)])
        if whole_tree and isinstance(node, FolderNode):
            check_members(request, node)

    return guard
