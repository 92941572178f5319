"""A backup by the very lines of docs/operations.md, taken while photos come, move and go; and what it gives back."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sumu_dav.archive.stores import Others, Trash
from sumu_dav.catalog import EmbeddedCatalog, SeenFile
from support.dav import SUMU, Dav
from support.programs import needs
from support.samples import jpeg
from support.server import ROOT, Server

COLOR = "{urn:example}color"
PATIENCE = 60.0
"""Seconds until a test gives up on the first sixty uploads; they take about one."""

VANISHED = 24
"""What rsync ends with where files vanished while it looked; the page says so."""


def lines_of(section: str) -> tuple[list[str], list[str]]:
    """The lines that make a backup, and those that restore it."""
    page = (ROOT / "docs" / "operations.md").read_text()
    _before, _, text = page.partition(f"\n## {section}\n")
    fences = text.partition("\n## ")[0].split("```sh\n")[1:]
    backup, restore = (fence.partition("```")[0].splitlines() for fence in fences)
    return backup, restore


def run(lines: list[str], folder: Path, allowed: tuple[int, ...] = (0,)) -> None:
    for line in lines:
        answer = subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, text=True, check=False)
        assert answer.returncode in allowed, f"{line}\n{answer.stdout}{answer.stderr}"


def known_as_data(folder: Path, server: Server) -> None:
    """Let `data/plex` and `data/state` lead to the server's folders, as in a checkout."""
    server.plex.mkdir(exist_ok=True)
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "plex").symlink_to(server.plex)
    (folder / "data" / "state").symlink_to(server.state)


class Family:
    """Uploads, moves and deletes without a pause, each member on a thread of its own; remembers what was answered."""

    def __init__(self, server: Server) -> None:
        self.stored: dict[str, bytes] = {}
        self.moved: set[str] = set()
        self._server = server
        self._done = threading.Event()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        threads = [
            threading.Thread(target=work, args=(self._server.session(),))
            for work in (self._upload, self._loose, self._move)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._done.set()
            for thread in threads:
                thread.join()

    def _upload(self, session: Dav) -> None:
        number = 0
        while not self._done.is_set():
            number += 1
            self._put(session, f"/alice/trip/{number}.jpg", jpeg(pad=number % 7 * 20_000))

    def _loose(self, session: Dav) -> None:
        number = 0
        while not self._done.is_set():
            number += 1
            month = number % 12 + 1
            self._put(session, f"/alice/IMG_{number}.jpg", jpeg(taken=f"2023:{month:02}:17 10:11:12"))

    def _move(self, session: Dav) -> None:
        """What is moved may be in the copy twice; what is deleted may be there still."""
        number = 0
        while not self._done.is_set():
            number += 1
            photo = jpeg()
            session.put(f"/alice/a/{number}.jpg", photo)
            session.move(f"/alice/a/{number}.jpg", f"/alice/z/{number}.jpg")
            session.move(f"/alice/z/{number}.jpg", f"/alice/b/{number}.jpg")
            self.moved.add(hashlib.sha256(photo).hexdigest())
            session.put("/alice/a/again.jpg", jpeg())
            session.delete(f"/alice/b/{number - 5}.jpg")

    def _put(self, session: Dav, path: str, photo: bytes) -> None:
        answer = session.put(path, photo)
        assert answer.status_code == 201, answer.text
        self.stored[path] = photo


def test_a_backup_of_a_running_server_holds_all_that_was_answered_before_it(tmp_path: Path, own_server: Server) -> None:
    needs("rsync")
    backup, restore = lines_of("Backup")
    here, there = tmp_path / "here", tmp_path / "there"
    known_as_data(here, own_server)
    (here / "backup").mkdir()
    alice = own_server.session()
    for album in ("trip", "a", "b", "z"):
        assert alice.mkcol(f"/alice/{album}/").status_code == 201
    family = Family(own_server)
    with family.at_work():
        wait_for(lambda: len(family.stored) > 60)
        alice.proppatch("/alice/trip/1.jpg", {SUMU + "isFavorite": "1", COLOR: "red"})
        favorite = own_server.record("alice", "trip", "1.jpg")
        answered, moved = dict(family.stored), set(family.moved)
        run(backup, here, allowed=(0, VANISHED))
        during = len(family.stored) - len(answered)
    own_server.kill()
    assert during > 0, "the copy was not taken under uploads"

    fresh = Server(tmp_path / "restored")
    try:
        known_as_data(there, fresh)
        shutil.copytree(here / "backup", there / "backup", symlinks=True)
        run([line for line in restore if line.startswith("rsync")], there)
        fresh.start()
        scanned = fresh.command("scan")  # what the server does by itself, waited for
        assert scanned.returncode == 0, scanned.stderr
        returned = fresh.session()
        for path, photo in answered.items():
            assert returned.get(path).content == photo, path
        assert fresh.record("alice", "trip", "1.jpg") == favorite
        assert returned.properties("/alice/trip/1.jpg", COLOR) == {COLOR: "red"}
        assert "1.jpg" in returned.names("/alice/favorites/")
        kept = {photo["sha256"] for photo in fresh.catalog()}
        lost = {sha for sha in moved if sha not in kept and not was_deleted(fresh, sha)}
        assert not lost
        checked = fresh.command("check", "--hash")
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert returned.put("/alice/trip/after.jpg", jpeg()).status_code == 201
    finally:
        fresh.close()


def test_every_copy_of_the_state_can_be_opened_whatever_was_being_written(tmp_path: Path, own_server: Server) -> None:
    needs("rsync")
    (copy_of_the_state, *_), _restore = lines_of("Backup")
    known_as_data(tmp_path, own_server)
    for album in ("trip", "a", "b", "z"):
        assert own_server.session().mkcol(f"/alice/{album}/").status_code == 201
    family = Family(own_server)
    copies: list[tuple[Path, int]] = []
    with family.at_work():
        for number in range(15):
            answered = len(family.stored)
            copy = tmp_path / f"copy-{number}"
            copy.mkdir()
            run([copy_of_the_state.replace(" backup/state/", f" {copy}/")], tmp_path, allowed=(0, VANISHED))
            copies.append((copy, answered))

    for copy, answered in copies:
        catalog = EmbeddedCatalog.open(str(copy / "catalog.json"))
        names = {photo.name for photo in catalog.all()} | {n for photo in catalog.all() for n in photo.loose_names}
        catalog.close()
        assert len(names) >= answered
        for name, kind in (("trash.json", Trash), ("other.json", Others)):
            kind(str(copy / name)).close()
        for name in ("seen.json", "seen-copies.json"):
            SeenFile.open(str(copy / name)).close()


def was_deleted(server: Server, sha256: str) -> bool:
    """Whether the trash has these bytes."""
    trash = server.plex / ".sumu" / "trash" / "alice"
    return any(hashlib.sha256(file.read_bytes()).hexdigest() == sha256 for file in trash.iterdir())


def wait_for(is_so: Callable[[], bool]) -> None:
    """Return when it is so."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)
