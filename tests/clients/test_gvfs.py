"""gvfs (Nautilus, Thunar), replayed (`test_mounts.py` runs it)."""

from __future__ import annotations

from support.dav import Dav, members
from support.shelf import Shelf

AGENT = {"User-Agent": "gvfs/1.54.0", "Accept-Language": "en-us, en;q=0.9"}
STAT_BODY = (
    '<?xml version="1.0" encoding="utf-8" ?>\n <D:propfind xmlns:D="DAV:">\n  <D:prop>\n<D:creationdate/>\n'
    "<D:displayname/>\n<D:getcontentlength/>\n<D:getcontenttype/>\n<D:getetag/>\n<D:getlastmodified/>\n"
    "<D:resourcetype/>\n  </D:prop>\n</D:propfind>"
)


def stat(alice: Dav, path: str, depth: str = "0") -> int:
    return alice.request(
        "PROPFIND", path, headers={**AGENT, "Depth": depth, "Apply-To-Redirect-Ref": "T"}, data=STAT_BODY
    ).status_code


def test_a_mount_walks_up_to_the_root(alice: Dav, shelf: Shelf) -> None:
    for path in (shelf.path, shelf.path.rstrip("/"), "/alice", "/"):
        assert "1" in alice.request("OPTIONS", path, headers=AGENT).headers["DAV"]
        assert stat(alice, path) == 207


def test_a_photo_is_copied_with_its_time(alice: Dav, shelf: Shelf) -> None:
    name, photo = shelf.new_name(), shelf.photo()
    path = shelf.path + name

    assert stat(alice, path) == 404
    sent = alice.request("PUT", path, headers={**AGENT, "X-OC-Mtime": "1700000000", "If-None-Match": "*"}, data=photo)
    assert sent.status_code == 201
    assert sent.headers["X-OC-MTime"] == "accepted"

    assert shelf.seen(name) == photo
    assert shelf.on_disk(name).stat().st_mtime == 1_700_000_000
    assert alice.request("HEAD", path, headers={**AGENT, "If-Match": sent.headers["ETag"]}).status_code == 200


def test_a_photo_that_changed_meanwhile_is_412(alice: Dav, shelf: Shelf) -> None:
    path = shelf.path + shelf.new_name()
    first = alice.put(path, shelf.photo()).headers["ETag"]
    alice.put(path, shelf.photo())

    assert alice.request("HEAD", path, headers={**AGENT, "If-Match": first}).status_code == 412
    assert alice.request("PUT", path, headers={**AGENT, "If-Match": first}, data=shelf.photo()).status_code == 412


def test_a_rename_does_not_overwrite(alice: Dav, shelf: Shelf) -> None:
    one, two = shelf.path + shelf.new_name(), shelf.path + shelf.new_name()
    alice.put(one, first := shelf.photo())
    alice.put(two, second := shelf.photo())

    headers = {**AGENT, "Destination": alice.href(two), "Overwrite": "F"}
    assert alice.request("MOVE", one, headers=headers).status_code == 412

    assert (alice.get(one).content, alice.get(two).content) == (first, second)
    assert stat(alice, shelf.path, "1") == 207
    listed = members(alice.request("PROPFIND", shelf.path, headers={**AGENT, "Depth": "1"}, data=STAT_BODY))
    assert {one, two} <= {member.path for member in listed}
