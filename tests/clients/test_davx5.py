"""DAVx5's WebDAV mounts on Android, replayed: an empty file that must not exist yet, then bytes of unknown length."""

from __future__ import annotations

from support.dav import Dav
from support.shelf import Shelf

AGENT = {"User-Agent": "DAVx5/4.4.1-ose (okhttp) Android/14", "Accept-Language": "en-US, en;q=0.7, *;q=0.5"}
LIST_BODY = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes" ?><propfind xmlns="DAV:"><prop>'
    "<current-user-privilege-set /><displayname /><getcontentlength /><getcontenttype /><getetag /><getlastmodified />"
    "<quota-available-bytes /><quota-used-bytes /><resourcetype /></prop></propfind>"
)


def test_a_photo_is_saved_into_the_mount(alice: Dav, shelf: Shelf) -> None:
    name, photo = shelf.new_name(), shelf.photo()
    path = shelf.path + name

    begun = alice.request("PUT", path, headers={**AGENT, "If-None-Match": "*"}, data=b"")
    assert begun.status_code == 201
    assert shelf.seen(name) is None
    looked = alice.request("HEAD", path, headers=AGENT)
    assert (looked.status_code, looked.headers["Content-Length"], looked.headers["Accept-Ranges"]) == (
        200,
        "0",
        "bytes",
    )
    sent = alice.request("PUT", path, headers=AGENT, data=iter([photo[:100], photo[100:]]))
    assert sent.status_code in (201, 204)

    assert shelf.seen(name) == photo
    looked = alice.request("HEAD", path, headers=AGENT)
    assert looked.headers["ETag"] == sent.headers["ETag"]
    assert not looked.headers["ETag"].startswith("W/")


def test_a_name_that_is_taken_is_412(alice: Dav, shelf: Shelf) -> None:
    path, photo = shelf.path + shelf.new_name(), shelf.photo()
    alice.put(path, photo)

    assert alice.request("PUT", path, headers={**AGENT, "If-None-Match": "*"}, data=b"").status_code == 412

    assert alice.get(path).content == photo


def test_the_mount_is_listed_and_read_in_parts(alice: Dav, shelf: Shelf) -> None:
    name, photo = shelf.new_name(), shelf.photo()
    alice.put(shelf.path + name, photo)

    listed = alice.request("PROPFIND", shelf.path, headers={**AGENT, "Depth": "1"}, data=LIST_BODY)
    etag = alice.head(shelf.path + name).headers["ETag"]
    part = alice.request(
        "GET",
        shelf.path + name,
        headers={**AGENT, "Range": "bytes=50-99", "If-Match": etag, "Accept-Encoding": "identity"},
    )

    assert listed.status_code == 207
    assert name in listed.text
    assert (part.status_code, part.content) == (206, photo[50:100])


def test_it_logs_in_by_basic_alone(alice: Dav, shelf: Shelf) -> None:
    refused = alice.request("PROPFIND", shelf.path, headers={**AGENT, "Depth": "0"}, auth=lambda request: request)

    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Basic ")
