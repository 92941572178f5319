"""The threads that serve, and the selector that they share (leader and followers).

Every open connection lies in one epoll set, armed for one event. A free worker takes the next connection that is ready
and steps it until it would wait; there is no queue, and no hand-over between threads that a request would pay for.
Knows nothing of HTTP: a connection is something that communicates, and says what it waits for.
"""

from __future__ import annotations

import os
import select
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from sumu_dav.floor import Floor
from sumu_dav.server.connection import CLOSE, DEFER, Connection, Phase

if TYPE_CHECKING:
    from sumu_dav.server.launcher import Server

EVICTED_AT_ONCE = 64
"""Connections closed when there are too many: finding the oldest takes a look at all, so it is not done for each."""

BUSY_LOOK = 0.01
"""Seconds between two looks for a thread that is held up, while requests come: so long others wait for it at most."""

IDLE_LOOK = 0.5
"""The same while none come. The first one that does wakes up whoever looks."""

FIRST_THREADS = 16
"""Threads to begin with; more are started when all are held up, by slow uploads above all."""

MORE_THREADS = 8
"""Threads started at a look that finds all held up: two hundred slow uploads are in the way of others for
a quarter of a second."""

CUT_TIMEOUT = 3.0
"""Seconds that workers get to notice that their connections were cut. One that is busy elsewhere is left behind."""

END_TIMEOUT = 1.0
"""Seconds that workers then get to end."""


class WorkerPool:
    """What cheroot asks of a thread pool (`min`, `get`, `put`, `start`, `stop`), over epoll instead of a queue."""

    def __init__(self, server: Server, size: int) -> None:
        self.min = min(size, FIRST_THREADS)
        self.connections: dict[int, Connection] = {}
        self.stirred = os.eventfd(0, os.EFD_NONBLOCK)
        """Readable when `relieve` is to be called at once."""
        self._server = server
        self._size = size
        self._epoll = select.epoll()
        self._end = os.eventfd(0)
        self._epoll.register(self._end, select.EPOLLIN)
        self._deferred: list[Connection] = []
        self._threads: list[threading.Thread] = []
        self._emptied = threading.Condition()
        self.floor = Floor()
        self._taken = 0
        self._dozing = False

    def start(self) -> None:
        """Start the first threads."""
        for _ in range(self.min):
            self._start_thread()

    def add(self, connection: Connection) -> None:
        """Take a new connection into care. Raises OSError where the kernel watches no more."""
        self.connections[connection.fd] = connection
        try:
            self._epoll.register(connection.fd, select.EPOLLIN | select.EPOLLONESHOT)
        except OSError:
            del self.connections[connection.fd]
            raise

    def put(self, connection: Connection) -> None:
        """Arm a connection for what it waits for."""
        self._epoll.modify(connection.fd, connection.stream.interest | select.EPOLLONESHOT)

    def get(self) -> Connection | None:
        """Wait for a connection that is ready; it is then this thread's alone. None: the pool has ended."""
        self.floor.watch()
        [(fd, _)] = self._epoll.poll(maxevents=1)
        self.floor.take()
        if fd == self._end:
            self.floor.give_up()
            return None
        if self._dozing:
            self._dozing = False
            os.eventfd_write(self.stirred, 1)
        return self.connections[fd]

    def relieve(self) -> float:
        """Let others go on where threads are held up. The seconds until it is to be called again, unless `stirred`
        comes before."""
        # Said before looking: whoever takes the floor after the look then stirs.
        self._dozing = True
        before, self._taken = self._taken, self.floor.taken
        is_busy = self.floor.relieve() or self._taken != before
        if self.floor.is_unwatched and len(self._threads) < self._size:
            self._start_more()
        elif not is_busy:
            return IDLE_LOOK
        self._dozing = False
        return BUSY_LOOK

    def tick(self) -> None:
        """What is due now and then: connections whose time is up, and those that drip."""
        deferred, self._deferred = self._deferred, []
        for connection in deferred:
            self.put(connection)
        now = time.monotonic()
        for connection in list(self.connections.values()):
            if connection.deadline < now and not connection.expired:
                connection.expire()

    def evict(self) -> None:
        """Close the connections that have waited longest for a head."""
        waiting = [c for c in list(self.connections.values()) if c.phase in _EVICTABLE and not c.expired]
        waiting.sort(key=lambda connection: connection.parked_at)
        for connection in waiting[: max(1, min(EVICTED_AT_ONCE, len(waiting) // 4))]:
            connection.expire()

    def stop(self, timeout: float = 5.0) -> None:
        """End the connections that no request is in hand of, give the others `timeout` seconds, then cut them."""
        if not self._wait_empty(timeout):
            for connection in list(self.connections.values()):
                connection.cut()
            self._wait_empty(CUT_TIMEOUT)
        os.eventfd_write(self._end, 1)
        if self._wait_ended(END_TIMEOUT):
            self._epoll.close()
            os.close(self._end)
            os.close(self.stirred)

    def _wait_empty(self, seconds: float) -> bool:
        """Wait until no connection is left, and do meanwhile what the accepting loop did."""
        until = time.monotonic() + seconds
        while self.connections and time.monotonic() < until:
            for connection in list(self.connections.values()):
                if not connection.expired and (connection.phase in _EVICTABLE or connection.phase is Phase.DRAINING):
                    connection.expire()
            self.tick()
            self.relieve()
            with self._emptied:
                self._emptied.wait_for(lambda: not self.connections, BUSY_LOOK)
        return not self.connections

    def _wait_ended(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        for thread in self._threads:
            while thread.is_alive() and time.monotonic() < until:
                self.floor.relieve()
                thread.join(BUSY_LOOK)
        return not any(thread.is_alive() for thread in self._threads)

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._work, name=f"worker-{len(self._threads)}", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _start_more(self) -> None:
        try:
            for _ in range(min(MORE_THREADS, self._size - len(self._threads))):
                self._start_thread()
        except RuntimeError as error:
            self._size = len(self._threads)
            self._server.error_log(f"no more than {self._size} requests are worked on at once: {error}")

    def _work(self) -> None:
        while (connection := self.get()) is not None:
            try:
                progress = connection.communicate()
            except Exception as error:  # noqa: BLE001 - a flaw here costs one connection, not a worker
                self._server.error_log(f"a connection failed: {error!r}", traceback=True)
                progress = CLOSE
            if progress is CLOSE:
                self._close(connection)
            elif progress is DEFER:
                self._deferred.append(connection)
            else:
                self.put(connection)

    def _close(self, connection: Connection) -> None:
        # Out of the table before the descriptor can be given to the next connection.
        del self.connections[connection.fd]
        with suppress(OSError):
            connection.close()
        if not self.connections:
            with self._emptied:
                self._emptied.notify_all()


_EVICTABLE = (Phase.HANDSHAKE, Phase.HEAD)
