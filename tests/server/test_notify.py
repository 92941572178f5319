"""What systemd is told, sd_notify(3)."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sumu_dav.server.notify import Supervisor


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening


def told(manager: socket.socket) -> list[bytes]:
    messages = []
    while True:
        try:
            messages.append(manager.recv(4096))
        except BlockingIOError:
            return messages


def test_ready_and_stopping_are_told(manager: socket.socket) -> None:
    supervisor = Supervisor.from_environment({"NOTIFY_SOCKET": manager.getsockname()})
    supervisor.ready("http://127.0.0.1:8080/")
    supervisor.beat()
    supervisor.stopping()
    ready, stopping = told(manager)
    assert ready.split(b"\n") == [b"READY=1", b"STATUS=Serving http://127.0.0.1:8080/"]
    assert stopping.startswith(b"STOPPING=1\n")


def test_the_loop_may_turn_often_and_the_watchdog_hears_of_it_twice_in_its_time(manager: socket.socket) -> None:
    now = 100.0
    supervisor = Supervisor(manager.getsockname(), 30.0, clock=lambda: now)
    for _ in range(61):
        supervisor.beat()
        now += 0.5
    assert told(manager) == [b"WATCHDOG=1"] * 3


def test_a_name_in_the_abstract_space_is_understood() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        name = f"sumu-dav-test-{os.getpid()}"
        listening.bind("\0" + name)
        Supervisor("@" + name, None).stopping()
        assert listening.recv(4096).startswith(b"STOPPING=1")


@pytest.mark.parametrize(
    ("environment", "beats"),
    [
        ({}, 0),
        ({"WATCHDOG_USEC": "60000000"}, 1),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 1),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid() + 1)}, 0),
        ({"WATCHDOG_USEC": "soon"}, 0),
    ],
)
def test_the_watchdog_is_fed_where_this_process_is_meant(
    manager: socket.socket, environment: dict[str, str], beats: int
) -> None:
    Supervisor.from_environment({"NOTIFY_SOCKET": manager.getsockname(), **environment}).beat()
    assert told(manager) == [b"WATCHDOG=1"] * beats


def test_without_a_manager_nothing_happens(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Supervisor.from_environment({}).ready("http://127.0.0.1:8080/")
    assert not caplog.records
    Supervisor(str(tmp_path / "gone"), 60.0).beat()
    assert "can't be told" in caplog.text
