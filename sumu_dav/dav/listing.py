"""One collection's members as prepared bytes, kept singly, so that one change costs one member.

Told which names changed, it writes those anew. Where nobody tells what other programs do, it looks at every member
each time, and writes anew those that look different. Knows nothing of requests, nor how many listings are kept.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from itertools import chain

from sumu_dav.archive.halves import other_half
from sumu_dav.archive.nodes import FileNode, FolderNode, Node, Path
from sumu_dav.dav.context import Context
from sumu_dav.dav.multistatus import CLOSING, OPENING, in_blocks
from sumu_dav.dav.target import encode
from sumu_dav.dav.volatile import LASTING, tells_folder_sizes
from sumu_dav.dav.writer import Form, Writer
from sumu_dav.library import FolderStat

MAX_LISTING_BYTES = 48 << 20
"""The most memory of one listing: 20,000 members with all properties take 40 MB. A longer one is written anew each
time, and sent while it is written; only the first time is this much of it held before."""

MEMBER_BYTES = 600
"""What a member takes beside the bytes of its response: its name, what it was written from, places in two tables."""

EMPTY_BYTES = 3_000
"""What a listing takes before it has members, so that thousands of empty ones count as well."""

Token = tuple[object, ...]
"""What a member was written from: it has changed when this has."""


class Listing:
    """The members of one collection in one form, with the hrefs under one spelling (`base`, which ends in a slash).

    It is partial until the first `body`: then it holds the members that someone asked for one by one.
    """

    def __init__(self, context: Context, path: Path, form: Form, base: str) -> None:
        self.path = path
        self._context = context
        self._lookup = context.archive.lookup
        self._base = base
        self._writer = Writer(context, form, LASTING)
        self._shows_sizes = tells_folder_sizes(form)
        self._turn = threading.Lock()  # one thread at a time looks
        self._marks = threading.Lock()
        self._stale: set[str] = set()
        self._all_stale = False
        self._at_work: frozenset[str] | None = frozenset()  # taken off the marks, not written yet; None: all
        self._marked = 0
        self._is_complete = False
        self._was_too_long = False
        self._members: dict[str, bytes] = {}
        self._tokens: dict[str, Token | None] = {}
        self._folders: tuple[FolderStat | None, ...] = ()
        self._whole: tuple[bytes, bytes] | None = None
        self._member_bytes = 0

    @property
    def size(self) -> int:
        """The memory that it takes, in bytes, nearly."""
        whole = len(self._whole[1]) if self._whole is not None else 0
        return EMPTY_BYTES + whole + self._members_size()

    def _members_size(self) -> int:
        return self._member_bytes + MEMBER_BYTES * len(self._members)

    def _is_too_long(self) -> bool:
        """Whether the members, and all of them once more as one answer, take more than a listing may."""
        return self._members_size() + self._member_bytes > MAX_LISTING_BYTES

    def mark(self, names: Collection[str] | None) -> None:
        """These members may have changed; None: any of them."""
        with self._marks:
            self._marked += 1
            if names is None:
                self._all_stale = True
            else:
                self._stale.update(names)

    # One member

    def member(self, name: str) -> tuple[bytes | None, int]:
        """The response of one member, where it is prepared; and the number of marks, to be handed to `keep`."""
        with self._marks:
            doubtful = self._all_stale or name in self._stale or self._at_work is None or name in self._at_work
            return None if doubtful else self._members.get(name), self._marked

    def keep(self, node: FileNode, marked: int) -> bytes:
        """The response of a member that was looked up after there were `marked` marks; a partial listing keeps it."""
        response = self._write(node)
        with self._turn, self._marks:
            if not self._is_complete:
                self._drop_stale()
                if marked == self._marked and not self._is_too_long():
                    self._put(node.path.name, response, None)
        return response

    def _drop_stale(self) -> None:
        for name in list(self._members) if self._all_stale else self._stale:
            self._drop(name)
        self._stale, self._all_stale = set(), False

    # All members

    def body(self, first: bytes, instead: dict[str, bytes]) -> bytes | Iterator[bytes]:
        """The whole multistatus as of now: `first` is the collection's own response, `instead` are members that others
        stand for. An iterator where it is too long to be kept."""
        with self._turn:
            rest = self._look()
            if rest is not None:
                return in_blocks(chain((OPENING.encode(), first), rest, (CLOSING.encode(),)))
            if instead:
                members = (instead.get(name, response) for name, response in self._members.items())
                return b"".join((OPENING.encode(), first, *members, CLOSING.encode()))
            if self._whole is None or self._whole[0] != first:
                whole = b"".join((OPENING.encode(), first, *self._members.values(), CLOSING.encode()))
                self._whole = (first, whole)
            return self._whole[1]

    def _look(self) -> Iterator[bytes] | None:
        """Bring the members up to date; where they are too many to be kept, return all of them."""
        trusting = self._context.archive.versions.hears_others
        stale, everything = self._take_marks()
        done = False
        try:
            # Before the members: what changes after this is seen in the next one.
            folders = self._folder_stats()
            if everything or not trusting or not self._is_complete:
                rest = self._compare(stale)
            else:
                rest = None
                if folders != self._folders and not stale:
                    stale = self._came_or_went()
                for name in stale:
                    self._look_at(name)
            self._folders = folders
            self._is_complete = done = rest is None
            return rest
        finally:
            with self._marks:
                self._at_work = frozenset()
                self._all_stale = self._all_stale or not done

    def _take_marks(self) -> tuple[Collection[str], bool]:
        with self._marks:
            stale, everything = frozenset(self._stale), self._all_stale
            self._at_work = None if everything else stale
            self._stale, self._all_stale = set(), False
        return stale, everything

    def _folder_stats(self) -> tuple[FolderStat | None, ...]:
        return self._context.archive.folder_stats(self.path)

    def _came_or_went(self) -> Collection[str]:
        """Another program changed a folder: the names that are new, and those that are gone."""
        return self._lookup.member_names(self.path) ^ self._members.keys()

    def _look_at(self, name: str) -> None:
        node = self._lookup.member(self.path, name)
        if node is None:
            self._drop(name)
        else:
            self._put(name, self._write(node), self._token(node))

    def _compare(self, stale: Collection[str]) -> Iterator[bytes] | None:
        """Look at every member; write those anew that changed."""
        old, tokens = self._members, self._tokens
        self._clear()
        nodes = iter(self._lookup.walk(self.path))
        if self._was_too_long:
            return self._written_while_sent(nodes, 0)
        for node in nodes:
            name, token = node.path.name, self._token(node)
            kept = old.get(name) if token is not None and name not in stale and tokens.get(name) == token else None
            self._put(name, kept or self._write(node), token)
            if self._is_too_long():
                written, size = list(self._members.values()), self._members_size() + self._member_bytes
                self._clear()
                self._was_too_long = True
                return chain(written, self._written_while_sent(nodes, size))
        return None

    def _written_while_sent(self, nodes: Iterator[Node], size: int) -> Iterator[bytes]:
        """`size` is what was written before takes. One that has become shorter may be kept again."""
        for node in nodes:
            response = self._write(node)
            size += MEMBER_BYTES + 2 * len(response)
            yield response
        self._was_too_long = size > MAX_LISTING_BYTES

    def _clear(self) -> None:
        self._members, self._tokens, self._member_bytes, self._whole = {}, {}, 0, None

    def _put(self, name: str, response: bytes, token: Token | None) -> None:
        self._tokens[name] = token
        before = self._members.get(name)
        if before != response:
            self._members[name] = response
            self._member_bytes += len(response) - len(before or b"")
            self._whole = None

    def _drop(self, name: str) -> None:
        before = self._members.pop(name, None)
        if before is not None:
            del self._tokens[name]
            self._member_bytes -= len(before)
            self._whole = None

    def _write(self, node: Node) -> bytes:
        slash = "/" if isinstance(node, FolderNode) else ""
        return self._writer.one(node, f"{self._base}{encode(node.path.name)}{slash}").encode()

    def _token(self, node: Node) -> Token | None:
        """None where nothing tells whether it changed."""
        archive, path = self._context.archive, node.path
        if isinstance(node, FolderNode):
            if self._shows_sizes:
                return None
            version = archive.versions.of(path.user, path.parts)
            return (*archive.folder_stats(path), version, archive.properties.kept(path))
        if isinstance(node, FileNode) and node.is_photo and node.photo is not None:
            half = other_half(archive.catalog, node.photo) if node.photo.live_photo_id is not None else None
            half_id = half.doc_id if half is not None else None
            return (node.stat, node.binding, node.photo, self._lookup.hash_is_known(node), half_id)
        return (node.stat, node.binding, archive.properties.kept(path))
