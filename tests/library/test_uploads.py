from __future__ import annotations

import errno
import hashlib
import os
import signal
import stat
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from sumu_dav.errors import AlreadyExists, Conflict, NoSpace, NotFound, ParentMissing, WritesSuspended
from sumu_dav.library import copying, kernel
from sumu_dav.library.places import Place, Side
from sumu_dav.library.tree import Tree
from sumu_dav.library.uploads import State, Upload
from sumu_dav.model import FileStat
from support import programs

ALICE = Place(Side.VISIBLE, "alice")
TRIP = ALICE.child("trip")
DATA = os.urandom(3_000_001)


def get(tree: Tree, place: Place) -> bytes:
    with open(tree.open_file(place), "rb") as file:
        return file.read()


def put(tree: Tree, place: Place, data: bytes = b"bytes") -> FileStat:
    with tree.receive() as upload:
        upload.write(data)
        upload.seal()
        return upload.publish(place)


def is_folder(descriptor: int) -> bool:
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)


def everything_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(params=["unnamed", "named"])
def tree(tree: Tree, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """The tree on a file system with O_TMPFILE, and on one without."""
    if request.param == "named":
        real = os.open

        def no_unnamed_files(path: str | bytes, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
            if flags & os.O_TMPFILE == os.O_TMPFILE:
                raise OSError(errno.EOPNOTSUPP, "Operation not supported")
            return real(path, flags, mode, dir_fd=dir_fd)

        monkeypatch.setattr(os, "open", no_unnamed_files)
    return tree


class TestReceiving:
    def test_a_file_appears_whole_and_only_at_the_end(self, tree: Tree, plex: Path, photo: Place) -> None:
        with tree.receive(expected=len(DATA)) as upload:
            for start in range(0, len(DATA), 65_536):
                upload.write(memoryview(DATA)[start : start + 65_536])
            sealed = upload.seal(1_500_000_000_000_000_007)
            assert tree.stat(photo) is None
            assert not any("trip" in path for path in everything_below(plex))
            published = upload.publish(photo)
        assert upload.size == sealed.size == published.size == len(DATA)
        assert published.mtime_ns == 1_500_000_000_000_000_007
        assert published == tree.stat(photo)
        assert get(tree, photo) == DATA
        assert tree.leftovers() == []

    def test_checksums_are_made_on_the_way(self, tree: Tree) -> None:
        also = ("md5", "sha1", "sha512", "adler32", "crc32", "sha3-256")
        with tree.receive(also=also) as upload:
            upload.write(DATA[:1000])
            upload.write(bytearray(DATA[1000:]))
            digests = upload.digests()
            assert upload.sha256 == digests["sha256"] == hashlib.sha256(DATA).hexdigest()
        assert set(digests) == {"sha256", *also}
        assert digests["md5"] == hashlib.md5(DATA).hexdigest()
        assert digests["sha3-256"] == hashlib.sha3_256(DATA).hexdigest()
        assert digests["adler32"] == f"{zlib.adler32(DATA):08x}"
        assert digests["crc32"] == f"{zlib.crc32(DATA):08x}"

    def test_an_unknown_checksum_is_refused_and_leaves_nothing(self, tree: Tree) -> None:
        with pytest.raises(ValueError):
            tree.receive(also=["md6"])
        assert tree.leftovers() == []

    def test_an_empty_file_can_be_published(self, tree: Tree) -> None:
        place = Place(Side.HIDDEN, "alice", ("placeholder.jpg",))
        tree.make_folders(place.parent)
        with tree.receive() as upload:
            upload.seal()
            assert upload.publish(place).size == 0
        assert upload.sha256 == hashlib.sha256().hexdigest()

    def test_what_was_received_can_be_read_before_it_is_published(self, tree: Tree) -> None:
        with tree.receive() as upload:
            upload.write(b"\xff\xd8 a photo")
            assert os.pread(upload.fileno(), 2, 0) == b"\xff\xd8"
            upload.write(b" and more")
            assert os.pread(upload.fileno(), 99, 0) == b"\xff\xd8 a photo and more"

    def test_the_watcher_hears_of_a_file_before_it_is_seen(self, tree: Tree, photo: Place) -> None:
        heard: list[tuple[Place, int, FileStat | None]] = []
        tree.on_publish = lambda place, sealed: heard.append((place, sealed.size, tree.stat(place)))
        put(tree, photo, b"12345")
        tree.rename(photo, TRIP.child("other.jpg"), replace=False)
        assert heard == [(photo, 5, None), (TRIP.child("other.jpg"), 5, None)]

    def test_a_name_that_is_taken_keeps_its_file(self, tree: Tree, photo: Place) -> None:
        put(tree, photo, b"first")
        with pytest.raises(AlreadyExists):
            put(tree, photo, b"second")
        with pytest.raises(ParentMissing):
            put(tree, ALICE.child("no").child("IMG_1.jpg"))
        assert get(tree, photo) == b"first"
        assert tree.leftovers() == []

    def test_after_a_refused_name_another_one_can_be_taken(self, tree: Tree, photo: Place) -> None:
        put(tree, photo, b"first")
        with tree.receive() as upload:
            upload.write(b"second")
            upload.seal()
            with pytest.raises(AlreadyExists):
                upload.publish(photo)
            upload.publish(TRIP.child("IMG_1-2.jpg"))
        assert get(tree, TRIP.child("IMG_1-2.jpg")) == b"second"

    def test_of_many_that_want_one_name_one_gets_it(self, tree: Tree, photo: Place) -> None:
        refused: list[int] = []

        def want(number: int) -> None:
            try:
                put(tree, photo, b"%d" % number * 1000)
            except AlreadyExists:
                refused.append(number)

        threads = [threading.Thread(target=want, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (winner,) = set(range(8)) - set(refused)
        assert get(tree, photo) == b"%d" % winner * 1000


class TestTheLifeOfAnUpload:
    def test_what_is_not_published_is_gone(self, tree: Tree, plex: Path) -> None:
        before = everything_below(plex)
        with tree.receive() as upload:
            upload.write(b"half a photo")
        assert upload.state is State.DISCARDED
        with pytest.raises(ZeroDivisionError), tree.receive() as upload:
            upload.write(bytes(1 // 0))
        assert upload.state is State.DISCARDED
        assert everything_below(plex) == before

    def test_discarding_twice_is_fine(self, tree: Tree, photo: Place) -> None:
        upload = tree.receive()
        upload.discard()
        upload.discard()
        with tree.receive() as upload:
            upload.write(b"bytes")
            upload.seal()
            upload.publish(photo)
            upload.discard()
        assert get(tree, photo) == b"bytes"

    def test_steps_out_of_order_are_the_caller_s_mistake(self, tree: Tree, photo: Place) -> None:
        with tree.receive() as upload:
            with pytest.raises(RuntimeError):
                upload.publish(photo)
            with pytest.raises(RuntimeError):
                upload.park()
            upload.seal()
            with pytest.raises(RuntimeError):
                upload.write(b"late")
            with pytest.raises(RuntimeError):
                upload.seal()
            upload.publish(photo)
            with pytest.raises(RuntimeError):
                upload.publish(TRIP.child("again.jpg"))
        with pytest.raises(RuntimeError):
            upload.fileno()

    def test_a_parked_upload_outlives_its_block_until_the_start_sweeps(self, tree: Tree, photo: Place) -> None:
        parked: list[Place] = []
        for data in (b"named by an intent", b"forgotten"):
            with tree.receive() as upload:
                upload.write(data)
                upload.seal()
                parked.append(upload.park())
        assert sorted(place.name for place in tree.leftovers()) == sorted(place.name for place in parked)
        assert tree.sweep(keep={parked[0]}) == 1
        assert tree.leftovers() == [parked[0]]
        tree.rename(parked[0], photo, replace=False)
        assert get(tree, photo) == b"named by an intent"

    def test_a_parked_upload_can_still_be_published_or_discarded(self, tree: Tree, photo: Place) -> None:
        with tree.receive() as upload:
            upload.write(b"bytes")
            upload.seal()
            upload.park()
            assert upload.publish(photo) == tree.stat(photo)
        with tree.receive() as upload:
            upload.seal()
            upload.park()
            upload.discard()
        assert tree.leftovers() == []

    def test_a_killed_server_leaves_nothing_after_the_next_start(self, tree: Tree, plex: Path) -> None:
        lines = (
            "import os, signal, sys; from sumu_dav.library.tree import Tree",
            "tree = Tree.open(sys.argv[1], None); tree._disk.unnamed.supported = sys.argv[2] == 'unnamed'",
            "upload = tree.receive(); upload.write(b'half a photo'); os.kill(os.getpid(), signal.SIGKILL)",
        )
        for way, left in (("unnamed", 0), ("named", 1)):
            ended = subprocess.run([sys.executable, "-c", "\n".join(lines), plex, way], check=False)
            assert ended.returncode == -signal.SIGKILL
            assert len(tree.leftovers()) == left
            again = Tree.open(str(plex), tree.id)
            assert again.sweep(keep=()) == left
            assert again.leftovers() == []
            again.close()


class TestCopying:
    @pytest.fixture(params=["kernel", "plain"], autouse=True)
    def way(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        if request.param == "plain":

            def no_copies(*_: object) -> int:
                raise OSError(errno.EOPNOTSUPP, "Operation not supported")

            monkeypatch.setattr(os, "copy_file_range", no_copies)

    def test_a_clone_is_a_file_of_its_own_with_the_same_time(self, tree: Tree, photo: Place) -> None:
        put(tree, photo, DATA)
        original = tree.set_times(photo, 1_400_000_000_000_000_001)
        copy = TRIP.child("copy.jpg")
        with tree.clone(photo) as upload:
            assert upload.sha256 == hashlib.sha256(DATA).hexdigest()
            upload.seal()
            published = upload.publish(copy)
        assert get(tree, copy) == DATA
        assert published.mtime_ns == original.mtime_ns
        assert published.inode != original.inode
        assert tree.stat(photo) == original

    def test_chunks_become_one_file_and_stay(self, tree: Tree, photo: Place) -> None:
        chunks = [Place(Side.CHUNKS, "alice", ("upload", f"{number:05}")) for number in range(4)]
        tree.make_folders(chunks[0].parent)
        for number, chunk in enumerate(chunks):
            put(tree, chunk, DATA[number * 800_000 : (number + 1) * 800_000])
        with tree.assemble(chunks, also=["md5"]) as upload:
            assert upload.size == len(DATA)
            upload.write(b"and a word more")
            assert upload.digests()["md5"] == hashlib.md5(DATA + b"and a word more").hexdigest()
            upload.seal()
            upload.publish(photo)
        assert get(tree, photo) == DATA + b"and a word more"
        assert tree.remove_tree(chunks[0].parent)
        assert tree.scan(chunks[0].parent) == []

    def test_a_missing_chunk_or_original_leaves_nothing(self, tree: Tree, photo: Place) -> None:
        with pytest.raises(NotFound):
            tree.assemble([photo])
        with pytest.raises(NotFound):
            tree.clone(photo)
        assert tree.leftovers() == []

    def test_a_file_that_changes_meanwhile_is_not_taken(
        self, tree: Tree, plex: Path, photo: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put(tree, photo, DATA)
        real = copying.copy_all

        def changed_meanwhile(source: int, target: int, size: int) -> int:
            copied = real(source, target, size)
            with open(plex / "alice/trip/IMG_1.jpg", "ab") as file:
                file.write(b"more")
            return copied

        monkeypatch.setattr(copying, "copy_all", changed_meanwhile)
        with pytest.raises(Conflict, match="changed"):
            tree.clone(photo)
        assert tree.leftovers() == []


class TestAFullDisk:
    def test_it_is_told_before_the_first_byte_where_the_length_is_known(
        self, tree: Tree, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(descriptor: int, size: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(kernel, "reserve", full)
        with pytest.raises(NoSpace):
            tree.receive(expected=1 << 40)
        assert tree.leftovers() == []
        tree.receive(expected=10).discard()

    @pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
    def test_a_full_disk_in_the_middle_leaves_what_was_there(
        self, tree: Tree, photo: Place, monkeypatch: pytest.MonkeyPatch, code: int
    ) -> None:
        put(tree, photo, b"old")
        with tree.receive() as upload:
            upload.write(b"half")

            def full(*_: object) -> int:
                raise OSError(code, os.strerror(code))

            with monkeypatch.context() as patch:
                patch.setattr(os, "pwrite", full)
                with pytest.raises(NoSpace):
                    upload.write(b"the rest")
        assert tree.suspended is None
        assert tree.leftovers() == []
        assert get(tree, photo) == b"old"

    def test_a_real_full_disk(self, tmp_path: Path) -> None:
        with programs.tmpfs(tmp_path / "small", "2m") as disk:
            tree = Tree.open(str(disk / "plex"), None)
            tree.make_folders(TRIP)
            put(tree, TRIP.child("old.jpg"), b"old")
            with pytest.raises(NoSpace):
                tree.receive(expected=1 << 30)
            with pytest.raises(NoSpace):
                put(tree, TRIP.child("new.jpg"), DATA)
            assert [entry.name for entry in tree.scan(TRIP)] == ["old.jpg"]
            assert tree.leftovers() == []
            put(tree, TRIP.child("new.jpg"), DATA[: 1 << 20])
            tree.close()


class TestAFailedSync:
    def fail(self, monkeypatch: pytest.MonkeyPatch, when: Callable[[int], bool], code: int) -> list[int]:
        """Let fsync fail for the descriptors that `when` picks; the list fills with the calls that failed."""
        real = os.fsync
        failed: list[int] = []

        def fsync(descriptor: int) -> None:
            if when(descriptor):
                failed.append(descriptor)
                raise OSError(code, os.strerror(code))
            real(descriptor)

        monkeypatch.setattr(os, "fsync", fsync)
        return failed

    def test_of_a_file_suspends_every_write_until_a_restart(
        self, tree: Tree, plex: Path, photo: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put(tree, photo, b"old")
        with monkeypatch.context() as patch:
            failed = self.fail(patch, lambda descriptor: True, errno.EIO)
            with pytest.raises(WritesSuspended):
                put(tree, TRIP.child("new.jpg"), b"new")
        assert len(failed) == 1
        assert tree.suspended
        trash = Place(Side.TRASH, "alice", ("1",))
        for write in (
            lambda: tree.receive(),
            lambda: tree.make_folder(TRIP.child("day 1")),
            lambda: tree.rename(photo, TRIP.child("x.jpg"), replace=False),
            lambda: tree.keep(photo, trash),
            lambda: tree.remove(photo),
            lambda: tree.remove_folder(TRIP),
            lambda: tree.remove_tree(trash),
            lambda: tree.set_times(photo, 0),
            lambda: tree.sync_folder(TRIP),
            lambda: tree.clone(photo),
        ):
            with pytest.raises(WritesSuspended):
                write()
        assert get(tree, photo) == b"old"
        again = Tree.open(str(plex), tree.id)
        assert again.suspended is None
        put(again, TRIP.child("IMG_2.jpg"))
        again.close()

    def test_of_a_folder_suspends_too_and_the_upload_is_not_promised(
        self, tree: Tree, photo: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.fail(monkeypatch, is_folder, errno.EIO)
        with pytest.raises(WritesSuspended):
            put(tree, photo)
        with pytest.raises(WritesSuspended):
            tree.receive()

    def test_for_want_of_space_costs_this_upload_alone(
        self, tree: Tree, photo: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            self.fail(patch, lambda descriptor: True, errno.ENOSPC)
            with pytest.raises(NoSpace):
                put(tree, photo)
        assert tree.suspended is None
        put(tree, photo)

    def test_a_file_system_that_syncs_no_folders_is_taken_as_it_is(
        self, tree: Tree, photo: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.fail(monkeypatch, is_folder, errno.EINVAL)
        put(tree, photo)
        assert tree.suspended is None


def test_no_descriptor_is_left_open(tree: Tree, photo: Place) -> None:
    before = len(os.listdir("/proc/self/fd"))
    put(tree, photo)
    for bad in (lambda: put(tree, photo), lambda: tree.open_file(TRIP), lambda: tree.clone(ALICE)):
        with pytest.raises((AlreadyExists, NotFound)):
            bad()
    tree.scan(TRIP)
    assert tree.stat(TRIP.child("no.jpg")) is None
    with tree.clone(photo) as upload:
        assert isinstance(upload, Upload)
        upload.seal()
        upload.park()
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_disk_begins_to_write_while_a_long_upload_still_comes(
    tree: Tree, photo: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[range] = []
    real = kernel.begin_writing

    def noted(descriptor: int, offset: int, size: int) -> None:
        begun.append(range(offset, offset + size))
        real(descriptor, offset, size)

    monkeypatch.setattr(kernel, "begin_writing", noted)
    with tree.receive(expected=len(DATA)) as upload:
        for start in range(0, len(DATA), 100_000):
            upload.write(DATA[start : start + 100_000])
        assert [part.start for part in begun] == [0, *(part.stop for part in begun[:-1])], "each byte once, in order"
        assert begun[-1].stop > len(DATA) - (1 << 20), "little is left for the sync"
        upload.seal()
        upload.publish(photo)
    assert get(tree, photo) == DATA

    begun.clear()
    put(tree, TRIP.child("small.jpg"), DATA[:100_000])
    assert not begun


def test_memory_is_released_in_every_state(tree: Tree, photo: Place) -> None:
    with tree.receive() as upload:
        upload.write(DATA)
        upload.seal()
        upload.publish(photo)
        upload.release_cache()
        assert upload.sha256 == hashlib.sha256(DATA).hexdigest()
    upload.release_cache()
    assert get(tree, photo) == DATA
