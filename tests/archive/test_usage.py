"""What a user holds is what lies on the disk, and a quota lets in no byte more; the oldest trash goes first."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection
from contextlib import closing, suppress
from pathlib import Path as DiskPath
from typing import Any

import pytest

from sumu_dav.archive.content import Content
from sumu_dav.archive.nodes import Path
from sumu_dav.archive.usage import STEP_BYTES
from sumu_dav.errors import QuotaExceeded
from sumu_dav.library import FolderStat, Place, Side, Tree
from support.family import Family, path
from support.programs import tmpfs
from support.samples import jpeg

KB = 1024


def on_disk(family: Family, user: str = "alice") -> int:
    """What every file of the user comes to, counted by somebody else."""
    hidden = family.plex / ".sumu"
    roots = [family.plex / user, *(hidden / side / user for side in ("users", "chunks", "trash"))]
    return sum(file.stat().st_size for root in roots for file in root.rglob("*") if file.is_file())


def watched(monkeypatch: pytest.MonkeyPatch, tree: Tree, verb: str) -> list[Place]:
    """The places that a verb of the tree is called with from now on."""
    places: list[Place] = []
    original = getattr(tree, verb)

    def watch(place: Place) -> Any:
        places.append(place)
        return original(place)

    monkeypatch.setattr(tree, verb, watch)
    return places


def fill(disk: DiskPath) -> None:
    """Leave not one free block."""
    with (disk / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
        while True:
            ballast.write(b"x" * KB)


def test_used_is_what_lies_on_the_disk_after_every_change(family: Family) -> None:
    photo = jpeg(pad=10 * KB)
    family.put("/alice/trip/a.jpg", photo)
    used = [family.archive.usage.used("alice")]
    for change in (
        lambda: family.put("/alice/trip/a.jpg", jpeg(pad=30 * KB)),
        lambda: family.favor("/alice/trip/a.jpg"),
        lambda: family.put("/alice/IMG_1.jpg", jpeg(pad=5 * KB)),
        lambda: family.put("/alice/trip/notes.txt", b"x" * KB),
        lambda: family.put("/alice/trip/.hidden", b"x" * KB),
        lambda: family.put("/alice/trip/empty.jpg", b""),
        lambda: family.move("/alice/trip", "/alice/journey"),
        lambda: family.delete("/alice/journey/a.jpg"),
        lambda: family.delete("/alice/journey"),
    ):
        change()
        assert family.archive.usage.used("alice") == on_disk(family)
        used.append(on_disk(family))

    assert used[0] == len(photo)
    assert used[2] > used[1] > used[0]
    assert family.archive.usage.used("bob") == 0


def test_chunks_count(family: Family) -> None:
    chunks, usage = family.archive.chunks, family.archive.usage
    chunks.make("alice", "upload")
    with family.archive.tree.receive() as received:
        received.write(b"x" * KB)
        received.seal()
        chunks.store("alice", "upload", "1", received)
    assert usage.used("alice") == KB

    chunks.remove("alice", "upload")
    assert usage.used("alice") == 0


def test_what_others_do_to_the_folders_is_seen(family: Family) -> None:
    usage = family.archive.usage
    family.put("/alice/trip/a.jpg", jpeg())
    before = usage.used("alice")
    sidecar = family.plex / "alice" / "trip" / "a.xmp"

    sidecar.write_bytes(b"x" * KB)
    assert usage.used("alice") == before + KB
    with sidecar.open("ab") as file:  # grows in place: no folder changes by it
        file.write(b"y" * KB)
    assert usage.used("alice") == before + 2 * KB
    os.rename(family.plex / "alice" / "trip", family.plex / "alice" / "moved")
    assert usage.used("alice") == before + 2 * KB
    sidecar = family.plex / "alice" / "moved" / "a.xmp"
    sidecar.unlink()
    assert usage.used("alice") == before


def test_a_collection_has_the_size_of_all_below_it_in_both_trees(family: Family) -> None:
    family.mkcol("/alice/trip/day 1")
    family.put("/alice/trip/day 1/notes.txt", b"x" * KB)
    family.put("/alice/trip/.part", b"x" * KB)

    size_of = family.archive.usage.size_of
    assert size_of(path("/alice/trip/day 1")) == KB
    assert size_of(path("/alice/trip")) == 2 * KB
    assert size_of(path("/alice")) == 2 * KB
    assert size_of(path("/alice/nothing")) == 0


def test_an_unchanged_folder_is_not_read_again(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    family.put("/alice/trip/a.jpg", jpeg(), mtime=1_000_000_000)
    usage, tree = family.archive.usage, family.archive.tree
    monkeypatch.setattr("sumu_dav.archive.sizes.STAMP_STEP_NS", -1)  # as if all had been done a while ago
    used = usage.used("alice")
    scanned = watched(monkeypatch, tree, "scan")

    assert usage.used("alice") == used
    assert scanned == []
    family.archive.folders.make(Path("alice", ("trip", "new")))
    scanned.clear()
    assert usage.used("alice") == used
    assert [place.parts for place in scanned] == [("trip",), ("trip", "new")]


def beside_a_count(
    monkeypatch: pytest.MonkeyPatch, tree: Tree, places: Collection[Place], change: Callable[[Place], None]
) -> None:
    """Each time all of the places are counted, do the change as the last of them is about to be; it is told which."""
    counted: set[Place] = set()
    is_changing = False
    original = tree.folder_stat

    def folder_stat(place: Place) -> FolderStat | None:
        nonlocal is_changing
        if not is_changing and place in places:
            counted.add(place)
            if len(counted) == len(places):
                counted.clear()
                is_changing = True
                change(place)
                is_changing = False
        return original(place)

    monkeypatch.setattr(tree, "folder_stat", folder_stat)


def send_chunks(family: Family, upload: str, *sizes: int) -> None:
    """Chunks of these sizes in bytes."""
    family.archive.chunks.make("alice", upload)
    for number, size in enumerate(sizes, start=1):
        with family.archive.tree.receive() as received:
            received.write(b"x" * size)
            received.seal()
            family.archive.chunks.store("alice", upload, str(number), received)


def assemble(family: Family, upload: str, where: str) -> None:
    """MOVE of `.file`."""
    with family.archive.chunks.joined("alice", upload) as whole:
        stat = family.archive.tree.stat(whole.place)
        assert stat is not None
        family.archive.receiving.store(
            path(where), Content(whole.place, whole.size, whole.digests["sha256"], stat.mtime_ns)
        )


@pytest.mark.parametrize("always", [False, True])
@pytest.mark.parametrize("way", ["file", "folder", "restored", "chunks"])
def test_what_moves_while_it_is_counted_counts(
    family: Family, monkeypatch: pytest.MonkeyPatch, way: str, always: bool
) -> None:
    """Where it was it is no more, and where it is now was looked at before."""
    usage, size = family.archive.usage, 60 * KB
    family.mkcol("/alice/walk")
    places = [Place(Side.VISIBLE, "alice", (name,)) for name in ("trip", "walk")]
    other = {"trip": "walk", "walk": "trip"}
    left = [1 if not always else 10]
    match way:
        case "file":
            family.put("/alice/trip/a.txt", b"x" * size)
        case "folder":
            family.mkcol("/alice/trip/below")
            family.put("/alice/trip/below/a.txt", b"x" * size)
        case "restored":
            family.put("/alice/trip/a.txt", b"x" * size)
            family.delete("/alice/trip/a.txt")
            places = [Place(Side.VISIBLE, "alice"), Place(Side.CHUNKS, "alice")]
        case "chunks":
            send_chunks(family, "upload", size - KB, KB)
            places = [Place(Side.VISIBLE, "alice"), Place(Side.CHUNKS, "alice")]

    def change(last: Place) -> None:
        if not left[0]:
            return
        left[0] -= 1
        match way:
            case "file" | "folder":
                name = "a.txt" if way == "file" else "below"
                to = f"/alice/{other[last.parts[0]]}/{name}"
                if not family.has(to):
                    family.move(f"/alice/{last.parts[0]}/{name}", to)
            case "restored":
                if family.has("/alice/trip/a.txt"):
                    family.delete("/alice/trip/a.txt")
                family.restore()
            case "chunks":
                if family.has("/alice/trip/whole.txt"):
                    family.archive.folders.delete(path("/alice/trip/whole.txt"))
                    family.archive.trashing.empty()
                    send_chunks(family, "upload", size)
                assemble(family, "upload", "/alice/trip/whole.txt")

    assert usage.used("alice") == on_disk(family) == size
    beside_a_count(monkeypatch, family.archive.tree, places, change)

    assert usage.used("alice") == on_disk(family) == size
    assert left[0] < (10 if always else 1)
    family.quotas["alice"] = size + 10 * KB
    with pytest.raises(QuotaExceeded), usage.receiving("alice", 11 * KB):
        pytest.fail("more was let in than there is room for")


def test_what_is_replaced_counts_until_it_lies_in_the_trash(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    usage, quota = family.archive.usage, 200 * KB
    family.quotas["alice"] = quota
    family.put("/alice/trip/a.txt", b"x" * 60 * KB)
    told: list[tuple[int, int]] = []
    original = family.archive.trash.change

    def change(*arguments: Any, **named: Any) -> None:
        told.append((usage.available("alice"), quota - on_disk(family)))
        original(*arguments, **named)

    monkeypatch.setattr(family.archive.trash, "change", change)
    family.put("/alice/trip/a.txt", b"x" * 10 * KB)

    assert told
    assert all(available <= left for available, left in told)


def test_no_more_trash_goes_than_has_to_where_files_move_all_the_time(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = family.archive.usage
    family.mkcol("/alice/walk")
    family.put("/alice/walk/a.txt", b"x")
    for name in ("old", "middle", "new"):
        family.put(f"/alice/trip/{name}.txt", b"x" * 30 * KB)
        family.delete(f"/alice/trip/{name}.txt")
    family.quotas["alice"] = 100 * KB
    usage.used("alice")

    def change(last: Place) -> None:
        other = {"trip": "walk", "walk": "trip"}[last.parts[0]]
        if family.has(f"/alice/{last.parts[0]}/a.txt"):
            family.move(f"/alice/{last.parts[0]}/a.txt", f"/alice/{other}/a.txt")
        else:
            family.move(f"/alice/{other}/a.txt", f"/alice/{last.parts[0]}/a.txt")

    beside_a_count(
        monkeypatch, family.archive.tree, [Place(Side.VISIBLE, "alice", (name,)) for name in ("trip", "walk")], change
    )
    with usage.receiving("alice", 20 * KB), usage.receiving("alice", 10 * KB):
        pass
    assert [entry.name for entry in family.archive.trashing.entries()] == ["middle.txt", "new.txt"]


def test_an_upload_beyond_the_quota_is_refused_before_its_body(family: Family) -> None:
    family.put("/alice/trip/a.txt", b"x" * 60 * KB)
    family.quotas["alice"] = 100 * KB

    with pytest.raises(QuotaExceeded) as refused, family.archive.usage.receiving("alice", 50 * KB):
        pytest.fail("the body was received")

    assert (refused.value.user, refused.value.quota, refused.value.used) == ("alice", 100 * KB, 60 * KB)
    family.put("/alice/trip/b.txt", b"x" * 40 * KB)
    assert family.archive.usage.available("alice") == 0
    family.put("/alice/trip/placeholder.jpg", b"")


def test_a_body_of_unknown_length_is_refused_when_it_outgrows_the_quota(family: Family) -> None:
    family.quotas["alice"] = 100 * KB
    with family.archive.usage.receiving("alice", None) as meter:
        for _ in range(10):
            meter(10 * KB)
        with pytest.raises(QuotaExceeded):
            meter(1)

    family.put("/alice/trip/a.txt", b"x" * 100 * KB, announced=False)
    with pytest.raises(QuotaExceeded), family.archive.usage.receiving("alice", None):
        pytest.fail("the body was received")


def test_a_body_that_outgrows_what_was_announced_is_counted_on(family: Family) -> None:
    family.quotas["alice"] = 100 * KB

    with family.archive.usage.receiving("alice", 10 * KB) as meter:
        meter(10 * KB)
        meter(80 * KB)
        with pytest.raises(QuotaExceeded):
            meter(11 * KB)


def test_parallel_uploads_share_what_is_left(family: Family) -> None:
    family.quotas["alice"] = 100 * KB
    usage = family.archive.usage
    begun = threading.Barrier(8)
    outcomes: list[bool] = []

    def upload() -> None:
        begun.wait()
        try:
            with usage.receiving("alice", 30 * KB) as meter:
                meter(30 * KB)
                outcomes.append(True)
                finished.wait()
        except QuotaExceeded:
            outcomes.append(False)

    finished = threading.Event()
    threads = [threading.Thread(target=upload) for _ in range(8)]
    for thread in threads:
        thread.start()
    while len(outcomes) < 8:
        threads[0].join(0.01)
    finished.set()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == [False] * 5 + [True] * 3
    assert usage.available("alice") == 100 * KB  # none of them stored anything


def test_many_uploads_count_the_folders_once(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    family.quotas["alice"] = 1 << 30
    family.put("/alice/trip/a.txt", b"x")
    tree = family.archive.tree
    looked = watched(monkeypatch, tree, "folder_stat")

    for number in range(50):
        family.put(f"/alice/trip/{number}.txt", b"x" * KB)

    assert looked == []


def test_the_oldest_trash_goes_before_an_upload_is_refused(family: Family) -> None:
    for name in ("old", "middle", "new"):
        family.put(f"/alice/trip/{name}.txt", b"x" * 30 * KB)
    for name in ("old", "middle", "new"):
        family.delete(f"/alice/trip/{name}.txt")
    family.quotas["alice"] = 100 * KB
    assert family.archive.usage.available("alice") == 100 * KB

    family.put("/alice/trip/a.txt", b"x" * 35 * KB)
    assert [entry.name for entry in family.archive.trashing.entries()] == ["middle.txt", "new.txt"]
    with pytest.raises(QuotaExceeded):
        family.put("/alice/trip/b.txt", b"x" * 80 * KB)
    assert [entry.name for entry in family.archive.trashing.entries()] == ["middle.txt", "new.txt"]
    family.put("/alice/trip/b.txt", b"x" * 65 * KB, announced=False)
    assert family.archive.trashing.entries() == []
    assert family.archive.usage.used("alice") == on_disk(family) == 100 * KB


def test_trash_of_others_stays(family: Family) -> None:
    family.mkcol("/bob/trip")
    family.put("/bob/trip/a.txt", b"x" * 90 * KB)
    family.delete("/bob/trip/a.txt")
    family.quotas["alice"] = 10 * KB

    with pytest.raises(QuotaExceeded):
        family.put("/alice/trip/a.txt", b"x" * 20 * KB)

    assert family.archive.trashing.bytes_of("bob") == 90 * KB


def test_copies_made_by_the_server_need_room_too(family: Family) -> None:
    family.put("/alice/trip/a.jpg", jpeg(pad=60 * KB))
    family.quotas["alice"] = 100 * KB

    with pytest.raises(QuotaExceeded):
        family.favor("/alice/trip/a.jpg")
    with pytest.raises(QuotaExceeded):
        family.archive.copy(path("/alice/trip/a.jpg"), path("/alice/trip/b.jpg"), overwrite=True)

    assert not family.photo("/alice/trip/a.jpg").is_favorite
    assert family.names("/alice/trip") == {"a.jpg"}
    assert list((family.plex / ".sumu" / "uploads").iterdir()) == []


def test_a_whole_folder_is_refused_before_its_first_file_is_copied(family: Family) -> None:
    for name in ("a", "b"):
        family.put(f"/alice/trip/{name}.txt", b"x" * 30 * KB)
    family.quotas["alice"] = 100 * KB

    with pytest.raises(QuotaExceeded):
        family.archive.copy(path("/alice/trip"), path("/alice/twin"), overwrite=True)

    assert family.names("/alice") == {"trip", "favorites"}
    family.quotas["alice"] = 120 * KB
    family.archive.copy(path("/alice/trip"), path("/alice/twin"), overwrite=True)


def test_what_is_moved_to_another_user_counts_there(family: Family) -> None:
    family.put("/alice/trip/a.txt", b"x" * 60 * KB)
    family.mkcol("/bob/trip")
    family.quotas["bob"] = 50 * KB

    for source, target in (("/alice/trip/a.txt", "/bob/trip/a.txt"), ("/alice/trip", "/bob/journey")):
        with pytest.raises(QuotaExceeded):
            family.move(source, target)

    family.quotas["bob"] = 60 * KB
    family.move("/alice/trip", "/bob/journey")
    assert (family.archive.usage.used("alice"), family.archive.usage.used("bob")) == (0, 60 * KB)


def test_a_quota_that_was_lowered_refuses_and_shows_nothing_left(family: Family) -> None:
    family.put("/alice/trip/a.txt", b"x" * 60 * KB)
    family.quotas["alice"] = 10 * KB

    assert family.archive.usage.available("alice") == 0
    with pytest.raises(QuotaExceeded):
        family.put("/alice/trip/b.txt", b"x")


def test_without_a_quota_the_disk_is_the_limit(family: Family) -> None:
    family.put("/alice/trip/a.txt", b"x" * 60 * KB)
    family.delete("/alice/trip/a.txt")

    available = family.archive.usage.available("alice")

    assert abs(available - family.archive.tree.free() - 60 * KB) < 64 << 20  # others use this disk, too


@pytest.mark.parametrize("announced", [True, False])
def test_on_a_full_disk_the_oldest_trash_goes_first(tmp_path: DiskPath, announced: bool) -> None:
    with tmpfs(tmp_path / "plex", "8m"), closing(Family(tmp_path)) as family:
        family.mkcol("/alice/trip")
        for name in ("old", "new"):
            family.put(f"/alice/trip/{name}.txt", b"x" * 3 * 1024 * KB)
            family.delete(f"/alice/trip/{name}.txt")

        family.put("/alice/trip/a.txt", b"x" * 3 * 1024 * KB, announced=announced)

        assert [entry.name for entry in family.archive.trashing.entries()] == ["new.txt"]


def test_trash_goes_where_not_even_its_list_can_be_written(tmp_path: DiskPath) -> None:
    with tmpfs(tmp_path / "disk", "4m") as disk, closing(Family(disk)) as family:
        family.mkcol("/alice/trip")
        family.put("/alice/trip/a.txt", b"x" * 1024 * KB)
        family.delete("/alice/trip/a.txt")
        fill(disk)

        assert family.archive.trashing.empty().bytes == 1024 * KB

        assert family.archive.trashing.entries() == []
        family.put("/alice/trip/b.txt", b"x" * 512 * KB)


def test_trash_that_would_not_help_stays(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    family.put("/alice/trip/a.txt", b"x" * KB)
    family.delete("/alice/trip/a.txt")
    monkeypatch.setattr(family.archive.tree, "free", lambda: 4 * 1024 * KB)

    with family.archive.usage.receiving("alice", STEP_BYTES):
        assert len(family.archive.trashing.entries()) == 1


def test_usage_is_counted_anew_after_a_restart(family: Family) -> None:
    family.put("/alice/trip/a.jpg", jpeg(pad=KB))
    family.delete("/alice/trip/a.jpg")
    family.put("/alice/trip/b.jpg", jpeg(pad=KB))

    family.reopen()

    assert family.archive.usage.used("alice") == on_disk(family)
    assert family.archive.tree.is_folder(Place(Side.TRASH, "alice"))
