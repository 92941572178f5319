"""TLS for accepted sockets: the context, its certificates, and their renewal.

Knows no HTTP. The handshake is the connection's: it must never happen in the thread that accepts.
"""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cheroot.ssl

CHECK_INTERVAL = 1.0
"""Seconds between two looks at the certificate's files."""


class TlsAdapter(cheroot.ssl.Adapter):
    """Wraps accepted sockets in TLS 1.2 or newer, with the certificate as it is on disk now.

    A renewal that can't be read (half written, key and certificate not of a pair yet) leaves the old one in use and is
    tried again when the files change.
    """

    def __init__(self, certificate: Path, private_key: Path | None, complain: Callable[[str], None]) -> None:
        """Load the certificate. Raises OSError or ssl.SSLError where it can't be: a start without one is no start."""
        super().__init__(certificate, private_key or certificate)
        self._complain = complain
        self._seen = self._stamp()
        self._looked_at = time.monotonic()
        self.context = self._load()

    def bind(self, sock: socket.socket) -> socket.socket:
        """The listening socket stays as it is."""
        return sock

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, Any]]:
        """The socket in TLS, before its handshake."""
        self._renew()
        wrapped = self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        return wrapped, self.get_environ()

    def get_environ(self) -> dict[str, Any]:
        """Nothing: what the application needs to know is in wsgi.url_scheme."""
        return {}

    def makefile(self, sock: socket.socket, mode: str = "r", bufsize: int = -1) -> None:
        """No file: connections read and write their sockets themselves."""

    def _renew(self) -> None:
        now = time.monotonic()
        if now - self._looked_at < CHECK_INTERVAL:
            return
        self._looked_at = now
        try:
            stamp = self._stamp()
            if stamp != self._seen:
                self._seen = stamp
                self.context = self._load()
        except (OSError, ssl.SSLError) as error:
            self._complain(f"the renewed certificate {self.certificate} can't be used, the old one stays: {error}")

    def _stamp(self) -> list[tuple[int, int, int]]:
        stats = [os.stat(path) for path in (self.certificate, self.private_key)]
        return [(stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats]

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        context.load_cert_chain(self.certificate, self.private_key)
        return context
