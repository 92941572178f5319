"""One connection's life cycle: what it waits for, and what it does when that comes.

It never waits in a thread but for an upload's bytes and for room in a streamed answer: everything else is a step that
ends in PARK, and the worker takes another connection until the selector has news of this one.

    HANDSHAKE ─▶ HEAD ─▶ SMALL_BODY ─▶ ANSWERING ─▶ SENDING ─▶ HEAD, or DRAINING, or closed

Knows the socket, plain or TLS; heads, bodies and answers are parsed and framed elsewhere.
"""

from __future__ import annotations

import io
import math
import select
import socket
import ssl
import time
from contextlib import nullcontext, suppress
from enum import Enum
from typing import TYPE_CHECKING, Any

import cheroot.server

from sumu_dav.floor import given_up
from sumu_dav.server.answer import WOULD_BLOCK, Outgoing, head_bytes, own_headers
from sumu_dav.server.body import READ_AHEAD, Body, ChunkedBody, KnownLengthBody
from sumu_dav.server.gateway import Gateway, Request
from sumu_dav.server.head import Head, HeadRefused, parse_head
from sumu_dav.server.patience import Patience
from sumu_dav.server.requestlog import RequestRecord
from sumu_dav.server.stream import Stream

if TYPE_CHECKING:
    from sumu_dav.server.launcher import Server

SMALL_BODY = 64 * 1024
"""Bytes up to which a body is awaited with its head, without a thread: every PROPFIND, LOCK and PROPPATCH, and the
refused ones among them leave the connection usable."""

HEAD_READS = 32
"""Pieces in which a head may come. One that drips in more is looked at only twice a second: the time a dripping client
costs is then bounded whatever its pace."""

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Phase(Enum):
    """What the connection waits for."""

    HANDSHAKE = "the TLS handshake"
    HEAD = "the next request's head"
    SMALL_BODY = "the rest of a small body"
    ANSWERING = "the application, in a worker's hands"
    SENDING = "room to send the answer"
    DRAINING = "the rest of a refused body"


class Progress(Enum):
    """What a step ended in."""

    AGAIN = "the next step can be taken at once"
    PARK = "nothing can be done before the socket is ready"
    DEFER = "the same, but not before the next tick"
    CLOSE = "the connection is done"


AGAIN, PARK, DEFER, CLOSE = Progress


def _no_file(*_: object) -> None:
    """In place of cheroot's buffered files, which wait in the thread that reads them."""


class Connection(cheroot.server.HTTPConnection):
    """An accepted socket. One thread at a time works on it; only `expire` and `cut` may come from another one."""

    def __init__(self, server: Server, sock: socket.socket, peer: str, port: int) -> None:
        super().__init__(server, sock, _no_file)
        self.server: Server = server
        self.socket: socket.socket = sock
        self.fd = sock.fileno()
        self.stream = Stream(sock, Patience(server.options.body_grace, server.options.body_min_rate))
        self.remote_addr, self.remote_port = peer, port
        self.phase = Phase.HANDSHAKE if self.stream.encrypted else Phase.HEAD
        self.parked_at = time.monotonic()
        self.deadline = self.parked_at + server.options.head_timeout
        """When the reaper ends the present phase, by the monotonic clock; infinite while a worker is at it."""
        self.expired = False
        self._trusted = server.proxies.trusts(peer)
        self._environ = server.environ | {
            "REMOTE_ADDR": peer,
            "REMOTE_PORT": str(port),
            "wsgi.url_scheme": "https" if self.stream.encrypted else "http",
        }
        self._searched = 0
        self._reads = 0
        self._started = 0.0
        self._head: Head | None = None
        self._body: Body | None = None
        self._gateway: Gateway | None = None
        self._outgoing: Outgoing | None = None
        self._sent = 0
        self._drained = 0

    # -- driven by a worker ------------------------------------------------------------------------------------------

    def communicate(self) -> Progress:
        """Take steps until one has to wait. An error of the socket ends the connection."""
        try:
            while (progress := _STEPS[self.phase](self)) is AGAIN:
                pass
        except OSError:
            self.stream.broken = True
            self._finish()
            return CLOSE
        if progress is not CLOSE:
            self.parked_at = time.monotonic()
        return progress

    def close(self) -> None:
        """Close the socket, and what an unfinished answer holds."""
        if self._gateway is not None:
            self._gateway.close()
        self.socket.close()

    # -- from other threads ------------------------------------------------------------------------------------------

    def expire(self) -> None:
        """The deadline has passed: wake the connection up, so that a worker ends it, unless the client took some of its
        answer meanwhile. A request in hand has no deadline: this one is from before, and a worker was faster."""
        if self.phase is Phase.ANSWERING:
            self.deadline = math.inf
            return
        if self.phase is Phase.SENDING and (taken := self.stream.taken()):
            self.deadline = time.monotonic() + self.stream.patience.worth(taken)
            return
        self.expired = True
        reading = self.phase in (Phase.HEAD, Phase.SMALL_BODY)
        self.stream.shut(socket.SHUT_RD if reading else socket.SHUT_RDWR)

    def cut(self) -> None:
        """The server stops: whoever waits for this client gets an error now."""
        self.expired = True
        self.stream.cut()

    # -- steps -------------------------------------------------------------------------------------------------------

    def _shake_hands(self) -> Progress:
        assert isinstance(self.socket, ssl.SSLSocket)
        try:
            self.socket.do_handshake()
        except WOULD_BLOCK as error:
            self.stream.wants(error, select.EPOLLIN)
            return PARK
        except ssl.SSLError as error:
            if error.reason == "HTTP_REQUEST":
                with suppress(OSError):
                    socket.socket.send(self.socket, _PLAIN_ON_TLS)
            return CLOSE
        self.phase = Phase.HEAD
        return AGAIN

    def _read_head(self) -> Progress:
        buffer = self.stream.buffer
        while True:
            if buffer:
                if buffer.startswith(b"\r\n"):
                    # Some clients send an empty line after a body (RFC 9112 §2.2).
                    del buffer[:2]
                end = buffer.find(b"\r\n\r\n", max(0, self._searched - 3))
                if 0 <= end <= self.server.options.head_limit:
                    head = bytes(buffer[:end])
                    del buffer[: end + 4]
                    return self._begin(head)
                refusal = self._hopeless(end)
                if refusal is not None:
                    return refusal
                self._searched = len(buffer)
                if self._reads == 1 and self.requests_seen:
                    self.deadline = time.monotonic() + self.server.options.head_timeout
            if self.expired:
                return self._refuse("408 Request Timeout", "the head took too long") if buffer else CLOSE
            data = self.stream.receive()
            if data is None:
                return DEFER if self._reads > HEAD_READS else PARK
            if not data:
                return CLOSE
            buffer += data
            self._reads += 1

    def _hopeless(self, end: int) -> Progress | None:
        """Refuse at once a head that can't become one, rather than at the end of its time."""
        buffer = self.stream.buffer
        if end > 0 or len(buffer) > self.server.options.head_limit:
            return self._refuse("431 Request Header Fields Too Large", "the head is too large")
        line = buffer.find(b"\n")
        if buffer == b"\r":
            return None
        if (buffer and not 0x20 < buffer[0] < 0x7F) or line == 0 or (line > 0 and buffer[line - 1] != 0x0D):
            return self._refuse("400 Bad Request", "this is not HTTP")
        return None

    def _begin(self, raw: bytes) -> Progress:
        self.phase = Phase.ANSWERING
        self.deadline = math.inf
        self._searched = self._reads = 0
        self.requests_seen += 1
        self._started = time.monotonic()
        try:
            head = self._head = parse_head(raw)
        except HeadRefused as refusal:
            return self._refuse(refusal.status, refusal.reason)
        length = head.length or 0
        if head.chunked or length > SMALL_BODY or (length and head.expects_continue):
            self._body = ChunkedBody(self.stream) if head.chunked else KnownLengthBody(self.stream, length)
            self.stream.invitation = _CONTINUE if head.expects_continue and not self.stream.buffer else b""
            return self._answer(io.BufferedReader(self._body, READ_AHEAD))
        if length > len(self.stream.buffer):
            self.deadline = self._started + self.server.options.body_grace
            self.phase = Phase.SMALL_BODY
            return AGAIN
        return self._answer_small(length)

    def _read_small_body(self) -> Progress:
        assert self._head is not None
        length = self._head.length or 0
        while len(self.stream.buffer) < length:
            if self.expired:
                return self._refuse("408 Request Timeout", "the body took too long")
            data = self.stream.receive()
            if data is None:
                return PARK
            if not data:
                return CLOSE
            self.stream.buffer += data
        return self._answer_small(length)

    def _answer_small(self, length: int) -> Progress:
        content = bytes(self.stream.buffer[:length])
        del self.stream.buffer[:length]
        return self._answer(io.BytesIO(content))

    def _answer(self, source: io.BytesIO | io.BufferedReader) -> Progress:
        assert self._head is not None
        self.phase = Phase.ANSWERING
        self.deadline = math.inf
        self.stream.patience.renew()
        self._gateway = self.server.gateway(Request(self, self._head, source, self._body))
        self._gateway.respond()
        self._outgoing = self._gateway.outgoing
        self.phase = Phase.SENDING
        return self._send()

    def _refuse(self, status: str, reason: str) -> Progress:
        """Answer a head that was not taken, and close: where the next request would start is not known."""
        if not self._started:
            self._started = time.monotonic()
        content = reason.encode() + b"\n"
        own = ["Content-Type: text/plain", f"Content-Length: {len(content)}", "Connection: close"]
        own += own_headers(self.server.clock)
        with suppress(*WOULD_BLOCK):
            # Into an empty socket buffer; where it is full, the client does not read answers.
            self.socket.send(head_bytes(status, [], own) + content)
        self._record(int(status[:3]), 0, len(content))
        # What is sent beyond is no request that the client waits to get through with.
        self.stream.shut(socket.SHUT_WR)
        return self._start_draining()

    def _send(self) -> Progress:
        outgoing, sock, patience = self._outgoing, self.socket, self.stream.patience
        if self.deadline != math.inf:
            patience.spend(time.monotonic() - self.parked_at)
            self.deadline = math.inf
        try:
            if outgoing is not None:
                with given_up() if outgoing.is_long else nullcontext():
                    while size := outgoing.send(sock):
                        self._sent += size
                        patience.earn(size)
        except WOULD_BLOCK as error:
            if self.expired or patience.exhausted:
                raise ConnectionAbortedError("the client does not take its answer") from error
            self.stream.wants(error, select.EPOLLOUT)
            self.stream.taken()  # what it takes from here on counts
            self.deadline = time.monotonic() + patience.left
            return PARK
        return self._next()

    def _next(self) -> Progress:
        """The answer is out: what becomes of the connection."""
        gateway = self._gateway
        assert gateway is not None
        unread = self._body is not None and not self._body.finished
        self._finish()
        if unread:
            return self._start_draining()
        if not gateway.keep_alive or not self.server.ready or self.expired:
            return CLOSE
        self.phase = Phase.HEAD
        self.stream.interest = select.EPOLLIN
        if self.stream.pending():
            self.deadline = time.monotonic() + self.server.options.head_timeout
            return AGAIN
        self.deadline = time.monotonic() + self.server.options.idle_timeout
        return PARK

    def _start_draining(self) -> Progress:
        """Read on for a while: a close now would reset the connection, and the client lose the answer that it has not
        read yet (RFC 9112 §9.6)."""
        self.stream.buffer.clear()
        self.phase = Phase.DRAINING
        self.stream.interest = select.EPOLLIN
        self.deadline = time.monotonic() + self.server.options.drain_timeout
        return AGAIN

    def _drain(self) -> Progress:
        while not self.expired and self._drained < self.server.options.drain_limit:
            size = self.stream.discard()
            if size is None:
                return PARK
            if not size:
                break
            self._drained += size
        return CLOSE

    def environ_for(self, head: Head) -> dict[str, Any]:
        """The environ's part that does not depend on the request line: the connection's and the head's fields."""
        environ: dict[str, Any] = self._environ | head.fields
        chain = environ.pop("HTTP_X_FORWARDED_FOR", None)
        forwarded = environ.pop("HTTP_FORWARDED", None)
        scheme = environ.pop("HTTP_X_FORWARDED_PROTO", None)
        if self._trusted:
            if chain is not None or forwarded is not None:
                environ["REMOTE_ADDR"] = self.server.proxies.client(self.remote_addr, chain, forwarded)
            if scheme in ("http", "https"):
                environ["wsgi.url_scheme"] = scheme
        return environ

    # -- accounting --------------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        """The request in hand is over, well or badly: release and account for it."""
        gateway = self._gateway
        if gateway is None:
            return
        gateway.close()
        answered = gateway.head_sent or self._sent
        status = int(gateway.status[:3]) if answered and gateway.status else 0
        received = self._body.received if self._body is not None else gateway.request.head.length or 0
        self._record(status, received, gateway.content_sent + max(0, self._sent - gateway.overhead))
        self._gateway = self._outgoing = self._body = self._head = None
        self._sent = 0
        self._started = 0.0

    def _record(self, status: int, received: int, sent: int) -> None:
        head, gateway = self._head, self._gateway
        environ = gateway.env if gateway is not None else {}
        self.server.account(
            RequestRecord(
                client=environ.get("REMOTE_ADDR", self.remote_addr),
                user=str(environ.get("sumu.user") or ""),
                method=head.method if head is not None else "-",
                path=head.target.partition("?")[0] if head is not None else "-",
                status=status,
                bytes_in=received,
                bytes_out=sent,
                seconds=time.monotonic() - self._started,
            )
        )


_PLAIN_ON_TLS = head_bytes("400 Bad Request", [], ["Content-Length: 0", "Connection: close"])

_STEPS = {
    Phase.HANDSHAKE: Connection._shake_hands,
    Phase.HEAD: Connection._read_head,
    Phase.SMALL_BODY: Connection._read_small_body,
    Phase.SENDING: Connection._send,
    Phase.DRAINING: Connection._drain,
}
