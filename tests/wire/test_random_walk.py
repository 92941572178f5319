"""A long walk of random requests over few names: never a 500, and disk, records and listings agree all the way."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sumu_dav.library.names import is_junk, is_media
from support.consistency import assert_consistent
from support.dav import OWNCLOUD, SUMU, Dav, members
from support.samples import jpeg, mov
from support.server import Server

STEPS = 150
CHECKED_EVERY = 10

FOLDERS = ("/alice/", "/-/inbox/alice/", "/alice/trip/", "/alice/trip/day 1/", "/alice/24-05/", "/alice/favorites/")
NAMES = ("a.jpg", "b.jpg", "A.jpg", "a.mov", "notes.txt", ".a.jpg", "a.jpg.tacitpart")
ALBUMS = (
    "/alice/trip/",
    "/alice/trip/day 1/",
    "/alice/24-05/",
    "/alice/copied/",
    "/alice/.hidden/",
    "/alice/favorites/",
)


def contents() -> list[bytes]:
    """Few contents, so that the same bytes, edits and halves of live photos meet all the time."""
    moment = datetime(2024, 5, 17, 10, 11, 12, tzinfo=UTC)
    return [
        jpeg(taken=moment, seed=1),
        jpeg(taken=moment, seed=2),
        jpeg(taken="2024:05:18 10:11:12", seed=3),
        jpeg(taken="2023:12:24 18:00:00", seed=4),
        jpeg(seed=5),
        jpeg(seed=6),
        jpeg(taken=moment, content_id="AAAA", seed=7),
        mov(taken=moment, content_id="AAAA", seed=8),
        mov(taken=moment, seed=9),
        b"no photo",
        b"",
    ]


class Walk:
    """One client that does anything."""

    def __init__(self, client: Dav, seed: int) -> None:
        self.client = client
        self.dice = random.Random(seed)
        self.contents = contents()
        self.done: list[str] = []
        self.receipts: set[bytes] = set()
        for folder in ("/alice/trip/", "/alice/trip/day 1/", "/alice/24-05/"):
            client.mkcol(folder)

    def steps(self, count: int) -> None:
        """Requests one after the other."""
        for _ in range(count):
            self.step()

    def step(self) -> None:
        """One request, which may be refused but not fail."""
        verbs: list[tuple[Callable[[], tuple[str, int]], int]] = [
            (self.put, 30),
            (self.transfer, 30),
            (self.delete, 12),
            (self.flag, 15),
            (self.make_folder, 5),
            (self.transfer_folder, 5),
            (self.delete_folder, 3),
        ]
        (verb,) = self.dice.choices([verb for verb, _ in verbs], [weight for _, weight in verbs])
        what, status = verb()
        self.done.append(f"{what}: {status}")
        assert 200 <= status < 500, "\n".join(self.done)

    def file(self) -> str:
        return self.dice.choice(FOLDERS) + self.dice.choice(NAMES)

    def source(self) -> str:
        """Most often something that is there: a walk of 404s finds nothing."""
        there = sorted(
            member.path
            for top in ("/alice/", "/-/inbox/alice/")
            for member in members(self.client.propfind(top, "infinity", ["{DAV:}resourcetype"]))
            if not member.is_collection
        )
        return self.dice.choice(there) if there and self.dice.random() < 0.8 else self.file()

    def put(self) -> tuple[str, int]:
        path, number = self.file(), self.dice.randrange(len(self.contents))
        headers = self.dice.choice([{}, {}, {"x_favorite": "1"}, {"x_oc_mtime": str(self.dice.randrange(10**9))}])
        status = self.client.put(path, self.contents[number], **headers).status_code
        if status in (201, 204) and is_media(path) and not is_junk(path.rpartition("/")[2]) and "/.hidden/" not in path:
            self.receipts.add(self.contents[number])
        return f"PUT {path} content {number} {headers}", status

    def transfer(self) -> tuple[str, int]:
        method, source, target = self.dice.choice(["COPY", "MOVE"]), self.source(), self.file()
        return self._transfer(method, source, target)

    def transfer_folder(self) -> tuple[str, int]:
        method, source, target = self.dice.choice(["COPY", "MOVE"]), *self.dice.sample(ALBUMS, 2)
        return self._transfer(method, source, target)

    def _transfer(self, method: str, source: str, target: str) -> tuple[str, int]:
        overwrite = self.dice.choice("TTTF")
        headers = {"Destination": self.client.href(target), "Overwrite": overwrite}
        status = self.client.request(method, source, headers=headers).status_code
        return f"{method} {source} to {target} Overwrite: {overwrite}", status

    def delete(self) -> tuple[str, int]:
        path = self.source()
        return f"DELETE {path}", self.client.delete(path).status_code

    def delete_folder(self) -> tuple[str, int]:
        path = self.dice.choice(ALBUMS)
        return f"DELETE {path}", self.client.delete(path).status_code

    def make_folder(self) -> tuple[str, int]:
        path = self.dice.choice(ALBUMS)
        return f"MKCOL {path}", self.client.mkcol(path).status_code

    def flag(self) -> tuple[str, int]:
        path, value = self.source(), self.dice.choice("110")
        name = self.dice.choice([SUMU + "isFavorite", OWNCLOUD + "favorite"])
        return f"PROPPATCH {path} {value}", self.client.proppatch(path, {name: value}).status_code


def assert_nothing_is_lost(server: Server, walk: Walk) -> None:
    """Who holds a receipt may delete their copy: what was stored lies in one of the trees, or in the trash."""
    lying = {(Path(folder) / name).read_bytes() for folder, _folders, names in os.walk(server.plex) for name in names}
    lost = walk.receipts - lying - {b""}
    assert not lost, f"lost: {[walk.contents.index(content) for content in lost]}"


@pytest.mark.parametrize("seed", [int(os.environ.get("WALK_SEED", "20240517")), 1, 2])
def test_a_random_walk_leaves_disk_records_and_listings_in_agreement(own_server: Server, seed: int) -> None:
    print(f"WALK_SEED={seed}")
    walk = Walk(own_server.session(), seed)
    for number in range(1, STEPS + 1):
        walk.step()
        if number % CHECKED_EVERY == 0:
            try:
                assert_consistent(own_server)
                assert_nothing_is_lost(own_server, walk)
            except AssertionError as error:
                raise AssertionError("\n".join([*walk.done, str(error)])) from error
    walk.client.close()
    records = own_server.catalog()

    own_server.restart()

    assert own_server.catalog() == records
    assert_consistent(own_server)
    assert "Traceback" not in own_server.log(), own_server.log()


def test_four_random_walks_at_once_leave_the_same_agreement(own_server: Server) -> None:
    seed = int(os.environ.get("WALK_SEED", "20240517"))
    print(f"WALK_SEED={seed}")
    walks = [Walk(own_server.session(), seed + number) for number in range(4)]
    for _ in range(8):
        with ThreadPoolExecutor(len(walks)) as clients:
            for finished in [clients.submit(walk.steps, 10) for walk in walks]:
                finished.result()
        try:
            assert_consistent(own_server)
            for walk in walks:
                assert_nothing_is_lost(own_server, walk)
        except AssertionError as error:
            raise AssertionError("\n".join([*(line for walk in walks for line in walk.done), str(error)])) from error
    assert "Traceback" not in own_server.log(), own_server.log()
