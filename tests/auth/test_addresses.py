"""Whose address a request is counted by."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from sumu_dav.auth.addresses import client_address, neighborhood

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "x_forwarded_for", "forwarded", "client"),
    [
        # nobody but a configured proxy is believed
        ("203.0.113.9", "198.51.100.1", None, "203.0.113.9"),
        ("203.0.113.9", None, "for=198.51.100.1", "203.0.113.9"),
        # the nearest proxy's word is believed, what stands before it is the client's
        ("10.0.0.1", "198.51.100.1", None, "198.51.100.1"),
        ("10.0.0.1", "127.0.0.1, 198.51.100.1", None, "198.51.100.1"),
        ("10.0.0.1", "127.0.0.1, 198.51.100.1, 10.0.0.2", None, "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", None, "10.0.0.3"),
        ("fd00::1", "2001:db8::1", None, "2001:db8::1"),
        ("::ffff:10.0.0.1", "198.51.100.1", None, "198.51.100.1"),
        # ports and brackets
        ("10.0.0.1", "198.51.100.1:4711", None, "198.51.100.1"),
        ("10.0.0.1", "[2001:db8::1]:4711", None, "2001:db8::1"),
        ("10.0.0.1", "2001:DB8:0::0001", None, "2001:db8::1"),
        # what can't be read ends the chain at whom it was told by
        ("10.0.0.1", "198.51.100.1, nonsense", None, "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, unknown, 10.0.0.2", None, "10.0.0.2"),
        ("10.0.0.1", "", None, "10.0.0.1"),
        ("10.0.0.1", None, None, "10.0.0.1"),
        # RFC 7239
        ("10.0.0.1", None, 'for="[2001:db8::1]:4711";proto=https;by=10.0.0.1', "2001:db8::1"),
        ("10.0.0.1", None, "For=192.0.2.1, for=198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", None, 'for="192.0.2.1, for=192.0.2.2";proto=http, for=198.51.100.1', "198.51.100.1"),
        ("10.0.0.1", None, "for=_hidden", "10.0.0.1"),
        ("10.0.0.1", None, "proto=https", "10.0.0.1"),
        ("10.0.0.1", None, 'for="198.51.100.1', "10.0.0.1"),
        ("10.0.0.1", None, ";;;", "10.0.0.1"),
        # both fields: one of them may be the client's own
        ("10.0.0.1", "198.51.100.1", "for=198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1", "for=127.0.0.1", "10.0.0.1"),
        # a Unix socket
        ("", "198.51.100.1", None, ""),
    ],
)
def test_the_chain_is_believed_as_far_as_trusted_proxies_wrote_it(
    peer: str, x_forwarded_for: str | None, forwarded: str | None, client: str
) -> None:
    assert client_address(peer, x_forwarded_for, forwarded, PROXIES) == client


def test_without_proxies_nobody_is_believed() -> None:
    assert client_address("10.0.0.1", "198.51.100.1", "for=198.51.100.1", ()) == "10.0.0.1"


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::2", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix", "unix"),
    ],
)
def test_failures_are_counted_by_ipv4_address_or_ipv6_site(address: str, counted: str) -> None:
    assert neighborhood(address) == counted
