"""Desktops that mount the server: gvfs (Nautilus, Thunar), davfs2 and rclone mount, in a day of their user's life."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from support.clients import contents, run, written
from support.samples import jpeg
from support.server import Server, password_of

MOUNT_SECONDS = 20.0
"""For a mount to be there, on a busy machine."""

WRITE_SECONDS = 20.0
"""For a mount to send what it was given."""


def wait_for(what: Callable[[], bool], seconds: float, words: str) -> None:
    """Ask again and again until it is so."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, words
        time.sleep(0.05)


GVFS_DAY = """
set -e
printf 'alice\\n%s\\n' "$PASSWORD" | gio mount "$URL"
gio mkdir "$URL/gvfs"
gio copy "$PHOTOS"/* "$URL/gvfs/"
echo "== again"; yes n | gio copy --interactive "$PHOTOS"/* "$URL/gvfs/" 2>&1; echo
echo "== uploaded"; gio list "$URL/gvfs"
gio rename "$URL/gvfs/$FIRST" "renamed $FIRST" > /dev/null
gio copy "$URL/gvfs/$SECOND" "$URL/favorites/$SECOND"
gio remove "$URL/gvfs/$THIRD"
gio save "$URL/gvfs/saved.jpg" < "$NEW"
gio save "$URL/gvfs/saved.jpg" < "$PHOTOS/$SECOND"
gio copy "$NEW" "$URL/loose.jpg"
echo "== left"; gio list "$URL/gvfs"
echo "== home"; gio list "$URL"
echo "== sum"; gio cat "$URL/gvfs/renamed $FIRST" | sha256sum
gio mount -u "$URL"
"""


def test_gvfs(server: Server, photos: Path, tmp_path: Path, needs: Callable[..., None]) -> None:
    needs("gio", "dbus-run-session")
    first, second, third = sorted(path.name for path in photos.iterdir())[:3]
    new = tmp_path / "loose.jpg"
    new.write_bytes(jpeg(taken="2019:08:09 10:11:12"))
    environment = {
        "URL": f"dav://127.0.0.1:{server.port}/alice",
        "PASSWORD": password_of("alice"),
        "PHOTOS": str(photos),
        "NEW": str(new),
        "FIRST": first,
        "SECOND": second,
        "THIRD": third,
        "HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path),
        "LC_ALL": "C.UTF-8",
    }

    said = run("dbus-run-session", "--", "bash", "-c", GVFS_DAY, environment=environment)

    again, rest = said.split("== again\n")[1].split("== uploaded\n")
    uploaded, rest = rest.split("== left\n")
    left, rest = rest.split("== home\n")
    home, rest = rest.split("== sum\n")
    everything = {path.name for path in photos.iterdir()}
    assert again.count("overwrite") == len(everything), "it is asked of each, and the answer is no"
    assert set(uploaded.splitlines()) == everything
    assert set(left.splitlines()) == everything - {first, third} | {f"renamed {first}", "saved.jpg"}
    assert {"loose.jpg", "19-08", "favorites", "gvfs"} <= set(home.splitlines())
    assert rest.split()[0] == hashlib.sha256((photos / first).read_bytes()).hexdigest()

    folder = server.plex / "alice"
    assert contents(folder / "gvfs").keys() == set(left.splitlines())
    assert written(server, "gvfs") == len(everything) + 2, "each photo once, and what was saved twice"
    assert (folder / "gvfs" / "saved.jpg").read_bytes() == (photos / second).read_bytes()
    assert (folder / "favorites" / second).read_bytes() == (photos / second).read_bytes()
    assert (folder / "19-08" / "loose.jpg").read_bytes() == new.read_bytes()


@contextmanager
def davfs(server: Server, folder: Path, cache: str) -> Iterator[Path]:
    """The tree of alice, mounted by davfs2; skips where mounting is not allowed."""
    mounted = folder / "mounted"
    mounted.mkdir()
    config = folder / "davfs2.conf"
    shutil.chown(cache, group="davfs2")
    Path(cache).chmod(0o770)
    config.write_text(f"cache_dir {cache}\ndelay_upload 0\nuse_locks 1\ngui_optimize 0\nbuf_size 64\n")
    done = subprocess.run(
        ["mount", "-t", "davfs", "-o", f"conf={config}", f"{server.url}alice/", str(mounted)],
        input=f"alice\n{password_of('alice')}\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip(f"davfs2 does not mount here: {done.stderr.strip()}")
    try:
        yield mounted
    finally:
        run("umount", mounted)


def synced(source: Path, target: Path) -> str:
    """Send what is missing or other on the mount; what was sent, by name."""
    return run("rsync", "--recursive", "--checksum", "--itemize-changes", f"{source}/", f"{target}/")


def test_davfs2(own_server: Server, photos: Path, tmp_path: Path, needs: Callable[..., None]) -> None:
    """It locks what it writes: LOCK that creates, PUT with If, UNLOCK."""
    needs("mount.davfs", "rsync")
    if os.geteuid() != 0:
        pytest.skip("davfs2 mounts as root alone")
    names = sorted(path.name for path in photos.iterdir())
    first, second, third, fourth = names[:4]
    folder = own_server.plex / "alice" / "davfs"

    # The folders of a test are closed to davfs2's own user.
    with TemporaryDirectory(dir="/var/tmp") as cache, davfs(own_server, tmp_path, cache) as mounted:
        (mounted / "davfs").mkdir()
        for name in names:
            shutil.copyfile(photos / name, mounted / "davfs" / name)
        wait_for(lambda: len(contents(folder)) == len(names), WRITE_SECONDS, "not all was sent")
        assert sorted(os.listdir(mounted / "davfs")) == names
        assert synced(photos, mounted / "davfs") == "", "nothing to do"
        (mounted / "davfs" / first).rename(mounted / "davfs" / f"renamed {first}")
        (mounted / "davfs" / third).unlink()
        shutil.copyfile(mounted / "davfs" / fourth, mounted / "favorites" / fourth)
        with (mounted / "davfs" / second).open("ab") as file:
            file.write(b"an edit")
        assert (mounted / "davfs" / f"renamed {first}").read_bytes() == (photos / first).read_bytes()
        (mounted / "davfs" / "gone").mkdir()
        (mounted / "davfs" / "gone").rmdir()

    expected = contents(photos)
    expected[f"renamed {first}"] = expected.pop(first)
    expected[second] += b"an edit"
    del expected[third]
    assert contents(folder) == expected
    assert not (folder / "gone").exists()
    assert (own_server.plex / "alice" / "favorites" / fourth).read_bytes() == (photos / fourth).read_bytes()
    record = own_server.record("alice", "davfs", fourth)
    assert record is not None
    assert record["isFavorite"] is True


@contextmanager
def rclone_mount(server: Server, folder: Path) -> Iterator[Path]:
    """The tree of alice, mounted by rclone; skips where mounting is not allowed."""
    mounted, log = folder / "mounted", folder / "rclone.log"
    mounted.mkdir()
    environment = {
        **os.environ,
        "RCLONE_CONFIG": os.devnull,
        "RCLONE_CONFIG_SUMU_TYPE": "webdav",
        "RCLONE_CONFIG_SUMU_URL": f"{server.url}alice",
        "RCLONE_CONFIG_SUMU_VENDOR": "owncloud",
        "RCLONE_CONFIG_SUMU_USER": "alice",
        "RCLONE_CONFIG_SUMU_PASS": run("rclone", "obscure", password_of("alice")).strip(),
        "RCLONE_CACHE_DIR": str(folder / "cache"),
    }
    with log.open("w") as said:
        process = subprocess.Popen(
            ["rclone", "mount", "sumu:", str(mounted), "--vfs-cache-mode", "writes", "--vfs-write-back", "0s"],
            env=environment,
            stdout=said,
            stderr=said,
        )
        try:
            wait_for(lambda: mounted.is_mount() or process.poll() is not None, MOUNT_SECONDS, "rclone does not mount")
            if process.poll() is not None:
                pytest.skip(f"rclone can't mount here: {log.read_text()}")
            yield mounted
        finally:
            if mounted.is_mount():
                run("fusermount3", "-u", mounted)
            process.terminate()
            process.wait(20)


def test_rclone_mount(own_server: Server, photos: Path, tmp_path: Path, needs: Callable[..., None]) -> None:
    needs("rclone", "fusermount3", "rsync")
    names = sorted(path.name for path in photos.iterdir())
    first, second, third = names[:3]
    folder = own_server.plex / "alice" / "mounted"

    with rclone_mount(own_server, tmp_path) as mounted:
        (mounted / "mounted").mkdir()
        for name in names:
            shutil.copyfile(photos / name, mounted / "mounted" / name)
        wait_for(lambda: contents(folder).keys() == set(names), WRITE_SECONDS, "not all was sent")
        assert {path.name for path in (mounted / "mounted").iterdir()} == set(names)
        assert synced(photos, mounted / "mounted") == "", "nothing to do"
        (mounted / "mounted" / first).rename(mounted / "mounted" / f"renamed {first}")
        (mounted / "mounted" / third).unlink()
        shutil.copyfile(mounted / "mounted" / second, mounted / "favorites" / second)
        wait_for(
            lambda: bool((own_server.record("alice", "mounted", second) or {}).get("isFavorite")),
            WRITE_SECONDS,
            "no favorite was made",
        )
        assert (mounted / "mounted" / f"renamed {first}").read_bytes() == (photos / first).read_bytes()

    expected = contents(photos)
    expected[f"renamed {first}"] = expected.pop(first)
    del expected[third]
    assert contents(folder) == expected
    assert (own_server.plex / "alice" / "favorites" / second).read_bytes() == (photos / second).read_bytes()
