"""The control socket: one request a connection, progress while it lasts, and an end that leaves nothing running."""

from __future__ import annotations

import json
import socket
import stat
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sumu_dav.archive.progress import Progress
from sumu_dav.cli.control import call
from sumu_dav.errors import CommandFailed, Interrupted, NotFound, NotServing
from sumu_dav.server.control import MOST_AT_ONCE, Control
from sumu_dav.settings import Settings, from_document


class Work:
    """Operations, and what became of them."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.ended = threading.Event()
        self.outcome = ""

    def echo(self, arguments: Mapping[str, Any], progress: Progress) -> Any:
        progress("thinking", 1, 2)
        progress("thinking", 2, 2)
        return arguments

    def fail(self, arguments: Mapping[str, Any], progress: Progress) -> Any:
        raise NotFound("/alice/x.jpg")

    def endless(self, arguments: Mapping[str, Any], progress: Progress) -> Any:
        done = 0
        try:
            while True:
                done += 1
                progress("working", done, None)
                self.begun.set()
        except Interrupted:
            self.outcome = "interrupted"
            raise
        finally:
            self.ended.set()


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    # Deeper than a socket's address can tell.
    state = tmp_path / ("deep" * 20) / "state"
    state.mkdir(parents=True)
    return from_document({"sumu": {"plex": str(tmp_path / "plex"), "state": str(state)}}, None)


@pytest.fixture
def control(settings: Settings, work: Work) -> Iterator[Control]:
    control = Control(settings.state / "control.sock", {"echo": work.echo, "fail": work.fail, "endless": work.endless})
    control.start()
    yield control
    control.stop()


def connected(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    monkeypatch.chdir(settings.state)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect("control.sock")
    return connection


def test_arguments_go_in_and_progress_and_result_come_back(control: Control, settings: Settings) -> None:
    seen: list[tuple[str, int, int | None]] = []

    result = call(settings, "echo", {"name": "Käse", "n": 1}, lambda *news: seen.append(news))

    assert result == {"name": "Käse", "n": 1}
    assert seen == [("thinking", 1, 2), ("thinking", 2, 2)]


def test_the_socket_is_its_owners_alone_and_goes_with_the_server(settings: Settings, work: Work) -> None:
    control = Control(settings.state / "control.sock", {})
    control.start()
    assert stat.S_IMODE((settings.state / "control.sock").stat().st_mode) == 0o600
    control.stop()
    assert list(settings.state.iterdir()) == []
    with pytest.raises(NotServing):
        call(settings, "echo", {})


def test_the_socket_of_a_server_that_was_killed_is_replaced(settings: Settings, work: Work) -> None:
    dead = socket.socket(socket.AF_UNIX)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(settings.state)
        dead.bind("control.sock")
    dead.close()
    with pytest.raises(NotServing):
        call(settings, "echo", {})

    control = Control(settings.state / "control.sock", {"echo": work.echo})
    control.start()
    assert call(settings, "echo", {}) == {}
    control.stop()


def test_errors_come_back_in_words(control: Control, settings: Settings) -> None:
    with pytest.raises(CommandFailed, match=r"There is nothing at /alice/x.jpg\."):
        call(settings, "fail", {})
    with pytest.raises(CommandFailed, match="does not know 'unknown'"):
        call(settings, "unknown", {})


@pytest.mark.parametrize(
    "request_line", [b"\n", b"not json\n", b"[]\n", b'{"do": "echo"}\n', b'{"do": 1, "arguments": {}}']
)
def test_nonsense_is_answered(
    control: Control, settings: Settings, monkeypatch: pytest.MonkeyPatch, request_line: bytes
) -> None:
    with connected(settings, monkeypatch) as connection:
        connection.sendall(request_line)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as lines:
            assert "error" in json.loads(lines.read())


def test_work_ends_when_its_command_goes(
    control: Control, settings: Settings, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected(settings, monkeypatch) as connection:
        connection.sendall(b'{"do": "endless", "arguments": {}}\n')
        assert work.begun.wait(10)

    assert work.ended.wait(10)
    assert work.outcome == "interrupted"


def test_work_ends_when_the_server_stops(control: Control, settings: Settings, work: Work) -> None:
    caught: list[BaseException] = []

    def ask() -> None:
        try:
            call(settings, "endless", {})
        except (Interrupted, CommandFailed) as error:
            caught.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    assert work.begun.wait(10)
    control.stop()
    asking.join(10)

    assert work.outcome == "interrupted"
    assert [type(error) for error in caught] == [Interrupted]


def test_a_connection_that_is_accepted_while_the_server_stops_is_not_waited_for(settings: Settings) -> None:
    control = Control(settings.state / "control.sock", {})
    control.start()
    control.stop()
    ours, theirs = socket.socketpair()
    control._places.acquire()

    with ours:
        serving = threading.Thread(target=control._serve, args=(theirs,), daemon=True)
        serving.start()
        serving.join(10)
        assert not serving.is_alive()


def test_silent_connections_take_no_more_than_their_places(
    control: Control, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = [connected(settings, monkeypatch) for _ in range(MOST_AT_ONCE)]
    with connected(settings, monkeypatch) as refused:
        assert refused.recv(1) == b""
    for connection in silent:
        connection.close()
