"""What Nextcloud's programs ask before they speak WebDAV, and this server does not answer: status.php and OCS.

`Front` answers it, and passes everything below /remote.php on to a server, so that those programs can be run with it.
Of what passed it keeps method, path and status: that tells whether chunks were sent, and whether anything was.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from support.server import Server

VERSION = "27.0.0"
"""Of the Nextcloud that it says it is: one that every program here takes."""

STATUS = {
    "installed": True,
    "maintenance": False,
    "needsDbUpgrade": False,
    "version": f"{VERSION}.8",
    "versionstring": VERSION,
    "edition": "",
    "productname": "Nextcloud",
    "extendedSupport": False,
}
CAPABILITIES = {
    "version": {"major": 27, "minor": 0, "micro": 0, "string": VERSION, "edition": "", "extendedSupport": False},
    "capabilities": {
        "core": {"pollinterval": 60, "webdav-root": "remote.php/webdav"},
        "dav": {"chunking": "1.0"},
        "files": {"bigfilechunking": True},
        "checksums": {"supportedTypes": ["SHA1"], "preferredUploadType": "SHA1"},
    },
}
METHODS = (
    "GET",
    "HEAD",
    "OPTIONS",
    "PUT",
    "DELETE",
    "MKCOL",
    "MOVE",
    "COPY",
    "PROPFIND",
    "PROPPATCH",
    "SEARCH",
    "REPORT",
)

_OF_ONE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(frozen=True)
class Passed:
    """A request of WebDAV that was passed on, its path as people write it, and how it was answered."""

    method: str
    path: str
    status: int


class Front:
    """Listens on a port of its own, at `url`. `passed` is what went through so far, in the order of the answers."""

    def __init__(self, server: Server, user: str = "alice") -> None:
        self.passed: list[Passed] = []
        self.refuses: Callable[[str, str], bool] = lambda _method, _path: False
        """Asked of each method and path: whether it is answered with 503 in place of the server."""
        self._server = server
        self._answers = {
            "/status.php": STATUS,
            "/ocs/v1.php/cloud/capabilities": _ocs(CAPABILITIES),
            "/ocs/v1.php/cloud/user": _ocs({"id": user, "display-name": user, "email": None}),
        }
        self._listening = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._listening.daemon_threads = True
        self._thread = threading.Thread(target=self._listening.serve_forever, name="nextcloud's front")
        self._thread.start()

    @property
    def url(self) -> str:
        """Where programs find it, without a slash at its end."""
        return f"http://127.0.0.1:{self._listening.server_address[1]}"

    def close(self) -> None:
        """Listen no more."""
        self._listening.shutdown()
        self._thread.join()
        self._listening.server_close()

    def said(self, path: str) -> dict[str, Any] | None:
        """What is answered without the server; None for what is not known here."""
        return self._answers.get(path.replace("/ocs/v2.php/", "/ocs/v1.php/"))

    def pass_on(self, method: str, path: str, headers: dict[str, str], body: bytes) -> http.client.HTTPResponse:
        """Ask the server the same; the answer's body is still to be read."""
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=60)
        connection.request(method, path, body, {**headers, "Connection": "close"})
        return connection.getresponse()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *arguments: object) -> None:
                del format, arguments

            def handle(self) -> None:
                with suppress(ConnectionError):  # clients close when they are done
                    super().handle()

            def answer(self) -> None:
                asked = unquote(urlsplit(self.path).path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if not asked.startswith("/remote.php/"):
                    told = front.said(asked)
                    kind = {"Content-Type": "application/json", "Date": self.date_time_string()}
                    return self.send(404 if told is None else 200, kind, json.dumps(told).encode())
                if front.refuses(self.command, asked):
                    return self.send(503, {"Date": self.date_time_string()}, b"")
                headers = {name: text for name, text in self.headers.items() if name.lower() not in _OF_ONE_CONNECTION}
                with front.pass_on(self.command, self.path, headers, body) as answer:
                    content = answer.read()
                front.passed.append(Passed(self.command, asked, answer.status))
                return self.send(answer.status, dict(answer.getheaders()), content, answer.getheader("Content-Length"))

            def send(self, status: int, headers: dict[str, str], body: bytes, length: str | None = None) -> None:
                self.send_response_only(status)
                for name, text in headers.items():
                    if name.lower() not in _OF_ONE_CONNECTION:
                        self.send_header(name, text)
                if status not in (204, 304):
                    self.send_header("Content-Length", str(len(body)) if self.command != "HEAD" else length or "0")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

        for method in METHODS:
            setattr(Handler, f"do_{method}", Handler.answer)
        return Handler


def _ocs(data: dict[str, Any]) -> dict[str, Any]:
    return {"ocs": {"meta": {"status": "ok", "statuscode": 100, "message": "OK"}, "data": data}}
