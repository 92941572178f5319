"""The trash: what is deleted or overwritten comes back with everything, or goes for good when its time has come."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path as DiskPath
from typing import Any

import pytest

from sumu_dav.archive.draft import Draft
from sumu_dav.archive.trash.trashing import BATCH
from sumu_dav.errors import Interrupted, NotFound
from sumu_dav.library import Place, Side
from support.family import Family
from support.samples import jpeg, mov

COLOR = "{urn:test}color"
LIVE = "7A5B0F9E-0000-4000-8000-000000000001"
RED = '<c xmlns="urn:test">red</c>'


def trashed(family: Family) -> list[str]:
    return [f"{entry.album}/{entry.name} {entry.why}" for entry in family.archive.trashing.entries()]


def bytes_in_trash(family: Family) -> list[DiskPath]:
    return [file for file in (family.plex / ".sumu" / "trash").rglob("*") if file.is_file()]


# Restoring


def test_a_deleted_photo_comes_back_with_record_flag_loose_name_and_properties(family: Family) -> None:
    photo = jpeg(taken="2024:05:17 10:11:12", pad=1000)
    family.put("/alice/IMG_1.jpg", photo, mtime=1_700_000_000)
    family.set_property("/alice/IMG_1.jpg", COLOR, RED)
    family.favor("/alice/IMG_1.jpg")
    before = family.photo("/alice/24-05/IMG_1.jpg")
    family.delete("/alice/24-05")
    assert trashed(family) == ["24-05/IMG_1.jpg deleted"]
    assert not family.has("/alice/24-05")
    assert not family.has("/alice/favorites/IMG_1.jpg")

    assert family.restore() == {"/alice/24-05/IMG_1.jpg": "/alice/24-05/IMG_1.jpg"}

    assert family.photo("/alice/24-05/IMG_1.jpg") == before
    assert family.properties("/alice/IMG_1.jpg") == {COLOR: RED}
    for name in ("/alice/24-05/IMG_1.jpg", "/alice/IMG_1.jpg", "/alice/favorites/IMG_1.jpg"):
        assert family.read(name) == photo
        assert (family.plex / name.strip("/")).exists() == (name != "/alice/IMG_1.jpg")
    assert (family.plex / "alice/24-05/IMG_1.jpg").stat().st_mtime == 1_700_000_000
    assert trashed(family) == []
    assert bytes_in_trash(family) == []
    family.reopen()
    assert family.photo("/alice/IMG_1.jpg") == before


def test_what_has_its_place_now_stays_and_the_old_comes_beside(family: Family) -> None:
    old, new = jpeg(pad=100), jpeg(pad=200)
    family.put("/alice/trip/a.jpg", old)
    family.delete("/alice/trip/a.jpg")
    family.put("/alice/trip/a.jpg", new)

    assert family.restore() == {"/alice/trip/a.jpg": "/alice/trip/a-2.jpg"}

    assert family.read("/alice/trip/a.jpg") == new
    assert family.read("/alice/trip/a-2.jpg") == old


def test_overwritten_content_comes_back_beside_as_a_photo_of_its_own(family: Family) -> None:
    old, new = jpeg(pad=100), jpeg(pad=200)
    family.put("/alice/trip/a.jpg", old)
    family.favor("/alice/trip/a.jpg")
    family.set_property("/alice/trip/a.jpg", COLOR, RED)
    family.put("/alice/trip/a.jpg", new)
    assert trashed(family) == ["trip/a.jpg overwritten"]

    assert family.restore() == {"/alice/trip/a.jpg": "/alice/trip/a-2.jpg"}

    current, returned = family.photo("/alice/trip/a.jpg"), family.photo("/alice/trip/a-2.jpg")
    assert family.read("/alice/trip/a-2.jpg") == old
    assert (returned.size, returned.is_favorite, returned.properties) == (len(old), False, {COLOR: RED})
    assert (returned.id != current.id, returned.doc_id != current.doc_id) == (True, True)
    assert current.is_favorite
    assert family.read("/alice/favorites/a.jpg") == new


def test_bytes_that_are_back_already_are_not_doubled(family: Family) -> None:
    photo = jpeg()
    family.put("/alice/trip/a.jpg", photo)
    family.set_property("/alice/trip/a.jpg", COLOR, RED)
    family.favor("/alice/trip/a.jpg")
    family.delete("/alice/trip/a.jpg")
    family.put("/alice/trip/a.jpg", photo)  # a sync app brought it again

    assert family.restore() == {"/alice/trip/a.jpg": "/alice/trip/a.jpg"}

    assert family.names("/alice/trip") == {"a.jpg"}
    assert family.properties("/alice/trip/a.jpg") == {COLOR: RED}
    assert family.photo("/alice/trip/a.jpg").is_favorite
    assert bytes_in_trash(family) == []


def test_a_chain_of_changes_is_undone_from_its_end(family: Family) -> None:
    first, second = jpeg(pad=100), jpeg(pad=200)
    family.put("/alice/trip/a.jpg", first)
    family.put("/alice/trip/a.jpg", second)
    before = family.photo("/alice/trip/a.jpg")
    family.delete("/alice/trip/a.jpg")

    family.restore()

    assert family.read("/alice/trip/a.jpg") == second
    assert family.photo("/alice/trip/a.jpg") == before
    assert family.read("/alice/trip/a-2.jpg") == first


def test_a_photo_that_another_one_was_moved_over_comes_back_as_itself(family: Family) -> None:
    family.put("/alice/trip/a.jpg", jpeg(pad=100))
    family.put("/alice/trip/b.jpg", jpeg(pad=200))
    family.favor("/alice/trip/b.jpg")
    replaced = family.photo("/alice/trip/b.jpg")
    family.move("/alice/trip/a.jpg", "/alice/trip/b.jpg")

    family.restore()

    returned = family.photo("/alice/trip/b-2.jpg")
    assert (returned.id, returned.is_favorite) == (replaced.id, True)


def test_cleared_favorites_get_their_flags_and_the_names_of_their_copies_back(family: Family) -> None:
    for name in ("a", "b"):
        family.put(f"/alice/trip/{name}.jpg", jpeg())
        family.favor(f"/alice/trip/{name}.jpg")
    family.move("/alice/favorites/a.jpg", "/alice/favorites/best.jpg")
    family.put("/alice/trip/c.jpg", jpeg())
    family.delete("/alice/favorites")
    family.delete("/alice/trip/b.jpg")
    assert trashed(family) == ["/favorites favorites cleared", "trip/b.jpg deleted"]
    assert family.names("/alice/favorites") == set()

    assert family.restore() == {"/alice/favorites": "/alice/favorites", "/alice/trip/b.jpg": "/alice/trip/b.jpg"}

    assert family.names("/alice/favorites") == {"best.jpg", "b.jpg"}
    assert not family.photo("/alice/trip/c.jpg").is_favorite


def test_both_halves_of_a_live_photo_come_back_under_one_flag(family: Family) -> None:
    family.put("/alice/trip/IMG.JPG", jpeg(content_id=LIVE))
    family.put("/alice/trip/IMG.MOV", mov(content_id=LIVE))
    family.favor("/alice/trip/IMG.JPG")
    before = {name: family.photo(f"/alice/trip/{name}") for name in ("IMG.JPG", "IMG.MOV")}
    family.delete("/alice/trip")

    family.restore()

    assert {name: family.photo(f"/alice/trip/{name}") for name in before} == before
    assert family.names("/alice/favorites") == {"IMG.JPG", "IMG.MOV"}


def test_other_files_come_back_with_their_properties_into_the_tree_they_were_in(family: Family) -> None:
    family.mkcol("/alice/trip/.cache")
    for name in ("trip/notes.txt", "trip/.cache/thumbs.bin", "list.txt"):
        family.put(f"/alice/{name}", name.encode())
        family.set_property(f"/alice/{name}", COLOR, RED)
        family.delete(f"/alice/{name}")
    family.delete("/alice/trip")
    junk_never_enters = ["trip/notes.txt deleted", "/list.txt deleted"]
    assert [each for each in trashed(family) if ".cache" not in each] == junk_never_enters

    family.restore()

    assert (family.plex / "alice/trip/notes.txt").read_bytes() == b"trip/notes.txt"
    assert (family.plex / ".sumu/users/alice/list.txt").read_bytes() == b"list.txt"
    assert family.properties("/alice/trip/notes.txt") == family.properties("/alice/list.txt") == {COLOR: RED}


def test_a_file_of_others_that_was_never_recorded_comes_back_as_a_photo(family: Family) -> None:
    photo = jpeg(taken="2024:05:17 10:11:12")
    (family.plex / "alice/trip/a.jpg").write_bytes(photo)
    family.delete("/alice/trip/a.jpg")

    family.restore()

    assert family.photo("/alice/trip/a.jpg").taken == "2024-05-17T10:11:12"


def test_a_loose_name_that_something_else_has_taken_is_left_to_it(family: Family) -> None:
    family.put("/alice/IMG_1.jpg", jpeg(taken="2024:05:17 10:11:12"))
    family.delete("/alice/24-05/IMG_1.jpg")
    other = jpeg(taken="2024:06:18 10:11:12")
    family.put("/alice/IMG_1.jpg", other)

    family.restore()

    assert family.photo("/alice/24-05/IMG_1.jpg").loose_names == ()
    assert family.read("/alice/IMG_1.jpg") == other


def test_a_file_in_the_way_of_its_folder_is_told_and_all_else_comes_back(family: Family) -> None:
    family.mkcol("/alice/other")
    family.put("/alice/trip/a.jpg", jpeg())
    family.put("/alice/other/b.jpg", jpeg())
    family.delete("/alice/trip")
    family.delete("/alice/other")
    (family.plex / "alice/trip").write_bytes(b"a file")

    found = family.restore()

    assert found["/alice/other/b.jpg"] == "/alice/other/b.jpg"
    assert "a file has the name of the folder" in found["/alice/trip/a.jpg"]
    assert trashed(family) == ["trip/a.jpg deleted"]
    assert len(bytes_in_trash(family)) == 1


def test_a_record_whose_file_vanished_says_that_it_waits_for_it(family: Family) -> None:
    family.put("/alice/trip/a.jpg", jpeg())
    photo = family.photo("/alice/trip/a.jpg")
    (family.plex / "alice/trip/a.jpg").unlink()
    with Draft(family.archive.desk) as draft:
        draft.set_aside(photo, "vanished")

    assert "its file vanished" in family.restore()["/alice/trip/a.jpg"]
    assert trashed(family) == ["trip/a.jpg vanished"]


def test_an_entry_whose_bytes_are_gone_says_so(family: Family) -> None:
    family.put("/alice/trip/a.jpg", jpeg())
    family.delete("/alice/trip/a.jpg")
    bytes_in_trash(family)[0].unlink()

    assert "its bytes are no longer in the trash" in family.restore()["/alice/trip/a.jpg"]


def test_everything_that_an_app_deleted_since_a_time_comes_back(family: Family) -> None:
    family.put("/alice/trip/old.jpg", jpeg())
    family.delete("/alice/trip/old.jpg")
    family.mkcol("/bob/trip")
    family.put("/bob/trip/b.jpg", jpeg())
    for number in range(5):
        family.put(f"/alice/trip/{number}.jpg", jpeg())
    records = family.archive.catalog.of("alice")
    family.clock.ahead = timedelta(hours=1)
    since = family.clock()
    family.delete("/alice/trip")
    family.delete("/bob/trip/b.jpg")
    seen: list[tuple[str, int, int | None]] = []

    chosen = family.archive.trashing.pick([], "alice", since)
    family.archive.restoring.restore(chosen, lambda *step: seen.append(step))

    assert family.names("/alice/trip") == {f"{number}.jpg" for number in range(5)}
    assert sorted(family.archive.catalog.of("alice"), key=lambda p: p.doc_id) == records
    assert trashed(family) == ["trip/old.jpg deleted", "trip/b.jpg deleted"]
    assert seen == [("restoring", done, 5) for done in range(6)]


def test_an_interrupted_restore_leaves_each_entry_here_or_there(family: Family) -> None:
    for number in range(4):
        family.put(f"/alice/trip/{number}.jpg", jpeg())
    family.delete("/alice/trip")

    def stop_after_two(_stage: str, done: int, _total: int | None) -> None:
        if done == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        family.archive.restoring.restore(family.archive.trashing.entries(), stop_after_two)

    assert family.names("/alice/trip") == {"2.jpg", "3.jpg"}
    assert trashed(family) == ["trip/0.jpg deleted", "trip/1.jpg deleted"]
    family.restore()
    assert len(family.names("/alice/trip")) == 4


class Killed(BaseException):
    """What ends the process in a test: no `except` of the code under test may stop it."""


def test_a_kill_at_any_step_leaves_an_entry_whole_here_or_there(tmp_path: DiskPath) -> None:
    photo = jpeg(taken="2024:05:17 10:11:12")
    outcomes: set[bool] = set()
    for kill_at in range(20):
        with closing(Family(tmp_path / str(kill_at))) as family, pytest.MonkeyPatch.context() as patch:
            family.put("/alice/IMG_1.jpg", photo, favorite=True)
            before = family.photo("/alice/24-05/IMG_1.jpg")
            family.delete("/alice/24-05")
            finished = restore_until(family, patch, kill_at)
            patch.undo()
            family.reopen()

            restored = family.has("/alice/24-05/IMG_1.jpg")
            outcomes.add(restored)
            assert trashed(family) == ([] if restored else ["24-05/IMG_1.jpg deleted"])
            assert len(bytes_in_trash(family)) == (0 if restored else 1)
            if not restored:
                family.restore()
            for name in ("/alice/24-05/IMG_1.jpg", "/alice/IMG_1.jpg", "/alice/favorites/IMG_1.jpg"):
                assert family.read(name) == photo
            assert family.photo("/alice/IMG_1.jpg") == before
            assert list((family.plex / ".sumu/uploads").iterdir()) == []
            if finished:
                break
    assert outcomes == {True, False}
    assert finished


def restore_until(family: Family, patch: pytest.MonkeyPatch, changes: int) -> bool:
    """Restore everything, and be killed before one more change than these of the trees; whether it came to an end."""
    left = [changes]

    def killing(original: Callable[..., Any]) -> Callable[..., Any]:
        def change(*arguments: Any, **named: Any) -> Any:
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return original(*arguments, **named)

        return change

    tree = family.archive.tree
    for verb in ("make_folders", "clone", "rename", "remove"):
        patch.setattr(tree, verb, killing(getattr(tree, verb)))
    for store in (family.archive.catalog, family.archive.trash):
        patch.setattr(store, "change", killing(store.change))
    try:
        family.restore()
    except Killed:
        return False
    return True


def test_an_unknown_id_is_refused_before_anything_is_restored(family: Family) -> None:
    family.put("/alice/trip/a.jpg", jpeg())
    family.delete("/alice/trip/a.jpg")
    entry_id = family.archive.trashing.entries()[0].id

    with pytest.raises(NotFound):
        family.archive.trashing.pick([entry_id, "nothing"])
    with pytest.raises(NotFound):
        family.archive.trashing.pick([entry_id], "bob")

    assert [entry.id for entry in family.archive.trashing.pick([entry_id])] == [entry_id]


# Leaving for good


def test_empty_drops_everything_of_one_user_or_of_all(family: Family) -> None:
    family.mkcol("/bob/trip")
    for owner in ("alice", "bob"):
        for number in range(3):
            family.put(f"/{owner}/trip/{number}.txt", b"x" * 10)
        family.delete(f"/{owner}/trip")

    assert (family.archive.trashing.empty("alice").count, family.archive.trashing.bytes_of("alice")) == (3, 0)
    assert len(trashed(family)) == len(bytes_in_trash(family)) == 3
    dropped = family.archive.trashing.empty()
    assert (dropped.count, dropped.bytes) == (3, 30)
    assert bytes_in_trash(family) == []
    family.reopen()
    assert trashed(family) == []


def test_a_kill_between_record_and_bytes_leaves_nothing(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    family.put("/alice/trip/a.txt", b"x")
    family.delete("/alice/trip/a.txt")

    def killed(_place: Place, _to: Place) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(family.archive.tree, "withdraw", killed)
    with pytest.raises(KeyboardInterrupt):
        family.archive.trashing.empty()
    assert (trashed(family), len(bytes_in_trash(family))) == ([], 1)

    family.reopen()

    assert bytes_in_trash(family) == []


def test_what_is_older_than_the_settings_say_expires(tmp_path: DiskPath) -> None:
    with closing(Family(tmp_path, trash_days=2.0)) as family:
        family.mkcol("/alice/trip")
        for name in ("old", "new"):
            family.put(f"/alice/trip/{name}.txt", b"x")
            family.delete(f"/alice/trip/{name}.txt")
            family.clock.ahead += timedelta(days=1)

        assert family.archive.trashing.expire(family.clock()).count == 1

        assert trashed(family) == ["trip/new.txt deleted"]
        assert len(bytes_in_trash(family)) == 1


def test_a_users_trash_is_no_larger_than_the_settings_say(tmp_path: DiskPath) -> None:
    with closing(Family(tmp_path, trash_max_bytes=250)) as family:
        for owner in ("alice", "bob"):
            family.mkcol(f"/{owner}/trip")
        for name in "abcd":
            family.put(f"/alice/trip/{name}.txt", b"x" * 100)
            family.delete(f"/alice/trip/{name}.txt")
        family.put("/bob/trip/a.txt", b"x" * 100)
        family.delete("/bob/trip/a.txt")

        assert family.archive.trashing.limit().count == 2

        assert [entry.name for entry in family.archive.trashing.entries("alice")] == ["c.txt", "d.txt"]
        assert len(family.archive.trashing.entries("bob")) == 1


def test_shrink_drops_the_oldest_and_no_more_than_it_must(family: Family) -> None:
    for number in range(BATCH + 5):
        (family.plex / f"alice/trip/{number:03}.txt").write_bytes(b"x" * 10)
    family.delete("/alice/trip")

    assert family.archive.trashing.shrink("alice", 10 * BATCH + 15) == 10 * BATCH + 20

    assert len(trashed(family)) == 3
    assert family.archive.trashing.shrink("alice", 1000) == 30
    assert family.archive.trashing.shrink("alice", 1000) == 0


def test_what_is_being_restored_is_not_dropped_to_make_room(family: Family) -> None:
    for name in ("a", "b"):
        family.put(f"/alice/trip/{name}.txt", b"x" * 10)
        family.delete(f"/alice/trip/{name}.txt")
    trashing = family.archive.trashing

    with trashing.claim(trashing.entries()[:1]) as mine:
        assert [entry.name for entry in mine] == ["a.txt"]
        assert trashing.shrink("alice", 100) == 10
        assert trashing.empty().count == 0
    assert trashed(family) == ["trip/a.txt deleted"]


def test_files_without_an_entry_are_swept_when_they_are_as_old_as_trash_may_be(family: Family) -> None:
    family.put("/alice/trip/a.txt", b"x")
    family.delete("/alice/trip/a.txt")
    stray = family.plex / ".sumu/trash/alice/stray"
    stray.write_bytes(b"x")
    now = datetime.now(UTC)

    assert family.archive.trashing.sweep(now) == 0
    assert family.archive.trashing.sweep(now + timedelta(days=31)) == 1

    assert not stray.exists()
    assert family.archive.tree.stat(Place(Side.TRASH, "alice", (family.archive.trashing.entries()[0].id,)))
