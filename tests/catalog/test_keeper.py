"""The thread behind a store: it ends when it is told to, whenever that comes."""

from __future__ import annotations

import threading

import pytest

from sumu_dav.catalog import keeper
from sumu_dav.catalog.keeper import Keeper
from support.toy import eventually


class _StoppedBeforeClear(threading.Event):
    """The event of a call, and a stop that comes just before the call counts as heard."""

    def __init__(self, stop: threading.Thread, stopping: threading.Event) -> None:
        super().__init__()
        self._stop = stop
        self._stopping = stopping
        self._stopped = threading.Event()

    def set(self) -> None:
        super().set()
        if self._stopping.is_set():
            self._stopped.set()

    def clear(self) -> None:
        if self._stop.ident is None:
            self._stop.start()
            assert self._stopped.wait(10)
        super().clear()


def test_a_stop_between_a_call_and_its_work_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "_GATHER", 0.0)
    kept = Keeper("a test's keeper", lambda: None)
    stop = threading.Thread(target=kept.stop, daemon=True)
    monkeypatch.setattr(kept, "_called", _StoppedBeforeClear(stop, kept._stopping))

    kept.call()

    assert eventually(lambda: stop.ident is not None, 10)
    stop.join(10)
    assert not stop.is_alive()
