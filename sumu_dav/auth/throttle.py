"""The brake on guessing: counts wrong passwords and says who has to wait, and how long.

Knows nothing of passwords or accounts beyond two names to count by, and never sleeps: a thread that sleeps on an
attacker's behalf is a thread that the family lacks.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from sumu_dav.errors import TooManyAttempts


@dataclass(frozen=True, slots=True)
class Brake:
    """So many wrong guesses are free, then each doubles the wait, from `first_wait` up to `longest_wait` seconds."""

    free: int
    first_wait: float
    longest_wait: float

    def wait(self, failures: int) -> float:
        """Seconds until the next guess is heard, after that many wrong ones."""
        beyond = failures - self.free
        # 2**20 s is beyond any longest wait; a bound keeps the power from overflowing a float
        return 0.0 if beyond <= 0 else min(self.longest_wait, self.first_wait * 2 ** min(beyond - 1, 20))


PER_ACCOUNT = Brake(free=10, first_wait=1.0, longest_wait=900.0)
"""One account from one address. Ten: a mount dialogue tries a mistyped password several times on its own."""

PER_ADDRESS = Brake(free=100, first_wait=1.0, longest_wait=300.0)
"""All accounts from one address: ten people behind one router may each use up their own ten first."""

FORGET_AFTER = 3600.0
"""Seconds without a wrong guess after which the past ones are forgotten."""

REPEAT_WAIT = 30.0
"""Seconds that a client is told to wait which sends a password again that was wrong already."""

TABLE_LIMIT = 10_000
"""Counters kept of each kind (about 2 MB in all); beyond it the one that was quiet longest goes."""


@dataclass(slots=True)
class _Counter:
    failures: int = 0
    blocked_until: float = 0.0
    last: float = 0.0


class _Counters:
    """Counters of one kind under one brake, the quietest first."""

    def __init__(self, brake: Brake) -> None:
        self.brake = brake
        self._table: OrderedDict[tuple[str, ...], _Counter] = OrderedDict()

    def __len__(self) -> int:
        return len(self._table)

    def refuse_blocked(self, key: tuple[str, ...], now: float) -> None:
        counter = self._table.get(key)
        if counter is not None and now < counter.blocked_until:
            raise TooManyAttempts(math.ceil(counter.blocked_until - now))

    def failures(self, key: tuple[str, ...], now: float) -> int:
        counter = self._table.get(key)
        return 0 if counter is None or now - counter.last > FORGET_AFTER else counter.failures

    def count(self, key: tuple[str, ...], now: float) -> None:
        failures = self.failures(key, now) + 1
        self._table[key] = _Counter(failures, now + self.brake.wait(failures), now)
        self._table.move_to_end(key)
        while len(self._table) > TABLE_LIMIT:
            self._table.popitem(last=False)

    def uncount(self, key: tuple[str, ...]) -> None:
        counter = self._table.get(key)
        if counter is None:
            return
        counter.failures -= 1
        if counter.failures <= self.brake.free:
            counter.blocked_until = 0.0
        if counter.failures <= 0:
            del self._table[key]

    def forget(self, key: tuple[str, ...]) -> None:
        self._table.pop(key, None)


class Throttle:
    """Counts guesses per account and address, and per address. `clock` gives monotonic seconds.

    A guess is counted before it is verified and taken back when it was right: a hundred guesses sent at once must
    not all pass while none of them has failed yet.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._accounts = _Counters(PER_ACCOUNT)
        self._addresses = _Counters(PER_ADDRESS)

    def reserve(self, account: str, address: str) -> None:
        """Count a guess that is about to be verified. Raises TooManyAttempts; such an attempt is not counted."""
        now = self._clock()
        with self._lock:
            self._accounts.refuse_blocked((account, address), now)
            self._addresses.refuse_blocked((address,), now)
            self._accounts.count((account, address), now)
            self._addresses.count((address,), now)

    def succeeded(self, account: str, address: str) -> None:
        """The reserved guess was right: the account starts afresh here. The address does not, or whoever has one
        account could guess at the others for ever."""
        with self._lock:
            self._accounts.forget((account, address))
            self._addresses.uncount((address,))

    def repeated(self, account: str, address: str) -> None:
        """Count a password that is known to be wrong, up to the free ones; then raises TooManyAttempts.

        It never lengthens the wait: an old phone that goes on with the old password guesses nothing new, and must not
        keep its owner's next phone from logging in.
        """
        now = self._clock()
        with self._lock:
            self._accounts.refuse_blocked((account, address), now)
            if self._accounts.failures((account, address), now) >= PER_ACCOUNT.free:
                raise TooManyAttempts(math.ceil(REPEAT_WAIT))
            self._accounts.count((account, address), now)

    def size(self) -> int:
        """How many counters there are."""
        with self._lock:
            return len(self._accounts) + len(self._addresses)
