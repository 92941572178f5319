"""Answers: framing, files, HEAD, and what becomes of an application that fails."""

from __future__ import annotations

import errno
import io
import logging
import os
import random
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sumu_dav.server.answer import BLOCK, INLINE, LARGE, SLOW, FileOut
from support.toy import eventually, hello, toy_server


def file_app(path: Path, *, offset: int = 0, length: int | None = None) -> Any:
    """Answers with a file, from `offset` on."""

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        file = path.open("rb", buffering=0)
        file.seek(offset)
        size = path.stat().st_size - offset if length is None else length
        start_response("200 OK", [("Content-Length", str(size))])
        return environ["wsgi.file_wrapper"](file)

    return app


def test_the_servers_own_headers() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Server", "Application/1.2.3"), ("X-Own", "yes")])
        return [b"a", b"b"]

    with toy_server(app) as toy:
        answer = toy.connect().get()
    assert (answer.headers["server"], answer.headers["x-own"]) == ("sumu_dav", "yes")
    assert answer.headers["date"].endswith(" GMT")
    assert (answer.headers["content-length"], answer.content) == ("2", b"ab")


@pytest.mark.parametrize("size", [0, 1, INLINE, INLINE + 1, BLOCK + 1, 20_000_000])
def test_files_of_every_size(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    content = random.Random(size).randbytes(size)
    path.write_bytes(content)
    with toy_server(file_app(path)) as toy:
        client = toy.connect()
        assert client.get().content == content
        client.send("HEAD / HTTP/1.1\r\nHost: toy\r\n\r\n")
        assert client.answer(bodyless=True).headers["content-length"] == str(size)
        assert client.get().content == content
    assert [request[4] for request in toy.accounted] == [size, 0, size]


@pytest.mark.parametrize("size", [1000, 200_000, 20_000_000])
def test_a_part_of_a_file(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    content = random.Random(size).randbytes(size + 2000)
    path.write_bytes(content)
    with toy_server(file_app(path, offset=1234, length=size)) as toy:
        assert toy.connect().get().content == content[1234 : 1234 + size]


class _Calls:
    """A socket that takes everything, and remembers the size and the flags of each call."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.sizes: list[int] = []
        self.flags: list[int] = []

    def send(self, data: memoryview, flags: int = 0) -> int:
        self.received += data
        self.sizes.append(len(data))
        self.flags.append(flags)
        return len(data)


@pytest.mark.parametrize("length", [0, 1, INLINE])
def test_a_small_file_goes_out_with_its_head_at_once(tmp_path: Path, length: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(length))
    calls: Any = _Calls()
    with path.open("rb") as file:
        answer = FileOut(b"head", file.fileno(), 0, length, encrypted=False)
        while answer.send(calls):
            pass

    assert calls.received == b"head" + bytes(length)
    assert calls.flags == [0], "nothing follows: a system that waits for more would wait in vain"


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize("length", [INLINE + 1, BLOCK, BLOCK + 1, 3 * BLOCK - 1, 3 * BLOCK, 3 * BLOCK + 4, LARGE - 1])
def test_a_file_goes_out_in_equal_blocks_behind_its_head(tmp_path: Path, length: int, encrypted: bool) -> None:
    path = tmp_path / "file"
    content = random.Random(length).randbytes(length)
    path.write_bytes(content)
    calls: Any = _Calls()
    with path.open("rb") as file:
        answer = FileOut(b"head", file.fileno(), 0, length, encrypted=encrypted)
        while answer.send(calls):
            pass

    assert calls.received == b"head" + content
    head, *blocks = calls.sizes
    assert head == len(b"head")
    assert max(blocks) - min(blocks) < len(blocks) == -(-length // BLOCK)
    assert calls.flags == [0 if encrypted else socket.MSG_MORE, *[0] * len(blocks)]


def sent_by_sendfile(path: Path, monkeypatch: pytest.MonkeyPatch, *, encrypted: bool) -> int:
    """Have a client of a slow network take a file; how many bytes went out by sendfile."""
    content = path.read_bytes()
    sent = 0
    sendfile = os.sendfile

    def watched(to: int, of: int, offset: int, count: int) -> int:
        nonlocal sent
        size = sendfile(to, of, offset, count)
        sent += size
        return size

    monkeypatch.setattr(os, "sendfile", watched)
    server, client = socket.socketpair()
    received = bytearray()
    with server, client, path.open("rb") as file:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SLOW // 4)
        server.setblocking(False)
        answer = FileOut(b"head", file.fileno(), 0, len(content), encrypted=encrypted)
        size = 1
        while size:
            try:
                size = answer.send(server)
            except BlockingIOError:
                received += client.recv(1 << 20)
        server.close()
        while data := client.recv(1 << 20):
            received += data
    assert received == b"head" + content
    return sent


def test_a_slow_client_gets_a_file_by_sendfile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(random.Random(1).randbytes(1_000_000))
    sent = sent_by_sendfile(path, monkeypatch, encrypted=False)
    assert 1_000_000 - BLOCK <= sent < 1_000_000, "that it is slow shows when it has taken something"


def test_every_client_gets_a_large_file_by_sendfile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(random.Random(1).randbytes(LARGE))
    assert sent_by_sendfile(path, monkeypatch, encrypted=False) == LARGE


@pytest.mark.parametrize("length", [1_000_000, LARGE])
def test_a_file_system_without_sendfile_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    tried: list[int] = []

    def unsupported(_to: int, _of: int, _offset: int, count: int) -> int:
        tried.append(count)
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "sendfile", unsupported)
    path = tmp_path / "file"
    path.write_bytes(random.Random(1).randbytes(length))
    sent_by_sendfile(path, monkeypatch, encrypted=False)
    assert len(tried) == 1


def test_a_disk_that_fails_is_not_tried_in_another_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_to: int, _of: int, _offset: int, _count: int) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "sendfile", failing)
    path = tmp_path / "file"
    path.write_bytes(bytes(LARGE))
    with pytest.raises(OSError, match="Input/output"):
        sent_by_sendfile(path, monkeypatch, encrypted=False)


@pytest.mark.parametrize("length", [1_000_000, LARGE])
def test_tls_has_no_sendfile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(random.Random(1).randbytes(length))
    assert sent_by_sendfile(path, monkeypatch, encrypted=True) == 0


def test_a_file_wrapper_that_a_middleware_unwraps_is_an_iterator(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 600_000)
    inner = file_app(path)

    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        with closing(inner(environ, start_response)) as blocks:
            yield from blocks

    with toy_server(app) as toy:
        assert len(toy.connect().get().content) == 600_000


def test_a_file_without_a_descriptor_is_read() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](io.BytesIO(b"in memory"), 3)

    with toy_server(app) as toy:
        assert toy.connect().get().content == b"in memory"


def test_files_are_closed_and_a_client_that_leaves_is_no_news(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 40_000_000)
    before = len(os.listdir("/proc/self/fd"))
    with toy_server(file_app(path)) as toy:
        for _ in range(3):
            client = toy.connect()
            client.send("GET / HTTP/1.1\r\nHost: toy\r\n\r\n")
            client.sock.recv(1000)
            client.close()
        assert eventually(lambda: len(toy.accounted) == 3)
        assert all(request[1] == 200 and request[4] < 40_000_000 for request in toy.accounted)
    assert caplog.records == []
    assert len(os.listdir("/proc/self/fd")) <= before


def test_a_file_that_shrinks_ends_the_connection(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 1000)
    with toy_server(file_app(path, length=500_000)) as toy:
        client = toy.connect()
        with pytest.raises(EOFError):
            client.get()


def test_a_stream_without_a_length() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b""
        yield b"one "
        yield b"two"

    with toy_server(app) as toy:
        client = toy.connect()
        for _ in range(2):
            answer = client.get()
            assert (answer.headers["transfer-encoding"], answer.content) == ("chunked", b"one two")
        client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        answer = client.answer()
        assert (answer.headers["connection"], answer.content) == ("close", b"one two")
    assert [request[4] for request in toy.accounted] == [7, 7, 7]


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_answers_that_have_no_content(status: str) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response(status, [("ETag", '"1"')])
        return [b"must not be sent"]

    with toy_server(app) as toy:
        client = toy.connect()
        for _ in range(2):
            assert client.get().headers.get("content-length") is None


@pytest.mark.parametrize(("announced", "sent"), [(3, b"hello"), (9, b"hello")])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_wrong_length_of_the_application_ends_the_connection(announced: int, sent: bytes, streamed: bool) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", str(announced))])
        return iter([sent]) if streamed else [sent]

    with toy_server(app) as toy:
        client = toy.connect()
        client.send("GET / HTTP/1.1\r\nHost: toy\r\n\r\n")
        assert client.rest().endswith(b"\r\n\r\n" + sent[:announced])


def test_an_exception_is_a_plain_500_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        raise ValueError("the secret cause")

    with toy_server(app) as toy:
        client = toy.connect()
        answer = client.get()
        assert (answer.status, b"secret" in answer.content) == (500, False)
        assert client.is_closed()
        assert toy.connect().get().status == 500
    assert "the secret cause" in caplog.text


def test_an_exception_in_mid_answer_ends_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"half"
        raise ValueError("too late")

    with toy_server(app) as toy:
        client = toy.connect()
        with pytest.raises(EOFError):
            client.get()
    assert "too late" in caplog.text


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\nb", "a\0b", "\u20ac"])
def test_a_header_that_would_split_the_answer_is_a_500(value: str, caplog: pytest.LogCaptureFixture) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("X-Name", value)])
        return [b""]

    with toy_server(app) as toy:
        answer = toy.connect().get()
    assert answer.status == 500
    assert "set-cookie" not in answer.headers


def test_start_response_may_be_called_again_with_an_exception() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Length", "7")])
        try:
            raise ValueError
        except ValueError as error:
            start_response("409 Conflict", [], (ValueError, error, error.__traceback__))
        return [b"sorry"]

    with toy_server(app) as toy:
        answer = toy.connect().get()
    assert (answer.status, answer.content) == (409, b"sorry")


def test_the_write_callable() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        write = start_response("200 OK", [("Content-Length", "7")])
        write(b"one ")
        return [b"two"]

    with toy_server(app) as toy:
        client = toy.connect()
        assert client.get().content == b"one two"
        assert client.get().content == b"one two"


def test_close_is_called_once_whatever_happens() -> None:
    closed = []

    class Result:
        def __init__(self, failing: bool) -> None:
            self.failing = failing

        def __iter__(self) -> Iterator[bytes]:
            yield b"one"
            if self.failing:
                raise ConnectionResetError("of the application's own")

        def close(self) -> None:
            closed.append(self.failing)

    def app(environ: dict[str, Any], start_response: Any) -> Result:
        start_response("200 OK", [])
        return Result(environ["PATH_INFO"] == "/fail")

    with toy_server(app) as toy:
        toy.connect().get("/")
        # The answer may be read before the thread that sent it has closed the result.
        assert eventually(lambda: closed == [False])
        client = toy.connect()
        client.send("GET /fail HTTP/1.1\r\nHost: toy\r\n\r\n")
        client.rest()
        assert eventually(lambda: closed == [False, True])


def test_the_log_has_a_line_a_request_and_no_secret() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        environ["sumu.user"] = "alice"
        return hello(environ, start_response)

    with toy_server(app) as toy:
        toy.connect().get("/a%0Ab?token=geheim", "Authorization: Basic Z2VoZWlt")
        client = toy.connect()
        client.send("nonsense geheim\r\n\r\n")
        client.answer()
        first, second = toy.log_lines()
    assert first.split()[1:-1] == ["127.0.0.1", "alice", "GET", "/a%0Ab", "200", "in=0", "out=5"]
    assert second.split()[1:6] == ["127.0.0.1", "-", "-", "-", "400"]


def test_nothing_is_logged_as_an_error_in_a_good_day(caplog: pytest.LogCaptureFixture) -> None:
    with toy_server(hello) as toy, caplog.at_level(logging.DEBUG, "sumu_dav"):
        toy.connect().get()
    assert caplog.records == []
