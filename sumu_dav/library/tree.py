"""The two trees on disk, by places: looking, making, renaming, removing, and where uploads begin.

Every write to either tree goes through here and is on the disk when the call returns. Knows no user, no album and no
record; decides nothing about names, and never follows a symbolic link.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from sumu_dav.errors import AlreadyExists, NotFound, TreeMissing
from sumu_dav.library import joining, kernel, moves
from sumu_dav.library.disk import Disk, OnPublish, counts, file_stat
from sumu_dav.library.faults import translated
from sumu_dav.library.layout import read_marker, settle
from sumu_dav.library.names import is_text
from sumu_dav.library.places import HIDDEN_ROOT, Place, Side
from sumu_dav.library.uploads import Upload, release_cache, set_mtime
from sumu_dav.model import FileStat


@dataclass(frozen=True, slots=True)
class FolderStat:
    """What tells an unchanged folder (its own names, not what is below): times in nanoseconds."""

    mtime_ns: int
    ctime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a folder."""

    name: str
    is_folder: bool
    stat: FileStat


class Tree:
    """The Plex folder and all below it. Thread-safe.

    Besides what each call names, any may raise Forbidden (read-only disk, missing right), NameRefused (a name or path
    that the disk can't hold) and DiskFailure; any write NoSpace, and WritesSuspended once a sync has failed.
    """

    def __init__(self, plex: str, tree_id: str, disk: Disk) -> None:
        """For `Tree.open`, which checks first."""
        self.id = tree_id
        self._plex = plex
        self._disk = disk

    @classmethod
    def open(cls, plex: str, expected_id: str | None, *, resolve: kernel.Resolver | None = None) -> Tree:
        """The tree at `plex`, which must carry the marker `expected_id`.

        With None, at the first start, folder and marker are made where they are missing, and a marker that is there is
        taken. `resolve` is the way down from the Plex folder, by default the fastest that the kernel has. Raises
        TreeMissing.
        """
        try:
            if expected_id is None:
                os.makedirs(plex, exist_ok=True)
            root = os.open(plex, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise TreeMissing(plex, error.strerror or str(error)) from error
        try:
            return cls(plex, settle(plex, root, expected_id), Disk(root, resolve))
        except OSError as error:
            os.close(root)
            raise TreeMissing(plex, error.strerror or str(error)) from error
        except TreeMissing:
            os.close(root)
            raise

    def close(self) -> None:
        """Let go of the Plex folder. Nothing may be in use any more."""
        self._disk.unnamed.clear()
        self._disk.close()

    @property
    def suspended(self) -> str | None:
        """Why writes are refused until a restart; None while all is well."""
        return self._disk.durability.suspended

    @property
    def on_publish(self) -> OnPublish | None:
        """Called with place and stat of a file before its name appears (its ctime will still change)."""
        return self._disk.on_publish

    @on_publish.setter
    def on_publish(self, watcher: OnPublish | None) -> None:
        self._disk.on_publish = watcher

    def on_sync(self, listener: Callable[[float], None]) -> None:
        """Have the seconds told that each sync of a file or folder takes."""
        self._disk.durability.on_sync = listener

    def marker_present(self) -> bool:
        """Whether the Plex path leads to this very tree now. A disk that was mounted again is taken up by that."""
        try:
            found = os.open(self._plex, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            if read_marker(found) != self.id:
                return False
            if not os.path.samestat(os.fstat(found), os.fstat(self._disk.root)):
                os.dup2(found, self._disk.root, inheritable=False)  # in one step, for threads that are on their way
            return True
        except OSError:
            return False
        finally:
            os.close(found)

    # Looking

    def stat(self, place: Place) -> FileStat | None:
        """Of a regular file; None for all else."""
        return self.look(place)[0]

    def look(self, place: Place) -> tuple[FileStat | None, bool]:
        """Both at once: the stat of a regular file, and whether a folder is there."""
        status = self._disk.status(place)
        if status is None or stat.S_ISDIR(status.st_mode):
            return None, status is not None
        return file_stat(status), False

    def has(self, place: Place) -> bool:
        """Whether a file or a folder is there."""
        return self._disk.status(place) is not None

    def is_folder(self, place: Place) -> bool:
        """Whether a folder is there."""
        return self.look(place)[1]

    def folder_stat(self, place: Place) -> FolderStat | None:
        """Of a folder; None for all else."""
        status = self._disk.status(place)
        if status is None or not stat.S_ISDIR(status.st_mode):
            return None
        return FolderStat(status.st_mtime_ns, status.st_ctime_ns, status.st_ino)

    def open_file(self, place: Place) -> int:
        """A descriptor of a regular file for reading, the caller's to close. Raises NotFound for all else."""
        return self._disk.open_file(place)

    def open_with_stat(self, place: Place) -> tuple[int, FileStat]:
        """The same, and the stat of what was opened, whatever lies at the place by now."""
        descriptor, status = self._disk.open_with_status(place)
        return descriptor, file_stat(status)

    def scan(self, place: Place) -> list[Entry]:
        """The files and folders in a folder, in no order; none where there is no folder.

        Left out: links and special files, names that are no UTF-8, the hidden tree, and what goes while this looks.
        """
        return list(self.walk(place))

    def walk(self, place: Place) -> Iterator[Entry]:
        """The same one by one, in bounded memory; holds a descriptor until it is exhausted or closed."""
        has_hidden = place.is_root and place.side is Side.VISIBLE
        try:
            with self._disk.folder(place) as folder, os.scandir(folder) as found:
                for one in found:
                    if not is_text(one.name):
                        continue
                    try:
                        status = one.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    if counts(status) and not (has_hidden and one.name == HIDDEN_ROOT):
                        yield Entry(one.name, stat.S_ISDIR(status.st_mode), file_stat(status))
        except NotFound:
            return
        except OSError as error:
            raise translated(error, place) from error

    def names(self, place: Place) -> list[str]:
        """All names in a folder, whatever they are names of, without a stat of each; none where there is no folder."""
        try:
            with self._disk.folder(place) as folder:
                found = os.listdir(folder)
        except NotFound:
            return []
        except OSError as error:
            raise translated(error, place) from error
        return [name for name in found if is_text(name)]

    def folders(self, place: Place, before: Callable[[int], object]) -> list[str]:
        """The names of the folders in a folder, without a stat of each; `before` gets its descriptor first.

        Raises NotFound, Forbidden, DiskFailure.
        """
        with self._disk.folder(place) as folder:
            before(folder)
            try:
                with os.scandir(folder) as found:
                    names = [each.name for each in found if each.is_dir(follow_symlinks=False)]
            except OSError as error:
                raise translated(error, place) from error
        return [name for name in names if is_text(name)]

    def free(self) -> int:
        """Bytes free on the disk of the trees."""
        return self._disk.free()

    def try_writing(self) -> None:
        """Write a little out of sight, and let it go again. Raises what an upload would meet now."""
        with Upload(self._disk) as upload:
            upload.write(b"\n")

    def takes_names(self, place: Place) -> bool:
        """Whether a folder is there in which names may be made, as far as rights and the way of mounting tell."""
        try:
            with self._disk.folder(place) as folder:
                return os.access(".", os.W_OK | os.X_OK, dir_fd=folder)
        except NotFound:
            return False

    # Names

    def make_folder(self, place: Place) -> None:
        """Make one folder. Raises ParentMissing, AlreadyExists."""
        self._disk.make_folder(place)

    def make_folders(self, place: Place) -> None:
        """Make a folder and those above it, as far as they are missing. Raises AlreadyExists where a file is."""
        if self.is_folder(place):
            return
        if not place.is_root:
            self.make_folders(place.parent)
        try:
            self._disk.make_folder(place)
        except AlreadyExists:
            if not self.is_folder(place):  # else another thread was faster
                raise

    def remove_folder(self, place: Place) -> bool:
        """Remove an empty folder; False where there is nothing. Raises Conflict for a full one, and for a file."""
        return moves.remove_folder(self._disk, place)

    def remove(self, place: Place) -> bool:
        """Remove a file; False where there is nothing. Raises IsCollection."""
        return moves.remove_file(self._disk, place)

    def withdraw(self, place: Place, to: Place) -> bool:
        """Take a file away as `remove` does, but hold its bytes at a parked place, from where `rename` brings it back.

        Costs no more than `remove`. Raises IsCollection.
        """
        return moves.withdraw(self._disk, place, to)

    def remove_tree(self, place: Place) -> bool:
        """Remove a file, or a folder and all that is below it; False where there is nothing.

        Takes several steps, so it is for what nobody misses. Raises ValueError on the visible side.
        """
        if place.side is Side.VISIBLE:
            raise ValueError("nothing in the visible tree is removed by the folder")
        return moves.remove_all(self._disk, place)

    def rename(self, source: Place, target: Place, *, replace: bool) -> FileStat | None:
        """Give a file or folder another name, in one step; the file's new stat (ctime changes), None for a folder.

        With `replace` a file takes the place of a file, and a folder that of an empty folder. Both folders are synced.
        Raises NotFound, ParentMissing, AlreadyExists, IsCollection, Conflict (a folder into itself).
        """
        return moves.rename(self._disk, source, target, replace=replace)

    def keep(self, source: Place, target: Place) -> FileStat:
        """Give a file a second name, which holds its bytes while a rename replaces the first one.

        A hard link, or a copy where the file system has none; the stat of `source` after it (a link changes ctime).
        Raises NotFound, IsCollection, ParentMissing, AlreadyExists.
        """
        return moves.keep(self._disk, source, target)

    def set_times(self, place: Place, mtime_ns: int) -> FileStat:
        """Set a file's modification time (nanoseconds since 1970), durably; the stat after it. Raises NotFound."""
        self._disk.durability.check()
        descriptor = self._disk.open_file(place)
        try:
            set_mtime(descriptor, mtime_ns)
            self._disk.durability.sync_file(descriptor)
            return file_stat(os.fstat(descriptor))
        except OSError as error:
            raise translated(error, place) from error
        finally:
            os.close(descriptor)

    def sync_folder(self, place: Place) -> None:
        """Put the names in a folder on the disk; threads that wait for one folder share. Raises NotFound."""
        with self._disk.folder(place) as folder:
            self._disk.sync_folder(place, folder)

    # Uploads

    def receive(self, *, expected: int | None = None, also: Collection[str] = ()) -> Upload:
        """An empty upload. `expected` bytes are reserved; `also` names checksums beside SHA-256 (`digests.ALGORITHMS`).

        Raises NoSpace before the first byte where the disk can tell, ValueError for an unknown checksum.
        """
        return Upload(self._disk, expected=expected, also=also)

    def clone(self, source: Place) -> Upload:
        """An upload that holds an independent copy of a file, with its modification time: shared blocks, never a link.

        Raises NotFound, and Conflict where the file changes meanwhile.
        """
        upload = Upload(self._disk)
        try:
            upload.copy(source)
        except BaseException:
            upload.discard()
            raise
        return upload

    def assemble(self, places: Iterable[Place], *, also: Collection[str] = ()) -> Upload:
        """An upload that holds these files one after the other. Raises NotFound, Conflict."""
        upload = Upload(self._disk, also=also)
        try:
            for place in places:
                upload.append(place)
        except BaseException:
            upload.discard()
            raise
        return upload

    def extend(self, target: Place, at: int, sources: Iterable[Place]) -> FileStat:
        """Append files to one on the chunks' side from byte `at` on, over what lay beyond; durably. Its stat after it.

        `target` is made where it is missing; the sources stay. After an error its first `at` bytes are as they were.
        Raises NotFound (a source), Conflict (shorter than `at`, or a source that changes), ParentMissing, ValueError.
        """
        return joining.extend(self._disk, target, at, sources)

    def release_cache(self, place: Place) -> None:
        """What `Upload.release_cache` does, for a file that lies in a tree. Raises NotFound."""
        descriptor, status = self._disk.open_with_status(place)
        try:
            release_cache(descriptor, status.st_size)
        finally:
            os.close(descriptor)

    def leftovers(self) -> list[Place]:
        """The parked and unfinished uploads that have a name. Only at a start do they belong to nobody."""
        uploads = Place(Side.PARKED, "")
        return [uploads.child(entry.name) for entry in self.scan(uploads)]

    def sweep(self, keep: Collection[Place]) -> int:
        """At a start, remove the uploads that no intent names; how many there were."""
        self._disk.unnamed.clear()
        return sum(self.remove_tree(place) for place in self.leftovers() if place not in keep)
