"""Tells systemd how the server is doing, sd_notify(3): ready, still alive, stopping.

Speaks the protocol's datagrams by the standard library. Knows no server: whoever starts one says when it is ready, and
its loop says that it still turns, so that one that hangs gets no further datagram out and is started anew.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Mapping

_log = logging.getLogger("sumu_dav.server")

BEATS = 2
"""Signs of life in the time after which the watchdog bites; sd_watchdog_enabled(3) recommends half of it."""


class Supervisor:
    """The service manager that started this process, if one did: without one every call does nothing."""

    def __init__(
        self, address: str | None, watchdog: float | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`address` is a path, or a name that starts with "@"; `watchdog` is seconds, None where there is none."""
        self._address = "\0" + address[1:] if address is not None and address.startswith("@") else address
        self._every = None if watchdog is None else watchdog / BEATS
        self._clock = clock
        self._next_beat = 0.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Supervisor:
        """What systemd says of itself (NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID)."""
        microseconds = environment.get("WATCHDOG_USEC", "")
        meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        watchdog = int(microseconds) / 1e6 if microseconds.isdecimal() and meant else None
        return cls(environment.get("NOTIFY_SOCKET") or None, watchdog)

    def ready(self, url: str) -> None:
        """Connections are accepted at the URL."""
        self._send(f"READY=1\nSTATUS=Serving {url}")

    def stopping(self) -> None:
        """No more connections are accepted; the requests in hand are brought to an end."""
        self._send("STOPPING=1\nSTATUS=Finishing the requests in hand")

    def beat(self) -> None:
        """The accepting loop still turns. To be called in it, as often as it likes."""
        if self._every is None or (now := self._clock()) < self._next_beat:
            return
        self._next_beat = now + self._every
        self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.sendto(message.encode(), self._address)
        except OSError as error:
            # Serving goes on: a manager that hears nothing decides by itself what to make of it.
            _log.warning("the service manager at NOTIFY_SOCKET can't be told %r: %s", message, error)
