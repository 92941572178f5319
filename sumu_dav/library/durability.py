"""When something is on the disk for good: file and folder syncs, shared where threads wait for the same folder.

Knows descriptors, not places. After a sync that failed nothing may be promised any more: the kernel has dropped the
pages that it could not write, and the next sync would answer that all is well.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable

from sumu_dav.commit import GroupCommit
from sumu_dav.errors import NoSpace, WritesSuspended
from sumu_dav.floor import given_up
from sumu_dav.library.faults import FULL

_NO_FOLDER_SYNC = frozenset({errno.EINVAL, errno.EOPNOTSUPP})
"""What file systems answer (SMB, some of FUSE) that write folders through and have nothing to sync."""


class Durability:
    """Syncs, and the memory of one that failed. `on_sync` is told the seconds that each took."""

    def __init__(self) -> None:
        self.suspended: str | None = None
        self.on_sync: Callable[[float], None] | None = None
        self._lock = threading.Lock()
        self._commits: dict[tuple[int, int], tuple[GroupCommit, int]] = {}
        """By device and inode of a folder, while threads wait for it: with how many they are."""

    def check(self) -> None:
        """Raise WritesSuspended if a sync has failed since the start."""
        if self.suspended is not None:
            raise WritesSuspended(self.suspended)

    def sync_file(self, descriptor: int) -> None:
        """Return when the file's bytes and times are on the disk. Raises NoSpace, WritesSuspended.

        A disk that turns out to be full at the sync (delayed allocation, network file systems) costs this file alone,
        and the caller throws it away.
        """
        self.check()
        try:
            with given_up():
                self._sync(descriptor)
        except OSError as error:
            if error.errno in FULL:
                raise NoSpace("tree") from error
            raise self._suspend(error) from error

    def sync_folder(self, descriptor: int) -> None:
        """Return when the names in the folder are on the disk, by a sync that began after this call.

        Threads that wait for one folder at a time share a sync. Raises WritesSuspended.
        """
        status = os.fstat(descriptor)
        folder = status.st_dev, status.st_ino
        with self._lock:
            commit, waiting = self._commits.get(folder) or (GroupCommit(), 0)
            self._commits[folder] = commit, waiting + 1
        try:
            commit.wait(lambda: self._sync_names(descriptor))
        finally:
            with self._lock:
                commit, waiting = self._commits.pop(folder)
                if waiting > 1:
                    self._commits[folder] = commit, waiting - 1

    def _sync_names(self, descriptor: int) -> None:
        self.check()
        try:
            self._sync(descriptor)
        except OSError as error:
            if error.errno not in _NO_FOLDER_SYNC:
                raise self._suspend(error) from error

    def _sync(self, descriptor: int) -> None:
        begun = time.perf_counter()
        os.fsync(descriptor)
        if self.on_sync is not None:
            self.on_sync(time.perf_counter() - begun)

    def _suspend(self, error: OSError) -> WritesSuspended:
        self.suspended = f"a sync to disk failed ({error.strerror})"
        return WritesSuspended(self.suspended)
