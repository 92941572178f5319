"""Changing names that are there: rename, keep a second name, withdraw, remove. Each is on the disk when it returns, but
for names of what is parked: after a crash the next start removes those in any case.

Knows places and the disk; decides nothing about what may be moved or removed.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable

from sumu_dav.errors import AlreadyExists, Conflict, IsCollection, NotFound, ParentMissing
from sumu_dav.library import kernel
from sumu_dav.library.disk import Disk, counts, file_stat
from sumu_dav.library.faults import ABSENT, translated
from sumu_dav.library.places import Place, Side
from sumu_dav.library.uploads import Upload
from sumu_dav.model import FileStat

_NO_HARD_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
"""What file systems without hard links (exFAT, some of FUSE and SMB) answer, and a file that has too many."""


def rename(disk: Disk, source: Place, target: Place, *, replace: bool) -> FileStat | None:
    """See `Tree.rename`."""
    disk.durability.check()
    with disk.source(source) as old_folder, disk.parent(target) as new_folder:
        status = _required(source, old_folder)
        if stat.S_ISREG(status.st_mode):
            disk.announce(target, status)
        try:
            if not replace:
                kernel.rename_new(old_folder, source.name, new_folder, target.name)
            else:
                _rename_over(source, old_folder, target, new_folder, status)
            status = os.stat(target.name, dir_fd=new_folder, follow_symlinks=False)
        except OSError as error:
            raise _rename_refused(error, source, target) from error
        # the new name first: a crash between may leave two names, but not none
        disk.sync_parent(target, new_folder)
        if source.parent != target.parent:
            disk.sync_parent(source, old_folder)
    return file_stat(status) if stat.S_ISREG(status.st_mode) else None


def _rename_over(source: Place, old_folder: int, target: Place, new_folder: int, status: os.stat_result) -> None:
    there = _status(target, new_folder)
    os.rename(source.name, target.name, src_dir_fd=old_folder, dst_dir_fd=new_folder)
    # rename(2) does nothing, and says that all is well, where both are names of one file
    if source != target and there is not None and os.path.samestat(there, status) and stat.S_ISREG(status.st_mode):
        os.unlink(source.name, dir_fd=old_folder)


def _rename_refused(error: OSError, source: Place, target: Place) -> Exception:
    if error.errno == errno.EINVAL:
        return Conflict(source.shown, "a folder can't be moved into itself")
    if error.errno == errno.ENOTDIR:
        return AlreadyExists(target.shown)
    if error.errno == errno.ENOENT:
        return NotFound(source.shown)
    # where it comes to lie out of everyone's sight is no name that a person knows
    return translated(error, target if target.side in (Side.VISIBLE, Side.HIDDEN) else source)


def keep(disk: Disk, source: Place, target: Place) -> FileStat:
    """See `Tree.keep`."""
    disk.durability.check()
    with disk.source(source) as old_folder, disk.parent(target) as new_folder:
        _require_file(source, _required(source, old_folder))
        try:
            os.link(source.name, target.name, src_dir_fd=old_folder, dst_dir_fd=new_folder, follow_symlinks=False)
            status = os.stat(source.name, dir_fd=old_folder, follow_symlinks=False)
        except OSError as error:
            if error.errno in _NO_HARD_LINKS:
                return _keep_copy(disk, source, target)
            raise translated(error, source if error.errno in ABSENT else target) from error
        disk.sync_parent(target, new_folder)
    return file_stat(status)


def _keep_copy(disk: Disk, source: Place, target: Place) -> FileStat:
    with Upload(disk) as copy:
        copy.copy(source)
        copy.seal()
        copy.publish(target)
    status = disk.status(source)
    if status is None:
        raise NotFound(source.shown)
    return file_stat(status)


def withdraw(disk: Disk, place: Place, to: Place) -> bool:
    """See `Tree.withdraw`."""

    def move(status: os.stat_result, parent: int) -> None:
        _require_file(place, status)
        with disk.parent(to) as parked:
            kernel.rename_new(parent, place.name, parked, to.name)

    return _remove(disk, place, move)


def remove_file(disk: Disk, place: Place) -> bool:
    """See `Tree.remove`."""

    def unlink(status: os.stat_result, parent: int) -> None:
        _require_file(place, status)
        os.unlink(place.name, dir_fd=parent)

    return _remove(disk, place, unlink)


def remove_folder(disk: Disk, place: Place) -> bool:
    """See `Tree.remove_folder`."""

    def rmdir(status: os.stat_result, parent: int) -> None:
        if not stat.S_ISDIR(status.st_mode):
            raise Conflict(place.shown, "it is a file")
        try:
            os.rmdir(place.name, dir_fd=parent)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                raise Conflict(place.shown, "the folder is not empty") from error
            raise

    return _remove(disk, place, rmdir)


def remove_all(disk: Disk, place: Place) -> bool:
    """See `Tree.remove_tree`."""

    def remove(status: os.stat_result, parent: int) -> None:
        if stat.S_ISDIR(status.st_mode):
            shutil.rmtree(place.name, dir_fd=parent)  # by descriptor: links are removed, never followed
        else:
            os.unlink(place.name, dir_fd=parent)

    return _remove(disk, place, remove)


def _remove(disk: Disk, place: Place, how: Callable[[os.stat_result, int], None]) -> bool:
    disk.durability.check()
    try:
        with disk.parent(place) as parent:
            while True:
                status = _status(place, parent)
                if status is None:
                    return False
                try:
                    how(status, parent)
                except FileNotFoundError:
                    continue  # another thread removes it, or something below it, at the same time
                except OSError as error:
                    raise translated(error, place) from error
                break
            if place.side is not Side.PARKED:
                disk.sync_parent(place, parent)
    except ParentMissing:
        return False
    return True


def _status(place: Place, parent: int) -> os.stat_result | None:
    try:
        status = os.stat(place.name, dir_fd=parent, follow_symlinks=False)
    except OSError as error:
        if error.errno in ABSENT:
            return None
        raise translated(error, place) from error
    return status if counts(status) else None


def _require_file(place: Place, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise IsCollection(place.shown)


def _required(place: Place, parent: int) -> os.stat_result:
    status = _status(place, parent)
    if status is None:
        raise NotFound(place.shown)
    return status
