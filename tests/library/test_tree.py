from __future__ import annotations

import fcntl
import os
import socket
import stat
import struct
import threading
from pathlib import Path

import pytest

from sumu_dav.errors import (
    AlreadyExists,
    Conflict,
    Forbidden,
    IsCollection,
    NameRefused,
    NotFound,
    ParentMissing,
    TreeMissing,
)
from sumu_dav.library import kernel
from sumu_dav.library.places import Place, Side
from sumu_dav.library.tree import Tree
from sumu_dav.model import FileStat

ALICE = Place(Side.VISIBLE, "alice")
TRIP = ALICE.child("trip")


def put(tree: Tree, place: Place, data: bytes = b"bytes", mtime_ns: int | None = None) -> FileStat:
    with tree.receive() as upload:
        upload.write(data)
        upload.seal(mtime_ns)
        return upload.publish(place)


def get(tree: Tree, place: Place) -> bytes:
    with open(tree.open_file(place), "rb") as file:
        return file.read()


class TestTheMarker:
    def test_the_first_start_makes_the_tree_and_the_next_one_knows_it(self, plex: Path) -> None:
        first = Tree.open(str(plex), None)
        second = Tree.open(str(plex), first.id)
        assert second.id == first.id == (plex / ".sumu/tree-id").read_text().strip()
        assert second.marker_present()
        first.close()
        second.close()

    def test_a_lost_state_takes_up_the_tree_that_is_there(self, plex: Path) -> None:
        first = Tree.open(str(plex), None)
        again = Tree.open(str(plex), None)
        assert again.id == first.id
        first.close()
        again.close()

    def test_an_empty_folder_is_no_tree(self, plex: Path) -> None:
        plex.mkdir()
        with pytest.raises(TreeMissing, match="mounted"):
            Tree.open(str(plex), "5cbf7ffb-6d4f-4f0e-9a53-5dfb8f3f4a55")
        assert list(plex.iterdir()) == []

    def test_another_tree_is_refused(self, plex: Path) -> None:
        Tree.open(str(plex), None).close()
        with pytest.raises(TreeMissing, match="another tree"):
            Tree.open(str(plex), "5cbf7ffb-6d4f-4f0e-9a53-5dfb8f3f4a55")

    def test_a_folder_that_is_not_there_is_refused(self, plex: Path) -> None:
        with pytest.raises(TreeMissing):
            Tree.open(str(plex), "5cbf7ffb-6d4f-4f0e-9a53-5dfb8f3f4a55")

    @pytest.mark.parametrize("hidden", [".sumu", ".sumu/trash"])
    def test_a_hidden_tree_that_is_a_link_is_refused(self, plex: Path, tmp_path: Path, hidden: str) -> None:
        (plex / hidden).parent.mkdir(parents=True)
        (tmp_path / "elsewhere").mkdir()
        (plex / hidden).symlink_to(tmp_path / "elsewhere")
        with pytest.raises(TreeMissing):
            Tree.open(str(plex), None)

    def test_a_tree_that_goes_and_comes_back_is_noticed(self, tree: Tree, plex: Path, photo: Place) -> None:
        put(tree, photo)
        away = plex.rename(plex.with_name("away"))
        assert not tree.marker_present()
        plex.mkdir()
        assert not tree.marker_present()
        plex.rmdir()
        away.rename(plex)
        assert tree.marker_present()
        assert get(tree, photo) == b"bytes"

    def test_a_disk_that_is_mounted_again_is_taken_up(self, tree: Tree, plex: Path, photo: Place) -> None:
        put(tree, photo, b"old disk")
        plex.rename(plex.with_name("old"))
        other = Tree.open(str(plex), None)
        (plex / ".sumu/tree-id").write_text(tree.id + "\n")
        other.make_folders(TRIP)
        put(other, photo, b"new mount")
        other.close()
        assert tree.marker_present()
        assert get(tree, photo) == b"new mount"


class TestLooking:
    def test_files_and_folders(self, tree: Tree, photo: Place) -> None:
        published = put(tree, photo, b"12345", mtime_ns=1_600_000_000_123_456_789)
        assert tree.stat(photo) == published
        assert (published.size, published.mtime_ns) == (5, 1_600_000_000_123_456_789)
        assert tree.stat(TRIP) is None
        assert tree.is_folder(TRIP)
        assert not tree.is_folder(photo)
        assert tree.folder_stat(photo) is None
        folder = tree.folder_stat(TRIP)
        assert folder is not None
        assert folder.inode != published.inode
        with pytest.raises(NotFound):
            tree.open_file(TRIP)
        assert tree.free() > 0

    def test_a_listing_tells_of_files_and_folders_alone(self, tree: Tree, plex: Path, photo: Place) -> None:
        published = put(tree, photo)
        tree.make_folder(TRIP.child("day 1"))
        folder = plex / "alice/trip"
        (folder / "link").symlink_to("IMG_1.jpg")
        os.mkfifo(folder / "pipe")
        os.close(os.open(os.fsencode(folder) + b"/\xff.jpg", os.O_CREAT))
        assert {(entry.name, entry.is_folder) for entry in tree.scan(TRIP)} == {("IMG_1.jpg", False), ("day 1", True)}
        assert published in [entry.stat for entry in tree.scan(TRIP)]
        assert tree.scan(ALICE.child("nothing")) == []
        assert tree.scan(photo) == []

    def test_the_root_lists_users_and_not_the_hidden_tree(self, tree: Tree) -> None:
        assert [entry.name for entry in tree.scan(Place(Side.VISIBLE, ""))] == ["alice"]

    def test_pipes_and_sockets_are_not_there_and_nobody_waits_for_them(
        self, tree: Tree, plex: Path, photo: Place
    ) -> None:
        os.mkfifo(plex / "alice/trip/IMG_1.jpg")
        here = os.open(plex / "alice/trip", os.O_PATH)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(f"/proc/self/fd/{here}/IMG_2.jpg")
        os.close(here)
        for place in (photo, TRIP.child("IMG_2.jpg")):
            assert tree.stat(place) is None
            with pytest.raises(NotFound):
                tree.open_file(place)

    def test_a_path_that_the_disk_can_not_hold_is_refused_in_words(self, tree: Tree) -> None:
        with pytest.raises(NameRefused, match="too long"):
            tree.make_folder(ALICE.child("é" * 128))


class TestLinks:
    """No symbolic link leads anywhere, neither as the file nor as a folder on the way, at whatever moment it comes."""

    @pytest.fixture
    def secret(self, tmp_path: Path) -> Path:
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "IMG_1.jpg").write_bytes(b"secret")
        return outside

    def test_a_link_in_place_of_the_file(self, tree: Tree, plex: Path, photo: Place, secret: Path) -> None:
        (plex / "alice/trip/IMG_1.jpg").symlink_to(secret / "IMG_1.jpg")
        assert tree.stat(photo) is None
        with pytest.raises(NotFound):
            tree.open_file(photo)
        with pytest.raises(NotFound):
            tree.clone(photo)
        with pytest.raises(NotFound):
            tree.rename(photo, TRIP.child("stolen.jpg"), replace=False)
        with pytest.raises(NotFound):
            tree.set_times(photo, 0)
        assert not tree.remove(photo)
        with pytest.raises(AlreadyExists):
            put(tree, photo)
        assert (secret / "IMG_1.jpg").read_bytes() == b"secret"

    def test_replacing_replaces_the_link_and_not_what_it_names(
        self, tree: Tree, plex: Path, photo: Place, secret: Path
    ) -> None:
        (plex / "alice/trip/IMG_1.jpg").symlink_to(secret / "IMG_1.jpg")
        put(tree, TRIP.child("new.jpg"), b"new")
        tree.rename(TRIP.child("new.jpg"), photo, replace=True)
        assert get(tree, photo) == b"new"
        assert (secret / "IMG_1.jpg").read_bytes() == b"secret"

    @pytest.mark.parametrize("absolute", [True, False])
    def test_a_link_in_place_of_a_folder(
        self, tree: Tree, plex: Path, photo: Place, secret: Path, absolute: bool
    ) -> None:
        (plex / "alice/trip").rmdir()
        (plex / "alice/trip").symlink_to(secret if absolute else "../../outside")
        assert tree.stat(photo) is None
        assert tree.scan(TRIP) == []
        assert not tree.is_folder(TRIP)
        with pytest.raises(NotFound):
            tree.open_file(photo)
        with pytest.raises(ParentMissing):
            put(tree, TRIP.child("new.jpg"))
        with pytest.raises(AlreadyExists):
            tree.make_folders(TRIP.child("deeper"))
        assert not tree.remove(photo)
        assert sorted(path.name for path in secret.iterdir()) == ["IMG_1.jpg"]

    @pytest.mark.parametrize("what", ["alice/trip/IMG_1.jpg", "alice/trip", "alice"])
    def test_a_link_that_is_swapped_in_while_many_look(
        self, tree: Tree, plex: Path, photo: Place, secret: Path, what: str
    ) -> None:
        put(tree, photo, b"mine")
        mirror = secret / "mirror"
        for folder in ("alice/trip", "trip"):
            (mirror / folder).mkdir(parents=True)
            (mirror / folder / "IMG_1.jpg").write_bytes(b"secret")
        target = {"alice": mirror / "alice", "alice/trip": mirror / "trip"}.get(what, secret / "IMG_1.jpg")
        spare = plex / "spare"
        spare.symlink_to(target)
        victim = plex / what
        over = threading.Event()
        seen: set[bytes] = set()

        def look() -> None:
            while not over.is_set():
                try:
                    seen.add(get(tree, photo))
                except NotFound:
                    seen.add(b"")

        looking = threading.Thread(target=look)
        looking.start()
        away = plex / "away"
        for _ in range(300):
            victim.rename(away)
            spare.rename(victim)
            victim.rename(spare)
            away.rename(victim)
        over.set()
        looking.join()
        assert b"secret" not in seen

    def test_removing_a_tree_removes_links_and_not_what_they_name(self, tree: Tree, plex: Path, secret: Path) -> None:
        place = Place(Side.HIDDEN, "alice", ("junk.tmp",))
        tree.make_folders(place.child("deeper"))
        (plex / ".sumu/users/alice/junk.tmp/deeper/link").symlink_to(secret)
        assert tree.remove_tree(place)
        assert not tree.is_folder(place)
        assert (secret / "IMG_1.jpg").exists()


class TestFolders:
    def test_a_folder_needs_its_parent(self, tree: Tree) -> None:
        with pytest.raises(ParentMissing):
            tree.make_folder(ALICE.child("a").child("b"))
        tree.make_folders(ALICE.child("a").child("b"))
        tree.make_folders(ALICE.child("a").child("b"))
        assert tree.is_folder(ALICE.child("a").child("b"))

    def test_what_is_there_is_not_made_again(self, tree: Tree, photo: Place) -> None:
        put(tree, photo)
        for place in (TRIP, photo):
            with pytest.raises(AlreadyExists):
                tree.make_folder(place)
        with pytest.raises(AlreadyExists):
            tree.make_folders(photo)
        with pytest.raises(ParentMissing):
            tree.make_folder(photo.child("below a file"))

    def test_only_an_empty_folder_is_removed(self, tree: Tree, photo: Place) -> None:
        put(tree, photo)
        with pytest.raises(Conflict, match="not empty"):
            tree.remove_folder(TRIP)
        with pytest.raises(Conflict, match="file"):
            tree.remove_folder(photo)
        with pytest.raises(IsCollection):
            tree.remove(TRIP)
        assert tree.remove(photo)
        assert not tree.remove(photo)
        assert tree.remove_folder(TRIP)
        assert not tree.remove_folder(TRIP)

    def test_what_was_withdrawn_comes_back_with_its_bytes(self, tree: Tree, photo: Place) -> None:
        aside = Place(Side.PARKED, "", ("a" * 32,))
        before = put(tree, photo)
        with pytest.raises(IsCollection):
            tree.withdraw(TRIP, aside)

        assert tree.withdraw(photo, aside)
        assert tree.stat(photo) is None
        assert not tree.withdraw(photo, aside)

        back = tree.rename(aside, photo, replace=False)
        assert back is not None
        assert (back.inode, back.size, back.mtime_ns) == (before.inode, before.size, before.mtime_ns)

    def test_the_visible_tree_is_never_removed_by_the_folder(self, tree: Tree) -> None:
        with pytest.raises(ValueError):
            tree.remove_tree(TRIP)

    def test_plex_may_read_all_that_is_visible(self, tree: Tree, plex: Path, photo: Place) -> None:
        before = os.umask(0o022)
        try:
            put(tree, photo)
            tree.make_folder(TRIP.child("day 1"))
        finally:
            os.umask(before)
        assert stat.S_IMODE((plex / "alice/trip/IMG_1.jpg").stat().st_mode) == 0o644
        assert stat.S_IMODE((plex / "alice/trip/day 1").stat().st_mode) == 0o755
        assert stat.S_IMODE((plex / ".sumu").stat().st_mode) == 0o700

    def test_many_threads_make_one_folder(self, tree: Tree) -> None:
        deep = ALICE.child("a").child("b").child("c")
        names = [f"{number}.jpg" for number in range(8)]

        def fill(name: str) -> None:
            tree.make_folders(deep)
            put(tree, deep.child(name))

        threads = [threading.Thread(target=fill, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(entry.name for entry in tree.scan(deep)) == names


@pytest.fixture(params=["renameat2", "claimed"])
def renaming(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to rename to a free name: in one call, and in two where the file system can't."""
    if request.param == "claimed":
        monkeypatch.setattr(kernel, "rename_new", kernel._claim_and_rename)


@pytest.mark.usefixtures("renaming")
class TestRenaming:
    def test_a_file_gets_another_name(self, tree: Tree, photo: Place) -> None:
        before = put(tree, photo, b"bytes", mtime_ns=5_000_000_000)
        target = ALICE.child("IMG_2.jpg")
        after = tree.rename(photo, target, replace=False)
        assert after == tree.stat(target)
        assert after is not None
        assert (after.size, after.mtime_ns, after.inode) == (before.size, before.mtime_ns, before.inode)
        assert tree.stat(photo) is None

    def test_a_folder_goes_with_all_that_is_in_it(self, tree: Tree, photo: Place) -> None:
        put(tree, photo)
        assert tree.rename(TRIP, ALICE.child("journey"), replace=False) is None
        assert get(tree, ALICE.child("journey").child("IMG_1.jpg")) == b"bytes"
        tree.make_folder(TRIP)

    def test_a_name_that_is_taken_stays(self, tree: Tree, photo: Place) -> None:
        other = TRIP.child("IMG_2.jpg")
        put(tree, photo, b"one")
        put(tree, other, b"two")
        with pytest.raises(AlreadyExists):
            tree.rename(photo, other, replace=False)
        tree.make_folder(ALICE.child("empty"))
        with pytest.raises(AlreadyExists):
            tree.rename(TRIP, ALICE.child("empty"), replace=False)
        assert (get(tree, photo), get(tree, other)) == (b"one", b"two")

    def test_a_folder_can_not_go_into_itself(self, tree: Tree) -> None:
        with pytest.raises(Conflict, match="into itself"):
            tree.rename(TRIP, TRIP.child("sub"), replace=False)
        assert tree.scan(TRIP) == []

    def test_what_is_missing_is_told(self, tree: Tree, photo: Place) -> None:
        with pytest.raises(NotFound):
            tree.rename(photo, TRIP.child("x.jpg"), replace=False)
        with pytest.raises(NotFound):
            tree.rename(ALICE.child("no").child("x.jpg"), photo, replace=False)
        put(tree, photo)
        with pytest.raises(ParentMissing):
            tree.rename(photo, ALICE.child("no").child("x.jpg"), replace=False)


class TestReplacing:
    def test_a_file_takes_the_place_of_a_file(self, tree: Tree, photo: Place) -> None:
        put(tree, photo, b"old")
        put(tree, TRIP.child("new.jpg"), b"new")
        tree.rename(TRIP.child("new.jpg"), photo, replace=True)
        assert get(tree, photo) == b"new"
        assert [entry.name for entry in tree.scan(TRIP)] == ["IMG_1.jpg"]

    def test_kinds_do_not_replace_each_other(self, tree: Tree, photo: Place) -> None:
        put(tree, photo)
        tree.make_folder(ALICE.child("empty"))
        with pytest.raises(IsCollection):
            tree.rename(photo, ALICE.child("empty"), replace=True)
        with pytest.raises(AlreadyExists):
            tree.rename(ALICE.child("empty"), photo, replace=True)
        with pytest.raises(AlreadyExists):
            tree.rename(ALICE.child("empty"), TRIP, replace=True)
        tree.rename(TRIP, ALICE.child("empty"), replace=True)
        assert [entry.name for entry in tree.scan(ALICE)] == ["empty"]

    def test_old_bytes_are_kept_while_new_ones_take_the_name(self, tree: Tree, photo: Place) -> None:
        trash = Place(Side.TRASH, "alice", ("1",))
        tree.make_folders(trash.parent)
        put(tree, photo, b"old")
        with tree.receive() as upload:
            upload.write(b"new")
            upload.seal()
            parked = upload.park()
        kept = tree.keep(photo, trash)
        assert kept == tree.stat(photo) == tree.stat(trash)
        after = tree.rename(parked, photo, replace=True)
        assert after == tree.stat(photo)
        assert (get(tree, photo), get(tree, trash)) == (b"new", b"old")
        assert tree.leftovers() == []

    def test_undoing_a_replacement_that_never_came_leaves_one_name(self, tree: Tree, photo: Place) -> None:
        trash = Place(Side.TRASH, "alice", ("1",))
        tree.make_folders(trash.parent)
        put(tree, photo, b"old")
        tree.keep(photo, trash)
        tree.rename(trash, photo, replace=True)
        assert get(tree, photo) == b"old"
        assert tree.stat(trash) is None

    def test_keeping_copies_where_there_are_no_hard_links(
        self, tree: Tree, photo: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put(tree, photo, b"old", mtime_ns=7_000_000_000)
        real = os.link

        def no_links(src: str, dst: str, **how: int) -> None:
            if not src.startswith("/proc/"):
                raise PermissionError(1, "no hard links here")
            real(src, dst, **how)  # type: ignore[arg-type]

        monkeypatch.setattr(os, "link", no_links)
        kept = TRIP.child("kept.jpg")
        assert tree.keep(photo, kept) == tree.stat(photo)
        copy = tree.stat(kept)
        assert copy is not None
        assert copy.mtime_ns == 7_000_000_000
        assert get(tree, kept) == b"old"

    def test_keeping_needs_a_file_and_a_free_name(self, tree: Tree, photo: Place) -> None:
        with pytest.raises(NotFound):
            tree.keep(photo, TRIP.child("kept.jpg"))
        with pytest.raises(IsCollection):
            tree.keep(TRIP, ALICE.child("kept"))
        put(tree, photo)
        with pytest.raises(AlreadyExists):
            tree.keep(photo, photo)
        with pytest.raises(ParentMissing):
            tree.keep(photo, Place(Side.TRASH, "alice", ("1",)))


class TestTimes:
    @pytest.mark.parametrize("mtime_ns", [0, -86_400_000_000_000, 1_234_567_890_123_456_789])
    def test_a_time_is_kept_to_the_nanosecond(self, tree: Tree, photo: Place, mtime_ns: int) -> None:
        put(tree, photo)
        after = tree.set_times(photo, mtime_ns)
        assert after == tree.stat(photo)
        assert after.mtime_ns == mtime_ns

    @pytest.mark.parametrize("mtime_ns", [10**40, -(10**40)])
    def test_a_time_that_no_disk_holds_is_cut_to_one_that_it_holds(
        self, tree: Tree, photo: Place, mtime_ns: int
    ) -> None:
        put(tree, photo)
        assert tree.set_times(photo, mtime_ns) == tree.stat(photo)


def test_a_missing_right_is_told(tree: Tree, photo: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(Forbidden, match="no right"):
        tree.make_folder(TRIP.child("day 1"))


def flags_of(folder: Path) -> int:
    """The folder's attributes as lsattr(1) shows them, ioctl_iflags(2); 0 where the file system has none."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        [flags] = struct.unpack("i", fcntl.ioctl(descriptor, 0x80086601, bytes(4)))
    except OSError:
        return 0
    finally:
        os.close(descriptor)
    return int(flags)


def test_the_folders_where_uploads_begin_are_spread_where_the_file_system_can(tmp_path: Path) -> None:
    topdir = 0x00020000
    Tree.open(str(tmp_path / "plex"), None).close()
    spread, usual = flags_of(tmp_path / "plex" / ".sumu" / "uploads-begun"), flags_of(tmp_path / "plex")
    if usual & 0x00080000:  # EXT4_EXTENTS_FL: this is ext4
        assert spread == usual | topdir
    else:
        assert spread in (usual, usual | topdir)
