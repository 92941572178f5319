"""MKCOL, DELETE, COPY and MOVE (RFC 4918 §9.3, §9.6, §9.8, §9.9)."""

from __future__ import annotations

from sumu_dav.archive.changes.arriving import Moved
from sumu_dav.archive.changes.targets import Guard
from sumu_dav.archive.nodes import FolderNode, Node, Path
from sumu_dav.dav.access import writing
from sumu_dav.dav.failing import members_failed
from sumu_dav.dav.faults import BadRequest, UnsupportedBody
from sumu_dav.dav.guards import (
    check_conditions,
    check_if,
    forget_gone,
    lock_path,
    names_going,
    write_guard,
)
from sumu_dav.dav.headers import Depth, depth, modified_ns, overwrite
from sumu_dav.dav.live import file_id, full_id
from sumu_dav.dav.locks import Lock
from sumu_dav.dav.request import Request, Response
from sumu_dav.dav.target import Space, href
from sumu_dav.dav.verbs.chunks import assemble
from sumu_dav.errors import Forbidden, NotFound, ParentMissing


def mkcol(request: Request) -> Response:
    """Make a collection."""
    path = request.writable()
    if request.length != 0:
        raise UnsupportedBody("a body in MKCOL means nothing here")
    check_if(request)
    request.context.archive.folders.make(path, write_guard(request, path))
    return Response(201, _id_of(request, path))


def delete(request: Request) -> Response:
    """Delete a file or a collection, into the trash."""
    path = request.writable()
    if depth(request.environ, Depth.INFINITY) is not Depth.INFINITY and _is_folder(request, path):
        raise BadRequest("DELETE of a collection takes Depth: infinity alone (RFC 4918 §9.6.1)")
    check_if(request)
    node = request.context.archive.lookup.find(path)
    names = names_going(request.context, node) if node is not None else []
    request.context.archive.folders.delete(path, _going_guard(request, path))
    forget_gone(request.context, names)
    return Response(204)


def copy(request: Request) -> Response:
    """COPY; into the favourites album it sets the flag (DESIGN §1)."""
    source, target = request.readable(), _destination(request)
    check_if(request)
    node = request.context.archive.lookup.find(source)
    check_conditions(request, node)
    members = True
    if isinstance(node, FolderNode):
        wanted = depth(request.environ, Depth.INFINITY)
        if wanted is Depth.ONE:
            raise BadRequest("COPY of a collection takes Depth 0 or infinity (RFC 4918 §9.8.3)")
        members = wanted is Depth.INFINITY
    archive = request.context.archive
    there = archive.lookup.find(target)
    replaced = names_going(request.context, there) if there is not None else []
    moved = archive.copy(
        source, target, overwrite=overwrite(request.environ), members=members, guard=_arriving_guard(request, target)
    )
    forget_gone(request.context, replaced)
    if moved.failures:
        return members_failed(request, moved.failures, "All else was copied.")
    return _answer(request, target, moved)


def move(request: Request) -> Response:
    """MOVE; into the favourites album it sets the flag, and the original stays (DESIGN §1)."""
    if request.target.space is Space.CHUNKS:
        return assemble(request, _destination(request))
    source, target = request.writable(), _destination(request)
    check_if(request)
    archive = request.context.archive
    node = archive.lookup.find(source)
    if node is None:
        raise NotFound(request.target.raw)
    if isinstance(node, FolderNode) and depth(request.environ, Depth.INFINITY) is not Depth.INFINITY:
        raise BadRequest("MOVE of a collection takes Depth: infinity alone (RFC 4918 §9.9.2)")
    check_conditions(request, node)
    _going_guard(request, source, conditions=False)(node)
    arriving = _arriving_guard(request, target)
    names = names_going(request.context, node)
    replaced: list[Lock] = []

    def guard(there: Node | None) -> None:
        _going_guard(request, source, conditions=False)(archive.lookup.find(source))
        arriving(there)
        replaced.extend(request.context.locks.below(lock_path(target)))

    moved = archive.move(
        source, target, overwrite=overwrite(request.environ), guard=guard, mtime_ns=modified_ns(request.environ)
    )
    for each in replaced:
        request.context.locks.drop(each.token)
    forget_gone(request.context, names)
    return _answer(request, target, moved)


def _answer(request: Request, target: Path, moved: Moved) -> Response:
    headers = _id_of(request, target)
    if moved.filed is not None:
        headers.append(("Content-Location", href("", moved.filed.user, moved.filed.parts, folder=False)))
    return Response(201 if moved.created else 204, headers)


def _id_of(request: Request, path: Path) -> list[tuple[str, str]]:
    """Nextcloud tells the id of all that comes to be, folders too, and its iOS app crashes where it is missing."""
    node = request.context.archive.lookup.find(path)
    return [] if node is None else [("OC-FileId", full_id(request.context, file_id(node)))]


def _destination(request: Request) -> Path:
    path = writing(request.context.accounts, request.login.account, request.destination)
    if path.is_home:
        raise Forbidden(request.destination.raw, "a user's own folder can't be replaced")
    if not path.is_loose and not isinstance(request.context.archive.lookup.find(path.parent), FolderNode):
        raise ParentMissing(request.destination.raw)
    return path


def _is_folder(request: Request, path: Path) -> bool:
    return isinstance(request.context.archive.lookup.find(path), FolderNode)


def _going_guard(request: Request, path: Path, *, conditions: bool = True) -> Guard:
    return write_guard(request, path, conditions=conditions, whole_tree=True, leaves=True)


def _arriving_guard(request: Request, target: Path) -> Guard:
    """The conditions of the request speak of its source (RFC 9110 §13.1)."""
    return write_guard(request, target, conditions=False, whole_tree=True)
