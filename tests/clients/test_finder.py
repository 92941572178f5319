"""macOS Finder (WebDAVFS), replayed: it locks an empty file, sends it in chunks, and leaves its junk beside."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from support.dav import DAV, Dav, members, token_of
from support.shelf import Shelf

AGENT = {"User-Agent": "WebDAVFS/3.0.0 (03008000) Darwin/23.5.0 (arm64)", "Accept": "*/*"}

LOCK_BODY = (
    '<?xml version="1.0" encoding="utf-8"?>\n<D:lockinfo xmlns:D="DAV:">\n<D:lockscope><D:exclusive/></D:lockscope>\n'
    "<D:locktype><D:write/></D:locktype>\n<D:owner>\n<D:href>http://www.apple.com/webdav_fs/</D:href>\n</D:owner>\n"
    "</D:lockinfo>\n"
)
STAT_BODY = (
    '<?xml version="1.0" encoding="utf-8"?>\n<D:propfind xmlns:D="DAV:">\n<D:prop>\n<D:getlastmodified/>\n'
    "<D:getcontentlength/>\n<D:creationdate/>\n<D:resourcetype/>\n</D:prop>\n</D:propfind>\n"
)
QUOTA_BODY = (
    '<?xml version="1.0" encoding="utf-8"?>\n<D:propfind xmlns:D="DAV:">\n<D:prop>\n<D:quota-available-bytes/>\n'
    "<D:quota-used-bytes/>\n<D:quota/>\n<D:quotaused/>\n</D:prop>\n</D:propfind>\n"
)


def chunks(body: bytes, size: int = 100) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


class Finder:
    """The requests as WebDAVFS sends them."""

    def __init__(self, client: Dav) -> None:
        self.client = client

    def stat(self, path: str) -> requests.Response:
        return self.client.request("PROPFIND", path, headers={**AGENT, "Depth": "0"}, data=STAT_BODY)

    def create(self, path: str) -> str:
        """An empty file and a lock on it: the lock's token."""
        assert self.stat(path).status_code == 404
        assert self.client.request("PUT", path, headers=AGENT).status_code == 201
        locked = self.client.request(
            "LOCK", path, headers={**AGENT, "Depth": "0", "Timeout": "Second-600"}, data=LOCK_BODY
        )
        assert locked.status_code == 200
        return token_of(locked)

    def send(self, path: str, token: str, body: bytes) -> requests.Response:
        headers = {**AGENT, "If": f"(<{token}>)", "X-Expected-Entity-Length": str(len(body))}
        return self.client.request("PUT", path, headers=headers, data=chunks(body))

    def refresh(self, path: str, token: str) -> requests.Response:
        headers = {**AGENT, "If": f"(<{token}>)", "Timeout": "Second-600"}
        return self.client.request("LOCK", path, headers=headers)

    def unlock(self, path: str, token: str) -> requests.Response:
        return self.client.request("UNLOCK", path, headers={**AGENT, "Lock-Token": f"<{token}>"})

    def write(self, path: str, body: bytes) -> None:
        """A new file, whole."""
        token = self.create(path)
        assert self.send(path, token, body).status_code in (201, 204)
        assert self.unlock(path, token).status_code == 204


@pytest.fixture
def finder(alice: Dav) -> Finder:
    return Finder(alice)


def test_it_mounts_for_writing_and_shows_the_free_space(finder: Finder, shelf: Shelf) -> None:
    options = finder.client.request("OPTIONS", shelf.path, headers=AGENT)
    assert {part.strip() for part in options.headers["DAV"].split(",")} >= {"1", "2"}, "else it mounts read-only"

    (member,) = members(finder.client.request("PROPFIND", shelf.path, headers={**AGENT, "Depth": "0"}, data=QUOTA_BODY))
    assert int(member.text(DAV + "quota-available-bytes") or "") > 0
    assert int(member.text(DAV + "quota-used-bytes") or "0") >= 0


def test_a_photo_is_copied(finder: Finder, shelf: Shelf) -> None:
    name, photo = shelf.new_name(), shelf.photo()
    path = shelf.path + name

    token = finder.create(path)
    assert shelf.seen(name) is None, "Plex would index an empty file"
    assert finder.stat(path).status_code == 207
    assert finder.send(path, token, photo).status_code in (201, 204)
    assert finder.refresh(path, token).status_code == 200
    assert finder.stat(path).status_code == 207
    assert finder.unlock(path, token).status_code == 204

    assert shelf.seen(name) == photo
    assert finder.client.get(path).content == photo


def test_a_copy_that_is_cut_short_leaves_the_empty_file_and_plex_sees_nothing(finder: Finder, shelf: Shelf) -> None:
    name, photo = shelf.new_name(), shelf.photo()
    path = shelf.path + name
    token = finder.create(path)

    headers = {**AGENT, "If": f"(<{token}>)", "X-Expected-Entity-Length": str(len(photo))}
    assert finder.client.request("PUT", path, headers=headers, data=chunks(photo[:-1])).status_code == 400

    assert shelf.seen(name) is None
    assert finder.client.request("DELETE", path, headers={**AGENT, "If": f"(<{token}>)"}).status_code == 204
    assert finder.stat(path).status_code == 404


def test_its_junk_is_kept_out_of_plexs_sight(finder: Finder, shelf: Shelf) -> None:
    name = shelf.new_name()
    finder.write(shelf.path + name, shelf.photo())
    junk = [f"._{name}", ".DS_Store", "._.DS_Store"] if not shelf.is_loose else [f"._{name}", ".DS_Store"]

    for each in junk:
        finder.write(shelf.path + each, b"\x00\x05\x16\x07 a Mac's own" * 100)
        assert len(finder.client.get(shelf.path + each).content) > 1000

    assert not {each for each in shelf.names() if each.startswith(".")}
    assert set(junk) <= finder.client.names(shelf.path)
    for each in (".metadata_never_index", ".localized", ".ql_disablethumbnails", ".Spotlight-V100"):
        assert finder.stat(shelf.path + each).status_code == 404
    for each in junk:
        assert finder.client.delete(shelf.path + each).status_code == 204


def test_a_photo_is_saved_anew_in_place(finder: Finder, shelf: Shelf) -> None:
    name, edited = shelf.new_name(), shelf.photo()
    path = shelf.path + name
    finder.write(path, shelf.photo())

    locked = finder.client.request(
        "LOCK", path, headers={**AGENT, "Depth": "0", "Timeout": "Second-600"}, data=LOCK_BODY
    )
    assert locked.status_code == 200
    assert finder.send(path, token_of(locked), edited).status_code == 204
    assert finder.unlock(path, token_of(locked)).status_code == 204

    assert shelf.seen(name) == edited


def test_a_safe_save_replaces_the_photo_and_keeps_its_record(finder: Finder, shelf: Shelf) -> None:
    """Preview writes into a folder of its own beside, then moves over the original."""
    name, edited = shelf.new_name(), shelf.photo()
    path, beside = shelf.path + name, f"{shelf.path}{name}.sb-1a2b3c4d-XyZ/"
    finder.write(path, shelf.photo())

    assert finder.client.request("MKCOL", beside, headers=AGENT).status_code == 201
    finder.write(beside + name, edited)
    moved = finder.client.request(
        "MOVE", beside + name, headers={**AGENT, "Destination": finder.client.href(path), "Overwrite": "T"}
    )
    assert moved.status_code == 204
    assert finder.client.request("DELETE", beside, headers=AGENT).status_code == 204

    assert finder.client.get(path).content == edited


def test_a_folder_is_made_and_named(finder: Finder, shelf: Shelf) -> None:
    untitled, named = f"{shelf.path}untitled folder/", f"{shelf.path}Été {shelf.new_name()}/"

    assert finder.client.request("MKCOL", untitled, headers=AGENT).status_code == 201
    renamed = finder.client.request(
        "MOVE", untitled, headers={**AGENT, "Destination": finder.client.href(named), "Overwrite": "F"}
    )

    assert renamed.status_code == 201
    assert finder.stat(named).status_code == 207


def test_decomposed_names_are_the_composed_ones(finder: Finder, shelf: Shelf) -> None:
    """A Mac asks for "é" as two characters, and may list it as one."""
    decomposed = "Cafe\u0301-" + shelf.new_name()
    composed = decomposed.replace("e\u0301", "é")
    finder.write(shelf.path + decomposed, photo := shelf.photo())

    assert composed in finder.client.names(shelf.path)
    assert finder.client.get(shelf.path + composed).content == photo
    assert shelf.seen(composed) == photo
