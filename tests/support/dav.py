"""A WebDAV client for tests: each method is one request and returns the answer as it came; nothing is retried.

Paths are given as people write them (`/alice/trip/ü 1.jpg`) and percent-encoded here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import requests
from requests.auth import HTTPBasicAuth

TIMEOUT = 60.0
"""Seconds of silence after which a test fails instead of hanging."""

SUMU = "{urn:sumu}"
OWNCLOUD = "{http://owncloud.org/ns}"
NEXTCLOUD = "{http://nextcloud.org/ns}"
DAV = "{DAV:}"
"""Namespaces in Clark notation, to be put before a property's name."""


class Member:
    """One response of a multistatus (RFC 4918 §14.24): where, what was found, and what has which other status."""

    def __init__(self, element: ElementTree.Element) -> None:
        self.href = element.findtext(f"{DAV}href") or ""
        self.path = unquote(urlsplit(self.href).path)
        self.status = _status(element)
        error = element.find(f"{DAV}error/*")
        self.condition = None if error is None else error.tag.rpartition("}")[2]
        self.words = element.findtext(f"{DAV}responsedescription")
        self.found: dict[str, ElementTree.Element] = {}
        self.statuses: dict[str, int] = {}
        for propstat in element.iterfind(f"{DAV}propstat"):
            status = _status(propstat) or 0
            for prop in propstat.iterfind(f"{DAV}prop/*"):
                self.statuses[prop.tag] = status
                if status == 200:
                    self.found[prop.tag] = prop

    @property
    def name(self) -> str:
        """The last segment of the path, with a slash behind it where the resource is a collection."""
        return self.path.rstrip("/").rpartition("/")[2] + ("/" if self.is_collection else "")

    @property
    def is_collection(self) -> bool:
        """What its resourcetype says, and where that was not asked for, its URL."""
        kind = self.found.get(f"{DAV}resourcetype")
        return self.path.endswith("/") if kind is None else kind.find(f"{DAV}collection") is not None

    def text(self, name: str) -> str | None:
        """The text of a property that was found."""
        return None if name not in self.found else self.found[name].text or ""


class Dav:
    """One user's client, over one connection that is kept."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url.rstrip("/")
        self.user = user
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy, no .netrc
        self._session.auth = HTTPBasicAuth(user.encode(), password.encode())

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()

    def href(self, path: str) -> str:
        """The URL of a path."""
        return self.url + quote(path)

    def request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, data: Any = None, **options: Any
    ) -> requests.Response:
        """Any request. `data` is bytes, a text, a file, or an iterator of bytes, which is sent in chunks."""
        return self._session.request(
            method,
            self.href(path),
            headers=dict(headers or {}),
            data=data.encode() if isinstance(data, str) else data,
            timeout=TIMEOUT,
            allow_redirects=False,
            **options,
        )

    def get(self, path: str, **headers: str) -> requests.Response:
        """GET; headers as keywords, `if_none_match="…"`."""
        return self.request("GET", path, headers=_headers(headers))

    def head(self, path: str, **headers: str) -> requests.Response:
        """HEAD."""
        return self.request("HEAD", path, headers=_headers(headers))

    def options(self, path: str) -> requests.Response:
        """OPTIONS."""
        return self.request("OPTIONS", path)

    def put(self, path: str, data: Any = b"", **headers: str) -> requests.Response:
        """PUT; headers as keywords, `x_oc_mtime="1700000000"`."""
        return self.request("PUT", path, headers=_headers(headers), data=data)

    def delete(self, path: str, **headers: str) -> requests.Response:
        """DELETE."""
        return self.request("DELETE", path, headers=_headers(headers))

    def mkcol(self, path: str) -> requests.Response:
        """MKCOL."""
        return self.request("MKCOL", path)

    def copy(self, source: str, destination: str, **headers: str) -> requests.Response:
        """COPY; `overwrite="F"`, `depth="0"` as keywords."""
        return self.request("COPY", source, headers={"Destination": self.href(destination), **_headers(headers)})

    def move(self, source: str, destination: str, **headers: str) -> requests.Response:
        """MOVE; `overwrite="F"` as a keyword."""
        return self.request("MOVE", source, headers={"Destination": self.href(destination), **_headers(headers)})

    def propfind(
        self, path: str, depth: str = "0", props: Iterable[str] | None = None, data: Any = None, **headers: str
    ) -> requests.Response:
        """PROPFIND of properties in Clark notation (None: a body-less one, which means allprop), or with a body."""
        if props is not None:
            data = f'<D:propfind xmlns:D="DAV:"><D:prop>{_elements(props)}</D:prop></D:propfind>'
        return self.request("PROPFIND", path, headers={"Depth": depth, **_headers(headers)}, data=data)

    def proppatch(
        self, path: str, setting: Mapping[str, str] | None = None, removing: Iterable[str] = (), **headers: str
    ) -> requests.Response:
        """PROPPATCH that sets texts and then removes, properties in Clark notation."""
        changes = "".join(
            f"<D:set><D:prop>{_element(name, value)}</D:prop></D:set>" for name, value in (setting or {}).items()
        )
        changes += "".join(f"<D:remove><D:prop>{_element(name)}</D:prop></D:remove>" for name in removing)
        body = f'<D:propertyupdate xmlns:D="DAV:">{changes}</D:propertyupdate>'
        return self.request("PROPPATCH", path, headers=_headers(headers), data=body)

    def lock(
        self, path: str, *, depth: str = "0", scope: str = "exclusive", owner: str = "a test", **headers: str
    ) -> requests.Response:
        """LOCK for writing. `token_of()` reads the token from the answer; a refresh is `request("LOCK", …, If)`."""
        body = (
            f'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:{scope}/></D:lockscope><D:locktype><D:write/></D:locktype>'
            f"<D:owner>{escape(owner)}</D:owner></D:lockinfo>"
        )
        return self.request("LOCK", path, headers={"Depth": depth, **_headers(headers)}, data=body)

    def unlock(self, path: str, token: str) -> requests.Response:
        """UNLOCK; the token without angle brackets."""
        return self.request("UNLOCK", path, headers={"Lock-Token": f"<{token}>"})

    def report(self, path: str, data: str, depth: str = "0") -> requests.Response:
        """REPORT with a body."""
        return self.request("REPORT", path, headers={"Depth": depth}, data=data)

    def names(self, path: str) -> set[str]:
        """The names of the members of a collection, with a slash behind those of collections."""
        answer = self.propfind(path, "1", [f"{DAV}resourcetype"])
        assert answer.status_code == 207, answer.text
        return {member.name for member in members(answer) if member.path.rstrip("/") != path.rstrip("/")}

    def properties(self, path: str, *names: str) -> dict[str, str | None]:
        """The texts of some properties (Clark notation) of one resource; None where it has none."""
        answer = self.propfind(path, "0", names)
        assert answer.status_code == 207, answer.text
        (member,) = members(answer)
        return {name: member.text(name) for name in names}


def members(answer: requests.Response) -> list[Member]:
    """The responses of a multistatus, in their order."""
    assert answer.status_code == 207, f"{answer.status_code}: {answer.text}"
    return [Member(element) for element in ElementTree.fromstring(answer.content).iterfind(f"{DAV}response")]


def failures(answer: requests.Response) -> dict[str, int | None]:
    """The statuses of the members with which a change failed, by their paths; each is explained in words."""
    found = members(answer)
    assert all(" " in (member.words or "") for member in found), answer.text
    return {member.path: member.status for member in found}


def token_of(answer: requests.Response) -> str:
    """The token of the lock that a LOCK was granted."""
    assert answer.status_code in (200, 201), f"{answer.status_code}: {answer.text}"
    return answer.headers["Lock-Token"].strip("<>")


def condition(answer: requests.Response) -> str | None:
    """The local name of the condition in a `DAV:error` body (RFC 4918 §16); None where the body is none."""
    if not answer.content.lstrip().startswith(b"<"):
        return None
    error = ElementTree.fromstring(answer.content)
    first = next(iter(error), None)
    return None if error.tag != f"{DAV}error" or first is None else first.tag.rpartition("}")[2]


def _headers(keywords: Mapping[str, str]) -> dict[str, str]:
    """`x_oc_mtime` is `x-oc-mtime`; `if_` is `if`, which Python keeps for itself."""
    return {name.rstrip("_").replace("_", "-"): value for name, value in keywords.items()}


def _elements(names: Iterable[str]) -> str:
    return "".join(_element(name) for name in names)


def _element(name: str, value: str | None = None) -> str:
    namespace, _, local = name.removeprefix("{").rpartition("}")
    opening = f'{local} xmlns="{escape(namespace)}"'
    return f"<{opening}/>" if value is None else f"<{opening}>{escape(value)}</{local}>"


def _status(element: ElementTree.Element) -> int | None:
    match = re.search(r"\s(\d{3})\b", element.findtext(f"{DAV}status") or "")
    return int(match[1]) if match else None
