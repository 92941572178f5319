"""The collections that are no user's: the root with the users in it, the inboxes, Nextcloud's upper folders."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

from sumu_dav.archive.nodes import FolderNode, Path
from sumu_dav.dav.access import may_write, visible_users
from sumu_dav.dav.bodies import PropfindRequest
from sumu_dav.dav.faults import DepthRefused
from sumu_dav.dav.headers import Depth, http_date
from sumu_dav.dav.live import DAV, folder_modified, iso_utc
from sumu_dav.dav.multistatus import element, text_element
from sumu_dav.dav.request import Request
from sumu_dav.dav.target import Space, encode
from sumu_dav.dav.writer import Form, Writer, written_of
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
    responses = [_upper(request, top, request.target.name, asked)]
    if how_deep is Depth.ONE:
        for name, path in found:
            href = f"{top}{encode(name)}/"
            responses.append(_upper(request, href, name, asked) if path is None else _home(request, path, href, asked))
    return iter(responses)


def _upper(request: Request, href: str, name: str, asked: PropfindRequest) -> str:
    return written_of(href, _told_of_upper(request, name), asked)


def _told_of_upper(request: Request, name: str) -> dict[str, str]:
    """The live properties of a collection that can't be changed nor locked: times and tag are those of what the caller
    sees below it, quota is the caller's own (a desktop that mounts the root asks there).
    """
    archive, users = request.context.archive, visible_users(request.context.accounts, request.login.account)
    homes = [Path(user) for user in users]
    modified = max(folder_modified(request.context, home) for home in homes)
    tags = "\0".join(part for home in homes for part in (home.user, archive.collection_etag(home)))
    texts = {
        "displayname": name or "/",
        "getetag": f'"{blake2b(tags.encode(), digest_size=16).hexdigest()}"',
        "getlastmodified": http_date(modified),
        "creationdate": iso_utc(modified),
        "quota-available-bytes": str(archive.usage.available(request.caller)),
        "quota-used-bytes": str(archive.usage.used(request.caller)),
    }
    return {
        DAV + "resourcetype": element(DAV + "resourcetype", "<d:collection/>"),
        **{DAV + local: text_element(DAV + local, text) for local, text in texts.items()},
        **{DAV + local: element(DAV + local) for local in ("supportedlock", "lockdiscovery")},
    }


def _home(request: Request, path: Path, href: str, asked: PropfindRequest) -> str:
    form = Form(asked, may_write(request.login.account, path.user))
    return Writer(request.context, form).one(FolderNode(path, visible=True, hidden=True), href)
