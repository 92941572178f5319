"""What other programs do in the Plex folder, and what becomes of records, flags, ids and properties by it."""

from __future__ import annotations

import os
import shutil
import unicodedata
from pathlib import Path

import pytest

from sumu_dav.archive.changes.properties import PropertyChange
from sumu_dav.archive.nodes import Path as WebPath
from sumu_dav.archive.outside.reconcile import READING
from sumu_dav.errors import Interrupted
from sumu_dav.floor import Floor
from sumu_dav.library import Place
from sumu_dav.model import FileStat
from support.home import COLOR, Home, write
from support.samples import jpeg, mov

# New files


def test_taking_in_thousands_rests_beside_requests(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []
    floor = Floor()

    def serve_a_request(_stage: str, _done: int, _total: int | None) -> None:
        floor.take()
        floor.give_up()

    monkeypatch.setattr("sumu_dav.floor.PIECE", 0.0)
    monkeypatch.setattr("sumu_dav.floor.sleep", rests.append)
    for number in range(5):
        write(home.alice / "trip" / f"{number}.jpg", jpeg())

    assert home.reconcile(progress=serve_a_request).recorded == 5
    assert len(rests) == 5

    for number in range(5, 10):
        write(home.alice / "trip" / f"{number}.jpg", jpeg())
    assert home.reconcile().recorded == 5
    assert len(rests) == 5, "there were no requests"


def test_reading_a_long_video_can_be_interrupted(home: Home) -> None:
    write(home.alice / "trip" / "long.mp4", b"")
    os.truncate(home.alice / "trip" / "long.mp4", 64 << 20)
    told: list[int] = []

    def interrupt(stage: str, done: int, _total: int | None) -> None:
        if stage == READING:
            told.append(done)
        if len(told) > 5:
            raise Interrupted

    with pytest.raises(Interrupted):
        home.reconcile(progress=interrupt)

    assert told == [0] * 6, "the video was read to its end"
    assert home.reconcile().recorded == 1


def test_a_new_file_is_recorded_where_it_lies(home: Home) -> None:
    write(home.alice / "trip" / "x.jpg", jpeg(taken="2020:03:14 15:09:26", make="Canon"))

    assert home.reconcile().recorded == 1

    photo = home.at("alice/trip/x.jpg")
    assert (photo.taken, photo.make, photo.is_favorite) == ("2020-03-14T15:09:26", "Canon", False)
    home.is_settled()


def test_a_file_directly_in_the_users_folder_is_never_moved(home: Home) -> None:
    write(home.alice / "x.jpg", jpeg(taken="2020:03:14 15:09:26"))

    home.reconcile()

    assert home.at("alice/x.jpg").album == ""
    assert (home.alice / "x.jpg").exists()
    home.is_settled()


def test_what_is_no_photo_or_has_no_bytes_or_is_junk_gets_no_record(home: Home) -> None:
    write(home.alice / "trip" / "notes.txt", b"hello")
    write(home.alice / "trip" / "empty.jpg", b"")
    write(home.alice / "trip" / ".hidden.jpg", jpeg())
    write(home.alice / "@eaDir" / "thumb.jpg", jpeg())
    os.symlink("/etc/passwd", home.alice / "trip" / "link.jpg")

    home.reconcile()

    assert home.records() == []


def test_folders_of_no_account_are_left_alone(home: Home) -> None:
    write(home.plex / "movies" / "x.mp4", b"a film")

    home.reconcile("alice")

    assert home.records() == []


def test_a_file_that_is_being_written_waits(home: Home) -> None:
    write(home.alice / "trip" / "x.jpg", jpeg())

    outcome = home.reconcile(now=0.5)

    assert home.records() == []
    [(where, seconds)] = outcome.unsettled.items()
    assert where == ("alice", ("trip", "x.jpg"))
    assert 0 < seconds < 2
    assert home.reconcile(now=3).recorded == 1


def test_both_halves_of_a_live_photo_are_joined(home: Home) -> None:
    write(home.alice / "trip" / "a.jpg", jpeg(content_id="11111111-2222-3333-4444-555555555555"))
    write(home.alice / "trip" / "b.mov", mov(content_id="11111111-2222-3333-4444-555555555555"))

    home.reconcile()

    assert home.at("alice/trip/a.jpg").is_live_photo
    assert home.at("alice/trip/b.mov").is_live_photo
    home.is_settled()


def test_a_half_that_comes_later_is_a_favorite_with_the_first(home: Home) -> None:
    home.put("alice/trip/a.jpg", jpeg(content_id="11111111-2222-3333-4444-555555555555"), favorite=True)
    write(home.alice / "trip" / "a.mov", mov(content_id="11111111-2222-3333-4444-555555555555"))

    home.reconcile()

    assert home.at("alice/trip/a.mov").is_favorite
    assert (home.alice / "favorites" / "a.mov").exists()
    home.is_settled()


def test_a_decomposed_name_becomes_a_composed_one(home: Home) -> None:
    decomposed = unicodedata.normalize("NFD", "Käse")
    data = jpeg()
    write(home.alice / decomposed / f"{decomposed}.jpg", data)

    home.reconcile()

    assert home.at("alice/Käse/Käse.jpg").album == "Käse"
    assert os.listdir(home.alice) == ["Käse"]
    assert (home.alice / "Käse" / "Käse.jpg").read_bytes() == data
    home.is_settled()


def test_a_decomposed_name_that_comes_again_leaves_one_photo(home: Home) -> None:
    decomposed = unicodedata.normalize("NFD", "Käse")
    photo = home.put("alice/trip/Käse.jpg", data := jpeg(), color="red")
    write(home.alice / "trip" / f"{decomposed}.jpg", data)

    home.reconcile()

    assert os.listdir(home.alice / "trip") == ["Käse.jpg"]
    assert home.at("alice/trip/Käse.jpg").id == photo.id
    home.is_settled()


# Changes


def test_an_edit_in_place_keeps_id_flag_and_properties(home: Home) -> None:
    photo = home.put("alice/trip/x.jpg", jpeg(make="Canon"), favorite=True, color="red")
    edited = jpeg(make="Nikon")
    write(home.alice / "trip" / "x.jpg", edited)

    assert home.reconcile().updated == 1

    now = home.at("alice/trip/x.jpg")
    assert (now.id, now.make, now.is_favorite, now.properties[COLOR]) == (photo.id, "Nikon", True, "red")
    assert now.sha256 != photo.sha256
    assert (home.alice / "favorites" / "x.jpg").read_bytes() == edited
    home.is_settled()


def test_a_file_that_was_only_touched_is_the_same_photo(home: Home) -> None:
    photo = home.put("alice/trip/x.jpg", jpeg(), favorite=True)
    os.utime(home.alice / "trip" / "x.jpg", (1e9, 1e9))

    home.reconcile()

    now = home.at("alice/trip/x.jpg")
    assert (now.sha256, now.modified) == (photo.sha256, "2001-09-09T01:46:40+00:00")
    assert (home.alice / "favorites" / "x.jpg").stat().st_mtime == 1e9
    home.is_settled()


def test_what_is_unchanged_is_not_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.put("alice/trip/x.jpg", jpeg(), favorite=True)
    home.reopen()
    monkeypatch.setattr("sumu_dav.archive.outside.reconcile.content_of", None)

    assert home.reconcile().files == 2


def test_notes_of_seen_files_that_are_lost_cost_a_reading_and_nothing_else(home: Home) -> None:
    photo = home.put("alice/trip/x.jpg", jpeg(), favorite=True)
    home.archive.close()
    os.unlink(home.plex.parent / "state" / "seen.json")
    os.unlink(home.plex.parent / "state" / "seen-copies.json")
    home.archive = home.opened()

    home.reconcile()

    assert home.at("alice/trip/x.jpg") == photo
    home.is_settled()


# Moves


def test_a_moved_file_takes_its_record_along(home: Home) -> None:
    photo = home.put("alice/trip/x.jpg", jpeg(), favorite=True, color="red")
    os.mkdir(home.alice / "home")
    os.rename(home.alice / "trip" / "x.jpg", home.alice / "home" / "y.jpg")

    assert home.reconcile(now=0).followed == 1

    now = home.at("alice/home/y.jpg")
    assert (now.id, now.is_favorite, now.favorite_name, now.properties[COLOR]) == (photo.id, True, "x.jpg", "red")
    assert home.find("alice/trip/x.jpg") is None
    home.is_settled()


def test_a_file_that_was_copied_and_then_deleted_takes_its_record_along(home: Home) -> None:
    photo = home.put("alice/trip/x.jpg", data := jpeg(), color="red")
    write(home.alice / "home" / "y.jpg", data)
    os.unlink(home.alice / "trip" / "x.jpg")

    home.reconcile()

    assert home.at("alice/home/y.jpg").id == photo.id
    assert home.at("alice/home/y.jpg").properties == {COLOR: "red"}
    home.is_settled()


def test_many_equal_files_do_not_look_at_each_other(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(400):
        write(home.alice / "trip" / f"{number}.jpg", jpeg())
    looked: list[Place] = []
    tree = home.archive.tree
    stat = tree.stat

    def look(place: Place) -> FileStat | None:
        looked.append(place)
        return stat(place)

    monkeypatch.setattr(tree, "stat", look)

    assert home.reconcile().recorded == 400

    assert len(looked) < 10 * 400
    shutil.copytree(home.alice / "trip", home.alice / "later")
    shutil.rmtree(home.alice / "trip")
    ids = {photo.id for photo in home.records()}
    looked.clear()

    assert home.reconcile().recorded == 400

    assert len(looked) < 10 * 400
    assert {photo.id for photo in home.records()} == ids
    assert {photo.album for photo in home.records()} == {"later"}
    home.is_settled()


def test_many_equal_files_that_vanished_come_back_with_their_records(home: Home, tmp_path: Path) -> None:
    for number in range(50):
        write(home.alice / "trip" / f"{number}.jpg", jpeg())
    home.reconcile()
    ids = {photo.name: photo.id for photo in home.records()}
    os.rename(home.alice / "trip", tmp_path / "away")
    home.reconcile()
    assert home.records() == []

    shutil.copytree(tmp_path / "away", home.alice / "trip")
    home.reconcile()

    assert {photo.name: photo.id for photo in home.records()} == ids
    home.is_settled()


def test_a_moved_album_takes_all_its_records_along(home: Home) -> None:
    ids = {home.put(f"alice/trip/{n}.jpg", jpeg()).id for n in range(5)}
    os.rename(home.alice / "trip", home.alice / "journey")

    assert home.reconcile(now=0).followed == 5

    assert {photo.id for photo in home.records()} == ids
    assert {photo.album for photo in home.records()} == {"journey"}
    home.is_settled()


def test_a_loose_name_follows_its_photo(home: Home) -> None:
    photo = home.put("alice/x.jpg", jpeg(taken="2020:03:14 15:09:26"))
    os.makedirs(home.alice / "trip")
    os.rename(home.alice / "20-03" / "x.jpg", home.alice / "trip" / "x.jpg")

    home.reconcile()

    assert home.loose("alice/x.jpg").id == photo.id
    assert home.loose("alice/x.jpg").album == "trip"


def test_a_photo_moved_to_another_user_is_no_favorite_there(home: Home) -> None:
    photo = home.put("alice/trip/x.jpg", jpeg(), favorite=True, color="red")
    (home.bob / "trip").mkdir(parents=True)
    os.rename(home.alice / "trip" / "x.jpg", home.bob / "trip" / "x.jpg")

    home.reconcile("bob")

    now = home.at("bob/trip/x.jpg")
    assert (now.id, now.is_favorite, now.properties[COLOR]) == (photo.id, False, "red")
    assert not (home.alice / "favorites" / "x.jpg").exists()
    home.is_settled()


def test_a_photo_moved_over_another_keeps_its_record(home: Home) -> None:
    over = home.put("alice/trip/a.jpg", jpeg())
    moved = home.put("alice/trip/b.jpg", jpeg())
    os.rename(home.alice / "trip" / "b.jpg", home.alice / "trip" / "a.jpg")

    home.reconcile()

    assert home.at("alice/trip/a.jpg").id == moved.id
    assert [entry.photo.id for entry in home.archive.trash.set_aside("alice") if entry.photo] == [over.id]
    home.is_settled()


def test_two_photos_that_change_places_keep_their_records(home: Home) -> None:
    a, b = home.put("alice/trip/a.jpg", jpeg(), color="red"), home.put("alice/trip/b.jpg", jpeg())
    trip = home.alice / "trip"
    os.rename(trip / "a.jpg", trip / "c")
    os.rename(trip / "b.jpg", trip / "a.jpg")
    os.rename(trip / "c", trip / "b.jpg")

    home.reconcile()
    home.reconcile()

    assert (home.at("alice/trip/b.jpg").id, home.at("alice/trip/a.jpg").id) == (a.id, b.id)
    assert home.aside() == []
    home.is_settled()


# Vanished


def test_a_deleted_file_sets_its_record_aside_and_its_return_brings_everything_back(home: Home) -> None:
    photo = home.put("alice/x.jpg", data := jpeg(taken="2020:03:14 15:09:26"), favorite=True)
    home.archive.properties.change(WebPath("alice", ("20-03", "x.jpg")), PropertyChange(dead={COLOR: "red"}))
    os.unlink(home.alice / "20-03" / "x.jpg")

    assert home.reconcile().set_aside == 1
    assert home.records() == []
    assert home.aside() == ["20-03/x.jpg"]
    assert not (home.alice / "favorites" / "x.jpg").exists()
    home.is_settled()

    write(home.alice / "20-03" / "x.jpg", data)
    home.reconcile()

    now = home.at("alice/20-03/x.jpg")
    assert (now.id, now.doc_id, now.properties) == (photo.id, photo.doc_id, {COLOR: "red"})
    assert now.is_favorite
    assert now.loose_names == ("x.jpg",)
    assert (home.alice / "favorites" / "x.jpg").read_bytes() == data
    assert home.aside() == []
    home.is_settled()


def test_bytes_that_return_elsewhere_bring_the_record_back(home: Home) -> None:
    photo = home.put("alice/trip/x.jpg", data := jpeg())
    os.unlink(home.alice / "trip" / "x.jpg")
    home.reconcile()

    write(home.alice / "home" / "y.jpg", data)
    home.reconcile()

    assert home.at("alice/home/y.jpg").id == photo.id


def test_an_album_that_vanished_comes_back_whole(home: Home, tmp_path: Path) -> None:
    before = {(p.id, p.name) for p in [home.put(f"alice/trip/{n}.jpg", jpeg()) for n in range(5)]}
    os.rename(home.alice / "trip", tmp_path / "away")
    assert home.reconcile().set_aside == 5

    os.rename(tmp_path / "away", home.alice / "trip")
    home.reconcile()

    assert {(photo.id, photo.name) for photo in home.records()} == before
    assert home.aside() == []


def test_nothing_is_set_aside_while_the_tree_or_the_users_folder_is_away(home: Home, tmp_path: Path) -> None:
    photo = home.put("alice/trip/x.jpg", jpeg(), favorite=True)

    os.rename(home.alice, tmp_path / "away")
    home.reconcile()
    assert home.records() == [photo]
    os.rename(tmp_path / "away", home.alice)

    os.rename(home.plex / ".sumu", tmp_path / "hidden")
    shutil.rmtree(home.alice / "trip")
    home.reconcile()
    assert home.records() == [photo]
    os.rename(tmp_path / "hidden", home.plex / ".sumu")


# Favorites by hand


def test_a_known_photo_put_into_favorites_sets_its_flag(home: Home) -> None:
    photo = home.put("alice/trip/x.jpg", data := jpeg())
    write(home.alice / "favorites" / "mine.jpg", data)
    inode = (home.alice / "favorites" / "mine.jpg").stat().st_ino

    assert home.reconcile().favorites == 1

    now = home.at("alice/trip/x.jpg")
    assert (now.id, now.is_favorite, now.favorite_name) == (photo.id, True, "mine.jpg")
    assert (home.alice / "favorites" / "mine.jpg").stat().st_ino == inode
    assert (home.alice / "favorites" / "mine.jpg").stat().st_mtime == (home.alice / "trip" / "x.jpg").stat().st_mtime
    home.is_settled()


def test_a_new_photo_put_into_favorites_is_filed_by_its_month(home: Home) -> None:
    write(home.alice / "favorites" / "x.jpg", data := jpeg(taken="2020:03:14 15:09:26"))

    home.reconcile()

    photo = home.at("alice/20-03/x.jpg")
    assert (photo.is_favorite, photo.favorite_name, photo.loose_names) == (True, "x.jpg", ())
    assert (home.alice / "20-03" / "x.jpg").read_bytes() == data
    assert (home.alice / "favorites" / "x.jpg").read_bytes() == data
    home.is_settled()


def test_a_photo_moved_into_favorites_by_hand_stays_in_its_album_too(home: Home) -> None:
    photo = home.put("alice/trip/x.jpg", data := jpeg(), color="red")
    (home.alice / "favorites").mkdir()
    os.rename(home.alice / "trip" / "x.jpg", home.alice / "favorites" / "x.jpg")

    home.reconcile()

    assert home.at("alice/trip/x.jpg").id == photo.id
    assert home.at("alice/trip/x.jpg").is_favorite
    assert (home.alice / "trip" / "x.jpg").read_bytes() == data
    home.is_settled()


def test_a_photo_moved_over_its_own_copy_stays_in_its_album_too(home: Home) -> None:
    photo = home.put("alice/trip/x.jpg", data := jpeg(), favorite=True)
    os.rename(home.alice / "trip" / "x.jpg", home.alice / "favorites" / "x.jpg")

    home.reconcile()

    assert home.at("alice/trip/x.jpg").id == photo.id
    assert (home.alice / "trip" / "x.jpg").read_bytes() == data
    assert home.at("alice/trip/x.jpg").is_favorite
    home.is_settled()


def test_a_copy_renamed_by_hand_is_the_copys_name_alone(home: Home) -> None:
    home.put("alice/trip/x.jpg", jpeg(), favorite=True)
    os.rename(home.alice / "favorites" / "x.jpg", home.alice / "favorites" / "best.jpg")

    home.reconcile(now=0)

    assert home.at("alice/trip/x.jpg").favorite_name == "best.jpg"
    assert os.listdir(home.alice / "favorites") == ["best.jpg"]
    home.is_settled()


def test_a_copy_deleted_by_hand_clears_the_flag(home: Home) -> None:
    home.put("alice/trip/x.jpg", jpeg(), favorite=True)
    os.unlink(home.alice / "favorites" / "x.jpg")

    home.reconcile()

    assert not home.at("alice/trip/x.jpg").is_favorite
    home.is_settled()


def test_a_favorites_album_that_vanished_whole_is_made_anew(home: Home) -> None:
    home.put("alice/trip/x.jpg", data := jpeg(), favorite=True)
    shutil.rmtree(home.alice / "favorites")

    home.reconcile()

    assert home.at("alice/trip/x.jpg").is_favorite
    assert (home.alice / "favorites" / "x.jpg").read_bytes() == data
    home.is_settled()


def test_an_edited_copy_replaces_the_original_taken_at_the_same_time(home: Home) -> None:
    taken = "2020:03:14 15:09:26"
    photo = home.put("alice/trip/x.jpg", jpeg(taken=taken), favorite=True)
    write(home.alice / "favorites" / "x.jpg", edited := jpeg(taken=taken))

    home.reconcile()

    assert home.at("alice/trip/x.jpg").id == photo.id
    assert (home.alice / "trip" / "x.jpg").read_bytes() == edited
    assert [entry.why for entry in home.archive.trash.all()] == ["overwritten"]
    home.is_settled()


def test_another_photo_in_place_of_a_copy_is_a_new_favorite(home: Home) -> None:
    old = home.put("alice/trip/x.jpg", before := jpeg(taken="2020:03:14 15:09:26"), favorite=True)
    write(home.alice / "favorites" / "x.jpg", after := jpeg(taken="2021:04:15 15:09:26"))

    home.reconcile()

    assert home.at("alice/trip/x.jpg").id == old.id
    assert home.at("alice/trip/x.jpg").favorite_name == "x-2.jpg"
    assert home.at("alice/21-04/x.jpg").favorite_name == "x.jpg"
    favorites = home.alice / "favorites"
    assert ((favorites / "x.jpg").read_bytes(), (favorites / "x-2.jpg").read_bytes()) == (after, before)
    home.is_settled()


# Single paths, as events name them


def test_single_paths_are_looked_at_alone(home: Home) -> None:
    write(home.alice / "trip" / "x.jpg", jpeg())
    write(home.alice / "home" / "y.jpg", jpeg())

    assert home.look_at("trip/x.jpg").recorded == 1
    assert home.find("alice/home/y.jpg") is None
    assert home.look_at("home").recorded == 1


def test_single_paths_that_moved_are_followed_both_ways_round(home: Home) -> None:
    photo = home.put("alice/trip/x.jpg", jpeg(), favorite=True)
    os.rename(home.alice / "trip", home.alice / "journey")

    home.look_at("journey", "trip")

    assert home.at("alice/journey/x.jpg").id == photo.id
    os.unlink(home.alice / "favorites" / "x.jpg")
    home.look_at("favorites/x.jpg")
    assert not home.at("alice/journey/x.jpg").is_favorite
    os.unlink(home.alice / "journey" / "x.jpg")
    home.look_at("journey/x.jpg")
    assert home.aside() == ["journey/x.jpg"]
