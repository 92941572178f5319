"""rclone, as its users run it: copy, check, sync, bisync, with each of its WebDAV vendors."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support.clients import contents, named_photos
from support.rclone import ALBUMS_OF, DEBIANS, NEWER, Remote
from support.samples import jpeg
from support.server import Server

FILES = 200


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return named_photos(tmp_path_factory.mktemp("named") / "photos", FILES)


@pytest.fixture
def remote(server: Server, tmp_path: Path, needs: Callable[..., None]) -> Callable[..., Remote]:
    needs("rclone")
    return lambda url, vendor="other": Remote(server, tmp_path, url, vendor)


@pytest.mark.parametrize("vendor", ["other", "owncloud", "nextcloud"])
def test_an_album_is_copied_checked_and_has_nothing_more_to_send(
    server: Server, named: Path, remote: Callable[..., Remote], vendor: str
) -> None:
    rclone, album = remote(ALBUMS_OF[vendor], vendor), f"sumu:by {vendor}"

    assert rclone.sent("copy", named, album) == FILES

    assert f"{FILES} matching files" in rclone("check", "--download", named, album)
    assert contents(server.plex / "alice" / f"by {vendor}") == contents(named)
    assert rclone.sent("copy", named, album) == 0
    assert rclone.sent("sync", named, album) == 0


@pytest.mark.parametrize("vendor", ["owncloud", "nextcloud"])
def test_times_and_checksums_are_kept_where_the_dialect_has_them(
    server: Server, named: Path, remote: Callable[..., Remote], tmp_path: Path, vendor: str
) -> None:
    rclone, album = remote(ALBUMS_OF[vendor], vendor), f"sumu:sums {vendor}"
    some = tmp_path / "some"
    some.mkdir()
    for path in sorted(named.iterdir())[:10]:
        shutil.copy2(path, some)

    rclone("copy", some, album)

    checked = rclone("check", some, album)
    assert "10 matching files" in checked
    assert "could not be checked" not in checked
    assert rclone.sent("copy", "--checksum", some, album) == 0

    edited = min(some.iterdir())
    edited.write_bytes(edited.read_bytes()[:-2] + b"\xff\xd9")
    changed = bytearray(edited.read_bytes())
    changed[-30] ^= 1  # as long as before: only its checksum tells
    edited.write_bytes(changed)
    assert rclone.sent("copy", "--checksum", some, album) == 1
    assert (server.plex / "alice" / f"sums {vendor}" / edited.name).stat().st_mtime == int(edited.stat().st_mtime)


def test_a_day_with_an_album(server: Server, photos: Path, remote: Callable[..., Remote]) -> None:
    """Real photos are uploaded, listed, renamed, deleted and made favourites; then there is nothing to do."""
    rclone, count = remote("/alice/", "owncloud"), len(list(photos.iterdir()))
    first, second, third = sorted(path.name for path in photos.iterdir())[:3]
    home = server.plex / "alice"

    assert rclone.sent("copy", photos, "sumu:day") == count
    assert sorted(rclone("lsf", "sumu:day").splitlines()) == sorted(path.name for path in photos.iterdir())

    rclone("moveto", f"sumu:day/{first}", f"sumu:day/renamed {first}")
    rclone("copyto", f"sumu:day/{second}", f"sumu:favorites/{second}")
    rclone("deletefile", f"sumu:day/{third}")

    left = contents(home / "day")
    assert left.keys() == {path.name for path in photos.iterdir()} - {first, third} | {f"renamed {first}"}
    assert contents(home / "favorites") == {second: left[second]}
    record = server.record("alice", "day", second)
    assert record is not None
    assert record["isFavorite"] is True

    assert rclone.sent("copy", photos, "sumu:day") == 2, "the renamed and the deleted one"
    assert rclone.sent("copy", photos, "sumu:day") == 0
    rclone("purge", "sumu:day")
    assert not (home / "day").exists()


def test_loose_uploads_are_checked_and_not_sent_again(
    own_server: Server, named: Path, tmp_path: Path, needs: Callable[..., None]
) -> None:
    needs("rclone")
    rclone = Remote(own_server, tmp_path, "/alice/", "other")

    assert rclone.sent("copy", named, "sumu:") == FILES

    assert f"{FILES} matching files" in rclone("check", "--download", "--one-way", named, "sumu:")
    assert rclone.sent("copy", named, "sumu:") == 0
    months = [contents(own_server.plex / "alice" / f"24-{month}") for month in ("01", "02", "03")]
    assert months[0] | months[1] | months[2] == contents(named)


def test_sync_to_the_inbox_deletes_no_photo(
    own_server: Server, named: Path, tmp_path: Path, needs: Callable[..., None]
) -> None:
    """A phone's camera roll is mirrored with its deletions: the loose names go, the photos stay."""
    needs("rclone")
    rclone = Remote(own_server, tmp_path, "/-/inbox/alice/", "other")
    roll = tmp_path / "roll"
    shutil.copytree(named, roll)

    assert rclone.sent("sync", roll, "sumu:") == FILES
    files = own_server.files("alice")
    assert len(files) == FILES
    assert rclone.sent("sync", roll, "sumu:") == 0

    for path in sorted(roll.iterdir())[: FILES // 2]:
        path.unlink()
    rclone("sync", roll, "sumu:")

    assert own_server.files("alice") == files
    assert set(rclone("lsf", "sumu:").splitlines()) == set(contents(roll))


@pytest.mark.parametrize("program", [DEBIANS, NEWER], ids=["Debian's", "newer"])
def test_bisync_with_the_inbox_deletes_no_photo(
    own_server: Server, tmp_path: Path, needs: Callable[..., None], program: str
) -> None:
    needs(program)
    rclone = Remote(own_server, tmp_path, "/-/inbox/alice/", "owncloud", program)
    roll = named_photos(tmp_path / "roll", 20)
    alice = own_server.session()

    rclone("bisync", "--resync", roll, "sumu:")
    assert len(own_server.files("alice")) == 20

    gone, *_ = sorted(path.name for path in roll.iterdir())
    (roll / gone).unlink()
    (roll / "new on the phone.jpg").write_bytes(jpeg())
    alice.put("/-/inbox/alice/new in the inbox.jpg", jpeg())
    rclone("bisync", roll, "sumu:")

    assert (roll / "new in the inbox.jpg").exists()
    assert not (roll / gone).exists()
    assert alice.names("/-/inbox/alice/") == set(contents(roll))
    assert len(own_server.files("alice")) == 22, "the photo whose name is gone stays"
    before = own_server.files("alice")
    assert "No changes found" in rclone("bisync", "-v", roll, "sumu:")
    assert own_server.files("alice") == before
