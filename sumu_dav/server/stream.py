"""A connection's bytes: a socket that never blocks, plain or TLS, and the waiting that a thread does on its behalf.

Knows nothing of HTTP but that a body may have to be invited. Serves as the `Source` of bodies.
"""

from __future__ import annotations

import fcntl
import select
import socket
import ssl
import struct
import termios
import time
from contextlib import suppress

from sumu_dav.floor import given_up
from sumu_dav.server.answer import WOULD_BLOCK
from sumu_dav.server.body import BodyCut
from sumu_dav.server.patience import Patience

RECEIVE = 64 * 1024
"""Bytes asked of the socket at once."""


class Stream:
    """Reads without waiting (`receive`), waits for bodies (`receive_into`, `fill`) and for streamed answers
    (`send_all`) within the client's patience. One thread at a time uses it; `shut` and `cut` may come from another."""

    __slots__ = ("_unsent", "broken", "buffer", "cut_off", "encrypted", "interest", "invitation", "patience", "sock")

    def __init__(self, sock: socket.socket, patience: Patience) -> None:
        self.sock = sock
        self.encrypted = isinstance(sock, ssl.SSLSocket)
        self.patience = patience
        self.buffer = bytearray()
        """What was received and not used yet."""
        self.interest = select.EPOLLIN
        """What the selector is to wait for after the last call that found the socket not ready."""
        self.invitation = b""
        """Sent before the first wait for a body, unless that comes uninvited: `100 Continue` (RFC 9110 §10.1.1)."""
        self.broken = False
        """Whether the client is known to be gone, or given up."""
        self.cut_off = False
        self._unsent = 0

    def receive(self) -> bytes | None:
        """What has come, b"" at the end, None where nothing has. Raises OSError."""
        try:
            return self.sock.recv(RECEIVE)
        except WOULD_BLOCK as error:
            self.wants(error, select.EPOLLIN)
            return None

    def discard(self) -> int | None:
        """Drop what has come, and tell its size; 0 at the end, None where nothing has. Past TLS: nobody reads it."""
        try:
            return len(socket.socket.recv(self.sock, RECEIVE))
        except BlockingIOError:
            self.interest = select.EPOLLIN
            return None

    def pending(self) -> bool:
        """Whether there are bytes that the selector can't know of."""
        return bool(self.buffer) or (isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0)

    def wants(self, blocked: OSError, event: int) -> None:
        """Note what the socket waits for: `event` where it is plain; TLS says it itself."""
        if isinstance(blocked, ssl.SSLWantReadError):
            event = select.EPOLLIN
        elif isinstance(blocked, ssl.SSLWantWriteError):
            event = select.EPOLLOUT
        self.interest = event

    def receive_into(self, view: memoryview) -> int:
        """Wait for bytes of a body. Raises BodyCut."""
        if self.invitation:
            invitation, self.invitation = self.invitation, b""
            self.send_all(invitation)
        while True:
            try:
                size = self.sock.recv_into(view)
            except WOULD_BLOCK as error:
                self._wait(error, select.EPOLLIN)
            except OSError as error:
                self.broken = True
                raise BodyCut("the client is gone in the middle of its body") from error
            else:
                if not size:
                    raise BodyCut("the body ended early")
                self.patience.earn(size)
                return size

    def fill(self) -> None:
        """Wait for more of a body in `buffer`. Raises BodyCut."""
        block = memoryview(bytearray(RECEIVE))
        self.buffer += block[: self.receive_into(block)]

    def send_all(self, data: bytes) -> None:
        """Send a piece of a streamed answer, waiting for room. Raises OSError where the client is gone or too slow."""
        left = memoryview(data)
        while left:
            try:
                size = self.sock.send(left)
            except WOULD_BLOCK as error:
                self._wait(error, select.EPOLLOUT)
            except OSError:
                self.broken = True
                raise
            else:
                self.patience.earn(size)
                left = left[size:]

    def taken(self) -> int:
        """Bytes that the client took since the last call, of those that the system holds for it (SIOCOUTQ, tcp(7)).

        A socket is ready for more only when a good part of megabytes is gone, which can take a minute to a client that
        reads steadily and slowly.
        """
        before = self._unsent
        with suppress(OSError, ValueError):  # closed meanwhile
            [self._unsent] = struct.unpack("i", fcntl.ioctl(self.sock.fileno(), termios.TIOCOUTQ, bytes(4)))
        return max(0, before - self._unsent)

    def shut(self, how: int) -> None:
        """End one or both directions: whoever waits for the socket wakes up."""
        with suppress(OSError):
            # Past SSLSocket.shutdown, which would take the TLS state from under the worker.
            socket.socket.shutdown(self.sock, how)

    def cut(self) -> None:
        """End both directions for good: whoever waits gets an error now, and so does who waits later."""
        self.cut_off = True
        self.shut(socket.SHUT_RDWR)

    def _wait(self, blocked: OSError, event: int) -> None:
        """Wait in this thread until the socket is ready. Raises BodyCut when patience or the server ends."""
        self.wants(blocked, event)
        poll = select.poll()
        poll.register(self.sock, select.POLLIN if self.interest == select.EPOLLIN else select.POLLOUT)
        sends = event == select.EPOLLOUT
        if sends:
            self.taken()  # what it takes from here on counts
        before = time.monotonic()
        with given_up():
            poll.poll(max(0.0, self.patience.left) * 1000)
        self.patience.spend(time.monotonic() - before)
        if sends:
            self.patience.earn(self.taken())
        if self.patience.exhausted or self.cut_off:
            self.broken = True
            raise BodyCut("the client is too slow, or the server stops")
