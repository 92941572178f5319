"""What must hold after every request: the files on disk, the records of catalog.json and the listings tell the same.

Looks from outside alone: at the folders, at the JSON file and at what PROPFIND answers.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sumu_dav.library.names import is_junk, is_media
from support.dav import OWNCLOUD, SUMU, members
from support.server import Server

FAVORITES = "favorites"


def assert_consistent(server: Server, user: str = "alice") -> None:
    """Compare disk, records and listings of one user, who must be doing nothing else meanwhile."""
    records = [record for record in server.catalog() if record["user"] == user]
    _assert_records_have_their_files(server.plex / user, records)
    _assert_favorites_have_their_copies(server.plex / user, records)
    _assert_files_have_their_records(server, user, records)
    _assert_nothing_waits(server, user)
    _assert_listings(server, user, records)


def path_of(record: dict[str, Any]) -> str:
    """The path of a record's file below its user."""
    return "/".join(part for part in (record["album"], record["name"]) if part)


def _assert_records_have_their_files(home: Path, records: list[dict[str, Any]]) -> None:
    paths = Counter(path_of(record) for record in records)
    assert max(paths.values(), default=1) == 1, f"two records of one path: {paths}"
    ids = Counter(record["id"] for record in records)
    assert max(ids.values(), default=1) == 1, f"two records of one id: {ids}"
    for record in records:
        file = home / path_of(record)
        assert file.is_file(), f"the record of {path_of(record)} has no file"
        assert not file.is_symlink()
        content = file.read_bytes()
        assert len(content) == record["size"], path_of(record)
        assert hashlib.sha256(content).hexdigest() == record["sha256"], path_of(record)
        modified = datetime.fromisoformat(record["modified"]).timestamp()
        assert abs(file.stat().st_mtime - modified) < timedelta(milliseconds=1).total_seconds(), path_of(record)
    loose = Counter(name for record in records for name in record["looseNames"])
    assert max(loose.values(), default=1) == 1, f"a loose name of two photos: {loose}"


def _assert_favorites_have_their_copies(home: Path, records: list[dict[str, Any]]) -> None:
    favorites = [record for record in records if record["isFavorite"]]
    assert [record for record in records if record["favoriteName"] and not record["isFavorite"]] == []
    for record in favorites:
        assert record["favoriteName"], f"the favorite {path_of(record)} names no copy"
        copy, original = home / FAVORITES / record["favoriteName"], home / path_of(record)
        assert copy.is_file(), f"the copy {record['favoriteName']} of {path_of(record)} is missing"
        assert not copy.is_symlink()
        assert copy.stat().st_nlink == 1, f"{record['favoriteName']} is a hard link"
        assert copy.read_bytes() == original.read_bytes(), record["favoriteName"]
        assert copy.stat().st_mtime_ns == original.stat().st_mtime_ns, record["favoriteName"]
    names = Counter(record["favoriteName"] for record in favorites)
    assert max(names.values(), default=1) == 1, f"a copy of two photos: {names}"
    folder = home / FAVORITES
    lying = {name for name in (os.listdir(folder) if folder.is_dir() else ()) if is_media(name)}
    assert lying == set(names), "strays in the favorites"


def _assert_files_have_their_records(server: Server, user: str, records: list[dict[str, Any]]) -> None:
    files = server.files(user)
    for file in files:
        assert (server.plex / user / file).stat().st_size, f"Plex sees the empty {file}"
        assert not any(is_junk(part) for part in Path(file).parts), f"Plex sees {file}"
    albums = {file for file in files if is_media(file) and not file.startswith(FAVORITES + "/")}
    assert albums == {path_of(record) for record in records}


def _assert_nothing_waits(server: Server, user: str) -> None:
    hidden = server.plex / ".sumu"
    assert os.listdir(hidden / "uploads") == []
    assert os.listdir(server.state / "intents") == []
    trash = hidden / "trash" / user
    assert all(file.stat().st_size for file in trash.iterdir()) if trash.exists() else True


def _assert_listings(server: Server, user: str, records: list[dict[str, Any]]) -> None:
    client = server.session(user)
    listed = {
        member.path.removeprefix(f"/{user}/"): member
        for member in members(client.propfind(f"/{user}/", "infinity", [SUMU + "isFavorite", OWNCLOUD + "favorite"]))
        if not member.is_collection
    }
    hidden = _files_below(server.plex / ".sumu" / "users" / user)
    loose = {name: record for record in records for name in record["looseNames"]}
    assert set(listed) == server.files(user) | hidden | set(loose)
    for record in records:
        bindings = [path_of(record), *record["looseNames"]]
        bindings += [f"{FAVORITES}/{record['favoriteName']}"] if record["isFavorite"] else []
        for name in bindings:
            if name in hidden or (name in loose and loose[name] is not record):
                continue
            for flag in (SUMU + "isFavorite", OWNCLOUD + "favorite"):
                assert listed[name].text(flag) == str(int(record["isFavorite"])), name
    inbox = client.names(f"/-/inbox/{user}/")
    assert inbox == set(loose) | {name for name in hidden if "/" not in name}
    client.close()


def _files_below(folder: Path) -> set[str]:
    return {
        os.path.relpath(os.path.join(where, name), folder)
        for where, _folders, names in os.walk(folder)
        for name in names
    }
