"""Preconditions of RFC 9110 §13: given what a resource is now, may the request go on?

Must not know where the state comes from, nor the `If` header of WebDAV (`if_header.py`). Holds for every method.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sumu_dav.dav.headers import parse_http_date


@dataclass(frozen=True, slots=True)
class State:
    """A resource as it is now. `etag` is the whole quoted value, `W/"…"` if weak; `modified` is seconds (epoch)."""

    exists: bool
    etag: str | None = None
    modified: float | None = None


class Outcome(Enum):
    """What the preconditions say: perform the method, answer 304, or answer 412."""

    PROCEED = "proceed"
    NOT_MODIFIED = "not modified"
    FAILED = "failed"


_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_READS = ("GET", "HEAD")


def precondition(method: str, environ: Mapping[str, Any], state: State) -> Outcome:
    """Evaluate the preconditions in the order of RFC 9110 §13.2.2; a method is performed only on PROCEED.

    A date that can't be read is ignored (§13.1.3), and so is a list of entity tags that holds none: as no match.
    """
    match = environ.get("HTTP_IF_MATCH")
    if match is not None:
        if not _matches(match, state, strong=True):
            return Outcome.FAILED
    elif _changed_since(environ.get("HTTP_IF_UNMODIFIED_SINCE"), state):
        return Outcome.FAILED
    none_match = environ.get("HTTP_IF_NONE_MATCH")
    if none_match is not None:
        if _matches(none_match, state, strong=False):
            return Outcome.NOT_MODIFIED if method in _READS else Outcome.FAILED
    elif method in _READS and _unchanged_since(environ.get("HTTP_IF_MODIFIED_SINCE"), state):
        return Outcome.NOT_MODIFIED
    return Outcome.PROCEED


def range_applies(environ: Mapping[str, Any], state: State) -> bool:
    """Whether Range is to be followed, as If-Range says (RFC 9110 §13.1.5); without If-Range it is.

    Tags are compared strongly; a date must be the very one of Last-Modified.
    """
    sent = environ.get("HTTP_IF_RANGE")
    if sent is None:
        return True
    sent = sent.strip()
    if _TAG.fullmatch(sent):
        return not sent.startswith("W/") and sent == state.etag
    date = parse_http_date(sent)
    return date is not None and state.modified is not None and date == int(state.modified // 1)


def _matches(header: str, state: State, *, strong: bool) -> bool:
    if header.strip() == "*":
        return state.exists
    if not state.exists or state.etag is None:
        return False
    tags = _TAG.findall(header)
    if strong:
        return not state.etag.startswith("W/") and state.etag in tags
    opaque = state.etag.removeprefix("W/")
    return any(tag.removeprefix("W/") == opaque for tag in tags)


def _changed_since(header: str | None, state: State) -> bool:
    date = parse_http_date(header) if header is not None else None
    return date is not None and state.modified is not None and state.modified // 1 > date


def _unchanged_since(header: str | None, state: State) -> bool:
    date = parse_http_date(header) if header is not None else None
    return date is not None and state.modified is not None and state.modified // 1 <= date
