"""A newer rclone: with the vendor nextcloud it sends what is large in chunks, and it sets times afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pytest

from support.clients import contents
from support.rclone import ALBUMS_OF, NEWER, Remote
from support.samples import jpeg, mov
from support.server import Server

CHUNK = 256 << 10


@pytest.fixture
def rclone(server: Server, tmp_path: Path, needs: Callable[..., None]) -> Remote:
    needs(NEWER)
    return Remote(server, tmp_path, ALBUMS_OF["nextcloud"], "nextcloud", NEWER, nextcloud_chunk_size=f"{CHUNK >> 10}Ki")


def joined(server: Server, album: str) -> set[str]:
    """The names in an album that were put together from chunks."""
    entries = map(json.loads, (server.state / "audit.log").read_text().splitlines())
    begun = f"{ALBUMS_OF['nextcloud']}{album}/"
    return {
        unquote(entry["destination"].removeprefix(begun))
        for entry in entries
        if entry["verb"] == "MOVE" and entry["path"].endswith("/.file") and entry["destination"].startswith(begun)
    }


def test_a_day_with_an_album(server: Server, photos: Path, rclone: Remote) -> None:
    """Real photos and videos, the large ones in chunks: uploaded, checked, renamed, deleted, made favorites."""
    home, everything = server.plex / "alice", contents(photos)
    large = {name for name, data in everything.items() if len(data) > CHUNK}
    first, second, third = sorted(large)[:3]

    assert rclone.sent("copy", photos, "sumu:day") == len(everything)

    assert joined(server, "day") == large
    assert contents(home / "day") == everything
    times = {path.name: int(path.stat().st_mtime) for path in photos.iterdir()}
    assert {path.name: int(path.stat().st_mtime) for path in (home / "day").iterdir()} == times
    checked = rclone("check", photos, "sumu:day")
    assert f"{len(everything)} matching files" in checked
    assert "could not be checked" not in checked
    assert rclone.sent("copy", "--checksum", photos, "sumu:day") == 0

    rclone("moveto", f"sumu:day/{first}", f"sumu:day/renamed {first}")
    rclone("copyto", f"sumu:day/{second}", f"sumu:favorites/{second}")
    rclone("deletefile", f"sumu:day/{third}")
    names = set(everything) - {first, third} | {f"renamed {first}"}
    assert set(rclone("lsf", "sumu:day").splitlines()) == contents(home / "day").keys() == names
    assert contents(home / "favorites") == {second: everything[second]}
    assert (server.record("alice", "day", second) or {})["isFavorite"] is True

    assert rclone.sent("sync", photos, "sumu:day") == 2, "the renamed and the deleted one"
    assert rclone.sent("sync", photos, "sumu:day") == 0
    assert contents(home / "day") == everything


def test_a_large_file_replaces_another_which_goes_to_the_trash(
    server: Server, rclone: Remote, album: str, tmp_path: Path
) -> None:
    folder, target = tmp_path / "here", f"sumu:{album.split('/')[2]}"
    folder.mkdir()
    for data in (mov(pad=2 * CHUNK), mov(pad=3 * CHUNK)):
        (folder / "holiday.mov").write_bytes(data)
        assert rclone.sent("copy", "--ignore-times", folder, target) == 1

    assert contents(server.plex / album.strip("/")) == contents(folder)
    (kept,) = [line for line in server.command("trash", "list").stdout.splitlines() if album.split("/")[2] in line]
    assert "overwritten" in kept
    assert server.session().names("/remote.php/dav/uploads/alice/") == set()


@pytest.mark.parametrize("vendor", ["owncloud", "nextcloud"])
def test_touch_sets_the_time(
    server: Server, album: str, tmp_path: Path, needs: Callable[..., None], vendor: str
) -> None:
    needs(NEWER)
    rclone = Remote(server, tmp_path, ALBUMS_OF[vendor], vendor, NEWER)
    server.session().put(f"{album}IMG_1.jpg", jpeg())

    rclone("touch", "--timestamp", "2020-01-02T03:04:05", f"sumu:{album.split('/')[2]}/IMG_1.jpg")

    assert (server.plex / album.strip("/") / "IMG_1.jpg").stat().st_mtime == 1_577_934_245
    assert "2020-01-02 03:04:05" in rclone("lsl", f"sumu:{album.split('/')[2]}")
