"""What the Plex folder holds of the server's own: the hidden tree's folders, and the marker that names the tree.

The marker tells this tree from another one, or from an empty folder where its disk should be mounted: one line, a UUID,
in `.sumu/tree-id`; the state remembers which one it belongs to. Knows descriptors and raises OSError and TreeMissing.
"""

from __future__ import annotations

import os
import uuid

from sumu_dav.errors import TreeMissing
from sumu_dav.library.faults import ABSENT
from sumu_dav.library.kernel import spread_below, walk_beneath
from sumu_dav.library.places import FOLDER_MODE, HIDDEN_ROOT, Place, Side

_HIDDEN_MODE = 0o700
"""Of `.sumu` itself: Plex has no business in it, and the trash is nobody else's."""

_NAME = "tree-id"
_PATH = f"{HIDDEN_ROOT}/{_NAME}".encode()
_LENGTH = 36
"""Characters of a UUID in text."""


def settle(plex: str, root: int, expected_id: str | None) -> str:
    """Check the tree whose folder is open as `root` and make what it lacks; returns its id.

    With None for `expected_id`, at the first start, a missing marker is written and one that is there is taken. Raises
    TreeMissing, and OSError.
    """
    found = read_marker(root)
    if expected_id is not None and found != expected_id:
        reason = "another tree is there" if found else f"{_PATH.decode()} is missing; is its disk mounted?"
        raise TreeMissing(plex, reason)
    _make_durably(root, HIDDEN_ROOT, _HIDDEN_MODE)
    hidden = walk_beneath(root, HIDDEN_ROOT.encode(), os.O_RDONLY | os.O_DIRECTORY)
    try:
        if os.fstat(hidden).st_dev != os.fstat(root).st_dev:
            raise TreeMissing(plex, f"{HIDDEN_ROOT} in it must lie on the same file system")
        for side in Side:
            if side is not Side.VISIBLE:
                name = os.path.basename(Place(side, "").path)
                if _make_durably(hidden, name.decode(), FOLDER_MODE) and side is Side.BEGUN:
                    _spread(hidden, name)
    finally:
        os.close(hidden)
    return found or write_marker(root)


def _spread(hidden: int, name: bytes) -> None:
    """Let each folder in this one be in a part of the disk of its own (`unnamed.FILES_A_FOLDER`)."""
    folder = walk_beneath(hidden, name, os.O_RDONLY | os.O_DIRECTORY)
    try:
        spread_below(folder)
    finally:
        os.close(folder)


def _make_durably(folder: int, name: str, mode: int) -> bool:
    """False where the folder was there before."""
    try:
        os.mkdir(name, mode, dir_fd=folder)
    except FileExistsError:
        os.close(walk_beneath(folder, name.encode(), os.O_PATH | os.O_DIRECTORY))  # raises where it is no folder
        return False
    os.fsync(folder)
    return True


def read_marker(root: int) -> str | None:
    """The id in the tree's marker; None where there is no marker, or one that holds no id. Raises OSError."""
    try:
        descriptor = walk_beneath(root, _PATH, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in ABSENT:
            return None
        raise
    try:
        written = os.read(descriptor, _LENGTH + 1)
    finally:
        os.close(descriptor)
    try:
        return str(uuid.UUID(written.decode("ascii").strip()))
    except ValueError:
        return None


def write_marker(root: int) -> str:
    """Mark a tree that has no marker with a new id, durably: whole or not at all. Raises OSError."""
    tree_id = str(uuid.uuid4())
    hidden = walk_beneath(root, HIDDEN_ROOT.encode(), os.O_RDONLY | os.O_DIRECTORY)
    try:
        temporary = f"{_NAME}.new"
        flags = os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o644, dir_fd=hidden)
        try:
            os.write(descriptor, f"{tree_id}\n".encode("ascii"))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(temporary, _NAME, src_dir_fd=hidden, dst_dir_fd=hidden)
        os.fsync(hidden)
    finally:
        os.close(hidden)
    return tree_id
