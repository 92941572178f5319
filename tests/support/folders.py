"""A collection as tests fill it, and what is found of it afterwards."""

from __future__ import annotations

from support.dav import Dav
from support.samples import jpeg
from support.server import Server


def name_of(album: str) -> str:
    return album.strip("/").partition("/")[2]


def all_below(session: Dav, path: str) -> set[str]:
    """Every path below a collection, relative to it."""
    found: set[str] = set()
    for name in session.names(path):
        found.add(name)
        if name.endswith("/"):
            found |= {name + below for below in all_below(session, path + name)}
    return found


def make(session: Dav, top: str) -> dict[str, bytes]:
    """A collection of photos, other files, hidden ones and a placeholder, two levels deep; the bytes of its files."""
    files = {
        "a.jpg": jpeg(),
        "notes.txt": b"notes",
        ".DS_Store": b"junk",
        "empty.jpg": b"",
        "sub/b.jpg": jpeg(),
        "sub/.hidden": b"x",
    }
    for folder in (top, f"{top}sub/", f"{top}.only hidden/"):
        assert session.mkcol(folder).status_code == 201
    for path, content in files.items():
        assert session.put(top + path, content).status_code == 201
    return files


def records(server: Server, album: str) -> dict[str, dict[str, object]]:
    """The records of an album and of those below it, by path."""
    name = name_of(album)
    return {
        f"{photo['album']}/{photo['name']}": photo
        for photo in server.catalog()
        if photo["album"] == name or photo["album"].startswith(name + "/")
    }
