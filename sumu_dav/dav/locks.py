"""The lock table: who holds which write lock where, and what that forbids (RFC 4918 §6, §7, §9.10, §9.11).

Must not know resources, requests or files. A lock belongs to the URL that took it: its key is the path of that URL in
the whole name space (`Target.path`). Looking up costs what lies on the path and below it, never all locks.

Exclusive locks can cover one resource together in one case: their holder took one further up with the token of the one
below. Either token then opens the resource; so does any one of the tokens of shared locks.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import uuid4

from sumu_dav.dav.faults import LockConflict, Locked, LocksBelow, LockTokenMismatch, PreconditionFailed, TooManyLocks
from sumu_dav.errors import Forbidden

MAX_LOCKS_OF_ONE = 1_000
"""The most locks of one principal: a desktop holds a few, and each is a record that is kept over a restart."""

MAX_ROOTS_TOLD = 10
"""How many lock roots an error names, of a tree in which there may be very many."""

LockPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lock:
    """One write lock. `expires` is seconds since the epoch, `timeout` the seconds that were granted.

    `href` is the URL as its taker wrote it, `owner` his DAV:owner element or "", `infinite` the depth (else 0).
    """

    id: int
    token: str
    path: LockPath
    href: str
    principal: str
    shared: bool
    infinite: bool
    owner: str
    timeout: int
    expires: float

    def covers(self, path: LockPath) -> bool:
        """Whether the lock protects what is at `path`."""
        return self.path == path or (self.infinite and path[: len(self.path)] == self.path)


class LockStore(Protocol):
    """Where locks outlive the process. Each verb returns when it is done durably, and raises what the disk raises."""

    def new_id(self) -> int:
        """A positive number that no lock ever had."""

    def put(self, lock: Lock) -> None:
        """Keep the lock, in place of the one with its id."""

    def drop(self, ids: Collection[int]) -> None:
        """Forget these locks; those that are not there are no error."""

    def load(self) -> Iterable[Lock]:
        """All that is kept, in any order."""


class LockTable:
    """All locks, thread-safe. Expired ones count for nothing from that second on; they are collected by later changes.

    `clock` gives seconds since the epoch; `limit` is how many locks one principal may hold.
    """

    def __init__(
        self, store: LockStore, *, clock: Callable[[], float] = time.time, limit: int = MAX_LOCKS_OF_ONE
    ) -> None:
        self._store = store
        self._clock = clock
        self._limit = limit
        # Changes wait for the disk one after the other; lookups only ever wait for the indexes.
        self._changing = threading.Lock()
        self._indexes = threading.Lock()
        self._by_token: dict[str, Lock] = {}
        self._at: dict[LockPath, dict[str, Lock]] = {}
        self._under: dict[LockPath, set[str]] = {}
        self._held: dict[str, int] = {}
        self._expiries: list[tuple[float, str]] = []
        for lock in store.load():
            self._insert(lock)

    def acquire(
        self,
        path: LockPath,
        href: str,
        principal: str,
        *,
        shared: bool,
        infinite: bool,
        owner: str = "",
        timeout: int,
        tokens: Collection[str] = (),
    ) -> Lock:
        """Take a lock for `timeout` seconds (§9.10). `tokens` are those submitted: own locks below don't conflict then.

        Raises LockConflict for locks on the path and above, else LocksBelow for those below, TooManyLocks, and what the
        store raises; nothing is locked then.
        """
        with self._changing:
            self._collect()
            with self._indexes:
                conflicting = [
                    lock
                    for lock in self._in_the_way(path, infinite)
                    if not (lock.shared and shared)
                    and not (len(lock.path) > len(path) and self._opens(lock, tokens, principal))
                ]
                held = self._held.get(principal, 0)
            if conflicting:
                raise _conflict(path, conflicting)
            if held >= self._limit:
                raise TooManyLocks(principal, self._limit)
            lock = Lock(
                id=self._store.new_id(),
                token=f"opaquelocktoken:{uuid4()}",
                path=path,
                href=href,
                principal=principal,
                shared=shared,
                infinite=infinite,
                owner=owner,
                timeout=timeout,
                expires=self._clock() + timeout,
            )
            self._store.put(lock)
            with self._indexes:
                self._insert(lock)
            return lock

    def refresh(self, tokens: Collection[str], path: LockPath, principal: str, timeout: int) -> Lock:
        """Begin the time of the caller's lock on `path` anew (§9.10.2); `tokens` are those of the If header.

        Raises PreconditionFailed where none of them is such a lock.
        """
        with self._changing:
            lock = next((each for each in self.covering(path) if self._opens(each, tokens, principal)), None)
            if lock is None:
                raise PreconditionFailed("If")
            renewed = replace(lock, timeout=timeout, expires=self._clock() + timeout)
            self._store.put(renewed)
            with self._indexes:
                self._insert(renewed)
            return renewed

    def release(self, token: str, path: LockPath, principal: str, shown: str = "") -> None:
        """Give a lock back (§9.11). `shown` is the path for error messages.

        Raises LockTokenMismatch where the token is of no lock that covers `path`, Forbidden where it is another's.
        """
        with self._changing:
            lock = next((each for each in self.covering(path) if each.token == token), None)
            if lock is None:
                raise LockTokenMismatch(shown or "/".join(("", *path)))
            if lock.principal != principal:
                raise Forbidden(lock.href, "the lock is another's")
            self._forget([lock])

    def drop(self, token: str) -> bool:
        """Break a lock, whoever holds it (an administrator's verb). False where there is none of that token."""
        with self._changing:
            lock = self._by_token.get(token)
            if lock is not None:
                self._forget([lock])
            return lock is not None

    def forget_below(self, path: LockPath) -> None:
        """Drop the locks whose root is at or below `path`: their resources are gone (§7.6, §9.6.1, §9.9.4)."""
        with self._indexes:
            if path not in self._at and path not in self._under:
                return
        with self._changing:
            with self._indexes:
                gone = [*self._at.get(path, {}).values(), *self._rooted_below(path)]
            self._forget(gone)

    def covering(self, path: LockPath) -> tuple[Lock, ...]:
        """The locks that protect what is at `path`: those on it, and the infinite ones above."""
        with self._indexes:
            return self._covering(path) if self._by_token else ()

    def below(self, path: LockPath) -> tuple[Lock, ...]:
        """The locks whose root lies below `path`, in no order."""
        now = self._clock()
        with self._indexes:
            return tuple(lock for lock in self._rooted_below(path) if lock.expires > now)

    @property
    def has_any(self) -> bool:
        """Whether there is a lock at all; nearly always there is none."""
        return bool(self._by_token)

    def all(self) -> tuple[Lock, ...]:
        """Every lock that holds."""
        now = self._clock()
        with self._indexes:
            return tuple(lock for lock in self._by_token.values() if lock.expires > now)

    def tokens(self, path: LockPath) -> frozenset[str]:
        """The tokens of the locks that protect `path`: what a condition of an If header is held against."""
        return frozenset(lock.token for lock in self.covering(path))

    def seconds_left(self, lock: Lock) -> int:
        """What is left of the lock's time, for DAV:timeout: whole seconds, 0 once it has run out."""
        return max(0, int(lock.expires - self._clock()))

    def check_write(self, path: LockPath, tokens: Collection[str], principal: str) -> None:
        """Raise Locked unless the caller may change what is at `path` (§7).

        A token counts only when its own holder submits it (§6.4). Where members come or go (§7.4), the collection that
        they come to or go from is asked about by a call of its own.
        """
        with self._indexes:
            if not self._by_token:
                return
            closed = self._closed(path, tokens, principal)
        if closed:
            raise Locked(_roots(closed))

    def closed_below(self, path: LockPath, tokens: Collection[str], principal: str) -> dict[LockPath, Locked]:
        """What below `path` the caller may not change, and what would be raised for it: the roots of locks there."""
        with self._indexes:
            now = self._clock()
            roots = {lock.path for lock in self._rooted_below(path) if lock.expires > now}
            closed = {root: self._closed(root, tokens, principal) for root in sorted(roots)}
        return {root: Locked(_roots(locks)) for root, locks in closed.items() if locks}

    def _closed(self, path: LockPath, tokens: Collection[str], principal: str) -> list[Lock]:
        """The locks on `path`, unless one of them opens to the caller."""
        covering = self._covering(path)
        return [] if any(self._opens(lock, tokens, principal) for lock in covering) else list(covering)

    @staticmethod
    def _opens(lock: Lock, tokens: Collection[str], principal: str) -> bool:
        return lock.principal == principal and lock.token in tokens

    def _covering(self, path: LockPath) -> tuple[Lock, ...]:
        now = self._clock()
        return tuple(
            lock
            for length in range(len(path), -1, -1)
            for lock in self._at.get(path[:length], {}).values()
            if (length == len(path) or lock.infinite) and lock.expires > now
        )

    def _rooted_below(self, path: LockPath) -> Iterator[Lock]:
        return (self._by_token[token] for token in self._under.get(path, ()))

    def _in_the_way(self, path: LockPath, infinite: bool) -> Iterator[Lock]:
        yield from self._covering(path)
        if infinite:
            now = self._clock()
            yield from (lock for lock in self._rooted_below(path) if lock.expires > now)

    def _insert(self, lock: Lock) -> None:
        if lock.token not in self._by_token:
            self._held[lock.principal] = self._held.get(lock.principal, 0) + 1
        self._by_token[lock.token] = lock
        self._at.setdefault(lock.path, {})[lock.token] = lock
        for length in range(len(lock.path)):
            self._under.setdefault(lock.path[:length], set()).add(lock.token)
        heapq.heappush(self._expiries, (lock.expires, lock.token))

    def _remove(self, lock: Lock) -> None:
        del self._by_token[lock.token]
        self._held[lock.principal] -= 1
        if not self._held[lock.principal]:
            del self._held[lock.principal]
        del self._at[lock.path][lock.token]
        if not self._at[lock.path]:
            del self._at[lock.path]
        for length in range(len(lock.path)):
            tokens = self._under[lock.path[:length]]
            tokens.discard(lock.token)
            if not tokens:
                del self._under[lock.path[:length]]

    def _forget(self, locks: Collection[Lock]) -> None:
        if locks:
            self._store.drop([lock.id for lock in locks])
            with self._indexes:
                for lock in locks:
                    self._remove(lock)

    def _collect(self) -> None:
        """Forget what has run out. The heap holds an entry for every refresh; only a lock's last one counts.

        Here memory goes first: what stays in the store by a failure has run out, and is collected after the next start.
        """
        now = self._clock()
        gone: list[Lock] = []
        with self._indexes:
            while self._expiries and self._expiries[0][0] <= now:
                lock = self._by_token.get(heapq.heappop(self._expiries)[1])
                if lock is not None and lock.expires <= now:
                    gone.append(lock)
                    self._remove(lock)
            if len(self._expiries) > 2 * len(self._by_token) + self._limit:
                self._expiries = [(lock.expires, lock.token) for lock in self._by_token.values()]
                heapq.heapify(self._expiries)
        if gone:
            self._store.drop([lock.id for lock in gone])


def _conflict(path: LockPath, locks: Collection[Lock]) -> LockConflict | LocksBelow:
    above = [lock for lock in locks if len(lock.path) <= len(path)]
    if above:
        return LockConflict(_roots(above))
    below: dict[LockPath, list[Lock]] = {}
    for lock in sorted(locks, key=lambda lock: lock.path):
        below.setdefault(lock.path, []).append(lock)
    return LocksBelow({root: LockConflict(_roots(held)) for root, held in below.items()})


def _roots(locks: Iterable[Lock]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(lock.href for lock in locks))[:MAX_ROOTS_TOLD]
