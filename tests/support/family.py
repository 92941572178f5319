"""An archive opened in this process, without a server, and the few things a test does to it by path."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path as DiskPath

from sumu_dav.archive.archive import Archive
from sumu_dav.archive.changes.properties import PropertyChange
from sumu_dav.archive.changes.storing import Receipt
from sumu_dav.archive.content import Content
from sumu_dav.archive.nodes import FileNode, Path
from sumu_dav.archive.opening import Options, open_archive
from sumu_dav.model import Photo

OPTIONS = Options(zone=UTC)


class Clock:
    """A clock that a test may set forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def path(text: str) -> Path:
    """`/alice/trip/a.jpg`, or `/-/inbox/alice/a.jpg`, as the archive wants it."""
    parts = text.strip("/").split("/")
    if parts[:2] == ["-", "inbox"]:
        return Path(parts[2], tuple(parts[3:]), inbox=True)
    return Path(parts[0], tuple(parts[1:]))


class Family:
    """The archive of alice and bob. Paths are texts, as a client would name them."""

    def __init__(self, folder: DiskPath, quotas: dict[str, int] | None = None, **options: object) -> None:
        self.clock = Clock()
        self.plex = folder / "plex"
        self.state = folder / "state"
        self.quotas = quotas if quotas is not None else {}
        self._options = replace(OPTIONS, **options)  # type: ignore[arg-type]
        self.archive = self._open()

    def _open(self) -> Archive:
        return open_archive(
            str(self.plex),
            str(self.state),
            self._options,
            users=lambda: ["alice", "bob"],
            quota_of=self.quotas.get,
            clock=self.clock,
        )

    def reopen(self) -> None:
        """Stop, and start again."""
        self.archive.close()
        self.archive = self._open()

    def close(self) -> None:
        """Stop."""
        self.archive.close()

    def mkcol(self, where: str) -> None:
        """MKCOL."""
        self.archive.folders.make(path(where))

    def put(
        self, where: str, data: bytes, *, announced: bool = True, favorite: bool = False, mtime: float | None = None
    ) -> Receipt:
        """PUT, in blocks of 64 KiB as a socket might give them."""
        archive, target = self.archive, path(where)
        archive.receiving.check_target(target)
        length = len(data) if announced else None
        with (
            archive.usage.receiving(target.user, length) as meter,
            archive.tree.receive(expected=length) as upload,
        ):
            for start in range(0, len(data), 65536):
                block = data[start : start + 65536]
                upload.write(block)
                meter(len(block))
            facts, taken = None, None
            if data and archive.lookup.is_media(target.name) and not archive.lookup.hides(target):
                facts, taken = archive.desk.records.read(upload.fileno(), target.name, None)
            stat = upload.seal(int(mtime * 1e9) if mtime is not None else None)
            content = Content(upload, upload.size, upload.sha256, stat.mtime_ns, facts, taken)
            return archive.receiving.store(target, content, favorite=favorite)

    def delete(self, where: str) -> None:
        """DELETE."""
        self.archive.folders.delete(path(where))

    def move(self, source: str, target: str) -> None:
        """MOVE, over what is there."""
        self.archive.move(path(source), path(target), overwrite=True)

    def copy(self, source: str, target: str) -> None:
        """COPY, over what is there."""
        self.archive.copy(path(source), path(target), overwrite=True)

    def favor(self, where: str, flag: bool = True) -> None:
        """PROPPATCH of the favourite's flag."""
        self.archive.properties.change(path(where), PropertyChange(favorite=flag))

    def set_property(self, where: str, name: str, value: str) -> None:
        """PROPPATCH of a dead property."""
        self.archive.properties.change(path(where), PropertyChange(dead={name: value}))

    def properties(self, where: str) -> dict[str, str]:
        """The dead properties."""
        node = self.archive.lookup.find(path(where))
        assert node is not None, where
        return dict(self.archive.properties.dead(node))

    def photo(self, where: str) -> Photo:
        """The record of what lies at a path."""
        node = self.archive.lookup.find(path(where))
        assert isinstance(node, FileNode), where
        assert node.photo is not None, where
        return node.photo

    def has(self, where: str) -> bool:
        """Whether anything lies at a path."""
        return self.archive.lookup.exists(path(where))

    def read(self, where: str) -> bytes:
        """GET."""
        node = self.archive.lookup.find(path(where))
        assert isinstance(node, FileNode), where
        with open(self.archive.tree.open_file(self.archive.lookup.place_of(node)), "rb") as file:
            return file.read()

    def names(self, where: str) -> set[str]:
        """The members of a collection."""
        return {node.path.name for node in self.archive.lookup.children(path(where))}

    def restore(self, **chosen: object) -> dict[str, str]:
        """Restore entries of the trash: old path to new path, or to what kept it there."""
        entries = self.archive.trashing.pick(chosen.get("ids", ()), chosen.get("user"), chosen.get("since"))  # type: ignore[arg-type]
        found = self.archive.restoring.restore(entries)
        return {
            "/" + "/".join(filter(None, (each.entry.user, each.entry.album, each.entry.name))): each.problem
            or str(each.path)
            for each in found
        }
