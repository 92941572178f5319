"""Windows Explorer (WebClient), replayed: PROPFIND, empty PUT, LOCK without Depth, PROPPATCH, PUT, UNLOCK."""

from __future__ import annotations

import requests

from support.dav import DAV, Dav, members, token_of
from support.shelf import Shelf

AGENT = {"User-Agent": "Microsoft-WebDAV-MiniRedir/10.0.19045", "translate": "f"}
WIN32 = "{urn:schemas-microsoft-com:}"

LOCK_BODY = (
    '<?xml version="1.0" encoding="utf-8" ?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
    "<D:locktype><D:write/></D:locktype><D:owner><D:href>DESKTOP-1\\alice</D:href></D:owner></D:lockinfo>"
)
CREATED = "Fri, 17 May 2024 08:11:12 GMT"
MODIFIED = "Tue, 14 Nov 2023 22:13:20 GMT"
TIMES = {
    WIN32 + "Win32CreationTime": CREATED,
    WIN32 + "Win32LastAccessTime": MODIFIED,
    WIN32 + "Win32LastModifiedTime": MODIFIED,
    WIN32 + "Win32FileAttributes": "00000020",
}


def patch(client: Dav, path: str, times: dict[str, str], token: str | None = None) -> requests.Response:
    inner = "".join(
        f"<Z:{name.removeprefix(WIN32)}>{text}</Z:{name.removeprefix(WIN32)}>" for name, text in times.items()
    )
    body = (
        '<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:">'
        f"<D:set><D:prop>{inner}</D:prop></D:set></D:propertyupdate>"
    )
    headers = {**AGENT, **({"If": f"(<{token}>)"} if token else {})}
    return client.request("PROPPATCH", path, headers=headers, data=body)


def stat(client: Dav, path: str) -> requests.Response:
    return client.request("PROPFIND", path, headers={**AGENT, "Depth": "0", "Content-Length": "0"})


def lock(client: Dav, path: str) -> str:
    return token_of(client.request("LOCK", path, headers={**AGENT, "Timeout": "Second-3600"}, data=LOCK_BODY))


def unlock(client: Dav, path: str, token: str) -> int:
    return client.request("UNLOCK", path, headers={**AGENT, "Lock-Token": f"<{token}>"}).status_code


def copy_in(client: Dav, path: str, photo: bytes) -> None:
    """Drag and drop of one file."""
    assert stat(client, path).status_code == 404
    assert client.request("PUT", path, headers={**AGENT, "Content-Length": "0"}).status_code == 201
    token = lock(client, path)
    (patched,) = members(patch(client, path, TIMES, token))
    assert patched.statuses == dict.fromkeys(TIMES, 200)
    assert client.request("HEAD", path, headers=AGENT).status_code == 200
    assert client.request("PUT", path, headers={**AGENT, "If": f"(<{token}>)"}, data=photo).status_code in (
        200,
        201,
        204,
    )
    (patched,) = members(patch(client, path, TIMES, token))
    assert patched.statuses == dict.fromkeys(TIMES, 200)
    assert unlock(client, path, token) == 204


def test_a_drive_is_mapped(alice: Dav, shelf: Shelf) -> None:
    """It asks every folder from the root on, and for files that it wants beside."""
    for path in ("/", "/alice/", shelf.path, shelf.path.rstrip("/")):
        options = alice.request("OPTIONS", path, headers=AGENT)
        assert options.headers["MS-Author-Via"] == "DAV"
        assert "PROPFIND" in options.headers["Allow"]
        found = stat(alice, path)
        assert found.status_code == 207
        assert members(found)[0].is_collection
    for name in ("desktop.ini", "AutoRun.inf", "Thumbs.db", "folder.jpg"):
        assert stat(alice, shelf.path + name).status_code == 404


def test_a_photo_is_dropped_in(alice: Dav, shelf: Shelf) -> None:
    name, photo = shelf.new_name(), shelf.photo()
    path = shelf.path + name

    copy_in(alice, path, photo)

    assert shelf.seen(name) == photo
    assert shelf.on_disk(name).stat().st_mtime == 1_700_000_000, "Win32LastModifiedTime is applied"
    told = alice.properties(path, *TIMES, DAV + "getlastmodified")
    assert told == {**TIMES, DAV + "getlastmodified": MODIFIED}


def test_another_drop_of_the_name_is_refused_while_it_is_locked(alice: Dav, shelf: Shelf) -> None:
    name = shelf.new_name()
    path = shelf.path + name
    alice.request("PUT", path, headers={**AGENT, "Content-Length": "0"})
    token = lock(alice, path)

    assert alice.put(path, shelf.photo()).status_code == 423
    assert patch(alice, path, TIMES).status_code == 423
    assert patch(alice, path, TIMES, "opaquelocktoken:other").status_code == 412, "If is heeded on PROPPATCH"

    assert unlock(alice, path, token) == 204


def test_a_photo_is_replaced_renamed_and_deleted(alice: Dav, shelf: Shelf) -> None:
    name, renamed, edited = shelf.new_name(), shelf.new_name(), shelf.photo()
    path = shelf.path + name
    copy_in(alice, path, shelf.photo())

    token = lock(alice, path)
    assert alice.request("PUT", path, headers={**AGENT, "If": f"(<{token}>)"}, data=edited).status_code == 204
    assert unlock(alice, path, token) == 204
    moved = alice.request(
        "MOVE", path, headers={**AGENT, "Destination": alice.href(shelf.path + renamed), "Overwrite": "F"}
    )
    assert moved.status_code == 201
    assert alice.get(shelf.path + renamed).content == edited
    assert stat(alice, path).status_code == 404

    assert alice.request("DELETE", shelf.path + renamed, headers=AGENT).status_code == 204
    assert stat(alice, shelf.path + renamed).status_code == 404


def test_a_folder_gets_its_times(alice: Dav, shelf: Shelf) -> None:
    folder = f"{shelf.path}New folder {shelf.new_name()}/"

    assert alice.request("MKCOL", folder, headers=AGENT).status_code == 201
    (patched,) = members(patch(alice, folder, TIMES))

    assert patched.statuses == dict.fromkeys(TIMES, 200)
    assert stat(alice, folder).status_code == 207


def test_thumbs_db_is_kept_out_of_plexs_sight(alice: Dav, shelf: Shelf) -> None:
    copy_in(alice, shelf.path + "Thumbs.db", b"thumbnails")

    assert "Thumbs.db" not in shelf.names()
    assert alice.get(shelf.path + "Thumbs.db").content == b"thumbnails"
    assert alice.delete(shelf.path + "Thumbs.db").status_code == 204
