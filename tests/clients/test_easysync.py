"""EasySync (Android), replayed: PROPFIND without a body, MKCOL a segment, PUT with a time, MOVE with Overwrite: F."""

from __future__ import annotations

from support.dav import DAV, Dav, members
from support.shelf import Shelf

AGENT = {"User-Agent": "EasySync/1.24"}


def test_folders_are_made_segment_by_segment(alice: Dav, shelf: Shelf) -> None:
    top = f"{shelf.path}DCIM {shelf.new_name()}"

    for path in (top, f"{top}/Camera"):
        assert alice.request("PROPFIND", path, headers={**AGENT, "Depth": "0"}).status_code == 404
        assert alice.request("MKCOL", path, headers=AGENT).status_code == 201
    assert alice.request("MKCOL", top, headers=AGENT).status_code == 405

    sent = alice.request(
        "PUT", f"{top}/Camera/x.jpg", headers={**AGENT, "X-OC-MTime": "1700000000"}, data=shelf.photo()
    )
    assert sent.status_code == 201


def test_tags_are_stable_until_the_bytes_change(alice: Dav, shelf: Shelf) -> None:
    """It remembers the tag of each file, and takes another one for a change that it must fetch."""
    name = shelf.new_name()
    path = shelf.path + name

    def tag() -> str | None:
        listed = members(alice.request("PROPFIND", shelf.path, headers={**AGENT, "Depth": "1"}))
        return {member.path: member.text(DAV + "getetag") for member in listed}[path]

    sent = alice.request("PUT", path, headers={**AGENT, "X-OC-MTime": "1700000000"}, data=shelf.photo())
    first = tag()
    assert first == sent.headers["ETag"] == alice.head(path).headers["ETag"]
    alice.put(shelf.path + shelf.new_name(), shelf.photo())
    alice.proppatch(path, {"{urn:a}x": "1"})
    assert tag() == first

    alice.request("PUT", path, headers={**AGENT, "X-OC-MTime": "1700000000"}, data=shelf.photo())
    assert tag() != first


def test_a_move_never_overwrites(alice: Dav, shelf: Shelf) -> None:
    one, two = shelf.path + shelf.new_name(), shelf.path + shelf.new_name()
    alice.put(one, shelf.photo())
    alice.put(two, photo := shelf.photo())
    headers = {**AGENT, "Destination": alice.href(two), "Overwrite": "F"}

    assert alice.request("MOVE", one, headers=headers).status_code == 412
    assert alice.get(two).content == photo
    assert alice.request("DELETE", two, headers=AGENT).status_code == 204
    assert alice.request("MOVE", one, headers=headers).status_code == 201
