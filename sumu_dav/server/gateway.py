"""Between a request and the WSGI application (PEP 3333): the environ in, status, headers and content out.

Knows heads, bodies and framing; the connection's life cycle and its sockets are the connection's.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

import cheroot.server

from sumu_dav.server.answer import BytesOut, FileOut, FileWrapper, Outgoing, head_bytes, own_headers
from sumu_dav.server.body import Body, BodyCut
from sumu_dav.server.head import Head

if TYPE_CHECKING:
    from sumu_dav.server.connection import Connection

JOIN_LIMIT = 128 * 1024
"""Bytes of content that are copied behind the head, so that both go out in one system call."""

ExcInfo = tuple[type[BaseException], BaseException, TracebackType]


@dataclass(slots=True)
class Request:
    """A head that has been read, and where its body comes from. `body` is None where `input` holds all of it."""

    connection: Connection
    head: Head
    input: io.BytesIO | io.BufferedReader
    body: Body | None


class Gateway(cheroot.server.Gateway):
    """One request and its answer."""

    def __init__(self, req: Request) -> None:
        super().__init__(req)
        self.request = req
        self.env = self._environ()
        self.outgoing: Outgoing | None = None
        """What is left to be sent after `respond`; None: nothing, or the client is gone."""
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self._started = False
        self._left: int | None = None
        self.keep_alive = req.head.keep_alive
        self.head_sent = False
        self.content_sent = 0
        """Bytes of content that were handed to the socket here; what is `outgoing` is counted there."""
        self.overhead = 0
        """Bytes of `outgoing` that are no content."""
        self._dated = False
        self._chunked = False
        self._result: Iterable[bytes] | None = None

    def respond(self) -> None:
        """Call the application, and lay its answer ready in `outgoing`.

        An exception of the application becomes a plain 500, or the connection's end where the head is out already.
        """
        try:
            self.outgoing = self._call()
        except BodyCut:
            self.keep_alive = False
        except Exception as error:  # noqa: BLE001 - whatever the application raises, the server goes on
            self.keep_alive = False
            connection = self.request.connection
            if not connection.stream.broken:
                connection.server.error_log(f"{self.request.head.method} failed: {error!r}", traceback=True)
                if not self.head_sent:
                    self.outgoing = self._failure()

    def _call(self) -> Outgoing | None:
        result = self._result = self.request.connection.server.wsgi_app(self.env, self.start_response)
        if type(result) is FileWrapper and not self.head_sent:
            return self._file(result)
        if isinstance(result, (list, tuple)) and not self.head_sent:
            return self._whole(b"".join(result))
        return self._stream(result)

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Any:  # the write callable of PEP 3333
        """Take the answer's status and headers. Raises AssertionError as PEP 3333 wants for a second call."""
        if self._started:
            if exc_info is None:
                raise AssertionError("start_response was called twice without exc_info")
            if self.head_sent:
                raise exc_info[1]
        self._started = True
        self.status = status
        self.headers = kept = []
        self.keep_alive = self.request.head.keep_alive
        self._left = None
        self._dated = False
        for field in headers:
            match field[0].lower():
                case "content-length":
                    self._left = int(field[1])
                case "connection":
                    # WsgiDAV wants every 204 to close, for it has no Content-Length. It must have none (RFC 9110 §8.6).
                    if "close" in field[1].lower() and status[:3] != "204":
                        self.keep_alive = False
                    continue
                case "server" | "transfer-encoding" | "keep-alive":
                    # The framing is the server's, and so is what it says of itself.
                    continue
                case "date":
                    self._dated = True
            kept.append(field)
        return self.write

    def write(self, chunk: bytes) -> None:
        """Send a piece of content, and the head before the first. Waits for the client."""
        if not self._started:
            raise AssertionError("content came before start_response")
        if not chunk:
            return
        parts = []
        if not self.head_sent:
            parts.append(self._head(None))
        if not self._bodyless():
            chunk = self._within_length(chunk)
            parts += (b"%x\r\n" % len(chunk), chunk, b"\r\n") if self._chunked else (chunk,)
            self.content_sent += len(chunk)
        self.head_sent = True
        self.request.connection.stream.send_all(b"".join(parts))

    def close(self) -> None:
        """Release what the application returned, whatever became of it."""
        result, self._result = self._result, None
        close = getattr(result, "close", None)
        if close is not None:
            try:
                close()
            except Exception as error:  # noqa: BLE001 - the answer is out; the application's leak must not end the worker
                self.request.connection.server.error_log(f"closing an answer failed: {error!r}", traceback=True)

    def _environ(self) -> dict[str, Any]:
        """The request's environ: the connection's part, the head's fields, and what is of this request alone."""
        request = self.request
        head = request.head
        environ: dict[str, Any] = request.connection.environ_for(head)
        environ["REQUEST_METHOD"] = head.method
        environ["REQUEST_URI"] = head.target
        environ["PATH_INFO"] = head.path
        environ["QUERY_STRING"] = head.query
        environ["SERVER_PROTOCOL"] = head.version
        environ["wsgi.input"] = request.input
        return environ

    def _file(self, wrapper: FileWrapper) -> Outgoing | None:
        file = wrapper.file
        try:
            descriptor, offset = file.fileno(), file.tell()
        except (AttributeError, OSError):
            return self._stream(wrapper)
        size = self._left
        if size is None:
            size = max(0, os.fstat(descriptor).st_size - offset)
        head = self._head(size)
        if self._bodyless():
            return BytesOut(head)
        return FileOut(head, descriptor, offset, size, encrypted=self.request.connection.stream.encrypted)

    def _whole(self, content: bytes) -> Outgoing:
        if self._bodyless():
            return BytesOut(self._head(len(content) or None))
        if self._left is not None:
            content = self._within_length(content)
            if self._left:
                self._end_short()
        head = self._head(len(content))
        if len(content) <= JOIN_LIMIT:
            return BytesOut(head + content)
        return BytesOut(head, content)

    def _stream(self, result: Iterable[bytes]) -> Outgoing | None:
        for chunk in result:
            self.write(chunk)
        if not self.head_sent:
            return self._whole(b"")
        if self._left and not self._bodyless():
            self._end_short()
        if not self._chunked:
            return None
        self.overhead = len(_LAST_CHUNK)
        return BytesOut(_LAST_CHUNK)

    def _end_short(self) -> None:
        self.keep_alive = False
        self.request.connection.server.error_log("an answer ended before its Content-Length")

    def _within_length(self, chunk: bytes) -> bytes:
        """The chunk, cut where it goes beyond the announced length: the excess would be read as the next answer."""
        remaining = self._left
        if remaining is None:
            return chunk
        if len(chunk) > remaining:
            self.keep_alive = False
            self.request.connection.server.error_log("an answer is longer than its Content-Length")
            chunk = chunk[:remaining]
        self._left = remaining - len(chunk)
        return chunk

    def _bodyless(self) -> bool:
        """Whether this answer has no content whatever its headers say (RFC 9110 §6.4.1)."""
        return self.request.head.method == "HEAD" or self.status[:3] in ("204", "304")

    def _head(self, length: int | None) -> bytes:
        """The answer's head, with the framing for `length` bytes of content (None: not known before the end)."""
        if not self._started:
            raise AssertionError("the application never called start_response")
        request = self.request
        connection = request.connection
        own = own_headers(connection.server.clock, dated=self._dated)
        if self._left is None and self.status[:3] not in ("204", "304"):
            if length is not None:
                own.append(f"Content-Length: {length}")
            elif request.head.method != "HEAD":
                if request.head.version == "HTTP/1.1":
                    self._chunked = True
                    own.append("Transfer-Encoding: chunked")
                else:
                    self.keep_alive = False
        unread = request.body is not None and not request.body.finished
        if unread or not connection.server.ready:
            self.keep_alive = False
        connection.stream.invitation = b""
        if not self.keep_alive:
            own.append("Connection: close")
        elif request.head.version == "HTTP/1.0":
            own.append("Connection: keep-alive")
        head = head_bytes(self.status, self.headers, own)
        self.overhead = len(head)
        return head

    def _failure(self) -> Outgoing:
        """A plain 500 that tells the client nothing of the cause."""
        self.start_response("500 Internal Server Error", [("Content-Type", "text/plain")], _NO_TRACE)
        self.keep_alive = False
        return self._whole(b"The server failed to answer this request.\n")


_LAST_CHUNK = b"0\r\n\r\n"
_NO_TRACE: Any = (None, None, None)
