"""How long a slow client may keep the server waiting.

Knows no socket and no clock: it is told how long was waited and how much came of it.
"""

from __future__ import annotations


class Patience:
    """A leaky bucket of seconds: waiting empties it, bytes fill it again at the minimum rate, up to the grace.

    A client above the rate never runs dry however long it takes; one that stops gets `grace` seconds, and one that
    drips below the rate gets a little more. The cap keeps fast bytes at the start from buying an endless stall.
    """

    __slots__ = ("grace", "left", "rate")

    def __init__(self, grace: float, rate: float) -> None:
        """`grace` in seconds, `rate` in bytes a second."""
        self.grace = grace
        self.rate = rate
        self.left = grace

    def renew(self) -> None:
        """Another request begins."""
        self.left = self.grace

    def worth(self, size: int) -> float:
        """The seconds that `size` bytes earn."""
        return min(self.grace, size / self.rate)

    def earn(self, size: int) -> None:
        """`size` bytes have passed."""
        self.left = min(self.grace, self.left + size / self.rate)

    def spend(self, seconds: float) -> None:
        """The client let the server wait for `seconds`."""
        self.left -= seconds

    @property
    def exhausted(self) -> bool:
        """Whether the client has had its time."""
        return self.left <= 0
