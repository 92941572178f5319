"""What a user holds, in bytes, and what the quota leaves."""

from __future__ import annotations

from collections.abc import Callable


class Usage:
    """Counts bytes a user."""

    def reserve(self, user: str, announced: int) -> None:
        """Raise QuotaExceeded where so many bytes more may not come."""

    def meter(self, user: str, announced: int | None) -> Callable[[int], None]:
        """Called with the size of each block that came."""
        return lambda size: None

    def used(self, user: str) -> int:
        """Bytes that the user holds."""
        return 0

    def available(self, user: str) -> int:
        """Bytes that may come."""
        return 1 << 40
