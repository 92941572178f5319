"""Modules that ask what both ways of reading must answer alike say `BOTH_WAYS = True`, and run on two servers."""

from __future__ import annotations

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The fast way, and the one through WsgiDAV's own request server."""
    if getattr(metafunc.module, "BOTH_WAYS", False) and "server" in metafunc.fixturenames:
        ways = [{"fast_reads": True}, {"fast_reads": False}]
        metafunc.parametrize("server", ways, ids=["fast", "through WsgiDAV"], indirect=True, scope="module")
