"""REPORT of the favourites (ownCloud's `oc:filter-files`, sent by Nextcloud's iOS app) and SEARCH (RFC 5323, its
Android app). Both answer with photos where they are filed, under the spelling of the URL that was asked.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from functools import cmp_to_key

from sumu_dav.archive.lookup import photo_path
from sumu_dav.archive.nodes import FileNode, FolderNode, Node, Path
from sumu_dav.dav.access import may_write, reading
from sumu_dav.dav.bodies import PropfindKind, PropfindRequest, parse_report
from sumu_dav.dav.faults import UnsupportedReport
from sumu_dav.dav.headers import Depth
from sumu_dav.dav.live import DAV, View, some
from sumu_dav.dav.multistatus import MEDIA_TYPE, multistatus
from sumu_dav.dav.request import Request, Response
from sumu_dav.dav.search import SearchRequest, order_of, parse_search
from sumu_dav.dav.target import REMOTE_PREFIX, Space, Target, href, parse_reference
from sumu_dav.dav.verbs.options import SEARCHED
from sumu_dav.dav.writer import Form, Writer
from sumu_dav.errors import NotFound
from sumu_dav.model import FAVORITES, Photo

_TAG = re.compile(r"<[^>]*>")


def report(request: Request) -> Response:
    """The photos in a collection, and below it, that are favourites (or that are not)."""
    path = request.readable()
    asked = parse_report(request.read_body())
    lookup = request.context.archive.lookup
    if not isinstance(lookup.find(path), FolderNode):
        raise NotFound(request.target.raw)
    photos = request.context.archive.catalog.of(path.user)
    wanted = (photo for photo in photos if asked.favorite in (None, photo.is_favorite))
    nodes = (node for photo in wanted for where in _paths(path, photo) if (node := lookup.find(where)) is not None)
    return _answer(_writer(request, path.user, asked.names).write(request.target, path, nodes))


def _paths(collection: Path, photo: Photo) -> Iterator[Path]:
    """The names by which a photo lies in a collection or below it: the one in its album alone, where it has several."""
    if collection.inbox:
        yield from (Path(photo.user, (name,), True) for name in photo.loose_names)
    elif collection.in_favorites:
        if photo.favorite_name is not None:
            yield Path(photo.user, (FAVORITES, photo.favorite_name))
    elif collection.holds(photo_path(photo)):
        yield photo_path(photo)


def search(request: Request) -> Response:
    """The resources below a user's collection for which an expression holds."""
    if request.target.space is not Space.REMOTE or request.target.parts != SEARCHED:
        raise UnsupportedReport("{DAV:}searchrequest")
    asked = parse_search(request.read_body())
    scope = _scope(request, asked)
    path = reading(request.context.accounts, request.login.account, scope)
    lookup = request.context.archive.lookup
    top = lookup.find(path)
    if top is None:
        raise NotFound(scope.raw)
    nodes = [node for node in _within(request, top, asked.depth) if _holds(request, asked, node)]
    for key in reversed(asked.order):  # sorts are stable: the first key, sorted by last, decides
        nodes = _sorted(nodes, [_value(request, node, key.name) or "" for node in nodes], key.descending)
    writer = _writer(request, path.user, asked.names)
    return _answer(writer.one(node, _href(scope, node)) for node in nodes[: asked.limit])


def _sorted(nodes: list[Node], values: list[str], descending: bool) -> list[Node]:
    comparable = cmp_to_key(order_of)
    order = sorted(range(len(nodes)), key=lambda index: comparable(values[index]), reverse=descending)
    return [nodes[index] for index in order]


def _scope(request: Request, asked: SearchRequest) -> Target:
    """The app names it as Nextcloud's server knows it, `/files/<user>`, without what stands before."""
    prefix = f"{REMOTE_PREFIX}/{'/'.join(SEARCHED)}"
    return parse_reference(prefix + asked.scope if asked.scope.startswith("/files/") else asked.scope, request.caller)


def _within(request: Request, top: Node, depth: Depth) -> Iterable[Node]:
    lookup = request.context.archive.lookup
    if depth is Depth.ZERO or isinstance(top, FileNode):
        return (top,)
    below = lookup.children(top.path) if depth is Depth.ONE else lookup.below(top.path)
    return (top, *below)


def _holds(request: Request, asked: SearchRequest, node: Node) -> bool:
    return asked.where is None or asked.where.matches(lambda name: _value(request, node, name))


def _value(request: Request, node: Node, name: str) -> str | None:
    """A property as the text that it is compared by."""
    if name == DAV + "resourcetype":
        return "collection" if isinstance(node, FolderNode) else ""
    found, _ = some(_view(request, node), (name,))
    return html.unescape(_TAG.sub("", found)) if found else None


def _view(request: Request, node: Node) -> View:
    return View(request.context, node, may_write(request.login.account, node.path.user))


def _href(scope: Target, node: Node) -> str:
    return href(scope.prefix, node.path.user, node.path.parts, isinstance(node, FolderNode))


def _writer(request: Request, owner: str, names: tuple[str, ...]) -> Writer:
    kind = PropfindKind.SOME if names else PropfindKind.ALL
    form = Form(PropfindRequest(kind, names), writable=may_write(request.login.account, owner))
    return Writer(request.context, form)


def _answer(responses: Iterable[str]) -> Response:
    return Response(207, [("Content-Type", MEDIA_TYPE)], multistatus(responses))
