"""The desktop clients of Nextcloud and ownCloud (Debian's `nextcloudcmd`, `owncloudcmd`): a folder is kept the same on
both sides, chunks included.

Their first questions are not WebDAV, and are answered by a front (`support.nextcloud`).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.clients import PATIENCE, contents, named_photos, run
from support.nextcloud import Front, Passed
from support.samples import jpeg, mov
from support.server import Server, password_of

CHUNK = 1_000_000
CHUNKS = 5
UPLOADS = "/remote.php/dav/uploads/alice/"


class Desktop:
    """A folder, and the program that syncs it with all that alice has."""

    def __init__(self, front: Front, folder: Path, program: str) -> None:
        self.folder = folder / "synced"
        self.folder.mkdir()
        self._excluded = folder / "exclude.lst"
        self._excluded.write_text("*~\n")
        self._front = front
        self.program = program
        self._environment = {
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            **{f"OWNCLOUD_{which}CHUNK_SIZE": str(CHUNK) for which in ("", "MIN_", "MAX_")},
        }

    def sync(self) -> list[Passed]:
        """Sync once; what was asked of the server."""
        before = len(self._front.passed)
        run(*self._words(), environment=self._environment)
        return self._front.passed[before:]

    def begin_holiday(self) -> None:
        """An album with a video of as many chunks."""
        (self.folder / "day").mkdir()
        (self.folder / "day" / "holiday.mov").write_bytes(mov(pad=CHUNK * CHUNKS - CHUNK // 2))

    def sync_until_killed(self, at: int) -> list[Passed]:
        """Begin to sync, and be killed at a chunk, counted from 0 (by number or by bytes); what was asked before."""
        names = tuple(f"/{number:016}" for number in (at, at * CHUNK))
        before = len(self._front.passed)
        environment = {**os.environ, **self._environment}
        program = subprocess.Popen(self._words(), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)

        def kill_at(method: str, path: str) -> bool:
            is_the_end = method == "PUT" and path.startswith(UPLOADS) and path.endswith(names)
            if is_the_end:
                program.kill()
            return is_the_end

        self._front.refuses = kill_at
        assert program.wait(PATIENCE) == -signal.SIGKILL
        self._front.refuses = lambda _method, _path: False
        return self._front.passed[before:]

    def _words(self) -> list[str]:
        options = ("--non-interactive", "--exclude", str(self._excluded), "-u", "alice", "-p", password_of("alice"))
        return [self.program, *options, str(self.folder), self._front.url]


@pytest.fixture
def front(own_server: Server) -> Iterator[Front]:
    front = Front(own_server)
    yield front
    front.close()


@pytest.fixture(params=["nextcloudcmd", "owncloudcmd"])
def desktop(front: Front, tmp_path: Path, needs: Callable[..., None], request: pytest.FixtureRequest) -> Desktop:
    needs(request.param)
    return Desktop(front, tmp_path, request.param)


def changes(asked: list[Passed]) -> list[Passed]:
    """What was more than looking."""
    return [each for each in asked if each.method != "PROPFIND"]


def test_a_day(own_server: Server, desktop: Desktop, photos: Path) -> None:
    """100 real photos and a video in chunks are uploaded; each side renames, deletes and makes a favorite."""
    album, theirs = desktop.folder / "day", own_server.plex / "alice"
    shutil.copytree(photos, album)
    (album / "holiday.mov").write_bytes(mov(pad=CHUNK * CHUNKS - CHUNK // 2))
    os.utime(album / "holiday.mov", (1_600_000_000, 1_600_000_000))
    first, second, third, fourth, fifth, sixth = sorted(path.name for path in photos.iterdir())[:6]

    asked = desktop.sync()

    assert contents(theirs / "day") == contents(album)
    assert [each for each in asked if each.status >= 400] == []
    chunks = [each for each in asked if each.method == "PUT" and each.path.startswith(UPLOADS)]
    assert len(chunks) >= CHUNKS
    assert (theirs / "day" / "holiday.mov").stat().st_mtime == 1_600_000_000
    assert own_server.record("alice", "day", "holiday.mov") is not None
    assert changes(desktop.sync()) == [], "nothing to do"

    alice = own_server.session()
    alice.move(f"/alice/day/{first}", f"/alice/day/renamed {first}")
    alice.copy(f"/alice/day/{second}", f"/alice/favorites/{second}")
    alice.delete(f"/alice/day/{third}")
    (album / fourth).rename(album / f"renamed {fourth}")
    shutil.copy2(album / fifth, desktop.folder / "favorites" / fifth)
    (album / sixth).unlink()
    desktop.sync()

    expected = contents(photos) | {"holiday.mov": (album / "holiday.mov").read_bytes()}
    favorites = {name: expected[name] for name in (second, fifth)}
    for name in (first, fourth):
        expected[f"renamed {name}"] = expected.pop(name)
    del expected[third], expected[sixth]
    assert contents(album) == contents(theirs / "day") == expected
    assert contents(desktop.folder / "favorites") == contents(theirs / "favorites") == favorites
    for name in (second, fifth):
        record = own_server.record("alice", "day", name)
        assert record is not None
        assert record["isFavorite"] is True
    assert changes(desktop.sync()) == []


def test_names_in_many_scripts(own_server: Server, desktop: Desktop) -> None:
    album = named_photos(desktop.folder / "Fotos & 写真", 24)
    for photo in album.glob("*[?]*") if desktop.program == "owncloudcmd" else ():
        photo.unlink()  # it sends no name that Windows can't have

    desktop.sync()

    assert contents(own_server.plex / "alice" / "Fotos & 写真") == contents(album)
    assert changes(desktop.sync()) == []


def test_an_album_renamed_on_either_side_is_not_sent_again(own_server: Server, desktop: Desktop) -> None:
    """The other side knows its photos by their ids."""
    expected = contents(named_photos(desktop.folder / "day", 8))
    alice, albums = own_server.session(), own_server.plex / "alice"
    desktop.sync()
    alice.copy("/alice/day/IMG 000.jpg", "/alice/favorites/IMG 000.jpg")
    desktop.sync()

    (desktop.folder / "day").rename(desktop.folder / "trip")
    here = desktop.sync()
    alice.move("/alice/trip/", "/alice/far/")
    there = desktop.sync()

    assert changes(here) == [Passed("MOVE", "/remote.php/dav/files/alice/day", 201)]
    assert {each.method for each in there} == {"PROPFIND"}
    assert contents(desktop.folder / "far") == contents(albums / "far") == expected
    assert not (desktop.folder / "trip").exists()
    record = own_server.record("alice", "far", "IMG 000.jpg")
    assert record is not None
    assert record["isFavorite"] is True


def test_a_loose_photo_stays_and_comes_in_the_album_of_its_month_too(own_server: Server, desktop: Desktop) -> None:
    (desktop.folder / "IMG_1.jpg").write_bytes(photo := jpeg(taken="2024:05:17 10:11:12"))

    desktop.sync()
    desktop.sync()

    assert own_server.files("alice") == {"24-05/IMG_1.jpg"}
    assert (desktop.folder / "24-05" / "IMG_1.jpg").read_bytes() == photo
    assert (desktop.folder / "IMG_1.jpg").read_bytes() == photo
    assert changes(desktop.sync()) == []


def test_an_upload_that_was_cut_off_goes_on_behind_what_came(own_server: Server, desktop: Desktop) -> None:
    desktop.begin_holiday()

    begun = desktop.sync_until_killed(at=3)
    rest = desktop.sync()

    assert [each for each in begun if each.method == "MOVE"] == []
    chunks = [each.path for each in [*begun, *rest] if each.method == "PUT"]
    assert len({path.rpartition("/")[0] for path in chunks}) == 1, "in one upload"
    assert len(chunks) == len(set(chunks)) == CHUNKS, "each of them once"
    assert contents(own_server.plex / "alice" / "day") == contents(desktop.folder / "day")


def test_what_came_behind_a_gap_is_dropped_and_sent_again(own_server: Server, desktop: Desktop) -> None:
    """Chunks go out side by side: the fourth may come, and the third not."""
    desktop.begin_holiday()

    begun = desktop.sync_until_killed(at=2)
    chunks = [each.path for each in begun if each.method == "PUT"]
    step = int(chunks[1][-16:])
    behind = f"{chunks[0][:-16]}{3 * step:016}"
    assert own_server.session().put(behind, bytes(CHUNK)).status_code == 201
    rest = desktop.sync()

    assert Passed("DELETE", behind, 204) in rest
    assert [each.path for each in rest if each.method == "PUT"][:2] == [f"{chunks[0][:-16]}{2 * step:016}", behind]
    assert contents(own_server.plex / "alice" / "day") == contents(desktop.folder / "day")
