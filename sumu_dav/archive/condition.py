"""What keeps the archive from doing its work, in words: for whoever watches over it.

Asked at any time and by anyone, so each question costs a system call or two, and no answer names a user. Mends nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sumu_dav.errors import SumuError
from sumu_dav.library import Place, Side

if TYPE_CHECKING:
    from sumu_dav.archive.archive import Archive


def problems(archive: Archive, min_free: int) -> list[str]:
    """All of them; none while all is well. `min_free` is bytes."""
    found = [f"writing is suspended: {archive.suspended}"] if archive.suspended is not None else []
    if not archive.tree.marker_present():
        found.append("the Plex folder is not mounted, or not the one that the state belongs to")
    else:
        try:
            found.extend(_of_the_trees(archive, min_free))
        except SumuError:
            found.append("the disk of the Plex folder fails; the system's log says how")
    if archive.watcher.has_died:
        found.append("changes by other programs are not noticed any more; a restart is needed")
    return found


def _of_the_trees(archive: Archive, min_free: int) -> Iterator[str]:
    tree = archive.tree
    if tree.free() < min_free:
        yield "the disk of the Plex folder is nearly full"
    try:
        tree.try_writing()
    except SumuError as error:
        if archive.suspended is None:
            yield f"the hidden tree can't be written: {error}"
    folders = [Place(Side.VISIBLE, user) for user in archive.desk.users()]
    there = [folder for folder in folders if tree.is_folder(folder)]
    if not all(tree.takes_names(folder) for folder in (Place(Side.VISIBLE, ""), *there)):
        yield "the Plex folder can't be written"
    photographers = archive.catalog.users()
    if any(folder.user in photographers for folder in folders if folder not in there):
        # what is missing with its folder is not set aside: a disk that is not mounted must not look like deletion
        yield "the folder of a user who has photos is missing; their records wait for it"
