"""The XML bodies of requests, read into values: PROPFIND, PROPPATCH, LOCK, REPORT.

Must not know properties beyond their names, nor what they are asked of. Elements that are not known are passed over
(RFC 4918 §17); what is then missing makes a BadXml. SEARCH has a language of its own (`search.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from sumu_dav.dav.faults import BadXml, TooLarge, UnsupportedReport
from sumu_dav.dav.headers import parse_flag
from sumu_dav.dav.xml import Element, parse

MAX_PROPERTY_BYTES = 65_536
"""The largest value of one property: it is kept in the catalogue's line of its photo."""

MAX_OWNER_BYTES = 4_096
"""The largest DAV:owner of a lock: a name or an address. It is kept once a lock, of which one user may hold many."""

MAX_NAMES = 1_000
"""Properties asked for at once; clients ask for some 40. Each is looked up for every member of a listing."""

_FILTER_FILES = "{http://owncloud.org/ns}filter-files"
_FILTER_RULES = "{http://owncloud.org/ns}filter-rules"
_FAVORITE = "{http://owncloud.org/ns}favorite"


class PropfindKind(Enum):
    """What a PROPFIND wants (RFC 4918 §9.1): all properties with values, their names alone, or some."""

    ALL = "allprop"
    NAMES = "propname"
    SOME = "prop"


@dataclass(frozen=True, slots=True)
class PropfindRequest:
    """A PROPFIND: `names` are wanted by SOME, `include` beside ALL. All names are Clark names, each once."""

    kind: PropfindKind
    names: tuple[str, ...] = ()
    include: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PropChange:
    """One instruction of a PROPPATCH. `value` is the whole property element, able to stand alone; None: remove it.

    `text` is the text directly in the property: the value of simple ones.
    """

    name: str
    value: str | None
    text: str = ""


@dataclass(frozen=True, slots=True)
class LockRequest:
    """A new lock: its scope, and the `DAV:owner` element as the client wrote it, "" without one."""

    shared: bool
    owner: str = ""


@dataclass(frozen=True, slots=True)
class FilterFiles:
    """ownCloud's report of files by rule: the properties wanted, and the favourites or the others (None: either)."""

    names: tuple[str, ...]
    favorite: bool | None


def parse_propfind(body: bytes) -> PropfindRequest:
    """The body of a PROPFIND; an empty one asks for all properties. Raises BadXml, TooLarge."""
    if not body.strip():
        return PropfindRequest(PropfindKind.ALL)
    root = _rooted(body, "{DAV:}propfind")
    kinds = [child for child in root.children if child.name in ("{DAV:}allprop", "{DAV:}propname", "{DAV:}prop")]
    if len(kinds) != 1:
        raise BadXml("a propfind holds one of allprop, propname and prop")
    kind = PropfindKind(kinds[0].name.removeprefix("{DAV:}"))
    include = root.child("{DAV:}include") if kind is PropfindKind.ALL else None
    return PropfindRequest(
        kind,
        property_names(kinds[0]) if kind is PropfindKind.SOME else (),
        property_names(include) if include is not None else (),
    )


def parse_proppatch(body: bytes) -> tuple[PropChange, ...]:
    """The instructions of a PROPPATCH, in document order (RFC 4918 §9.2).

    Raises BadXml (also where nothing is to be changed), TooLarge for the body or for one property.
    """
    root = _rooted(body, "{DAV:}propertyupdate")
    changes: list[PropChange] = []
    for action in root.children:
        if action.name not in ("{DAV:}set", "{DAV:}remove"):
            continue
        for prop in action.children:
            if prop.name == "{DAV:}prop":
                changes.extend(_change(element, action.name == "{DAV:}set") for element in prop.children)
    if not changes:
        raise BadXml("a propertyupdate sets or removes at least one property")
    return tuple(changes)


def parse_lockinfo(body: bytes) -> LockRequest | None:
    """The body of a LOCK; None for an empty one, which refreshes a lock (RFC 4918 §9.10.2). Raises BadXml, TooLarge."""
    if not body.strip():
        return None
    root = _rooted(body, "{DAV:}lockinfo")
    scope, kind = root.child("{DAV:}lockscope"), root.child("{DAV:}locktype")
    scopes = [child.name for child in scope.children] if scope is not None else []
    if scopes not in (["{DAV:}exclusive"], ["{DAV:}shared"]):
        raise BadXml("the lockscope is exclusive or shared")
    if kind is None or kind.child("{DAV:}write") is None:
        raise BadXml("the locktype is write")
    owner = root.child("{DAV:}owner")
    written = owner.serialized() if owner is not None else ""
    _bounded("owner of a lock", written, MAX_OWNER_BYTES)
    return LockRequest(scopes == ["{DAV:}shared"], written)


def parse_report(body: bytes) -> FilterFiles:
    """The body of a REPORT: `oc:filter-files`, by `oc:favorite`. Raises UnsupportedReport, BadXml, TooLarge."""
    root = parse(body)
    if root.name != _FILTER_FILES:
        raise UnsupportedReport(root.name)
    prop, rules = root.child("{DAV:}prop"), root.child(_FILTER_RULES)
    if rules is None or any(rule.name != _FAVORITE for rule in rules.children):
        raise BadXml("filter-files is offered with the rule favorite alone")
    rule = rules.child(_FAVORITE)
    return FilterFiles(
        property_names(prop) if prop is not None else (), parse_flag(rule.text) if rule is not None else None
    )


def property_names(prop: Element) -> tuple[str, ...]:
    """The names of the properties listed in an element, each once, in the order of the first mention.

    Raises BadXml beyond MAX_NAMES.
    """
    names = _once(child.name for child in prop.children)
    if len(names) > MAX_NAMES:
        raise BadXml(f"it asks for more than {MAX_NAMES} properties")
    return names


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _rooted(body: bytes, name: str) -> Element:
    root = parse(body)
    if root.name != name:
        raise BadXml(f"its root is {root.name[:80]}, not {name}")
    return root


def _change(element: Element, is_set: bool) -> PropChange:
    if not is_set:
        return PropChange(element.name, None)
    value = element.serialized()
    _bounded("property", value, MAX_PROPERTY_BYTES)
    return PropChange(element.name, value, element.text)


def _bounded(what: str, value: str, limit: int) -> None:
    if len(value.encode()) > limit:
        raise TooLarge(limit, what)
