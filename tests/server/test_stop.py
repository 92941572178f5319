"""The end: requests in hand get their time, uploads in flight are cut, and nothing is left."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from typing import Any

import pytest

from sumu_dav.server.connection import Phase
from support.toy import Client, echo, eventually, hello, toy_server


def test_idle_connections_close_at_once() -> None:
    with toy_server(hello, stop_timeout=30) as toy:
        idle = [toy.connect() for _ in range(20)]
        for client in idle[:10]:
            client.get()
        begun = time.monotonic()
        toy.server.stop()
        assert time.monotonic() - begun < 5
        assert all(client.is_closed() for client in idle)
        with pytest.raises(ConnectionRefusedError):
            toy.connect()


def test_a_request_in_hand_is_answered() -> None:
    entered, release = threading.Event(), threading.Event()

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        entered.set()
        release.wait(20)
        return hello(environ, start_response)

    with toy_server(app, stop_timeout=20) as toy:
        client = toy.connect()
        client.send("GET / HTTP/1.1\r\nHost: toy\r\n\r\n")
        assert entered.wait(10)
        stopping = threading.Thread(target=toy.server.stop)
        stopping.start()
        assert eventually(lambda: not toy.server.ready)
        release.set()
        answer = client.answer()
        assert (answer.content, answer.headers.get("connection")) == (b"hello", "close")
        stopping.join(10)
        assert not stopping.is_alive()


def test_an_upload_that_ends_in_time_is_taken() -> None:
    with toy_server(echo, stop_timeout=20) as toy:
        client = toy.connect()
        client.send("PUT / HTTP/1.1\r\nHost: toy\r\nContent-Length: 200000\r\n\r\n" + "x" * 100_000)
        assert eventually(
            lambda: [c.phase for c in list(toy.server.requests.connections.values())] == [Phase.ANSWERING]
        )
        stopping = threading.Thread(target=toy.server.stop)
        stopping.start()
        assert eventually(lambda: not toy.server.ready)
        client.send("x" * 100_000)
        assert client.answer().content == b"x" * 200_000
        stopping.join(10)
        assert not stopping.is_alive()


def test_an_upload_that_goes_on_is_cut_as_an_error() -> None:
    outcome: list[BaseException] = []
    entered = threading.Event()

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        entered.set()
        try:
            environ["wsgi.input"].read()
        except ConnectionError as error:
            outcome.append(error)
            raise
        return hello(environ, start_response)

    with toy_server(app, stop_timeout=0.5) as toy:
        client = toy.connect()
        client.send("PUT / HTTP/1.1\r\nHost: toy\r\nContent-Length: 1000000\r\n\r\nhalf")
        assert entered.wait(10)
        begun = time.monotonic()
        toy.server.stop()
        assert time.monotonic() - begun > 0.4
        assert len(outcome) == 1
        assert client.is_closed()


def test_threads_and_descriptors_are_gone() -> None:
    threads, descriptors = threading.active_count(), len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with toy_server(hello) as toy:
            for _ in range(10):
                toy.connect().get()
    assert threading.active_count() == threads
    assert len(os.listdir("/proc/self/fd")) == descriptors


PROGRAM = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from sumu_dav.server.launcher import serve
from sumu_dav.server.options import ServerOptions
def app(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
serve(app, ServerOptions(port=0), on_ready=lambda url: print(url, flush=True),
      on_hangup=lambda: print("reloaded", flush=True))
print("ended in order", flush=True)
"""


def test_signals_in_a_process_with_too_few_descriptors() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline()
            assert url.startswith("http://127.0.0.1:")
            address = ("127.0.0.1", int(url.rstrip("/\n").rpartition(":")[2]))
            with ExitStack() as silent:
                for _ in range(200):
                    silent.enter_context(socket.create_connection(address))
                client = Client(silent.enter_context(socket.create_connection(address, timeout=20)))
                assert client.get().content == b"hello"
            process.send_signal(signal.SIGHUP)
            assert process.stdout.readline() == "reloaded\n"
            process.send_signal(signal.SIGTERM)
            assert process.stdout.readline() == "ended in order\n"
            assert process.wait(10) == 0
        finally:
            process.kill()


NOT_REENTRANT = """
import threading, time
from sumu_dav.server.launcher import serve
from sumu_dav.server.options import ServerOptions
lock = threading.Lock()
def app(environ, start_response):
    with lock:
        start_response("200 OK", [])
        return [b"hello"]
def reload():
    with lock:
        print("begun", flush=True)
        time.sleep(0.1)
        print("ended", flush=True)
serve(app, ServerOptions(port=0), on_ready=lambda url: print(url, flush=True), on_hangup=reload)
"""


def test_a_hangup_does_not_meet_itself() -> None:
    """What reloads has locks, and another signal may come while it holds them."""
    with subprocess.Popen([sys.executable, "-c", NOT_REENTRANT], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            address = ("127.0.0.1", int(process.stdout.readline().rstrip("/\n").rpartition(":")[2]))
            process.send_signal(signal.SIGHUP)
            assert process.stdout.readline() == "begun\n"
            process.send_signal(signal.SIGHUP)
            assert [process.stdout.readline() for _ in range(3)] == ["ended\n", "begun\n", "ended\n"]
            with socket.create_connection(address, timeout=20) as sock:
                assert Client(sock).get().content == b"hello"
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        finally:
            process.kill()
