from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from sumu_dav.errors import (
    AlreadyExists,
    DiskFailure,
    Forbidden,
    IsCollection,
    NameRefused,
    NoSpace,
    NotFound,
    SumuError,
)
from sumu_dav.library import kernel
from sumu_dav.library.faults import translated
from sumu_dav.library.places import Place, Side
from sumu_dav.library.tree import Tree

PHOTO = Place(Side.VISIBLE, "alice", ("trip", "IMG_1.jpg"))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.ENOENT, NotFound),
        (errno.ENOTDIR, NotFound),
        (errno.ELOOP, NotFound),
        (errno.EEXIST, AlreadyExists),
        (errno.EISDIR, IsCollection),
        (errno.ENOSPC, NoSpace),
        (errno.EDQUOT, NoSpace),
        (errno.EROFS, Forbidden),
        (errno.EACCES, Forbidden),
        (errno.EPERM, Forbidden),
        (errno.EXDEV, Forbidden),
        (errno.EFBIG, Forbidden),
        (errno.ENAMETOOLONG, NameRefused),
        (errno.EILSEQ, NameRefused),
        (errno.EIO, DiskFailure),
        (errno.EMFILE, DiskFailure),
        (errno.ESTALE, DiskFailure),
    ],
)
def test_every_error_of_the_system_has_words_and_tells_no_path_of_the_disk(code: int, kind: type[SumuError]) -> None:
    error = translated(OSError(code, os.strerror(code), "/srv/plex/alice"), PHOTO)
    assert type(error) is kind
    assert "/srv/plex" not in str(error)


def test_a_kernel_or_sandbox_without_openat2_is_served_step_by_step(
    plex: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(folder: int, path: bytes, flags: int) -> int:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(kernel, "open_beneath", missing)
    tree = Tree.open(str(plex), None)
    tree.make_folders(PHOTO.parent)
    assert tree.is_folder(PHOTO.parent)
    tree.close()


def test_a_disk_that_can_not_be_read_is_not_taken_for_an_empty_one(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(folder: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "scandir", broken)
    with pytest.raises(DiskFailure, match="Input/output"):
        tree.scan(PHOTO.parent)
