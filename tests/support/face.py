"""The server's application in this process, asked without a socket: the fast way for reads, and the plain one through
WsgiDAV, over one and the same archive, so that their answers can be held against each other byte by byte.
"""

from __future__ import annotations

import base64
import copy
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from sumu_dav.auth.accounts import Accounts
from sumu_dav.auth.passwords import Passwords
from sumu_dav.dav.wiring import open_context
from sumu_dav.server.wiring import application
from sumu_dav.settings import from_document

USERS = ("alice", "bob", "root")

_PASSING = re.compile(rb"(?<=Second-)\d+|(?<=<d:quota-available-bytes>)\d+")
_RESPONSE = re.compile(rb"<d:response>.*?</d:response>", re.DOTALL)


@dataclass(frozen=True)
class Answer:
    """Status code, headers and the whole body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def responses(self) -> list[bytes]:
        """The DAV:response elements as they stand in the body, sorted; without the time that locks have
        left, and the room on a disk that others use too."""
        assert self.status == 207, self.body
        return sorted(_PASSING.sub(b"N", each) for each in _RESPONSE.findall(self.body))

    def names(self) -> set[str]:
        """The last segments of all hrefs."""
        return {href.decode().rstrip("/").rpartition("/")[2] for href in re.findall(rb"<d:href>(/[^<]*)<", self.body)}


class Face:
    """A server without sockets; alice, bob and root (an admin) have accounts. `close` it."""

    def __init__(self, folder: Path, *, hears_others: bool = True, **sumu: object) -> None:
        """`hears_others`: as if a watcher told of other programs' changes (none runs; tests tell of them)."""
        state = folder / "state"
        state.mkdir(mode=0o700, parents=True)
        accounts = Accounts(state / "accounts.json", Passwords(8, 1, 1))
        for user in USERS:
            accounts.add(user, "secret", admin=user == "root")
        self.plex = folder / "plex"
        settings = from_document({"sumu": {"plex": str(self.plex), "state": str(state), **sumu}}, None)
        self.context = open_context(settings)
        self.archive = self.context.archive
        self.archive.versions.hears_others = hears_others
        plain = copy.copy(self.context)
        plain.settings = replace(settings, fast_reads=False)
        self._fast, self._plain = application(self.context), application(plain)

    def close(self) -> None:
        """Close the archive."""
        self.context.close()

    def request(
        self,
        method: str,
        path: str,
        body: bytes | str = b"",
        headers: Mapping[str, str] | None = None,
        *,
        user: str = "alice",
        plain: bool = False,
    ) -> Answer:
        """Any request; `path` as people write it."""
        sent = body.encode() if isinstance(body, str) else body
        environ = {
            "REQUEST_METHOD": method,
            "REQUEST_URI": quote(path, safe="/%"),
            "SCRIPT_NAME": "",
            "PATH_INFO": path.encode().decode("latin-1"),
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_LENGTH": str(len(sent)),
            "HTTP_AUTHORIZATION": "Basic " + base64.b64encode(f"{user}:secret".encode()).decode(),
            "wsgi.input": io.BytesIO(sent),
            "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": "http",
            "wsgi.version": (1, 0),
            **{"HTTP_" + name.upper().replace("-", "_"): value for name, value in (headers or {}).items()},
        }
        began: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, fields: list[tuple[str, str]], exc_info: object = None) -> None:
            del exc_info
            began.append((status, fields))

        result = (self._plain if plain else self._fast)(environ, start_response)
        whole = b"".join(result)
        status, fields = began[-1]
        return Answer(int(status[:3]), dict(fields), whole)

    def do(self, method: str, path: str, body: bytes | str = b"", **headers: str) -> int:
        """A request of alice's; headers as keywords; the status."""
        named = {name.rstrip("_").replace("_", "-"): value for name, value in headers.items()}
        return self.request(method, path, body, named).status

    def propfind(
        self, path: str, body: bytes | str = b"", depth: str = "1", *, user: str = "alice", plain: bool = False,
        **headers: str,
    ) -> Answer:  # fmt: skip
        """PROPFIND, the fast way or the plain one."""
        named = {"Depth": depth, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self.request("PROPFIND", path, body, named, user=user, plain=plain)
