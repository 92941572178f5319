"""A collection as a plain page for a browser: names, sizes, dates, and links; no script."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from html import escape

from sumu_dav.archive.nodes import FileNode, FolderNode
from sumu_dav.dav.request import Request, Response
from sumu_dav.dav.target import Space, encode
from sumu_dav.dav.verbs.roots import members

PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of our own pages: they need their style and nothing else."""

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td{padding:.2rem .5rem;border-top:1px solid #ddd}"
    "td+td{text-align:right;white-space:nowrap;color:#555}a{text-decoration:none}"
)

Row = tuple[str, str, str, str]
"""Name, href, size and date, not escaped yet."""


def browse(request: Request, node: FolderNode) -> Response:
    """The page of a collection in a user's tree."""
    children = request.context.archive.lookup.children(node.path)
    rows = [
        _row(request, child)
        for child in sorted(children, key=lambda each: (isinstance(each, FileNode), each.path.name))
    ]
    return _page(request, rows)


def browse_root(request: Request) -> Response:
    """The page of a collection above the users."""
    top = request.target.href(folder=True)
    return _page(request, [(name + "/", f"{top}{encode(name)}/", "", "") for name, _path in members(request)])


def _row(request: Request, child: FileNode | FolderNode) -> Row:
    href = request.target.href(folder=True) + encode(child.path.name)
    if isinstance(child, FolderNode):
        return child.path.name + "/", href + "/", "", ""
    moment = datetime.fromtimestamp(child.stat.mtime_ns // 1_000_000_000, UTC)
    return child.path.name, href, f"{child.stat.size:,}", moment.strftime("%Y-%m-%d %H:%M")


def _page(request: Request, rows: Iterable[Row]) -> Response:
    headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", PAGE_POLICY)]
    if request.method == "HEAD":
        return Response(200, headers)
    title = escape("/".join(("", *request.target.path)) or "/")
    return Response(200, headers, "".join(_lines(request, title, rows)).encode())


def _lines(request: Request, title: str, rows: Iterable[Row]) -> Iterator[str]:
    yield f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{_STYLE}</style>"
    yield f"<h1>{title}</h1><table>"
    if request.target.space is not Space.ROOT:
        yield f'<tr><td><a href="{escape(request.target.parent().href(folder=True))}">..</a><td><td>'
    for name, href, size, moment in rows:
        yield f'<tr><td><a href="{escape(href)}">{escape(name)}</a><td>{size}<td>{moment}'
    yield "</table></html>"
