"""OPTIONS by what lies at the target, and by who asks."""

from __future__ import annotations

from base64 import b64encode

import pytest

from support.dav import Dav
from support.samples import jpeg
from support.server import Server, password_of

WRITES = {"PUT", "DELETE", "MKCOL", "MOVE", "PROPPATCH", "LOCK", "UNLOCK"}


def allowed(client: Dav, path: str) -> set[str]:
    answer = client.options(path)
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    assert answer.headers["DAV"] == "1, 2, 3"
    assert answer.headers["MS-Author-Via"] == "DAV"
    assert answer.headers["Accept-Ranges"] == "bytes"
    return set(answer.headers["Allow"].split(", "))


def test_each_kind_of_resource_says_what_it_takes(server: Server, album: str) -> None:
    alice = server.session()
    alice.put(f"{album}x.jpg", jpeg())
    assert allowed(alice, f"{album}x.jpg") >= {"GET", "PUT", "DELETE", "COPY", "MOVE", "LOCK", "PROPPATCH"}
    assert "REPORT" not in allowed(alice, f"{album}x.jpg")
    assert allowed(alice, album) >= WRITES | {"PROPFIND", "REPORT", "COPY"}
    assert not {"DELETE", "MOVE"} & allowed(alice, "/alice/")
    assert allowed(alice, "/alice/") >= {"PUT", "MKCOL", "PROPFIND", "REPORT"}
    assert allowed(alice, f"{album}nothing") == {"OPTIONS", "PUT", "MKCOL", "LOCK"}


@pytest.mark.parametrize("path", ["/", "/-/", "/-/inbox/", "/remote.php/", "/remote.php/dav/files/"])
def test_what_stands_above_the_users_is_for_reading(server: Server, path: str) -> None:
    assert allowed(server.session(), path) == {"OPTIONS", "GET", "HEAD", "PROPFIND"}


def test_the_whole_server_can_be_asked(server: Server) -> None:
    credentials = b64encode(f"alice:{password_of('alice')}".encode()).decode()
    head = f"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Basic {credentials}\r\n\r\n"
    answer = server.raw(head.encode())
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nDAV: 1, 2, 3\r\n" in answer


def test_search_is_offered_where_nextclouds_app_asks_for_it(server: Server) -> None:
    answer = server.session().options("/remote.php/dav/")
    assert "SEARCH" in answer.headers["Allow"].split(", ")
    assert answer.headers["DASL"] == "<DAV:basicsearch>"


def test_what_is_shared_is_for_reading(own_server: Server) -> None:
    assert own_server.command("user", "share", "alice", "bob").returncode == 0
    own_server.session().put("/alice/favorites/x.jpg", jpeg())
    bob = own_server.session("bob")
    assert allowed(bob, "/alice/") == {"OPTIONS", "GET", "HEAD", "PROPFIND", "REPORT", "COPY"}
    assert allowed(bob, "/alice/favorites/x.jpg") == {"OPTIONS", "GET", "HEAD", "PROPFIND", "COPY"}


@pytest.mark.parametrize("path", ["/bob/", "/nobody/", "/-/nothing", "/remote.php/dav/uploads/bob/u"])
def test_what_may_not_be_seen_is_not_there(server: Server, path: str) -> None:
    assert server.session().options(path).status_code == 404


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("", {"OPTIONS", "PROPFIND"}),
        ("u/", {"OPTIONS", "PROPFIND", "MKCOL", "DELETE"}),
        ("u/1", {"OPTIONS", "PROPFIND", "PUT"}),
        ("u/.file", {"OPTIONS", "MOVE"}),
    ],
)
def test_chunked_uploads_say_what_they_take(server: Server, path: str, methods: set[str]) -> None:
    assert allowed(server.session(), f"/remote.php/dav/uploads/alice/{path}") == methods
