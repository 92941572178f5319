"""The `If` header of WebDAV (RFC 4918 §10.4): parsed whole, then held against what the resources are.

Must not know locks or files: both are asked of the caller through `lookup`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sumu_dav.dav.faults import BadRequest
from sumu_dav.dav.target import Target, parse_reference

MAX_CONDITIONS = 1_000
"""As many as one principal may hold locks; each is one look at a resource."""

_PIECE = re.compile(
    r"""\s*(?:
        (?P<open>\() | (?P<close>\)) | (?P<not>not)(?![A-Za-z0-9])
        | <(?P<url>[^<>\s]+)> | \[(?P<etag>(?:W/)?"[^"]*")\]
    )\s*""",
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Observed:
    """What a resource is now: its quoted ETag (None without one, or where nothing is) and the tokens of its locks."""

    etag: str | None = None
    tokens: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: that the resource has this lock token, or this ETag (quoted), or has it not."""

    token: str | None
    etag: str | None
    negated: bool = False

    def holds(self, seen: Observed) -> bool:
        """Whether it is so of what was seen. Tags are compared strongly (RFC 4918 §10.4.4)."""
        if self.token is not None:
            so = self.token in seen.tokens
        else:
            so = self.etag == seen.etag and self.etag is not None and not self.etag.startswith("W/")
        return so is not self.negated


@dataclass(frozen=True, slots=True)
class ConditionList:
    """Conditions of which all must hold of `resource`, or of the request's own resource where that is None."""

    resource: Target | None
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class IfHeader:
    """The whole header: it holds when one of its lists does."""

    lists: tuple[ConditionList, ...]

    @property
    def tokens(self) -> frozenset[str]:
        """Every lock token that stands in the header, and so is submitted, wherever it stands (§10.4.1)."""
        return frozenset(
            condition.token for each in self.lists for condition in each.conditions if condition.token is not None
        )

    def holds(self, request: Target, lookup: Callable[[Target], Observed]) -> bool:
        """Whether any list holds. `lookup` is asked once a resource; it answers `Observed()` for what is not there."""
        seen: dict[tuple[str, ...], Observed] = {}

        def observed(resource: Target) -> Observed:
            if resource.path not in seen:
                seen[resource.path] = lookup(resource)
            return seen[resource.path]

        return any(
            all(condition.holds(observed(each.resource or request)) for condition in each.conditions)
            for each in self.lists
        )


def parse_if(environ: Mapping[str, Any], caller: str | None = None) -> IfHeader | None:
    """The header, None without one. `caller` owns `/remote.php/webdav/` in tagged lists.

    Raises BadRequest for what does not follow the grammar, NameRefused for a tag whose path is never served.
    """
    sent = environ.get("HTTP_IF")
    if sent is None:
        return None
    pieces = list(_pieces(sent))
    lists: list[ConditionList] = []
    resource: Target | None = None
    bare_tag = False
    position = 0
    while position < len(pieces):
        kind, text = pieces[position]
        if kind == "url" and (resource is not None or not lists) and not bare_tag:
            resource, bare_tag = parse_reference(text, caller), True
            position += 1
        elif kind == "open":
            conditions, position = _conditions(pieces, position + 1)
            lists.append(ConditionList(resource, conditions))
            bare_tag = False
        else:
            raise BadRequest("the header If does not follow RFC 4918 §10.4.2")
    if not lists or bare_tag:
        raise BadRequest("the header If holds no list of conditions")
    return IfHeader(tuple(lists))


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    count = 0
    while position < len(text):
        found = _PIECE.match(text, position)
        count += 1
        if found is None or found.lastgroup is None or count > 4 * MAX_CONDITIONS:
            raise BadRequest(f"the header If can't be read from character {position} on")
        yield found.lastgroup, found[found.lastgroup]
        position = found.end()


def _conditions(pieces: list[tuple[str, str]], position: int) -> tuple[tuple[Condition, ...], int]:
    """The conditions from `position` up to the closing parenthesis, and the position behind it."""
    conditions: list[Condition] = []
    negated = False
    for kind, text in pieces[position:]:
        position += 1
        if kind == "not" and not negated:
            negated = True
        elif kind in ("url", "etag"):
            token, etag = (text, None) if kind == "url" else (None, text)
            conditions.append(Condition(token, etag, negated))
            negated = False
        elif kind == "close" and conditions and not negated:
            return tuple(conditions), position
        else:
            break
    raise BadRequest("a list of conditions in the header If is empty or not closed")
