"""Nextcloud's chunked upload, version 2, below `/remote.php/dav/uploads/<user>/<upload>/`.

MKCOL begins an upload, each PUT brings a chunk, PROPFIND tells which have come, DELETE gives up, and the MOVE of the
member `.file` publishes the whole as one PUT would. Knows HTTP; where chunks lie and how they are joined is the
archive's.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack

from sumu_dav.archive.changes.chunks import Chunk, Whole
from sumu_dav.archive.changes.targets import Guard
from sumu_dav.archive.content import Content
from sumu_dav.archive.nodes import Node, Path
from sumu_dav.dav.access import chunks_owner
from sumu_dav.dav.announced import announced_assembly, announced_chunk
from sumu_dav.dav.bodies import PropfindRequest
from sumu_dav.dav.faults import BadRequest, DepthRefused, MethodNotAllowed, UnsupportedBody
from sumu_dav.dav.guards import check_if, write_guard
from sumu_dav.dav.headers import Depth, created_ns, favorite, http_date, modified_ns, overwrite, repr_digest
from sumu_dav.dav.live import DAV
from sumu_dav.dav.multistatus import MEDIA_TYPE, element, multistatus
from sumu_dav.dav.request import Request, Response
from sumu_dav.dav.target import Target
from sumu_dav.dav.verbs.put import (
    answer,
    compare_sums,
    describe,
    receive_body,
    sums_to_compute,
    told_beside,
)
from sumu_dav.dav.writer import written_of
from sumu_dav.errors import AlreadyExists, Forbidden, NotFound

WHOLE_FILE = ".file"
"""The member of every upload whose MOVE puts the chunks together. It can't be read, and is not listed."""


def mkcol_upload(request: Request) -> Response:
    """Begin an upload."""
    owner = chunks_owner(request.login.account, request.target)
    if request.length != 0:
        raise UnsupportedBody("a body in MKCOL means nothing here")
    match request.target.parts:
        case (upload,):
            request.context.archive.chunks.make(owner, upload)
        case ():
            raise AlreadyExists(request.target.raw)
        case _:
            raise Forbidden(request.target.raw, "an upload holds chunks, and no folders")
    return Response(201)


def put_chunk(request: Request) -> Response:
    """Store one chunk, whole or not at all."""
    owner = chunks_owner(request.login.account, request.target)
    upload, name = _chunk_of(request.target, request.method)
    if request.header("Content-Range") is not None:
        raise BadRequest("a chunk is sent whole: its place is told by its name")
    archive = request.context.archive
    archive.chunks.check_target(owner, upload, name)
    announced = announced_chunk(request.environ)
    also = {checksum.algorithm for checksum in announced.checksums}
    with (
        archive.usage.receiving(owner, announced.length) as meter,
        archive.tree.receive(expected=announced.length, also=also) as received,
    ):
        receive_body(request, received, announced, meter)
        received.seal()
        chunk, created = archive.chunks.store(owner, upload, name, received)
        headers = [("ETag", chunk.etag), ("OC-ETag", chunk.etag), ("Repr-Digest", repr_digest(received.sha256))]
    return Response(201 if created else 204, headers)


def delete_upload(request: Request) -> Response:
    """Give an upload up, with its chunks; or one chunk, as desktop clients do with those behind a gap."""
    owner = chunks_owner(request.login.account, request.target)
    match request.target.parts:
        case (upload,):
            request.context.archive.chunks.remove(owner, upload)
        case (upload, name):
            request.context.archive.chunks.remove_chunk(owner, upload, name)
        case ():
            raise Forbidden(request.target.raw, "uploads are deleted one by one")
        case _:
            raise NotFound(request.target.raw)
    return Response(204)


def list_upload(request: Request, asked: PropfindRequest, how_deep: Depth) -> Response:
    """Tell which chunks have come, and their sizes: a client that was interrupted goes on behind them."""
    owner = chunks_owner(request.login.account, request.target)
    chunks = request.context.archive.chunks
    responses: list[str] = []
    match request.target.parts:
        case ():
            if how_deep is Depth.INFINITY:
                raise DepthRefused()
            found = chunks.uploads(owner) if how_deep is Depth.ONE else []
            responses = [_folder_response(request.target, asked)]
            responses += [_folder_response(request.target.child(upload, folder=True), asked) for upload in found]
        case (upload,):
            listed = chunks.listed(owner, upload)
            responses = [_folder_response(request.target, asked)]
            if how_deep is not Depth.ZERO:
                responses += [_chunk_response(request.target.child(chunk.name), chunk, asked) for chunk in listed]
        case (upload, name):
            responses = [
                _chunk_response(request.target, chunk, asked)
                for chunk in chunks.listed(owner, upload)
                if chunk.name == name
            ]
    if not responses:
        raise NotFound(request.target.raw)
    return Response(207, [("Content-Type", MEDIA_TYPE)], multistatus(responses))


def assemble(request: Request, destination: Path) -> Response:
    """MOVE of `.file`: put the chunks together, check the whole, and publish it at the destination."""
    owner = chunks_owner(request.login.account, request.target)
    upload, name = _chunk_of(request.target, request.method)
    if name != WHOLE_FILE:
        raise Forbidden(request.target.raw, f"of an upload, {WHOLE_FILE} alone can be moved")
    archive = request.context.archive
    guard = _guard(request, destination)
    node = archive.receiving.check_target(destination)
    check_if(request)
    guard(node)
    announced = announced_assembly(request.environ)
    also = sums_to_compute(announced)
    with (
        archive.chunks.joined(owner, upload, expected=announced.length, also=also) as whole,
        ExitStack() as until_stored,
    ):
        compare_sums(whole.digests, announced)
        if destination.user != owner:
            until_stored.callback(archive.usage.copying(destination.user, whole.size))
        content = _content(request, destination, whole)
        receipt = archive.receiving.store(destination, content, favorite=favorite(request.environ) is True, guard=guard)
    return answer(request, receipt)


def _guard(request: Request, destination: Path) -> Guard:
    write = write_guard(request, destination)
    may_replace = overwrite(request.environ)

    def guard(there: Node | None) -> None:
        if there is not None and not may_replace:
            raise AlreadyExists(str(destination))
        write(there)

    return guard


def _content(request: Request, destination: Path, whole: Whole) -> Content:
    """What `put.seal` makes of an upload, of a file that lies on the disk already."""
    tree = request.context.archive.tree
    client_ns = modified_ns(request.environ)
    with open(tree.open_file(whole.place), "rb", buffering=0) as file:
        facts, taken, mtime_ns = describe(request.context, destination, file.fileno(), whole.size, client_ns)
    stat = tree.set_times(whole.place, mtime_ns) if mtime_ns is not None else tree.stat(whole.place)
    if stat is None:
        raise NotFound(request.target.raw)
    properties = told_beside(created_ns(request.environ), whole.digests)
    return Content(
        whole.place,
        whole.size,
        whole.digests["sha256"],
        stat.mtime_ns,
        facts,
        taken,
        properties,
        client_dated=client_ns is not None,
    )


def _chunk_of(target: Target, method: str) -> tuple[str, str]:
    match target.parts:
        case (upload, name):
            return upload, name
        case () | (_,):
            raise MethodNotAllowed(method, ("OPTIONS", "PROPFIND", "MKCOL", "DELETE"))
        case _:
            raise NotFound(target.raw)


def _folder_response(target: Target, asked: PropfindRequest) -> str:
    return _response(target.href(folder=True), (("resourcetype", "<d:collection/>"),), asked)


def _chunk_response(target: Target, chunk: Chunk, asked: PropfindRequest) -> str:
    told = (
        ("resourcetype", ""),
        ("getcontentlength", str(chunk.size)),
        ("getlastmodified", http_date(chunk.mtime_ns / 1e9)),
        ("getetag", chunk.etag),
    )
    return _response(target.href(folder=False), told, asked)


def _response(href: str, told: Iterable[tuple[str, str]], asked: PropfindRequest) -> str:
    return written_of(href, {DAV + name: element(DAV + name, inner) for name, inner in told}, asked)
