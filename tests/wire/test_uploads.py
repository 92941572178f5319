"""Uploads (DESIGN §1): published at once or not at all, checked against all that the client said, with a receipt."""

from __future__ import annotations

import base64
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.dav import DAV
from support.refusals import refused
from support.samples import jpeg
from support.server import Server
from support.state_files import read_between_appends

NS = 1_000_000_000


def on_disk(server: Server, path: str) -> Path:
    return server.plex / path.strip("/")


def album_name(album: str) -> str:
    return album.strip("/").partition("/")[2]


def left_behind(server: Server) -> list[str]:
    """What lies in the hidden tree besides its own folders and the trash."""
    top = server.plex / ".sumu"
    return [str(path) for path in top.rglob("*") if path.is_file() and "trash" not in path.parts and path.parent != top]


def trash(server: Server) -> list[bytes]:
    return [path.read_bytes() for path in (server.plex / ".sumu" / "trash").rglob("*") if path.is_file()]


def base64_of(digest: str) -> str:
    return base64.b64encode(bytes.fromhex(digest)).decode()


# The receipt


def test_a_new_file_is_answered_with_a_receipt(server: Server, album: str) -> None:
    photo = jpeg()
    answer = server.session().put(f"{album}a.jpg", photo, x_oc_mtime="1700000000")

    assert answer.status_code == 201
    sha256 = hashlib.sha256(photo).hexdigest()
    assert answer.headers["Repr-Digest"] == f"sha-256=:{base64_of(sha256)}:"
    assert answer.headers["X-OC-MTime"] == "accepted"
    assert answer.headers["ETag"] == server.session().head(f"{album}a.jpg").headers["ETag"]
    assert "Content-Location" not in answer.headers
    assert on_disk(server, f"{album}a.jpg").read_bytes() == photo
    record = server.record("alice", album_name(album), "a.jpg")
    assert record is not None
    assert (record["sha256"], record["size"]) == (sha256, len(photo))


def test_a_replaced_file_is_answered_with_204_and_a_receipt(server: Server, album: str) -> None:
    alice = server.session()
    first = alice.put(f"{album}a.jpg", jpeg())
    photo = jpeg()
    second = alice.put(f"{album}a.jpg", photo)

    assert (first.status_code, second.status_code) == (201, 204)
    assert second.headers["Repr-Digest"] == f"sha-256=:{base64_of(hashlib.sha256(photo).hexdigest())}:"
    assert second.headers["ETag"] != first.headers["ETag"]
    assert "X-OC-MTime" not in second.headers


def test_content_location_tells_where_a_photo_was_filed(server: Server) -> None:
    photo = jpeg(taken="2019:03:04 05:06:07")
    answer = server.session().put("/alice/ü filed.jpg", photo)
    assert answer.status_code == 201
    assert answer.headers["Content-Location"] == "/alice/19-03/%C3%BC%20filed.jpg"
    assert server.session().get("/alice/19-03/ü filed.jpg").content == photo


@pytest.mark.parametrize("name", ["notes.txt", ".DS_Store", "empty.jpg"])
def test_what_is_no_photo_gets_a_receipt_too(server: Server, album: str, name: str) -> None:
    content = b"" if name == "empty.jpg" else b"some bytes"
    answer = server.session().put(f"{album}{name}", content)
    assert answer.status_code == 201
    assert answer.headers["Repr-Digest"] == f"sha-256=:{base64_of(hashlib.sha256(content).hexdigest())}:"
    assert answer.headers["ETag"] == server.session().head(f"{album}{name}").headers["ETag"]


# Lengths

LENGTH_HEADERS = ["oc_total_length", "x_expected_entity_length"]


@pytest.mark.parametrize("header", LENGTH_HEADERS)
def test_a_length_that_was_announced_is_checked(server: Server, album: str, header: str) -> None:
    alice = server.session()
    photo = jpeg()
    before = left_behind(server)
    for wrong in (len(photo) - 1, len(photo) + 1):
        refused(alice.put(f"{album}a.jpg", photo, **{header: str(wrong)}), 400)
        refused(alice.put(f"{album}a.jpg", iter([photo]), **{header: str(wrong)}), 400)
    refused(alice.put(f"{album}a.jpg", photo, **{header: "many"}), 400)
    assert alice.names(album) == set()
    assert left_behind(server) == before

    assert alice.put(f"{album}a.jpg", iter([photo[:10], photo[10:]]), **{header: str(len(photo))}).status_code == 201
    assert alice.get(f"{album}a.jpg").content == photo


def test_a_body_in_chunks_needs_no_length(server: Server, album: str) -> None:
    def blocks() -> Iterator[bytes]:
        for start in range(0, len(photo), 1000):
            yield photo[start : start + 1000]

    photo = jpeg(pad=20_000)
    assert server.session().put(f"{album}a.jpg", blocks()).status_code == 201
    assert on_disk(server, f"{album}a.jpg").read_bytes() == photo


# Checksums


def checksums(content: bytes) -> dict[str, dict[str, str]]:
    """Each way that a client tells of a checksum, with the right one."""
    sha1, md5 = hashlib.sha1(content).hexdigest(), hashlib.md5(content).hexdigest()
    sha256, sha512 = hashlib.sha256(content).hexdigest(), hashlib.sha512(content).hexdigest()
    return {
        "OC-Checksum SHA1": {"oc_checksum": f"SHA1:{sha1}"},
        "OC-Checksum MD5": {"oc_checksum": f"MD5:{md5}"},
        "OC-Checksum SHA256": {"oc_checksum": f"SHA256:{sha256.upper()}"},
        "OC-Checksum ADLER32": {"oc_checksum": f"ADLER32:{zlib.adler32(content):08x}"},
        "OC-Checksum, several": {"oc_checksum": f"MD5:{md5} SHA1:{sha1}"},
        "Content-MD5": {"content_md5": base64_of(md5)},
        "Repr-Digest": {"repr_digest": f"sha-256=:{base64_of(sha256)}:"},
        "Content-Digest": {"content_digest": f"sha-512=:{base64_of(sha512)}:"},
    }


@pytest.mark.parametrize("kind", list(checksums(b"")))
def test_every_checksum_that_the_client_gave_is_checked(server: Server, album: str, kind: str) -> None:
    alice = server.session()
    photo, other = jpeg(), jpeg()
    before = left_behind(server)
    assert alice.put(f"{album}a.jpg", photo, **checksums(photo)[kind]).status_code == 201
    assert "checksum" in refused(alice.put(f"{album}a.jpg", other, **checksums(photo)[kind]), 400)
    refused(alice.put(f"{album}new.jpg", other, **checksums(photo)[kind]), 400)

    assert alice.get(f"{album}a.jpg").content == photo
    assert alice.names(album) == {"a.jpg"}
    assert left_behind(server) == before


# Times


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [("1700000000", 1_700_000_000.0), ("1700000000.25", 1_700_000_000.25), ("-86400", -86_400.0), ("0", 0.0)],
)
def test_the_client_s_modification_time_is_kept(server: Server, album: str, sent: str, seconds: float) -> None:
    alice = server.session()
    answer = alice.put(f"{album}a.jpg", jpeg(taken="2020:01:02 03:04:05"), x_oc_mtime=sent)
    assert answer.status_code == 201
    assert answer.headers["X-OC-MTime"] == "accepted"
    assert on_disk(server, f"{album}a.jpg").stat().st_mtime == seconds
    record = server.record("alice", album_name(album), "a.jpg")
    assert record is not None
    assert datetime.fromisoformat(record["modified"]).timestamp() == seconds


@pytest.mark.parametrize("sent", ["yesterday", "", "1e9", "0x10", "99999999999999999999", "1700000000,5", "nan"])
def test_a_modification_time_that_is_nonsense_is_ignored(server: Server, album: str, sent: str) -> None:
    taken = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    answer = server.session().put(f"{album}a.jpg", jpeg(taken=taken), x_oc_mtime=sent)
    assert answer.status_code == 201
    assert "X-OC-MTime" not in answer.headers
    assert on_disk(server, f"{album}a.jpg").stat().st_mtime == taken.timestamp()


def test_without_a_modification_time_the_date_taken_is_set(server: Server, album: str) -> None:
    taken = datetime(2018, 7, 6, 5, 4, 3, tzinfo=UTC)
    assert server.session().put(f"{album}a.jpg", jpeg(taken=taken)).status_code == 201
    assert on_disk(server, f"{album}a.jpg").stat().st_mtime == taken.timestamp()


# Replacing


def test_a_put_over_a_file_replaces_it_and_the_old_bytes_go_to_the_trash(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    old, new = jpeg(), jpeg()
    alice.put("/alice/trip/a.jpg", old, x_favorite="1")
    alice.proppatch("/alice/trip/a.jpg", {"{x:}note": "mine"})
    before = own_server.record("alice", "trip", "a.jpg")

    assert alice.put("/alice/trip/a.jpg", new).status_code == 204

    after = own_server.record("alice", "trip", "a.jpg")
    assert before is not None
    assert after is not None
    assert after["sha256"] == hashlib.sha256(new).hexdigest()
    assert (after["id"], after["isFavorite"], after["properties"]) == (before["id"], True, before["properties"])
    assert trash(own_server) == [old]
    assert alice.get("/alice/favorites/a.jpg").content == new
    assert left_behind(own_server) == []


def test_a_put_of_the_same_bytes_leaves_no_trash(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    photo = jpeg()
    first = alice.put("/alice/trip/a.jpg", photo)
    again = alice.put("/alice/trip/a.jpg", photo)
    assert (first.status_code, again.status_code) == (201, 204)
    assert again.headers["ETag"] == first.headers["ETag"]
    assert trash(own_server) == []


def test_a_put_over_another_file_keeps_its_bytes_in_the_trash(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    alice.put("/alice/trip/notes.txt", b"old")
    assert alice.put("/alice/trip/notes.txt", b"new").status_code == 204
    assert alice.get("/alice/trip/notes.txt").content == b"new"
    assert trash(own_server) == [b"old"]


def test_junk_and_empty_files_never_enter_the_trash(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    for name in (".DS_Store", "a.tmp", "empty.jpg", "empty.txt"):
        content = b"" if name.startswith("empty") else b"x"
        assert alice.put(f"/alice/trip/{name}", content).status_code == 201
        assert alice.put(f"/alice/trip/{name}", content * 2).status_code == 204
        assert alice.delete(f"/alice/trip/{name}").status_code == 204
    assert trash(own_server) == []


def test_no_put_is_renamed_at_the_url_that_the_client_chose(server: Server, album: str) -> None:
    alice = server.session()
    for name in ("a.jpg", "A.JPG", "a (1).jpg", "a.jpg.jpg"):
        assert alice.put(f"{album}{name}", jpeg()).status_code == 201
    assert alice.names(album) == {"a.jpg", "A.JPG", "a (1).jpg", "a.jpg.jpg"}


def test_a_get_that_began_before_a_put_gets_the_old_file_whole(server: Server, album: str) -> None:
    alice, other = server.session(), server.session()
    old, new = jpeg(pad=8_000_000), jpeg(pad=8_000_000)
    alice.put(f"{album}a.jpg", old)
    reading = alice.request("GET", f"{album}a.jpg", stream=True)
    begun = reading.raw.read(1000)
    assert other.put(f"{album}a.jpg", new).status_code == 204
    assert begun + reading.raw.read() == old


# Placeholders (a zero-byte PUT)


def test_a_zero_byte_put_is_seen_by_webdav_and_not_by_plex(server: Server, album: str) -> None:
    alice = server.session()
    assert alice.put(f"{album}a.jpg", b"").status_code == 201
    assert alice.names(album) == {"a.jpg"}
    assert alice.get(f"{album}a.jpg").content == b""
    assert not on_disk(server, f"{album}a.jpg").exists()

    photo = jpeg()
    assert alice.put(f"{album}a.jpg", photo).status_code == 204
    assert on_disk(server, f"{album}a.jpg").read_bytes() == photo
    assert alice.names(album) == {"a.jpg"}


def test_a_zero_byte_put_over_a_photo_leaves_file_record_and_copy(server: Server, album: str) -> None:
    alice = server.session()
    old, new = jpeg(), jpeg()
    alice.put(f"{album}over.jpg", old, x_favorite="1")
    before = server.record("alice", album_name(album), "over.jpg")

    assert alice.put(f"{album}over.jpg", b"").status_code == 204
    assert alice.get(f"{album}over.jpg").content == b""
    assert on_disk(server, f"{album}over.jpg").read_bytes() == old
    assert server.record("alice", album_name(album), "over.jpg") == before
    assert alice.get("/alice/favorites/over.jpg").content == old

    assert alice.put(f"{album}over.jpg", new).status_code == 204
    after = server.record("alice", album_name(album), "over.jpg")
    assert before is not None
    assert after is not None
    assert (after["id"], after["isFavorite"]) == (before["id"], True)
    assert alice.get("/alice/favorites/over.jpg").content == new
    assert alice.get(f"{album}over.jpg").content == new
    alice.delete(f"{album}over.jpg")


# The state after an upload


def test_an_upload_is_in_the_catalogue_before_it_is_answered(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/trip/")
    for number in range(10):
        assert alice.put(f"/alice/trip/{number}.jpg", jpeg()).status_code == 201
        table = read_between_appends(own_server.state / "catalog.json")["media"]
        assert str(number) + ".jpg" in {record["name"] for record in table.values()}


def test_files_and_folders_can_be_read_by_plex(server: Server, album: str) -> None:
    server.session().put(f"{album}a.jpg", jpeg())
    path = on_disk(server, f"{album}a.jpg")
    umask = os.umask(0o022)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask
    assert path.parent.stat().st_mode & 0o777 == 0o777 & ~umask
    assert (server.plex / ".sumu").stat().st_mode & 0o777 == 0o700


def test_an_upload_that_cannot_be_stored_is_refused_before_its_body(server: Server, album: str) -> None:
    """A client that waits for `100 Continue` sends nothing in vain."""
    alice = server.session()
    alice.mkcol(f"{album}folder/")
    login = base64.b64encode(b"alice:open sesame alice").decode()
    for path in (f"{album}missing/a.jpg", f"{album}folder", f"{album}a%01.jpg"):
        answer = server.raw(
            f"PUT {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {login}\r\nContent-Length: 1000000\r\n"
            "Expect: 100-continue\r\n\r\n".encode(),
            timeout=5,
        )
        assert answer.startswith(b"HTTP/1.1 4"), answer[:200]
        assert b"100 Continue" not in answer


@pytest.mark.parametrize("name", ["film.mov", "archive.bin"])
@pytest.mark.parametrize("in_chunks", [False, True])
def test_an_upload_costs_a_few_megabytes_whatever_its_size(
    server: Server, album: str, name: str, in_chunks: bool
) -> None:
    blocks = [os.urandom(1 << 20)] * 60
    alice = server.session()
    alice.put(f"{album}warm.jpg", jpeg(pad=1 << 20))
    before = server.resident()
    assert alice.put(album + name, iter(blocks) if in_chunks else b"".join(blocks)).status_code == 201
    assert server.peak() - before < 8 << 20
    assert alice.delete(album + name).status_code == 204


def test_two_puts_at_once_to_one_url_leave_one_whole_file(server: Server, album: str) -> None:
    photos = [jpeg(pad=300_000) for _ in range(8)]
    clients = [server.session() for _ in photos]
    with ThreadPoolExecutor(len(photos)) as pool:
        answers = list(pool.map(lambda pair: pair[0].put(f"{album}a.jpg", pair[1]), zip(clients, photos, strict=True)))

    assert sorted(answer.status_code for answer in answers) == [201] + [204] * 7
    left = on_disk(server, f"{album}a.jpg").read_bytes()
    assert left in photos
    record = server.record("alice", album_name(album), "a.jpg")
    assert record is not None
    assert record["sha256"] == hashlib.sha256(left).hexdigest()
    assert server.session().head(f"{album}a.jpg").headers["Repr-Digest"].count(base64_of(record["sha256"])) == 1


def test_many_uploads_at_once_are_all_stored(server: Server, album: str) -> None:
    photos = {f"{number}.jpg": jpeg() for number in range(60)}
    clients = [server.session() for _ in range(6)]

    def upload(number: int) -> list[int]:
        return [clients[number].put(f"{album}{n}", photos[n]).status_code for n in list(photos)[number::6]]

    with ThreadPoolExecutor(6) as pool:
        statuses = [status for part in pool.map(upload, range(6)) for status in part]

    assert statuses == [201] * 60
    assert server.session().names(album) == set(photos)
    for name, photo in photos.items():
        assert on_disk(server, f"{album}{name}").read_bytes() == photo
    recorded = {r["name"]: r["sha256"] for r in server.catalog() if r["album"] == album_name(album)}
    assert recorded == {name: hashlib.sha256(photo).hexdigest() for name, photo in photos.items()}


def test_missing_parents_are_made_where_a_client_asks_for_it(server: Server, album: str) -> None:
    alice = server.session()
    photo = jpeg()
    refused(alice.put(f"{album}one/two/a.jpg", photo), 409)
    answer = alice.put(f"{album}one/two/a.jpg", photo, x_nc_webdav_auto_mkcol="1")
    assert answer.status_code == 201
    assert alice.get(f"{album}one/two/a.jpg").content == photo


def test_the_content_length_of_a_stored_file_is_told(server: Server, album: str) -> None:
    photo = jpeg()
    alice = server.session()
    alice.put(f"{album}a.jpg", photo)
    assert alice.properties(f"{album}a.jpg", f"{DAV}getcontentlength") == {f"{DAV}getcontentlength": str(len(photo))}
    assert alice.head(f"{album}a.jpg").headers["Content-Length"] == str(len(photo))


def test_a_real_photo_comes_back_byte_by_byte(server: Server, album: str, media: Callable[..., Path]) -> None:
    content = media("heic-iphone-gps").read_bytes()
    alice = server.session()
    assert alice.put(f"{album}a.heic", content).status_code == 201
    assert alice.get(f"{album}a.heic").content == content


def test_a_receipt_s_etag_is_of_the_bytes_that_were_sent(server: Server, album: str) -> None:
    """Where two write and delete one URL at once, no ETag is given for what the other one wrote."""
    clients = [server.session() for _ in range(3)]

    def write(number: int) -> list[tuple[str, str]]:
        pairs = []
        for _ in range(12):
            if number == 2:
                assert clients[number].delete(f"{album}a.jpg").status_code in (204, 404)
                continue
            answer = clients[number].put(f"{album}a.jpg", jpeg())
            assert answer.status_code in (201, 204), answer.text
            if "ETag" in answer.headers:
                pairs.append((answer.headers["Repr-Digest"], answer.headers["ETag"]))
        return pairs

    with ThreadPoolExecutor(3) as pool:
        pairs = [pair for part in pool.map(write, range(3)) for pair in part]

    for digest, etag in pairs:
        sha256 = base64.b64decode(digest.removeprefix("sha-256=:").removesuffix(":")).hex()
        assert sha256.startswith(etag.strip('"')), (sha256, etag)
