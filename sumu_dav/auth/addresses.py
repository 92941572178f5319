"""Whose request it is: the client's address, behind the configured proxies and no others.

Knows nothing of sockets, requests or accounts.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

IPV6_SITE = 64
"""Bits that one household or one rented machine shares (RFC 6177): whoever has a /64 has all of its addresses."""

# RFC 7239 §4: forwarded-pair = token "=" ( token / quoted-string ); a comma inside quotes separates nothing.
_PAIR = re.compile(r"""\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=("(?:[^"\\]|\\.)*"|[^\s",;]*)\s*(;|,|$)""")


def client_address(peer: str, x_forwarded_for: str | None, forwarded: str | None, trusted: Sequence[Network]) -> str:
    """The address to count and log by, in its shortest spelling.

    The chain (`X-Forwarded-For`, or RFC 7239 `Forwarded`) is read from its end, where the nearest proxy wrote, back to
    the first address that is not a trusted proxy's; what stands before that is the client's own invention. A proxy
    writes one of the two fields and passes the other on as it came, and nobody can tell which: where both are there and
    differ, neither is believed. An address that can't be read ends the chain at the proxy that vouched for it.
    """
    nearest = _address(peer)
    if nearest is None:  # a Unix socket has no address to compare or to count by network
        return peer
    if not _is_among(nearest, trusted):
        return str(nearest)
    believed = {
        _last_stranger(nearest, chain, trusted)
        for chain in (
            _x_forwarded_for(x_forwarded_for) if x_forwarded_for is not None else None,
            _forwarded(forwarded) if forwarded is not None else None,
        )
        if chain is not None
    }
    return str(believed.pop() if len(believed) == 1 else nearest)


def neighborhood(address: str) -> str:
    """What failures are counted by: an IPv4 address, an IPv6 /64, or the text itself where it is no address."""
    parsed = _address(address)
    if parsed is None:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, IPV6_SITE), strict=False))


def is_trusted(peer: str, trusted: Sequence[Network]) -> bool:
    """Whether a peer is one of the trusted proxies, in whatever spelling."""
    address = _address(peer)
    return address is not None and _is_among(address, trusted)


def is_loopback(host: str) -> bool:
    """Whether what is sent to this address, or comes from it, stays on the machine. No name is looked up."""
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def _last_stranger(nearest: Address, chain: list[str], trusted: Sequence[Network]) -> Address:
    vouched = nearest
    for hop in reversed(chain):
        address = _address(hop)
        if address is None:
            break
        vouched = address
        if not _is_among(address, trusted):
            break
    return vouched


def _is_among(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in trusted)


def _x_forwarded_for(field: str) -> list[str]:
    return [hop.strip() for hop in field.split(",")]


def _forwarded(field: str) -> list[str]:
    """The `for` of every element, "" where it has none; an ill-formed field vouches for nothing."""
    hops = [""]
    position = 0
    while position < len(field):
        pair = _PAIR.match(field, position)
        if pair is None:
            return []
        name, value, separator = pair.groups()
        if name.lower() == "for":
            hops[-1] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
        if separator == ",":
            hops.append("")
        position = pair.end()
    return hops


def _address(text: str) -> Address | None:
    """An address with or without brackets and port; IPv4 in IPv6 as IPv4, so that one client has one spelling."""
    bare = text.partition("%")[0]
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
