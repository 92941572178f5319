"""What happens in whole trees of folders, from inotify(7), which tells of the names in single ones.

Knows users' folders and names, nothing of photos.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from inotify_simple import INotify, flags

from sumu_dav.archive.progress import Progress, nobody_looks
from sumu_dav.errors import Forbidden, NameRefused, NotFound
from sumu_dav.library import Place, Side, Tree, is_junk, is_text
from sumu_dav.library.places import MAX_DEPTH

Where = tuple[str, tuple[str, ...]]
"""A user and the parts of a path below."""

_CHANGES = (
    flags.CREATE | flags.DELETE | flags.MOVED_FROM | flags.MOVED_TO | flags.MODIFY | flags.CLOSE_WRITE | flags.ATTRIB
)
"""Not that a file was opened: the system would have to tell of every download, which took a sixth of a small one."""

_MAY_APPEAR = flags.CREATE | flags.MOVED_TO | flags.MOVED_FROM
"""After which a folder may be there that is not watched; by MOVED_FROM where two changed places in one step."""

_LOSES_TOP = flags.IGNORED | flags.MOVE_SELF
"""After which a user's folder may be another one."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was made, changed or taken away, each once. `incomplete`: there was more, and nobody knows what."""

    paths: tuple[Where, ...]
    incomplete: bool


@dataclass(eq=False, slots=True)
class _Folder:
    """A folder that is watched, and those in it. Without `above` it is a user's, or has left its place."""

    watch: int
    name: str
    above: _Folder | None = None
    below: dict[str, _Folder] = field(default_factory=dict)

    def way_up(self) -> list[_Folder]:
        way = [self]
        while (above := way[-1].above) is not None:
            way.append(above)
        return way

    def leave(self) -> None:
        """Be no longer where it was."""
        if self.above is not None and self.above.below.get(self.name) is self:
            del self.above.below[self.name]
        self.above = None


class FolderEvents:
    """Everything below the folders of some users, but junk, links, names that are no UTF-8, and what is below those.

    Of a folder that comes with something in it only the folder is told. Raises OSError where the system refuses to
    watch, DiskFailure, and Interrupted.
    """

    def __init__(self, tree: Tree, users: Iterable[str], progress: Progress = nobody_looks) -> None:
        self._tree = tree
        self._users = tuple(users)
        self._progress = progress
        self._inotify = INotify()
        self._folders: dict[int, _Folder] = {}
        self._tops: dict[str, _Folder] = {}
        self._left: list[_Folder] = []
        self._met_closed = False

    def close(self) -> None:
        """Give all watches back."""
        self._inotify.close()

    def watch_all(self) -> None:
        """Begin, or begin again where something was missed: from here on nothing is."""
        before = self._folders
        self._folders, self._tops = {}, {}
        self._met_closed = False
        for user in self._users:
            self._watch(None, user)
        for watch in before.keys() - self._folders.keys():
            self._give_back(watch)

    def read(self) -> Heard:
        """What happened since the last time, without waiting."""
        paths: dict[Where, None] = {}
        incomplete = False
        for watch, mask, _cookie, name in self._inotify.read(timeout=0):
            folder = self._folders.get(watch)
            if mask & flags.Q_OVERFLOW or (mask & _LOSES_TOP and folder in self._tops.values()):
                incomplete = True
            if folder is None:
                continue
            if mask & flags.IGNORED:
                self._forget(folder)
            elif mask & flags.MOVED_FROM and name in folder.below:
                self._put_aside(folder.below[name])
            where = self._where(folder, name)
            if where is None or not name or not is_text(name) or is_junk(name):
                continue
            paths[where] = None
            if mask & flags.ISDIR and (mask & _MAY_APPEAR or (mask & flags.ATTRIB and self._met_closed)):
                self._watch(folder, name)
        self._clear_left()
        return Heard(tuple(paths), incomplete)

    def _where(self, folder: _Folder | None, name: str) -> Where | None:
        """None where the folder has left, or the name is deeper than any album can be."""
        if folder is None:
            return name, ()
        *below, top = folder.way_up()
        if self._tops.get(top.name) is not top or len(below) >= MAX_DEPTH:
            return None
        return top.name, (*(each.name for each in reversed(below)), name)

    def _watch(self, above: _Folder | None, name: str) -> None:
        """A folder, if it is there, and all below."""
        waiting = [(above, name)]
        while waiting:
            self._progress("watching folders", len(self._folders), None)
            waiting += self._enter(*waiting.pop())

    def _enter(self, above: _Folder | None, name: str) -> list[tuple[_Folder, str]]:
        """Watch one folder; the ones in it."""
        where = self._where(above, name)
        if where is None:
            return []
        found: list[_Folder] = []
        try:
            names = self._tree.folders(
                Place(Side.VISIBLE, *where), lambda opened: self._add(opened, above, name, found)
            )
        except (NotFound, NameRefused):  # gone since, or not what a client could ask for
            return []
        except Forbidden:
            self._met_closed = True
            return []
        return [(folder, each) for folder in found for each in names if not is_junk(each)]

    def _add(self, opened: int, above: _Folder | None, name: str, found: list[_Folder]) -> None:
        """A folder has one watch, however often it is added, and keeps it wherever it is moved."""
        try:
            # By descriptor: a path could lead through a link by now, to a folder that has another path.
            watch: int = self._inotify.add_watch(f"/proc/self/fd/{opened}", _CHANGES | flags.MOVE_SELF)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise OSError(errno.ENOSPC, "more folders than fs.inotify.max_user_watches allows") from error
            raise
        folder = self._folders.setdefault(watch, _Folder(watch, name))
        if above is None:
            folder.leave()
            self._tops[name] = folder
        elif folder in above.way_up():  # moved again since: of where it is now it will be told
            return
        elif above.below.get(name) is not folder:
            if name in above.below:
                self._put_aside(above.below[name])
            folder.leave()
            folder.name, folder.above = name, above
            above.below[name] = folder
        found.append(folder)

    def _forget(self, folder: _Folder) -> None:
        folder.leave()
        del self._folders[folder.watch]
        for each in list(folder.below.values()):
            self._put_aside(each)

    def _put_aside(self, folder: _Folder) -> None:
        folder.leave()
        self._left.append(folder)

    def _clear_left(self) -> None:
        """Give the watches back of what was not found in another place."""
        waiting = [folder for folder in self._left if folder.above is None]
        self._left.clear()
        while waiting:
            folder = waiting.pop()
            waiting += folder.below.values()
            if self._folders.pop(folder.watch, None) is not None:
                self._give_back(folder.watch)

    def _give_back(self, watch: int) -> None:
        with suppress(OSError):  # deleted since: the system has it
            self._inotify.rm_watch(watch)
