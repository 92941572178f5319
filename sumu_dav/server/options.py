"""The limits of the HTTP server, each with its unit and its reason.

Knows nothing of the settings file: the wiring turns settings into this value.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How the server listens, what it lets a client cost, and how it logs. Times in seconds, sizes in bytes."""

    host: str = "127.0.0.1"
    port: int = 8080
    """0 takes any free port."""

    threads: int = 256
    """Requests worked on at once, at most. A phone that uploads holds one for as long as its bytes take, so there may
    be far more of them than cores, and one is started when all are taken; connections that wait for a head, and clients
    that slowly read a file, hold none."""

    backlog: int = 1024
    """Connections that the kernel keeps before they are accepted: a burst of a whole family's phones, not an attack."""

    max_connections: int = 4096
    """Open sockets. Beyond it the one that has been silent longest is closed, so that silent ones can't lock out."""

    head_timeout: float = 10.0
    """From a head's first byte (of a new connection: from its acceptance) to its end."""

    head_limit: int = 64 * 1024
    """Of the request line and the header fields together: an `If` header with a hundred lock tokens fits."""

    body_grace: float = 20.0
    """How long a client may keep the server waiting for bytes, or for room to send them, before it has to make up
    for it at `body_min_rate`: a phone that changes from Wi-Fi to mobile is silent for about as long."""

    body_min_rate: int = 1024
    """Bytes a second below which patience runs out: any link that can carry a photo is faster."""

    idle_timeout: float = 120.0
    """Between two requests of a connection: sync apps pause for about a minute between their rounds."""

    drain_limit: int = 16 * 1024 * 1024
    """What is still read of a refused body before the connection closes, so that the client reads the answer instead
    of a reset: about what lies in the socket buffers on both sides."""

    drain_timeout: float = 5.0
    """How long that may take."""

    stop_timeout: float = 10.0
    """What requests in hand get at a stop; then they are cut."""

    certificate: Path | None = None
    private_key: Path | None = None
    """PEM files; TLS is spoken where a certificate is given. None: the key is in the certificate's file."""

    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed."""

    log_format: Literal["text", "json"] = "text"
