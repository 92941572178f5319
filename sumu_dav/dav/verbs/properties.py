"""PROPFIND and PROPPATCH (RFC 4918 §9.1, §9.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain, islice

from sumu_dav.archive.nodes import FileNode, FolderNode, Node, Path
from sumu_dav.archive.properties import PropertyChange
from sumu_dav.dav.bodies import PropChange, PropfindKind, PropfindRequest, parse_propfind, parse_proppatch
from sumu_dav.dav.faults import DepthRefused
from sumu_dav.dav.guards import bindings, check_conditions, check_if, check_locks
from sumu_dav.dav.headers import Depth, Prefer, depth, parse_flag, parse_http_date, parse_seconds, prefer
from sumu_dav.dav.live import DAV, LIVE, NOT_IN_ALLPROP, OC, SUMU, WIN32, WRITABLE, View, everything, names_of, some
from sumu_dav.dav.multistatus import MEDIA_TYPE, element, multistatus, response
from sumu_dav.dav.request import Request, Response
from sumu_dav.dav.target import Space, encode
from sumu_dav.dav.verbs import chunks
from sumu_dav.dav.verbs.roots import root_responses
from sumu_dav.errors import NotFound


def propfind(request: Request) -> Response:
    """Answer what is known of a resource, and of what is in it."""
    asked = parse_propfind(request.read_body())
    how_deep = depth(request.environ, Depth.INFINITY)
    preferred = prefer(request.environ)
    if request.target.space is Space.CHUNKS:
        return chunks.list_upload(request, asked, how_deep)
    if request.target.space not in (Space.USER, Space.INBOX):
        return _answer(root_responses(request, asked, how_deep))
    path = request.readable()
    node = request.context.archive.lookup.find(path)
    if node is None:
        raise NotFound(request.target.raw)
    nodes = _members(request, node, how_deep)
    writer = Writer(request, asked, minimal=preferred.minimal)
    first = () if preferred.no_root and how_deep is not Depth.ZERO else (node,)
    return _answer(writer.write(path, (*first, *nodes)), preferred)


def _answer(responses: Iterable[str], preferred: Prefer | None = None) -> Response:
    """Few responses go out whole, with their length; many as they are written, in bounded memory."""
    blocks = multistatus(responses)
    begun = list(islice(blocks, 2))
    body: bytes | Iterable[bytes] = b"".join(begun) if len(begun) < 2 else chain(begun, blocks)
    headers = [("Content-Type", MEDIA_TYPE)]
    if preferred is not None and preferred.applied:
        headers.append(("Preference-Applied", preferred.applied))
    return Response(207, headers, body)


def _members(request: Request, node: Node, how_deep: Depth) -> list[Node]:
    if how_deep is Depth.ZERO or isinstance(node, FileNode):
        return []
    lookup = request.context.archive.lookup
    if how_deep is Depth.ONE:
        return lookup.children(node.path)
    limit = request.context.settings.listing.max_depth_infinity
    nodes: list[Node] = []
    for below in lookup.below(node.path):
        nodes.append(below)
        if len(nodes) > limit:
            raise DepthRefused()
    return nodes


class Writer:
    """Writes the responses of a PROPFIND, the hrefs under the spelling of the URL that was asked."""

    def __init__(self, request: Request, asked: PropfindRequest, *, minimal: bool = False) -> None:
        self._request = request
        self._asked = asked
        self._minimal = minimal
        account = request.login.account
        self._account = account

    def write(self, base: Path, nodes: Iterable[Node]) -> Iterator[str]:
        """One DAV:response a node; `base` is the path of the request's own resource."""
        for node in nodes:
            yield self.one(node, self._href(base, node))

    def one(self, node: Node, href: str) -> str:
        """The DAV:response of one resource."""
        writable = node.path.user == self._account.name or self._account.admin
        view = View(self._request.context, self._account, node, writable)
        if self._asked.kind is PropfindKind.NAMES:
            return response(href, "".join(element(name) for name in names_of(view)))
        if self._asked.kind is PropfindKind.ALL:
            included, _ = some(view, (name for name in self._asked.include if name in NOT_IN_ALLPROP))
            return response(href, everything(view) + included)
        found, missing = some(view, self._asked.names)
        return response(href, found, () if self._minimal else missing)

    def _href(self, base: Path, node: Node) -> str:
        folder = isinstance(node, FolderNode)
        rest = node.path.parts[len(base.parts) :]
        if not rest:
            return self._request.target.href(folder=folder)
        top = self._request.target.href(folder=True)
        return top + "/".join(encode(part) for part in rest) + ("/" if folder else "")


def proppatch(request: Request) -> Response:
    """Change properties, all or none of them."""
    path = request.writable()
    changes = parse_proppatch(request.read_body())
    check_if(request)
    archive = request.context.archive
    node = archive.lookup.find(path)
    if node is None:
        raise NotFound(request.target.raw)
    refused = {change.name: fault for change in changes if (fault := _refusal(change, node)) is not None}
    names = list(dict.fromkeys(change.name for change in changes))
    href = request.target.href(folder=isinstance(node, FolderNode))
    if refused:
        rest = [name for name in names if name not in refused]
        others: list[tuple[int, list[str], str | None]] = [
            (status, [name], condition) for name, (status, condition) in refused.items()
        ]
        if rest:
            others.append((424, rest, None))
        return _answer([response(href, others=others)])

    def guard(there: Node | None) -> None:
        check_conditions(request, there)
        photo = there.photo if isinstance(there, FileNode) else None
        check_locks(request, bindings(path, photo))

    archive.properties.change(path, _combined(changes), guard)
    if prefer(request.environ).minimal:
        return Response(204, [("Preference-Applied", "return=minimal")])
    return _answer([response(href, "".join(element(name) for name in names))])


def _refusal(change: PropChange, node: Node) -> tuple[int, str | None] | None:
    if change.name in WRITABLE:
        if change.name in (OC + "favorite", SUMU + "isFavorite"):
            if not (isinstance(node, FileNode) and node.is_photo):
                return 403, None
            return None if change.value is None or parse_flag(change.text) is not None else (409, None)
        if change.value is None:
            return None if change.name == WIN32 + "Win32LastModifiedTime" else (403, "cannot-modify-protected-property")
        return None if _moment(change) is not None or change.name.startswith(WIN32) else (409, None)
    if change.name == DAV + "displayname" or (change.name.startswith(DAV) and change.name in LIVE):
        return 403, "cannot-modify-protected-property"
    if change.name in LIVE:
        return 403, "cannot-modify-protected-property"
    return None


def _moment(change: PropChange) -> int | None:
    """The time that a property sets, in nanoseconds since the epoch: an HTTP date, ISO 8601, or seconds."""
    text = change.text.strip()
    seconds = parse_http_date(text)
    if seconds is not None:
        return seconds * 1_000_000_000
    number = parse_seconds(text)
    if number is not None:
        return number
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1_000_000) * 1000


def _combined(changes: Iterable[PropChange]) -> PropertyChange:
    dead: dict[str, str | None] = {}
    favorite: bool | None = None
    mtime_ns: int | None = None
    for change in changes:
        if change.name in (OC + "favorite", SUMU + "isFavorite"):
            favorite = change.value is not None and parse_flag(change.text) is True
        elif change.name in (DAV + "getlastmodified", DAV + "lastmodified"):
            mtime_ns = _moment(change)
        else:
            if change.name == WIN32 + "Win32LastModifiedTime" and change.value is not None:
                mtime_ns = _moment(change) or mtime_ns
            dead[change.name] = change.value
    return PropertyChange(dead, favorite, mtime_ns)
