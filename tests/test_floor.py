"""One thread at a time has the floor, and still nobody waits for another that is held up."""

from __future__ import annotations

import threading
import time

import pytest

from sumu_dav.floor import LONGEST_REST, PATIENCE, PIECE, REST, Background, Floor, given_up

GIVES_UP = 20.0
"""Seconds until a test gives up."""


class Speaker(threading.Thread):
    """Takes the floor and waits with it, by `wait` or by `given_up`."""

    def __init__(self, floor: Floor, *, politely: bool) -> None:
        super().__init__(daemon=True)
        self.begun, self.may_end, self.ended = threading.Event(), threading.Event(), threading.Event()
        self._floor = floor
        self._politely = politely
        self.start()
        assert self.begun.wait(GIVES_UP)

    def run(self) -> None:
        self._floor.take()
        if self._politely:
            with given_up():
                self._wait()
            assert self._floor.give_up()
        else:
            self._wait()
            assert not self._floor.give_up(), "it was taken from this thread meanwhile"
        self.ended.set()

    def _wait(self) -> None:
        self.begun.set()
        assert self.may_end.wait(GIVES_UP)


@pytest.mark.parametrize("politely", [True, False])
def test_whoever_waits_loses_the_floor(politely: bool) -> None:
    floor = Floor()
    speaker = Speaker(floor, politely=politely)
    floor.take()
    assert floor.give_up()
    speaker.may_end.set()
    assert speaker.ended.wait(GIVES_UP)
    floor.take()
    assert floor.give_up()


def test_what_nobody_waits_for_is_taken_by_who_looks_now_and_then() -> None:
    floor = Floor()
    speaker = Speaker(floor, politely=False)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() <= deadline:
        floor.relieve()
    floor.relieve()
    speaker.may_end.set()
    assert speaker.ended.wait(GIVES_UP)


def test_threads_of_no_floor_give_up_none() -> None:
    with given_up():
        pass


def test_one_thread_at_a_time_has_the_floor_and_each_gets_it() -> None:
    floor = Floor()
    counts = [0] * 6
    inside: set[int] = set()
    most: list[int] = []
    stop = threading.Event()

    def work(number: int) -> None:
        while not stop.is_set():
            floor.take()
            inside.add(number)
            most.append(len(inside))
            inside.discard(number)
            counts[number] += 1
            floor.give_up()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(counts))]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + GIVES_UP
    while min(counts) < 50 and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join(GIVES_UP)
    assert min(counts) >= 50
    overlapping = sum(number > 1 for number in most)
    assert overlapping <= len(most) / 100, "only a thread that was kept from running longer than PATIENCE is overtaken"


def test_the_watch_is_one_threads_and_goes_on_when_it_waits() -> None:
    floor = Floor()
    watching: list[int] = []
    ring = threading.Condition()

    def work(number: int) -> None:
        floor.watch()
        with ring:
            watching.append(number)
            ring.notify_all()
            assert ring.wait_for(lambda: stopped, GIVES_UP)
        floor.take()
        floor.give_up()

    stopped: list[bool] = []
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    with ring:
        assert ring.wait_for(lambda: watching, GIVES_UP)
        assert not ring.wait_for(lambda: len(watching) > 1, 0.2)
        stopped.append(True)
        ring.notify_all()
    for thread in threads:
        thread.join(GIVES_UP)
    assert sorted(watching) == [0, 1, 2, 3]


class Watcher(threading.Thread):
    """Watches once, and takes the floor for what it saw."""

    def __init__(self, floor: Floor) -> None:
        super().__init__(daemon=True)
        self.watched = threading.Event()
        self._floor = floor
        self.start()

    def run(self) -> None:
        self._floor.watch()
        self.watched.set()
        self._floor.take()
        self._floor.give_up()


def test_nobody_watches_while_one_speaks() -> None:
    floor = Floor()
    floor.take()
    watcher = Watcher(floor)
    assert not watcher.watched.wait(PATIENCE), "it would take the interpreter from the speaker, and get in line"
    floor.give_up()
    assert watcher.watched.wait(GIVES_UP)
    watcher.join(GIVES_UP)


def test_those_who_speak_in_turn_do_not_keep_others_from_watching() -> None:
    floor = Floor()
    stop = threading.Event()

    def speak() -> None:
        while not stop.is_set():
            floor.take()
            _wait_for_ready(floor, 1, stop)  # so that the floor is never free
            floor.give_up()

    floor.take()
    watcher = Watcher(floor)
    speakers = [threading.Thread(target=speak, daemon=True) for _ in range(3)]
    for thread in speakers:
        thread.start()
    _wait_for_ready(floor, len(speakers), stop)
    floor.give_up()
    deadline = time.monotonic() + GIVES_UP
    while not watcher.watched.is_set() and time.monotonic() < deadline:
        floor.relieve()
        time.sleep(PATIENCE / 10)
    watched_beside_them = watcher.watched.is_set()
    stop.set()
    for thread in (watcher, *speakers):
        thread.join(GIVES_UP)
        assert not thread.is_alive()
    assert watched_beside_them


def _wait_for_ready(floor: Floor, count: int, stop: threading.Event) -> None:
    deadline = time.monotonic() + GIVES_UP
    while len(floor._ready) < count and not stop.is_set() and time.monotonic() < deadline:
        time.sleep(0)


@pytest.fixture
def rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of all rests, none of which is taken."""
    taken: list[float] = []
    monkeypatch.setattr("sumu_dav.floor.sleep", taken.append)
    return taken


def work(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def test_the_background_rests_beside_requests_alone(rests: list[float]) -> None:
    floor, background = Floor(), Background()
    work(PIECE)
    background.rest()
    assert rests == [], "there were no requests"

    floor.take()
    floor.give_up()
    work(PIECE)
    background.rest()
    assert len(rests) == 1
    assert REST * PIECE <= rests[0] <= LONGEST_REST

    work(PIECE)
    background.rest()
    assert len(rests) == 1, "there were no more"


def test_the_background_works_for_a_while_before_it_rests(rests: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sumu_dav.floor.PIECE", GIVES_UP)
    floor, background = Floor(), Background()
    floor.take()
    floor.give_up()
    background.rest()
    assert rests == []


def test_no_rest_is_without_end(rests: list[float]) -> None:
    floor, background = Floor(), Background()
    floor.take()
    floor.give_up()
    work(2 * LONGEST_REST / REST)
    background.rest()
    assert rests == [LONGEST_REST]
