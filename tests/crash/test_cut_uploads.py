"""Uploads that are cut in every way leave nothing, and what was there before untouched (DESIGN §1, "Upload")."""

from __future__ import annotations

import base64
import os
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from support.dav import Dav
from support.samples import jpeg
from support.server import Server, password_of

LOGIN = base64.b64encode(f"alice:{password_of('alice')}".encode()).decode()

PARTS = [0, 1, 5_000, 300_000]
"""How many bytes of the body come before it is cut, of about 400,000."""


@contextmanager
def begun(server: Server, path: str, *headers: str) -> Iterator[socket.socket]:
    """A connection on which the head of a PUT was sent."""
    head = [f"PUT {path} HTTP/1.1", "Host: x", f"Authorization: Basic {LOGIN}", *headers, "", ""]
    with server.connection(timeout=20) as connection:
        connection.sendall("\r\n".join(head).encode())
        yield connection


def answer_of(connection: socket.socket) -> bytes:
    """All that the server still says, until it closes."""
    said = b""
    with suppress(ConnectionResetError):
        while data := connection.recv(65536):
            said += data
    return said


def fin(connection: socket.socket) -> bytes:
    """The client ends its side in good order, and would still read an answer."""
    connection.shutdown(socket.SHUT_WR)
    return answer_of(connection)


def reset(connection: socket.socket) -> bytes:
    """The client's machine forgets the connection."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    return b""


def in_progress(server: Server) -> int:
    """How many files the server holds open that have no name, or one among the unfinished uploads."""
    assert server.process is not None
    found = 0
    for descriptor in os.listdir(f"/proc/{server.process.pid}/fd"):
        with suppress(FileNotFoundError):
            found += ".sumu/uploads" in os.readlink(f"/proc/{server.process.pid}/fd/{descriptor}")
    return found


def wait_until_let_go(server: Server) -> None:
    """Until the server has noticed that the client is gone."""
    deadline = time.monotonic() + 30
    while in_progress(server):
        assert time.monotonic() < deadline, "the upload is still held open"
        time.sleep(0.02)


def nothing_is_left(server: Server, session: Dav, album: str, old: bytes) -> None:
    wait_until_let_go(server)
    assert session.names(album) == {"old.jpg"}
    assert session.get(f"{album}old.jpg").content == old
    name = album.strip("/").partition("/")[2]
    assert {record["name"] for record in server.catalog() if record["album"] == name} == {"old.jpg"}
    assert {file for file in server.files("alice") if file.startswith(name + "/")} == {f"{name}/old.jpg"}
    assert not list((server.plex / ".sumu" / "uploads").iterdir())
    assert not [path for path in (server.plex / ".sumu" / "trash").rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", ["old.jpg", "new.jpg"])
@pytest.mark.parametrize("sent", PARTS)
@pytest.mark.parametrize("cut", [fin, reset])
def test_a_body_that_ends_before_its_length(
    server: Server, album: str, cut: Callable[[socket.socket], bytes], sent: int, name: str
) -> None:
    alice = server.session()
    old, body = jpeg(), jpeg(pad=400_000)
    alice.put(f"{album}old.jpg", old)
    with begun(server, album + name, f"Content-Length: {len(body)}") as connection:
        connection.sendall(body[:sent])
        said = cut(connection)
    assert not said.startswith(b"HTTP/1.1 2"), said
    nothing_is_left(server, alice, album, old)


@pytest.mark.parametrize("name", ["old.jpg", "new.jpg"])
@pytest.mark.parametrize("cut", [fin, reset])
@pytest.mark.parametrize("where", ["between chunks", "in a chunk", "in a chunk's size", "before the last chunk"])
def test_a_body_in_chunks_that_ends_before_its_last(
    server: Server, album: str, where: str, cut: Callable[[socket.socket], bytes], name: str
) -> None:
    alice = server.session()
    old, body = jpeg(), jpeg(pad=400_000)
    alice.put(f"{album}old.jpg", old)
    half, rest = body[:200_000], body[200_000:]
    sent = b"%x\r\n%b\r\n" % (len(half), half)
    match where:
        case "in a chunk":
            sent += b"%x\r\n%b" % (len(rest), rest[:1000])
        case "in a chunk's size":
            sent += b"%x" % len(rest)
        case "before the last chunk":
            sent += b"%x\r\n%b\r\n" % (len(rest), rest)
    with begun(server, album + name, "Transfer-Encoding: chunked") as connection:
        connection.sendall(sent)
        said = cut(connection)
    assert not said.startswith(b"HTTP/1.1 2"), said
    nothing_is_left(server, alice, album, old)


def test_chunks_that_make_no_sense(server: Server, album: str) -> None:
    alice = server.session()
    old = jpeg()
    alice.put(f"{album}old.jpg", old)
    for nonsense in (b"zz\r\nabc\r\n", b"-5\r\nabc\r\n", b"5\r\nabcdefgh\r\n0\r\n\r\n", b"\r\n", b"5;x\nabc"):
        with begun(server, f"{album}new.jpg", "Transfer-Encoding: chunked") as connection:
            connection.sendall(b"3\r\nabc\r\n" + nonsense)
            said = fin(connection)
        assert not said.startswith(b"HTTP/1.1 2"), nonsense
    nothing_is_left(server, alice, album, old)


def test_a_client_that_stalls_is_let_go(start_server: Callable[..., Server]) -> None:
    server = start_server(sumu={"server": {"body_grace": 0.5, "body_min_rate": 100_000}})
    alice = server.session()
    alice.mkcol("/alice/trip/")
    old, body = jpeg(), jpeg(pad=400_000)
    alice.put("/alice/trip/old.jpg", old)
    for name in ("old.jpg", "new.jpg"):
        for header, sent in (
            (f"Content-Length: {len(body)}", body[:1000]),
            ("Transfer-Encoding: chunked", b"3e8\r\n" + body[:1000] + b"\r\n"),
        ):
            with begun(server, f"/alice/trip/{name}", header) as connection:
                connection.sendall(sent)
                said = answer_of(connection)  # and not a byte more is sent
            assert not said.startswith(b"HTTP/1.1 2"), said
            nothing_is_left(server, alice, "/alice/trip/", old)
    assert server.stop() == 0
    assert "Traceback" not in server.log()


def test_a_client_s_next_request_is_not_read_from_a_cut_body(server: Server, album: str) -> None:
    """What is left of a refused body must not run as a request of its own."""
    alice = server.session()
    smuggled = f"DELETE {album} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {LOGIN}\r\n\r\n".encode()
    with begun(server, f"{album}missing/a.jpg", f"Content-Length: {len(smuggled)}") as connection:
        connection.sendall(smuggled)
        said = fin(connection)
    assert said.count(b"HTTP/1.1 ") == 1
    assert album.split("/")[2] + "/" in alice.names("/alice/")


def test_a_server_that_is_stopped_in_mid_upload_stores_nothing(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    old, body = jpeg(), jpeg(pad=400_000)
    alice.put("/alice/trip/old.jpg", old)
    with (
        begun(own_server, "/alice/trip/old.jpg", f"Content-Length: {len(body)}") as one,
        begun(own_server, "/alice/trip/new.jpg", "Transfer-Encoding: chunked") as two,
    ):
        one.sendall(body[:200_000])
        two.sendall(b"30d40\r\n" + body[:200_000] + b"\r\n")
        assert own_server.process is not None
        own_server.process.send_signal(signal.SIGTERM)
        assert own_server.process.wait(30) == 0
        assert not answer_of(one).startswith(b"HTTP/1.1 2")
        assert not answer_of(two).startswith(b"HTTP/1.1 2")
    own_server.kill()
    own_server.start()
    nothing_is_left(own_server, own_server.session(), "/alice/trip/", old)
    assert "Traceback" not in own_server.log()


def test_a_server_that_is_killed_in_mid_upload_leaves_nothing_after_the_next_start(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    old, body = jpeg(), jpeg(pad=400_000)
    alice.put("/alice/trip/old.jpg", old)
    (own_server.plex / ".sumu" / "uploads" / ("ab" * 16)).write_bytes(b"of a file system without O_TMPFILE")
    with begun(own_server, "/alice/trip/old.jpg", f"Content-Length: {len(body)}") as connection:
        connection.sendall(body[:200_000])
        own_server.kill()
        assert not answer_of(connection).startswith(b"HTTP/1.1 2")
    own_server.start()
    nothing_is_left(own_server, own_server.session(), "/alice/trip/", old)
