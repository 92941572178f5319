"""When and from where each device password was last used.

Kept apart from the accounts, so that a login never rewrites those, and lazily: losing a minute of it harms nobody.
Knows devices by the public first group of their passwords alone.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sumu_dav.auth import statefile
from sumu_dav.errors import NoSpace

INTERVAL = 60.0
"""Seconds between two records of one device: fine enough to tell a lost phone, coarse enough to cost nothing."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Use:
    """The last use of a device: when (UTC) and from which client address."""

    time: datetime
    address: str


class DeviceUsage:
    """The file of last uses. `clock` gives seconds since the epoch."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._due: dict[str, float] = {}
        self._lock = threading.Lock()

    def note(self, selector: str, address: str, known: Callable[[], frozenset[str]]) -> None:
        """Record a use, at most once every `INTERVAL`. Selectors that are not `known()` any more are dropped.

        Never raises for the disk: a login does not depend on this record.
        """
        now = self._clock()
        if now < self._due.get(selector, 0.0):
            return
        with self._lock:
            if now < self._due.get(selector, 0.0):
                return
            self._due[selector] = now + INTERVAL
            try:
                self._record(selector, Use(datetime.fromtimestamp(now, UTC), address), known())
            except (OSError, NoSpace) as error:
                _log.warning("the last use of a device could not be recorded: %s", error)

    def all(self) -> Mapping[str, Use]:
        """The last use of every device that was ever used, by selector. Damage reads as no record."""
        found = statefile.read(self._path)
        if found is None:
            return {}
        try:
            return {
                selector: Use(datetime.fromisoformat(entry["time"]), str(entry["address"]))
                for selector, entry in json.loads(found[0]).items()
            }
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            _log.warning("%s can't be read (%s); it is begun anew at the next use of a device", self._path, error)
            return {}

    def _record(self, selector: str, use: Use, known: frozenset[str]) -> None:
        with statefile.exclusive(self._path):
            uses = {**self.all(), selector: use}
            document = {
                name: {"time": use.time.isoformat(timespec="seconds"), "address": use.address}
                for name, use in sorted(uses.items())
                if name in known
            }
            content = json.dumps(document, indent=2).encode() + b"\n"
            statefile.replace(self._path, content, durable=False)
        for gone in self._due.keys() - known:
            del self._due[gone]
