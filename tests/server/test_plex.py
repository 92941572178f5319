"""What is told to Plex, on a stand-in that behaves as its HTTP API does."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sumu_dav.server.plex import PlexNotifier
from sumu_dav.settings import PlexServer
from support.samples import jpeg
from support.server import Server

TOKEN = "very-secret-token"
PATIENCE = 20.0
"""Seconds until a test gives up; what it waits for comes after a fraction of one."""


class StandIn:
    """Plex, as far as it is asked: two libraries, one item, and a list of what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, list[str]]]] = []
        self.away = 0
        self._turn = threading.Condition()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                stand_in.answer(self)

            def do_PUT(self) -> None:
                stand_in.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer as Plex would, and remember."""
        target = urlsplit(request.path)
        assert TOKEN not in request.path
        with self._turn:
            if self.away:
                self.away -= 1
                status, body = 503, b""
            elif request.headers.get("X-Plex-Token") != TOKEN:
                status, body = 401, b""
            else:
                self.asked.append((request.command, target.path, parse_qs(target.query)))
                status, body = 200, json.dumps({"MediaContainer": self.container(target.path)}).encode()
            self._turn.notify_all()
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def container(self, path: str) -> dict[str, Any]:
        """The body of an answer."""
        if path == "/library/sections":
            return {
                "Directory": [
                    {"key": "1", "Location": [{"id": 1, "path": "/data/photos"}]},
                    {"key": "2", "Location": [{"id": 2, "path": "/data/films"}]},
                ]
            }
        if path.endswith("/all"):
            media = [{"Part": [{"file": "/data/photos/alice/trip/x.jpg"}]}]
            return {"Metadata": [{"ratingKey": "77", "Media": media}]}
        return {}

    def wait_for(self, count: int, path: str) -> list[dict[str, list[str]]]:
        """The queries of the requests of a path, once there are so many."""
        with self._turn:
            assert self._turn.wait_for(lambda: len(self.of(path)) >= count, PATIENCE), self.asked
            return self.of(path)

    def of(self, path: str) -> list[dict[str, list[str]]]:
        """The queries of the requests of a path."""
        return [query for _method, asked, query in self.asked if asked == path]


@pytest.fixture
def plex() -> Iterator[StandIn]:
    """A Plex server."""
    stand_in = StandIn()
    yield stand_in
    stand_in.server.shutdown()
    stand_in.server.server_close()


@pytest.fixture
def notifier(plex: StandIn) -> Iterator[PlexNotifier]:
    """What tells it, of a tree that Plex sees elsewhere."""
    settings = PlexServer(
        url=plex.url, token=TOKEN, path_map=(("/srv/photos", "/data/photos"),), rate_favorites=True, delay_seconds=0.2
    )
    telling = PlexNotifier(settings, "/srv/photos")
    telling.start()
    yield telling
    telling.stop()


REFRESH = "/library/sections/1/refresh"


def test_a_changed_folder_is_scanned_where_plex_sees_it(plex: StandIn, notifier: PlexNotifier) -> None:
    notifier.changed("alice", ("trip", "day 1"))
    assert plex.wait_for(1, REFRESH) == [{"path": ["/data/photos/alice/trip/day 1"]}]
    assert not plex.of("/library/sections/2/refresh")


def test_a_burst_is_a_handful_of_calls(plex: StandIn, notifier: PlexNotifier) -> None:
    for number in range(500):
        notifier.changed("alice", (f"{number % 3:02}",))
    scanned = plex.wait_for(3, REFRESH)
    assert sorted(query["path"][0] for query in scanned) == [f"/data/photos/alice/0{n}" for n in range(3)]


def test_many_folders_of_a_user_are_one_scan(plex: StandIn, notifier: PlexNotifier) -> None:
    for number in range(500):
        notifier.changed("alice", (f"{number:03}",))
    notifier.changed("bob", ("x",))
    scanned = plex.wait_for(2, REFRESH)
    assert [query["path"][0] for query in scanned] == ["/data/photos/alice", "/data/photos/bob/x"]


def test_a_plex_that_is_away_is_told_later_and_the_token_is_in_no_log(
    plex: StandIn, notifier: PlexNotifier, caplog: pytest.LogCaptureFixture
) -> None:
    plex.away = 1
    with caplog.at_level(logging.DEBUG):
        notifier.changed("alice", ("trip",))
        assert plex.wait_for(1, REFRESH) == [{"path": ["/data/photos/alice/trip"]}]
    assert "Plex did not take the news" in caplog.text
    assert TOKEN not in caplog.text


def test_favorites_are_rated(plex: StandIn, notifier: PlexNotifier) -> None:
    notifier.rated("alice", ("trip", "x.jpg"), favorite=True)
    (query,) = plex.wait_for(1, "/:/rate")
    assert (query["key"], query["rating"]) == (["77"], ["10"])
    notifier.rated("alice", ("trip", "x.jpg"), favorite=False)
    assert plex.wait_for(2, "/:/rate")[1]["rating"] == ["0"]


def test_uploads_moves_and_deletions_reach_plex(
    plex: StandIn, tmp_path: Path, start_server: Callable[..., Server]
) -> None:
    mapped = {str(tmp_path / "server-0" / "plex"): "/data/photos"}
    settings = {"url": plex.url, "token": TOKEN, "delay_seconds": 0.1, "path_map": mapped}
    alice = start_server(sumu={"plex_server": settings}).session()
    alice.mkcol("/alice/trip/")

    alice.put("/alice/trip/x.jpg", jpeg(seed=1), x_favorite="1")
    assert scanned(plex, 2) == {"/data/photos/alice/trip", "/data/photos/alice/favorites"}
    plex.asked.clear()
    alice.mkcol("/alice/tour/")
    alice.move("/alice/trip/x.jpg", "/alice/tour/x.jpg")
    assert scanned(plex, 2) == {"/data/photos/alice/trip", "/data/photos/alice/tour"}
    plex.asked.clear()
    alice.delete("/alice/tour/x.jpg")
    assert scanned(plex, 2) == {"/data/photos/alice/tour", "/data/photos/alice/favorites"}


def scanned(plex: StandIn, folders: int) -> set[str]:
    """The folders that were scanned, once there are so many."""
    return {query["path"][0] for query in plex.wait_for(folders, REFRESH)}
