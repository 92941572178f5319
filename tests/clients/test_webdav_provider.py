"""webdav-provider (Android's storage framework), replayed: OPTIONS, PROPFIND without a body, PUT in chunks, MOVE."""

from __future__ import annotations

from support.dav import DAV, Dav, members
from support.shelf import Shelf

AGENT = {"User-Agent": "webdav-provider/1.1", "Accept-Encoding": "gzip"}


def test_an_account_is_added(alice: Dav, shelf: Shelf) -> None:
    options = alice.request("OPTIONS", shelf.path, headers=AGENT)

    assert options.status_code == 200
    assert {"PROPFIND", "PUT", "MKCOL"} <= {verb.strip() for verb in options.headers["Allow"].split(",")}
    assert "1" in options.headers["DAV"]


def test_a_photo_is_stored_and_found_again_by_its_name(alice: Dav, shelf: Shelf) -> None:
    name, photo = shelf.new_name(), shelf.photo()
    path = shelf.path + name

    assert alice.request("PUT", path, headers=AGENT, data=iter([photo])).status_code == 201
    (member,) = members(alice.request("PROPFIND", path, headers={**AGENT, "Depth": "0"}))

    assert member.path == path
    assert member.text(DAV + "getcontentlength") == str(len(photo))
    assert member.text(DAV + "getlastmodified")
    assert shelf.seen(name) == photo


def test_a_listing_holds_the_folder_that_was_asked_for(alice: Dav, shelf: Shelf) -> None:
    name = shelf.new_name()
    alice.put(shelf.path + name, shelf.photo())

    for path in (shelf.path, shelf.path.rstrip("/")):
        listed = members(alice.request("PROPFIND", path, headers={**AGENT, "Depth": "1"}))
        assert listed[0].path.rstrip("/") == shelf.path.rstrip("/")
        assert shelf.path + name in {member.path for member in listed}


def test_a_photo_is_renamed_without_a_word_on_overwriting(alice: Dav, shelf: Shelf) -> None:
    name, renamed, photo = shelf.new_name(), shelf.new_name(), shelf.photo()
    alice.put(shelf.path + name, photo)

    moved = alice.request("MOVE", shelf.path + name, headers={**AGENT, "Destination": alice.href(shelf.path + renamed)})

    assert moved.status_code == 201
    assert alice.get(shelf.path + renamed).content == photo
    assert alice.head(shelf.path + name).status_code == 404
