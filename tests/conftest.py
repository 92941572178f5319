"""Fixtures of every folder of tests: servers, accounts, programs, samples."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support import programs
from support.server import Server, make_accounts


@pytest.fixture(scope="session")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the accounts alice, bob and root (an admin)."""
    return make_accounts(tmp_path_factory.mktemp("accounts"))


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, accounts: Path, request: pytest.FixtureRequest
) -> Iterator[Server]:
    """The server that the tests of a module share: leave it running, and use names of your own (`album`).

    A module may parametrize it with what the configuration's block is to have.
    """
    server = Server(tmp_path_factory.mktemp("server"), accounts=accounts, sumu=getattr(request, "param", None))
    server.start()
    try:
        yield server
        assert server.stop() == 0, server.log()
        assert "Traceback" not in server.log(), server.log()
    finally:
        server.close()


@pytest.fixture
def start_server(tmp_path: Path, accounts: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers of the test's own: `start_server(sumu={…}, prefix=("strace", …), accounts=None)`."""
    started: list[Server] = []

    def start(**options: Any) -> Server:
        server = Server(tmp_path / f"server-{len(started)}", **{"accounts": accounts, **options})
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.close()


@pytest.fixture
def own_server(start_server: Callable[..., Server]) -> Server:
    """A server of the test's own, which it may stop, kill and break."""
    return start_server()


_numbers = itertools.count(1)


@pytest.fixture
def album(server: Server) -> str:
    """A new, empty album of alice on the shared server: its path, with a slash at its end."""
    path = f"/alice/album-{next(_numbers)}/"
    made = server.session().mkcol(path)
    assert made.status_code == 201, made.text
    return path


@pytest.fixture
def needs() -> Callable[..., None]:
    """`needs("litmus")`: skip where the program is missing, fail where CI is set."""
    return programs.needs


@pytest.fixture
def media() -> Callable[..., Path]:
    """`media("heic-iphone-gps")`: a real photo or video; skips where the samples are not."""
    return programs.sample


@pytest.fixture
def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
