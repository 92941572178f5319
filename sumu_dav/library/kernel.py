"""The Linux calls that Python 3.11 does not wrap: openat2, renameat2, FICLONE, fallocate, sync_file_range, linkat of an
open file, inode flags.

Speaks file descriptors, bytes and OSError only: knows no place, no tree and no error of this package. Each call has its
way for kernels and file systems that lack it.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import functools
import os
import stat
import struct
from collections.abc import Callable
from contextlib import suppress

Resolver = Callable[[int, bytes, int], int]
"""(folder fd, relative path, open flags) -> fd; follows no symbolic link and never leaves the folder."""

_libc = ctypes.CDLL(None, use_errno=True)


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


_HOW_SIZE = ctypes.sizeof(_OpenHow)
_SYS_OPENAT2 = 437  # one number on every architecture that Python runs on, openat2(2)
_RESOLVE_NO_MAGICLINKS, _RESOLVE_NO_SYMLINKS, _RESOLVE_BENEATH = 0x02, 0x04, 0x08
_RESOLVE = _RESOLVE_NO_MAGICLINKS | _RESOLVE_NO_SYMLINKS | _RESOLVE_BENEATH
_FICLONE = 0x40049409
_GETFLAGS, _SETFLAGS, _TOPDIR = 0x80086601, 0x40086602, 0x00020000
_FALLOC_FL_KEEP_SIZE = 0x01
_RENAME_NOREPLACE = 1
_SYNC_FILE_RANGE_WRITE = 2

UNSUPPORTED = frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EXDEV, errno.ENOTTY, errno.EPERM})
"""What kernels and file systems say of an optional call that they do not offer."""


@functools.cache
def _how(flags: int) -> ctypes.Array[ctypes.c_char]:
    """The call's argument, which the kernel only reads: one for all threads."""
    return ctypes.create_string_buffer(bytes(_OpenHow(flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0, _RESOLVE)), _HOW_SIZE)


def open_beneath(folder: int, path: bytes, flags: int) -> int:
    """Open `path` below `folder` in one call, openat2(2) (Linux 5.6 and newer). Raises OSError."""
    how = _how(flags)
    while True:
        descriptor: int = _libc.syscall(_SYS_OPENAT2, folder, path, how, _HOW_SIZE)
        if descriptor >= 0:
            return descriptor
        code = ctypes.get_errno()
        # EAGAIN: a rename elsewhere kept the kernel from vouching for the walk, which is worth another one
        if code not in (errno.EINTR, errno.EAGAIN):
            raise OSError(code, os.strerror(code))


def walk_beneath(folder: int, path: bytes, flags: int) -> int:
    """The same as `open_beneath`, a step a folder, for kernels and sandboxes without openat2. Raises OSError."""
    *folders, last = path.split(b"/")
    here = folder
    try:
        for name in folders:
            below = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
            if here != folder:
                os.close(here)
            here = below
        return os.open(last, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
    finally:
        if here != folder:
            os.close(here)


def best_resolver(folder: int) -> Resolver:
    """`open_beneath` where this kernel (and its sandbox) has it, else `walk_beneath`."""
    try:
        os.close(open_beneath(folder, b".", os.O_PATH | os.O_DIRECTORY))
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EPERM, errno.EINVAL):
            return walk_beneath
        raise
    return open_beneath


def rename_new(source: int, old: str, target: int, new: str) -> None:
    """Rename a file or folder to a name that must be free, in one step, renameat2(2). Raises OSError (EEXIST)."""
    call = getattr(_libc, "renameat2", None)
    if call is not None:
        if call(source, os.fsencode(old), target, os.fsencode(new), _RENAME_NOREPLACE) == 0:
            return
        code = ctypes.get_errno()
        if code not in (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP):
            raise OSError(code, os.strerror(code))
    _claim_and_rename(source, old, target, new)


def _claim_and_rename(source: int, old: str, target: int, new: str) -> None:
    """The same in two steps whose first one claims the name, for NFS and others without RENAME_NOREPLACE."""
    if not stat.S_ISDIR(os.lstat(old, dir_fd=source).st_mode):
        os.link(old, new, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
        os.unlink(old, dir_fd=source)
        return
    os.mkdir(new, dir_fd=target)
    try:
        os.rename(old, new, src_dir_fd=source, dst_dir_fd=target)  # rename(2) replaces an empty folder atomically
    except OSError:
        os.rmdir(new, dir_fd=target)
        raise


def link_open_file(descriptor: int, folder: int, name: str) -> None:
    """Give an open file a (first) name, which must be free. Raises OSError (EEXIST).

    AT_EMPTY_PATH would need a capability, so the way is the one that open(2) documents for O_TMPFILE. `src_dir_fd`
    makes Python take linkat(2) and follow the link in /proc, for which link(2) answers EXDEV.
    """
    os.link(f"/proc/self/fd/{descriptor}", name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=True)


def reflink(source: int, target: int) -> bool:
    """Make `target` share all of `source`'s blocks, copy on write (btrfs, XFS, …). False where that can't be."""
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno in UNSUPPORTED:
            return False
        raise
    return True


def reserve(descriptor: int, size: int) -> None:
    """Reserve `size` bytes without changing the file's length, fallocate(2). Raises OSError (ENOSPC).

    Not posix_fallocate: where the file system offers nothing, the C library would write every block instead.
    """
    if _libc.fallocate(descriptor, _FALLOC_FL_KEEP_SIZE, ctypes.c_int64(0), ctypes.c_int64(size)) == 0:
        return
    code = ctypes.get_errno()
    if code not in UNSUPPORTED | {errno.EINTR}:
        raise OSError(code, os.strerror(code))


def begin_writing(descriptor: int, offset: int, size: int) -> None:
    """Let the kernel begin to write a part of a file to the disk, sync_file_range(2), and wait for nothing.

    Promises nothing, so no failure is told: the sync that follows says what became of the bytes.
    """
    _libc.sync_file_range(
        descriptor, ctypes.c_int64(offset), ctypes.c_int64(size), ctypes.c_uint(_SYNC_FILE_RANGE_WRITE)
    )


def spread_below(folder: int) -> None:
    """Have ext4 lay each folder that is made in this one into a part of the disk of its own, as it does at the top of a
    tree (chattr +T, ioctl_iflags(2)). Other file systems have no such thing, and nothing changes.
    """
    with suppress(OSError):
        [flags] = struct.unpack("i", fcntl.ioctl(folder, _GETFLAGS, bytes(4)))
        fcntl.ioctl(folder, _SETFLAGS, struct.pack("i", flags | _TOPDIR))
