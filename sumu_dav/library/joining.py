"""Growing one file out of others, in place: how the chunks of an upload become a file without a second copy of it all.

Knows places and the disk; what is a chunk, in which order they come and what follows a crash is the caller's.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from sumu_dav.errors import Conflict, IsCollection
from sumu_dav.library import copying
from sumu_dav.library.disk import Disk, file_stat
from sumu_dav.library.faults import translated
from sumu_dav.library.places import FILE_MODE, Place, Side
from sumu_dav.model import FileStat

# O_NONBLOCK: opening a FIFO that someone put there must not wait for its reader
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def extend(disk: Disk, target: Place, at: int, sources: Iterable[Place]) -> FileStat:
    """See `Tree.extend`."""
    if target.side is not Side.CHUNKS:
        raise ValueError("only the chunks of an upload are joined in place")
    disk.durability.check()
    with disk.parent(target) as folder:
        try:
            descriptor = os.open(target.name, _FLAGS, FILE_MODE, dir_fd=folder)
        except OSError as error:
            raise translated(error, target) from error
        try:
            _cut(descriptor, target, at)
            size = at
            for source in sources:
                size += _append(disk, descriptor, size, source)
            disk.durability.sync_file(descriptor)
            status = os.fstat(descriptor)
        except OSError as error:
            raise translated(error, target) from error
        finally:
            os.close(descriptor)
        disk.sync_parent(target, folder)
    return file_stat(status)


def _cut(descriptor: int, target: Place, at: int) -> None:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise IsCollection(target.shown)
    if status.st_size < at:
        raise Conflict(target.shown, f"{at} bytes should be there, and {status.st_size} are")
    os.ftruncate(descriptor, at)


def _append(disk: Disk, descriptor: int, at: int, source: Place) -> int:
    origin = disk.open_file(source)
    try:
        size = os.fstat(origin).st_size
        if copying.append(origin, descriptor, at, size) != size:
            raise Conflict(source.shown, "it changed while it was copied")
    finally:
        os.close(origin)
    return size
