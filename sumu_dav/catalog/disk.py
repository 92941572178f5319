"""The system calls that the catalogue's files are written with, and what their failures mean.

The one seam between the record files and the operating system: a test puts a disk that records, tears or refuses in
its place.  Knows nothing of records, JSON or threads.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass

from sumu_dav.errors import NoSpace, SumuError, WritesSuspended

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells a file that nobody else has touched: inode, size in bytes, time of the last change in nanoseconds."""

    inode: int
    size: int
    mtime_ns: int


class SyncFailed(Exception):
    """The operating system could not say that the bytes are on the disk. Must never be tried again."""


class Disk:
    """Plain system calls. Every failure is an `OSError`, that of a sync a `SyncFailed`.

    `on_sync` is told the seconds that each sync of a file took.
    """

    on_sync: Callable[[float], None] | None = None

    def open(self, path: str, *, create: bool = False) -> int:
        """Open `path` for reading and writing; with `create`, a new empty file in place of whatever is there."""
        flags = os.O_RDWR | os.O_CLOEXEC
        if create:
            flags |= os.O_CREAT | os.O_TRUNC
        return os.open(path, flags, 0o600)

    def close(self, fd: int) -> None:
        """Give the descriptor back."""
        os.close(fd)

    def read(self, fd: int, size: int, offset: int) -> bytes:
        """`size` bytes from `offset`, fewer only at the end of the file."""
        pieces = []
        while size > 0 and (piece := os.pread(fd, size, offset)):
            pieces.append(piece)
            size -= len(piece)
            offset += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def write(self, fd: int, data: bytes, offset: int) -> None:
        """All of `data` at `offset`, in one call wherever the system takes it in one."""
        written = os.pwrite(fd, data, offset)
        while written < len(data):
            written += os.pwrite(fd, memoryview(data)[written:], offset + written)

    def truncate(self, fd: int, size: int) -> None:
        """Make the file `size` bytes long."""
        os.ftruncate(fd, size)

    def sync(self, fd: int) -> None:
        """Wait until the file's bytes and length are on the disk."""
        begun = time.perf_counter()
        try:
            os.fdatasync(fd)
        except OSError as error:
            raise SyncFailed(str(error)) from error
        if self.on_sync is not None:
            self.on_sync(time.perf_counter() - begun)

    def sync_folder(self, path: str) -> None:
        """Wait until the names in the folder that holds `path` are on the disk."""
        fd = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        except OSError as error:
            raise SyncFailed(str(error)) from error
        finally:
            os.close(fd)

    def replace(self, source: str, target: str) -> None:
        """Let `target` name the file that `source` names, in one step."""
        os.replace(source, target)

    def link(self, source: str, target: str) -> None:
        """A second name for the file. `FileExistsError` where the name is taken."""
        os.link(source, target)

    def remove(self, path: str) -> None:
        """Take the name away."""
        os.unlink(path)

    def identity(self, target: str | int) -> Identity | None:
        """Of a path or a descriptor; None where nothing, or no regular file, is there."""
        try:
            found = os.stat(target)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(found.st_mode):
            return None
        return Identity(found.st_ino, found.st_size, found.st_mtime_ns)


def domain_error(error: OSError | SyncFailed) -> SumuError:
    """What a failed write means to whoever asked for it: a full disk passes, anything else stops all writing."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return NoSpace("state")
    return WritesSuspended(str(error))
