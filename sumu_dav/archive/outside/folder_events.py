"""What happens in whole trees of folders, from inotify(7), which tells of the names in single ones.

Knows folders and names, nothing of accounts and photos.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from inotify_simple import INotify, flags

from sumu_dav.library import is_junk

_CHANGES = (
    flags.CREATE | flags.DELETE | flags.MOVED_FROM | flags.MOVED_TO | flags.MODIFY | flags.CLOSE_WRITE | flags.ATTRIB
)
"""Not that a file was opened: the system would have to tell of every download, which took a sixth of a small one."""

_APPEARS = flags.CREATE | flags.MOVED_TO | flags.ATTRIB
"""After which a folder may hold what nobody told of; by ATTRIB where it may be read from now on."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The paths of what was made, changed or taken away, each once; overflowed: there was more than is kept."""

    paths: tuple[str, ...]
    overflowed: bool


class FolderEvents:
    """Everything below some folders, but junk, links, names that are no UTF-8, and what lies below those.

    Of a folder that comes with something in it only the folder is told. Raises OSError where the system refuses.
    """

    def __init__(self, roots: Iterable[str]) -> None:
        self._roots = tuple(roots)
        self._inotify = INotify()
        self._folders: dict[int, str] = {}

    def close(self) -> None:
        """Give all watches back."""
        self._inotify.close()

    def watch_all(self) -> None:
        """Begin, or find the folders that came while too much happened: nothing is missed from here on."""
        for root in self._roots:
            self._watch(root)

    def read(self) -> Heard:
        """What happened since the last time, without waiting."""
        paths: dict[str, None] = {}
        overflowed = False
        for watch, mask, _cookie, name in self._inotify.read(timeout=0):
            if mask & flags.Q_OVERFLOW:
                overflowed = True
            if mask & flags.IGNORED:
                self._folders.pop(watch, None)
            if not name or watch not in self._folders or not _counts(name):
                continue
            path = os.path.join(self._folders[watch], name)
            paths[path] = None
            if mask & flags.ISDIR:
                if mask & flags.MOVED_FROM:
                    self._leave(path)
                if mask & _APPEARS:
                    self._watch(path)
        return Heard(tuple(paths), overflowed)

    def _watch(self, path: str) -> None:
        waiting = [path]
        while waiting:
            folder = waiting.pop()
            # Gone since, not a folder any more, or not for us to read: the server can't list it either.
            with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
                self._folders[self._add(folder)] = folder
                with os.scandir(folder) as found:
                    folders = (each for each in found if each.is_dir(follow_symlinks=False))
                    waiting += [each.path for each in folders if _counts(each.name)]

    def _add(self, folder: str) -> int:
        """A folder has one watch, however often it is added, and keeps it under another name."""
        try:
            watch: int = self._inotify.add_watch(folder, _CHANGES | flags.ONLYDIR | flags.DONT_FOLLOW)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise OSError(errno.ENOSPC, "more folders than fs.inotify.max_user_watches allows", folder) from error
            raise
        return watch

    def _leave(self, path: str) -> None:
        below = path + os.sep
        for watch, folder in list(self._folders.items()):
            if folder == path or folder.startswith(below):
                del self._folders[watch]
                with suppress(OSError):  # deleted since: the system has given it back
                    self._inotify.rm_watch(watch)


def _counts(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return not is_junk(name)
