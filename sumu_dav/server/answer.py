"""Answers on their way out: the head's framing, and what sends the bytes that follow it.

Knows no connection's life cycle. `send` never waits: where the socket is full it says so, and the connection gives its
thread back until there is room.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Protocol

from sumu_dav.server.clock import Clock

BLOCK = 768 * 1024
"""Bytes read from a file at once, at most, into a buffer that stays warm. To clients that take them as they come (3 MB
to four wrk connections) this was 1.15 times as fast as sendfile, which pays for each page; a mapping was no faster, nor
were blocks of half or twice the size."""

LARGE = 16 * 1024 * 1024
"""Bytes from which a file goes out by sendfile from its beginning: at 64 MB that was 1.2 times as fast, for four fifths
of the processor's time."""

WARM_BLOCKS = 8
"""Buffers kept, 6 MB in all: no more threads than that send at a time but for moments."""

SLOW = 128 * 1024
"""Bytes; a socket that takes fewer before it is full again has a network behind it that is slower than memory. What was
read beyond them would be read again, so such a client gets its file by sendfile, or over TLS in blocks of this size."""

INLINE = 64 * 1024
"""Bytes of a file that are sent in one piece with the answer's head: one packet instead of two for a thumbnail."""

_NO_SENDFILE = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
"""What sandboxes and file systems answer that have none, sendfile(2)."""

WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

_warm: list[memoryview] = []


class FileWrapper:
    """`wsgi.file_wrapper` (PEP 3333): a file whose bytes the server may send as it likes, from the current offset on.

    Returned untouched it is sent without a thread waiting for the client; wrapped by a middleware it is an iterator.
    """

    __slots__ = ("block_size", "file")

    def __init__(self, file: IO[bytes], block_size: int = BLOCK) -> None:
        """`block_size` in bytes, for iteration alone."""
        self.file = file
        self.block_size = block_size

    def __iter__(self) -> Iterator[bytes]:
        while block := self.file.read(self.block_size):
            yield block

    def close(self) -> None:
        """Close the file."""
        self.file.close()


class Outgoing(Protocol):
    """The rest of an answer."""

    @property
    def is_long(self) -> bool:
        """Whether the system takes a while to send it, and another thread may run meanwhile."""

    def send(self, sock: socket.socket) -> int:
        """Send what the socket takes without waiting, 0 when all is sent.

        Raises one of WOULD_BLOCK where there is no room, and OSError where the client is gone.
        """


class BytesOut:
    """Bytes in memory: a head, and a content that is too large to be joined to it."""

    __slots__ = ("_content", "_left", "is_long")

    def __init__(self, head: bytes, content: bytes = b"") -> None:
        self._left = memoryview(head)
        self._content = content
        self.is_long = len(content) > INLINE

    def send(self, sock: socket.socket) -> int:
        """Send some of it."""
        if not self._left:
            if not self._content:
                return 0
            self._left, self._content = memoryview(self._content), b""
        size = sock.send(self._left)
        self._left = self._left[size:]
        return size


class FileOut:
    """`size` bytes of a file from `offset` on. The file's own offset stays where it is."""

    __slots__ = (
        "_blocked",
        "_descriptor",
        "_encrypted",
        "_end",
        "_has_sendfile",
        "_head",
        "_is_large",
        "_offset",
        "_slow",
        "_taken",
        "is_long",
    )

    def __init__(self, head: bytes, descriptor: int, offset: int, size: int, *, encrypted: bool) -> None:
        self._head = head
        self._descriptor = descriptor
        self._offset = offset
        self._end = offset + size
        self._encrypted = encrypted
        self._has_sendfile = not encrypted
        self._is_large = size >= LARGE
        self._slow = False
        self._taken = 0
        self._blocked: OSError | None = None
        self.is_long = size > INLINE

    def send(self, sock: socket.socket) -> int:
        """Send some of it. Raises ConnectionAbortedError where the file has become shorter."""
        if self._head:
            return self._send_head(sock)
        wanted = self._end - self._offset
        if not wanted:
            return 0
        if (self._slow or self._is_large) and self._has_sendfile:
            try:
                size = os.sendfile(sock.fileno(), self._descriptor, self._offset, wanted)
            except OSError as error:
                if error.errno not in _NO_SENDFILE:
                    raise
                self._has_sendfile = False
                return self.send(sock)
        else:
            with _block() as block:
                size = self._send_block(sock, block[: _share(wanted, SLOW if self._slow else BLOCK)])
        if not size:
            raise ConnectionAbortedError("the file has become shorter while it was sent")
        self._offset += size
        return size

    def _send_block(self, sock: socket.socket, block: memoryview) -> int:
        if self._blocked is not None:
            # Known since the last call, which had bytes to report: another attempt would read a block for nothing.
            blocked, self._blocked = self._blocked, None
            raise blocked
        read = os.preadv(self._descriptor, [block], self._offset)
        size = 0
        try:
            while size < read:
                # TLS takes one record of 16 KB a call.
                size += sock.send(block[size:read])
        except WOULD_BLOCK as error:
            self._slow = self._taken + size < SLOW
            self._taken = 0
            if not size:
                raise
            self._blocked = error
        else:
            self._taken += size
        return size

    def _send_head(self, sock: socket.socket) -> int:
        wanted = self._end - self._offset
        blocks_follow = wanted > INLINE
        inline = b"" if blocks_follow else os.pread(self._descriptor, wanted, self._offset)
        # The first block shares a packet and a wake-up of the client with the head. TLS has packets of its own, and
        # its sockets take no flags.
        more = socket.MSG_MORE if blocks_follow and not self._encrypted else 0
        size = sock.send(self._head + inline, more)
        if size < len(self._head):
            self._head = self._head[size:]
        else:
            self._offset += size - len(self._head)
            self._head = b""
        return size


def _share(wanted: int, most: int) -> int:
    """The size of the next of the fewest equal pieces: a short one at the end would be a packet of its own."""
    return -(-wanted // -(-wanted // most))


@contextmanager
def _block() -> Iterator[memoryview]:
    """A buffer to read into; what of it was not sent is read again, so that nothing is kept between two calls."""
    try:
        block = _warm.pop()
    except IndexError:
        block = memoryview(bytearray(BLOCK))
    try:
        yield block
    finally:
        if len(_warm) < WARM_BLOCKS:
            _warm.append(block)


class UnfitAnswer(Exception):
    """The application's status or headers can't be sent as they are."""


def head_bytes(status: str, headers: list[tuple[str, str]], own: list[str]) -> bytes:
    """An answer's head with its closing empty line. `own` are whole lines of the server's. Raises UnfitAnswer."""
    lines = [f"HTTP/1.1 {status}"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines += own
    text = "\r\n".join(lines)
    breaks = len(lines) - 1
    if text.count("\n") != breaks or text.count("\r") != breaks or "\0" in text:
        raise UnfitAnswer("a line break or NUL in a header")
    try:
        return (text + "\r\n\r\n").encode("latin-1")
    except UnicodeEncodeError as error:
        raise UnfitAnswer("a header that is not Latin-1") from error


SERVER_NAME = "sumu_dav"
"""What the `Server` header says: no version, which would only help to pick an attack."""


def own_headers(clock: Clock, *, dated: bool = False) -> list[str]:
    """The header lines that the server gives every answer; `dated`: the application gave a Date."""
    server = f"Server: {SERVER_NAME}"
    return [server] if dated else [server, f"Date: {clock.http_date()}"]
