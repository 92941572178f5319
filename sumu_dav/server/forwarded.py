"""Whom a request comes from when a trusted proxy brings it.

Knows no socket. Nothing a client claims counts unless the peer itself is on the list.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable


class TrustedProxies:
    """The networks whose forwarding headers are believed."""

    def __init__(self, networks: Iterable[str]) -> None:
        """Addresses and networks in the usual notation. Raises ValueError for anything else."""
        self._networks = [ipaddress.ip_network(network, strict=False) for network in networks]

    def trusts(self, address: str) -> bool:
        """Whether a peer is one of the proxies. An IPv4 address may be written as IPv6 (`::ffff:192.0.2.1`)."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._networks)

    def client(self, peer: str, forwarded_for: str) -> str:
        """The client's address: the last of the chain that is no trusted proxy's, since a client can invent the rest.

        An entry that is no address ends the search: the proxy after it is then the last known one.
        """
        client = peer
        for entry in reversed(forwarded_for.split(",")):
            address = _bare(entry.strip())
            try:
                ipaddress.ip_address(address)
            except ValueError:
                break
            client = address
            if not self.trusts(address):
                break
        return client


def _bare(entry: str) -> str:
    """Without the port that some proxies add: `192.0.2.1:4711`, `[2001:db8::1]:4711`."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry
