"""The collections that are no user's: the root with the users in it, the inboxes, Nextcloud's upper folders."""

from __future__ import annotations

from collections.abc import Iterator

from sumu_dav.archive.nodes import FolderNode, Path
from sumu_dav.dav.access import visible_users
from sumu_dav.dav.bodies import PropfindKind, PropfindRequest
from sumu_dav.dav.faults import DepthRefused
from sumu_dav.dav.headers import Depth
from sumu_dav.dav.live import DAV, View, everything, names_of, some
from sumu_dav.dav.multistatus import element, response, text_element
from sumu_dav.dav.request import Request
from sumu_dav.dav.target import Space, encode
from sumu_dav.errors import NotFound


def members(request: Request) -> list[tuple[str, Path | None]]:
    """The names in an upper collection, each with the user's path that it shows, if any. Raises NotFound."""
    target = request.target
    users = visible_users(request.context.accounts, request.login.account)
    if target.space is Space.ROOT:
        return [(user, Path(user)) for user in users]
    if target.space is Space.OWN:
        if target.parts == ("inbox",):
            return [(user, Path(user, (), True)) for user in users]
        if not target.parts:
            return [("inbox", None)]
    if target.space is Space.REMOTE:
        below: dict[tuple[str, ...], list[tuple[str, Path | None]]] = {
            (): [("dav", None), ("webdav", Path(request.caller))],
            ("dav",): [("files", None), ("uploads", None)],
            ("dav", "uploads"): [(request.caller, None)],
        }
        if target.parts in below:
            return below[target.parts]
    raise NotFound(target.raw)


def root_responses(request: Request, asked: PropfindRequest, how_deep: Depth) -> Iterator[str]:
    """The responses of a PROPFIND on an upper collection."""
    found = members(request)
    if how_deep is Depth.INFINITY:
        raise DepthRefused()
    top = request.target.href(folder=True)
    responses = [_bare(top, request.target.name, asked)]
    if how_deep is Depth.ONE:
        for name, path in found:
            href = f"{top}{encode(name)}/"
            responses.append(_bare(href, name, asked) if path is None else _home(request, path, href, asked))
    return iter(responses)


def _bare(href: str, name: str, asked: PropfindRequest) -> str:
    known = {
        DAV + "resourcetype": element(DAV + "resourcetype", "<d:collection/>"),
        DAV + "displayname": text_element(DAV + "displayname", name or "/"),
    }
    if asked.kind is PropfindKind.NAMES:
        return response(href, "".join(element(each) for each in known))
    if asked.kind is PropfindKind.ALL:
        return response(href, "".join(known.values()))
    found = "".join(known[each] for each in asked.names if each in known)
    return response(href, found, [each for each in asked.names if each not in known])


def _home(request: Request, path: Path, href: str, asked: PropfindRequest) -> str:
    account = request.login.account
    node = FolderNode(path, visible=True, hidden=True)
    view = View(request.context, account, node, path.user == account.name or account.admin)
    if asked.kind is PropfindKind.NAMES:
        return response(href, "".join(element(each) for each in names_of(view)))
    if asked.kind is PropfindKind.ALL:
        return response(href, everything(view))
    found, missing = some(view, asked.names)
    return response(href, found, missing)
