"""What a URL means: the request target and every URL in a header, parsed once into a `Target`, written back as href.

Below this module no raw URL exists. It must not know what exists on disk, nor who may see it: whether `user` is an
account, and whether the caller may touch it, is asked elsewhere, of the parsed value.

Settled here (RFC 3986; RFC 4918 §8.3): one percent-decoding; dot segments, plain or encoded, are refused, since to
normalise them is to guess; doubled slashes count as one, since no name is empty; everything but the slash and a
question mark is an ordinary character of a name, `;` and `#` too; names are Unicode NFC. Scheme and host are ignored:
behind a proxy that speaks TLS they are never ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

from sumu_dav.dav.faults import BadRequest
from sumu_dav.errors import NameRefused
from sumu_dav.library.names import check_name

REMEMBERED = 4_096
"""Targets that are kept parsed: clients ask for the same few thousand again and again, and parsing costs a fifth of a
small request."""

REMEMBERED_LENGTH = 1_024
"""The longest URL that is kept, so that all of them are some 30 MB at the most: whoever has no account yet could else
fill the memory with queries as long as a head may be."""

MAX_PATH_BYTES = 3_072
"""The longest path, in bytes: Linux opens 4,096 by name, Plex opens by name, and the tree's own folder comes first."""

FILES_PREFIX = "/remote.php/dav/files"
WEBDAV_PREFIX = "/remote.php/webdav"
CHUNKS_PREFIX = "/remote.php/dav/uploads"
REMOTE_PREFIX = "/remote.php"
OWN_PREFIX = "/-"
INBOX_PREFIX = "/-/inbox"

# RFC 3986 pchar, less "&" and "'": an href then needs no further escaping in XML or in an HTML attribute.
_SAFE_IN_NAME = "-._~!$()*+,;=:@"
_SAFE_IN_RAW = _SAFE_IN_NAME + "&'/%"

_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?]*")
_BROKEN_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


class Space(Enum):
    """Which part of the name space a URL lies in."""

    ROOT = "the users"
    USER = "a user's tree"
    INBOX = "a user's loose names alone"
    OWN = "the server's own pages"
    CHUNKS = "chunked uploads in progress"
    REMOTE = "what stands above the Nextcloud prefixes"


@dataclass(frozen=True, slots=True)
class Target:
    """One URL, understood.

    `prefix` is the spelling of the name space that was asked (answers come out under the same); `user` is None where no
    user is named, and for `/remote.php/webdav/` while the caller is not known; `parts` are the decoded NFC names below
    that; `folder` tells a trailing slash; `raw` is the path as it was requested, fit to stand in XML once escaped.
    """

    prefix: str
    space: Space
    user: str | None
    parts: tuple[str, ...]
    folder: bool
    raw: str

    @property
    def name(self) -> str:
        """The last name of the path, the user's where there is none below, "" at the roots."""
        return self.parts[-1] if self.parts else self.user or ""

    @property
    def path(self) -> tuple[str, ...]:
        """The place in the whole name space, the same for every spelling of it: what locks are keyed by."""
        below = (*((self.user,) if self.user is not None else ()), *self.parts)
        return _ABOVE[self.space] + below

    def href(self, folder: bool | None = None) -> str:
        """The path encoded as it was requested; with a trailing slash for a collection, where `folder` is said."""
        if folder is None or self.raw == "/":
            return self.raw
        bare = self.raw.rstrip("/")
        return bare + "/" if folder or not bare else bare

    def canonical(self) -> str:
        """The path newly encoded, in its shortest spelling under the prefix that was asked."""
        return href(self.prefix, self.user, self.parts, self.folder)

    def child(self, name: str, folder: bool = False) -> Target:
        """The resource `name` in this collection; `name` is a name already, not part of a URL."""
        raw = f"{self.href(folder=True)}{encode(name)}{'/' if folder else ''}"
        if self.user is None and self.space is Space.ROOT:
            return Target(self.prefix, Space.USER, name, (), folder, raw)
        return replace(self, parts=(*self.parts, name), folder=folder, raw=raw)

    def parent(self) -> Target:
        """The collection that holds this resource; the root of a user's tree is held by the root of its prefix."""
        raw = self.raw.rstrip("/").rpartition("/")[0] + "/"
        if self.parts:
            return replace(self, parts=self.parts[:-1], folder=True, raw=raw)
        if self.space is Space.USER and self.prefix != WEBDAV_PREFIX:
            return Target(self.prefix, Space.ROOT, None, (), True, raw)
        if self.space is Space.ROOT and not self.prefix:
            return self
        return _place([_decode(segment) for segment in _segments(raw)], True, raw, None)


_ABOVE: dict[Space, tuple[str, ...]] = {
    Space.ROOT: (),
    Space.USER: (),
    Space.INBOX: ("-", "inbox"),
    Space.OWN: ("-",),
    Space.CHUNKS: ("remote.php", "dav", "uploads"),
    Space.REMOTE: ("remote.php",),
}


def encode(name: str) -> str:
    """One name as a segment of a URL's path: UTF-8, percent-encoded, safe in XML and HTML as it stands."""
    return quote(name, safe=_SAFE_IN_NAME)


def href(prefix: str, user: str | None, parts: tuple[str, ...], folder: bool) -> str:
    """The path of a URL for these names under `prefix`, with a trailing slash for a collection."""
    names = parts if user is None or prefix == WEBDAV_PREFIX else (user, *parts)
    path = prefix + "".join(f"/{encode(name)}" for name in names)
    return path + "/" if folder or not path else path


def parse_request(environ: Mapping[str, Any], caller: str | None = None) -> Target:
    """What the request line asks for, from the target as sent (REQUEST_URI) where the server tells it.

    `caller` is the account's name, and owns `/remote.php/webdav/`. The target of `OPTIONS *` is the root. Without
    REQUEST_URI an encoded slash can't be told from a plain one any more (PEP 3333 decodes PATH_INFO).

    Raises NameRefused for a path that is never served, BadRequest for what is no path.
    """
    sent = environ.get("REQUEST_URI")
    if sent is None:
        decoded = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}" or "/"
        sent = quote_from_bytes(decoded.encode("latin-1"), safe="/")
    return parse_reference("/" if sent == "*" else sent, caller)


def parse_destination(environ: Mapping[str, Any], caller: str | None = None) -> Target:
    """Where a COPY or MOVE goes (RFC 4918 §10.3). Raises as `parse_request`, and BadRequest without the header."""
    sent = environ.get("HTTP_DESTINATION")
    if not sent:
        raise BadRequest("the header Destination is missing")
    return parse_reference(sent.strip(), caller)


def without_authority(text: str) -> str:
    """What a URL says of a path, for logs: without scheme and host, before which a name and a password may stand, and
    without its query."""
    authority = _AUTHORITY.match(text)
    return text[authority.end() if authority else 0 :].partition("?")[0]


def parse_reference(text: str, caller: str | None = None) -> Target:
    """A URL in any form that RFC 4918 §8.3 knows: absolute, or an absolute path. `text` is latin-1 as in WSGI.

    Raises NameRefused for a path that is never served, BadRequest for what is no path.
    """
    return _remembered(text, caller) if len(text) <= REMEMBERED_LENGTH else _parsed(text, caller)


def _parsed(text: str, caller: str | None) -> Target:
    authority = _AUTHORITY.match(text)
    rest = text[authority.end() :] if authority else text
    path = rest.partition("?")[0]
    if authority and not path:
        path = "/"
    if not path.startswith("/"):
        raise BadRequest(f"{text[:200]!r} is neither an absolute URL nor an absolute path")
    if len(path) > MAX_PATH_BYTES * 3:
        raise NameRefused(f"{path[:80]}…", f"the path is longer than {MAX_PATH_BYTES} bytes")
    if _BROKEN_PERCENT.search(path):
        raise NameRefused(path, "a percent sign in a URL is written %25")
    names = [_decode(segment) for segment in _segments(path)]
    # no name grows more than threefold by decoding and composing it
    if len(path) > MAX_PATH_BYTES // 3 and sum(len(name.encode()) + 1 for name in names) > MAX_PATH_BYTES:
        raise NameRefused(f"{path[:80]}…", f"the path is longer than {MAX_PATH_BYTES} bytes")
    raw = quote(path, safe=_SAFE_IN_RAW, encoding="latin-1", errors="replace")
    return _place(names, path.endswith("/"), raw, caller)


_remembered = lru_cache(maxsize=REMEMBERED)(_parsed)


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


@lru_cache(maxsize=REMEMBERED)
def _decode(segment: str) -> str:
    """One name from one segment of a path, or NameRefused with the reason."""
    try:
        sent = unquote_to_bytes(segment.encode("latin-1"))
    except UnicodeEncodeError:
        raise NameRefused(segment, "a URL has no characters beyond latin-1") from None
    try:
        name = sent.decode("utf-8")
    except UnicodeDecodeError:
        raise NameRefused(segment, "it is no UTF-8") from None
    if name in (".", ".."):
        raise NameRefused(segment, "dot segments are not followed")
    return check_name(name)


def _place(names: list[str], folder: bool, raw: str, caller: str | None) -> Target:
    """The names of a whole path, sorted into the name space."""
    match names:
        case []:
            return Target("", Space.ROOT, None, (), True, raw)
        case ["-", "inbox", user, *parts]:
            return Target(INBOX_PREFIX, Space.INBOX, user, tuple(parts), folder, raw)
        case ["-", *parts]:
            return Target(OWN_PREFIX, Space.OWN, None, tuple(parts), folder, raw)
        case ["remote.php", "webdav", *parts]:
            return Target(WEBDAV_PREFIX, Space.USER, caller, tuple(parts), folder, raw)
        case ["remote.php", "dav", "files"]:
            return Target(FILES_PREFIX, Space.ROOT, None, (), True, raw)
        case ["remote.php", "dav", "files", user, *parts]:
            return Target(FILES_PREFIX, Space.USER, user, tuple(parts), folder, raw)
        case ["remote.php", "dav", "uploads", user, *parts]:
            return Target(CHUNKS_PREFIX, Space.CHUNKS, user, tuple(parts), folder, raw)
        case ["remote.php", *parts]:
            return Target(REMOTE_PREFIX, Space.REMOTE, None, tuple(parts), folder, raw)
    return Target("", Space.USER, names[0], tuple(names[1:]), folder, raw)
