"""A WSGI application of a few lines behind the real listening server, in this process; and a client that sends bytes
as they stand, since the clients in libraries refuse to send what a server must refuse."""

from __future__ import annotations

import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sumu_dav.server.launcher import Server
from sumu_dav.server.options import ServerOptions

App = Callable[[dict[str, Any], Any], Any]


@dataclass
class Answer:
    """One answer. Header names are in lower case; the content is without its chunks' framing."""

    status: int
    headers: dict[str, str]
    content: bytes


@contextmanager
def dripping(clients: Sequence[Client]) -> Iterator[None]:
    """Each of them sends a byte more, twenty times a second."""
    over = threading.Event()

    def drip() -> None:
        while not over.wait(0.05):
            for client in clients:
                client.send("x")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Client:
    """One connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._ahead = b""

    def send(self, data: bytes | str) -> None:
        self.sock.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def get(self, path: str = "/", *fields: str) -> Answer:
        self.send("\r\n".join([f"GET {path} HTTP/1.1", "Host: toy", *fields]) + "\r\n\r\n")
        return self.answer()

    def answer(self, *, bodyless: bool = False) -> Answer:
        """Read one answer; `bodyless` after a HEAD request."""
        while b"\r\n\r\n" not in self._ahead:
            self._more()
        head, _, self._ahead = self._ahead.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(first.split(" ")[1])
        if bodyless or status < 200 or status in (204, 304):
            return Answer(status, headers, b"")
        if headers.get("transfer-encoding") == "chunked":
            return Answer(status, headers, self._chunks())
        if "content-length" in headers:
            return Answer(status, headers, self._exactly(int(headers["content-length"])))
        content = self._ahead + self.rest()
        self._ahead = b""
        return Answer(status, headers, content)

    def rest(self) -> bytes:
        """All until the server closes. A reset is an end, too."""
        received = b""
        try:
            while data := self.sock.recv(65536):
                received += data
        except ConnectionResetError:
            pass
        return received

    def is_closed(self) -> bool:
        """Whether the server says nothing more and closes (waits for it)."""
        return not self._ahead and not self.rest()

    def close(self) -> None:
        self.sock.close()

    def _more(self) -> None:
        data = self.sock.recv(65536)
        if not data:
            raise EOFError(f"the connection ended after {self._ahead!r}")
        self._ahead += data

    def _exactly(self, size: int) -> bytes:
        parts = [self._ahead[:size]]
        self._ahead = self._ahead[size:]
        missing = size - len(parts[0])
        while missing:
            data = self.sock.recv(min(missing, 1 << 20))
            if not data:
                raise EOFError(f"{missing} bytes of the content are missing")
            parts.append(data)
            missing -= len(data)
        return b"".join(parts)

    def _chunks(self) -> bytes:
        content = b""
        while True:
            while b"\r\n" not in self._ahead:
                self._more()
            line, _, self._ahead = self._ahead.partition(b"\r\n")
            size = int(line, 16)
            content += self._exactly(size + 2)[:-2]
            if not size:
                return content


@dataclass
class Toy:
    """A running server with its application."""

    server: Server
    log: io.StringIO
    accounted: list[tuple[str, int, float, int, int]] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.server.bind_addr[1])

    def connect(self, *, tls: ssl.SSLContext | None = None) -> Client:
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            sock = tls.wrap_socket(sock, server_hostname="localhost")
        client = Client(sock)
        self.clients.append(client)
        return client

    def log_lines(self) -> list[str]:
        """The request log, once the server has stopped."""
        self.server.stop()
        return self.log.getvalue().splitlines()


@contextmanager
def toy_server(app: App, **options: Any) -> Iterator[Toy]:
    """Serve `app` on a free port with a few threads and short limits, or those that are given."""
    limits: dict[str, Any] = {"port": 0, "threads": 4, "stop_timeout": 2.0, "drain_timeout": 1.0} | options
    log = io.StringIO()
    toy = Toy(None, log)  # type: ignore[arg-type]  # the server needs the list that it reports to
    server = Server(
        app, ServerOptions(**limits), request_log=log, on_request=lambda *request: toy.accounted.append(request)
    )
    toy.server = server
    server.prepare()
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield toy
    finally:
        for client in toy.clients:
            client.close()
        server.stop()
        thread.join()


def eventually(question: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether the answer becomes yes in time: for what the server does on its own, and tells nobody."""
    end = time.monotonic() + seconds
    while not question():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def hello(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answers `hello` to all, and leaves every body unread."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


def echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answers with the body."""
    content = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return [content]
