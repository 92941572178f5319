"""Getting more than one's quota: by many requests at once, by copies, flags and chunks, and by looking in between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sumu_dav.archive.nodes import Path as ArchivePath
from sumu_dav.errors import QuotaExceeded
from sumu_dav.library import Place, Upload
from support.face import Face
from support.family import Family
from support.samples import jpeg
from support.server import Server

KB = 1024
QUOTA = 1024 * KB


@pytest.mark.parametrize("way", ["copy", "copy of a folder", "favorite", "move"])
def test_what_is_being_copied_counts_while_others_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """A listing counts what lies on the disk, and a copy is not there yet: it must not be forgotten by that."""
    family = Family(tmp_path, quotas={"alice": 1000 * KB, "bob": 1000 * KB})
    archive, photo = family.archive, jpeg(pad=600 * KB)
    family.mkcol("/alice/trip")
    family.mkcol("/bob/trip")
    owner = "bob" if way == "move" else "alice"
    family.quotas["alice"] = 2 * len(photo) + (100 if way != "move" else 10**9) * KB
    family.quotas["bob"] = len(photo) + 100 * KB
    family.put("/alice/trip/a.jpg", photo)
    seen: list[bool] = []

    def look(where: str) -> None:
        archive.usage.used(owner)
        try:
            with archive.usage.receiving(owner, 200 * KB):
                seen.append(True)
        except QuotaExceeded:
            seen.append(False)

    clone, perform = archive.tree.clone, archive.desk.performer.perform

    def slow_clone(source: Place) -> Upload:
        made = clone(source)
        look("while bytes are copied")
        return made

    def slow_perform(*arguments: object) -> None:
        look("before they have their name")
        perform(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(type(archive.tree), "clone", lambda _tree, source: slow_clone(source))
    monkeypatch.setattr(type(archive.desk.performer), "perform", lambda _self, *arguments: slow_perform(*arguments))
    match way:
        case "copy":
            archive.copy(
                ArchivePath("alice", ("trip", "a.jpg")), ArchivePath("alice", ("trip", "b.jpg")), overwrite=True
            )
        case "copy of a folder":
            archive.copy(ArchivePath("alice", ("trip",)), ArchivePath("alice", ("other",)), overwrite=True)
        case "favorite":
            family.favor("/alice/trip/a.jpg")
        case "move":
            family.move("/alice/trip/a.jpg", "/bob/trip/a.jpg")
    assert seen
    assert not any(seen)
    family.close()


def test_what_is_put_together_for_another_user_counts_while_others_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    face = Face(tmp_path)
    face.context.accounts.set_quota("bob", 600 * KB)
    uploads = "/remote.php/dav/uploads/root/u/"
    for method, path, body in (("MKCOL", uploads, b""), ("PUT", uploads + "1", b"x" * 500 * KB)):
        assert face.request(method, path, body, user="root").status == 201
    usage, performer = face.archive.usage, face.archive.desk.performer
    perform = performer.perform
    looked: list[int] = []

    def slow_perform(*arguments: Any) -> None:
        usage.used("bob")
        looked.append(usage.available("bob"))
        perform(*arguments)

    monkeypatch.setattr(performer, "perform", slow_perform)
    moved = face.request("MOVE", uploads + ".file", headers={"Destination": "/bob/whole.bin"}, user="root")

    assert moved.status == 201
    assert looked == [100 * KB]
    assert usage.used("bob") == 500 * KB
    face.close()


def test_what_was_held_for_a_copy_that_failed_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    family = Family(tmp_path, quotas={"alice": 1000 * KB})
    family.mkcol("/alice/trip")
    family.put("/alice/trip/a.jpg", jpeg(pad=400 * KB))
    before = family.archive.usage.available("alice")

    def fail(*_arguments: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(type(family.archive.desk.performer), "perform", fail)
        for _ in range(3):
            with pytest.raises(RuntimeError):
                family.favor("/alice/trip/a.jpg")
    assert family.archive.usage.available("alice") == before
    family.favor("/alice/trip/a.jpg")
    family.close()


def bytes_of(server: Server, user: str) -> int:
    """What lies on the disk of a user: both trees, chunks and trash."""
    roots = [server.plex / user, *(server.plex / ".sumu").glob(f"*/{user}")]
    return sum(file.stat().st_size for root in roots for file in root.rglob("*") if file.is_file())


def test_no_storm_of_requests_gets_beyond_the_quota(own_server: Server) -> None:
    assert own_server.command("user", "change", "alice", "--quota", "1M").returncode == 0
    alice = own_server.session()
    for name in ("a", "b", "c", "d"):
        alice.mkcol(f"/alice/{name}/")
    alice.put("/alice/a/x.jpg", jpeg(pad=150 * KB))

    def blocks() -> Iterator[bytes]:
        for _ in range(30):
            yield b"x" * 10 * KB

    def attack(number: int) -> Callable[[], None]:
        def requests() -> None:
            mine = own_server.session()
            uploads = f"/remote.php/dav/uploads/alice/u{number}/"
            mine.request("MKCOL", uploads)
            for step in range(6):
                mine.put(f"/alice/b/{number}-{step}.bin", blocks())
                mine.copy("/alice/a/x.jpg", f"/alice/c/{number}-{step}.jpg")
                mine.request("PUT", f"{uploads}{step + 1}", data=blocks())
                mine.copy("/alice/a/", f"/alice/d/{number}-{step}/")
                mine.proppatch(f"/alice/c/{number}-{step}.jpg", {"{urn:sumu}isFavorite": "1"})
                mine.propfind("/alice/", "0", ["{DAV:}quota-used-bytes"])
            mine.request("MOVE", f"{uploads}.file", headers={"Destination": f"{own_server.url}alice/b/whole{number}"})

        return requests

    storm = [threading.Thread(target=attack(number)) for number in range(6)]
    for each in storm:
        each.start()
    for each in storm:
        each.join()
    assert bytes_of(own_server, "alice") <= QUOTA
    told = alice.properties("/alice/", "{DAV:}quota-used-bytes")["{DAV:}quota-used-bytes"]
    assert int(told or -1) == bytes_of(own_server, "alice")
