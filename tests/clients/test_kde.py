"""KDE (kio-webdav of Dolphin, Gwenview), replayed: its Destination says `webdavs:` whatever the request came by."""

from __future__ import annotations

import pytest

from support.dav import Dav
from support.shelf import Shelf

AGENT = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) KIO/5.115 kioworker/5.115"}
STAT_BODY = '<?xml version="1.0" encoding="utf-8" ?><D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>'


def stat(alice: Dav, path: str) -> int:
    return alice.request("PROPFIND", path, headers={**AGENT, "Depth": "0"}, data=STAT_BODY).status_code


def destination(alice: Dav, scheme: str, path: str) -> str:
    return alice.href(path).replace("http:", scheme + ":", 1)


def test_a_photo_is_copied(alice: Dav, shelf: Shelf) -> None:
    name, photo = shelf.new_name(), shelf.photo()

    assert stat(alice, shelf.path + name) == 404
    assert alice.request("PUT", shelf.path + name, headers={**AGENT, "Overwrite": "F"}, data=photo).status_code == 201
    assert stat(alice, shelf.path + name) == 207

    assert shelf.seen(name) == photo


@pytest.mark.parametrize("scheme", ["webdavs", "webdav", "https"])
def test_the_scheme_and_host_of_a_destination_mean_nothing(alice: Dav, shelf: Shelf, scheme: str) -> None:
    one, two, three = (shelf.path + shelf.new_name() for _ in range(3))
    alice.put(one, photo := shelf.photo())

    headers = {**AGENT, "Destination": destination(alice, scheme, two), "Overwrite": "F", "Depth": "infinity"}
    assert alice.request("MOVE", one, headers=headers).status_code == 201
    elsewhere = {**headers, "Destination": f"{scheme}://photos.example.org:8443{three}"}
    assert alice.request("COPY", two, headers=elsewhere).status_code == 201

    assert alice.get(two).content == alice.get(three).content == photo


def test_a_folder_is_made_with_exactly_201(alice: Dav, shelf: Shelf) -> None:
    folder = f"{shelf.path}folder {shelf.new_name()}"

    assert alice.request("MKCOL", folder, headers=AGENT).status_code == 201
    assert alice.request("MKCOL", folder, headers=AGENT).status_code == 405
    assert alice.request("MKCOL", folder + "/none/deeper", headers=AGENT).status_code == 409
    assert alice.request("DELETE", folder, headers=AGENT).status_code == 204
