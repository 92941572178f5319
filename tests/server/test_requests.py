"""Requests with bodies: nothing of a body ever becomes a request, and none is asked for before it is wanted."""

from __future__ import annotations

import hashlib
import resource
import socket
import threading
from typing import Any

import pytest

from support.toy import echo, hello, toy_server

SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: toy\r\n\r\n"


def refuse(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """What a gate does to a stranger: an answer without a look at the body."""
    start_response("401 Unauthorized", [("WWW-Authenticate", "Basic")])
    return [b"who are you?"]


def test_bodies_of_any_size_arrive_whole() -> None:
    def digest(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        found = hashlib.sha256()
        while block := environ["wsgi.input"].read(1 << 20):
            found.update(block)
        start_response("200 OK", [])
        return [found.hexdigest().encode()]

    with toy_server(digest) as toy:
        client = toy.connect()
        for size in (0, 1, 65_535, 65_536, 65_537, 5_000_000):
            content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
            client.send(f"PUT / HTTP/1.1\r\nHost: toy\r\nContent-Length: {size}\r\n\r\n".encode() + content)
            assert client.answer().content.decode() == hashlib.sha256(content).hexdigest()
            client.send("PUT / HTTP/1.1\r\nHost: toy\r\nTransfer-Encoding: chunked\r\n\r\n")
            for at in range(0, size, 100_000):
                piece = content[at : at + 100_000]
                client.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            client.send("0\r\nTrailer: dropped\r\n\r\n")
            assert client.answer().content.decode() == hashlib.sha256(content).hexdigest()
    assert [request[3] for request in toy.accounted[-2:]] == [5_000_000] * 2


def test_many_small_chunks_cost_linear_time() -> None:
    with toy_server(echo) as toy:
        client = toy.connect()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        client.send(b"PUT / HTTP/1.1\r\nHost: toy\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.send(b"1\r\nx\r\n" * 100_000 + b"1000000\r\n" + b"y" * (1 << 24) + b"\r\n0\r\n\r\n")
        assert len(client.answer().content) == 100_000 + (1 << 24)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 10


@pytest.mark.parametrize("framing", ["Content-Length: 200000", "Transfer-Encoding: chunked"])
def test_a_refused_body_is_never_the_next_request(framing: str) -> None:
    with toy_server(refuse) as toy:
        client = toy.connect()
        client.send(f"PUT / HTTP/1.1\r\nHost: toy\r\n{framing}\r\n\r\n{SMUGGLED}")
        answer = client.answer()
        assert (answer.status, answer.headers["connection"]) == (401, "close")
        client.sock.shutdown(socket.SHUT_WR)
        assert client.is_closed()
    assert len(toy.accounted) == 1


def test_a_small_refused_body_leaves_the_connection_usable() -> None:
    with toy_server(refuse) as toy:
        client = toy.connect()
        for _ in range(3):
            client.send(f"PROPFIND / HTTP/1.1\r\nHost: toy\r\nContent-Length: {len(SMUGGLED)}\r\n\r\n{SMUGGLED}")
            assert client.answer().status == 401
        client.close()
    assert [request[0] for request in toy.accounted] == ["PROPFIND"] * 3


def test_a_client_that_sends_on_still_reads_its_refusal() -> None:
    with toy_server(refuse) as toy:
        client = toy.connect()
        size = 8_000_000
        client.send(f"PUT / HTTP/1.1\r\nHost: toy\r\nContent-Length: {size}\r\n\r\n".encode() + b"x" * size)
        assert client.answer().status == 401


def test_a_client_that_sends_its_whole_body_first_is_not_told_of_an_end_before() -> None:
    """KDE's takes the end of the other direction for a broken connection, and never asks for the password."""
    with toy_server(refuse) as toy:
        client = toy.connect()
        client.send(b"PUT / HTTP/1.1\r\nHost: toy\r\nContent-Length: 200000\r\n\r\n" + b"x" * 100_000)
        answer = client.answer()
        assert (answer.status, answer.headers["connection"]) == (401, "close")
        client.sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.sock.recv(1)
        client.sock.settimeout(20)
        client.send(b"x" * 100_000)
        client.sock.shutdown(socket.SHUT_WR)
        assert client.is_closed()
    assert len(toy.accounted) == 1


def test_a_refused_body_costs_no_memory() -> None:
    with toy_server(refuse, drain_limit=1 << 30, threads=2) as toy:
        client = toy.connect()
        client.send(b"PUT / HTTP/1.1\r\nHost: toy\r\nContent-Length: 300000000\r\n\r\n")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        block = b"x" * 1_000_000
        for _ in range(300):
            client.send(block)
        assert client.answer().status == 401
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


def test_draining_has_an_end() -> None:
    with toy_server(refuse, drain_limit=1 << 20) as toy:
        client = toy.connect()
        client.send("PUT / HTTP/1.1\r\nHost: toy\r\nTransfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(ConnectionError):
            client.send((b"10000\r\n" + b"x" * 65536 + b"\r\n") * 1000)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("PUT / HTTP/1.1\r\nHost: toy\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: toy\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: toy\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        ("PUT / HTTP/1.1\r\nHost: toy\r\nX: a\r\n b: c\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\n\r\n", 400),
    ],
)
def test_a_refused_head_closes(head: str, status: int) -> None:
    with toy_server(hello) as toy:
        client = toy.connect()
        client.send(head + SMUGGLED)
        answer = client.answer()
        assert (answer.status, answer.headers["connection"]) == (status, "close")
        client.sock.shutdown(socket.SHUT_WR)
        assert client.is_closed()
    assert [request[:2] for request in toy.accounted] == [("-", status)]


def test_the_body_is_invited_at_the_first_read_alone() -> None:
    with toy_server(echo) as toy:
        client = toy.connect()
        client.send("PUT / HTTP/1.1\r\nHost: toy\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert client.answer().status == 100
        client.send("hello")
        assert client.answer().content == b"hello"
        assert client.get().status == 200


def test_no_body_is_invited_to_be_refused() -> None:
    with toy_server(refuse) as toy:
        client = toy.connect()
        client.send("PUT / HTTP/1.1\r\nHost: toy\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        answer = client.answer()
        assert (answer.status, answer.headers["connection"]) == (401, "close")


@pytest.mark.parametrize(
    ("framing", "start"),
    [
        ("Content-Length: 1000000", b"x" * 1000),
        ("Content-Length: 1000000", b""),
        ("Transfer-Encoding: chunked", b"5\r\nhel"),
        ("Transfer-Encoding: chunked", b"5\r\nhello\r\n"),
        ("Transfer-Encoding: chunked", b"5\r\nhelloNONSENSE\r\n"),
    ],
)
def test_a_cut_body_is_an_error_at_the_read(framing: str, start: bytes) -> None:
    outcome: list[object] = []
    done = threading.Event()

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        try:
            outcome.append(environ["wsgi.input"].read())
        except ConnectionError as error:
            outcome.append(error)
            raise
        finally:
            done.set()
        return hello(environ, start_response)

    with toy_server(app) as toy:
        client = toy.connect()
        client.send(f"PUT / HTTP/1.1\r\nHost: toy\r\n{framing}\r\n\r\n".encode() + start)
        client.sock.shutdown(socket.SHUT_WR)
        assert done.wait(10)
        assert isinstance(outcome[0], ConnectionError)
        assert client.is_closed()
    assert [request[1] for request in toy.accounted] == [0]


def test_a_small_body_that_is_cut_never_reaches_the_application() -> None:
    with toy_server(hello) as toy:
        client = toy.connect()
        client.send("PUT / HTTP/1.1\r\nHost: toy\r\nContent-Length: 10\r\n\r\nshort")
        client.sock.shutdown(socket.SHUT_WR)
        assert client.is_closed()
    assert toy.accounted == []


def test_the_environ_is_that_of_pep_3333() -> None:
    seen: list[dict[str, Any]] = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append(environ)
        return hello(environ, start_response)

    with toy_server(app) as toy:
        client = toy.connect()
        client.get("/a%20b?c=d", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https")
        [environ] = seen
        port = toy.port
    assert environ["REQUEST_METHOD"] == "GET"
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"], environ["QUERY_STRING"]) == ("", "/a b", "c=d")
    assert environ["REQUEST_URI"] == "/a%20b?c=d"
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("127.0.0.1", str(port))
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["wsgi.url_scheme"] == "http"
    assert environ["wsgi.input_terminated"] is True
    assert environ["wsgi.version"] == (1, 0)
    assert environ["wsgi.multithread"] is True
    assert "HTTP_X_FORWARDED_FOR" not in environ


def test_a_trusted_proxy_says_whom_it_brings() -> None:
    seen: list[dict[str, Any]] = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append(environ)
        return hello(environ, start_response)

    with toy_server(app, trusted_proxies=("127.0.0.0/8",)) as toy:
        toy.connect().get("/", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https")
        [line] = toy.log_lines()
    assert (seen[0]["REMOTE_ADDR"], seen[0]["wsgi.url_scheme"]) == ("192.0.2.1", "https")
    assert line.split()[1] == "192.0.2.1"


def test_http_1_0_works_with_and_without_host() -> None:
    with toy_server(hello) as toy:
        for fields in ("", "Host: toy\r\n"):
            client = toy.connect()
            client.send(f"GET / HTTP/1.0\r\n{fields}\r\n")
            answer = client.answer()
            assert (answer.content, answer.headers["connection"]) == (b"hello", "close")
            assert client.is_closed()
        client = toy.connect()
        for _ in range(2):
            client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert client.answer().headers["connection"] == "keep-alive"


def test_an_answer_without_content_leaves_the_connection_open_whatever_wsgidav_says() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response(environ["PATH_INFO"].strip("/"), [("Connection", "close")])
        return []

    with toy_server(app) as toy:
        client = toy.connect()
        for _ in range(2):
            answer = client.get("/204")
            assert (answer.status, "connection" in answer.headers) == (204, False)
            assert "content-length" not in answer.headers
        assert client.get("/200").headers["connection"] == "close"
        assert client.is_closed()
