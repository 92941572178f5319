"""The audit log: who did what to which path from where, and what became of it. One JSON object a line.

Knows nothing of requests: it is told what to write down, and passwords are not among what it can be told.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path

MAX_BYTES = 10_000_000
"""Where a file of the log ends and the next begins: some 40,000 lines, which an editor still opens."""

KEPT_FILES = 5
"""Older files beside the current one (`audit.log.1` is the youngest); 60 MB in all."""

MAX_TEXT = 1_024
"""Characters of a text that came from a client: a longer one is cut, or a few thousand requests with heads as large as
they may be would push everything else out of the log."""

_log = logging.getLogger(__name__)

_encode = json.JSONEncoder(ensure_ascii=True).encode


class AuditLog:
    """Appends to the file at `path` (0600). `clock` gives seconds since the epoch. Safe for several threads."""

    def __init__(
        self,
        path: Path,
        max_bytes: int = MAX_BYTES,
        kept_files: int = KEPT_FILES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._file = _PrivateRotatingFile(path, maxBytes=max_bytes, backupCount=kept_files, encoding="ascii")

    def record(
        self,
        *,
        user: str | None,
        device: str | None,
        address: str,
        verb: str,
        path: str,
        destination: str | None,
        status: int,
    ) -> None:
        """Write one line. `user` and `device` are None where nobody was logged in, `destination` where there is none.

        Never raises for the disk: the request has happened by now, and an answer that calls it failed would be wrong.
        """
        entry = {
            "time": datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds"),
            "user": _cut(user),
            "device": device,
            "address": address,
            "verb": _cut(verb),
            "path": _cut(path),
            "destination": _cut(destination),
            "status": status,
        }
        # ASCII alone: control characters, line separators, bidirectional overrides and lone surrogates are all escaped
        self._file.append(_encode(entry) + "\n")

    def close(self) -> None:
        """Close the file. Nothing may be recorded after it."""
        self._file.close()


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"


class _PrivateRotatingFile(logging.handlers.RotatingFileHandler):
    """The standard library's rotation, of files that their owner alone can read, and whose size is counted: nobody else
    writes there, so the disk need not be asked before every line.

    Lines come by `append`: making a `LogRecord` of each took longer than writing it.
    """

    _size = 0

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.baseFilename, flags, 0o600)
        self._size = os.fstat(descriptor).st_size
        return open(descriptor, "a", encoding=self.encoding)

    def append(self, line: str) -> None:
        """Write a line (ASCII, with its end) at once, into the next file where this one is full."""
        self.acquire()
        try:
            if self._size + len(line) > self.maxBytes > 0:
                self.doRollover()
            if self.stream is None:  # the last rollover failed halfway
                self.stream = self._open()
            self.stream.write(line)
            self.stream.flush()
            self._size += len(line)
        except OSError as error:
            _log.error("a line of the audit log is lost: %s", error)
        finally:
            self.release()
