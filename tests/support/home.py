"""An archive in this process, with its folders as another program sees them: no HTTP, no threads."""

from __future__ import annotations

import time
from datetime import UTC
from pathlib import Path

from sumu_dav.archive.archive import Archive
from sumu_dav.archive.changes.properties import PropertyChange
from sumu_dav.archive.content import Content
from sumu_dav.archive.nodes import Path as WebPath
from sumu_dav.archive.opening import Options, open_archive
from sumu_dav.archive.outside.reconcile import Outcome, Reconciler
from sumu_dav.archive.progress import Progress, nobody_looks
from sumu_dav.model import Photo

COLOR = "{urn:test}color"
"""A dead property, as a client of no particular kind sets one."""


class Home:
    """An archive with the accounts alice and bob, and the folders as another program sees them."""

    def __init__(self, folder: Path) -> None:
        self.plex = folder / "plex"
        self.alice = self.plex / "alice"
        self.bob = self.plex / "bob"
        self._folder = folder
        self.archive = self.opened()

    def opened(self) -> Archive:
        return open_archive(
            str(self.plex), str(self._folder / "state"), Options(zone=UTC), users=lambda: ["alice", "bob"]
        )

    def reopen(self) -> None:
        self.archive.close()
        self.archive = self.opened()

    def put(self, path: str, data: bytes, *, favorite: bool = False, **properties: str) -> Photo:
        """A client's PUT, into an album that is made where it is missing."""
        where = self._write(path, data, properties, favorite=favorite)
        return self.at(path) if not where.is_loose else self.loose(path)

    def put_other(self, path: str, data: bytes, **properties: str) -> None:
        """A client's PUT of what is no photo: a placeholder, a hidden file, a note."""
        self._write(path, data, properties)

    def _write(self, path: str, data: bytes, properties: dict[str, str], *, favorite: bool = False) -> WebPath:
        user, *parts = path.split("/")
        where = WebPath(user, tuple(parts))
        archive = self.archive
        for depth in range(1, len(parts)):
            if not archive.lookup.exists(WebPath(user, tuple(parts[:depth]))):
                archive.folders.make(WebPath(user, tuple(parts[:depth])))
        with archive.tree.receive() as upload:
            upload.write(data)
            facts, taken = archive.desk.records.read(upload.fileno(), where.name, None)
            mtime_ns = int(taken.timestamp * 1e9)
            upload.seal(mtime_ns)
            content = Content(upload, upload.size, upload.sha256, mtime_ns, facts if data else None, taken)
            archive.receiving.store(where, content, favorite=favorite)
        if properties:
            archive.properties.change(
                where, PropertyChange(dead={f"{{urn:test}}{k}": v for k, v in properties.items()})
            )
        return where

    def at(self, path: str) -> Photo:
        photo = self.find(path)
        assert photo is not None, f"no record at {path}; there are {[(p.album, p.name) for p in self.records()]}"
        return photo

    def find(self, path: str) -> Photo | None:
        user, *album, name = path.split("/")
        return self.archive.catalog.at(user, "/".join(album), name)

    def loose(self, path: str) -> Photo:
        user, name = path.split("/")
        photo = self.archive.catalog.loose(user, name)
        assert photo is not None
        return photo

    def records(self) -> list[Photo]:
        return self.archive.catalog.all()

    def reconcile(self, user: str = "alice", *, now: float = 10.0, progress: Progress = nobody_looks) -> Outcome:
        """Look at everything; files are `now` seconds older than they are, so that nothing counts as being written."""
        return self._reconciler(now).users([user], progress)

    def look_at(self, *paths: str, now: float = 10.0) -> Outcome:
        return self._reconciler(now).paths({"alice": [tuple(path.split("/")) for path in paths]})

    def _reconciler(self, now: float) -> Reconciler:
        return Reconciler(self.archive.desk, clock=lambda: time.time() + now)

    def is_settled(self) -> None:
        """Nothing more is found: neither now nor by a start after it."""
        assert self.reconcile().changes == 0
        self.reopen()
        again = self.reconcile()
        assert (again.changes, again.failed, again.unsettled) == (0, 0, {})

    def aside(self) -> list[str]:
        return [f"{e.album}/{e.name}" for e in self.archive.trash.set_aside("alice")]

    def close(self) -> None:
        """End the archive."""
        self.archive.close()


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
