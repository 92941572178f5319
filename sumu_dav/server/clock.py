"""The time of day as HTTP and the log write it, formatted once a second instead of once a request."""

from __future__ import annotations

import time
from email.utils import formatdate


class Clock:
    """The current second in both notations. Threads may race in `_turn`: they write the same values."""

    __slots__ = ("_second", "_texts")

    def __init__(self) -> None:
        self._second = -1
        self._texts = ("", "")

    def http_date(self) -> str:
        """IMF-fixdate (RFC 9110 §5.6.7), e.g. `Sun, 06 Nov 1994 08:49:37 GMT`."""
        return self._turn()[0]

    def log_time(self) -> str:
        """ISO 8601 in local time with its offset, e.g. `1994-11-06T09:49:37+0100`."""
        return self._turn()[1]

    def _turn(self) -> tuple[str, str]:
        second = int(time.time())
        texts = self._texts
        if second != self._second:
            local = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(second))
            self._texts = texts = (formatdate(second, usegmt=True), local)
            self._second = second
        return texts
