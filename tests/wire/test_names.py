"""Names (DESIGN §1): NFC on disk, either form from a client; what can't be a name is refused in words."""

from __future__ import annotations

import base64
import unicodedata
from typing import Literal

import pytest

from support.refusals import refused
from support.samples import jpeg
from support.server import Server, password_of

LOGIN = base64.b64encode(f"alice:{password_of('alice')}".encode()).decode()

SCRIPTS = [
    "Wörthersee",
    "Ελλάδα",
    "Москва",
    "東京",
    "서울",
    "القاهرة",
    "भारत",
    "🏔️ Großglockner",
    "é",
    "a b+c&d;e#f%g?h'i\"",
]


def asked(server: Server, method: str, target: str, *headers: str, body: bytes = b"") -> tuple[int, bytes]:
    """A request whose target is sent as it stands; the answer's status, and all of it."""
    lines = [
        f"{method} {target} HTTP/1.1",
        "Host: x",
        f"Authorization: Basic {LOGIN}",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *headers,
    ]
    answer = server.raw("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
    assert answer.startswith(b"HTTP/1.1 "), answer[:100]
    return int(answer[9:12]), answer


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_in_every_script_and_form_are_one_nfc_name(
    server: Server, album: str, name: str, form: Literal["NFC", "NFD"]
) -> None:
    alice = server.session()
    sent = unicodedata.normalize(form, name)
    composed, decomposed = (unicodedata.normalize(each, name) for each in ("NFC", "NFD"))
    photo = jpeg()
    assert alice.mkcol(f"{album}{sent}/").status_code == 201
    assert alice.put(f"{album}{sent}/{sent}.jpg", photo).status_code == 201

    for either in (composed, decomposed):
        assert alice.get(f"{album}{either}/{either}.jpg").content == photo
        assert alice.names(f"{album}{either}/") == {f"{composed}.jpg"}
    assert (server.plex / album.strip("/") / composed / f"{composed}.jpg").read_bytes() == photo
    assert alice.put(f"{album}{decomposed}/{decomposed}.jpg", photo).status_code == 204
    assert alice.move(f"{album}{decomposed}/", f"{album}moved/").status_code == 201
    assert alice.names(album) == {"moved/"}


def test_a_name_and_its_other_form_are_one_resource_for_copy_and_move(server: Server, album: str) -> None:
    alice = server.session()
    composed, decomposed = (unicodedata.normalize(each, "é.jpg") for each in ("NFC", "NFD"))
    alice.put(f"{album}{composed}", jpeg())
    refused(alice.move(f"{album}{composed}", f"{album}{decomposed}"), 403)
    refused(alice.copy(f"{album}{decomposed}", f"{album}{composed}"), 403)
    assert alice.names(album) == {composed}


@pytest.mark.parametrize(
    "name",
    [
        "x_UNPACK_y", "_unpack_", "a_FAILED_b", "lost+found", "album.itlp", "#recycle", "#Recycle Bin", "@Recycle",
        "My.photoslibrary", "@Recently-Snapshot", "Network Trash Folder",
    ],
)  # fmt: skip
def test_folder_names_that_plex_would_skip_are_refused(server: Server, album: str, name: str) -> None:
    alice = server.session()
    alice.mkcol(f"{album}source/")
    alice.put(f"{album}source/a.jpg", jpeg())
    for answer in (
        alice.mkcol(f"{album}{name}/"),
        alice.copy(f"{album}source/", f"{album}{name}/"),
        alice.move(f"{album}source/", f"{album}{name}/"),
        alice.put(f"{album}{name}/a.jpg", jpeg(), x_nc_webdav_auto_mkcol="1"),
    ):
        assert "Plex" in refused(answer, 403)
    assert alice.names(album) == {"source/"}


@pytest.mark.parametrize("name", ["a_UNPACK_b.jpg", "lost+found.jpg", "@Recycle.jpg"])
def test_files_may_have_names_that_only_folders_may_not(server: Server, album: str, name: str) -> None:
    alice = server.session()
    assert alice.put(f"{album}{name}", jpeg()).status_code == 201
    assert alice.names(album) == {name}


REFUSED = {
    "a control character": "a%01b",
    "a line feed": "a%0Ab",
    "DEL": "a%7Fb",
    "a C1 control": "a%C2%85b",
    "a backslash": "a%5Cb",
    "an encoded slash": "a%2Fb",
    "an encoded slash in small letters": "a%2fb",
    "NUL": "a%00b",
    "no UTF-8": "a%FFb",
    "an overlong form": "a%C0%AFb",
    "a surrogate": "a%ED%A0%80b",
    "an encoded dot segment": "%2E%2E",
    "half an encoded dot segment": ".%2e",
    "a broken escape": "a%zz",
    "a cut escape": "a%2",
    "more than 255 bytes": "a" * 256,
    "more than 255 bytes of UTF-8": "%C3%BC" * 128,
}


@pytest.mark.parametrize("what", list(REFUSED))
@pytest.mark.parametrize(
    "method", ["PUT", "MKCOL", "GET", "HEAD", "PROPFIND", "DELETE", "LOCK", "PROPPATCH", "OPTIONS"]
)
def test_a_name_that_cannot_be_is_403_for_every_method(server: Server, album: str, method: str, what: str) -> None:
    status, answer = asked(server, method, f"{album}{REFUSED[what]}", body=b"x" if method == "PUT" else b"")
    assert status == 403, answer
    if method != "HEAD":
        assert b"<d:error" in answer
    assert server.session().names(album) == set()


@pytest.mark.parametrize("what", list(REFUSED))
@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_a_name_that_cannot_be_is_403_as_a_destination(server: Server, album: str, method: str, what: str) -> None:
    alice = server.session()
    alice.put(f"{album}a.jpg", jpeg())
    status, answer = asked(server, method, f"{album}a.jpg", f"Destination: {album}{REFUSED[what]}")
    assert status == 403, answer
    assert alice.names(album) == {"a.jpg"}


def test_a_name_of_255_bytes_is_stored(server: Server, album: str) -> None:
    alice = server.session()
    long = "ü" * 125 + "x" + ".jpg"
    assert len(long.encode()) == 255
    assert alice.put(f"{album}{long}", jpeg(), x_favorite="1").status_code == 201
    assert alice.put(f"/alice/{long}", jpeg()).status_code == 201
    assert alice.names(album) == {long}
    assert alice.delete(f"{album}{long}").status_code == 204
    assert alice.delete(f"/alice/{long}").status_code == 204


def test_a_path_that_is_too_deep_or_too_long_is_refused(server: Server, album: str) -> None:
    alice = server.session()
    refused(alice.mkcol(album + "d/" * 80), 403, 409)
    refused(alice.mkcol(album + ("d" * 200 + "/") * 20), 403, 409)
    refused(alice.put(album + "d/" * 80 + "a.jpg", jpeg()), 403, 409)


def test_semicolons_and_plus_signs_are_not_decoded_twice(server: Server, album: str) -> None:
    """A Destination that is unquoted before it is parsed makes `c%3Bd.txt` overwrite `c`."""
    alice = server.session()
    alice.put(f"{album}c", b"keep me")
    alice.put(f"{album}source.txt", b"x")
    for name in ("c;d.txt", "c%3Bd.txt", "c+d.txt", "c%25.txt", "c?d.txt", "c#d.txt"):
        assert alice.copy(f"{album}source.txt", f"{album}{name}").status_code == 201
        assert alice.get(f"{album}{name}").content == b"x"
    assert alice.get(f"{album}c").content == b"keep me"


@pytest.mark.parametrize(
    "destination",
    ["https://photos.example.org{path}", "http://other:8080{path}", "http://user@host{path}", "{path}"],
)
def test_scheme_and_host_of_a_destination_do_not_matter(server: Server, album: str, destination: str) -> None:
    alice = server.session()
    alice.put(f"{album}a.jpg", jpeg())
    there = destination.format(path=f"{album}b.jpg")
    assert alice.request("MOVE", f"{album}a.jpg", headers={"Destination": there}).status_code == 201
    assert alice.names(album) == {"b.jpg"}


def test_doubled_slashes_count_as_one(server: Server, album: str) -> None:
    status, _ = asked(server, "PUT", f"/{album}/a.jpg", body=jpeg())
    assert status == 201
    assert server.session().names(album) == {"a.jpg"}


def test_dot_segments_are_not_followed(server: Server, album: str) -> None:
    for path in (f"{album}../", f"{album}./a.jpg", "/alice/../bob/", "/..", f"{album}%2e%2e/%2e%2e/bob/"):
        status, answer = asked(server, "PROPFIND", path, "Depth: 0")
        assert status == 403, answer


def test_names_that_differ_in_case_are_two(server: Server, album: str) -> None:
    alice = server.session()
    one, two = jpeg(), jpeg()
    alice.put(f"{album}a.jpg", one)
    alice.put(f"{album}A.jpg", two)
    assert (alice.get(f"{album}a.jpg").content, alice.get(f"{album}A.jpg").content) == (one, two)


@pytest.mark.parametrize("name", ["<script>alert(1)</script>.jpg", "a&amp;b.jpg", "]]>.jpg", "a\u202eb.jpg", " a .jpg"])
def test_names_come_back_as_they_were_given(server: Server, album: str, name: str) -> None:
    alice = server.session()
    assert alice.put(f"{album}{name}".replace("/script", "script"), jpeg()).status_code == 201
    assert alice.names(album) == {name.replace("/script", "script")}
    page = alice.get(album).text
    assert "<script>" not in page
