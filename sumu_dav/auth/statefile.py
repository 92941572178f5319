"""A small private file of the state: read whole, replaced whole, by one writer at a time.

Knows nothing of what stands in it.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sumu_dav.errors import NoSpace

Signature = tuple[int, int, int, int]
"""Inode, size in bytes, mtime and ctime in nanoseconds: equal while nobody replaced or edited the file."""

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def signature(path: str) -> Signature | None:
    """What tells that the file is the one read before; None where there is none."""
    try:
        return _signature(os.stat(path))
    except FileNotFoundError:
        return None


def read(path: Path) -> tuple[bytes, Signature] | None:
    """The whole file and the signature of just these bytes; None where there is none."""
    try:
        with open(path, "rb") as file:
            return file.read(), _signature(os.fstat(file.fileno()))
    except FileNotFoundError:
        return None


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold off every other writer of `path`, threads and processes alike, by an flock beside it.

    The lock is a file of its own since `path` itself is replaced.
    """
    path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    with _no_space_as_fact():
        descriptor = _open_private(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def replace(path: Path, content: bytes, *, durable: bool) -> Signature:
    """Put `content` in the file's place atomically, mode 0600; `durable`: it is on disk when this returns.

    The caller holds `exclusive(path)`, which is why one fixed temporary name is enough, and none is left to collect.
    Raises NoSpace on a full disk; the old content is then untouched.
    """
    temporary = path.with_name(path.name + ".new")
    with _no_space_as_fact():
        try:
            written = _written_and_renamed(temporary, path, content, durable)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        if durable:
            _sync_folder(path.parent)
    return written


def _written_and_renamed(temporary: Path, path: Path, content: bytes, durable: bool) -> Signature:
    with open(_open_private(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
        file.write(content)
        file.flush()
        if durable:
            os.fsync(file.fileno())
        os.replace(temporary, path)
        return _signature(os.fstat(file.fileno()))  # after the rename, which changes the ctime


def _signature(stat: os.stat_result) -> Signature:
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _open_private(path: Path, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE_FILE)
    if os.geteuid() == 0:
        # `sudo … user add` must not leave a file that the server's own user can't read any more.
        folder = os.stat(path.parent)
        os.fchown(descriptor, folder.st_uid, folder.st_gid)
    return descriptor


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _no_space_as_fact() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpace("state") from error
        raise
