"""The Plex folder, opened once, and every way down from it: by descriptor, through real folders only.

A symbolic link on the way or at its end, at whatever moment it is put there, counts as nothing at all. Knows places
and syncs; knows no file's contents, and none of the operations that are built on it.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable

from sumu_dav.errors import DiskFailure, NotFound, ParentMissing
from sumu_dav.library import kernel
from sumu_dav.library.durability import Durability
from sumu_dav.library.faults import ABSENT, translated
from sumu_dav.library.places import FOLDER_MODE, Place
from sumu_dav.library.unnamed import Unnamed
from sumu_dav.model import FileStat

OnPublish = Callable[[Place, FileStat], None]
"""Told of a file before its name appears (size, mtime and inode hold; ctime changes as the name appears)."""


class Opened:
    """A descriptor, closed when the block ends."""

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> int:
        return self._descriptor

    def __exit__(self, *_error: object) -> None:
        os.close(self._descriptor)


class Disk:
    """Ways from the Plex folder to places. Thread-safe."""

    def __init__(self, root: int, resolve: kernel.Resolver | None = None) -> None:
        """Take over the descriptor of the Plex folder."""
        self.root = root
        self.durability = Durability()
        self.on_publish: OnPublish | None = None
        self.unnamed = Unnamed(self)
        self._resolve = resolve or kernel.best_resolver(root)
        self._lock = threading.Lock()
        self._owed: dict[Place, object] = {}  # new folders whose names are not on the disk yet

    def close(self) -> None:
        """Close the Plex folder. Nothing may be in use any more."""
        os.close(self.root)

    def open(self, place: Place, flags: int) -> int:
        """A descriptor of whatever is there. Raises NotFound, Forbidden, DiskFailure."""
        try:
            return self._resolve(self.root, place.path, flags)
        except OSError as error:
            raise translated(error, place) from error

    def status(self, place: Place) -> os.stat_result | None:
        """The stat of a regular file or folder; None where there is none."""
        try:
            descriptor = self._resolve(self.root, place.path, os.O_PATH)
        except OSError as error:
            if error.errno in ABSENT:
                return None
            raise translated(error, place) from error
        try:
            status = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        return status if counts(status) else None

    def open_file(self, place: Place) -> int:
        """A descriptor of a regular file for reading. Raises NotFound for all else that may be there."""
        return self.open_with_status(place)[0]

    def open_with_status(self, place: Place) -> tuple[int, os.stat_result]:
        """The same, and the stat of what was opened."""
        # O_NONBLOCK: opening a FIFO that someone put there must not wait for its writer
        descriptor = self.open(place, os.O_RDONLY | os.O_NONBLOCK)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise NotFound(place.shown)
        return descriptor, status

    def folder(self, place: Place) -> Opened:
        """The descriptor of a folder while the block runs. Raises NotFound."""
        return Opened(self.open(place, os.O_RDONLY | os.O_DIRECTORY))

    def parent(self, place: Place) -> Opened:
        """The descriptor of the folder that should hold `place`. Raises ParentMissing."""
        if place.is_root:
            raise ParentMissing(place.shown)
        try:
            return self.folder(place.parent)
        except NotFound as error:
            raise ParentMissing(place.shown) from error

    def source(self, place: Place) -> Opened:
        """The descriptor of the folder that holds `place`, from where it is to be taken. Raises NotFound."""
        if place.is_root:
            raise NotFound(place.shown)
        return self.folder(place.parent)

    def make_folder(self, place: Place) -> None:
        """Make one folder, durably. Raises ParentMissing, AlreadyExists."""
        self.durability.check()
        with self.parent(place) as parent:
            # under the lock, so that whoever meets the new folder also finds that its name is not on the disk yet
            with self._lock:
                try:
                    os.mkdir(place.name, FOLDER_MODE, dir_fd=parent)
                except OSError as error:
                    raise translated(error, place) from error
                owed = self._owed[place] = object()
            self._settle(place, parent, owed)

    def sync_folder(self, place: Place, descriptor: int) -> None:
        """Put the names in a folder on the disk, and its own name where another thread has only just made it."""
        with self._lock:
            owed = self._owed.get(place)
        if owed is not None:
            with self.parent(place) as parent:
                self._settle(place, parent, owed)
        self.durability.sync_folder(descriptor)

    def sync_parent(self, place: Place, descriptor: int) -> None:
        """The same for the folder that holds `place`."""
        with self._lock:
            owes_any = bool(self._owed)
        if owes_any:
            self.sync_folder(place.parent, descriptor)
        else:
            self.durability.sync_folder(descriptor)

    def _settle(self, place: Place, parent: int, owed: object) -> None:
        self.sync_folder(place.parent, parent)
        with self._lock:
            if self._owed.get(place) is owed:
                del self._owed[place]

    def announce(self, place: Place, status: os.stat_result) -> None:
        """Tell the watcher of a file that is about to appear."""
        if self.on_publish is not None:
            self.on_publish(place, file_stat(status))

    def free(self) -> int:
        """Bytes that a process without privileges may still write."""
        try:
            status = os.fstatvfs(self.root)
        except OSError as error:
            raise DiskFailure("/", error.strerror or str(error)) from error
        return status.f_bavail * status.f_frsize


def counts(status: os.stat_result) -> bool:
    """Whether this is a regular file or a folder: links, sockets, devices and pipes count as not there."""
    return stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)


def file_stat(status: os.stat_result) -> FileStat:
    """The four values that tell an unchanged file."""
    return FileStat(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
