"""Nextcloud's chunked upload, version 2, as rclone and the apps send it (shared/clients.md)."""

from __future__ import annotations

import hashlib
import itertools

import pytest
import requests

from support.dav import DAV, NEXTCLOUD, Dav, condition, members, token_of
from support.samples import jpeg, mov
from support.server import Server, password_of

UPLOADS = "/remote.php/dav/uploads/alice/"
CHUNK = 100_000

_numbers = itertools.count(1)


@pytest.fixture
def alice(server: Server) -> Dav:
    return server.session()


@pytest.fixture
def upload(alice: Dav) -> str:
    """A new upload's URL path, with a slash at its end."""
    path = f"{UPLOADS}upload-{next(_numbers)}/"
    assert alice.mkcol(path).status_code == 201
    return path


def send(client: Dav, upload: str, data: bytes) -> None:
    """All chunks, the last first: the order of arrival means nothing."""
    starts = range(0, len(data), CHUNK)
    for start in reversed(starts):
        end = min(start + CHUNK, len(data))
        answer = client.put(f"{upload}{start:015d}-{end - 1:015d}", data[start:end])
        assert answer.status_code == 201, answer.text


def assemble(client: Dav, upload: str, destination: str, **headers: str) -> requests.Response:
    return client.move(f"{upload}.file", destination, **headers)


def test_the_whole_is_published_as_one_put_would(server: Server, alice: Dav, album: str, upload: str) -> None:
    data = mov(pad=5 * CHUNK)
    send(alice, upload, data)
    answer = assemble(
        alice,
        upload,
        f"/remote.php/dav/files{album}holiday.mov",
        oc_total_length=str(len(data)),
        oc_checksum=f"SHA1:{hashlib.sha1(data).hexdigest()}",
        x_oc_mtime="1600000000.5",
    )
    assert answer.status_code == 201, answer.text
    assert answer.headers["X-OC-MTime"] == "accepted"
    assert answer.headers["Repr-Digest"].startswith("sha-256=:")
    assert {"OC-FileId", "OC-ETag"} <= answer.headers.keys()
    got = alice.get(f"{album}holiday.mov")
    assert got.content == data
    assert got.headers["ETag"] == answer.headers["ETag"]
    assert (server.plex / album.strip("/") / "holiday.mov").stat().st_mtime == 1600000000.5
    assert server.record("alice", album.split("/")[2], "holiday.mov") is not None
    assert alice.propfind(upload).status_code == 404


def test_a_loose_name_is_filed(server: Server, alice: Dav, upload: str) -> None:
    data = jpeg(taken="2019:08:07 06:05:04", pad=2 * CHUNK)
    send(alice, upload, data)
    answer = assemble(alice, upload, "/remote.php/webdav/IMG_chunked.jpg")
    assert answer.status_code == 201, answer.text
    assert answer.headers["Content-Location"] == "/alice/19-08/IMG_chunked.jpg"
    assert alice.get("/alice/IMG_chunked.jpg").content == data
    assert "alice/19-08/IMG_chunked.jpg" in server.files()


def test_the_chunks_there_are_listed_in_their_order_with_their_sizes(alice: Dav, upload: str) -> None:
    for name, size in (("10", 7), ("9", 1000), ("1", 1000)):
        assert alice.put(upload + name, bytes(size)).status_code == 201
    answer = alice.propfind(upload, "1", [f"{DAV}getcontentlength", f"{DAV}resourcetype", f"{DAV}displayname"])
    folder, *chunks = members(answer)
    assert folder.is_collection
    assert folder.path == upload
    assert [(chunk.name, chunk.text(f"{DAV}getcontentlength")) for chunk in chunks] == [
        ("1", "1000"),
        ("9", "1000"),
        ("10", "7"),
    ]
    assert chunks[0].statuses[f"{DAV}displayname"] == 404
    (one,) = members(alice.propfind(f"{upload}9"))
    assert one.text(f"{DAV}getcontentlength") == "1000"
    assert alice.propfind(f"{upload}11").status_code == 404
    assert upload.split("/")[-2] + "/" in alice.names(UPLOADS)


def test_nothing_of_an_upload_is_seen_in_the_trees(server: Server, alice: Dav, album: str, upload: str) -> None:
    send(alice, upload, jpeg(pad=3 * CHUNK))
    assert alice.names(album) == set()
    assert not [name for name in server.files() if "upload-" in name]


def test_a_chunk_is_stored_whole_or_not_at_all(server: Server, upload: str) -> None:
    head = (
        f"PUT {upload}1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
        f"Authorization: {requests.auth._basic_auth_str('alice', password_of('alice'))}\r\n\r\n"
    )
    with server.connection() as connection:
        connection.sendall(head.encode() + b"half of it")
        connection.shutdown(1)
        connection.recv(4096)
    assert members(server.session().propfind(upload, "1"))[1:] == []


def test_a_chunk_that_is_not_what_its_digest_says_is_refused(alice: Dav, upload: str) -> None:
    digest = "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:"
    assert alice.put(f"{upload}1", b"data", content_digest=digest).status_code == 400
    assert members(alice.propfind(upload, "1"))[1:] == []


def test_a_chunk_sent_again_replaces_the_first(alice: Dav, album: str, upload: str) -> None:
    assert alice.put(f"{upload}1", b"first").status_code == 201
    assert alice.put(f"{upload}1", b"second").status_code == 204
    assert assemble(alice, upload, f"{album}note.txt").status_code == 201
    assert alice.get(f"{album}note.txt").content == b"second"


def test_what_was_announced_of_the_whole_is_checked_and_costs_no_chunk(alice: Dav, album: str, upload: str) -> None:
    data = jpeg(pad=2 * CHUNK)
    send(alice, upload, data)
    for wrong in ({"oc_total_length": str(len(data) + 1)}, {"oc_checksum": f"MD5:{'0' * 32}"}):
        answer = assemble(alice, upload, f"{album}x.jpg", **wrong)
        assert answer.status_code == 400, answer.text
        assert alice.get(f"{album}x.jpg").status_code == 404
    assert assemble(alice, upload, f"{album}x.jpg", oc_total_length=str(len(data))).status_code == 201
    assert alice.get(f"{album}x.jpg").content == data


def test_a_missing_chunk_is_a_conflict(alice: Dav, album: str, upload: str) -> None:
    alice.put(f"{upload}0-4", b"01234")
    alice.put(f"{upload}10-14", b"abcde")
    assert assemble(alice, upload, f"{album}x.jpg").status_code == 409
    assert alice.head(f"{album}x.jpg").status_code == 404


def test_conditions_and_locks_of_the_destination_count(server: Server, alice: Dav, album: str, upload: str) -> None:
    target = f"{album}x.jpg"
    old, new = jpeg(), jpeg(pad=CHUNK)
    etag = alice.put(target, old).headers["ETag"]
    send(alice, upload, new)
    assert assemble(alice, upload, target, overwrite="F").status_code == 412
    assert assemble(alice, upload, target, if_match='"other"').status_code == 412
    assert assemble(alice, upload, target, if_none_match="*").status_code == 412
    assert assemble(alice, upload, target, if_=f'<{alice.href(target)}> (["other"])').status_code == 412
    token = token_of(alice.lock(target))
    locked = assemble(alice, upload, target)
    assert locked.status_code == 423
    assert condition(locked) == "lock-token-submitted"
    assert alice.get(target).content == old
    answer = assemble(alice, upload, target, if_=f"<{alice.href(target)}> (<{token}> [{etag}])")
    assert answer.status_code == 204, answer.text
    assert alice.get(target).content == new
    assert alice.unlock(target, token).status_code == 204


def test_the_destination_must_be_one_that_a_put_could_have(alice: Dav, album: str, upload: str) -> None:
    send(alice, upload, jpeg())
    assert assemble(alice, upload, "/alice/nowhere/x.jpg").status_code == 409
    assert assemble(alice, upload, album).status_code in (405, 409)
    assert assemble(alice, upload, "/alice/").status_code == 403
    assert assemble(alice, upload, f"{UPLOADS}other/1").status_code in (403, 404)
    assert assemble(alice, upload, "/bob/x.jpg").status_code == 404
    assert alice.request("MOVE", f"{upload}.file").status_code == 400
    assert assemble(alice, upload, f"{album}x.jpg").status_code == 201


def test_only_the_owner_reaches_an_upload(server: Server, alice: Dav, album: str, upload: str) -> None:
    alice.put(f"{upload}1", b"data")
    for stranger in (server.session("bob"), server.session("root")):
        assert stranger.propfind(upload, "1").status_code == 404
        assert stranger.propfind(UPLOADS, "1").status_code == 404
        assert stranger.mkcol(f"{UPLOADS}theirs").status_code == 404
        assert stranger.put(f"{upload}1", b"evil").status_code == 404
        assert stranger.delete(upload).status_code == 404
        assert stranger.delete(f"{upload}1").status_code == 404
        assert assemble(stranger, upload, f"/{stranger.user}/x.txt").status_code == 404
        assert stranger.options(upload).status_code == 404
    assert assemble(alice, upload, f"{album}note.txt").status_code == 201
    assert alice.get(f"{album}note.txt").content == b"data"


@pytest.mark.parametrize(
    ("method", "below", "status"),
    [
        ("MKCOL", "", 405),
        ("MKCOL", "deeper", 403),
        ("PUT", "", 405),
        ("PUT", "name", 403),
        ("PUT", ".file", 403),
        ("PUT", "1/2", 404),
        ("GET", "1", 405),
        ("HEAD", "1", 405),
        ("COPY", "1", 405),
        ("LOCK", "1", 405),
        ("PROPPATCH", "1", 405),
        ("DELETE", ".file", 403),
        ("DELETE", ".whole", 403),
        ("DELETE", "2", 404),
        ("PROPFIND", ".file", 404),
    ],
)
def test_what_makes_no_sense_in_an_upload_is_refused(
    alice: Dav, upload: str, method: str, below: str, status: int
) -> None:
    alice.put(f"{upload}1", b"data")
    assert alice.request(method, upload + below, data=b"x" if method == "PUT" else None).status_code == status
    assert len(members(alice.propfind(upload, "1"))) == 2


def test_moving_a_single_chunk_is_refused(alice: Dav, album: str, upload: str) -> None:
    alice.put(f"{upload}1", b"data")
    assert alice.move(f"{upload}1", f"{album}x.txt").status_code == 403


def test_an_upload_must_be_begun_and_can_be_given_up(alice: Dav, upload: str) -> None:
    assert alice.put(f"{UPLOADS}never-begun/1", b"data").status_code == 409
    assert alice.delete(f"{UPLOADS}never-begun").status_code == 404
    assert alice.delete(upload).status_code == 204
    assert alice.propfind(upload).status_code == 404
    assert alice.request("MKCOL", upload, data=b"<x/>").status_code == 415


def test_a_chunk_can_be_dropped_and_sent_again(alice: Dav, album: str, upload: str) -> None:
    """As the desktop clients of Nextcloud and ownCloud do with all that came after a gap."""
    for name in ("1", "3"):
        assert alice.put(upload + name, name.encode()).status_code == 201
    assert alice.delete(f"{upload}3").status_code == 204
    assert [chunk.name for chunk in members(alice.propfind(upload, "1"))[1:]] == ["1"]
    for name in ("2", "3"):
        assert alice.put(upload + name, name.encode()).status_code == 201
    assert assemble(alice, upload, f"{album}note.txt").status_code == 201
    assert alice.get(f"{album}note.txt").content == b"123"


def test_chunks_outlive_a_kill(own_server: Server) -> None:
    alice, data = own_server.session(), jpeg(pad=3 * CHUNK)
    upload = f"{UPLOADS}killed/"
    alice.mkcol(upload)
    send(alice, upload, data)
    own_server.kill()
    own_server.start()
    assert assemble(alice, upload, "/alice/favorites/x.jpg", oc_total_length=str(len(data))).status_code == 201
    assert alice.get("/alice/favorites/x.jpg").content == data


def test_chunks_count_in_the_quota_and_stay_when_it_is_full(server: Server) -> None:
    words = ("user", "add", "carol", "--password-stdin", "--quota", "250K")
    assert server.command(*words, stdin=password_of("carol") + "\n").returncode == 0
    carol, upload = server.session("carol"), "/remote.php/dav/uploads/carol/u/"
    assert carol.mkcol(upload).status_code == 201
    data = jpeg(pad=CHUNK)
    half = len(data) // 2
    assert carol.put(f"{upload}1", data[:half]).status_code == 201
    refused = carol.put(f"{upload}2", bytes(3 * CHUNK))
    assert refused.status_code == 507
    assert condition(refused) == "quota-not-exceeded"
    assert carol.put(f"{upload}2", iter([bytes(CHUNK)] * 3)).status_code == 507
    assert carol.put(f"{upload}2", data[half:]).status_code == 201
    assert assemble(carol, upload, "/carol/favorites/x.jpg", oc_total_length=str(len(data))).status_code == 201
    assert carol.get("/carol/favorites/x.jpg").content == data


def test_rclones_sequence(server: Server, alice: Dav, album: str) -> None:
    """Vendor nextcloud, over 10 MiB: backend/webdav/chunking.go of rclone 1.63 and newer."""
    data = mov(pad=4 * CHUNK)
    upload = f"{UPLOADS}rclone-chunked-upload-{hashlib.md5(album.encode()).hexdigest()}/"
    assert alice.delete(upload).status_code == 404
    assert alice.mkcol(upload).status_code == 201
    for start in range(0, len(data), CHUNK):
        piece = data[start : start + CHUNK]
        name = f"{start:015d}-{start + len(piece) - 1:015d}"
        assert alice.put(upload + name, piece, content_type="application/x-www-form-urlencoded").status_code == 201
    answer = alice.request(
        "MOVE",
        f"{upload}.file",
        headers={
            "Destination": f"{server.url}remote.php/dav/files{album}movie.mov",
            "X-OC-Mtime": "1700000000.123456789",
            "OC-Checksum": f"SHA1:{hashlib.sha1(data).hexdigest()}",
        },
    )
    assert answer.status_code == 201, answer.text
    (found,) = members(alice.propfind(f"/remote.php/dav/files{album}movie.mov"))
    assert found.text(f"{DAV}getcontentlength") == str(len(data))
    assert found.text(f"{DAV}getlastmodified") == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert alice.delete(upload).status_code == 404


def test_androids_sequence(alice: Dav, album: str) -> None:
    """A list of what came, the rest, and a MOVE with times and length, after the app was cut off."""
    data = mov(pad=4 * CHUNK)
    upload, target = f"{UPLOADS}0123456789abcdef/", f"/remote.php/dav/files{album}phone.mov"
    pieces = [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)]
    assert alice.mkcol(upload).status_code == 201
    for number, piece in enumerate(pieces[:2], start=1):
        assert alice.put(f"{upload}{number:05d}", piece, oc_total_length=str(len(data))).status_code == 201
    assert alice.mkcol(upload).status_code == 405
    came = [member for member in members(alice.propfind(upload, "1")) if not member.is_collection]
    assert sum(int(member.text(f"{DAV}getcontentlength") or 0) for member in came) == 2 * CHUNK
    for number, piece in enumerate(pieces[2:], start=3):
        assert alice.put(f"{upload}{number:05d}", piece, oc_total_length=str(len(data))).status_code == 201
    answer = assemble(
        alice, upload, target, oc_total_length=str(len(data)), x_oc_mtime="1650000000", x_oc_ctime="1640000000"
    )
    assert answer.status_code == 201, answer.text
    assert alice.get(target).content == data
    assert alice.properties(target, f"{NEXTCLOUD}creation_time") == {f"{NEXTCLOUD}creation_time": "1640000000"}
