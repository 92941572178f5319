"""The listening server: cheroot's, with own connections, own workers and an orderly end.

Takes any WSGI application, and knows nothing of WebDAV, settings or accounts.
"""

from __future__ import annotations

import errno
import ipaddress
import logging
import os
import resource
import select
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO

import cheroot.wsgi

from sumu_dav.server.answer import SERVER_NAME, FileWrapper
from sumu_dav.server.clock import Clock
from sumu_dav.server.connection import Connection
from sumu_dav.server.forwarded import TrustedProxies
from sumu_dav.server.gateway import Gateway
from sumu_dav.server.options import ServerOptions
from sumu_dav.server.requestlog import RequestLog, RequestRecord
from sumu_dav.server.tls import TlsAdapter
from sumu_dav.server.workers import WorkerPool

TICK = 0.5
"""Seconds between two looks at deadlines, and at most until a line of the request log is written."""

FULL_PAUSE = 0.1
"""Seconds without accepting where no descriptor is free."""

SWITCH_INTERVAL = 0.0005
"""Seconds after which a thread that computes without end (taking in thousands of photos, perhaps) must let another one
run. A request needs the interpreter back some fifty times: Python's 5 ms each would make it a quarter of a second."""

_OUT_OF_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

log = logging.getLogger("sumu_dav.server")


class Server(cheroot.wsgi.Server):
    """Serves one WSGI application. `prepare()` binds, `serve()` accepts until `request_stop()`, `stop()` ends it.

    `start()` (cheroot's) is the first two. `on_request(method, status, seconds, bytes_in, bytes_out)` is called after
    each request, for metrics.
    """

    ConnectionClass = Connection
    ssl_adapter: TlsAdapter | None

    def __init__(
        self,
        app: Callable[..., Any],
        options: ServerOptions,
        *,
        request_log: TextIO | None = None,
        on_request: Callable[[str, int, float, int, int], None] | None = None,
        on_tick: Callable[[], None] | None = None,
    ) -> None:
        """`request_log` takes the lines of requests, None for standard error; `on_tick` is called by the accepting
        loop, at least every TICK seconds. Raises OSError or ssl.SSLError where the certificate can't be read,
        ValueError for a proxy that is no network."""
        super().__init__((options.host, options.port), app, server_name=SERVER_NAME, request_queue_size=options.backlog)
        self.options = options
        self.gateway = Gateway
        self.shutdown_timeout = options.stop_timeout
        self.requests: WorkerPool = WorkerPool(self, options.threads)
        self.clock = Clock()
        self.proxies = TrustedProxies(options.trusted_proxies)
        self.environ: dict[str, Any] = {}
        self._log = RequestLog(request_log or sys.stderr, options.log_format, self.clock)
        self._on_request = on_request
        self._on_tick = on_tick
        self._wake = os.eventfd(0, os.EFD_NONBLOCK)
        self._accepting = threading.Lock()
        self._calls: deque[Callable[[], None]] = deque()
        if options.certificate is not None:
            self.ssl_adapter = TlsAdapter(options.certificate, options.private_key, self.error_log)

    @property
    def url(self) -> str:
        """Where the server is reached, once it is prepared."""
        host, port = self.bind_addr
        scheme = "http" if self.ssl_adapter is None else "https"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/"

    def prepare(self) -> None:
        """Bind, listen and start the workers. Raises OSError where the address can't be had."""
        super().prepare()
        # cheroot leaves it out for a port that the system chose, whose connections would then keep a restart from it
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.settimeout(0)
        if ipaddress.ip_address(self.socket.getsockname()[0]).is_loopback:
            _send_unpaced(self.socket)
        host, port = self.bind_addr
        self.environ = {
            "SCRIPT_NAME": "",
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "SERVER_SOFTWARE": SERVER_NAME,
            "wsgi.version": (1, 0),
            "wsgi.errors": sys.stderr,
            "wsgi.file_wrapper": FileWrapper,
            "wsgi.input_terminated": True,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }

    def serve(self) -> None:
        """Accept connections and watch over deadlines, until `request_stop`."""
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        stirred = self.requests.stirred
        poll.register(stirred, select.POLLIN)
        wait = due = 0.0
        with self._accepting:
            while self._wake not in (ready := dict(poll.poll(wait * 1000))):
                if stirred in ready:
                    os.eventfd_read(stirred)
                    while self._calls:
                        self._calls.popleft()()
                if self.socket.fileno() in ready:
                    self._accept()
                wait = min(self.requests.relieve(), TICK)
                if (now := time.monotonic()) >= due:
                    due = now + TICK
                    self.requests.tick()
                    self._log.flush()
                    if self._on_tick is not None:
                        self._on_tick()

    def request_stop(self) -> None:
        """Make `serve` return. Safe in a signal handler and between threads."""
        if self.ready:
            os.eventfd_write(self._wake, 1)

    def request_call(self, what: Callable[[], None]) -> None:
        """Have `serve` call something soon: in a signal handler it could meet itself, and wait for its own locks."""
        if self.ready:
            self._calls.append(what)
            os.eventfd_write(self.requests.stirred, 1)

    def stop(self) -> None:
        """Close idle connections at once, let requests in hand end within `stop_timeout`, cut the rest.

        Waits for `serve` to return, so it can't be called from a signal handler in its thread.
        """
        self.request_stop()
        with self._accepting:
            if self.ready:
                super().stop()
                os.close(self._wake)
                self._log.flush()

    def error_log(self, msg: str = "", level: int = logging.ERROR, traceback: bool = False) -> None:
        """What goes wrong beside requests, into the logger `sumu_dav.server`."""
        log.log(level, "%s", msg, exc_info=traceback)

    def account(self, record: RequestRecord) -> None:
        """A request is over."""
        self._log.add(record)
        if self._on_request is not None:
            self._on_request(record.method, record.status, record.seconds, record.bytes_in, record.bytes_out)

    def _accept(self) -> None:
        """Take all connections that wait."""
        while True:
            try:
                sock, address = self.socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _OUT_OF_DESCRIPTORS:
                    self.error_log(f"no connection can be accepted: {error}")
                    self.requests.evict()
                    self._pause()
                    return
                # The client left before it was accepted (accept(2)): the next one waits already.
                continue
            if len(self.requests.connections) >= self.options.max_connections:
                self.requests.evict()
            self._adopt(sock, address)

    def _adopt(self, sock: socket.socket, address: tuple[str, int]) -> None:
        try:
            sock.settimeout(0)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.ssl_adapter is not None:
                sock, _ = self.ssl_adapter.wrap(sock)
            self.requests.add(self.ConnectionClass(self, sock, address[0], address[1]))
        except OSError:
            # Gone already, which shows where TLS asks for the peer's name; or the kernel is at its limit.
            sock.close()

    def _pause(self) -> None:
        """Give connections time to end; the ones that wait make the listening socket ready all the while."""
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        poll.poll(FULL_PAUSE * 1000)


def _send_unpaced(listening: socket.socket) -> None:
    """For connections from this machine alone, from a proxy perhaps. BBR, where it is the system's congestion control,
    times packets to suit a network, of which there is none: 64 MB took a third longer. Reno, which every kernel has,
    times none. It is set before there are connections, since one that began with BBR stays timed.
    """
    with suppress(OSError):  # EPERM where an administrator leaves programs no choice, tcp(7)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno")


def raise_descriptor_limit(connections: int) -> None:
    """Allow the process twice as many descriptors as connections, since each may send a file, as far as it may.

    The usual soft limit of 1,024 is there for programs that use select(2); this one does not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * connections + 256
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def serve(
    app: Callable[..., Any],
    options: ServerOptions,
    *,
    on_ready: Callable[[str], None],
    on_tick: Callable[[], None] | None = None,
    on_stop: Callable[[], None] | None = None,
    on_hangup: Callable[[], None] | None = None,
    on_request: Callable[[str, int, float, int, int], None] | None = None,
    request_log: TextIO | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then end in order. To be called in the main thread, which owns the signals.

    `on_ready` gets the server's URL once it accepts connections, `on_tick` is called while it does, `on_stop` once it
    does no more; `on_hangup` is called at SIGHUP, between two looks at the listening socket, and must not raise.
    """
    raise_descriptor_limit(options.max_connections)
    sys.setswitchinterval(SWITCH_INTERVAL)
    server = Server(app, options, request_log=request_log, on_request=on_request, on_tick=on_tick)
    server.prepare()
    handlers: dict[int, Any] = {
        signal.SIGTERM: lambda *_: server.request_stop(),
        signal.SIGINT: lambda *_: server.request_stop(),
    }
    if on_hangup is not None:
        handlers[signal.SIGHUP] = lambda *_: server.request_call(on_hangup)
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        on_ready(server.url)
        server.serve()
        if on_stop is not None:
            on_stop()
    finally:
        server.stop()
        for number, handler in before.items():
            signal.signal(number, handler)
