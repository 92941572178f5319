"""PhotoSync (iOS, Android), replayed: the final name at once, `X-Favorite`, sidecars, and one name sent twice."""

from __future__ import annotations

import json

from support.dav import SUMU, Dav
from support.samples import mov
from support.shelf import Shelf

AGENT = {"User-Agent": "PhotoSync/5.0 CFNetwork/1498 Darwin/23.5.0"}


def test_the_folder_is_looked_at_and_a_photo_sent(alice: Dav, shelf: Shelf) -> None:
    name, photo = shelf.new_name(), shelf.photo()

    assert alice.request("PROPFIND", shelf.path, headers={**AGENT, "Depth": "1"}).status_code == 207
    sent = alice.request("PUT", shelf.path + name, headers={**AGENT, "X-OC-Mtime": "1700000000"}, data=photo)

    assert sent.status_code == 201
    assert shelf.seen(name) == photo
    assert shelf.on_disk(name).stat().st_mtime == 1_700_000_000


def test_a_favorite_is_sent_as_one(alice: Dav, shelf: Shelf) -> None:
    name, photo = shelf.new_name(), shelf.photo()

    assert alice.request("PUT", shelf.path + name, headers={**AGENT, "X-Favorite": "1"}, data=photo).status_code == 201

    assert alice.properties(shelf.path + name, SUMU + "isFavorite") == {SUMU + "isFavorite": "1"}
    copy = shelf.server.plex / "alice" / "favorites" / name
    assert copy.read_bytes() == photo
    assert not copy.is_symlink()
    assert copy.stat().st_ino != shelf.on_disk(name).stat().st_ino


def test_a_photo_that_is_no_favorite_is_sent_as_none(alice: Dav, shelf: Shelf) -> None:
    name = shelf.new_name()

    alice.request("PUT", shelf.path + name, headers={**AGENT, "X-Favorite": "0"}, data=shelf.photo())

    assert alice.properties(shelf.path + name, SUMU + "isFavorite") == {SUMU + "isFavorite": "0"}


def test_another_photo_of_the_same_name_loses_neither(alice: Dav, shelf: Shelf) -> None:
    """Counters wrap, and people own two phones."""
    name, first, second = shelf.new_name(), shelf.photo(), shelf.photo(taken="2019:08:09 10:11:12")

    assert alice.request("PUT", shelf.path + name, headers=AGENT, data=first).status_code == 201
    assert alice.request("PUT", shelf.path + name, headers=AGENT, data=second).status_code == 204

    assert alice.get(shelf.path + name).content == second
    if shelf.is_loose:
        assert shelf.seen(name) == first, "each is filed by its month"
        assert (shelf.server.plex / "alice" / "19-08" / name).read_bytes() == second
    else:
        listed = json.loads(shelf.server.command("trash", "list", "--json").stdout)
        assert [entry["why"] for entry in listed if entry["name"] == name] == ["overwritten"]


def test_a_sidecar_and_a_live_photos_video_come_along(alice: Dav, shelf: Shelf) -> None:
    name = shelf.new_name("heic")
    stem = name.removesuffix(".heic")
    sidecar = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    video = mov()

    for each, data in ((name, shelf.photo()), (f"{stem}.mov", video), (f"{stem}.xmp", sidecar)):
        assert alice.request("PUT", shelf.path + each, headers=AGENT, data=data).status_code == 201

    assert {name, f"{stem}.mov", f"{stem}.xmp"} <= alice.names(shelf.path)
    assert alice.get(f"{shelf.path}{stem}.xmp").content == sidecar
    assert alice.get(f"{shelf.path}{stem}.mov").content == video
