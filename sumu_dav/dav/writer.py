"""Writes the DAV:response of one resource, in the form in which a request wants it.

Knows resources and properties, no request: what is written here may be kept and given to another caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sumu_dav.archive.nodes import FolderNode, Node, Path
from sumu_dav.dav.bodies import PropfindKind, PropfindRequest
from sumu_dav.dav.context import Context
from sumu_dav.dav.live import LIVE, NOT_IN_ALLPROP, Reader, View, everything, names_of, some
from sumu_dav.dav.multistatus import element, response
from sumu_dav.dav.target import Target, encode


@dataclass(frozen=True, slots=True)
class Form:
    """What a response depends on beside the resource and its href: the properties wanted, whether those that are not
    there are passed over (RFC 8144 `return=minimal`), and whether the caller may write."""

    asked: PropfindRequest
    writable: bool
    minimal: bool = False


class Writer:
    """Writes responses in one form. `readers` are the live properties."""

    def __init__(self, context: Context, form: Form, readers: Mapping[str, Reader] = LIVE) -> None:
        self._context = context
        self._form = form
        self._readers = readers

    def write(self, target: Target, base: Path, nodes: Iterable[Node]) -> Iterator[str]:
        """One DAV:response a node; `base` is the path of `target`, under whose spelling the hrefs come out."""
        for node in nodes:
            yield self.one(node, href_below(target, base, node))

    def one(self, node: Node, href: str) -> str:
        """The DAV:response of one resource."""
        view = View(self._context, node, self._form.writable)
        asked = self._form.asked
        if asked.kind is PropfindKind.NAMES:
            return response(href, "".join(element(name) for name in names_of(view, self._readers)))
        if asked.kind is PropfindKind.ALL:
            included, _ = some(view, (name for name in asked.include if name in NOT_IN_ALLPROP), self._readers)
            return response(href, everything(view, self._readers) + included)
        found, missing = some(view, asked.names, self._readers)
        return response(href, found, () if self._form.minimal else missing)


def written_of(href: str, known: Mapping[str, str], asked: PropfindRequest) -> str:
    """The DAV:response of what is no user's resource: `known` is all that it has, Clark name to XML."""
    if asked.kind is PropfindKind.NAMES:
        return response(href, "".join(element(name) for name in known))
    if asked.kind is PropfindKind.ALL:
        names = (*(name for name in known if name not in NOT_IN_ALLPROP), *asked.include)
        return response(href, "".join(known[name] for name in dict.fromkeys(names) if name in known))
    found = "".join(known[name] for name in asked.names if name in known)
    return response(href, found, [name for name in asked.names if name not in known])


def href_below(target: Target, base: Path, node: Node) -> str:
    """The href of a resource at or below the one that was asked for, spelt as it was asked."""
    folder = isinstance(node, FolderNode)
    rest = node.path.parts[len(base.parts) :]
    if not rest:
        return target.href(folder=folder)
    return target.href(folder=True) + "/".join(encode(part) for part in rest) + ("/" if folder else "")
