"""Clients of every kind at once, good and bad: each good request is answered, and nothing is left behind."""

from __future__ import annotations

import os
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from sumu_dav.floor import given_up
from support.toy import Client, Toy, eventually, toy_server

SECONDS = 2.0
"""How long the storm lasts."""

BIG = 3_000_000


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Waits in every way that requests do, reads bodies but those of `/refuse`, and answers with their lengths."""
    match environ["PATH_INFO"]:
        case "/disk":
            time.sleep(0.01)
        case "/sync":
            with given_up():
                time.sleep(0.01)
        case "/compute":
            until = time.monotonic() + 0.01
            while time.monotonic() < until:
                pass
        case "/big":
            start_response("200 OK", [])
            return [b"x" * BIG]
        case "/stream":
            start_response("200 OK", [])
            return (b"y" * 5000 for _ in range(20))
        case "/refuse":
            start_response("403 Forbidden", [])
            return [b"no"]
    length = 0
    while block := environ["wsgi.input"].read(5000):
        length += len(block)
    start_response("200 OK", [])
    return [b"%d" % length]


def behave(toy: Toy, dice: random.Random) -> None:
    """One connection with a few requests. Raises where one of them is not answered as it should be."""
    with socket.create_connection(("127.0.0.1", toy.port), timeout=20) as sock:
        client = Client(sock)
        for _ in range(dice.randrange(1, 8)):
            match dice.randrange(4):
                case 0:
                    assert client.get(dice.choice(["/", "/disk", "/sync", "/compute", "/big", "/stream"])).status == 200
                case 1:
                    size = dice.randrange(1, 200_000)
                    client.send(b"PUT / HTTP/1.1\r\nHost: toy\r\nContent-Length: %d\r\n\r\n" % size + b"z" * size)
                    assert client.answer().content == b"%d" % size
                case 2:
                    count = dice.randrange(2, 10)
                    client.send(b"GET /sync HTTP/1.1\r\nHost: toy\r\n\r\n" * count)
                    assert [client.answer().status for _ in range(count)] == [200] * count
                case _:
                    head = "PUT / HTTP/1.1\r\nHost: toy\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
                    client.send(head)
                    assert client.answer().status == 100
                    client.send("3\r\nabc\r\n0\r\n\r\n")
                    assert client.answer().content == b"3"


BAD = (
    b"",
    b"GET /",
    b"GET /big HTTP/1.1\r\nHost: toy\r\n\r\n",
    b"GET /disk HTTP/1.1\r\nHost: toy\r\n\r\n",
    b"PUT /refuse HTTP/1.1\r\nHost: toy\r\nContent-Length: 99999999\r\n\r\nxx",
    b"PUT / HTTP/1.1\r\nHost: toy\r\nContent-Length: 70000\r\n\r\nxx",
    b"nonsense\n",
)


def misbehave(toy: Toy, dice: random.Random) -> None:
    """Some connections that begin something, read nothing, and all end at once, half of them with a reset."""
    socks = []
    for _ in range(dice.randrange(1, 30)):
        sock = socket.create_connection(("127.0.0.1", toy.port), timeout=20)
        sock.sendall(dice.choice(BAD))
        socks.append(sock)
    time.sleep(dice.random() * 0.2)
    for sock in socks:
        if dice.random() < 0.5:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()


@pytest.mark.parametrize("threads", [2, 64])
def test_a_storm_leaves_nothing_behind(threads: int) -> None:
    seed = int(os.environ.get("SUMU_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
    print(f"seed {seed}")
    before = threading.active_count(), len(os.listdir("/proc/self/fd"))
    failures: list[Exception] = []
    with toy_server(application, threads=threads, body_grace=1.0, head_timeout=1.0) as toy:
        until = time.monotonic() + SECONDS

        def go_on(kind: Callable[[Toy, random.Random], None], number: int) -> None:
            dice = random.Random(seed + number)
            while time.monotonic() < until and not failures:
                try:
                    kind(toy, dice)
                except (OSError, EOFError, AssertionError) as error:
                    failures.append(error)

        clients = [threading.Thread(target=go_on, args=(behave, number)) for number in range(4)]
        clients += [threading.Thread(target=go_on, args=(misbehave, number)) for number in (4, 5)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        assert failures == []
        assert eventually(lambda: not toy.server.requests.connections)
        assert toy.connect().get().status == 200
    assert (threading.active_count(), len(os.listdir("/proc/self/fd"))) == before
