"""What can be wrong with a request itself, as facts: the errors that only a WebDAV face can raise.

Must not know status codes (`statuses.py` has the one table) nor what was being done to which file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sumu_dav.errors import SumuError


@dataclass(eq=False)
class BadRequest(SumuError):
    """A header or a request line that means nothing."""

    reason: str

    def __str__(self) -> str:
        return f"The request can't be understood: {self.reason}."


@dataclass(eq=False)
class BadXml(SumuError):
    """A body that is no XML, not the XML wanted, or XML of a kind that is never read (RFC 4918 §8.2, §20.6)."""

    reason: str

    def __str__(self) -> str:
        return f"The XML of the request can't be taken: {self.reason}."


@dataclass(eq=False)
class TooLarge(SumuError):
    """Something that is sent in a body is larger than is taken. `limit` is bytes."""

    limit: int
    what: str

    def __str__(self) -> str:
        return f"The {self.what} is larger than {self.limit} bytes."


@dataclass(eq=False)
class PlainHttp(SumuError):
    """A request without TLS from another machine, where the settings require it."""

    def __str__(self) -> str:
        return "This server is to be used over HTTPS alone; change the password that was just sent in the clear."


@dataclass(eq=False)
class UnsupportedBody(SumuError):
    """A body of a kind that the method does not take (RFC 4918 §9.3: MKCOL)."""

    reason: str

    def __str__(self) -> str:
        return f"The body of the request can't be taken: {self.reason}."


@dataclass(eq=False)
class UnsupportedReport(SumuError):
    """A REPORT or SEARCH that is not offered (RFC 3253 §3.6). `name` is a Clark name."""

    name: str

    def __str__(self) -> str:
        return f"The report {self.name} is not offered here."


@dataclass(eq=False)
class MethodNotAllowed(SumuError):
    """The resource does not take this method; `allowed` goes into the Allow header (RFC 9110 §15.5.6)."""

    method: str
    allowed: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method} is not possible here; possible are {', '.join(self.allowed)}."


@dataclass(eq=False)
class DepthRefused(SumuError):
    """A PROPFIND with Depth: infinity on more than is answered at once (RFC 4918 §9.1)."""

    def __str__(self) -> str:
        return "There is too much below this collection for Depth: infinity; ask with Depth: 1, level by level."


@dataclass(eq=False)
class ProtectedProperty(SumuError):
    """A live property that the server alone sets (RFC 4918 §9.2). `name` is a Clark name."""

    name: str

    def __str__(self) -> str:
        return f"The property {self.name} is the server's own and can't be changed."


@dataclass(eq=False)
class PreconditionFailed(SumuError):
    """What a conditional header demanded is not so (RFC 9110 §13, RFC 4918 §10.4). `header` names it."""

    header: str

    def __str__(self) -> str:
        return f"The condition in the header {self.header} does not hold; nothing was changed."


@dataclass(eq=False)
class RangeNotSatisfiable(SumuError):
    """None of the ranges asked for lies in the resource (RFC 9110 §15.5.17). `size` is bytes."""

    size: int

    def __str__(self) -> str:
        return f"The ranges asked for lie outside of the {self.size} bytes that are there."


@dataclass(eq=False)
class Locked(SumuError):
    """A lock stands in the way, and its token was not submitted by its holder (RFC 4918 §7). `roots` are hrefs."""

    roots: tuple[str, ...]

    def __str__(self) -> str:
        return f"Locked through {', '.join(self.roots)}; the token of the lock is needed."


@dataclass(eq=False)
class LockConflict(SumuError):
    """The lock asked for does not go together with one that exists (RFC 4918 §6.1, §9.10.6). `roots` are hrefs."""

    roots: tuple[str, ...]

    def __str__(self) -> str:
        return f"Another lock is held on {', '.join(self.roots)}."


@dataclass(eq=False)
class LocksBelow(SumuError):
    """A lock of depth infinity does not go together with locks below it (RFC 4918 §9.10.3). `conflicts` has them by
    the path of what each is held on: the names from the user's on."""

    conflicts: Mapping[tuple[str, ...], LockConflict]

    def __str__(self) -> str:
        return f"Nothing was locked. {next(iter(self.conflicts.values()))}"


@dataclass(eq=False)
class FailedDependency(SumuError):
    """It was not done, since something else had to be done with it and failed (RFC 4918 §11.4)."""

    def __str__(self) -> str:
        return "It was not done, since something that it depends on failed."


@dataclass(eq=False)
class LockTokenMismatch(SumuError):
    """The token names no lock that covers this resource (RFC 4918 §9.10.2, §9.11.1)."""

    path: str

    def __str__(self) -> str:
        return f"The lock token belongs to no lock on {self.path}."


@dataclass(eq=False)
class TooManyLocks(SumuError):
    """One principal holds as many locks as anyone may."""

    principal: str
    limit: int

    def __str__(self) -> str:
        return f"{self.principal} holds {self.limit} locks already, and no more are given; unlock some first."


@dataclass(eq=False)
class CrossSite(SumuError):
    """A page of another site made a browser send this."""

    origin: str

    def __str__(self) -> str:
        return f"A request from {self.origin} may not change anything here."
