"""The listings that are kept: found by collection, form and spelling, told of changes, forgotten when memory is short.

Knows neither headers nor bodies of requests.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sumu_dav.archive.nodes import FileNode, FolderNode, Path
from sumu_dav.archive.versions import Change
from sumu_dav.dav.context import Context
from sumu_dav.dav.listing import Listing
from sumu_dav.dav.target import Target, encode
from sumu_dav.dav.volatile import locked_members, locks_of, tells_locks, tells_quota, with_quota
from sumu_dav.dav.writer import Form, Writer, href_below

MAX_BYTES = 96 << 20
"""The most memory of all listings together: two of the longest, or an album of 2,000 in some forty spellings and forms.
It is what a family's clients poll; beyond it the listing that was not asked for longest is written anew."""

_Key = tuple[Path, Form, str]


@dataclass(frozen=True, slots=True)
class Single:
    """One member's response: prepared, or else to be written of the node that lies there now (and kept)."""

    response: bytes | None
    write: Callable[[FileNode], bytes]


class Listings:
    """Answers PROPFIND from prepared bytes. Thread-safe; listens to the changes of the archive."""

    def __init__(self, context: Context, max_bytes: int = MAX_BYTES) -> None:
        self._context = context
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._by_key: OrderedDict[_Key, Listing] = OrderedDict()
        self._by_path: defaultdict[Path, dict[_Key, Listing]] = defaultdict(dict)
        self._sizes: dict[_Key, int] = {}
        self._total = 0
        context.archive.versions.listen(self._changed)

    @property
    def size(self) -> int:
        """The memory that all listings take, in bytes, nearly."""
        return self._total

    def collection(
        self, target: Target, node: FolderNode, form: Form, *, own: bool = True
    ) -> bytes | Iterator[bytes] | None:
        """The multistatus of a collection and its members (Depth: 1); without the collection's own response where `own`
        is false. None where a lock may show on every member."""
        context, path = self._context, node.path
        locked = locked_members(context, path) if tells_locks(form) else frozenset[str]()
        if locked is None:
            return None
        fresh = Writer(context, form)
        # The collection's own response holds its tag: written first, it is never newer than the members.
        first = fresh.one(node, target.href(folder=True)).encode() if own else b""
        instead: dict[str, bytes] = {}
        for name in locked:
            member = context.archive.lookup.member(path, name)
            if member is not None:
                instead[name] = fresh.one(member, href_below(target, path, member)).encode()
        key = (path, form, target.href(folder=True))
        listing = self._listing(key)
        body = listing.body(first, instead)
        self._weigh(key, listing)
        if not tells_quota(form):
            return body
        if isinstance(body, bytes):
            return with_quota(context, path.user, body)
        return (with_quota(context, path.user, block) for block in body)

    def single(self, target: Target, path: Path, form: Form) -> Single | None:
        """One file by itself (Depth: 0); None where nothing about it can be kept."""
        context = self._context
        if target.folder or path.is_home or not context.archive.versions.hears_others or tells_quota(form):
            return None
        base, slash, name = target.raw.rpartition("/")
        if name != encode(path.name) or (tells_locks(form) and locks_of(context, path.user)):
            return None
        key = (path.parent, form, base + slash)
        listing = self._listing(key)
        response, marked = listing.member(path.name)
        if response is not None:
            return Single(response, lambda _node: response)
        return Single(None, lambda node: self._keep(key, listing, node, marked))

    def _keep(self, key: _Key, listing: Listing, node: FileNode, marked: int) -> bytes:
        response = listing.keep(node, marked)
        self._weigh(key, listing)
        return response

    def _listing(self, key: _Key) -> Listing:
        with self._lock:
            listing = self._by_key.get(key)
            if listing is None:
                listing = self._by_key[key] = Listing(self._context, *key)
                self._by_path[key[0]][key] = listing
            self._by_key.move_to_end(key)
            return listing

    def _weigh(self, key: _Key, listing: Listing) -> None:
        """Take note of a listing's size, and forget others where all together are too large."""
        with self._lock:
            if self._by_key.get(key) is not listing:
                return
            size = listing.size
            self._total += size - self._sizes.get(key, 0)
            self._sizes[key] = size
            while self._total > self._max_bytes and len(self._by_key) > 1:
                self._forget(next(iter(self._by_key)))

    def _forget(self, key: _Key) -> None:
        del self._by_key[key]
        del self._by_path[key[0]][key]
        if not self._by_path[key[0]]:
            del self._by_path[key[0]]
        self._total -= self._sizes.pop(key, 0)

    def _changed(self, change: Change) -> None:
        with self._lock:
            if not self._by_path:
                return
            if change.below or change.user is None:
                for path, listings in self._by_path.items():
                    if change.user is None or Path(change.user, change.parts).holds(path):
                        _mark(listings, None)
            if change.user is None:
                return
            names = None if change.below else change.names
            for depth in range(len(change.parts), -1, -1):
                for inbox in (False, True) if not depth else (False,):
                    listings = self._by_path.get(Path(change.user, change.parts[:depth], inbox), {})
                    _mark(listings, names)
                # What changed in a collection shows above in the collection's own tag and size.
                names = frozenset(change.parts[depth - 1 : depth])


def _mark(listings: dict[_Key, Listing], names: frozenset[str] | None) -> None:
    for listing in listings.values():
        listing.mark(names)
