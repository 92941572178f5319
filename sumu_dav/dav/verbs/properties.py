"""PROPFIND and PROPPATCH (RFC 4918 §9.1, §9.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain, islice

from sumu_dav.archive.changes.properties import PropertyChange
from sumu_dav.archive.nodes import FileNode, FolderNode, Node, Path
from sumu_dav.dav.access import may_write
from sumu_dav.dav.bodies import PropChange, PropfindRequest, parse_propfind, parse_proppatch
from sumu_dav.dav.faults import DepthRefused
from sumu_dav.dav.guards import check_if, write_guard
from sumu_dav.dav.headers import (
    EARLIEST_SECOND,
    LATEST_SECOND,
    Depth,
    Prefer,
    depth,
    parse_flag,
    parse_http_date,
    parse_seconds,
    prefer,
)
from sumu_dav.dav.live import DAV, LIVE, OC, SUMU, WIN32, WRITABLE
from sumu_dav.dav.multistatus import CLOSING, MEDIA_TYPE, OPENING, element, multistatus, response
from sumu_dav.dav.request import Request, Response
from sumu_dav.dav.target import Space
from sumu_dav.dav.verbs import chunks
from sumu_dav.dav.verbs.roots import root_responses
from sumu_dav.dav.writer import Form, Writer
from sumu_dav.errors import NotFound

KEPT_TIMES = (WIN32 + "Win32LastModifiedTime", "{SAR:}lastmodified")
"""Where Explorer and Cyberduck put a modification time: kept as they wrote it, and the file's own as well."""

MEMOIZED_BYTES = 4_096
"""Longer bodies are read anew each time: no client sends one again and again, and what is remembered stays small."""


def propfind(request: Request) -> Response:
    """Answer what is known of a resource, and of what is in it."""
    asked = _asked(request.read_body())
    how_deep = depth(request.environ, Depth.INFINITY)
    preferred = prefer(request.environ)
    if request.target.space is Space.CHUNKS:
        return chunks.list_upload(request, asked, how_deep)
    if request.target.space not in (Space.USER, Space.INBOX):
        return _answer(root_responses(request, asked, how_deep))
    path = request.readable()
    form = Form(asked, may_write(request.login.account, path.user), preferred.minimal)
    own = how_deep is Depth.ZERO or not preferred.no_root
    if request.context.settings.fast_reads:
        prepared = _prepared(request, path, form, how_deep, preferred)
        if prepared is not None:
            return _whole(prepared, preferred)
    node = _found(request, path)
    nodes = chain((node,) if own else (), _members(request, node, how_deep))
    return _answer(Writer(request.context, form).write(request.target, path, nodes), preferred)


def _asked(body: bytes) -> PropfindRequest:
    return _remembered(body) if len(body) <= MEMOIZED_BYTES else parse_propfind(body)


_remembered = lru_cache(maxsize=256)(parse_propfind)


def _found(request: Request, path: Path) -> Node:
    node = request.context.archive.lookup.find(path)
    if node is None:
        raise NotFound(request.target.raw)
    return node


def _prepared(
    request: Request, path: Path, form: Form, how_deep: Depth, preferred: Prefer
) -> bytes | Iterable[bytes] | None:
    """The answer from prepared bytes; None where the request is not one of those that come again and again."""
    listings = request.context.listings
    if how_deep is Depth.ZERO:
        single = listings.single(request.target, path, form)
        if single is None:
            return None
        response = single.response
        if response is None:
            node = _found(request, path)
            if not isinstance(node, FileNode):
                return None
            response = single.write(node)
        return b"".join((OPENING.encode(), response, CLOSING.encode()))
    if how_deep is Depth.ONE:
        node = _found(request, path)
        if isinstance(node, FolderNode):
            return listings.collection(request.target, node, form, own=not preferred.no_root)
    return None


def _whole(body: bytes | Iterable[bytes], preferred: Prefer | None = None) -> Response:
    headers = [("Content-Type", MEDIA_TYPE)]
    if preferred is not None and preferred.applied:
        headers.append(("Preference-Applied", preferred.applied))
    return Response(207, headers, body)


def _answer(responses: Iterable[str], preferred: Prefer | None = None) -> Response:
    """Few responses go out whole, with their length; many as they are written, in bounded memory."""
    blocks = multistatus(responses)
    begun = list(islice(blocks, 2))
    return _whole(b"".join(begun) if len(begun) < 2 else chain(begun, blocks), preferred)


def _members(request: Request, node: Node, how_deep: Depth) -> Iterable[Node]:
    if how_deep is Depth.ZERO or isinstance(node, FileNode):
        return ()
    lookup = request.context.archive.lookup
    if how_deep is Depth.ONE:
        return lookup.walk(node.path)
    limit = request.context.settings.listing.max_depth_infinity
    nodes: list[Node] = []
    for below in lookup.below(node.path):
        nodes.append(below)
        if len(nodes) > limit:
            raise DepthRefused()
    return nodes


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
    archive.properties.change(path, _combined(changes), write_guard(request, path))
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
    """The time that a property sets, in nanoseconds since the epoch: an HTTP date, ISO 8601, or seconds.

    None for anything else, and for a time that no file system keeps.
    """
    text = change.text.strip()
    number = parse_seconds(text)
    if number is not None:
        return number
    seconds: float | None = parse_http_date(re.sub(r" UTC$", " GMT", text))  # as Java writes it, and so Cyberduck
    if seconds is None:
        seconds = _iso_seconds(text)
    if seconds is None or not EARLIEST_SECOND <= seconds <= LATEST_SECOND:
        return None
    return int(seconds * 1_000_000) * 1000


def _iso_seconds(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()


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
            if change.name in KEPT_TIMES and change.value is not None:
                mtime_ns = _moment(change) or mtime_ns
            dead[change.name] = change.value
    return PropertyChange(dead, favorite, mtime_ns)
