"""Looking for changes where the system does not tell of them: network file systems, above all.

Knows folders and the stats of what is in them, nothing of photos.
"""

from __future__ import annotations

import os

from sumu_dav.archive.progress import Progress, nobody_looks
from sumu_dav.errors import NameRefused
from sumu_dav.library import Place, Side, Tree, is_junk

SILENT = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "virtiofs", "ceph", "glusterfs", "afs", "lustre", "davfs", "fuse"}
)
"""File systems on which others may write without this machine's kernel knowing; fuse with any kind behind a dot."""

_MOUNTS = "/proc/self/mountinfo"


def gives_no_events(path: str) -> bool:
    """Whether inotify misses what other machines do on the file system of a path (inotify(7), "Limitations").

    False where that can't be told.
    """
    try:
        with open(_MOUNTS, encoding="utf-8", errors="surrogateescape") as mounts:
            lines = mounts.read().splitlines()
    except OSError:
        return False
    best, kind = "", ""
    for line in lines:
        # 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw  (proc_pid_mountinfo(5))
        before, _, after = line.partition(" - ")
        point = before.split(" ")[4].replace("\\040", " ")
        if os.path.commonpath((point, path)) == point and len(point) >= len(best):
            best, kind = point, after.split(" ")[0]
    return kind.partition(".")[0] in SILENT


class FolderSigns:
    """Remembers what each folder of the visible tree held, as one number, and tells which now hold something else."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._signs: dict[str, dict[tuple[str, ...], int]] = {}

    def changed(self, user: str, progress: Progress = nobody_looks) -> set[tuple[str, ...]]:
        """The user's folders that changed since the last call; all that there are at the first. Raises Interrupted."""
        before, now = self._signs.get(user, {}), self._look(user, progress)
        self._signs[user] = now
        return {parts for parts, sign in now.items() if before.get(parts) != sign} | (before.keys() - now.keys())

    def _look(self, user: str, progress: Progress) -> dict[tuple[str, ...], int]:
        signs: dict[tuple[str, ...], int] = {}
        waiting: list[tuple[str, ...]] = [()]
        while waiting:
            parts = waiting.pop()
            progress("looking for changes", len(signs), None)
            try:
                entries = self._tree.scan(Place(Side.VISIBLE, user, parts))
            except NameRefused:  # deeper than any album can be
                continue
            signs[parts] = hash(frozenset((entry.name, None if entry.is_folder else entry.stat) for entry in entries))
            waiting.extend((*parts, each.name) for each in entries if each.is_folder and not is_junk(each.name))
        return signs
