"""The body of SEARCH: `DAV:basicsearch` (RFC 5323 §5), as far as Nextcloud's apps use it, read into a small expression.

Must not know what a property's value is: `matches` is given the values, as text. Strings compare without regard to
case, times and numbers by value; a resource without the property matches no comparison (RFC 5323 §5.5.3: unknown).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sumu_dav.dav.bodies import property_names
from sumu_dav.dav.faults import BadXml, UnsupportedReport
from sumu_dav.dav.headers import Depth, parse_flag, parse_http_date
from sumu_dav.dav.xml import Element, parse

MAX_LITERAL = 1_024
"""The longest literal that is compared, in characters: four times a name."""

MAX_TERMS = 100
"""Conditions of one search; apps send two or three. Each is held against every resource in the scope."""

_FILE_ID = "{http://owncloud.org/ns}fileid"

_PIECES = re.compile(r"\\.|.", re.DOTALL)
_COMPARISONS = ("eq", "lt", "lte", "gt", "gte", "like")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One property (Clark name) held against a literal; `operator` is eq, lt, lte, gt, gte or like."""

    operator: str
    name: str
    literal: str

    def matches(self, value: Callable[[str], str | None]) -> bool:
        """Whether it holds of the resource whose properties `value` tells (None for one that it has not)."""
        found = value(self.name)
        if found is None:
            return False
        if self.operator == "like":
            return _like(self.literal.casefold(), found.casefold())
        order = order_of(found, self.literal)
        return {"eq": order == 0, "lt": order < 0, "lte": order <= 0, "gt": order > 0, "gte": order >= 0}[self.operator]


@dataclass(frozen=True, slots=True)
class Group:
    """Terms of which all must hold (`and`), any (`or`), or none (`not`)."""

    operator: str
    terms: tuple[Term, ...]

    def matches(self, value: Callable[[str], str | None]) -> bool:
        """See Comparison."""
        held = (term.matches(value) for term in self.terms)
        if self.operator == "and":
            return all(held)
        return any(held) is (self.operator == "or")


@dataclass(frozen=True, slots=True)
class IsCollection:
    """Whether the resource is a collection (RFC 5323 §5.14)."""

    def matches(self, value: Callable[[str], str | None]) -> bool:
        """See Comparison; the value of DAV:resourcetype is `collection` or empty."""
        return value("{DAV:}resourcetype") == "collection"


Term = Comparison | Group | IsCollection


@dataclass(frozen=True, slots=True)
class Order:
    """One key to sort by (RFC 5323 §5.6)."""

    name: str
    descending: bool


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search: properties wanted, the URL to search below (unparsed), how deep, what must hold, order and limit."""

    names: tuple[str, ...]
    scope: str
    depth: Depth
    where: Term | None
    order: tuple[Order, ...] = ()
    limit: int | None = None


def parse_search(body: bytes) -> SearchRequest:
    """The body of a SEARCH. Raises UnsupportedReport for another grammar or operator, BadXml, TooLarge."""
    root = parse(body)
    if root.name != "{DAV:}searchrequest":
        raise BadXml(f"its root is {root.name[:80]}, not {{DAV:}}searchrequest")
    search = root.child("{DAV:}basicsearch")
    if search is None:
        raise UnsupportedReport(root.children[0].name if root.children else root.name)
    selected = _wanted(search, "select").child("{DAV:}prop")
    scope = _wanted(_wanted(search, "from"), "scope")
    depth = scope.child("{DAV:}depth")
    where = search.child("{DAV:}where")
    terms = where.children if where is not None else []
    if len(terms) > 1:
        raise BadXml("where holds one condition; and, or join several")
    condition = _term(terms[0]) if terms else None
    if condition is not None and _count(condition) > MAX_TERMS:
        raise BadXml(f"where holds more than {MAX_TERMS} conditions")
    return SearchRequest(
        property_names(selected) if selected is not None else (),
        _wanted(scope, "href").text.strip(),
        _depth(depth.text if depth is not None else "infinity"),
        condition,
        _order(search.child("{DAV:}orderby")),
        _limit(search.child("{DAV:}limit")),
    )


def _term(element: Element) -> Term:
    operator = element.name.removeprefix("{DAV:}")
    if operator in ("and", "or", "not"):
        terms = tuple(_term(child) for child in element.children)
        if not terms or (operator == "not" and len(terms) > 1):
            raise BadXml(f"{operator} has {len(terms)} terms")
        return Group(operator, terms)
    if operator == "is-collection":
        return IsCollection()
    if operator not in _COMPARISONS:
        raise UnsupportedReport(element.name)
    names = property_names(_wanted(element, "prop"))
    if len(names) != 1:
        raise BadXml(f"{operator} compares one property")
    literal = _wanted(element, "literal").text.strip()
    if len(literal) > MAX_LITERAL:
        raise BadXml(f"a literal has at most {MAX_LITERAL} characters")
    if names[0] == _FILE_ID and (number := re.match("[0-9]+", literal, re.ASCII)):
        literal = number[0]  # programs write the whole id (00000195oc…), and mean its number
    return Comparison(operator, names[0], literal)


def _count(term: Term) -> int:
    return 1 + sum(map(_count, term.terms)) if isinstance(term, Group) else 1


def _wanted(element: Element, local: str) -> Element:
    child = element.child(f"{{DAV:}}{local}")
    if child is None:
        raise BadXml(f"{element.name[:80]} has no {local}")
    return child


def _depth(text: str) -> Depth:
    try:
        return Depth(text.strip().lower())
    except ValueError:
        raise BadXml("the depth of a scope is 0, 1 or infinity") from None


def _order(element: Element | None) -> tuple[Order, ...]:
    keys: list[Order] = []
    for key in element.children if element is not None else ():
        names = property_names(_wanted(key, "prop"))
        if len(names) != 1:
            raise BadXml("a key of orderby is one property")
        keys.append(Order(names[0], key.child("{DAV:}descending") is not None))
    return tuple(keys)


def _limit(element: Element | None) -> int | None:
    if element is None:
        return None
    text = _wanted(element, "nresults").text.strip()
    if not re.fullmatch("[0-9]{1,9}", text, re.ASCII):
        raise BadXml("nresults is a number")
    return int(text)


def order_of(found: str, literal: str) -> int:
    """-1, 0 or 1 as `found` stands to `literal`: times or numbers where both are, flags where both are, else text."""
    left, right = _number(found), _number(literal)
    if left is not None and right is not None:
        return (left > right) - (left < right)
    flag, wanted = parse_flag(found), parse_flag(literal)
    if flag is not None and wanted is not None:
        return flag - wanted
    first, second = found.casefold(), literal.casefold()
    return (first > second) - (first < second)


def _number(text: str) -> float | None:
    """A number, or seconds since the epoch from an HTTP date or ISO 8601 with an offset."""
    if re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,9})?", text, re.ASCII):
        return float(text)
    date = parse_http_date(text)
    if date is not None:
        return date
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo is not None else None


def _like(pattern: str, text: str) -> bool:
    r"""RFC 5323 §5.13: `%` is any run of characters, `_` any one, a backslash takes the next as it is.

    Goes back to the last `%` alone: a regular expression would try all of them, in a time that a stranger chooses.
    """
    pieces = _PIECES.findall(pattern)
    at = mark = 0
    last_run: int | None = None
    place = 0
    while place < len(text):
        piece = pieces[at] if at < len(pieces) else None
        if piece == "%":
            last_run, mark, at = at, place, at + 1
        elif piece is not None and (piece == "_" or piece[-1] == text[place]):
            at, place = at + 1, place + 1
        elif last_run is not None:
            mark += 1
            at, place = last_run + 1, mark
        else:
            return False
    return all(piece == "%" for piece in pieces[at:])
