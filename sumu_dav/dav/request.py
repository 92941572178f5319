"""One WebDAV request, parsed: who asks, what for, and under which conditions. And its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, BinaryIO

from sumu_dav.archive.nodes import Path
from sumu_dav.auth.login import Login
from sumu_dav.dav import xml
from sumu_dav.dav.access import reading, writing
from sumu_dav.dav.context import Context
from sumu_dav.dav.faults import BadRequest, TooLarge
from sumu_dav.dav.if_header import IfHeader, parse_if
from sumu_dav.dav.target import Target, parse_destination

StartResponse = Callable[..., Any]


@dataclass(slots=True)
class Response:
    """An answer. `body` is sent as it is; an iterable of blocks goes out as it is drawn."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | Iterable[bytes] = b""


@dataclass(frozen=True)
class Request:
    """A request of a known caller. The target is parsed once; whether the caller may have it is asked in one place."""

    context: Context
    environ: Mapping[str, Any]
    method: str
    target: Target
    login: Login

    @property
    def caller(self) -> str:
        """The account's name."""
        return self.login.account.name

    def header(self, name: str) -> str | None:
        """A request header by its name, None where it was not sent."""
        value = self.environ.get("HTTP_" + name.upper().replace("-", "_"))
        return None if value is None else str(value)

    def readable(self) -> Path:
        """The target as a path that the caller may see. Raises NotFound."""
        return reading(self.context.accounts, self.login.account, self.target)

    def writable(self) -> Path:
        """The target as a path that the caller may change. Raises NotFound or Forbidden."""
        return writing(self.context.accounts, self.login.account, self.target)

    @cached_property
    def destination(self) -> Target:
        """Where a COPY or MOVE goes, its scheme and host ignored. Raises BadRequest, NameRefused."""
        return parse_destination(self.environ, self.caller)

    @cached_property
    def if_header(self) -> IfHeader | None:
        """The If header (RFC 4918 §10.4). Raises BadRequest."""
        return parse_if(self.environ, self.caller)

    @property
    def tokens(self) -> frozenset[str]:
        """The lock tokens that the caller submitted."""
        return self.if_header.tokens if self.if_header is not None else frozenset()

    @property
    def input(self) -> BinaryIO:
        """The body."""
        stream: BinaryIO = self.environ["wsgi.input"]
        return stream

    @property
    def length(self) -> int | None:
        """The Content-Length in bytes; None for a body in chunks."""
        sent = str(self.environ.get("CONTENT_LENGTH") or "")
        if sent:
            if not sent.isdigit():
                raise BadRequest("Content-Length is not a number")
            return int(sent)
        return None if self.environ.get("HTTP_TRANSFER_ENCODING") else 0

    def read_body(self) -> bytes:
        """A small body, whole. Raises TooLarge beyond what an XML body may have, BadRequest where it was cut."""
        limit, length = xml.MAX_BODY_BYTES, self.length
        if length is not None and length > limit:
            raise TooLarge(limit, "the body")
        blocks: list[bytes] = []
        left = limit + 1 if length is None else length
        while left > 0:
            try:
                block = self.input.read(left)
            except OSError as error:
                raise BadRequest("the body was cut short") from error
            if not block:
                break
            blocks.append(block)
            left -= len(block)
        body = b"".join(blocks)
        if len(body) > limit:
            raise TooLarge(limit, "the body")
        if length is not None and len(body) < length:
            raise BadRequest("the body was cut short")
        return body
