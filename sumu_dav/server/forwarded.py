"""Whom a request comes from when a trusted proxy brings it.

Knows no socket. Nothing a client claims counts unless the peer itself is on the list.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from sumu_dav.auth.addresses import client_address, is_trusted


class TrustedProxies:
    """The networks whose forwarding headers are believed."""

    def __init__(self, networks: Iterable[str]) -> None:
        """Addresses and networks in the usual notation. Raises ValueError for anything else."""
        self._networks = [ipaddress.ip_network(network, strict=False) for network in networks]

    def trusts(self, address: str) -> bool:
        """Whether a peer is one of the proxies. An IPv4 address may be written as IPv6 (`::ffff:192.0.2.1`)."""
        return is_trusted(address, self._networks)

    def client(self, peer: str, forwarded_for: str | None, forwarded: str | None = None) -> str:
        """The client's address, as `client_address` reads it from X-Forwarded-For and Forwarded (RFC 7239)."""
        return client_address(peer, forwarded_for, forwarded, self._networks)
