"""Requests that are held up, by a disk that hangs or by clients that hardly send: others go on, and so does the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sumu_dav.server import workers
from support.toy import Client, Toy, dripping, eventually, toy_server

GIVES_UP = 20.0
"""Seconds until a test gives up."""

SOON = 5.0
"""Seconds: what is measured takes hundredths of one, and this machine may be busy with other things."""


class HangingDisk:
    """An application whose `/held` hangs as a disk does, without a word to anybody; it answers `ok` to the rest."""

    def __init__(self) -> None:
        self.mended = threading.Event()
        self.inside = threading.Semaphore(0)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/held":
            self.inside.release()
            self.mended.wait(2 * GIVES_UP)
        while environ["wsgi.input"].read(65536):
            pass
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]


@contextmanager
def hanging(count: int, method: str = "GET", **options: Any) -> Iterator[tuple[HangingDisk, Toy, list[Client]]]:
    """A server that has not been asked for a while, and then has `count` requests that hang."""
    disk = HangingDisk()
    with toy_server(disk, **options) as toy:
        try:
            assert eventually(lambda: toy.server.requests.relieve() == workers.IDLE_LOOK)
            held = [toy.connect() for _ in range(count)]
            for client in held:
                client.send(f"{method} /held HTTP/1.1\r\nHost: toy\r\n\r\n")
            for _ in held:
                assert disk.inside.acquire(timeout=GIVES_UP)
            yield disk, toy, held
        finally:
            disk.mended.set()


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_requests_are_answered_beside_many_that_are_held_up(method: str) -> None:
    with hanging(5, method=method, threads=8) as (disk, server, held):
        assert server.connect().get("/").content == b"ok"
        disk.mended.set()
        assert [client.answer().content for client in held] == [b"ok"] * len(held)
        for _ in range(20):
            assert server.connect().get("/").content == b"ok"


def test_a_connection_that_was_there_before_does_not_wait_for_the_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new one would wake up the thread that accepts; nothing else does."""
    monkeypatch.setattr(workers, "IDLE_LOOK", 10 * GIVES_UP)
    monkeypatch.setattr("sumu_dav.server.launcher.TICK", 10 * GIVES_UP)
    disk = HangingDisk()
    with toy_server(disk, threads=2) as toy:
        held, other = toy.connect(), toy.connect()
        for client in (held, other):
            assert client.get().content == b"ok"
        assert eventually(lambda: toy.server.requests.relieve() > GIVES_UP)
        held.send("GET /held HTTP/1.1\r\nHost: toy\r\n\r\n")
        assert disk.inside.acquire(timeout=GIVES_UP)
        assert other.get().content == b"ok"
        disk.mended.set()
        assert held.answer().content == b"ok"


def test_nobody_dozes_while_a_thread_may_still_be_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have waited for the floor first, and have come to it after the last look."""
    disk = HangingDisk()
    with toy_server(disk, threads=2) as toy:
        assert toy.connect().get().content == b"ok"
        monkeypatch.setattr("sumu_dav.floor.PATIENCE", GIVES_UP)
        held = toy.connect()
        held.send("GET /held HTTP/1.1\r\nHost: toy\r\n\r\n")
        assert disk.inside.acquire(timeout=GIVES_UP)
        assert [toy.server.requests.relieve() for _ in range(5)] == [workers.BUSY_LOOK] * 5
        disk.mended.set()
        assert held.answer().content == b"ok"


def test_more_threads_are_started_when_all_hang() -> None:
    count = workers.FIRST_THREADS + 5
    with hanging(count, threads=count + 1) as (disk, toy, held):
        assert toy.connect().get().content == b"ok"
        disk.mended.set()
        assert [client.answer().content for client in held] == [b"ok"] * count


def test_there_are_as_many_threads_as_the_settings_allow() -> None:
    count = workers.FIRST_THREADS + 2
    before = threading.active_count()
    with hanging(count, threads=count) as (disk, toy, held):
        waiting = toy.connect()
        waiting.send("GET / HTTP/1.1\r\nHost: toy\r\n\r\n")
        waiting.sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            waiting.answer()
        assert threading.active_count() - before == count + 1  # and the one that accepts
        disk.mended.set()
        waiting.sock.settimeout(GIVES_UP)
        assert waiting.answer().content == b"ok"
        assert [client.answer().content for client in held] == [b"ok"] * count


def test_a_system_that_gives_no_more_threads_costs_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk = HangingDisk()
    with toy_server(disk, threads=workers.FIRST_THREADS + 20) as toy:
        assert toy.connect().get().content == b"ok"

        def refuse(thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(threading.Thread, "start", refuse)
        held = [toy.connect() for _ in range(workers.FIRST_THREADS)]
        for client in held:
            client.send("GET /held HTTP/1.1\r\nHost: toy\r\n\r\n")
        assert eventually(lambda: "can't start new thread" in caplog.text)
        disk.mended.set()
        assert [client.answer().content for client in held] == [b"ok"] * len(held)
        assert toy.connect().get().content == b"ok"
        monkeypatch.undo()


def test_200_dripping_uploads_delay_nobody() -> None:
    with toy_server(HangingDisk(), threads=256) as toy:
        slow = [toy.connect() for _ in range(200)]
        for client in slow:
            client.send("PUT / HTTP/1.1\r\nHost: toy\r\nContent-Length: 1000000\r\n\r\nx")
        with dripping(slow):
            assert toy.connect().get().content == b"ok"  # as soon as there are enough threads
            took = []
            for _ in range(100):
                begun = time.perf_counter()
                assert toy.connect().get().content == b"ok"
                took.append(time.perf_counter() - begun)
        assert sorted(took)[-2] < 0.5, "50 ms is the promise, the rest is for a busy machine"


@pytest.mark.parametrize("threads", [1, 2, 8])
@pytest.mark.parametrize("mended", [True, False])
def test_the_end_waits_for_what_hangs_as_long_as_it_says(
    threads: int, mended: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever one thread keeps from the others: they close what is idle, send what is left, and end."""
    monkeypatch.setattr(workers, "CUT_TIMEOUT", 0.5)
    with hanging(threads, threads=threads, stop_timeout=GIVES_UP if mended else 0.5) as (disk, toy, held):
        idle = toy.connect()
        begun = time.monotonic()
        stopping = threading.Thread(target=toy.server.stop)
        stopping.start()
        if mended:
            assert eventually(lambda: not toy.server.ready)
            disk.mended.set()
            assert [client.answer().headers["connection"] for client in held] == ["close"] * threads
        stopping.join(GIVES_UP)
        assert not stopping.is_alive()
        most = SOON if mended else 0.5 + workers.CUT_TIMEOUT + workers.END_TIMEOUT + SOON
        assert time.monotonic() - begun < most
        if mended:
            assert idle.is_closed()


def test_idle_connections_close_at_the_end_while_a_request_hangs() -> None:
    with hanging(1, threads=4, stop_timeout=GIVES_UP) as (disk, toy, held):
        idle = [toy.connect() for _ in range(10)]
        stopping = threading.Thread(target=toy.server.stop)
        stopping.start()
        assert all(client.is_closed() for client in idle)
        disk.mended.set()
        assert held[0].answer().content == b"ok"
        stopping.join(GIVES_UP)
        assert not stopping.is_alive()


def test_the_end_comes_at_once_where_clients_ask_without_a_pause() -> None:
    """A connection that is answered in the moment of the stop is closed behind its answer."""
    with toy_server(HangingDisk(), threads=4, stop_timeout=GIVES_UP) as toy:
        clients = [toy.connect() for _ in range(8)]
        answered = threading.Semaphore(0)

        def ask(client: Client) -> None:
            try:
                while client.get().content == b"ok":
                    answered.release()
            except (EOFError, OSError):
                pass

        threads = [threading.Thread(target=ask, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        for _ in range(200):
            assert answered.acquire(timeout=GIVES_UP)
        begun = time.monotonic()
        toy.server.stop()
        assert time.monotonic() - begun < SOON
        for thread in threads:
            thread.join(GIVES_UP)
            assert not thread.is_alive()
