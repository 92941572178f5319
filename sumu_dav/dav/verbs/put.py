"""PUT (RFC 9110 §9.3.4, RFC 4918 §9.7): received whole and checked, then published at once or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace

from sumu_dav.archive.changes.storing import Receipt
from sumu_dav.archive.content import Content, taken_ns
from sumu_dav.archive.lookup import hash_etag
from sumu_dav.archive.nodes import FileNode, Node, Path
from sumu_dav.dav.announced import Announced, announced_file
from sumu_dav.dav.context import Context
from sumu_dav.dav.faults import BadRequest
from sumu_dav.dav.guards import check_if, write_guard
from sumu_dav.dav.headers import created_ns, favorite, modified_ns, repr_digest
from sumu_dav.dav.live import CHECKSUMS, CREATION_TIME, OC, file_id, full_id
from sumu_dav.dav.multistatus import element, text_element
from sumu_dav.dav.request import Request, Response
from sumu_dav.dav.target import href
from sumu_dav.errors import ChecksumMismatch, IsCollection, LengthMismatch
from sumu_dav.floor import given_up
from sumu_dav.library import Upload
from sumu_dav.metadata import Taken
from sumu_dav.model import Facts

BLOCK_BYTES = 256 * 1024
"""How much of a body is in memory at once: large enough that the cost a block is small beside hashing it."""


def put(request: Request) -> Response:
    """Store the body at the target."""
    path = request.writable()
    if request.header("Content-Range") is not None:
        raise BadRequest("a PUT with Content-Range can't be stored: send the whole file (RFC 9110 §14.5)")
    archive = request.context.archive
    if request.target.folder:
        raise IsCollection(request.target.raw)  # a URL that ends in a slash names a collection (RFC 4918 §5.2)
    _make_parents(request, path)
    node = archive.receiving.check_target(path)
    guard = write_guard(request, path)
    check_if(request)
    guard(node)
    announced = announced_file(request.environ)
    also = sums_to_compute(announced)
    with (
        archive.usage.receiving(path.user, announced.length) as meter,
        archive.tree.receive(expected=announced.length, also=also) as upload,
    ):
        receive_body(request, upload, announced, meter)
        content = seal(request.context, path, upload, modified_ns(request.environ))
        if properties := told_beside(created_ns(request.environ), upload.digests()):
            content = replace(content, properties=properties)
        receipt = archive.receiving.store(
            path, content, favorite=favorite(request.environ) is True, was_free=node is None, guard=guard
        )
    return answer(request, receipt)


def _make_parents(request: Request, path: Path) -> None:
    """Nextcloud's apps may ask for the missing collections to be made."""
    if request.header("X-NC-WebDAV-Auto-Mkcol") != "1":
        return
    for depth in range(1, len(path.parts)):
        folder = Path(path.user, path.parts[:depth], path.inbox)
        if request.context.archive.lookup.find(folder) is None:
            request.context.archive.folders.make(folder, write_guard(request, folder, conditions=False))


def receive_body(request: Request, upload: Upload, announced: Announced, meter: Callable[[int], None]) -> None:
    """Take the body in and check it. Raises LengthMismatch, ChecksumMismatch, NoSpace, QuotaExceeded."""
    is_short = announced.length is not None and announced.length <= BLOCK_BYTES
    with nullcontext() if is_short else given_up():  # receiving, hashing and writing leave the interpreter to others
        _take_in(request, upload, announced, meter)
    for expected in (request.length, announced.length):
        if expected is not None and upload.size != expected:
            raise LengthMismatch(expected, upload.size)
    if announced.checksums:
        compare_sums(upload.digests(), announced)


def _take_in(request: Request, upload: Upload, announced: Announced, meter: Callable[[int], None]) -> None:
    left = request.length
    while left is None or left > 0:
        try:
            block = request.input.read(BLOCK_BYTES if left is None else min(left, BLOCK_BYTES))
        except OSError as error:
            raise LengthMismatch(announced.length or upload.size + 1, upload.size) from error
        if not block:
            break
        upload.write(block)
        meter(len(block))
        if left is not None:
            left -= len(block)


def compare_sums(digests: Mapping[str, str], announced: Announced) -> None:
    """Compare what came with the checksums that the client gave. Raises ChecksumMismatch."""
    for checksum in announced.checksums:
        received = digests[checksum.algorithm]
        if received != checksum.value:
            raise ChecksumMismatch(checksum.algorithm, checksum.value, received)


def seal(context: Context, path: Path, upload: Upload, mtime_ns: int | None) -> Content:
    """Read what a whole upload says of itself, date it, and sync it to disk."""
    facts, taken, dated_ns = describe(context, path, upload.fileno(), upload.size, mtime_ns)
    stat = upload.seal(dated_ns)
    return Content(upload, upload.size, upload.sha256, stat.mtime_ns, facts, taken, client_dated=mtime_ns is not None)


def describe(
    context: Context, path: Path, fd: int, size: int, mtime_ns: int | None
) -> tuple[Facts | None, Taken | None, int | None]:
    """What an open file that is to lie at the path says of itself, and the modification time that it should get."""
    lookup = context.archive.lookup
    if not size or not lookup.is_media(path.name) or lookup.hides(path):
        return None, None, mtime_ns
    facts, taken = context.archive.desk.records.read(fd, path.name, mtime_ns)
    return facts, taken, mtime_ns if mtime_ns is not None else taken_ns(taken)


def sums_to_compute(announced: Announced) -> set[str]:
    """The checksums beside SHA-256: those that the client gave, and MD5 beside its SHA-1.

    ownCloud's own server computes both, so rclone's backend for it sends the one and asks for the other.
    """
    algorithms = {checksum.algorithm for checksum in announced.checksums}
    return algorithms | {"md5"} if "sha1" in algorithms else algorithms


def told_beside(created: int | None, digests: Mapping[str, str]) -> dict[str, str]:
    """The properties that keep what a client told beside the bytes: its time of creation (nanoseconds since the epoch),
    and checksums that the catalogue has no field for, with the SHA-256 that says which bytes they are of.
    """
    kept = {}
    if created is not None:
        kept[CREATION_TIME] = text_element(CREATION_TIME, str(created // 10**9))
    if len(digests) > 1:
        told = " ".join(f"{algorithm.upper()}:{value}" for algorithm, value in digests.items())
        kept[CHECKSUMS] = element(CHECKSUMS, text_element(OC + "checksum", told))
    return kept


def answer(request: Request, receipt: Receipt) -> Response:
    """The receipt: whoever holds it may delete their own copy."""
    context = request.context
    node: Node | None = receipt.node or context.archive.lookup.find(receipt.path)
    headers = [("Repr-Digest", repr_digest(receipt.sha256))]
    if isinstance(node, FileNode):
        etag = context.archive.lookup.etag(node)
        if _is_of(etag, node, receipt):
            headers += [("ETag", etag), ("OC-ETag", etag), ("OC-FileId", full_id(context, file_id(node)))]
    if modified_ns(request.environ) is not None:
        headers.append(("X-OC-MTime", "accepted"))
    if receipt.filed is not None:
        headers.append(("Content-Location", href("", receipt.filed.user, receipt.filed.parts, folder=False)))
    return Response(201 if receipt.created else 204, headers)


def _is_of(etag: str, node: FileNode, receipt: Receipt) -> bool:
    """Whether the tag is of the bytes of this upload: what a quick other request wrote has one of its own."""
    if node.is_photo and node.photo is not None:
        return etag == hash_etag(receipt.sha256)
    return node.stat.size == receipt.size
