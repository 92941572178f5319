"""Few threads take requests at a time, and still no request waits for another that is held up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from sumu_dav.server.turns import AT_ONCE, Turns
from support.toy import toy_server

PATIENCE = 20.0
"""Seconds until a test gives up."""


class Gatekeeper:
    """An application that holds requests of `/held` back until it is told to let them go."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.inside = threading.Semaphore(0)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/held":
            self.inside.release()
            assert self.open.wait(PATIENCE)
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_requests_are_answered_beside_many_that_are_held_up(method: str) -> None:
    keeper = Gatekeeper()
    with toy_server(keeper, threads=AT_ONCE + 6) as server:
        held = [server.connect() for _ in range(AT_ONCE + 3)]
        for client in held:
            client.send(f"{method} /held HTTP/1.1\r\nHost: toy\r\n\r\n")
        for _ in held:
            assert keeper.inside.acquire(timeout=PATIENCE)
        assert server.connect().get("/").content == b"ok"
        keeper.open.set()
        assert [client.answer().content for client in held] == [b"ok"] * len(held)
        for _ in range(20):
            assert server.connect().get("/").content == b"ok"


def test_a_turn_that_was_lent_is_given_back() -> None:
    turns = Turns()
    for _ in range(AT_ONCE):
        threading.Thread(target=turns.take).start()
    turns.lend()
    turns.take()

    # This thread has one too many now: asking again, it gives the lent one back, and waits like everyone.
    told = threading.Timer(0.3, turns.lend)
    told.start()
    turns.take()
    assert told.finished.is_set()
