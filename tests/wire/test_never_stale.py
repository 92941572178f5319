"""No listing of the running server is stale after a change of our own: every verb, every place where it shows.

What was asked before, and is prepared, is held against the same question with a property in it that nobody ever asked
for: that listing can't have been prepared.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest

from support.dav import DAV, NEXTCLOUD, OWNCLOUD, SUMU, Dav, members, token_of
from support.samples import jpeg, mov
from support.server import Server

MOMENT = datetime(2024, 5, 17, 10, 11, 12, tzinfo=UTC)

ASKED = (
    *(f"{DAV}{name}" for name in ("resourcetype", "getcontentlength", "getlastmodified", "getetag", "getcontenttype")),
    *(f"{DAV}{name}" for name in ("displayname", "creationdate", "quota-used-bytes")),
    *(f"{OWNCLOUD}{name}" for name in ("permissions", "fileid", "size", "favorite", "checksums")),
    *(f"{NEXTCLOUD}{name}" for name in ("upload_time", "metadata-files-live-photo")),
    *(f"{SUMU}{name}" for name in ("isFavorite", "latitude", "taken", "sha256", "livePhotoId")),
    "{urn:test}color",
)
LOCKS = (f"{DAV}getetag", f"{DAV}lockdiscovery", "{urn:test}color")

TRIP, DAY, MONTH = "/alice/trip/", "/alice/trip/day 1/", "/alice/24-05/"
PLACES = (
    *("/alice/", TRIP, DAY, MONTH, "/alice/favorites/", "/-/inbox/alice/", "/alice/copied/", "/alice/day 1/"),
    *("/remote.php/dav/files/alice/", "/remote.php/dav/files/alice/trip/", "/remote.php/webdav/trip/"),
)
FILES = (TRIP + "a.jpg", TRIP + "notes.txt", "/alice/IMG_1.jpg", MONTH + "IMG_1.jpg", "/-/inbox/alice/IMG_1.jpg")

Told = dict[str, object]

_never_asked = itertools.count(1)


def told(client: Dav, path: str, depth: str, names: Iterable[str]) -> Told:
    """What a listing says of each resource, but for the seconds that locks have left, and the entity tags of
    collections: the watcher may tell of a change once more."""
    answer = client.propfind(path, depth, names)
    if answer.status_code != 207:
        return {"status": answer.status_code}
    return {
        member.href: sorted(
            (name, status, _text(member.found.get(name)))
            for name, status in member.statuses.items()
            if not name.startswith("{urn:never}") and (name != f"{DAV}getetag" or not member.href.endswith("/"))
        )
        for member in members(answer)
    }


def _text(element: ElementTree.Element | None) -> str:
    if element is None:
        return ""
    for seconds in element.iter(f"{DAV}timeout"):
        seconds.text = ""
    return ElementTree.tostring(element, encoding="unicode")


def questions() -> Iterable[tuple[str, str, tuple[str, ...]]]:
    for path in PLACES:
        yield path, "1", ASKED
        yield path, "0", ASKED
    for path in FILES:
        yield path, "0", ASKED
    for path in (TRIP, "/alice/", "/alice/favorites/", FILES[0]):
        yield path, "1", LOCKS


def all_told(client: Dav) -> dict[tuple[str, str, int], Told]:
    return {(path, depth, len(names)): told(client, path, depth, names) for path, depth, names in questions()}


def assert_fresh(client: Dav, what: str) -> dict[tuple[str, str, int], Told]:
    """Everything that is told now; it is what a listing says that nobody asked for before."""
    prepared = all_told(client)
    for path, depth, names in questions():
        unheard_of = f"{{urn:never}}p{next(_never_asked)}"
        fresh = told(client, path, depth, (*names, unheard_of))
        assert prepared[path, depth, len(names)] == fresh, f"{path} (Depth {depth}) is stale after: {what}"
    return prepared


def fill(client: Dav) -> None:
    """Some of everything that a collection may hold."""
    for folder in (TRIP, DAY):
        assert client.mkcol(folder).status_code == 201
    for path, data in {
        TRIP + "a.jpg": jpeg(taken=MOMENT, gps=(48.1, 11.5)),
        TRIP + "live.jpg": jpeg(taken=MOMENT, content_id="AAAA"),
        TRIP + "live.mov": mov(taken=MOMENT, content_id="AAAA"),
        TRIP + "notes.txt": b"notes",
        DAY + "b.jpg": jpeg(),
        "/alice/IMG_1.jpg": jpeg(taken=MOMENT),
        "/alice/IMG_2.jpg": jpeg(taken=MOMENT),
    }.items():
        assert client.put(path, data).status_code == 201, path


Change = Callable[[Dav], object]


def in_chunks(destination: str, data: bytes) -> Change:
    """Nextcloud's chunked upload: it is the MOVE that publishes."""

    def change(client: Dav) -> object:
        upload = f"/remote.php/dav/uploads/alice/stale-{next(_never_asked)}/"
        client.mkcol(upload)
        half = len(data) // 2
        client.put(f"{upload}00001", data[:half])
        client.put(f"{upload}00002", data[half:])
        return client.move(f"{upload}.file", f"/remote.php/dav/files{destination}")

    return change


def locked_then_unlocked(path: str, depth: str = "0") -> list[tuple[str, Change]]:
    tokens: list[str] = []

    def lock(client: Dav) -> object:
        answer = client.lock(path, depth=depth)
        tokens.append(token_of(answer))
        return answer

    return [
        (f"LOCK {path} {depth}", lock),
        (f"UNLOCK {path} {depth}", lambda client: client.unlock(path, tokens.pop())),
    ]


def put(path: str, data: bytes = b"", **headers: str) -> tuple[str, Change]:
    return f"PUT {path}", lambda client: client.put(path, data, **headers)


def delete(path: str) -> tuple[str, Change]:
    return f"DELETE {path}", lambda client: client.delete(path)


def move(path: str, to: str) -> tuple[str, Change]:
    return f"MOVE {path} to {to}", lambda client: client.move(path, to)


def copy(path: str, to: str) -> tuple[str, Change]:
    return f"COPY {path} to {to}", lambda client: client.copy(path, to)


def patch(path: str, name: str, value: str | None) -> tuple[str, Change]:
    if value is None:
        return f"PROPPATCH {path}, {name} removed", lambda client: client.proppatch(path, removing=[name])
    return f"PROPPATCH {path} {name}", lambda client: client.proppatch(path, {name: value})


COLOR, FLAG, FAVORITE, DATE = "{urn:test}color", f"{SUMU}isFavorite", f"{OWNCLOUD}favorite", f"{DAV}getlastmodified"

CHANGES: dict[str, list[tuple[str, Change]]] = {
    "uploads": [
        put(TRIP + "new.jpg", jpeg()),
        put(TRIP + "new.jpg", jpeg()),
        put(TRIP + "a.jpg", jpeg(taken=MOMENT)),
        put(TRIP + "starred.jpg", jpeg(), x_favorite="1"),
        put(TRIP + "notes.txt", b"other notes"),
        put(TRIP + ".DS_Store", b"junk"),
        put(TRIP + "later.jpg"),
        put(TRIP + "later.jpg", jpeg()),
        put("/alice/new.jpg", jpeg(taken=MOMENT)),
        put("/alice/IMG_1.jpg", jpeg(taken=MOMENT)),
        put("/-/inbox/alice/inbox.jpg", jpeg(taken=MOMENT)),
        put("/alice/favorites/direct.jpg", jpeg(taken=MOMENT)),
        put(DAY + "other.mov", mov(taken=MOMENT, content_id="AAAA")),
        ("chunks, new", in_chunks(TRIP + "chunks.jpg", jpeg(pad=200_000))),
        ("chunks, again", in_chunks(TRIP + "chunks.jpg", jpeg(pad=300_000))),
    ],
    "properties and favorites": [
        patch(TRIP + "a.jpg", COLOR, "red"),
        patch(TRIP + "a.jpg", COLOR, None),
        patch(MONTH + "IMG_1.jpg", COLOR, "red"),
        patch(TRIP + "notes.txt", DATE, "2001-02-03T04:05:06Z"),
        patch("/alice/IMG_1.jpg", DATE, "2001-02-03T04:05:06Z"),
        patch(DAY, COLOR, "blue"),
        patch("/alice/", COLOR, "green"),
        patch(TRIP + "a.jpg", FLAG, "1"),
        patch("/alice/IMG_1.jpg", FAVORITE, "1"),
        patch(TRIP + "live.mov", FLAG, "1"),
        patch("/alice/favorites/a.jpg", COLOR, "yellow"),
        move("/alice/favorites/a.jpg", "/alice/favorites/other.jpg"),
        delete("/alice/favorites/IMG_1.jpg"),
        move("/alice/favorites/other.jpg", DAY + "c.jpg"),
        copy(DAY + "c.jpg", "/alice/favorites/c.jpg"),
        patch(TRIP + "live.jpg", FLAG, "0"),
        delete("/alice/favorites/"),
    ],
    "files and albums": [
        copy(TRIP + "a.jpg", DAY + "a.jpg"),
        move(TRIP + "a.jpg", TRIP + ".a.jpg"),
        move(TRIP + ".a.jpg", TRIP + "a.jpg"),
        move("/alice/IMG_2.jpg", DAY + "x.jpg"),
        move(TRIP + "notes.txt", DAY + "notes.txt"),
        delete("/alice/IMG_1.jpg"),
        put("/-/inbox/alice/IMG_1.jpg", jpeg(taken=MOMENT)),
        delete(MONTH + "IMG_1.jpg"),
        delete(TRIP + "live.mov"),
        ("MKCOL", lambda client: client.mkcol(TRIP + "day 2/")),
        copy(TRIP, "/alice/copied/"),
        move(DAY, "/alice/day 1/"),
        move("/alice/copied/", TRIP),
        delete("/alice/day 1/"),
        delete(TRIP),
    ],
    "locks": [
        *locked_then_unlocked(TRIP + "a.jpg"),
        *locked_then_unlocked(TRIP, "infinity"),
        *locked_then_unlocked(DAY),
        *locked_then_unlocked("/alice/favorites/", "infinity"),
        *locked_then_unlocked(TRIP + "nothing yet.jpg"),
    ],
}


@pytest.mark.parametrize("kind", CHANGES)
def test_every_change_shows_at_once_wherever_it_shows(start_server: Callable[..., Server], kind: str) -> None:
    server = start_server(sumu={"watch": "events"})
    client = server.session()
    fill(client)
    before = assert_fresh(client, "the start")
    for what, change in CHANGES[kind]:
        answer = change(client)
        assert answer.status_code in (200, 201, 204, 207), (what, answer.text)  # type: ignore[attr-defined]
        after = assert_fresh(client, what)
        assert after != before, f"{what}: nothing shows it"
        before = after


def test_what_commands_change_shows_at_once(start_server: Callable[..., Server]) -> None:
    server = start_server(sumu={"watch": "events"})
    client = server.session()
    fill(client)
    client.delete(TRIP + "a.jpg")
    (gone,) = json.loads(server.command("trash", "list", "--json").stdout)
    client.lock(TRIP + "live.jpg")
    before = assert_fresh(client, "the start")
    (lock,) = json.loads(server.command("lock", "list", "--json").stdout)
    for words in (("trash", "restore", gone["id"]), ("lock", "break", lock["token"])):
        commanded(server, *words)
        after = assert_fresh(client, " ".join(words))
        assert after != before
        before = after
    # Not before the scan: the watcher would record the file while listings of it are held against each other.
    (server.plex / "alice" / "trip" / "by hand.jpg").write_bytes(jpeg())
    commanded(server, "scan")
    assert assert_fresh(client, "scan") != before


def commanded(server: Server, *words: str) -> None:
    done = server.command(*words)
    assert done.returncode == 0, done.stderr


def test_whoever_changes_a_listing_finds_it_changed_however_many_ask(server: Server, album: str) -> None:
    """Others ask for it without end, so that it is being written anew in the moment of nearly every change."""
    names = (f"{DAV}getetag", f"{DAV}getcontentlength")
    stop = threading.Event()
    clients = [server.session() for _ in range(4)]

    def ask(client: Dav) -> None:
        while not stop.is_set():
            client.propfind(album, "1", names)
            client.propfind(album + "mine.txt", "0", names)

    threads = [threading.Thread(target=ask, args=(client,)) for client in clients[1:]]
    for number in range(30):
        clients[0].put(f"{album}{number}.txt", b"x")
    for thread in threads:
        thread.start()
    try:
        for number in range(60):
            done = clients[0].put(album + "mine.txt", b"x" * (number + 1))
            listed = {member.name: member for member in members(clients[0].propfind(album, "1", names))}
            assert listed["mine.txt"].text(f"{DAV}getcontentlength") == str(number + 1)
            assert listed["mine.txt"].text(f"{DAV}getetag") == done.headers["ETag"]
            (single,) = members(clients[0].propfind(album + "mine.txt", "0", names))
            assert single.text(f"{DAV}getetag") == done.headers["ETag"]
            if number % 3 == 2:
                clients[0].delete(album + "mine.txt")
                assert "mine.txt" not in {m.name for m in members(clients[0].propfind(album, "1", names))}
                assert clients[0].propfind(album + "mine.txt", "0", names).status_code == 404
    finally:
        stop.set()
        for thread in threads:
            thread.join()
