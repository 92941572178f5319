"""FolderSync (Android), replayed: the final name with a time, or `X.jpg.tacitpart` that is moved to it."""

from __future__ import annotations

from support.dav import DAV, Dav
from support.shelf import Shelf

AGENT = {"User-Agent": "okhttp/4.12.0", "Translate": "f"}
MODIFIED = "Tue, 14 Nov 2023 22:13:20 GMT"


def test_a_photo_is_sent_with_its_time(alice: Dav, shelf: Shelf) -> None:
    name, photo = shelf.new_name(), shelf.photo()

    sent = alice.request("PUT", shelf.path + name, headers={**AGENT, "X-Oc-Mtime": "1700000000"}, data=photo)

    assert sent.status_code == 201
    assert sent.headers["X-OC-MTime"] == "accepted"
    assert shelf.seen(name) == photo
    assert shelf.on_disk(name).stat().st_mtime == 1_700_000_000


def test_a_photo_is_sent_under_a_temporary_name_and_moved(alice: Dav, shelf: Shelf) -> None:
    name, photo = shelf.new_name(), shelf.photo()
    part, path = shelf.path + name + ".tacitpart", shelf.path + name

    sent = alice.request("PUT", part, headers={**AGENT, "X-Oc-Mtime": "1700000000"}, data=photo)
    assert sent.status_code == 201
    assert not {each for each in shelf.names() if "tacitpart" in each}, "Plex would index half a photo"
    assert alice.properties(part, DAV + "getcontentlength") == {DAV + "getcontentlength": str(len(photo))}
    moved = alice.request("MOVE", part, headers={**AGENT, "Destination": alice.href(path), "Overwrite": "T"})
    assert moved.status_code == 201

    assert shelf.seen(name) == photo
    assert shelf.on_disk(name).stat().st_mtime == 1_700_000_000, "the time goes with the MOVE"
    assert alice.properties(path, DAV + "getlastmodified") == {DAV + "getlastmodified": MODIFIED}
    assert alice.head(part).status_code == 404
    assert name in alice.names(shelf.path)


def test_a_temporary_name_replaces_what_was_there(alice: Dav, shelf: Shelf) -> None:
    name, edited = shelf.new_name(), shelf.photo()
    part, path = shelf.path + name + ".tacitpart", shelf.path + name
    alice.put(path, shelf.photo())

    alice.request("PUT", part, headers={**AGENT, "X-Oc-Mtime": "1700000000"}, data=edited)
    moved = alice.request("MOVE", part, headers={**AGENT, "Destination": alice.href(path), "Overwrite": "T"})

    assert moved.status_code == 204
    assert alice.get(path).content == edited
    assert shelf.seen(name) == edited


def test_a_second_sync_finds_the_same_sizes_and_times(alice: Dav, shelf: Shelf) -> None:
    sent = {shelf.new_name(): shelf.photo() for _ in range(5)}
    for number, (name, photo) in enumerate(sent.items()):
        alice.request(
            "PUT", shelf.path + name, headers={**AGENT, "X-Oc-Mtime": str(1_700_000_000 + number)}, data=photo
        )

    for number, (name, photo) in enumerate(sent.items()):
        told = alice.properties(shelf.path + name, DAV + "getcontentlength", DAV + "getlastmodified")
        assert told[DAV + "getcontentlength"] == str(len(photo))
        assert f"22:13:2{number} GMT" in (told[DAV + "getlastmodified"] or "")
