"""The control socket: commands that must write ask the running server, which alone may write, to do it for them.

A Unix socket beside the state, for its owner alone. A connection carries one request, a line of JSON
`{"do": name, "arguments": {…}}`, and gets lines back: any number of `{"progress": [stage, done, total]}`, then one
`{"result": …}` or `{"error": words, "kind": class}`. Knows nothing of what the operations do.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sumu_dav.archive.progress import Progress
from sumu_dav.errors import CommandFailed, Interrupted, SumuError

_log = logging.getLogger("sumu_dav.control")

Operation = Callable[[Mapping[str, Any], Progress], Any]
"""What can be asked for: gets the arguments and a progress, returns what JSON can hold."""

MOST_AT_ONCE = 8
"""Connections: the commands of one administrator; more are somebody's mistake."""

LONGEST_REQUEST = 1 << 29
"""Bytes: an import of a million rows is one request, and only the state's owner can send any."""

BETWEEN_NEWS = 0.2
"""Seconds between two lines of progress within a stage."""

REQUEST_SECONDS = 60.0
"""How long a client may take to send its request or to take a line of the answer."""


class Control:
    """Serves `operations` by name on the socket at `path`."""

    def __init__(self, path: Path, operations: Mapping[str, Operation]) -> None:
        self._path = path
        self._operations = operations
        self._listener: socket.socket | None = None
        self._stopping = threading.Event()
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._connections: set[socket.socket] = set()

    def start(self) -> None:
        """Listen. The caller holds the lock on the state, so a socket that lies there is a dead server's."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        os.fchmod(listener.fileno(), 0o600)  # before it has a name; Linux gives the name the same mode
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._path.unlink(missing_ok=True)
            # A socket's address holds 107 bytes, and a state may lie deeper than that.
            listener.bind(f"/proc/self/fd/{folder}/{self._path.name}")
        finally:
            os.close(folder)
        listener.listen(MOST_AT_ONCE)
        self._listener = listener
        self._spawn(self._accept, listener)

    def stop(self) -> None:
        """Listen no more; operations in hand are interrupted at their next step and waited for."""
        self._stopping.set()
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept()
        with self._lock:
            for connection in self._connections:
                connection.shutdown(socket.SHUT_RD)
            threads = list(self._threads)
        for thread in threads:
            thread.join()
        if listener is not None:
            listener.close()
            self._path.unlink(missing_ok=True)

    def _spawn(self, run: Callable[[socket.socket], None], connection: socket.socket) -> None:
        thread = threading.Thread(target=self._run, args=(run, connection), name="control")
        with self._lock:
            self._threads.add(thread)
        thread.start()

    def _run(self, run: Callable[[socket.socket], None], connection: socket.socket) -> None:
        try:
            run(connection)
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                if not self._stopping.is_set():
                    _log.exception("the control socket can't be listened on any more")
                return
            if self._places.acquire(blocking=False):
                self._spawn(self._serve, connection)
            else:
                connection.close()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            with self._lock:
                self._connections.add(connection)
            try:
                # Asked once `stop` would meet the connection: one that is accepted meanwhile is not waited for.
                if not self._stopping.is_set():
                    connection.settimeout(REQUEST_SECONDS)
                    self._answer(connection)
            except OSError as error:
                _log.info("a command went away: %s", error)
            finally:
                with self._lock:
                    self._connections.discard(connection)
                self._places.release()

    def _answer(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            request = lines.readline(LONGEST_REQUEST)
        news = _News(connection, self._stopping)
        try:
            operation, arguments = self._understood(request)
            answer = {"result": operation(arguments, news)}
        except (SumuError, ValueError, OSError) as error:
            answer = {"error": str(error), "kind": type(error).__name__}
        _send(connection, answer)

    def _understood(self, request: bytes) -> tuple[Operation, Mapping[str, Any]]:
        asked = json.loads(request)
        if not isinstance(asked, dict) or not isinstance(asked.get("arguments"), dict):
            raise CommandFailed("The request is not understood; is the server of another version?")
        operation = self._operations.get(str(asked.get("do")))
        if operation is None:
            raise CommandFailed(f"The running server does not know {asked.get('do')!r}; is it of another version?")
        return operation, asked["arguments"]


class _News:
    """Passes progress on, not more of it than anyone can read, and notices when nobody waits any more."""

    def __init__(self, connection: socket.socket, stopping: threading.Event) -> None:
        self._connection = connection
        self._stopping = stopping
        self._stage = ""
        self._next = 0.0

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if self._stopping.is_set():
            raise Interrupted
        now = time.monotonic()
        if stage == self._stage and now < self._next and done != total:
            return
        self._stage, self._next = stage, now + BETWEEN_NEWS
        try:
            _send(self._connection, {"progress": [stage, done, total]})
        except OSError as error:
            raise Interrupted from error


def _send(connection: socket.socket, message: Mapping[str, Any]) -> None:
    connection.sendall(json.dumps(message, ensure_ascii=False).encode() + b"\n")
