"""Where a replayed client puts its photos: an album, or straight into the user's own folder (a loose upload)."""

from __future__ import annotations

import itertools
from pathlib import Path

from support.dav import Dav
from support.samples import jpeg
from support.server import Server

TAKEN = "2024:05:17 10:11:12"
FILED = "24-05"
"""The album that a loose photo taken then is filed into."""

_numbers = itertools.count(1)


class Shelf:
    """A collection of alice's, `path` with a slash at its end, and what Plex sees of the photos put into it."""

    def __init__(self, server: Server, path: str) -> None:
        self.server = server
        self.path = path
        self.is_loose = path == "/alice/"
        self._folder = server.plex / "alice" / (FILED if self.is_loose else path.split("/")[2])

    def new_name(self, extension: str = "jpg") -> str:
        """A name that no other test uses."""
        return f"IMG_{next(_numbers):04}.{extension}"

    def photo(self, taken: str = TAKEN) -> bytes:
        """A photo unlike any other."""
        return jpeg(taken=taken)

    def on_disk(self, name: str) -> Path:
        """Where Plex finds the photo of that name."""
        return self._folder / name

    def seen(self, name: str) -> bytes | None:
        """What Plex sees of that name: its bytes, None where there is no such file."""
        path = self.on_disk(name)
        return path.read_bytes() if path.exists() else None

    def names(self) -> set[str]:
        """What Plex sees in the folder."""
        return {path.name for path in self._folder.iterdir()} if self._folder.exists() else set()

    def under(self, prefix: str) -> str:
        """The same collection under the URL of ownCloud's and Nextcloud's apps (`/remote.php/dav/files`)."""
        return prefix + self.path

    def session(self) -> Dav:
        """A client of alice's."""
        return self.server.session()
