"""OPTIONS (RFC 9110 §9.3.7, RFC 4918 §10.1): what can be done with the target, which differs by what lies there."""

from __future__ import annotations

from sumu_dav.archive.nodes import FileNode, Node
from sumu_dav.dav.access import chunks_owner, writing
from sumu_dav.dav.request import Request, Response
from sumu_dav.dav.target import Space, Target
from sumu_dav.dav.verbs.chunks import WHOLE_FILE
from sumu_dav.dav.verbs.roots import members
from sumu_dav.errors import Forbidden

READING = ("OPTIONS", "GET", "HEAD", "PROPFIND")
LISTING = (*READING, "REPORT", "COPY")
WRITING_A_FILE = (*READING, "PUT", "PROPPATCH", "DELETE", "COPY", "MOVE", "LOCK", "UNLOCK")

# PUT and MKCOL are its members': clients ask a collection, often the topmost, what they may do in it.
WRITING_A_HOME = (*LISTING, "PUT", "MKCOL", "PROPPATCH", "LOCK", "UNLOCK")
WRITING_A_COLLECTION = (*WRITING_A_HOME, "DELETE", "MOVE")

ON_NOTHING = ("OPTIONS", "PUT", "MKCOL", "LOCK")

SEARCHED = ("dav",)
"""The path below `/remote.php` whose Allow Nextcloud's Android app reads before it sends SEARCH there."""


def options(request: Request) -> Response:
    """Say what the target allows, and that this is a WebDAV server of the classes 1, 2 and 3."""
    allowed = _allowed(request)
    headers = [
        ("Allow", ", ".join(allowed)),
        ("DAV", "1, 2, 3"),
        ("MS-Author-Via", "DAV"),  # without it Windows tries FrontPage's protocol first
        ("Accept-Ranges", "bytes"),
    ]
    if "SEARCH" in allowed:
        headers.append(("DASL", "<DAV:basicsearch>"))  # RFC 5323 §3.2
    return Response(200, headers)


def _allowed(request: Request) -> tuple[str, ...]:
    target = request.target
    if target.space in (Space.USER, Space.INBOX):
        return _in_a_tree(request)
    if target.space is Space.CHUNKS:
        chunks_owner(request.login.account, target)
        return _of_chunks(target)
    if target.space is Space.OWN and target.parts in (("health",), ("metrics",)):
        return ("OPTIONS", "GET", "HEAD")
    members(request)  # raises where there is no such collection
    if target.space is Space.REMOTE and target.parts == SEARCHED:
        return (*READING, "SEARCH")
    return READING


def _in_a_tree(request: Request) -> tuple[str, ...]:
    path = request.readable()
    node: Node | None = request.context.archive.lookup.find(path)
    is_file = isinstance(node, FileNode)
    try:
        writing(request.context.accounts, request.login.account, request.target)
    except Forbidden:
        return (*READING, "COPY") if is_file else LISTING
    if node is None:
        return ON_NOTHING
    if is_file:
        return WRITING_A_FILE
    return WRITING_A_HOME if path.is_home else WRITING_A_COLLECTION


def _of_chunks(target: Target) -> tuple[str, ...]:
    match target.parts:
        case ():
            return ("OPTIONS", "PROPFIND")
        case (_,):
            return ("OPTIONS", "PROPFIND", "MKCOL", "DELETE")
        case _ if target.name == WHOLE_FILE:
            return ("OPTIONS", "MOVE")
    return ("OPTIONS", "PROPFIND", "PUT")
