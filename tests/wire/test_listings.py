"""Listings of the running server: what other programs do shows within two seconds, and both ways of reading agree."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.dav import DAV, OWNCLOUD, SUMU, Dav, members
from support.samples import jpeg
from support.server import Server

SHOWN_WITHIN = 6.0
"""Seconds: what is promised is 2, and this machine may be busy with three times as much."""

TAG = f"{DAV}getetag"
LENGTH = f"{DAV}getcontentlength"


def listed(client: Dav, path: str) -> dict[str, str | None]:
    """The members of a collection with their lengths, asked as every client asks."""
    return {member.name: member.text(LENGTH) for member in members(client.propfind(path, "1", [TAG, LENGTH]))[1:]}


def wait_until(told: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SHOWN_WITHIN
    while not told():
        assert time.monotonic() < deadline, "a change of another program does not show"
        time.sleep(0.05)


def edit_in_place(folder: Path) -> None:
    with (folder / "notes.txt").open("r+b") as file:
        file.write(b"the same length")


def edit_and_grow(folder: Path) -> None:
    with (folder / "notes.txt").open("ab") as file:
        file.write(b" and more")


def replace(folder: Path) -> None:
    (folder / "new").write_bytes(b"a new file of the old name")
    (folder / "new").rename(folder / "notes.txt")


def add(folder: Path) -> None:
    (folder / "added.jpg").write_bytes(jpeg())


def remove(folder: Path) -> None:
    (folder / "notes.txt").unlink()


def add_a_folder(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / "deep.jpg").write_bytes(jpeg())


def touch(folder: Path) -> None:
    os.utime(folder / "photo.jpg", (1_000_000_000, 1_000_000_000))


@pytest.mark.parametrize("change", [edit_in_place, edit_and_grow, replace, add, remove, add_a_folder, touch])
def test_what_another_program_does_shows(server: Server, album: str, change: Callable[[Path], None]) -> None:
    client = server.session()
    folder = server.plex / album.strip("/")
    client.put(album + "photo.jpg", jpeg())
    client.put(album + "notes.txt", b"some plain text")
    names = [TAG, LENGTH, f"{DAV}getlastmodified"]

    def told() -> set[tuple[str, ...]]:
        answer = client.propfind(album, "1", names)
        return {(member.name, *(str(member.text(name)) for name in names)) for member in members(answer)[1:]}

    before = told()
    assert told() == before
    change(folder)
    wait_until(lambda: told() != before)


@pytest.mark.parametrize("watch", ["poll", "off"])
def test_where_the_system_tells_nothing_every_member_is_looked_at(
    start_server: Callable[..., Server], watch: str
) -> None:
    """No waiting here: the next look of the watcher is a minute away, or never comes."""
    server = start_server(sumu={"watch": watch})
    client = server.session()
    names = [TAG, LENGTH, f"{DAV}getlastmodified"]
    for number, change in enumerate((edit_in_place, edit_and_grow, replace, add, remove, add_a_folder, touch)):
        album = f"/alice/{number}/"
        client.mkcol(album)
        client.put(album + "photo.jpg", jpeg())
        client.put(album + "notes.txt", b"some plain text")

        def told(album: str = album) -> set[tuple[str, ...]]:
            answers = [client.propfind(album, "1", names)]
            answers += [client.propfind(album + name, "0", names) for name in ("photo.jpg", "notes.txt")]
            return {
                (member.name, *(str(member.text(name)) for name in names))
                for answer in answers
                if answer.status_code == 207
                for member in members(answer)
                if member.path != album
            }

        before = told()
        assert told() == before
        change(server.plex / "alice" / str(number))
        assert told() != before, change.__name__


def test_a_loose_name_goes_with_a_file_that_another_program_removes(server: Server) -> None:
    client = server.session()
    client.put("/alice/LOOSE_1.jpg", jpeg(taken="2019:03:02 10:00:00"))
    assert "LOOSE_1.jpg" in listed(client, "/alice/")
    (server.plex / "alice" / "19-03" / "LOOSE_1.jpg").unlink()
    wait_until(lambda: "LOOSE_1.jpg" not in listed(client, "/alice/"))


def test_the_members_of_an_album_that_another_program_renamed_show(server: Server, album: str) -> None:
    client = server.session()
    client.put(album + "a.jpg", jpeg())
    assert listed(client, album).keys() == {"a.jpg"}
    folder = server.plex / album.strip("/")
    folder.rename(folder.with_name(folder.name + " renamed"))
    renamed = album.rstrip("/") + " renamed/"
    wait_until(lambda: client.propfind(album, "1").status_code == 404)
    assert listed(client, renamed).keys() == {"a.jpg"}


def test_the_tag_of_the_home_tells_of_what_another_program_does_deep_below(server: Server, album: str) -> None:
    client = server.session()
    client.mkcol(album + "inner/")
    client.put(album + "inner/notes.txt", b"some plain text")
    before = client.properties("/alice/", TAG)
    edit_in_place(server.plex / album.strip("/") / "inner")
    wait_until(lambda: client.properties("/alice/", TAG) != before)


def test_the_tag_of_the_home_tells_of_what_changes_while_watching_begins_anew(own_server: Server) -> None:
    client = own_server.session()
    client.mkcol("/alice/trip/")
    client.put("/alice/trip/notes.txt", b"some plain text")
    folder = own_server.plex / "alice" / "trip"
    before = client.properties("/alice/", TAG)
    edit_and_grow(folder)
    wait_until(lambda: client.properties("/alice/", TAG) != before)
    before = client.properties("/alice/", TAG)
    (own_server.plex / "bob").mkdir()  # one more to watch, so that it begins anew
    edit_in_place(folder)
    wait_until(lambda: client.properties("/alice/", TAG) != before)


def test_a_listing_says_how_long_it_is(server: Server, album: str) -> None:
    client = server.session()
    for number in range(200):
        client.put(f"{album}{number}.txt", b"x")
    for _ in range(2):
        answer = client.propfind(album, "1", [TAG])
        assert int(answer.headers["Content-Length"]) == len(answer.content)


def test_100_000_members_are_sent_in_bounded_memory(start_server: Callable[..., Server]) -> None:
    server = start_server(sumu={"watch": "off"})
    client = server.session()
    client.mkcol("/alice/many/")
    folder = server.plex / "alice" / "many"
    try:
        for number in range(100_000):
            (folder / f"{number}.txt").touch()
        client.propfind("/alice/many/", "1")  # the one that finds out how many there are
        before = server.resident()
        answer = client.propfind("/alice/many/", "1")
        assert answer.content.count(b"<d:response>") == 100_001
        assert server.peak() - before < len(answer.content) // 2
    finally:
        shutil.rmtree(folder)


def test_the_slow_way_through_wsgidav_answers_alike(start_server: Callable[..., Server]) -> None:
    """Two servers, filled alike: only what is each one's own may differ."""
    servers = [start_server(sumu={"fast_reads": fast}) for fast in (True, False)]
    told: list[list[object]] = []
    for server in servers:
        client = server.session()
        client.mkcol("/alice/trip/")
        for name in ("a.jpg", "ä & b.jpg", "notes.txt", "empty.jpg"):
            data = b"" if name.startswith("empty") else jpeg(taken="2024:05:17 10:11:12", seed=name)
            assert client.put(f"/alice/trip/{name}", data, x_oc_mtime="1700000000").status_code == 201
        assert client.put("/alice/IMG_1.jpg", jpeg(taken="2024:05:17 10:11:12", seed=1)).status_code == 201
        client.proppatch("/alice/trip/a.jpg", {f"{SUMU}isFavorite": "1", "{urn:test}color": "red"})
        answers: list[object] = []
        for path in (
            "/alice/",
            "/alice/trip/",
            "/alice/favorites/",
            "/remote.php/dav/files/alice/trip/",
            "/alice/none/",
        ):
            for depth in ("0", "1"):
                answer = client.propfind(
                    path,
                    depth,
                    [
                        *(f"{DAV}{name}" for name in ("resourcetype", "getcontentlength", "getcontenttype")),
                        *(f"{SUMU}{name}" for name in ("isFavorite", "taken", "sha256")),
                        *(f"{OWNCLOUD}{name}" for name in ("permissions", "favorite", "checksums")),
                        *("{urn:test}color", "{urn:test}nothing", f"{DAV}lockdiscovery"),
                    ],
                )
                answers.append(answer.status_code)
                if answer.status_code == 207:
                    answers.append(
                        sorted(
                            (member.href, sorted(member.statuses.items()), member.text(f"{SUMU}sha256"))
                            for member in members(answer)
                        )
                    )
        told.append(answers)
    assert told[0] == told[1]
