"""A server that is killed at random moments under three uploaders loses nothing that it answered for."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from dataclasses import dataclass, field

import requests

from support.dav import SUMU, Dav, members
from support.samples import jpeg
from support.server import Server

KILLS = 22
LONGEST_LIFE = 0.4
"""Seconds that a server lives at most before it is killed; enough for some dozens of uploads."""

SEED = 20240517

IS_FAVORITE = f"{SUMU}isFavorite"


@dataclass
class Uploader:
    """Uploads, overwrites, flags, moves and deletes; knows what was answered, and what was asked without an answer."""

    session: Dav
    number: int
    random: random.Random
    answered: dict[str, bytes] = field(default_factory=dict)
    favorites: set[str] = field(default_factory=set)
    unanswered: dict[str, list[bytes | None]] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)
    count: int = 0

    def work(self, until: threading.Event) -> None:
        """One request after the other, until the server is gone."""
        while not until.is_set():
            try:
                self.one_request()
            except requests.ConnectionError:
                return

    def one_request(self) -> None:
        known = [path for path in self.answered if path not in self.unanswered]
        what = self.random.choice(("new", "new", "new", "loose", "replace", "favorite", "move", "delete"))
        if what in ("new", "loose") or not known:
            self.count += 1
            folder = f"/alice/by-{self.number}/" if what != "loose" else "/alice/"
            self.put(f"{folder}{self.number}-{self.count}.jpg")
        elif what == "replace":
            self.put(self.random.choice(known))
        elif what == "favorite":
            self.flag(self.random.choice(known))
        elif what == "move":
            self.count += 1
            self.move(self.random.choice(known), f"/alice/by-{self.number}/{self.number}-{self.count}.jpg")
        else:
            self.delete(self.random.choice(known))

    def put(self, path: str) -> None:
        photo = jpeg(pad=self.random.choice((0, 2_000, 400_000)), taken="2021:06:07 08:09:10")
        self.sent.add(hashlib.sha256(photo).hexdigest())
        self.unanswered[path] = [self.answered.get(path), photo]
        answer = self.session.put(path, photo)
        assert answer.status_code in (201, 204), answer.text
        self.answered[path] = photo
        del self.unanswered[path]

    def flag(self, path: str) -> None:
        answer = self.session.proppatch(path, {IS_FAVORITE: "1"})
        (changed,) = members(answer)
        if changed.statuses[IS_FAVORITE] == 200:  # and not 403, for a file whose record the last kill prevented
            self.favorites.add(path)

    def move(self, source: str, target: str) -> None:
        photo = self.answered[source]
        self.unanswered[source], self.unanswered[target] = [photo, None], [None, photo]
        answer = self.session.move(source, target)
        assert answer.status_code == 201, answer.text
        self.answered[target] = self.answered.pop(source)
        if source in self.favorites:
            self.favorites.discard(source)
            self.favorites.add(target)
        del self.unanswered[source], self.unanswered[target]

    def delete(self, path: str) -> None:
        self.unanswered[path] = [self.answered[path], None]
        loose = path.count("/") == 2
        answer = self.session.delete(path)
        assert answer.status_code == 204, answer.text
        del self.answered[path], self.unanswered[path]
        if not loose:  # a loose name goes alone: its photo stays a favorite in its album
            self.favorites.discard(path)

    def settle(self) -> None:
        """After a restart: each request without an answer was carried out whole, or not at all."""
        for path, allowed in self.unanswered.items():
            answer = self.session.get(path)
            found = answer.content if answer.status_code == 200 else None
            assert found in allowed, f"{path} is neither what it was nor what it was to be"
            if found is None:
                self.answered.pop(path, None)
            else:
                self.answered[path] = found
        self.unanswered.clear()

    def check(self) -> None:
        """Everything that was answered for is there, whole."""
        for path, photo in self.answered.items():
            assert self.session.get(path).content == photo, path


def check_disk_and_catalogue(server: Server, uploaders: list[Uploader]) -> None:
    """Every file has its record and every record its file; every flag its copy; nothing else lies about."""
    by_place = {}
    for record in server.catalog():
        place = "/".join(each for each in (record["user"], record["album"], record["name"]) if each)
        assert place not in by_place
        by_place[place] = record
        photo = server.plex / place
        assert hashlib.sha256(photo.read_bytes()).hexdigest() == record["sha256"], place
        if record["isFavorite"]:
            copy = server.plex / record["user"] / "favorites" / record["favoriteName"]
            assert copy.read_bytes() == photo.read_bytes(), place
            assert copy.stat().st_ino != photo.stat().st_ino
    copies = {f"alice/favorites/{record['favoriteName']}" for record in by_place.values() if record["isFavorite"]}
    # A file whose record a kill prevented was not answered for; it is whole, and recorded soon after the start.
    for file in server.files() - set(by_place) - copies:
        sent = set().union(*(uploader.sent for uploader in uploaders))
        assert hashlib.sha256((server.plex / file).read_bytes()).hexdigest() in sent, file
    hidden = [path for path in (server.plex / ".sumu" / "uploads").rglob("*") if path.is_file()]
    assert hidden == []
    known = {record["sha256"]: record for record in by_place.values()}
    for uploader in uploaders:
        for path in uploader.favorites & set(uploader.answered):
            assert known[hashlib.sha256(uploader.answered[path]).hexdigest()]["isFavorite"], path


def unrecorded(server: Server) -> set[str]:
    """The files in albums that have no record."""
    places = {"/".join((record["user"], record["album"], record["name"])) for record in server.catalog()}
    return {file for file in server.files() if not file.startswith("alice/favorites/")} - places


def test_no_answered_upload_is_lost_to_a_kill(own_server: Server) -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    session = own_server.session()
    for number in range(3):
        assert session.mkcol(f"/alice/by-{number}/").status_code == 201
    uploaders = [Uploader(own_server.session(), number, random.Random(SEED + number)) for number in range(3)]

    for kill in range(KILLS):
        stop = threading.Event()
        threads = [threading.Thread(target=uploader.work, args=(stop,)) for uploader in uploaders]
        for thread in threads:
            thread.start()
        time.sleep(chance.uniform(0.05, LONGEST_LIFE))  # the random moment, nothing is waited for
        own_server.kill()
        stop.set()
        for thread in threads:
            thread.join()
        own_server.start()
        for uploader in uploaders:
            uploader.settle()
        if kill % 5 == 4:
            for uploader in uploaders:
                uploader.check()
            check_disk_and_catalogue(own_server, uploaders)

    for uploader in uploaders:
        uploader.check()
    check_disk_and_catalogue(own_server, uploaders)
    assert sum(uploader.count for uploader in uploaders) > KILLS
    deadline = time.monotonic() + 60
    while unrecorded(own_server) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert unrecorded(own_server) == set()
    assert own_server.stop() == 0
    assert "Traceback" not in own_server.log()
