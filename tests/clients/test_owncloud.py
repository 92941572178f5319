"""ownCloud's Android and iOS apps, replayed: a look at the whole root before every upload, and If-Match."""

from __future__ import annotations

import hashlib

import pytest

from support.dav import DAV, OWNCLOUD, Dav, members
from support.shelf import Shelf

ANDROID = {"User-Agent": "Mozilla/5.0 (Android) ownCloud-android/4.3.0"}
IOS = {"User-Agent": "ownCloudApp/12.2 (App/286; iOS/17.5; iPhone)"}
STAT = [DAV + name for name in ("getlastmodified", "getetag", "getcontenttype", "resourcetype", "getcontentlength")]
STAT += [OWNCLOUD + name for name in ("id", "fileid", "size", "permissions", "privatelink", "checksums")]


@pytest.fixture(params=["/remote.php/dav/files/alice/", "/remote.php/webdav/"])
def root(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_android_looks_at_the_root_and_uploads(alice: Dav, shelf: Shelf, root: str) -> None:
    name, photo = shelf.new_name(), shelf.photo()
    path = root + (shelf.path + name).removeprefix("/alice/")

    assert alice.propfind(root, "1", STAT, **ANDROID).status_code == 207
    assert alice.propfind(path, "0", STAT, **ANDROID).status_code == 404
    headers = {**ANDROID, "OC-Total-Length": str(len(photo)), "X-OC-Mtime": "1700000000"}
    sent = alice.request("PUT", path, headers=headers, data=photo)
    assert sent.status_code == 201
    assert sent.headers["X-OC-MTime"] == "accepted"

    assert shelf.seen(name) == photo
    (member,) = members(alice.propfind(path, "0", STAT))
    assert member.path == path
    assert member.text(OWNCLOUD + "id") == sent.headers["OC-FileId"]
    assert OWNCLOUD + "privatelink" in member.statuses, "not here, and said so"


def test_android_uploads_a_new_version_only_over_the_one_it_knows(alice: Dav, shelf: Shelf, root: str) -> None:
    name, edited = shelf.new_name(), shelf.photo()
    path = root + (shelf.path + name).removeprefix("/alice/")
    first = alice.put(path, shelf.photo()).headers["ETag"]

    headers = {**ANDROID, "If-Match": first}
    assert alice.request("PUT", path, headers=headers, data=edited).status_code == 204
    assert alice.request("PUT", path, headers=headers, data=shelf.photo()).status_code == 412

    assert alice.get(path).content == edited


def test_ios_sends_a_checksum_and_reads_it_again(alice: Dav, shelf: Shelf, root: str) -> None:
    name, photo = shelf.new_name(), shelf.photo()
    path = root + (shelf.path + name).removeprefix("/alice/")
    sha1 = hashlib.sha1(photo).hexdigest()

    wrong = {**IOS, "OC-Checksum": f"SHA1:{'0' * 40}", "X-OC-MTime": "1700000000"}
    assert alice.request("PUT", path, headers=wrong, data=photo).status_code == 400
    assert shelf.seen(name) is None
    right = {**wrong, "OC-Checksum": f"SHA1:{sha1}"}
    assert alice.request("PUT", path, headers=right, data=photo).status_code == 201

    (member,) = members(alice.propfind(path, "0", STAT))
    assert f"SHA1:{sha1}" in (member.found[OWNCLOUD + "checksums"].findtext(OWNCLOUD + "checksum") or "")


def test_the_sign_in_has_nothing_to_talk_to_yet(alice: Dav) -> None:
    """Login and OCS endpoints are not part of this server: they are 404, not half there."""
    for path in ("/status.php", "/ocs/v1.php/cloud/capabilities", "/index.php/login/v2"):
        assert alice.get(path).status_code == 404
