"""Nextcloud's Android app, replayed below `/remote.php/dav/files/alice/` (chunks: `tests/dav/test_chunks.py`)."""

from __future__ import annotations

import re

import pytest

from support.dav import DAV, NEXTCLOUD, OWNCLOUD, Dav, members
from support.shelf import Shelf

AGENT = {"User-Agent": "Mozilla/5.0 (Android) Nextcloud-android/3.29.0"}
FILES = "/remote.php/dav/files"
STAT = [DAV + name for name in ("getlastmodified", "getetag", "getcontenttype", "resourcetype", "getcontentlength")]
STAT += [DAV + "creationdate", DAV + "quota-used-bytes", DAV + "quota-available-bytes"]
STAT += [
    OWNCLOUD + name for name in ("permissions", "id", "fileid", "size", "favorite", "owner-id", "owner-display-name")
]
STAT += [
    NEXTCLOUD + name for name in ("is-encrypted", "mount-type", "has-preview", "creation_time", "upload_time", "note")
]
STAT += [OWNCLOUD + "comments-unread", OWNCLOUD + "share-types", NEXTCLOUD + "metadata-photos-size"]


def upload_headers(photo: bytes) -> dict[str, str]:
    return {**AGENT, "OC-Total-Length": str(len(photo)), "X-OC-Mtime": "1700000000", "X-OC-Ctime": "1600000000"}


@pytest.fixture
def folder(shelf: Shelf) -> str:
    return shelf.under(FILES)


def test_a_folder_that_is_not_there_is_made_level_by_level(alice: Dav, shelf: Shelf, folder: str) -> None:
    deep = f"{folder}Instant {shelf.new_name()}/2024/05"

    assert alice.request("HEAD", deep, headers=AGENT).status_code == 404
    assert alice.request("MKCOL", deep, headers=AGENT).status_code == 409, "it recurses"
    for path in (deep.rpartition("/2024")[0], deep.removesuffix("/05"), deep):
        assert alice.request("MKCOL", path, headers=AGENT).status_code == 201
        assert alice.request("MKCOL", path, headers=AGENT).status_code == 405, "it exists"
        assert alice.request("HEAD", path, headers=AGENT).status_code == 200


def test_a_photo_is_uploaded(alice: Dav, shelf: Shelf, folder: str) -> None:
    name, photo = shelf.new_name(), shelf.photo()
    path = folder + name

    assert alice.request("HEAD", folder, headers=AGENT).status_code == 200
    assert alice.request("HEAD", path, headers=AGENT).status_code == 404
    sent = alice.request("PUT", path, headers=upload_headers(photo), data=photo)
    assert sent.status_code == 201
    assert sent.headers["X-OC-MTime"] == "accepted"
    assert re.fullmatch(r"\d{8,}oc\w+", sent.headers["OC-FileId"])
    assert sent.headers["OC-ETag"] == sent.headers["ETag"]

    assert shelf.seen(name) == photo
    assert shelf.on_disk(name).stat().st_mtime == 1_700_000_000
    (member,) = members(alice.propfind(path, "0", STAT))
    assert member.path == path
    assert member.text(OWNCLOUD + "id") == sent.headers["OC-FileId"]
    assert member.text(NEXTCLOUD + "creation_time") == "1600000000"
    assert member.text(OWNCLOUD + "size") == str(len(photo))


def test_a_name_that_is_taken_is_a_conflict(alice: Dav, shelf: Shelf, folder: str) -> None:
    name, photo = shelf.new_name(), shelf.photo()
    alice.put(folder + name, photo)

    assert alice.request("HEAD", folder + name, headers=AGENT).status_code == 200
    headers = {**upload_headers(photo), "If-None-Match": "*"}
    assert alice.request("PUT", folder + name, headers=headers, data=shelf.photo()).status_code == 412

    assert shelf.seen(name) == photo


def test_a_length_that_is_not_the_announced_one_is_refused(alice: Dav, shelf: Shelf, folder: str) -> None:
    name, photo = shelf.new_name(), shelf.photo()

    headers = {**upload_headers(photo), "OC-Total-Length": str(len(photo) + 1)}
    assert alice.request("PUT", folder + name, headers=headers, data=photo).status_code == 400

    assert shelf.seen(name) is None


def test_a_favorite_is_set_and_removed(alice: Dav, shelf: Shelf, folder: str) -> None:
    name = shelf.new_name()
    alice.put(folder + name, shelf.photo())
    copy = shelf.server.plex / "alice" / "favorites" / name
    favorite = OWNCLOUD + "favorite"

    assert members(alice.proppatch(folder + name, {favorite: "1"}))[0].statuses == {favorite: 200}
    assert copy.exists()
    assert alice.properties(folder + name, favorite) == {favorite: "1"}

    assert members(alice.proppatch(folder + name, removing=[favorite]))[0].statuses == {favorite: 200}
    assert not copy.exists()
    assert alice.properties(folder + name, favorite) == {favorite: "0"}


def test_favorites_are_searched_where_the_server_says_that_it_can(alice: Dav, shelf: Shelf, folder: str) -> None:
    name = shelf.new_name()
    alice.request("PUT", folder + name, headers={**AGENT, "X-Favorite": "1"}, data=shelf.photo())
    body = (
        '<d:searchrequest xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:basicsearch><d:select><d:prop><oc:fileid/>'
        "<oc:favorite/></d:prop></d:select><d:from><d:scope><d:href>/files/alice</d:href><d:depth>infinity</d:depth>"
        "</d:scope></d:from><d:where><d:eq><d:prop><oc:favorite/></d:prop><d:literal>yes</d:literal></d:eq></d:where>"
        "<d:orderby/></d:basicsearch></d:searchrequest>"
    )

    assert "SEARCH" in alice.request("OPTIONS", "/remote.php/dav", headers=AGENT).headers["Allow"]
    found = alice.request("SEARCH", "/remote.php/dav", headers={**AGENT, "Content-Type": "text/xml"}, data=body)

    assert found.status_code == 207
    assert name in {member.name for member in members(found)}


def test_a_listing_is_under_the_prefix_that_was_asked(alice: Dav, shelf: Shelf, folder: str) -> None:
    name = shelf.new_name()
    alice.put(folder + name, shelf.photo())

    listed = alice.propfind(folder, "1", STAT)

    paths = {member.path for member in members(listed)}
    assert {folder, folder + name} <= paths
    assert all(path.startswith(FILES + "/alice/") for path in paths)
    assert "<d:multistatus" in listed.text
    assert "<oc:fileid>" in listed.text
    assert "<nc:has-preview>" in listed.text


def test_a_photo_is_renamed_moved_and_deleted(alice: Dav, shelf: Shelf, folder: str) -> None:
    name, renamed = shelf.new_name(), shelf.new_name()
    alice.put(folder + name, photo := shelf.photo())

    headers = {**AGENT, "Destination": alice.href(folder + renamed), "Overwrite": "F"}
    assert alice.request("MOVE", folder + name, headers=headers).status_code == 201
    assert alice.get(shelf.path + renamed).content == photo, "the same tree by its plain URL"
    assert alice.request("DELETE", folder + renamed, headers=AGENT).status_code == 204
    assert alice.request("HEAD", folder + renamed, headers=AGENT).status_code == 404
