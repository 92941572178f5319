"""A killed process can't show a sync that is missing: here the system calls themselves are looked at, in order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sumu_dav.errors import WritesSuspended
from sumu_dav.library.durability import Durability
from sumu_dav.library.places import Place, Side
from sumu_dav.library.tree import Tree
from support import programs

ALICE = Place(Side.VISIBLE, "alice")

PRELUDE = """
import os, sys
from sumu_dav.library.places import Place, Side
from sumu_dav.library.tree import Tree
tree = Tree.open(sys.argv[1], None)
tree._disk.unnamed.supported = sys.argv[2] == "unnamed"
photo = Place(Side.VISIBLE, "alice", ("trip", "IMG_1.jpg"))
trash = Place(Side.TRASH, "alice", ("1",))
def sealed(data):
    upload = tree.receive()
    upload.write(data)
    upload.seal(10**18)
    return upload
"""

CALLS = "pwrite64,utimensat,fsync,fdatasync,linkat,renameat,renameat2,mkdirat,unlinkat"


def calls(plex: Path, way: str, prepare: str, act: str) -> list[str]:
    """What `act` does on the disk: ["fsync alice/trip", …], descriptors resolved to paths below the Plex folder."""
    programs.needs("strace")
    script = f"{PRELUDE}\n{prepare}\nos.write(1, b'begin')\n{act}\nos.write(1, b'end')\n"
    log = plex.with_name("strace.log")
    subprocess.run(
        ["strace", "-f", "-y", "-o", log, "-e", f"trace=write,{CALLS}", sys.executable, "-c", script, plex, way],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    text = log.read_text()
    between = text[text.index('"begin"') : text.index('"end"')].splitlines()[1:-1]
    done = []
    for line in between:
        call = re.match(r"\d+ +(\w+)\((.*)", line)
        assert call, line
        name, rest = call.groups()
        if "= -1" in rest:
            continue
        paths = [re.sub(r"/#\d+|\(deleted\)| ", "", path) for path in re.findall(rf"<{plex}/?([^>]*)>", rest)]
        names = re.findall(r'"([^"]*)"', rest) if name not in ("pwrite64", "utimensat") else []
        names = [one for one in names if not one.startswith("/proc/")]
        done.append(" ".join([name, *(re.sub("[0-9a-f]{32}", "TOKEN", word) or "." for word in [*paths, *names])]))
    return done


def order(found: list[str], *wanted: str) -> None:
    """Assert that calls which match these patterns happened in this order, whatever is between."""
    rest = iter(found)
    for pattern in wanted:
        assert any(re.fullmatch(pattern, call) for call in rest), f"{pattern} is missing, or too late, in {found}"


@pytest.mark.parametrize("way", ["unnamed", "named"])
class TestTheOrderOfSystemCalls:
    def test_a_new_file(self, plex: Path, way: str) -> None:
        found = calls(plex, way, "tree.make_folders(photo.parent)", "sealed(b'bytes').publish(photo)")
        naming = "linkat .*alice/trip IMG_1.jpg" if way == "unnamed" else r"renameat2 .*alice/trip TOKEN IMG_1.jpg"
        order(found, "pwrite64 .*", "utimensat .*", r"fsync \.sumu/uploads.*", naming, "fsync alice/trip")

    def test_a_new_file_in_new_folders(self, plex: Path, way: str) -> None:
        found = calls(plex, way, "", "tree.make_folders(photo.parent); sealed(b'bytes').publish(photo)")
        order(found, r"mkdirat \. alice", r"fsync \.", "mkdirat alice trip", "fsync alice", "fsync alice/trip")

    def test_a_shared_sync_of_the_folder_later(self, plex: Path, way: str) -> None:
        found = calls(
            plex,
            way,
            "tree.make_folders(photo.parent)",
            "sealed(b'1').publish(photo, sync=False); tree.sync_folder(photo.parent)",
        )
        order(found, ".*IMG_1.jpg", "fsync alice/trip")
        assert found.count("fsync alice/trip") == 1

    def test_a_replaced_file(self, plex: Path, way: str) -> None:
        found = calls(
            plex,
            way,
            "tree.make_folders(photo.parent); tree.make_folders(trash.parent); sealed(b'old').publish(photo)",
            "parked = sealed(b'new').park(); tree.keep(photo, trash); tree.rename(parked, photo, replace=True)",
        )
        order(
            found,
            r"fsync \.sumu/uploads/.*" if way == "named" else r"fsync \.sumu/uploads-begun/.*",
            r"fsync \.sumu/uploads",
            r"linkat alice/trip \.sumu/trash/alice IMG_1.jpg 1",
            r"fsync \.sumu/trash/alice",
            r"renameat2? \.sumu/uploads alice/trip TOKEN IMG_1.jpg",
            "fsync alice/trip",
            r"fsync \.sumu/uploads",
        )

    def test_a_moved_and_a_removed_file(self, plex: Path, way: str) -> None:
        found = calls(
            plex,
            way,
            "tree.make_folders(photo.parent); sealed(b'old').publish(photo)",
            "there = photo.parent.parent.child('b.jpg'); tree.rename(photo, there, replace=False)\n"
            "tree.remove(there); tree.remove_folder(photo.parent)",
        )
        assert found == [
            "renameat2 alice/trip alice IMG_1.jpg b.jpg",
            "fsync alice",
            "fsync alice/trip",
            "unlinkat alice b.jpg",
            "fsync alice",
            "unlinkat alice trip",
            "fsync alice",
        ]

    def test_a_withdrawn_file_costs_no_more_than_a_removed_one(self, plex: Path, way: str) -> None:
        found = calls(
            plex,
            way,
            "tree.make_folders(photo.parent); sealed(b'old').publish(photo)",
            "aside = Place(Side.PARKED, '', ('a' * 32,)); tree.withdraw(photo, aside); tree.remove(aside)",
        )
        assert found == [
            "renameat2 alice/trip .sumu/uploads IMG_1.jpg TOKEN",
            "fsync alice/trip",
            "unlinkat .sumu/uploads TOKEN",
        ]


class TestSharedSyncs:
    def test_threads_that_wait_for_one_folder_share_a_sync(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        durability = Durability()
        waiting = threading.Barrier(9)
        may_end = threading.Event()
        syncs: list[int] = []

        def slow_sync(descriptor: int) -> None:
            syncs.append(descriptor)
            if len(syncs) == 1:
                waiting.wait()  # the first sync lasts until all the others have come
                may_end.wait()

        monkeypatch.setattr(os, "fsync", slow_sync)
        folder = os.open(tmp_path, os.O_RDONLY)

        def first() -> None:
            durability.sync_folder(folder)

        def other() -> None:
            waiting.wait()
            durability.sync_folder(folder)

        threads = [threading.Thread(target=run) for run in (first, *[other] * 8)]
        for thread in threads:
            thread.start()
        self.until_they_wait(durability, threads=9)
        may_end.set()
        for thread in threads:
            thread.join()
        os.close(folder)
        assert 2 <= len(syncs) <= 3  # who came before the second began shares it; who came after needs one more
        assert not durability._commits

    @staticmethod
    def until_they_wait(durability: Durability, threads: int) -> None:
        taking_part: list[int] = []
        while taking_part != [threads]:
            with durability._lock:
                taking_part = [commit._asked for commit, _ in durability._commits.values()]

    def test_a_failure_reaches_all_who_shared_it_and_those_after(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        durability = Durability()

        def broken(descriptor: int) -> None:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(os, "fsync", broken)
        folder = os.open(tmp_path, os.O_RDONLY)
        outcomes: list[str] = []

        def sync() -> None:
            try:
                durability.sync_folder(folder)
            except WritesSuspended as error:
                outcomes.append(error.reason)

        threads = [threading.Thread(target=sync) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        os.close(folder)
        assert len(outcomes) == 6
        assert set(outcomes) == {durability.suspended}

    def test_who_meets_a_folder_that_is_just_made_waits_for_its_name_too(
        self, tree: Tree, plex: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        album = ALICE.child("new")
        real = os.fsync
        making, may_go_on = threading.Event(), threading.Event()
        synced: list[str] = []

        def fsync(descriptor: int) -> None:
            path = os.readlink(f"/proc/self/fd/{descriptor}")
            if threading.current_thread() is maker:
                making.set()
                may_go_on.wait()
            else:
                synced.append(path)
            real(descriptor)

        def make() -> None:
            try:
                tree.make_folder(album)
            finally:
                making.set()

        maker = threading.Thread(target=make)
        with tree.receive() as upload:
            upload.seal()
            monkeypatch.setattr(os, "fsync", fsync)
            maker.start()
            making.wait()
            publisher = threading.Thread(target=upload.publish, args=(album.child("IMG_1.jpg"),))
            publisher.start()
            while tree.stat(album.child("IMG_1.jpg")) is None:
                assert publisher.is_alive()
            publisher.join(timeout=0.2)
            assert publisher.is_alive()  # the name is there, and not promised while its folder's is not on the disk
            may_go_on.set()
            publisher.join()
            maker.join()
        assert synced[-1] == str(plex / "alice/new")
