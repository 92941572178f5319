"""LOCK and UNLOCK (RFC 4918 §9.10, §9.11)."""

from __future__ import annotations

from sumu_dav.archive.content import Content
from sumu_dav.archive.failures import Failure
from sumu_dav.archive.nodes import FileNode, FolderNode, Node, Path
from sumu_dav.dav.bodies import LockRequest, parse_lockinfo
from sumu_dav.dav.failing import members_failed
from sumu_dav.dav.faults import BadRequest, FailedDependency, LockConflict, LocksBelow, PreconditionFailed
from sumu_dav.dav.guards import (
    bindings,
    check_conditions,
    check_if,
    check_locks,
    failure_at,
    lock_path,
    path_at,
    photos_in,
)
from sumu_dav.dav.headers import Depth, depth, lock_timeout, lock_token
from sumu_dav.dav.live import lock_discovery
from sumu_dav.dav.locks import Lock
from sumu_dav.dav.multistatus import MEDIA_TYPE, prop_body
from sumu_dav.dav.request import Request, Response
from sumu_dav.model import Photo


def lock(request: Request) -> Response:
    """Take a lock, making an empty placeholder where nothing is; or refresh one (no body)."""
    path = request.writable()
    wanted = parse_lockinfo(request.read_body())
    if wanted is None:
        return _refresh(request, path)
    return _take(request, path, wanted)


def _refresh(request: Request, path: Path) -> Response:
    if not request.tokens:
        raise BadRequest("a LOCK without a body refreshes a lock, and needs its token in an If header")
    check_if(request)
    refreshed = request.context.locks.refresh(
        request.tokens, lock_path(path), request.caller, lock_timeout(request.environ)
    )
    return _answer(request, refreshed, 200, told=False)


def _take(request: Request, path: Path, wanted: LockRequest) -> Response:
    if depth(request.environ, Depth.INFINITY) is Depth.ONE:
        raise BadRequest("LOCK takes Depth 0 or infinity (RFC 4918 §9.10.3)")
    check_if(request)
    archive = request.context.archive
    node = archive.lookup.find(path)
    check_conditions(request, node)
    if node is None:
        archive.receiving.check_target(path)
        check_locks(request, [lock_path(path.parent)])
    infinite = depth(request.environ, Depth.INFINITY) is Depth.INFINITY
    try:
        _refuse_by_other_names(request, node, wanted, infinite=infinite)
        taken = request.context.locks.acquire(
            lock_path(path),
            request.target.href(folder=True if isinstance(node, FolderNode) else None),
            request.caller,
            shared=wanted.shared,
            infinite=infinite,
            owner=wanted.owner,
            timeout=lock_timeout(request.environ),
            tokens=request.tokens,
        )
    except LocksBelow as error:
        return _locked_below(request, path, error)
    if node is not None:
        return _answer(request, taken, 200, told=True)
    try:
        created = _make_placeholder(request, path)
    except BaseException:
        request.context.locks.release(taken.token, taken.path, request.caller)
        raise
    return _answer(request, taken, 201 if created else 200, told=True)


def _refuse_by_other_names(request: Request, node: Node | None, wanted: LockRequest, *, infinite: bool) -> None:
    """Raise LockConflict where the photo is locked by another of its names, and LocksBelow where one in the collection
    is: each would wait for the other's token."""
    if isinstance(node, FileNode):
        conflicting = _conflicting(request, node.path, node.photo, wanted)
        if conflicting:
            raise LockConflict(conflicting)
    elif node is not None and infinite and request.context.locks.has_any:
        below = {}
        for name, photo in photos_in(request.context, node.path):
            conflicting = _conflicting(request, path_at(name), photo, wanted)
            if conflicting:
                below[name] = LockConflict(conflicting)
        if below:
            raise LocksBelow(below)


def _conflicting(request: Request, path: Path, photo: Photo | None, wanted: LockRequest) -> tuple[str, ...]:
    """The roots of the locks on other names of what lies at the path that would not go together with a new one."""
    own = lock_path(path)
    conflicting = (
        lock.href
        for name in bindings(path, photo)
        for lock in request.context.locks.covering(name)
        if not lock.covers(own)
        and not (lock.shared and wanted.shared)
        and not (lock.principal == request.caller and lock.token in request.tokens)
    )
    return tuple(dict.fromkeys(conflicting))


def _locked_below(request: Request, path: Path, error: LocksBelow) -> Response:
    """RFC 4918 §9.10.9: the members that have locks, and the collection, which could not be locked for them."""
    failures = [failure_at(request.context, name, conflict) for name, conflict in error.conflicts.items()]
    failures.append(Failure(path, True, FailedDependency()))
    return members_failed(request, failures, "Nothing was locked.")


def _make_placeholder(request: Request, path: Path) -> bool:
    archive = request.context.archive
    with archive.tree.receive() as upload:
        stat = upload.seal(None)
        content = Content(upload, 0, upload.sha256, stat.mtime_ns)
        return archive.receiving.store(path, content, only_new=True).created


def _answer(request: Request, held: Lock, status: int, *, told: bool) -> Response:
    body = prop_body(lock_discovery(request.context, [held]))
    headers = [("Content-Type", MEDIA_TYPE)]
    if told:
        headers.append(("Lock-Token", f"<{held.token}>"))
    return Response(status, headers, body)


def unlock(request: Request) -> Response:
    """Give a lock back."""
    path = request.writable()
    check_if(request)
    token = lock_token(request.environ)
    node = request.context.archive.lookup.find(path)
    if node is None and not request.context.locks.tokens(lock_path(path)):
        raise PreconditionFailed("Lock-Token")
    request.context.locks.release(token, lock_path(path), request.caller, request.target.raw)
    return Response(204)
