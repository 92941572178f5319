"""What a connection may cost: silent, dripping, idle and slow clients beside real ones."""

from __future__ import annotations

import socket
import statistics
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from sumu_dav.server.answer import FileWrapper
from support.toy import Toy, dripping, echo, eventually, hello, toy_server

GET = b"GET / HTTP/1.1\r\nHost: toy\r\n\r\n"


def latencies(toy: Toy, count: int) -> list[float]:
    """Seconds from a new connection's start to its answer, ascending."""
    took = []
    for _ in range(count):
        begun = time.perf_counter()
        client = toy.connect()
        assert client.get().content == b"hello"
        took.append(time.perf_counter() - begun)
        client.close()
    return sorted(took)


def test_1000_silent_and_200_dripping_connections_delay_nobody() -> None:
    with toy_server(hello) as toy:
        for _ in range(1000):
            toy.connect()
        slow = [toy.connect() for _ in range(200)]
        for client in slow:
            client.send("GET / HTTP/1.1\r\nX: ")
        with dripping(slow):
            took = latencies(toy, 300)
        print(f"median {statistics.median(took) * 1000:.2f} ms, p99 {took[-3] * 1000:.2f} ms")
        assert took[-3] < 0.25, "p99 is 2 ms on an idle machine; 50 ms is the promise, the rest is for a busy one"


def test_silent_connections_hold_no_thread_and_end() -> None:
    with toy_server(hello, threads=1, head_timeout=0.5) as toy:
        silent = [toy.connect() for _ in range(20)]
        assert toy.connect().get().status == 200
        assert all(client.is_closed() for client in silent)


def test_a_head_has_its_time_alone_however_it_drips() -> None:
    with toy_server(hello, threads=1, head_timeout=1.0) as toy:
        client = toy.connect()
        client.send("GET / HTTP/1.1\r\nX: ")
        begun = time.monotonic()
        client.sock.settimeout(0.02)
        while time.monotonic() - begun < 10:
            try:
                client.send("x")
                assert client.answer().status == 408
                break
            except TimeoutError:
                continue
        assert 0.9 < time.monotonic() - begun < 5


def test_a_head_in_single_bytes_is_a_head() -> None:
    with toy_server(echo) as toy:
        client = toy.connect()
        for byte in b"\r\nPUT / HTTP/1.1\r\nHost: toy\r\nContent-Length: 3\r\n\r\nabc":
            client.send(bytes([byte]))
        assert client.answer().content == b"abc"


def test_a_head_over_the_limit_is_431() -> None:
    with toy_server(hello, head_limit=1000) as toy:
        client = toy.connect()
        client.send("GET / HTTP/1.1\r\nHost: toy\r\nX: " + "x" * 2000)
        assert client.answer().status == 431
        assert client.is_closed()
        client = toy.connect()
        assert client.get("/", "X: " + "x" * 2000).status == 431


def test_what_can_become_no_head_is_refused_at_once() -> None:
    with toy_server(hello) as toy:
        for start in (b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/1.1\nHost: toy\n\n", b"\n"):
            client = toy.connect()
            client.send(start)
            assert client.answer().status == 400
            assert client.is_closed()


def test_keep_alive_for_as_many_as_there_are() -> None:
    with toy_server(hello, threads=2) as toy:
        clients = [toy.connect() for _ in range(100)]
        for _ in range(3):
            for client in clients:
                assert client.get().status == 200
                assert "connection" not in client.get().headers


def test_an_idle_connection_ends_without_a_word() -> None:
    with toy_server(hello, idle_timeout=0.5) as toy:
        client = toy.connect()
        client.get()
        assert client.is_closed()


def test_the_longest_silent_make_room_for_new_ones() -> None:
    with toy_server(echo, max_connections=50) as toy:
        upload = toy.connect()
        upload.send("PUT / HTTP/1.1\r\nHost: toy\r\nContent-Length: 200000\r\nExpect: 100-continue\r\n\r\n")
        assert upload.answer().status == 100  # a request in hand, no silent connection any more
        upload.send("x" * 100_000)
        silent = [toy.connect() for _ in range(50)]
        for _ in range(20):
            assert toy.connect().get().status == 200
        assert silent[0].is_closed()
        upload.send("x" * 100_000)
        assert upload.answer().content == b"x" * 200_000
        assert len(toy.server.requests.connections) <= 60


def test_pipelined_requests_are_answered_in_order() -> None:
    with toy_server(echo) as toy:
        client = toy.connect()
        bodies = [b"%d" % n for n in range(20)]
        client.send(
            b"".join(b"PUT / HTTP/1.1\r\nHost: toy\r\nContent-Length: %d\r\n\r\n%b" % (len(b), b) for b in bodies)
        )
        assert [client.answer().content for _ in bodies] == bodies


def test_small_bodies_that_do_not_come_hold_no_thread() -> None:
    with toy_server(hello, threads=1, body_grace=0.5) as toy:
        waiting = [toy.connect() for _ in range(10)]
        for client in waiting:
            client.send("PROPFIND / HTTP/1.1\r\nHost: toy\r\nContent-Length: 10\r\n\r\n123")
        assert toy.connect().get().status == 200
        assert [client.answer().status for client in waiting] == [408] * 10


def test_an_upload_that_stalls_is_cut() -> None:
    errors: list[BaseException] = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        try:
            environ["wsgi.input"].read()
        except ConnectionError as error:
            errors.append(error)
            raise
        return hello(environ, start_response)

    with toy_server(app, threads=1, body_grace=0.5) as toy:
        client = toy.connect()
        client.send("PUT / HTTP/1.1\r\nHost: toy\r\nContent-Length: 1000000\r\n\r\n" + "x" * 100000)
        assert client.is_closed()
        assert len(errors) == 1
        assert toy.connect().get().status == 200


def test_clients_that_do_not_read_their_answers_hold_no_thread() -> None:
    content = b"x" * 20_000_000

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [content if environ["PATH_INFO"] == "/large" else b"hello"]

    with toy_server(app, threads=1, body_grace=1) as toy:
        slow = [toy.connect() for _ in range(5)]
        for client in slow:
            client.send("GET /large HTTP/1.1\r\nHost: toy\r\n\r\n")
        assert toy.connect().get().content == b"hello"
        assert slow[0].answer().content == content
        assert eventually(lambda: len(toy.accounted) == 6)
        assert len(slow[1].rest()) < len(content)


def test_a_connection_gone_in_its_head_leaves_nothing() -> None:
    with toy_server(hello) as toy:
        client = toy.connect()
        client.send("GET / HT")
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
        other = toy.connect()
        assert other.get().status == 200
        other.close()
        assert eventually(lambda: not toy.server.requests.connections)


def congestion_control(sock: socket.socket) -> bytes:
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0")


@pytest.mark.parametrize(("host", "is_local"), [("127.0.0.1", True), ("0.0.0.0", False)])
def test_packets_are_timed_for_other_machines_alone(host: str, is_local: bool) -> None:
    with toy_server(hello, host=host) as toy, socket.socket() as usual:
        assert toy.connect().get().content == b"hello"
        [connection] = toy.server.requests.connections.values()
        expected = b"reno" if is_local else congestion_control(usual)
        assert congestion_control(connection.socket) == congestion_control(toy.server.socket) == expected


def read_slowly(client: socket.socket, size: int, *, slow: int, at_once: int = 25_000) -> int:
    """Take `slow` bytes at 250 KB a second and the rest at once; how many bytes came before the end."""
    received = 0
    while received < size and (data := client.recv(at_once if received < slow else 1 << 20)):
        received += len(data)
        if received < slow:
            time.sleep(at_once / 250_000)
    return received


@pytest.mark.parametrize("streamed", [False, True])
def test_a_client_that_reads_slowly_and_steadily_gets_it_all(tmp_path: Path, streamed: bool) -> None:
    content = bytes(12_000_000)
    path = tmp_path / "video"
    path.write_bytes(content)

    def app(_environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", str(len(content)))])
        return iter([content]) if streamed else FileWrapper(path.open("rb", buffering=0))

    # the system holds more for the client than it takes within the grace
    with toy_server(app, body_grace=1.5) as toy, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        client.settimeout(20)
        client.connect(("127.0.0.1", toy.port))
        client.sendall(GET)
        assert read_slowly(client, len(content), slow=1_200_000) >= len(content)


def test_a_deadline_from_before_does_not_end_a_request_in_hand() -> None:
    begun, may_end = threading.Event(), threading.Event()

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        begun.set()
        assert may_end.wait(20)
        return hello(environ, start_response)

    with toy_server(app) as toy:
        client = toy.connect()
        client.send(GET)
        assert begun.wait(20)
        [connection] = toy.server.requests.connections.values()
        connection.expire()  # as by a look that began while the answer before was still being sent
        may_end.set()
        assert client.answer().content == b"hello"
