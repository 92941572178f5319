"""Nextcloud's iOS app, replayed: decimal times, folders made by a header, favourites by REPORT."""

from __future__ import annotations

import re

import pytest

from support.dav import DAV, OWNCLOUD, Dav, members
from support.shelf import Shelf

AGENT = {"User-Agent": "Mozilla/5.0 (iOS) Nextcloud-iOS/5.4.0"}
FILES = "/remote.php/dav/files"


@pytest.fixture
def folder(shelf: Shelf) -> str:
    return shelf.under(FILES)


def id_of(alice: Dav, path: str) -> str | None:
    return alice.properties(path, OWNCLOUD + "id")[OWNCLOUD + "id"]


@pytest.mark.parametrize(
    ("mtime", "seconds"),
    [("1700000000.123456", 1_700_000_000.123456), ("1700000000", 1_700_000_000), ("-3600.5", -3600.5)],
)
def test_a_photo_is_uploaded_with_times_of_any_form(
    alice: Dav, shelf: Shelf, folder: str, mtime: str, seconds: float
) -> None:
    name, photo = shelf.new_name(), shelf.photo()

    headers = {**AGENT, "X-OC-MTime": mtime, "X-OC-CTime": "1600000000.5"}
    sent = alice.request("PUT", folder + name, headers=headers, data=photo)

    assert sent.status_code == 201
    assert re.fullmatch(r"\d{8,}oc\w+", sent.headers["OC-FileId"])
    assert sent.headers["OC-ETag"] == sent.headers["ETag"]
    assert sent.headers["X-OC-MTime"] == "accepted"
    assert shelf.seen(name) == photo
    assert shelf.on_disk(name).stat().st_mtime == pytest.approx(seconds, abs=1e-3)


@pytest.mark.parametrize("nonsense", ["(null)", "1,7e9", "", "99999999999999999999"])
def test_a_time_that_is_none_drops_no_upload(alice: Dav, shelf: Shelf, folder: str, nonsense: str) -> None:
    name, photo = shelf.new_name(), shelf.photo()

    sent = alice.request("PUT", folder + name, headers={**AGENT, "X-OC-MTime": nonsense}, data=photo)

    assert sent.status_code == 201
    assert "X-OC-MTime" not in sent.headers
    assert shelf.seen(name) == photo


def test_missing_folders_are_made_with_the_upload(alice: Dav, shelf: Shelf, folder: str) -> None:
    path, photo = f"{folder}auto {shelf.new_name()}/2024/x.jpg", shelf.photo()

    assert alice.request("PUT", path, headers=AGENT, data=photo).status_code == 409
    headers = {**AGENT, "X-NC-WebDAV-Auto-Mkcol": "1"}
    assert alice.request("PUT", path, headers=headers, data=photo).status_code == 201

    assert alice.get(path).content == photo


def test_a_folder_is_made_a_level_at_a_time(alice: Dav, shelf: Shelf, folder: str) -> None:
    path = f"{folder}level {shelf.new_name()}"

    made = alice.request("MKCOL", path, headers=AGENT)
    assert made.status_code == 201
    assert alice.request("MKCOL", path, headers=AGENT).status_code == 405
    assert made.headers["OC-FileId"] == id_of(alice, path), "it stores the folder under this id, without a question"


def test_a_copy_and_what_was_moved_tell_their_ids(alice: Dav, shelf: Shelf, folder: str) -> None:
    first, second, third = (folder + shelf.new_name() for _ in range(3))
    alice.put(first, shelf.photo())

    copied = alice.copy(first, second)
    moved = alice.move(first, third)
    favorite = alice.move(third, f"{FILES}/alice/favorites/{third.rpartition('/')[2]}")

    assert copied.headers["OC-FileId"] == id_of(alice, second)
    assert moved.headers["OC-FileId"] == id_of(alice, third)
    assert favorite.headers["OC-FileId"] == id_of(alice, f"{FILES}/alice/favorites/{third.rpartition('/')[2]}")


def test_a_favorite_is_set_listed_and_cleared(alice: Dav, shelf: Shelf, folder: str) -> None:
    name, favorite = shelf.new_name(), OWNCLOUD + "favorite"
    alice.put(folder + name, shelf.photo())
    body = (
        '<?xml version="1.0"?><oc:filter-files xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop><d:getetag/>'
        "<oc:fileid/><oc:favorite/></d:prop><oc:filter-rules><oc:favorite>1</oc:favorite></oc:filter-rules>"
        "</oc:filter-files>"
    )

    def listed() -> set[str]:
        return {member.name for member in members(alice.report(f"{FILES}/alice", body))}

    assert members(alice.proppatch(folder + name, {favorite: "1"}))[0].statuses == {favorite: 200}
    assert name in listed()
    assert members(alice.proppatch(folder + name, {favorite: "0"}))[0].statuses == {favorite: 200}
    assert name not in listed()


def test_the_requested_name_is_read_again(alice: Dav, shelf: Shelf, folder: str) -> None:
    """A server that renames on PUT looks broken to it."""
    path = f"{folder}Foto é {shelf.new_name()}"
    sent = alice.request("PUT", path, headers=AGENT, data=shelf.photo())

    (member,) = members(alice.propfind(path, "0", [DAV + "getetag", OWNCLOUD + "id"]))

    assert member.path == path
    assert member.text(DAV + "getetag") == sent.headers["ETag"]
    assert member.text(OWNCLOUD + "id") == sent.headers["OC-FileId"]
