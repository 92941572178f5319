"""GET and HEAD of a file (RFC 9110 §9.3.1): conditions, ranges, and the headers that keep a browser from harm."""

from __future__ import annotations

import os
from collections.abc import Iterator
from uuid import uuid4

from sumu_dav.archive.nodes import FileNode, FolderNode
from sumu_dav.dav.conditions import Outcome, State, precondition, range_applies
from sumu_dav.dav.headers import http_date, repr_digest
from sumu_dav.dav.health import metrics_page
from sumu_dav.dav.live import content_type, file_id, full_id
from sumu_dav.dav.ranges import Multipart, Span, content_range, plan
from sumu_dav.dav.request import Request, Response
from sumu_dav.dav.target import Space
from sumu_dav.dav.verbs.browse import browse, browse_root
from sumu_dav.errors import NotFound

BLOCK_BYTES = 256 * 1024
"""What is read at once where the server can't send a file by itself."""

ACTIVE_TYPES = ("text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/xml", "text/javascript")
"""What a browser would run or style: sent for saving, not for showing."""


class FileBody:
    """The bytes of an open file from its present offset on, `length` of them; closed by the server (PEP 3333)."""

    def __init__(self, fd: int, length: int) -> None:
        self._file = open(fd, "rb", buffering=0)  # noqa: SIM115 - closed by the server
        self._left = length

    def __iter__(self) -> Iterator[bytes]:
        while self._left > 0 and (block := self._file.read(min(BLOCK_BYTES, self._left))):
            self._left -= len(block)
            yield block

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def get(request: Request) -> Response:
    """Send a file, whole or in part. Collections are shown by `verbs.browse`."""
    if request.target.space is Space.OWN and request.target.parts == ("metrics",):
        return metrics_page(request)
    if request.target.space not in (Space.USER, Space.INBOX):
        return browse_root(request)
    path = request.readable()
    context = request.context
    found = context.archive.lookup.find_open(path)
    if found is None:
        raise NotFound(request.target.raw)
    if isinstance(found, FolderNode):
        return browse(request, found)
    return _send(request, *found)


def _send(request: Request, node: FileNode, fd: int) -> Response:
    """Send an open file, or close it and say why not."""
    context = request.context
    lookup = context.archive.lookup
    try:
        etag = lookup.etag(node)
        modified = node.stat.mtime_ns // 1_000_000_000
        state = State(True, etag, modified)
        headers = [
            ("ETag", etag),
            ("Last-Modified", http_date(modified)),
            ("Accept-Ranges", "bytes"),
            ("Cache-Control", "private, no-cache"),
            ("OC-FileId", full_id(context, file_id(node))),
        ]
        outcome = precondition(request.method, request.environ, state)
        if outcome is Outcome.NOT_MODIFIED:
            os.close(fd)
            return Response(304, headers)
        if outcome is Outcome.FAILED:
            os.close(fd)
            return Response(412, headers)
        kind = content_type(node)
        if lookup.hash_is_known(node) and node.photo is not None:
            headers.append(("Repr-Digest", repr_digest(node.photo.sha256)))
        if kind.partition(";")[0] in ACTIVE_TYPES:
            headers.append(("Content-Disposition", "attachment"))
        wanted = request.header("Range") if request.method == "GET" else None  # RFC 9110 §14.2
        spans = plan(wanted, node.stat.size) if wanted and range_applies(request.environ, state) else None
        return _response(request, fd, node.stat.size, spans, headers, kind)
    except BaseException:
        os.close(fd)
        raise


def _response(
    request: Request, fd: int, size: int, spans: tuple[Span, ...] | None, headers: list[tuple[str, str]], kind: str
) -> Response:
    if spans is not None and len(spans) > 1:
        parts = Multipart(spans, size, kind, uuid4().hex)
        headers += [("Content-Type", parts.content_type), ("Content-Length", str(parts.length))]
        return Response(206, headers, _pieces(fd, parts))
    span = spans[0] if spans is not None else Span(0, size)
    headers += [("Content-Type", kind), ("Content-Length", str(span.length))]
    if spans is not None:
        headers.append(("Content-Range", content_range(span, size)))
    status = 200 if spans is None else 206
    if request.method == "HEAD":
        os.close(fd)
        return Response(status, headers)
    os.lseek(fd, span.offset, os.SEEK_SET)
    wrapper = request.environ.get("wsgi.file_wrapper")
    # WsgiDAV would iterate it to the end of the file, wherever the range ends (PEP 3333 lets it).
    if wrapper is not None and request.context.settings.fast_reads:
        return Response(status, headers, wrapper(open(fd, "rb", buffering=0), BLOCK_BYTES))
    return Response(status, headers, FileBody(fd, span.length))


def _pieces(fd: int, parts: Multipart) -> Iterator[bytes]:
    with open(fd, "rb", buffering=0) as file:
        for piece in parts.pieces():
            if isinstance(piece, bytes):
                yield piece
                continue
            offset, left = piece
            while left > 0 and (block := os.pread(file.fileno(), min(BLOCK_BYTES, left), offset)):
                offset, left = offset + len(block), left - len(block)
                yield block
