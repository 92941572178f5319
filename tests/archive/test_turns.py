"""Shared and only turns in a user's tree."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from sumu_dav.archive.turns import Turns

GIVES_UP = 20.0
"""Seconds until a test gives up."""


def started(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_shared_turns_are_shared_and_the_only_one_is_alone() -> None:
    turns = Turns()
    together = threading.Barrier(3)
    order: list[str] = []

    def share() -> None:
        with turns.beside("alice"):
            together.wait(GIVES_UP)
            together.wait(GIVES_UP)
            order.append("beside")

    def alone() -> None:
        with turns.alone("alice"):
            order.append("alone")

    sharing = [started(share), started(share)]
    together.wait(GIVES_UP)
    waiting = started(alone)
    with turns.alone("bob"):
        together.wait(GIVES_UP)
    for thread in (*sharing, waiting):
        thread.join(GIVES_UP)
    assert order == ["beside", "beside", "alone"]


def test_the_only_turn_may_be_had_again_by_who_has_it() -> None:
    turns = Turns()
    with turns.alone("alice"), turns.alone("bob", "alice"):
        pass
    with turns.beside("alice"):
        pass


@pytest.mark.parametrize("greedy", ["alone", "beside"])
def test_neither_kind_overtakes_the_other_without_end(greedy: str) -> None:
    turns = Turns()
    stop = threading.Event()
    other = turns.beside if greedy == "alone" else turns.alone

    def again_and_again() -> None:
        take = turns.alone if greedy == "alone" else turns.beside
        while not stop.is_set():
            with take("alice"):
                threading.Event().wait(0.001)

    def once() -> None:
        for _ in range(5):
            with other("alice"):
                pass
        served.set()

    served = threading.Event()
    threads = [started(again_and_again) for _ in range(3)]
    started(once)
    assert served.wait(GIVES_UP)
    stop.set()
    for thread in threads:
        thread.join(GIVES_UP)
