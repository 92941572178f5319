"""Request heads: bytes in, a checked `Head` out (RFC 9112 §2 to §6).

Knows no socket, no WSGI application and no limits but its own. Whatever two servers could read in two ways is refused
here, since a proxy in front would then see other requests than this one (request smuggling).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

MAX_FIELDS = 200
"""Header fields in one head. Clients send about 20; the limit keeps repeated names from costing quadratic joins."""

_CONTROLS = bytes(c for c in range(32) if c not in b"\t\r\n") + b"\x7f"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
_VERSION = re.compile(r"HTTP/\d\.\d").fullmatch
_LENGTH = re.compile(r"[0-9]{1,18}").fullmatch
_ENCODED_SLASH = re.compile("(?i:%2f)").split

# Field names repeat with every request, so each is checked and translated once. Bounded: a client may invent names.
_KEYS: dict[str, str] = {}
_MAX_KEYS = 1000

# Of these, a second one with another value means that two readers may take different ones.
_SINGLE = frozenset({"CONTENT_LENGTH", "CONTENT_TYPE", "HTTP_HOST", "HTTP_AUTHORIZATION", "HTTP_DESTINATION"})


class HeadRefused(Exception):
    """A head that is wrong, ambiguous or not supported. `status` is the answer's status line without the version."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status
        self.reason = reason


@dataclass(slots=True)
class Head:
    """One request head. Text is Latin-1 as PEP 3333 wants it; `fields` has CGI keys (`HTTP_IF_MATCH`).

    `target` is as sent, without scheme and authority; `path` is decoded but for `%2F`, which stays, so that an encoded
    slash is told from a real one. `length` is the body's in bytes, None where none was announced.
    """

    method: str
    target: str
    path: str
    query: str
    version: str
    fields: dict[str, str]
    length: int | None
    chunked: bool
    keep_alive: bool
    expects_continue: bool


def parse_head(head: bytes) -> Head:
    """Read a head without its closing empty line. Raises HeadRefused."""
    lines = _lines(head)
    method, target, version = _request_line(lines[0])
    fields = _fields(lines)
    if target[0] != "/":
        target, authority = _origin_form(method, target)
        if authority is not None:
            fields["HTTP_HOST"] = authority
    if version == "HTTP/1.1" and "HTTP_HOST" not in fields:
        raise HeadRefused("400 Bad Request", "HTTP/1.1 requires a Host header")
    length, chunked = _framing(fields, version)
    path, _, query = target.partition("?")
    if "%" in path:
        path = "%2F".join(unquote_to_bytes(part).decode("latin-1") for part in _ENCODED_SLASH(path))
    connection = fields.get("HTTP_CONNECTION", "").lower()
    return Head(
        method=method,
        target=target,
        path=path,
        query=query,
        version=version,
        fields=fields,
        length=length,
        chunked=chunked,
        keep_alive=("close" not in connection) if version == "HTTP/1.1" else ("keep-alive" in connection),
        expects_continue=_expects_continue(fields, version),
    )


def _lines(head: bytes) -> list[str]:
    lines = head.decode("latin-1").split("\r\n")
    breaks = len(lines) - 1
    if head.count(b"\n") != breaks or head.count(b"\r") != breaks:
        raise HeadRefused("400 Bad Request", "a bare CR or LF in the head")
    if len(head.translate(None, _CONTROLS)) != len(head):
        raise HeadRefused("400 Bad Request", "a control character in the head")
    if breaks > MAX_FIELDS:
        raise HeadRefused("431 Request Header Fields Too Large", f"more than {MAX_FIELDS} header fields")
    return lines


def _request_line(line: str) -> tuple[str, str, str]:
    parts = line.split(" ")
    if len(parts) != 3 or not parts[1] or "\t" in line:
        raise HeadRefused("400 Bad Request", "a malformed request line")
    method, target, version = parts
    if not _TOKEN(method):
        raise HeadRefused("400 Bad Request", "a malformed method")
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        if _VERSION(version):
            raise HeadRefused("505 HTTP Version Not Supported", "HTTP/1.0 and HTTP/1.1 are spoken here")
        raise HeadRefused("400 Bad Request", "a malformed HTTP version")
    if "#" in target:
        raise HeadRefused("400 Bad Request", "a fragment in the request target")
    return method, target, version


def _origin_form(method: str, target: str) -> tuple[str, str | None]:
    """The path and query of a target in asterisk or absolute form, and the authority of the latter (RFC 9112 §3.2)."""
    if target == "*" and method == "OPTIONS":
        return target, None
    scheme, separator, rest = target.partition("://")
    if not separator or scheme.lower() not in ("http", "https"):
        raise HeadRefused("400 Bad Request", "a malformed request target")
    cut = min((i for i in (rest.find("/"), rest.find("?")) if i >= 0), default=len(rest))
    authority, path = rest[:cut], rest[cut:]
    if not authority or "@" in authority:
        raise HeadRefused("400 Bad Request", "a malformed authority in the request target")
    return (path if path.startswith("/") else "/" + path), authority


def _key(name: str) -> str:
    """The CGI key of a field name; "" for a name that is to be ignored."""
    key = _KEYS.get(name)
    if key is None:
        if not _TOKEN(name):
            # Leading space is a folded line, space before the colon an old smuggling trick (RFC 9112 §5.1, §5.2).
            raise HeadRefused("400 Bad Request", "a malformed or folded header field")
        if "_" in name or name.lower() == "proxy":
            # X_User and X-User would share a key; Proxy would become HTTP_PROXY, which CGI programs obey.
            key = ""
        else:
            key = name.upper().replace("-", "_")
            if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                key = "HTTP_" + key
        if len(_KEYS) < _MAX_KEYS:
            _KEYS[name] = key
    return key


def _fields(lines: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        key = _KEYS.get(name) if colon else None
        if key is None:
            key = _key(name if colon else "")
        if not key:
            continue
        value = value.strip(" \t")
        before = fields.get(key)
        if before is None:
            fields[key] = value
        elif key not in _SINGLE:
            fields[key] = f"{before}{'; ' if key == 'HTTP_COOKIE' else ', '}{value}"
        elif before != value or key == "HTTP_HOST":
            raise HeadRefused("400 Bad Request", "a header field that may stand once is repeated")
    return fields


def _framing(fields: dict[str, str], version: str) -> tuple[int | None, bool]:
    """The body's length and whether it is chunked (RFC 9112 §6)."""
    announced = fields.get("CONTENT_LENGTH")
    coding = fields.get("HTTP_TRANSFER_ENCODING")
    if coding is None:
        if announced is None:
            return None, False
        if not _LENGTH(announced):
            raise HeadRefused("400 Bad Request", "a malformed Content-Length")
        return int(announced), False
    if announced is not None or version == "HTTP/1.0":
        raise HeadRefused("400 Bad Request", "Transfer-Encoding together with Content-Length or HTTP/1.0")
    if coding.lower() != "chunked":
        raise HeadRefused("501 Not Implemented", "the only transfer coding that is understood is chunked")
    return None, True


def _expects_continue(fields: dict[str, str], version: str) -> bool:
    expectation = fields.get("HTTP_EXPECT")
    if expectation is None or version == "HTTP/1.0":
        return False
    if expectation.lower() != "100-continue":
        raise HeadRefused("417 Expectation Failed", "the only expectation that is understood is 100-continue")
    return True
