"""Answers in XML, written as strings: 207 multistatus, DAV:error, the properties of locks.

Must not know resources or errors: it is given hrefs, property XML and status codes. Strings and not a tree, since a
listing of 10,000 members is written in a tenth of the time, and can be kept and sent member by member.

The prefixes are literally `d:`, `oc:`, `nc:` and `s:`: Nextcloud's apps look for the first three by prefix, not by
namespace. They also read the first propstat alone, so the one with 200 comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain

from sumu_dav.dav.statuses import status_line
from sumu_dav.dav.xml import XML_NAMESPACE, escape

MEDIA_TYPE = "application/xml; charset=utf-8"
"""Letter by letter: ownCloud's desktop client takes nothing else for XML, a charset in quotes neither."""

NAMESPACES = {
    "DAV:": "d",
    "http://owncloud.org/ns": "oc",
    "http://nextcloud.org/ns": "nc",
    "urn:sumu": "s",
}

BLOCK_BYTES = 65_536
"""How much of a multistatus is gathered before it is handed on: small writes cost a system call each."""

REMEMBERED_LENGTH = 256
"""The longest name whose tags are kept: a client may invent names as long as a body, and as many as it likes."""

_DECLARATIONS = "".join(f' xmlns:{prefix}="{uri}"' for uri, prefix in NAMESPACES.items())
_PROLOGUE = '<?xml version="1.0" encoding="utf-8"?>\n'
OPENING = f"{_PROLOGUE}<d:multistatus{_DECLARATIONS}>"
CLOSING = "</d:multistatus>"

# Nextcloud's apps show this element to their user (sabre/dav's namespace).
_MESSAGE_NAMESPACE = "http://sabredav.org/ns"


def tags(clark: str) -> tuple[str, str]:
    """What opens (without the ">") and what closes an element of that Clark name inside a multistatus."""
    return _remembered_tags(clark) if len(clark) <= REMEMBERED_LENGTH else _tags(clark)


def _tags(clark: str) -> tuple[str, str]:
    uri, bracket, local = clark[1:].rpartition("}")
    if not bracket:
        return f'<{clark} xmlns=""', f"</{clark}>"
    prefix = NAMESPACES.get(uri)
    if prefix is not None:
        return f"<{prefix}:{local}", f"</{prefix}:{local}>"
    if uri == XML_NAMESPACE:  # bound to its prefix for ever, and may be declared for no other (XML Names §3)
        return f"<xml:{local}", f"</xml:{local}>"
    return f'<x:{local} xmlns:x="{escape(uri)}"', f"</x:{local}>"


_remembered_tags = lru_cache(maxsize=4_096)(_tags)


def element(clark: str, inner: str = "") -> str:
    """An element around `inner`, which is XML already."""
    opening, closing = tags(clark)
    return f"{opening}>{inner}{closing}" if inner else f"{opening}/>"


def text_element(clark: str, text: str) -> str:
    """An element around a text."""
    return element(clark, escape(text))


def response(
    href: str,
    found: str = "",
    missing: Iterable[str] = (),
    others: Iterable[tuple[int, Iterable[str], str | None]] = (),
) -> str:
    """One DAV:response with its propstats (RFC 4918 §9.1): 200 first, then 404, then the others.

    `found` is the XML of the properties; `missing` are Clark names; each of `others` is a status, Clark names, and the
    local name of a DAV: condition or None. There is a propstat at least, as the grammar wants one.
    """
    out = [f"<d:response><d:href>{escape(href)}</d:href>"]
    rest = [_propstat(404, empty)] if (empty := _empties(missing)) else []
    rest.extend(_propstat(status, _empties(names), condition) for status, names, condition in others)
    if found or not rest:
        out.append(_propstat(200, found))
    out.extend(rest)
    out.append("</d:response>")
    return "".join(out)


def failed(href: str, status: int, condition: str | None, hrefs: Iterable[str], words: str) -> str:
    """One DAV:response of a member that kept a change from being made to it, or to all (RFC 4918 §9.6.2, §14.24)."""
    error = f"<d:error>{_condition(condition, hrefs)}</d:error>" if condition else ""
    return (
        f"<d:response><d:href>{escape(href)}</d:href>{_status(status)}{error}"
        f"<d:responsedescription>{escape(words)}</d:responsedescription></d:response>"
    )


def multistatus(responses: Iterable[str], tail: str = "") -> Iterator[bytes]:
    """The body of a 207, in blocks; `responses` are drawn as they are sent. `tail` is XML after the last of them."""
    return in_blocks(each.encode() for each in chain((OPENING,), responses, (tail, CLOSING)))


def in_blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in blocks of at least `BLOCK_BYTES`, but for the last."""
    gathered: list[bytes] = []
    size = 0
    for piece in pieces:
        gathered.append(piece)
        size += len(piece)
        if size >= BLOCK_BYTES:
            yield b"".join(gathered)
            gathered, size = [], 0
    if gathered:
        yield b"".join(gathered)


def error_body(words: str, condition: str | None = None, hrefs: Iterable[str] = ()) -> bytes:
    """A DAV:error (RFC 4918 §14.5, §16): the condition, if one is defined, with hrefs inside; and words for people."""
    held = _condition(condition, hrefs) if condition else ""
    message = f'<s:message xmlns:s="{_MESSAGE_NAMESPACE}">{escape(words)}</s:message>'
    return f'{_PROLOGUE}<d:error xmlns:d="DAV:">{held}{message}</d:error>\n'.encode()


def prop_body(inner: str) -> bytes:
    """A DAV:prop as a body of its own: the answer to LOCK (RFC 4918 §9.10.1)."""
    return f"{_PROLOGUE}<d:prop{_DECLARATIONS}>{inner}</d:prop>\n".encode()


def active_lock(*, token: str, root: str, owner: str, shared: bool, infinite: bool, seconds: int) -> str:
    """A DAV:activelock (RFC 4918 §14.1). `root` is an href, `owner` the client's element, `seconds` what is left."""
    return (
        "<d:activelock><d:locktype><d:write/></d:locktype>"
        f"<d:lockscope><d:{'shared' if shared else 'exclusive'}/></d:lockscope>"
        f"<d:depth>{'infinity' if infinite else '0'}</d:depth>{owner}<d:timeout>Second-{seconds}</d:timeout>"
        f"<d:locktoken><d:href>{escape(token)}</d:href></d:locktoken>"
        f"<d:lockroot><d:href>{escape(root)}</d:href></d:lockroot></d:activelock>"
    )


SUPPORTED_LOCK = (
    "<d:supportedlock>"
    "<d:lockentry><d:lockscope><d:exclusive/></d:lockscope><d:locktype><d:write/></d:locktype></d:lockentry>"
    "<d:lockentry><d:lockscope><d:shared/></d:lockscope><d:locktype><d:write/></d:locktype></d:lockentry>"
    "</d:supportedlock>"
)
"""The property DAV:supportedlock of everything that can be locked (RFC 4918 §15.10)."""


def _condition(condition: str, hrefs: Iterable[str]) -> str:
    return element(f"{{DAV:}}{condition}", "".join(f"<d:href>{escape(href)}</d:href>" for href in hrefs))


def _empties(names: Iterable[str]) -> str:
    return "".join(f"{tags(name)[0]}/>" for name in names)


def _propstat(status: int, properties: str, condition: str | None = None) -> str:
    return f"<d:propstat><d:prop>{properties}</d:prop>{_status(status)}{_error(condition)}</d:propstat>"


def _status(status: int) -> str:
    return f"<d:status>HTTP/1.1 {status_line(status)}</d:status>"


def _error(condition: str | None) -> str:
    return f"<d:error><d:{condition}/></d:error>" if condition else ""
