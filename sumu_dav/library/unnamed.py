"""Files that have no name yet (O_TMPFILE, open(2)): where nobody gives them one they are gone, also after a crash.

Knows where they begin; what is written into them, and the name that they get, are the upload's.
"""

from __future__ import annotations

import errno
import os
import secrets
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from sumu_dav.errors import SumuError
from sumu_dav.library.faults import translated
from sumu_dav.library.places import FILE_MODE, FOLDER_MODE, Place, Side

if TYPE_CHECKING:
    from sumu_dav.library.disk import Disk

FILES_A_FOLDER = 512
"""Files that begin in one folder. Each is an inode near it, and an ext4 without a journal looks past every inode there
that was deleted in the last minutes: after two thousand deletions that took longer than all the rest of a small upload.
"""

_NOT_SUPPORTED = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL, errno.ENOSYS})
"""What file systems and kernels without O_TMPFILE answer."""

_UPLOADS = Place(Side.PARKED, "")
_BEGUN = Place(Side.BEGUN, "")


class Unnamed:
    """Begins them, in folders that are there for nothing else, one after the other. Thread-safe."""

    def __init__(self, disk: Disk) -> None:
        # linking an unnamed file goes through /proc, which a bare chroot may not have
        self.supported = os.path.isdir("/proc/self/fd")
        self._disk = disk
        self._lock = threading.Lock()
        self._folder: Place | None = None
        self._left = 0

    def create(self) -> int | None:
        """A descriptor to read and write; None where the file system has no such files. Raises NoSpace, Forbidden,
        DiskFailure."""
        if not self.supported:
            return None
        # A folder that another thread has just moved on from, or a person removed, is no reason to fail.
        with suppress(SumuError, OSError):
            return self._create_in(self._next_folder())
        try:
            return self._create_in(_UPLOADS)
        except OSError as error:
            if error.errno not in _NOT_SUPPORTED:
                raise translated(error, _UPLOADS) from error
        self.supported = False
        return None

    def clear(self) -> None:
        """At a start or an end, when no upload is under way: remove the folders."""
        self._folder, self._left = None, 0
        with suppress(SumuError, OSError), self._disk.folder(_BEGUN) as begun:
            for name in os.listdir(begun):
                with suppress(OSError):  # what a person put there is theirs
                    os.rmdir(name, dir_fd=begun)

    def _create_in(self, place: Place) -> int:
        with self._disk.folder(place) as folder:
            return os.open(".", os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, FILE_MODE, dir_fd=folder)

    def _next_folder(self) -> Place:
        with self._lock:
            if not self._left:
                self._folder = self._moved_on(self._folder)
                self._left = FILES_A_FOLDER
            self._left -= 1
            return self._folder or _UPLOADS

    def _moved_on(self, old: Place | None) -> Place | None:
        """A new folder in place of the old one. Neither is synced: nothing ever has a name in them."""
        new = _BEGUN.child(secrets.token_hex(16))
        try:
            with self._disk.folder(_BEGUN) as begun:
                os.mkdir(new.name, FOLDER_MODE, dir_fd=begun)
                if old is not None:
                    with suppress(OSError):  # swept at the next start, then
                        os.rmdir(old.name, dir_fd=begun)
        except (SumuError, OSError):
            return None
        return new
