"""One file on its way in: received out of sight, sealed, then given a name all at once or never.

Knows no client and no length that was announced: whoever receives compares sizes and checksums before publishing.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Collection
from enum import Enum
from functools import cached_property
from types import TracebackType

from sumu_dav.errors import Conflict, DiskFailure, SumuError
from sumu_dav.floor import given_up
from sumu_dav.library import copying, kernel
from sumu_dav.library.digests import Digests
from sumu_dav.library.disk import Disk, file_stat
from sumu_dav.library.faults import translated
from sumu_dav.library.places import FILE_MODE, Place, Side
from sumu_dav.model import FileStat

_RESERVE_FROM = 1 << 20
"""Bytes from which space is reserved before the body comes: below, the disk is found full as early without."""

_AHEAD = 1 << 19
"""Bytes after which the kernel is told to begin with writing: while the client still sends, the disk already works, and
the sync at the end finds little left."""

_RELEASED_FROM = 1 << 20
"""Bytes from which a stored file leaves memory: smaller ones, as people edit them, may be read at once."""

_BLOCK = 1 << 20
"""Bytes a read when hashing what the kernel copied."""

_FARTHEST_NS = 2**62 * 10**9
"""Nanoseconds from 1970 that a 64-bit time_t can still hold; file systems cut to what they can by themselves."""

_UPLOADS = Place(Side.PARKED, "")


class State(Enum):
    """The life of an upload."""

    RECEIVING = "receiving"
    SEALED = "sealed"
    PARKED = "parked"
    PUBLISHED = "published"
    DISCARDED = "discarded"

    __hash__ = object.__hash__  # Enum's own is written in Python, and an upload asks a dozen times


_NEXT = {
    State.RECEIVING: {State.RECEIVING, State.SEALED, State.DISCARDED},
    State.SEALED: {State.PARKED, State.PUBLISHED, State.DISCARDED},
    State.PARKED: {State.PUBLISHED, State.DISCARDED},
    State.PUBLISHED: {State.DISCARDED},
    State.DISCARDED: {State.DISCARDED},
}
"""What may follow on what. A published upload that is discarded lets go of its descriptor and keeps its name."""


class Upload:
    """A file without a name that anyone sees; as a context manager it is discarded unless published or parked.

    For one thread. Out of order calls raise RuntimeError. After `park` the name belongs to the caller, who may rename
    it by the tree: leaving the block does not remove it, `discard` does.
    """

    def __init__(self, disk: Disk, *, also: Collection[str] = (), expected: int | None = None) -> None:
        """`expected` bytes are reserved at once where they are many. Raises NoSpace, WritesSuspended, ValueError."""
        disk.durability.check()
        self.state = State.RECEIVING
        self._disk = disk
        self._digests = Digests(also)
        self._size = 0
        self._hashed = 0
        self._begun = 0
        self._named = False
        self._descriptor: int | None = self._create()
        if expected is not None and expected >= _RESERVE_FROM:
            try:
                kernel.reserve(self._descriptor, expected)
            except OSError as error:
                self.discard()
                raise translated(error, self._parked) from error

    def __enter__(self) -> Upload:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.state is State.PARKED:
            self._close()
        else:
            self.discard()

    @cached_property
    def _parked(self) -> Place:
        """The hidden name that it may get; most uploads need none."""
        return _UPLOADS.child(secrets.token_hex(16))

    @property
    def size(self) -> int:
        """Bytes received so far."""
        return self._size

    @property
    def sha256(self) -> str:
        """SHA-256 of what was received, 64 hexadecimal digits. Raises DiskFailure where bytes must be read for it."""
        return self.digests()["sha256"]

    def digests(self) -> dict[str, str]:
        """Algorithm to hexadecimal digits: "sha256" and what was asked for. Reads what the kernel copied, once."""
        self._hash_copied()
        return self._digests.hexdigests()

    def fileno(self) -> int:
        """The open file, for reading at offsets; its position belongs to `write`."""
        if self._descriptor is None:
            raise RuntimeError("the upload is closed")
        return self._descriptor

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append bytes. Raises NoSpace, Forbidden, DiskFailure; the upload can then only be discarded."""
        self._require(State.RECEIVING)
        self._hash_copied()
        rest = memoryview(data).cast("B")
        try:
            while rest:
                count = os.pwrite(self.fileno(), rest, self._size)
                self._digests.update(rest[:count])
                self._size += count
                self._hashed = self._size
                rest = rest[count:]
        except OSError as error:
            raise translated(error, self._parked) from error
        if self._size - self._begun >= _AHEAD:
            kernel.begin_writing(self.fileno(), self._begun, self._size - self._begun)
            self._begun = self._size

    def append(self, source: Place) -> None:
        """Append a file of the tree, a chunk perhaps, without passing its bytes through here where that can be.

        Raises NotFound for the source, Conflict where it changes meanwhile, NoSpace, DiskFailure.
        """
        self._copy(source, keep_time=False)

    def copy(self, source: Place) -> None:
        """Become an independent copy of a file of the tree, with its modification time. Errors as `append`."""
        if self._size:
            raise RuntimeError("only an empty upload can become a copy")
        self._copy(source, keep_time=True)

    def seal(self, mtime_ns: int | None = None) -> FileStat:
        """Set the modification time (nanoseconds since 1970, None leaves it) and put bytes and time on the disk.

        Raises NoSpace, WritesSuspended.
        """
        self._require(State.SEALED)
        try:
            if mtime_ns is not None:
                set_mtime(self.fileno(), mtime_ns)
            self._disk.durability.sync_file(self.fileno())
            status = os.fstat(self.fileno())
        except OSError as error:
            raise translated(error, self._parked) from error
        self.state = State.SEALED
        return file_stat(status)

    def publish(self, place: Place, *, sync: bool = True) -> FileStat:
        """Give the file its name, which must be free; the stat after that, whose ctime is newer than the sealed one's.

        Without `sync` the name is on the disk only after `Tree.sync_folder(place.parent)`. Raises AlreadyExists,
        ParentMissing, Forbidden, NoSpace, WritesSuspended; after a failed sync the name stays, and is not promised.
        """
        self._require(State.PUBLISHED)
        self._disk.durability.check()
        with self._disk.parent(place) as folder:
            try:
                if self._disk.on_publish is not None:
                    self._disk.announce(place, os.fstat(self.fileno()))
                if self._named:
                    with self._disk.folder(_UPLOADS) as uploads:
                        kernel.rename_new(uploads, self._parked.name, folder, place.name)
                else:
                    kernel.link_open_file(self.fileno(), folder, place.name)
                self.state = State.PUBLISHED
                status = os.fstat(self.fileno())
            except OSError as error:
                raise translated(error, place) from error
            if sync:
                self._disk.sync_parent(place, folder)
        return file_stat(status)

    def park(self) -> Place:
        """Give the sealed file a hidden name that outlives a crash, for an intent to speak of. Errors as `publish`."""
        self._require(State.PARKED)
        self._disk.durability.check()
        with self._disk.folder(_UPLOADS) as uploads:
            if not self._named:
                try:
                    kernel.link_open_file(self.fileno(), uploads, self._parked.name)
                except OSError as error:
                    raise translated(error, self._parked) from error
                self._named = True
            self._disk.sync_folder(_UPLOADS, uploads)
        self.state = State.PARKED
        return self._parked

    def release_cache(self) -> None:
        """Let the system use the memory of a sealed file that is large for others; nothing where it was let go already.

        Uploads are written once and read later, if at all, and must not push out of memory what is being read; Plex
        reads its part from the disk. Nor do the pages of the next one have to be found anew: on virtual machines that
        give unused memory back to their host that took as long as all the rest of storing a photo.
        """
        if self._descriptor is not None:
            release_cache(self._descriptor, self._size)

    def discard(self) -> None:
        """Let go of the file, and of its bytes unless it was published. Any number of times, in any state."""
        if self._named and self.state is not State.PUBLISHED:
            # a name that can't be removed now is swept at the next start
            with contextlib.suppress(OSError, SumuError), self._disk.folder(_UPLOADS) as uploads:
                os.unlink(self._parked.name, dir_fd=uploads)
        self._named = False
        self._close()
        self.state = State.DISCARDED

    def _require(self, state: State) -> None:
        if state not in _NEXT[self.state]:
            raise RuntimeError(f"an upload that is {self.state.value} can't become {state.value}")

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _create(self) -> int:
        descriptor = self._disk.unnamed.create()
        if descriptor is not None:
            return descriptor
        flags = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_RDWR | os.O_CLOEXEC
        with self._disk.folder(_UPLOADS) as uploads:
            try:
                descriptor = os.open(self._parked.name, flags, FILE_MODE, dir_fd=uploads)
            except OSError as error:
                raise translated(error, self._parked) from error
        self._named = True
        return descriptor

    def _copy(self, source: Place, *, keep_time: bool) -> None:
        self._require(State.RECEIVING)
        origin = self._disk.open_file(source)
        try:
            before = os.fstat(origin)
            if keep_time:
                copied = copying.copy_all(origin, self.fileno(), before.st_size)
                set_mtime(self.fileno(), before.st_mtime_ns)
            else:
                copied = copying.append(origin, self.fileno(), self._size, before.st_size)
            after = os.fstat(origin)
        except OSError as error:
            raise translated(error, self._parked) from error
        finally:
            os.close(origin)
        self._size += copied
        # ctime says nothing here: a hard link or a rename beside the copying changes it too
        if (before.st_size, before.st_mtime_ns, copied) != (after.st_size, after.st_mtime_ns, after.st_size):
            raise Conflict(source.shown, "it changed while it was copied")

    def _hash_copied(self) -> None:
        while self._hashed < self._size:
            try:
                block = os.pread(self.fileno(), min(_BLOCK, self._size - self._hashed), self._hashed)
            except OSError as error:
                raise translated(error, self._parked) from error
            if not block:
                raise DiskFailure(self._parked.shown, "it ends before its size")
            self._digests.update(block)
            self._hashed += len(block)


def release_cache(descriptor: int, size: int) -> None:
    """Let the system use the memory of a file that is large for others, as far as it is on the disk."""
    if size >= _RELEASED_FROM:
        with given_up(), contextlib.suppress(OSError):  # advice: where it is not taken, the file reads the same
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def set_mtime(descriptor: int, mtime_ns: int) -> None:
    """Set the modification time alone, as near as the file system can hold it. Raises OSError."""
    nanoseconds = max(-_FARTHEST_NS, min(_FARTHEST_NS, mtime_ns))
    os.utime(descriptor, ns=(os.fstat(descriptor).st_atime_ns, nanoseconds))
